// The backend's cooldown_keeper in a frozen world: whom it looks at and when, what it reports, how far a lease reaches.
// What a replica then does is tested in tests/model.
#include "actors/agent/cooldown_keeper.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"

#include <algorithm>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

struct scripted_store final : cooldown_transport {
  void look(const cooldown_life_id& who, cooldown_keeper_actor keeper) override {
    looks.push_back(who);
    model::replica_disk disk;
    disk.tablet = who.tablet;
    disk.replica = who.replica;
    disk.hot = hot;
    disk.remote = remote;
    disk.id = id;
    caf::anon_send(keeper, cooldown_looked{who, is_gone ? std::nullopt : std::optional{disk}});
  }
  void put_segment(const cooldown_life_id& who, model::put_segment what, lease_end until,
                   cooldown_keeper_actor) override {
    puts.push_back({who, what.job});
    lease = until;
  }
  void put_meta(const cooldown_life_id&, model::put_meta, lease_end, cooldown_keeper_actor) override {}
  void save_asked(const cooldown_life_id&, std::uint64_t, std::optional<model::published_meta>,
                  cooldown_keeper_actor) override {}
  void fetch_meta(const cooldown_life_id&, model::fetch_meta, cooldown_keeper_actor) override { ++fetches; }
  void save_set(const cooldown_life_id&, model::save_set, model::resource_id, cooldown_keeper_actor) override {}
  void bring_home(const cooldown_life_id& who, model::bring_home what, cooldown_keeper_actor) override {
    homecomings.push_back({who, what.job});
    change = what.change;
  }
  void list_objects(const cooldown_life_id&, model::list_objects what, cooldown_keeper_actor) override {
    listed.push_back(what.resource);
  }
  void delete_object(const cooldown_life_id&, model::delete_object, lease_end, cooldown_keeper_actor) override {}
  void discard(const cooldown_life_id&, model::discard_objects what) override {
    discarded.insert(discarded.end(), what.objects.begin(), what.objects.end());
  }
  struct put {
    cooldown_life_id who;
    std::uint64_t job{};
  };
  bool is_gone = false;
  std::vector<model::hot_rowset> hot;
  std::vector<model::remote_rowset> remote;
  model::remote_meta_id id;
  std::vector<cooldown_life_id> looks;
  std::vector<put> puts, homecomings;
  model::set_change change;
  std::vector<model::resource_id> listed;
  std::size_t fetches = 0;
  std::vector<std::string> discarded;
  lease_end lease;
};

struct scripted_leader final : cooldown_wire {
  void send(std::vector<report> all, cooldown_keeper_actor) override {
    reports.insert(reports.end(), all.begin(), all.end());
  }
  void ask(const cooldown_life_id&, model::ask_publication what, cooldown_keeper_actor) override {
    asked.push_back(what.meta);
  }
  void ask(const cooldown_life_id&, model::ask_deletion, cooldown_keeper_actor) override {}
  std::vector<report> reports;
  std::vector<model::published_meta> asked;
};

struct CooldownKeeper : actor_world {
  std::shared_ptr<scripted_store> store = std::make_shared<scripted_store>();
  std::shared_ptr<scripted_leader> leader = std::make_shared<scripted_leader>();
  model::time_ms now{1'000'000};
  cooldown_keeper_actor keeper;

  void SetUp() override { start({}); }
  void start(const cooldown_pace& pace) {
    if (keeper)
      TearDown();
    keeper = spawn_child(&sys, cooldown_keeper,
                         cooldown_keeper_ports{store, leader, [this] { return now; }, [this] { return now; },
                                               [] { return std::uint64_t{7}; }, pace, {}});
    settle();
  }
  void TearDown() override {
    urgent_exit(keeper, caf::exit_reason::user_shutdown);
    settle();
  }
  /// In ticks.
  void go_on(model::time_ms span) {
    for (const auto end = now + span; now < end;) {
      now += 1s;
      pass(1s);
    }
  }
  /// Replica 10 * tablet uploads; its rowsets are due when they are there.
  void push(std::uint64_t first, std::uint64_t last, model::term term = 1) {
    caf::anon_send(keeper, seal<wire::CooldownOrders>(
                             [&](auto to) {
                               to.setLeaseMs(1'800'000);
                               auto list = to.initTablets(static_cast<unsigned>(last - first + 1));
                               for (unsigned i = 0; i < list.size(); ++i) {
                                 list[i].setTablet(first + i);
                                 list[i].setReplica(10 * (first + i));
                                 list[i].getConf().setUploader(10 * (first + i));
                                 list[i].getConf().setTerm(term);
                                 list[i].setResource(9);
                                 list[i].getRule().setTtlMs(0);
                               }
                             },
                             64 + (last - first) * 32));
    settle();
  }
  void acknowledge(model::term term = 1) {
    cooldown_acknowledged heard;
    for (const auto& one : std::exchange(leader->reports, {}))
      heard.reports.push_back({one.tablet, one.what.replica, one.what.report, term});
    caf::anon_send(keeper, std::move(heard));
    settle();
  }
  /// Of the time to come, with an acknowledgement a minute.
  std::size_t looks_in(model::time_ms span) {
    const auto before = store->looks.size();
    for (const auto end = now + span; now < end;) {
      go_on(1min);
      acknowledge();
    }
    return store->looks.size() - before;
  }
  void load() { store->hot = {{model::txn_id{5}, 2, 2, 10, 100, 1, now - 1h}}; }
};

/// Its lease goes on for years; that alone is no reason to look for work.
TEST_F(CooldownKeeper, AnUploaderWithNothingToDoComesToRest) {
  push(1, 1);
  acknowledge();
  std::ignore = looks_in(30min);
  EXPECT_LE(looks_in(1h), 60U + 12U) << "one for each acknowledgement, and one every 320 s";
}

TEST_F(CooldownKeeper, MoreReplicasThanATickLooksAtAllHaveTheirTurn) {
  start({.work_interval = 1s, .rest_max = 1s, .looks_max = 4});
  push(1, 100);
  store->looks.clear();
  go_on(26s);
  std::vector<model::tablet_id> seen;
  for (const auto& look : store->looks)
    seen.push_back(look.tablet);
  std::ranges::sort(seen);
  seen.erase(std::ranges::unique(seen).begin(), seen.end());
  EXPECT_EQ(seen.size(), 100U);
}

/// U1: from when the report left, not from when its answer came; and nothing without one.
TEST_F(CooldownKeeper, ALeaseCountsFromWhenTheReportWasSent) {
  load();
  push(1, 1);
  go_on(1min);
  EXPECT_TRUE(store->puts.empty());
  leader->reports.clear();
  go_on(1min);
  ASSERT_FALSE(leader->reports.empty());
  const auto first = leader->reports.front();
  const auto sent_before = now;
  go_on(10s);
  leader->reports = {first};
  acknowledge();
  go_on(2s);
  ASSERT_EQ(store->puts.size(), 1U);
  EXPECT_LE(store->lease->load(), (sent_before + 30min).count());
  EXPECT_GT(store->lease->load(), (sent_before + 28min).count());
}

TEST_F(CooldownKeeper, ADroppedReplicaTakesItsLeaseAlong) {
  load();
  push(1, 1);
  go_on(1s);
  acknowledge();
  go_on(2s);
  ASSERT_EQ(store->puts.size(), 1U);
  ASSERT_GT(store->lease->load(), 0);
  store->is_gone = true;
  go_on(1min);
  EXPECT_EQ(store->lease->load(), 0) << "what is under way must end";
  leader->reports.clear();
  go_on(5min);
  EXPECT_TRUE(leader->reports.empty());
}

/// The end of a put of a life that is over says nothing to the next one, whose jobs have the same numbers.
TEST_F(CooldownKeeper, WhatAnEarlierLifeBeganIsNotTakenForTheNextOnes) {
  load();
  push(1, 1);
  go_on(1s);
  acknowledge();
  go_on(2s);
  ASSERT_EQ(store->puts.size(), 1U);
  const auto first = store->puts.front();
  store->is_gone = true;
  go_on(1min);
  store->is_gone = false;
  push(1, 1);
  go_on(1s);
  acknowledge();
  go_on(2s);
  ASSERT_EQ(store->puts.size(), 2U);
  ASSERT_EQ(store->puts[1].job, first.job);
  const auto looks = store->looks.size();
  caf::anon_send(keeper, cooldown_happened{first.who, model::cooldown_failed{first.job, "late"}});
  settle();
  EXPECT_EQ(store->looks.size(), looks);
  EXPECT_TRUE(store->discarded.empty());
}

TEST_F(CooldownKeeper, ANewLeaderHearsOfEverybodyAtOnce) {
  push(1, 5);
  go_on(1s);
  leader->reports.clear();
  caf::anon_send(keeper, link_up{});
  settle();
  EXPECT_EQ(leader->reports.size(), 5U);
}

TEST_F(CooldownKeeper, AReadThatNobodyCanHelpIsToldSo) {
  caf::scoped_actor reader{sys};
  const auto ask = [&](std::uint64_t tablet) {
    std::optional<missed_rows_verdict> heard;
    auto waiting = reader->request(keeper, caf::infinite, rows_missed{model::tablet_id{tablet}});
    settle();
    waiting.receive([&](const missed_rows_verdict& how) { heard = how; }, [](const caf::error&) {});
    return heard.value_or(missed_rows_verdict{true, "no answer"});
  };
  EXPECT_FALSE(ask(1).retry);
  push(1, 1);
  const auto how = ask(1);
  EXPECT_FALSE(how.retry);
  EXPECT_NE(how.why.find("newest set known here"), std::string::npos) << how.why;
  EXPECT_EQ(store->fetches, 0U);
}

/// RECALL TABLE: no policy any more, and the order to take back what is published.
TEST_F(CooldownKeeper, ARecallIsAskedForAndCarriedOutAndTheOldPlaceIsCleanedUp) {
  store->remote = {{"x", {}, 2, 3, 1, 100, 1}};
  store->id = {1, 4};
  const model::published_meta before{{1, 4}, model::resource_id{9}, "m", 7, 3, 100};
  const auto order = [&](const std::optional<model::published_meta>& published, const model::remote_meta_id& recalled) {
    caf::anon_send(keeper, seal<wire::CooldownOrders>(
                             [&](auto to) {
                               to.setLeaseMs(1'800'000);
                               to.initResources(1)[0].setId(9);
                               auto one = to.initTablets(1)[0];
                               one.setTablet(1);
                               one.setReplica(10);
                               one.setRecall(true);
                               one.getConf().setUploader(10);
                               one.getConf().setTerm(1);
                               if (published)
                                 codec::encode(*published, one.getConf().getPublished().initMeta());
                               codec::encode(recalled, one.getConf().initRecalled());
                             },
                             128));
    settle();
  };
  order(before, {});
  go_on(2s);
  acknowledge();
  go_on(20s);
  ASSERT_EQ(leader->asked, std::vector{model::nothing_remote({1, 5})});
  EXPECT_TRUE(store->homecomings.empty()) << "not before it is in the log";
  order(model::nothing_remote({1, 5}), {1, 5});
  ASSERT_EQ(store->homecomings.size(), 1u);
  EXPECT_EQ(store->change.to, (model::remote_meta_id{1, 5}));
  EXPECT_EQ(store->change.remote_dropped, store->remote);
  go_on(2s);
  EXPECT_EQ(leader->reports.back().what.phase, model::cooldown_phase::recalling);
  store->remote.clear();
  store->id = {1, 5};
  caf::anon_send(keeper, cooldown_happened{store->homecomings[0].who, model::cooldown_done{store->homecomings[0].job}});
  settle();
  acknowledge();
  go_on(1min);
  EXPECT_EQ(store->listed, std::vector{model::resource_id{9}}) << "where the published set lay";
  EXPECT_TRUE(store->puts.empty());
}

} // namespace
} // namespace tabletd::test
