#pragma once
// A controller in epoch 5 on L, with F1 and F2, as spec/jobs.md D-C sets the scene.
#include "actors/model/checkpoint_controller.h"

#include <gtest/gtest.h>

namespace tabletd::model {

struct checkpoint_rig : testing::Test {
  static constexpr node_id L = 1, F1 = 2, F2 = 3;
  static constexpr time_ms t0 = std::chrono::seconds(1'000);
  const image_mark i50{50'000, 500, 5}, i100{100'000, 1'000, 10};

  checkpoint_options options;
  std::optional<checkpoint_controller> c;
  time_ms now = t0;
  std::uint64_t beat = 0;
  std::map<node_id, boot_id> boots{{L, 11}, {F1, 12}, {F2, 13}};

  void lead(term epoch, const std::set<node_id>& excused = {}, bool use_newest = false) {
    c.emplace(options, epoch, L, std::vector<node_id>{L, F1, F2}, checkpoint_marks{excused, use_newest}, now);
  }
  checkpoint_effects feed(const checkpoint_event& e) { return c->step(e, now); }
  checkpoint_effects see(node_id member, std::uint32_t memory, std::uint64_t applied, std::vector<image_mark> images,
                         std::uint64_t deleted = 0) {
    return feed(member_seen{member, ++beat, boots[member], memory, applied, deleted, std::move(images)});
  }
  /// Memory L 10, F1 20, F2 30; everybody holds image 50000 and has applied 100400.
  void scene(std::uint64_t finalized = 100'000) {
    see(L, 10, 100'400, {i50});
    see(F1, 20, 100'400, {i50});
    see(F2, 30, 100'400, {i50});
    feed(journal_seen{finalized, 0, 0});
  }
  checkpoint_effects pass(time_ms span) {
    now += span;
    return feed(checkpoint_ticked{});
  }
  checkpoint_effects next_round() { return pass(options.round_interval); }
  checkpoint_effects say(node_id member, const attempt_id& a, worker_answer answer) {
    return feed(worker_said{member, boots[member], a, std::move(answer)});
  }

  template <class Effect>
  static std::vector<Effect> all(const checkpoint_effects& effects) {
    std::vector<Effect> found;
    for (const auto& e : effects)
      if (const auto* f = std::get_if<Effect>(&e))
        found.push_back(*f);
    return found;
  }
  template <class Effect>
  static Effect only(const checkpoint_effects& effects) {
    const auto found = all<Effect>(effects);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Effect{} : found.front();
  }
  /// The attempt under way; fails the test if its worker is another.
  attempt_id attempt_on(node_id worker) {
    if (!c->attempt() || c->attempt()->worker != worker) {
      ADD_FAILURE() << "no attempt on " << worker;
      return {};
    }
    return c->attempt()->id;
  }
  /// F1 makes image 100000, L has it.  What follows from that.
  checkpoint_effects make_on_f1() {
    next_round();
    const auto a = attempt_on(F1);
    say(F1, a, attempt_accepted{});
    say(F1, a, attempt_done{i100});
    return feed(image_received{a, i100});
  }
  checkpoint_effects ack(node_id member, const image_mark& image) {
    return feed(push_acked{member, boots[member], image});
  }
  /// Grants the proof that is asked for: who is told to delete how much.
  std::map<node_id, std::uint64_t> proved(const checkpoint_effects& effects) {
    std::map<node_id, std::uint64_t> upto;
    for (const auto& d : all<delete_journal>(feed(leadership_proved{only<prove_leadership>(effects).proof})))
      upto[d.member] = d.upto;
    return upto;
  }
};

} // namespace tabletd::model
