#pragma once
// A small checksummed file of `name = value` lines that says whose a directory is.
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace tabletd {

/// Names are lower-case words, values are lower-case letters and digits.
using identity = std::map<std::string, std::string>;

/// Nothing if there is no such file; storage_error(corrupt) if it was damaged or edited.
[[nodiscard]] std::optional<identity> read_identity(const std::filesystem::path& file);
void write_identity_durably(const std::filesystem::path& file, const identity& lines);

/// Whether `cluster` is 32 lower-case hex digits, as cluster ids are written.
[[nodiscard]] bool is_cluster_id(const std::string& cluster);
/// Ties `lines` to (cluster, owner), the owner's number under `owner_name`.  True: `lines`
/// changed and must be written.  storage_error(foreign): they are tied to another pair.
bool bind_identity(identity& lines, const std::string& cluster, const std::string& owner_name, std::uint64_t owner,
                   const std::filesystem::path& directory);

}  // namespace tabletd
