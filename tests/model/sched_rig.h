#pragma once
// A scheduler over a repair_world, for tests that play its contexts.
#include "actors/model/repair_scheduler.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {

inline constexpr time_ms t0 = 1'000'000s;
/// Does not wait for a dead backend longer than the delays of spec/replica.md 2.5 say.
inline constexpr scheduler_options prompt{.repair_delay_factor = 60s, .be_down_tolerance = 0s, .slots_per_path = 2, .fit = {}, .colocate = {}, .balance = {}};

/// A scheduler over a repair_world whose contexts are played by the test.
struct Sched : testing::Test {
  repair_world world{"abcdef"};
  std::optional<repair_scheduler> scheduler;
  time_ms now = 5'000s; ///< The machine is up since this long.
  time_ms set_by{};     ///< How far somebody has set the wall clock.
  std::map<tablet_id, sched_ctx> contexts; ///< Spawned and not ended.
  std::map<tablet_id, std::string> withdrawn;
  std::vector<edit_body> proposed;
  std::size_t spawned = 0;
  std::size_t again = 0;
  std::size_t published = 0;

  [[nodiscard]] time_ms wall() const { return t0 - 5'000s + now + set_by; }

  Sched() {
    world.now = wall();
    restart(prompt);
  }
  void restart(scheduler_options options) {
    contexts.clear();
    scheduler.reset();
    scheduler.emplace(options);
    feed(sched_started{});
  }
  void feed(const sched_event& event) {
    for (auto& effect : scheduler->step(event, {world.cat, world.cluster, wall()}, now))
      std::visit(overloaded{
                   [&](spawn_ctx& e) {
                     EXPECT_FALSE(contexts.contains(e.ctx.tablet)) << "two contexts for one tablet";
                     contexts.emplace(e.ctx.tablet, e.ctx);
                     ++spawned;
                   },
                   [&](withdraw_ctx& e) { withdrawn[e.tablet] = e.why; },
                   [&](propose_order& e) { proposed.push_back(std::move(e.body)); },
                   [&](step_again&) { ++again; },
                   [&](publish_view&) { ++published; },
                 },
                 effect);
    EXPECT_EQ(scheduler->broken_invariant(), "");
  }
  void sick(std::vector<tablet_id> ids) { feed(tablets_checked{.sick = std::move(ids), .healed = {}}); }
  void pass(time_ms span) {
    now += span;
    world.now = wall();
    feed(sched_tick{});
  }
  [[nodiscard]] bool runs(tablet_id id) const { return contexts.contains(id); }
  [[nodiscard]] const queue_entry& waiting(tablet_id id) const { return *scheduler->queue().find(id); }

  /// The context of `id` does what it was spawned for, and says so.
  void succeed(tablet_id id) {
    const auto ctx = contexts.extract(id).mapped();
    decision d;
    d.move = ctx.move;
    world.carry_out(id, d);
    feed(ctx_report{id, ctx_result::finished, "", 500, 10});
  }
  void fail(tablet_id id, ctx_result how = ctx_result::failed, task_failure why = task_failure::unknown) {
    contexts.erase(id);
    feed(ctx_report{id, how, "it failed", 0, 0, why});
  }
  [[nodiscard]] scheduler_view view() const { return scheduler->view({world.cat, world.cluster, wall()}, now); }
};

} // namespace tabletd::test
