#include "actors/model/report_diff.h"
#include <algorithm>
#include <set>

namespace tabletd::model {

std::string_view name(report_fate fate) {
  switch (fate) {
    case report_fate::folded: return "folded";
    case report_fate::other_boot: return "other_boot";
    case report_fate::older_than_known: return "older_than_known";
    case report_fate::not_alive: return "not_alive";
  }
  return "unknown";
}

void note_stamp(report_memory& memory, std::uint64_t stamp) {
  memory.stamp = std::max(memory.stamp, stamp);
}

void note_status(report_memory& memory, const backend_status& status) {
  if (status.boot == memory.boot)
    memory.stamp = std::min(memory.stamp, status.stamp);
}

namespace {

/// One report being compared; nothing of it outlives diff().
class comparison {
public:
  comparison(const catalog& cat, const backend& home, const backend_report& report,
             report_memory& memory, time_ms now)
      : cat_(cat), home_(home), report_(report), memory_(memory), now_(now) {}

  report_findings run() {
    judge_prepared();
    for (const auto& held : report_.tablets)
      judge_held(held);
    if (report_.full)
      judge_absent();
    else
      for (const auto& ref : report_.gone)
        if (const auto* indexed = home_.tablets.find(ref.tablet);
            indexed && *indexed == ref.replica)
          judge_lacking(*cat_.tablets.find(ref.tablet), ref.replica);
    return std::move(found_);
  }

private:
  /// Tells loads' ends, and remembers which versions the backend only waits for a word to serve.
  void judge_prepared() {
    for (const auto txn : report_.prepared) {
      const auto* l = cat_.loads.find(txn);
      if (!l || l->state == load_state::aborted) {
        found_.verdicts.push_back({txn, 0});
      } else if (l->version > 0) {
        found_.verdicts.push_back({txn, l->version});
        waiting_[l->partition].insert(l->version);
      }
    }
  }

  void judge_held(const held_replica& held) {
    const auto* t = cat_.tablets.find(held.tablet);
    if (!t)
      return drop(held); // Its table is gone.
    if (clone_goes_here(*t))
      return;
    const auto* r = t->find(held.replica);
    if (r && r->backend == home_.id)
      return judge_known(*t, *r, held);
    if (!held.bad && wants_back(cat_, *t, held.replica, home_.id, held.version))
      found_.edits.push_back(
          replica_readopted{t->id, held.replica, {home_.id, held.path}, held.version});
    else if (complete_alive(cat_, *t) > 0)
      drop(held);
  }

  void judge_known(const tablet& t, const replica& r, const held_replica& held) {
    const bool behind = !held.bad && !r.bad && held.version < r.version && !only_waits(t, r, held);
    if (!behind)
      memory_.behind.erase(t.id);
    if (raw(held.path) != 0 && held.path != r.path) // It has moved, and the end of the move got lost.
      found_.edits.push_back(replica_observed{t.id, r.id, r.version, r.bad, held.path});
    if (held.bad && !r.bad)
      return observe(t, held);
    if (held.bad)
      return;
    if (r.bad) {
      // A clone or a drop decides, unless there is nothing left to clone from.
      if (held.version >= cat_.visible_version(t) && complete_alive(cat_, t) == 0)
        observe(t, held);
    } else if (behind) {
      suspect(t, r, held);
    } else if (held.version > r.version && r.version < cat_.visible_version(t)) {
      observe(t, held);
    }
  }

  /// All versions between what it serves and what the catalog has are prepared there.
  [[nodiscard]] bool only_waits(const tablet& t, const replica& r, const held_replica& held) const {
    const auto at = waiting_.find(t.partition);
    if (at == waiting_.end())
      return false;
    for (version v = held.version + 1; v <= r.version; ++v)
      if (!at->second.contains(v))
        return false;
    return true;
  }

  void suspect(const tablet& t, const replica& r, const held_replica& held) {
    const auto at = memory_.behind.find(t.id);
    if (at == memory_.behind.end() || held.version >= at->second.expected) {
      memory_.behind[t.id] = {r.version, now_};
      want_full(now_ + memory_.options.confirm_after);
    } else if (now_ - at->second.since >= memory_.options.confirm_after) {
      memory_.behind.erase(at);
      observe(t, held);
    } else {
      want_full(at->second.since + memory_.options.confirm_after);
    }
  }

  void judge_absent() {
    std::vector<held_ref> present;
    present.reserve(report_.tablets.size());
    for (const auto& held : report_.tablets)
      present.push_back({held.tablet, held.replica});
    std::sort(present.begin(), present.end());
    home_.tablets.for_each([&](tablet_id id, replica_id r) {
      if (!std::binary_search(present.begin(), present.end(), held_ref{id, r}))
        judge_lacking(*cat_.tablets.find(id), r);
    });
  }

  void judge_lacking(const tablet& t, replica_id id) {
    memory_.behind.erase(t.id);
    const auto& r = *t.find(id);
    if (clone_goes_here(t))
      return;
    if (cat_.visible_version(t) == version_initial && home_.has_path(r.path))
      order(t.id).emplace<create_order>(t.id, r.id, r.path);
    else if (!r.bad || complete_alive(cat_, t) > 0)
      found_.edits.push_back(replica_dropped{t.id, r.id, drop_reason::lost});
  }

  [[nodiscard]] bool clone_goes_here(const tablet& t) const {
    const auto* order = cat_.orders.find(t.id);
    return order && order->what.target.backend == home_.id;
  }

  void observe(const tablet& t, const held_replica& held) {
    found_.edits.push_back(replica_observed{t.id, held.replica, held.version, held.bad});
  }
  void drop(const held_replica& held) {
    order(held.tablet).emplace<drop_order>(held.tablet, held.replica);
  }
  decltype(agent_task::what)& order(tablet_id tablet) {
    auto& task = found_.tasks.emplace_back();
    task.fence = next_fence(tablet);
    return task.what;
  }
  void want_full(time_ms at) { found_.full_wanted = std::min(found_.full_wanted.value_or(at), at); }

  /// Different for every task of every report, so that a backend does not take it for one it has
  /// done; equal fences would be answered from memory.
  [[nodiscard]] log_index next_fence(tablet_id tablet) const {
    std::uint64_t h = 0x9e37'79b9'7f4a'7c15ULL;
    for (const std::uint64_t part : {cat_.term, raw(cat_.applied), memory_.keeper, memory_.folded, raw(tablet)}) {
      h = (h ^ part) * 0xbf58'476d'1ce4'e5b9ULL; // splitmix64's finalizer, once per part.
      h = (h ^ (h >> 27)) * 0x94d0'49bb'1331'11ebULL;
      h ^= h >> 31;
    }
    return log_index{h | (std::uint64_t{1} << 63)};
  }

  const catalog& cat_;
  const backend& home_;
  const backend_report& report_;
  report_memory& memory_;
  time_ms now_;
  std::map<partition_id, std::set<version>> waiting_;
  report_findings found_;
};

} // namespace

void attach(report_memory& memory, std::uint64_t boot) {
  memory.boot = boot;
  memory.stamp = 0;
  memory.behind.clear();
}

report_findings diff(const catalog& cat, backend_id from, const backend_report& report,
                     report_memory& memory, time_ms now) {
  report_findings ignored;
  if (report.boot != memory.boot) {
    ignored.fate = report_fate::other_boot;
    return ignored;
  }
  if (report.stamp < memory.stamp) {
    ignored.fate = report_fate::older_than_known;
    ignored.full_wanted = now;
    return ignored;
  }
  const auto* home = cat.backends.find(from);
  if (!home || !home->alive) {
    ignored.fate = report_fate::not_alive;
    return ignored;
  }
  note_stamp(memory, report.stamp);
  ++memory.folded;
  return comparison{cat, *home, report, memory, now}.run();
}

} // namespace tabletd::model
