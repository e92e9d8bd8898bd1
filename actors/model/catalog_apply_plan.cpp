// Folds of saved plans.  How far the plan being applied is follows from what happens to its
// replicas, so progress needs no edits of its own and a new leader knows it.
#include "actors/model/catalog_fold.h"
#include "actors/model/decommission.h"
#include "actors/model/plan_rules.h"
#include <algorithm>
#include <utility>

namespace tabletd::model::fold {

namespace {

using outcomes = std::vector<std::pair<std::uint32_t, move_outcome>>;

bool is_at(const tablet& t, const place& wanted) {
  const auto* r = t.on(wanted.backend);
  return r && r->path == wanted.path && r->state == replica_state::normal;
}

/// Nothing if the move is not over: the replica is where it was.
std::optional<move_outcome> outcome_of(const tablet& t, replica_id goes, const place& target) {
  const auto* r = t.find(goes);
  if (r && place{r->backend, r->path} != target)
    return std::nullopt;
  return is_at(t, target) ? move_outcome{true, {}} : move_outcome{false, "the replica it is about has gone without it"};
}

/// A plan without moves that are left is done.
void close(catalog& cat, const outcomes& over) {
  const auto [name, found] = plan_under_way(cat);
  if (!found || over.empty())
    return;
  auto plan = *found;
  for (const auto& [number, outcome] : over) {
    const auto tablet = plan.moves()[number].tablet;
    auto* steps = cat.planned.edit(tablet);
    if (!steps || std::erase_if(*steps, [&](const planned_step& s) { return s.move == number; }) == 0)
      continue; // Over before.
    if (steps->empty())
      cat.planned.erase(tablet);
    plan.done += outcome.done ? 1 : 0;
    plan.outcomes.put(number, outcome);
  }
  if (cat.planned.empty())
    plan.state = plan_state::done;
  cat.plans.put(std::string{name}, std::move(plan));
}

/// Whether it can ever have been computed from this catalog.
bool sound(const catalog& cat, const plan_saved& e) {
  if (e.name.empty() || e.moves.empty() || e.epoch > cat.applied)
    return false;
  if (e.kind == plan_kind::rebalance ? raw(e.backend) != 0 : !cat.backends.contains(e.backend))
    return false;
  return std::all_of(e.moves.begin(), e.moves.end(), [&](const saved_move& m) {
    return raw(m.replica) != 0 && m.source != m.target && m.target.backend != e.backend
           && cat.backends.contains(m.target.backend);
  });
}

bool knows_all_tablets(const catalog& cat, const std::vector<saved_move>& moves) {
  return std::all_of(moves.begin(), moves.end(), [&](const saved_move& m) { return cat.tablets.contains(m.tablet); });
}

plan_content content_of(const catalog& cat, const plan_saved& e) {
  plan_content content{e.moves, {}, 0};
  for (const auto& m : e.moves) {
    content.tables.push_back(cat.tablets.find(m.tablet)->table);
    content.bytes += m.bytes;
  }
  std::sort(content.tables.begin(), content.tables.end());
  content.tables.erase(std::unique(content.tables.begin(), content.tables.end()), content.tables.end());
  return content;
}

refusal judge(const catalog& cat, const saved_plan& plan) {
  if (plan.kind == plan_kind::loss)
    return refusal::plan_not_to_apply;
  if (plan.state != plan_state::saved)
    return refusal::plan_applied_before;
  if (plan_under_way(cat).plan)
    return refusal::plan_under_way;
  if (!why_stale(cat, plan).empty())
    return refusal::plan_stale;
  const auto* leaving = cat.backends.find(plan.backend);
  if (plan.kind == plan_kind::decommission && decommission_refusal(cat, *leaving))
    return refusal::backend_needed;
  return refusal::none;
}

} // namespace

void settle_planned(catalog& cat, tablet_id tablet, replica_id r) {
  const auto* steps = cat.planned.empty() ? nullptr : cat.planned.find(tablet);
  if (!steps)
    return;
  outcomes over;
  for (const auto& step : *steps)
    if (step.replica == r)
      if (auto outcome = outcome_of(*cat.tablets.find(tablet), r, step.target))
        over.emplace_back(step.move, std::move(*outcome));
  close(cat, over);
}

void skip_planned(catalog& cat, tablet_id tablet, std::string_view why) {
  const auto* steps = cat.planned.empty() ? nullptr : cat.planned.find(tablet);
  if (!steps)
    return;
  outcomes over;
  for (const auto& step : *steps)
    over.emplace_back(step.move, move_outcome{false, std::string{why}});
  close(cat, over);
}

void skip_all_planned(catalog& cat, std::string_view why) {
  outcomes over;
  cat.planned.for_each([&](tablet_id, const std::vector<planned_step>& steps) {
    for (const auto& step : steps)
      over.emplace_back(step.move, move_outcome{false, std::string{why}});
  });
  close(cat, over);
}

verdict fold(catalog& cat, const plan_saved& e, moment now) {
  if (cat.plans.find(e.name))
    return refuse(refusal::plan_already_exists);
  if (cat.plans.all().size() >= plans_max)
    return refuse(refusal::plans_too_many, plans_max);
  if (e.moves.size() > plan_moves_max)
    return refuse(refusal::plan_too_large, plan_moves_max);
  saved_plan plan;
  plan.kind = e.kind;
  plan.backend = e.backend;
  plan.epoch = e.epoch;
  plan.created = now.at;
  if (cat.layout.at > e.epoch || !knows_all_tablets(cat, e.moves))
    return refuse(refusal::plan_stale);
  if (!sound(cat, e))
    return refuse(refusal::plan_unsound);
  plan.content = std::make_shared<const plan_content>(content_of(cat, e));
  if (!why_stale(cat, plan).empty())
    return refuse(refusal::plan_stale);
  cat.plans.put(e.name, std::move(plan));
  return accept(0);
}

verdict fold(catalog& cat, const plan_applied& e, moment now) {
  const auto* found = cat.plans.find(e.name);
  if (!found)
    return refuse(refusal::plan_unknown);
  if (const auto why = judge(cat, *found); why != refusal::none)
    return refuse(why);
  auto plan = *found;
  plan.state = plan_state::applying;
  plan.applied = now.index;
  outcomes over; // What has happened anyway since it was computed.
  for (std::uint32_t n = 0; n < plan.moves().size(); ++n) {
    const auto& m = plan.moves()[n];
    auto steps = cat.planned.contains(m.tablet) ? *cat.planned.find(m.tablet) : std::vector<planned_step>{};
    steps.push_back({n, m.replica, m.target});
    cat.planned.put(m.tablet, std::move(steps));
    if (auto outcome = outcome_of(*cat.tablets.find(m.tablet), m.replica, m.target))
      over.emplace_back(n, std::move(*outcome));
  }
  const auto backend = plan.backend;
  cat.plans.put(e.name, std::move(plan));
  close(cat, over);
  if (raw(backend) == 0)
    return accept(0);
  return fold(cat, backend_decommission{backend, true}, now);
}

verdict fold(catalog& cat, const plan_dropped& e, moment) {
  const auto* found = cat.plans.find(e.name);
  if (!found)
    return refuse(refusal::plan_unknown);
  if (found->state == plan_state::applying)
    cat.planned = {};
  cat.plans.erase(e.name);
  return accept(0);
}

verdict fold(catalog& cat, const plan_moves_skipped& e, moment) {
  const auto* found = cat.plans.find(e.name);
  if (!found || found->state == plan_state::saved)
    return refuse(refusal::plan_unknown);
  if (std::any_of(e.moves.begin(), e.moves.end(), [](const skipped_move& m) { return m.why.empty(); }))
    return refuse(refusal::plan_unsound);
  outcomes over;
  if (found->state == plan_state::applying) // Else the last of them was over before.
    for (const auto& skipped : e.moves)
      if (skipped.move < found->moves().size())
        over.emplace_back(skipped.move, move_outcome{false, skipped.why});
  close(cat, over);
  return accept(0);
}

} // namespace tabletd::model::fold
