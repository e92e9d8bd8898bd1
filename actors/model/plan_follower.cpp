#include "actors/model/plan_follower.h"
#include "actors/model/health.h"
#include "actors/model/plan_rules.h"
#include <algorithm>
#include <set>
#include <utility>

namespace tabletd::model {

namespace {

bool is_there(const catalog& cat, const saved_move& move) {
  const auto* t = cat.tablets.find(move.tablet);
  const auto* r = t ? t->find(move.replica) : nullptr;
  return r && place{r->backend, r->path} == move.source;
}

bool paused(const balance_view& view, const plan_follower::bounds& at_most, const saved_move& move) {
  const bool inside = move.source.backend == move.target.backend;
  if (inside && !at_most.paths && !view.level_disks_of.contains(move.source.backend))
    return true;
  const auto* t = view.cat.tablets.find(move.tablet);
  return (t && view.paused_tables.contains(t->table)) || view.paused_backends.contains(move.source.backend)
         || view.paused_backends.contains(move.target.backend);
}

/// What the verdict on an end says against it; nothing for one that will do.
const path_verdict* objection(const decision& why) {
  const auto at = std::find_if(why.paths.begin(), why.paths.end(), [](const path_verdict& v) {
    return v.code != path_code::usable && v.code != path_code::chosen;
  });
  return at == why.paths.end() ? nullptr : &*at;
}

enum class hope : std::uint8_t { certain, some, none };

/// Whether what is in the way of this place goes away by itself.
hope hope_for(const decision& why, bool others_run) {
  if (why.blocked == blocker::order_open || why.blocked == blocker::unhealthy || waits_for_slot(why.blocked))
    return hope::certain; // How long it may be unhealthy is looked at before.
  const auto* against = objection(why);
  switch (against ? against->code : path_code::holds_replica) {
    case path_code::backend_dead:
    case path_code::backend_unlinked:
    case path_code::backend_unreported:
    case path_code::path_unseen:
    case path_code::path_offline: return hope::some;
    case path_code::too_full: return others_run ? hope::some : hope::none; // They may make room.
    default: return hope::none;
  }
}

std::string words_for(const decision& why) {
  const auto* against = objection(why);
  if (!against)
    return std::string{sentence(why.blocked)};
  return (against->role == path_role::source ? "its source, backend " : "its target, backend ")
         + std::to_string(raw(against->at.backend)) + ": " + sentence(*against);
}

} // namespace

bool plan_follower::follow(const catalog& cat) {
  const auto [name, plan] = plan_under_way(cat);
  const bool ours = plan && plan->kind == plan_kind::rebalance;
  if (ours && plan_ == name && applied_ == plan->applied)
    return true;
  plan_ = ours ? std::string{name} : std::string{};
  applied_ = ours ? plan->applied : log_index{};
  attempts_.clear();
  obstacles_.clear();
  under_way_.clear(); // Its copies end as any others.
  return ours;
}

bool plan_follower::round::has_room(const saved_move& move) const {
  const auto full = [this](const place& at) {
    const auto used = busy.find(at);
    return at_most.per_path != 0 && used != busy.end() && used->second >= at_most.per_path;
  };
  return moves.size() < at_most.moves && !full(move.source) && !full(move.target);
}

bool plan_follower::may_try(const round& r, std::uint32_t number, const saved_move& move) {
  const auto& cat = r.view.cat;
  const auto tried = attempts_.find(number);
  if (tried != attempts_.end() && tried->second.failures >= plan_tries_max) {
    skip(number, "its copy has failed " + std::to_string(tried->second.failures) + " times");
    return false;
  }
  if (!is_there(cat, move)) {
    skip(number, "the replica it is about is not at its source any more");
    return false;
  }
  // The decision says so too; asked here, many sick tablets do not hold up the others.
  if (diagnose(cat, *cat.tablets.find(move.tablet)).health != tablet_health::healthy) {
    auto& since = attempts_[number].sick_since;
    since = since.value_or(r.now);
    if (r.now - *since >= plan_patience)
      skip(number, std::string{sentence(blocker::unhealthy)});
    return false;
  }
  if (tried == attempts_.end())
    return true;
  tried->second.sick_since.reset();
  return tried->second.not_before <= r.now;
}

bool plan_follower::is_obstructed(const saved_move& move, time_ms now, bool& out_of_patience) {
  for (const auto& end : {move.source, move.target}) {
    const auto found = obstacles_.find(end);
    if (found == obstacles_.end())
      continue;
    if (now - found->second.since >= plan_patience)
      out_of_patience = true;
    else if (now < found->second.again)
      return true;
    found->second.again = now + plan_retry_after; // One looks.
  }
  return false;
}

void plan_follower::offer(round& r, std::uint32_t number, const saved_move& move) {
  bool out_of_patience = false;
  if (is_obstructed(move, r.now, out_of_patience))
    return;
  if (!out_of_patience) { // Else it is most likely skipped and takes no room.
    ++r.busy[move.source];
    ++r.busy[move.target];
  }
  offered_[move.tablet] = {number, move.source, move.target};
  r.moves.push_back({move.tablet, move.replica, move.source, move.target, move.bytes,
                     move.source.backend == move.target.backend ? balance_kind::path_load : balance_kind::backend_load,
                     0, "move " + std::to_string(number) + " of plan " + plan_});
}

std::vector<balance_move> plan_follower::due(const balance_view& view, const bounds& at_most, time_ms now) {
  holds_back_ = false;
  offered_.clear();
  skipped_.clear();
  if (!follow(view.cat))
    return {};
  round r{.view = view, .at_most = at_most, .now = now};
  for (const auto& [tablet, copy] : under_way_) {
    ++r.busy[copy.source];
    ++r.busy[copy.target];
  }
  std::set<tablet_id> seen; // The later moves of a tablet wait for its earlier ones.
  const auto& plan = *plan_under_way(view.cat).plan;
  for (std::uint32_t n = 0; n < plan.moves().size(); ++n) {
    const auto& move = plan.moves()[n];
    const bool runs = under_way_.contains(move.tablet) || view.cat.orders.contains(move.tablet)
                      || view.cat.moves.contains(move.tablet);
    if (plan.outcomes.contains(n) || runs)
      continue;
    if (!seen.insert(move.tablet).second)
      continue;
    if (paused(view, at_most, move)) {
      forget_patience(n);
      continue;
    }
    holds_back_ = true;
    if (r.has_room(move) && may_try(r, n, move))
      offer(r, n, move);
  }
  return std::move(r.moves);
}

void plan_follower::hold() {
  holds_back_ = false;
  offered_.clear();
  skipped_.clear();
  obstacles_.clear();
  for (auto& [number, tried] : attempts_)
    tried.sick_since.reset();
}

void plan_follower::forget_patience(std::uint32_t number) {
  if (const auto tried = attempts_.find(number); tried != attempts_.end())
    tried->second.sick_since.reset();
}

void plan_follower::begun(tablet_id tablet) {
  auto offer = offered_.extract(tablet);
  if (!offer)
    return;
  obstacles_.erase(offer.mapped().source);
  obstacles_.erase(offer.mapped().target);
  under_way_.insert(std::move(offer));
}

void plan_follower::declined(tablet_id tablet, const decision& why, time_ms now) {
  const auto offer = offered_.extract(tablet);
  if (!offer)
    return;
  const auto hope_left = hope_for(why, !under_way_.empty());
  if (hope_left == hope::certain)
    return;
  if (hope_left == hope::some) {
    auto& found = obstacles_.try_emplace(objection(why)->at, obstacle{.since = now, .seen = now, .again = {}}).first->second;
    if (now - found.seen > 2 * plan_retry_after)
      found.since = now;
    found.seen = now;
    found.again = now + plan_retry_after;
    if (now - found.since < plan_patience)
      return;
  }
  skip(offer.mapped().number, words_for(why));
}

void plan_follower::ended(tablet_id tablet, bool succeeded, time_ms now) {
  const auto over = under_way_.extract(tablet);
  if (!over || succeeded)
    return;
  auto& tried = attempts_[over.mapped().number];
  ++tried.failures;
  tried.not_before = now + plan_retry_after;
}

std::optional<plan_moves_skipped> plan_follower::take_skipped() {
  if (skipped_.empty())
    return std::nullopt;
  return plan_moves_skipped{plan_, std::exchange(skipped_, {})};
}

} // namespace tabletd::model
