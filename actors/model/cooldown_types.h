#pragma once
// The words of cooldown (spec/jobs.md section B): what lies in a remote store, who may put it there, and which
// set of it counts.
//
//   data/<tablet>/<replica>.<term>.<nonce>.<first>-<last>.seg   a rowset's segment file, byte for byte
//   data/<tablet>/<replica>.<term>.<seq>.<nonce>.meta           a remote_meta; counts once the edit log names it
//
// No key is written twice: term and nonce belong to one uploader's time in office (design/testing.md U3).
#include "actors/model/ids.h"
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::model {

enum class resource_id : std::uint64_t {};       ///< A remote store as the catalog knows it.  0: none.
enum class storage_policy_id : std::uint64_t {}; ///< 0: none, data stays hot.

/// Names a replica's exact set of remote rowsets, and orders such sets (spec/jobs.md I1, U9): the uploader that
/// changes its set takes seq = 1 + max(its own, the published one's) in its term; nobody follows to a lower one.
struct remote_meta_id {
  model::term term{};  ///< 0: the replica has no remote rowsets and never had.
  std::uint64_t seq{};
  friend auto operator<=>(const remote_meta_id&, const remote_meta_id&) = default;
};

struct remote_rowset {
  std::string object; ///< Last segment of its key; empty: a rowset without rows, which has no object.
  txn_id txn{};       ///< The load that brought it; 0: several, merged by cold compaction.
  version first_version{};
  version last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};  ///< Of its rows; the object has a head and a footer besides (rowset_file.h).
  std::uint32_t blocks{}; ///< 0: no object.
  friend bool operator==(const remote_rowset&, const remote_rowset&) = default;
};

/// A tablet's remote rowsets as its uploader publishes them (U5).  They follow each other without a gap from
/// version_initial + 1 on.
struct remote_meta {
  tablet_id tablet{};
  replica_id uploader{};
  remote_meta_id id;
  resource_id resource{};
  std::vector<remote_rowset> rowsets;
  friend bool operator==(const remote_meta&, const remote_meta&) = default;
};

/// What the log says of the remote_meta that counts.  One without a resource says that nothing is remote (a recall): it
/// has no object and ends at version_initial.
struct published_meta {
  remote_meta_id id;
  resource_id resource{};
  std::string object;     ///< Last segment of its key.
  std::uint32_t crc32c{}; ///< Of the object's bytes.
  version last_version{}; ///< version_initial: it lists no rowsets.
  std::uint64_t bytes{};  ///< Of all objects it names, itself included.
  friend bool operator==(const published_meta&, const published_meta&) = default;
};
[[nodiscard]] constexpr bool is_recall(const published_meta& meta) { return raw(meta.resource) == 0; }
[[nodiscard]] inline published_meta nothing_remote(const remote_meta_id& id) {
  return {id, resource_id{}, {}, 0, version_initial, 0};
}

/// Who may upload, by the log (spec/jobs.md B2, U8).  Kept for tablets under a policy only.
struct cooldown_conf {
  /// UPLOAD_DATA; every other replica is USE_REMOTE_DATA.  0: nobody (revoked).  One that is no replica of the tablet
  /// any more is named until another grant: it may believe in its lease, and the leader must know whom it waits for.
  replica_id uploader{};
  model::term term{};    ///< Grows with every grant and every revocation; 0: none yet.
  std::optional<published_meta> published;
  /// Id of the last publication that left nothing remote; 0.0: there was none.  A replica whose own set is older brings
  /// its rowsets home under this very id before it follows anything: what is published may reach less far than it does.
  remote_meta_id recalled{};
  friend bool operator==(const cooldown_conf&, const cooldown_conf&) = default;
};

} // namespace tabletd::model
