// Loads, and clones of every kind.  The rest: cooldown_simulation.cpp.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {
constexpr tablet_id tablet{10};
}

// -- loads ---------------------------------------------------------------------------------

/// To every replica that can be reached, at least to two that have all before it.
void cooldown_simulation::load() {
  std::vector<backend*> complete, others;
  for (const auto& row : rows_) {
    auto& b = backends_[row.place];
    if (b.up && b.frozen_until <= now_ && b.disk && b.disk->replica == row.id)
      (is_complete(*b.disk) && !row.bad ? complete : others).push_back(&b);
  }
  if (complete.size() < 2 || visible_ > 200)
    return;
  ++counts_.loads;
  const auto v = ++visible_;
  const std::uint32_t blocks = chance(odds_.empty) ? 0 : 1;
  if (complete.size() > 2 && chance(odds_.missed))
    complete.erase(complete.begin() + static_cast<std::ptrdiff_t>(below(complete.size())));
  complete.insert(complete.end(), others.begin(), others.end());
  for (auto* b : complete) {
    b->disk->hot.push_back({txn_id{v}, v, v, blocks, blocks * 100, blocks, now_});
    readable_[b->disk->replica] |= covered_by(*b->disk);
  }
}

// -- repair: what the scheduler does about holes, rot and loss, and clones nobody needed ------------

void cooldown_simulation::repair() {
  if (clone_ || !leader_)
    return;
  for (auto& row : rows_) {
    const auto& b = backends_[row.place];
    if (!b.up || b.frozen_until > now_)
      continue;
    if (!b.disk)
      return begin_clone(&row, true);
    if (b.disk->replica == row.id && (row.bad || !is_complete(*b.disk)))
      return begin_clone(&row, row.bad);
  }
  if (chance(odds_.clone))
    return begin_clone(&rows_[below(rows_.size())], below(2) == 0);
  if (chance(odds_.move))
    begin_move();
}

void cooldown_simulation::begin_clone(replica_row* row, bool full) {
  running_clone clone{++clones_, row->id, row->place, full, std::nullopt};
  if (!backends_[row->place].disk) {
    clone.to = replica_id{next_replica_++};  // What is lost with its disk never comes back under its old id.
    clone.instead_of = row->id;
    clone.full = true;
  }
  clone_ = clone;
  later(1s + within(60s), [this, clone] { open_snapshot(clone); });
  later(below(4) == 0 ? within(20min) : 40min, [this, clone] { end_clone(clone, false); });  // Given up; it may go on.
}

void cooldown_simulation::begin_move() {
  const auto spare
      = std::ranges::find_if(backends_, [&](const backend& b) { return !b.disk && row_at(b.place) == nullptr; });
  if (spare == backends_.end())
    return;
  clone_ = running_clone{++clones_, replica_id{next_replica_++}, spare->place, true, rows_[below(rows_.size())].id};
  later(1s + within(60s), [this, clone = *clone_] { open_snapshot(clone); });
  later(below(4) == 0 ? within(20min) : 40min, [this, clone = *clone_] { end_clone(clone, false); });
}

/// What came home compacted has no rowset of its own for each version: who lacks one of them gets everything.
bool cooldown_simulation::is_inside_others(const running_clone& clone, const replica_disk& source) const {
  const auto& own = backends_[clone.place].disk;
  if (!own)
    return true;
  const auto here = covered_by(*own);
  return std::ranges::any_of(source.hot, [&](const hot_rowset& rowset) {
    std::uint64_t there = 0;
    for (auto v = rowset.first_version; v <= rowset.last_version; ++v)
      there += here.test(v);
    return rowset.first_version < rowset.last_version && there < rowset.last_version - rowset.first_version + 1;
  });
}

void cooldown_simulation::open_snapshot(running_clone clone) {
  std::vector<const backend*> sources;
  for (const auto& row : rows_) {
    const auto& b = backends_[row.place];
    if (row.id != clone.to && b.up && b.frozen_until <= now_ && b.disk && b.disk->replica == row.id && !row.bad
        && is_complete(*b.disk))
      sources.push_back(&b);
  }
  if (sources.empty())
    return end_clone(clone, false);
  const auto& disk = *sources[below(sources.size())]->disk;
  clone.full |= is_inside_others(clone, disk);
  later(5s + within(below(3) == 0 ? 30min : 1min),
        [this, clone, set = cloned_set{disk.id, disk.remote, disk.hot}] { install_clone(clone, set); });
}

void cooldown_simulation::install_clone(const running_clone& clone, const cloned_set& set) {
  auto& b = backends_[clone.place];
  const bool current = clone_ && clone_->number == clone.number;
  if (!b.up || b.frozen_until > now_)
    return end_clone(clone, false);
  if (clone.instead_of) {
    if (!current || b.disk)
      return end_clone(clone, false);
    b.disk = replica_disk{tablet, clone.to, {}, {}, {}, std::nullopt};
    start(b);
  }
  if (!b.disk || b.disk->replica != clone.to)
    return end_clone(clone, false);
  if (!b.process->may_install_clone() && !is(cooldown_mutant::clone_lets_follow_go_on))
    return later(1s, [this, clone, set] { install_clone(clone, set); });
  auto own = *b.disk;
  if (is(cooldown_mutant::clone_takes_any_set))
    own.id = {};
  const auto plan = plan_clone(own, set, clone.full);
  if (std::holds_alternative<set_refused>(plan))
    return end_clone(clone, false);
  apply(*b.disk, std::get<set_change>(plan));
  say("replica " + std::to_string(raw(clone.to)) + " cloned" + (clone.full ? " as a whole" : ""));
  ++(clone.full ? counts_.full_clones : counts_.incremental_clones);
  counts_.uploader_clones += clone.to == conf_.uploader;
  if (row_of(clone.to) != nullptr)
    check_disk(*b.disk);
  if (!is(cooldown_mutant::clone_lets_follow_go_on))
    feed(b, clone_installed_here{clone.full});
  end_clone(clone, true);
}

void cooldown_simulation::end_clone(const running_clone& clone, bool done) {
  if (auto* row = row_of(clone.to); done && row != nullptr)
    row->bad = false;
  if (!clone_ || clone_->number != clone.number)
    return;
  clone_.reset();
  auto& b = backends_[clone.place];
  if (!clone.instead_of)
    return;
  auto* old = row_of(*clone.instead_of);
  if (!done || old == nullptr) {
    if (b.disk && b.disk->replica == clone.to) {
      b.disk.reset();
      b.process.reset();
    }
    return;
  }
  ++counts_.moves;
  // The old one is told to go; who does not listen goes on believing.
  if (old->place != clone.place)
    later(within(1h), [this, place = old->place, id = old->id] {
      if (auto& left = backends_[place]; left.disk && left.disk->replica == id) {
        left.disk.reset();
        left.process.reset();
      }
    });
  *old = {clone.to, clone.place, false};
  check_disk(*b.disk);
}

cooldown_simulation::replica_row* cooldown_simulation::row_of(replica_id id) {
  const auto found = std::ranges::find(rows_, id, &replica_row::id);
  return found == rows_.end() ? nullptr : &*found;
}

cooldown_simulation::replica_row* cooldown_simulation::row_at(std::size_t place) {
  const auto found = std::ranges::find(rows_, place, &replica_row::place);
  return found == rows_.end() ? nullptr : &*found;
}

}  // namespace tabletd::test
