// The plans of warm-up's leader, rounds that cannot be planned, and verifications: all of them ask backends first.
#include "tests/actors/warmup_world.h"

namespace tabletd::test {
namespace {

struct WarmupPlans : warmup_overseer_world {};

std::string number(backend_id b) { return std::to_string(raw(b)); }

TEST_F(WarmupPlans, APlanAsksEveryBackendForItsCache) {
  start();
  ask_plan(about(t));
  const auto west = serving_backends(w.cat, "west");
  std::map<backend_id, int> of;
  for (std::uint32_t b = 0; b < 4; ++b)
    ++of[serving_backend(w.cat, w.bucket(t, b), west)];
  EXPECT_EQ(plan_text(), number(w3) + ":" + std::to_string(of[w3]) + "/" + std::to_string(of[w3] * 100) + " " + number(w4) + ":"
                           + std::to_string(of[w4]) + "/" + std::to_string(of[w4] * 100));
  fleet->members[w4].is_linked = false;
  ask_plan(about(t));
  EXPECT_EQ(plan_text(), "refused: Backend " + number(w4) + " did not say how large its cache is (backend " + number(w4)
                           + ": it is not linked)");
  fleet->members[w4].is_linked = true;
  fleet->members[w4].is_mute = true;
  ask_plan(about(t));
  EXPECT_EQ(plan_text(), "nothing yet");
  seconds(11);
  EXPECT_NE(plan_text().find("did not answer in time"), std::string::npos) << plan_text();
  fleet->members[w4].is_mute = false;
  fleet->members[w3].capacity_bytes = 150;
  fleet->members[w4].capacity_bytes = 150;
  ask_plan(about(t));
  EXPECT_TRUE(plan_text().starts_with("refused: The cluster west cache size is not enough")) << plan_text();
  ask_plan(after("nowhere"));
  EXPECT_NE(plan_text().find("The srcClusterName nowhere doesn't exist"), std::string::npos);
  ask_plan(about(t, "nowhere"));
  EXPECT_EQ(plan_text(), "refused: The cluster nowhere has no alive backend");
  EXPECT_TRUE(proposed.empty()) << "planning changes nothing";
}

TEST_F(WarmupPlans, AJobThatFollowsAClusterIsPlannedWhenItBegins) {
  const auto cold_table = cooled_table("cold", 2);
  settings.batch_bytes = 100'000;
  start();
  // Since then, as a plan that asks anew finds out.
  fleet->members[e1].hottest = {{part(), 700}, {w.cat.tables.find(cold_table)->partitions.front().id, 5}};
  const auto id = create(after("east"));
  const auto begun = take<warmup_begun>();
  ASSERT_EQ(begun.size(), 1u);
  ASSERT_TRUE(begun[0].lanes);
  std::vector<tablet_id> last;
  std::size_t all = 0;
  for (const auto& l : *begun[0].lanes)
    for (const auto& b : l.batches) {
      all += b.tablets.size();
      last.push_back(b.tablets.back());
    }
  EXPECT_EQ(all, 6u);
  for (const auto tablet : last)
    EXPECT_EQ(w.cat.tablets.find(tablet)->table, t) << "the hottest come last";
  EXPECT_EQ(state(id), "RUNNING");
}

TEST_F(WarmupPlans, AJobThatCannotBePlannedIsCancelledAndAPeriodicOneWaitsForItsNextRound) {
  fleet->members[w4].is_linked = false;
  settings.lanes.rest_after_failure = 2s;
  start();
  const auto once = create(after("east"));
  auto what = after("east");
  what.sync = sync_periodic{60s};
  seconds(3);
  EXPECT_EQ(state(once), "PENDING") << "the backend may be beginning anew";
  seconds(2);
  EXPECT_EQ(state(once), "CANCELLED");
  EXPECT_NE(job(once).err.find("it is not linked"), std::string::npos) << job(once).err;
  const auto periodic = create(what);
  seconds(5);
  EXPECT_EQ(state(periodic), "PENDING");
  EXPECT_EQ(job(periodic).run, 1u);
  EXPECT_NE(job(periodic).err.find("it is not linked"), std::string::npos) << job(periodic).err;
  fleet->members[w4].is_linked = true;
  seconds(60);
  EXPECT_EQ(job(periodic).run, 2u) << "nothing is hot: a round without batches is over at once";
  EXPECT_EQ(job(periodic).err, "");
}

TEST_F(WarmupPlans, AJobWhosePlanRestsLetsAYoungerOnePass) {
  fleet->members[w4].is_linked = false;
  start();
  const auto older = create(after("east"));
  EXPECT_EQ(state(older), "PENDING");
  const auto younger = create(about(t), {lane(w3, {bucket(0)})});
  EXPECT_EQ(state(younger), "RUNNING");
}

/// A periodic round that cannot be planned has begun without lanes; its end has not reached the log.
warmup_job_id begin_stillborn(warmup_overseer_world& world) {
  world.fleet->members[world.w4].is_linked = false;
  world.settings.lanes.failures_max = 1;
  world.start();
  auto what = world.after("east");
  what.sync = sync_periodic{60s};
  world.journal_holds_back = true;
  const auto id = world.create(what);
  world.release();
  EXPECT_EQ(world.state(id), "RUNNING");
  EXPECT_EQ(world.held_back.size(), 1u) << "the end";
  return id;
}

TEST_F(WarmupPlans, WhyARoundCouldNotBePlannedIsSaidUntilTheLogHasIt) {
  const auto id = begin_stillborn(*this);
  journal_fails = wire::EditOutcome::Failure::OVERLOADED;
  release();
  EXPECT_EQ(state(id), "RUNNING");
  journal_fails = wire::EditOutcome::Failure::NONE;
  journal_holds_back = false;
  seconds(1);
  EXPECT_EQ(state(id), "PENDING");
  EXPECT_EQ(job(id).run, 1u);
  EXPECT_NE(job(id).err.find("it is not linked"), std::string::npos) << job(id).err;
}

TEST_F(WarmupPlans, ALaterLeaderKnowsThatARoundCouldNotBePlanned) {
  const auto id = begin_stillborn(*this);
  stop();
  held_back.clear();
  journal_holds_back = false;
  start();
  seconds(1);
  EXPECT_EQ(state(id), "PENDING");
  EXPECT_EQ(job(id).err, "job fail: the round could not be planned");
}

TEST_F(WarmupPlans, AVerificationAsksInPiecesAndSaysWhoIsSilent) {
  settings.pace.verify_tablets = 1;
  fleet->members[w3].share = {90, 6, 4};
  start();
  const auto id = create_usual(about(t));
  for (int b = 0; b < 2; ++b) {
    fleet->end_batch(w3);
    settle();
  }
  fleet->end_batch(w4);
  settle();
  fleet->members[w4].is_linked = false;
  fleet->take_said(w3);
  inbox<warmup_verify_answer> answers;
  const auto verify = [&](warmup_job_id job) {
    answers = {};
    ask(seal<wire::WarmupVerifyAsked>([&](auto to) { to.setJob(raw(job)); }), answers);
  };
  verify(id);
  ASSERT_EQ(answers.answers.size(), 1u);
  const auto lanes = answers.answers[0].get().getLanes();
  ASSERT_EQ(lanes.size(), 2u);
  EXPECT_EQ(fleet->take_said(w3), "VERIFY 1; VERIFY 1");
  EXPECT_EQ(lanes[0].getTablets(), 2u);
  EXPECT_EQ(lanes[0].getShare().getSoundBytes(), 180u);
  EXPECT_EQ(lanes[0].getShare().getDamagedBytes(), 12u);
  EXPECT_EQ(lanes[0].getShare().getMissingBytes(), 8u);
  EXPECT_EQ(lanes[1].getTablets(), 1u) << "what is in the log only";
  EXPECT_STREQ(lanes[1].getSilent().cStr(), "it is not linked");
  verify(warmup_job_id{9'999});
  EXPECT_STREQ(answers.answers[0].get().getRefused().cStr(), "job id: 9999 does not exist.");
}

}  // namespace
}  // namespace tabletd::test
