// PLAN ... SAVE AS, APPLY PLAN, DROP PLAN: plans that are kept and carried out.
#include "actors/console/session_steps.h"
#include "actors/model/decommission.h"
#include "actors/model/plan_rules.h"
#include "actors/model/transfer_plan.h"
#include <fmt/format.h>

namespace tabletd::session {

namespace {

using model::error_code;
using model::plan_kind;
using model::statement_error;

statement_error refused(error_code code, std::string message, std::string hint) {
  return {code, std::move(message), std::move(hint), {}, {}, {}, {}};
}

/// The PLAN statement of this kind, to be typed again.
std::string statement_of(const model::catalog& cat, plan_kind kind, model::backend_id backend) {
  std::string out = "PLAN " + std::string{model::name(kind)};
  if (const auto* b = cat.backends.find(backend))
    out += fmt::format(" BACKEND \"{}\"", model::to_string(model::backend_address{b->host, b->port}));
  return out;
}

std::string moves(std::uint64_t count) { return fmt::format("{} move{}", count, count == 1 ? "" : "s"); }

void save(session_ptr self, const look& now, const model::save_plan& what, model::backend_id backend,
          session_reply& reply) {
  const auto& cat = *now.cat;
  if (cat.plans.find(what.name))
    return reply.fail(refused(error_code::already_exists, "a plan " + what.name + " is kept already",
                              "take another name, or DROP PLAN '" + what.name + "' first"));
  const auto plan = views::what_if(now.from, what.kind, backend);
  auto kept = model::to_save(plan, what.name, what.kind, backend, cat.applied);
  const auto again = statement_of(cat, what.kind, backend);
  if (kept.moves.empty())
    return reply.fail(refused(error_code::failed_precondition, "the plan has no moves: there is nothing to keep",
                              plan.stuck.empty() ? "nothing has to be moved" : again + " says what stands in the way"));
  if (kept.moves.size() > model::plan_moves_max)
    return reply.fail(refused(error_code::resource_exhausted,
                              fmt::format("the plan has {}, and one that is kept has at most {}",
                                          moves(kept.moves.size()), model::plan_moves_max),
                              again + " shows it; balance and decommissions need no plan"));
  std::uint64_t bytes = 0;
  for (const auto& move : kept.moves)
    bytes += move.bytes;
  const auto stuck = plan.stuck.empty() ? "" : fmt::format("; {} stuck, see {}", plan.stuck.size(), again);
  const auto count = kept.moves.size();
  propose_and_tell(self, std::move(kept), reply, "keeping plan " + what.name,
                   fmt::format("kept plan {}: {}, {} bytes{}", what.name, moves(count), bytes, stuck), count);
}

/// What the fold would say, in better words.
std::optional<statement_error> why_not(const model::catalog& cat, const std::string& name,
                                       const model::saved_plan& plan) {
  const auto again = statement_of(cat, plan.kind, plan.backend);
  if (plan.kind == plan_kind::loss)
    return refused(error_code::failed_precondition, "plan " + name + " is about a loss, and nothing of it is to apply",
                   "when the backend is lost, repair does it by itself; SHOW PLAN '" + name + "' shows what");
  if (plan.state != model::plan_state::saved)
    return refused(error_code::failed_precondition,
                   fmt::format("plan {} was applied before: {} of {} done, {} skipped", name, plan.done,
                               moves(plan.moves().size()), plan.skipped()),
                   again + " SAVE AS another name plans what is left");
  if (const auto other = model::plan_under_way(cat); other.plan)
    return refused(error_code::conflict, fmt::format("plan {} is being applied, and one is at a time", other.name),
                   fmt::format("wait until SHOW PLANS says DONE, or DROP PLAN '{}'", other.name));
  if (const auto changed = model::why_stale(cat, plan); !changed.empty())
    return refused(error_code::failed_precondition,
                   fmt::format("plan {} does not hold any more: {} since it was computed", name, changed),
                   fmt::format("plan again: DROP PLAN '{}', then {} SAVE AS '{}'", name, again, name));
  const auto* leaving = cat.backends.find(plan.backend);
  return leaving ? model::decommission_refusal(cat, *leaving) : std::nullopt;
}

} // namespace

void write(session_ptr self, const model::save_plan& what, session_reply reply) {
  const look now{self};
  if (what.kind == plan_kind::rebalance)
    return save(self, now, what, {}, reply);
  with(model::look_up_backend(*now.cat, what.address), reply,
       [&](const model::backend& b) { save(self, now, what, b.id, reply); });
}

void write(session_ptr self, const model::apply_plan& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_plan(*cat, what.name), reply, [&](const model::saved_plan& plan) {
    if (auto refusal = why_not(*cat, what.name, plan))
      return reply.fail(std::move(*refusal));
    const auto count = plan.moves().size();
    propose_and_tell(self, model::plan_applied{what.name}, reply, "applying plan " + what.name,
                     plan.kind == plan_kind::rebalance
                         ? fmt::format("applying plan {}: {} before what balance finds itself", what.name, moves(count))
                         : fmt::format("applying plan {}: decommissioning backend {}, {}", what.name,
                                       model::described(*cat, plan.backend), moves(count)),
                     count);
  });
}

void write(session_ptr self, const model::drop_plan& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_plan(*cat, what.name), reply, [&](const model::saved_plan& plan) {
    std::string done = "dropped plan " + what.name;
    if (plan.state == model::plan_state::applying) {
      done += fmt::format(": {} not made", moves(plan.moves().size() - plan.outcomes.size()));
      if (plan.kind == plan_kind::decommission)
        done += fmt::format("; backend {} is decommissioned nevertheless", model::described(*cat, plan.backend));
    }
    propose_and_tell(self, model::plan_dropped{what.name}, reply, "dropping plan " + what.name, done);
  });
}

} // namespace tabletd::session
