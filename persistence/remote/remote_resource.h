#pragma once
// From the properties of a resource to the store they name: one function for the front end, which tries a store
// before anything depends on it, and for backends, which use it.
#include "persistence/remote/remote_store.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tabletd {

using remote_properties = std::span<const std::pair<std::string, std::string>>;

/// `type` "file": `root`.  "s3": `endpoint`, `bucket`, `root_path` and, if given, `region`, `ca_file`,
/// `credentials_file` (else the environment has the credentials).  Throws remote_error(unusable): the properties
/// cannot be right, or the directory is not there.  An S3 store is not asked anything yet.
[[nodiscard]] std::unique_ptr<remote_store> open_remote_store(std::string_view type, remote_properties properties);

/// Says whose a store is: an object with the cluster's id, written once.  Two clusters give out the same tablet ids,
/// so one that deletes what it does not know would delete the other's data.
inline constexpr std::string_view cluster_mark = "tabletd-cluster";

/// Whether uploads of `cluster` (its id, in text) may depend on the store: it has conditional create (remote_probe.h)
/// and is no other cluster's, which is then marked.  Empty, or a sentence that says why not and what to do.  Blocks for
/// as long as `time_left` says.  `random`: new each time.
[[nodiscard]] std::string fault_of_remote_store(std::string_view type, remote_properties properties,
                                                std::string_view cluster, std::uint64_t random,
                                                const time_left_fn& time_left);

}  // namespace tabletd
