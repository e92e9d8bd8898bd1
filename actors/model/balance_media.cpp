// Replicas on disks of another medium than their partition wants.  They go to a disk of that medium of
// their own backend: no copy over the network, and hosts stay as they are.  Where the backend has none
// they stay, and the standing says so; new replicas prefer such disks anyway (spec/replica.md 9.2, C23).
#include "actors/model/balance_search.h"
#include <algorithm>

namespace tabletd::model::balancing {

/// Why nothing of the backend, however small, can go to such a disk now; none if something can.
balance_block search::blocked_from(slot backend, medium wanted) const {
  const auto& row = state_.backend(backend);
  if (!row.reachable)
    return balance_block::target_unlinked;
  if (!options_.paths && !is_asked(backend))
    return balance_block::disks_disabled;
  if (view_.paused_backends.contains(row.id))
    return balance_block::backend_paused;
  auto why = balance_block::no_such_disk;
  for (const auto p : row.paths)
    if (state_.path(p).on == wanted && state_.path(p).usable()) {
      if (free(state_.path(p)) && fits(state_.path(p), 0))
        return balance_block::none;
      why = free(state_.path(p)) ? balance_block::too_full : balance_block::path_busy;
    }
  return why;
}

/// The first replica of the tablet that may move does: a tablet moves once at a time.  On which backend;
/// none if none may.
slot search::seek_medium_for(slot tablet, medium wanted, const std::vector<slot>& backends) {
  ++round_.looked_at_for_media;
  const auto& row = state_.tablet(tablet);
  if (row.moving) {
    note(balance_block::order_open);
    return balance_state::none;
  }
  for (auto r = row.first; r != balance_state::none; r = state_.replica(r).next) {
    const auto from = state_.replica(r).path;
    const auto backend = state_.path(from).backend;
    if (state_.path(from).on == wanted || !std::binary_search(backends.begin(), backends.end(), backend))
      continue;
    if (!free(state_.path(from))) {
      note(balance_block::path_busy);
      continue;
    }
    const auto to = target_path(backend, wanted, row.bytes);
    if (to == balance_state::none)
      continue; // It has said why.
    // The group of a colocated table says on which backend, not on which disk.
    if (const auto why = judge(tablet, backend, backend);
        why != balance_block::none && why != balance_block::colocated) {
      note(why);
      continue;
    }
    move({tablet, from, to, 1}, balance_kind::wanted_medium, "its partition wants " + std::string{name(wanted)});
    return backend;
  }
  return balance_state::none;
}

void search::seek_medium_of(slot group, medium wanted) {
  std::vector<slot> backends; // Ascending, as the counts are.
  for (const auto& [backend, replicas] : state_.group(group).counts)
    if (const auto why = blocked_from(backend, wanted); why == balance_block::none)
      backends.push_back(backend);
    else
      note(why, replicas);
  const auto tablets = state_.tablets_of(state_.group(group));
  if (backends.empty() || tablets.empty())
    return;
  const auto begin = dice_(tablets.size()); // So all have their turn, however many there are.
  for (std::size_t i = 0; i < tablets.size() && !backends.empty() && !full(); ++i) {
    if (round_.looked_at_for_media >= looked_at_for_media_max_)
      return;
    const auto mover = seek_medium_for(tablets[(begin + i) % tablets.size()], wanted, backends);
    if (mover == balance_state::none)
      continue;
    if (const auto why = blocked_from(mover, wanted); why != balance_block::none) {
      note(why, state_.group(group).count(mover));
      std::erase(backends, mover);
    }
  }
}

void search::seek_medium(medium wanted) {
  if (state_.misplaced(wanted).empty())
    return;
  begin_goal();
  std::vector<slot> groups(state_.misplaced(wanted).begin(), state_.misplaced(wanted).end());
  std::rotate(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(dice_(groups.size())), groups.end());
  if (options_.moves_per_path != 0) // A plan looks at all.
    groups.resize(std::min(groups.size(), misplaced_looked_at_max));
  for (const auto group : groups)
    if (!full())
      seek_medium_of(group, wanted);
  std::uint64_t left = 0;
  for (const auto group : state_.misplaced(wanted))
    left += state_.group(group).replicas;
  stands(wanted, balance_kind::wanted_medium, 0, left);
}

} // namespace tabletd::model::balancing
