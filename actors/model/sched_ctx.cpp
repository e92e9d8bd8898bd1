#include "actors/model/sched_ctx.h"
#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace tabletd::model {

namespace {

source_address address_of(const catalog& cat, backend_id backend) {
  const auto* b = cat.backends.find(backend);
  return b ? source_address{b->host, b->port} : source_address{};
}

bool stays_on_its_backend(const clone_move& move) { return move.source.backend == move.target.backend; }

agent_task copy_task(const sched_ctx& ctx, const clone_move& move, log_index fence, replica_id replica) {
  if (stays_on_its_backend(move))
    return {fence, move_order{ctx.tablet, replica, move.target.path}};
  const bool in_place = raw(move.replica) != 0;
  return {fence, clone_order{fence, ctx.tablet, replica, in_place ? path_hash{} : move.target.path, move.version,
                             ctx.source.host, ctx.source.port, move.source_replica}};
}

edit_body order_edit(const sched_ctx& ctx) {
  return std::visit(overloaded{
                      [&](const clone_move& m) -> edit_body {
                        return clone_ordered{ctx.tablet,
                                             static_cast<std::uint8_t>(ctx.what.health),
                                             static_cast<std::uint8_t>(ctx.what.priority),
                                             m.source,
                                             m.target,
                                             m.replica,
                                             m.version,
                                             m.purpose,
                                             m.replaces,
                                             ctx.why};
                      },
                      [&](const drop_move& m) -> edit_body {
                        return replica_dropped{ctx.tablet,
                                               m.replica,
                                               m.reason,
                                               static_cast<std::uint8_t>(ctx.what.health),
                                               static_cast<std::uint8_t>(ctx.what.priority),
                                               ctx.why};
                      },
                      [&](const leave_alone&) -> edit_body { std::abort(); }, // new_ctx() asserts it away.
                    },
                    ctx.move);
}

ctx_effects finish(sched_ctx& ctx, report_end report) {
  ctx.state = ctx_finished{};
  return {std::move(report)};
}

enum class backend_is : std::uint8_t { done, perhaps_busy };

ctx_effects record(sched_ctx& ctx, clone_ended end, report_end report, backend_is how = backend_is::done) {
  propose edit{end};
  ctx.state = recording{std::move(end), std::move(report), true, how == backend_is::perhaps_busy};
  return {std::move(edit)};
}

ctx_effects record_failure(sched_ctx& ctx, log_index order, ctx_result how, std::string why,
                           backend_is busy = backend_is::done, task_failure kind = task_failure::unknown) {
  return record(ctx, {ctx.tablet, order, 0, why}, {how, why, 0, 0, kind}, busy);
}

std::string refused(std::string_view what, const edit_answer& answer) {
  const auto why = answer.why != refusal::none ? std::string{name(answer.why)} : answer.message;
  return std::string{what} + " was refused: " + why;
}

// -- ordering ----------------------------------------------------------------------------

ctx_effects start_task(sched_ctx& ctx, const edit_answer& order, time_ms now) {
  return std::visit(overloaded{
                      [&](const clone_move& m) -> ctx_effects {
                        auto task = copy_task(ctx, m, order.index, replica_id{order.id});
                        ctx.state = cloning{task, now + clone_timeout(m.bytes), now};
                        return {ask_task{m.target.backend, std::move(task)}};
                      },
                      [&](const drop_move& m) -> ctx_effects {
                        agent_task task{order.index, drop_order{ctx.tablet, m.replica}};
                        ctx.state = dropping{task, now + drop_timeout, now};
                        return {ask_task{m.at.backend, std::move(task)}};
                      },
                      [&](const leave_alone&) -> ctx_effects { std::abort(); },
                    },
                    ctx.move);
}

ctx_effects on_ordered(sched_ctx& ctx, const edit_answer& answer, time_ms now) {
  // In doubt is as good as refused: if the order did become true, the scheduler finds it
  // open in the catalog and adopts it.
  if (!answer.ok())
    return finish(ctx, {ctx_result::cancelled, refused("the order", answer), 0, 0});
  auto withdrawn = std::get<ordering>(ctx.state).withdrawn;
  if (withdrawn && std::holds_alternative<clone_move>(ctx.move))
    return record_failure(ctx, answer.index, ctx_result::cancelled, std::move(*withdrawn));
  return start_task(ctx, answer, now);
}

// -- cloning -----------------------------------------------------------------------------

ctx_effects on_cloned(sched_ctx& ctx, const cloning& at, const task_end& end) {
  const auto order = at.task.fence;
  if (const auto* failed = std::get_if<task_failed>(&end.outcome))
    return record_failure(ctx, order, ctx_result::failed, failed->message, backend_is::done, failed->kind);
  const auto& held = std::get<held_replica>(end.outcome);
  const auto& move = std::get<clone_move>(ctx.move);
  if (stays_on_its_backend(move) && held.path != move.target.path)
    return record_failure(ctx, order, ctx_result::failed, "the replica is still on its old path");
  const auto wanted = move.version;
  if (held.bad || held.version < wanted)
    return record_failure(ctx, order, ctx_result::failed,
                          "the copy reached version " + std::to_string(held.version) + " of "
                            + std::to_string(wanted) + (held.bad ? " and is damaged" : ""));
  return record(ctx, {ctx.tablet, order, held.version, ""},
                {ctx_result::finished, "", end.copied_bytes, end.elapsed_ms});
}

backend_id target_of(const sched_ctx& ctx) {
  const auto* clone = std::get_if<clone_move>(&ctx.move);
  return clone ? clone->target.backend : std::get<drop_move>(ctx.move).at.backend;
}

template <class State>
ctx_effects ask_again(const sched_ctx& ctx, State& at, time_ms now) {
  if (at.asked && now - *at.asked < ask_again_after)
    return {};
  at.asked = now;
  return {ask_task{target_of(ctx), at.task}};
}

ctx_effects on_clone_tick(sched_ctx& ctx, cloning& at, time_ms now) {
  if (now < at.deadline)
    return ask_again(ctx, at, now);
  const auto order = at.task.fence;
  return record_failure(ctx, order, ctx_result::timed_out, "the copy took too long and was given up",
                        backend_is::perhaps_busy);
}

// -- recording ---------------------------------------------------------------------------

ctx_effects on_recorded(sched_ctx& ctx, recording& at, const edit_answer& answer) {
  if (answer.failure != journal_failure::none) {
    at.proposed = false; // Perhaps true, perhaps not: said again, it is refused by name.
    return {};
  }
  if (answer.why != refusal::none)
    return finish(ctx, {ctx_result::cancelled, refused("the end of the copy", answer), 0, 0});
  ctx_effects effects;
  if (at.tell_to_stop)
    effects.push_back(tell_task{target_of(ctx), {answer.index, cancel_order{at.end.order}}});
  effects.push_back(at.report);
  ctx.state = ctx_finished{};
  return effects;
}

ctx_effects record_again(recording& at) {
  if (std::exchange(at.proposed, true))
    return {};
  return {propose{at.end}};
}

// -- dropping ----------------------------------------------------------------------------

ctx_effects on_dropped(sched_ctx& ctx, const task_end& end) {
  const auto* failed = std::get_if<task_failed>(&end.outcome);
  return finish(ctx, {ctx_result::finished, failed ? "its files are still there: " + failed->message : "", 0,
                      end.elapsed_ms});
}

ctx_effects on_drop_tick(sched_ctx& ctx, dropping& at, time_ms now) {
  if (now < at.deadline)
    return ask_again(ctx, at, now);
  return finish(ctx, {ctx_result::finished, "its backend did not confirm; its next full report settles it", 0, 0});
}

} // namespace

std::string_view name(ctx_result result) {
  switch (result) {
    case ctx_result::finished: return "finished";
    case ctx_result::cancelled: return "cancelled";
    case ctx_result::failed: return "failed";
    case ctx_result::timed_out: return "timed out";
    case ctx_result::unexpected: return "unexpected";
  }
  return "unknown";
}

time_ms clone_timeout(std::uint64_t bytes) {
  constexpr std::uint64_t mib_per_s = 5;
  const auto expected = std::chrono::seconds(static_cast<std::int64_t>((bytes >> 20U) / mib_per_s));
  return std::clamp<time_ms>(expected, std::chrono::seconds(180), std::chrono::seconds(7'200));
}

sched_ctx new_ctx(const catalog& cat, tablet_id tablet, const decision& d, std::string why) {
  assert(!std::holds_alternative<leave_alone>(d.move));
  const auto* clone = std::get_if<clone_move>(&d.move);
  return {tablet,     d.what, d.move, std::move(why), clone ? address_of(cat, clone->source.backend) : source_address{},
          ordering{}};
}

sched_ctx adopted_ctx(const catalog& cat, const open_order& order) {
  const auto& what = order.what;
  const auto* t = cat.tablets.find(what.tablet);
  const auto* source = t ? t->on(what.source.backend) : nullptr;
  const clone_move move{source ? source->id : replica_id{}, what.source,   what.target, what.replica,
                        what.version,                       t ? t->bytes : 0, what.purpose, what.replaces};
  sched_ctx ctx{what.tablet,
                {static_cast<tablet_health>(what.health), static_cast<repair_priority>(what.priority)},
                move,
                what.why,
                address_of(cat, what.source.backend),
                {}};
  ctx.state = cloning{copy_task(ctx, move, order.order, order.replica), {}, {}};
  return ctx;
}

ctx_effects begin(sched_ctx& ctx, time_ms now) {
  auto* adopted = std::get_if<cloning>(&ctx.state);
  if (!adopted)
    return {propose{order_edit(ctx)}};
  adopted->deadline = now + clone_timeout(std::get<clone_move>(ctx.move).bytes);
  return ask_again(ctx, *adopted, now);
}

ctx_effects step(sched_ctx& ctx, const ctx_event& event, time_ms now) {
  return std::visit(
    overloaded{
      [&](ordering&, const edit_answer& e) { return on_ordered(ctx, e, now); },
      [&](cloning& s, const task_end& e) {
        // A report of another order is late: that attempt was given up.
        return e.fence == s.task.fence ? on_cloned(ctx, s, e) : ctx_effects{};
      },
      [&](cloning& s, const task_ask_lost& e) {
        if (e.fence == s.task.fence)
          s.asked.reset();
        return ctx_effects{};
      },
      [&](cloning& s, const ctx_tick&) { return on_clone_tick(ctx, s, now); },
      [&](ordering& s, const ctx_withdrawn& e) {
        s.withdrawn = e.why;
        return ctx_effects{};
      },
      [&](cloning& s, const ctx_withdrawn& e) {
        return record_failure(ctx, log_index{s.task.fence}, ctx_result::cancelled, e.why, backend_is::perhaps_busy);
      },
      [&](recording& s, const edit_answer& e) { return on_recorded(ctx, s, e); },
      [&](recording& s, const ctx_tick&) { return record_again(s); },
      [&](dropping& s, const task_end& e) {
        return e.fence == s.task.fence ? on_dropped(ctx, e) : ctx_effects{};
      },
      [&](dropping& s, const task_ask_lost& e) {
        if (e.fence == s.task.fence)
          s.asked.reset();
        return ctx_effects{};
      },
      [&](dropping& s, const ctx_tick&) { return on_drop_tick(ctx, s, now); },
      // Everything else came too late to matter: a second answer, the end of a task that was
      // given up, a tick while the journal has the word.
      [](auto&, const auto&) { return ctx_effects{}; },
    },
    ctx.state, event);
}

} // namespace tabletd::model
