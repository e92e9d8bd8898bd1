#pragma once
// A replica's set of remote rowsets and how it becomes another one: by following the published set, by a clone, and
// what that leaves unused in the store (spec/jobs.md B8 to B10, U5, U9).
//
// A set's id never goes down at a replica and determines the set; that is what lets the leader say, from reports that
// are old, that nobody uses an object any more.
#include "actors/model/cooldown_due.h"

#include <set>
#include <string_view>
#include <variant>

namespace tabletd::model {

/// What a replica's disk says.  Rowsets ascend; the remote ones follow version_initial without a gap.
struct replica_disk {
  tablet_id tablet{};
  replica_id replica{};
  remote_meta_id id;
  std::vector<remote_rowset> remote;
  std::vector<hot_rowset> hot;
  /// The leader was or is about to be asked to publish this.  Saved before it is asked and kept, by clones too, until
  /// it is known what came of it: a request may still be on its way long after its sender has crashed.
  std::optional<published_meta> asked;
  resource_id resource{};  ///< Where its remote rowsets lie.
  friend bool operator==(const replica_disk&, const replica_disk&) = default;
};

/// version_initial: none.
[[nodiscard]] version last_version_of(const std::vector<remote_rowset>& rowsets);

// -- names of objects ----------------------------------------------------------------------
/// Who writes: no two tenures share a term, no two attempts of a tenure a nonce.
struct object_writer {
  replica_id replica{};
  model::term term{};
  std::uint64_t nonce{};
};
[[nodiscard]] std::string segment_object(const object_writer& writer, version first, version last);
[[nodiscard]] std::string meta_object(const object_writer& writer, std::uint64_t seq);
/// The term in a name of either shape; nothing: it is no name of ours.
[[nodiscard]] std::optional<model::term> term_in_name(std::string_view object);

// -- metas ---------------------------------------------------------------------------------
/// Why `meta`, read from the store, is not what was published for the tablet; empty: it is.
[[nodiscard]] std::string defect_of(const remote_meta& meta, tablet_id tablet, const published_meta& published);

/// What a replica saves, all in one durable write.  Local files go only after it (B8), and so do refs to remote ones.
struct set_change {
  remote_meta_id from;  ///< The id the plan was made for; at another one it must not be applied.
  remote_meta_id to;
  std::vector<remote_rowset> remote;  ///< All of them, after the change.
  std::size_t kept = 0;               ///< So many at the front stay as they are.
  std::vector<remote_rowset> remote_dropped;
  std::vector<hot_rowset> hot_dropped;
  std::vector<hot_rowset> hot_added;  ///< By a clone or from the remote store.
  friend bool operator==(const set_change&, const set_change&) = default;
};
enum class set_refusal : std::uint8_t { nothing_new, would_go_back, not_aligned, damaged };
struct set_refused {
  set_refusal kind{};
  std::string why;
  friend bool operator==(const set_refused&, const set_refused&) = default;
};
using set_plan = std::variant<set_change, set_refused>;

/// B8 with U9: refused unless the meta's id is greater, no remote rowset ends behind it and a rowset ends exactly where
/// it does.  The common front is found by equality of the rowsets, objects included, not by versions (#32798).
[[nodiscard]] set_plan plan_follow(const replica_disk& own, const remote_meta& meta);

/// A recall: what is remote becomes local, rowset by rowset, and the set with nothing in it has the id `recalled`.
[[nodiscard]] set_change plan_home(const replica_disk& own, remote_meta_id recalled);

/// What a clone's source had when its snapshot was opened.
struct cloned_set {
  remote_meta_id id;
  std::vector<remote_rowset> remote;
  std::vector<hot_rowset> hot;
};
/// The greater of the two remote sets stays, so that no clone, full ones included, takes an id back (B10); local
/// rowsets the destination lacks come from the source.  Since a recall the greater set may reach less far: then the
/// source's local rowsets must fill the gap, or a full clone is refused until the source has come home.  Of its own
/// local rowsets a full clone keeps only those behind the source's last version: they were loaded after the snapshot.
[[nodiscard]] set_plan plan_clone(const replica_disk& own, const cloned_set& source, bool full);

void apply(replica_disk& disk, const set_change& change);

// -- cleanup -------------------------------------------------------------------------------
/// B9 path 3.  Of `listing`, which was made before the other arguments were looked at, what nobody needs: not the
/// published meta, no object it names, nothing pending, no name of a foreign shape or of a term after `tenure`.
[[nodiscard]] std::vector<std::string> plan_cleanup(const std::vector<std::string>& listing,
                                                    const published_meta& published,
                                                    const std::vector<remote_rowset>& rowsets,
                                                    const std::set<std::string>& pending, term tenure);

}  // namespace tabletd::model
