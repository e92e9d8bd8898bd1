// What the overseer of warm-up pushes, and when.  Who gets what is tested in tests/model/warmup_push_test.cpp.
#include "tests/actors/warmup_world.h"

#include <set>

namespace tabletd::test {
namespace {

struct WarmupHeat : warmup_overseer_world {
  warmup_job_id follow(warmup_event event) {
    auto what = after("east");
    what.sync = sync_on_event{event};
    return create(what);
  }
  /// Since the last take.
  std::set<tablet_id> take_pushed() {
    std::set<tablet_id> all;
    for (const auto& [backend, pushes] : std::exchange(fleet->pushed, {}))
      for (const auto& push : pushes)
        for (const auto tablet : push) {
          EXPECT_EQ(serving_backend(w.cat, *w.cat.tablets.find(tablet), serving_backends(w.cat, "west")), backend);
          all.insert(tablet);
        }
    return all;
  }
  std::set<tablet_id> all() const { return {bucket(0), bucket(1), bucket(2), bucket(3)}; }
  backend_id home(tablet_id tablet) const {
    return serving_backend(w.cat, *w.cat.tablets.find(tablet), serving_backends(w.cat, "west"));
  }
};

TEST_F(WarmupHeat, AJobThatFollowsLoadsPushesWhatIsPublishedAtOnce) {
  start();
  const auto id = follow(warmup_event::load);
  EXPECT_EQ(state(id), "RUNNING");
  EXPECT_EQ(take_pushed(), all());
  EXPECT_EQ(board->pushed_bytes, 40u);
  happen(published(bucket(1), 2));
  EXPECT_EQ(take_pushed(), (std::set{bucket(1)})) << "without a tick";
  EXPECT_EQ(fleet->take_said(w3) + fleet->take_said(w4), "") << "it holds no slot";
  stop();
  start();
  EXPECT_EQ(take_pushed(), all()) << "a new leader cannot know what arrived";
  happen(warmup_ended{id, 0, warmup_state::cancelled, "user cancel", {}});
  happen(published(bucket(1), 3));
  EXPECT_TRUE(take_pushed().empty());
}

TEST_F(WarmupHeat, APushTakesAsLongAsItTakes) {
  settings.pace.work_limit = 5s;
  fleet->pushes_wait = true;
  start();
  follow(warmup_event::load);
  EXPECT_EQ(take_pushed(), all());
  seconds(60);
  EXPECT_TRUE(take_pushed().empty()) << "it is under way; asked for again it would be queued there again";
  fleet->pushes_wait = false;
  fleet->end_pushes();
  settle();
  EXPECT_EQ(board->pushed_bytes, 40u);
}

TEST_F(WarmupHeat, APushThatFailsIsSentAgain) {
  for (const auto b : {w3, w4})
    fleet->members[b].failed_pushes = 1;
  start();
  follow(warmup_event::load);
  EXPECT_EQ(take_pushed(), all());
  seconds(19);
  EXPECT_TRUE(take_pushed().empty());
  seconds(1);
  EXPECT_EQ(take_pushed(), all());
  seconds(60);
  EXPECT_TRUE(take_pushed().empty()) << "it has arrived";
}

TEST_F(WarmupHeat, OneAtATimeForABackend) {
  start();
  fleet->pushes_wait = true;
  follow(warmup_event::load);
  take_pushed();
  happen(published(bucket(1), 2));
  EXPECT_TRUE(take_pushed().empty());
  fleet->end_pushes();
  settle();
  EXPECT_EQ(take_pushed(), (std::set{bucket(1)}));
}

TEST_F(WarmupHeat, AJobThatFollowsQueriesPushesWhatBecomesHot) {
  start();
  follow(warmup_event::query);
  EXPECT_TRUE(take_pushed().empty());
  fleet->members[e1].hottest = {{part(), 7}};
  seconds(10);
  EXPECT_EQ(take_pushed(), all());
  seconds(30);
  EXPECT_TRUE(take_pushed().empty()) << "it was hot before";
}

TEST_F(WarmupHeat, WhoBeginsAnewGetsWhatIsHotInItsCluster) {
  fleet->members[w4].hottest = {{part(), 7}};
  start();
  seconds(20);
  EXPECT_TRUE(take_pushed().empty()) << "everybody was there before this leader";
  fleet->reboot(home(bucket(0)));
  const auto who = home(bucket(0));
  seconds(10);
  const auto pushed = take_pushed();
  EXPECT_TRUE(pushed.contains(bucket(0)));
  for (const auto tablet : pushed)
    EXPECT_EQ(home(tablet), who);
  seconds(30);
  EXPECT_TRUE(take_pushed().empty());
}

TEST_F(WarmupHeat, WhoWasThereBeforeTheLeaderHasNotJoinedWheneverItIsHeardOf) {
  fleet->members[w4].hottest = {{part(), 7}};
  fleet->members[w3].is_linked = false;  // The leader has only begun to attach.
  start();
  seconds(15);
  fleet->members[w3].is_linked = true;
  seconds(20);
  EXPECT_TRUE(take_pushed().empty());
  const auto w5 = join(5, "west");
  fleet->members.try_emplace(w5);
  happen(backend_decommission{e2, true});  // Announces the new one as well.
  seconds(10);
  for (const auto tablet : take_pushed())
    EXPECT_EQ(home(tablet), w5);
}

TEST_F(WarmupHeat, AnEmptyCacheIsFilledWhoeverLeads) {
  fleet->members[w3].used_bytes = 0;
  fleet->members[w4].hottest = {{part(), 7}};
  start();
  const auto pushed = take_pushed();
  for (const auto tablet : all())
    EXPECT_EQ(pushed.contains(tablet), home(tablet) == w3);
}

TEST_F(WarmupHeat, ASwitchTurnsThatOff) {
  settings.on_join = false;
  fleet->members[w3].used_bytes = 0;
  fleet->members[w4].hottest = {{part(), 7}};
  start();
  seconds(20);
  EXPECT_TRUE(take_pushed().empty());
}

}  // namespace
}  // namespace tabletd::test
