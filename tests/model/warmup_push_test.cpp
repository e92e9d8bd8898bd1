// Who is asked to warm what outside of any slot.
#include "actors/model/warmup_push.h"
#include "actors/model/warmup_serving.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

constexpr backend_id east1{1}, west3{3}, west4{4};
constexpr warmup_job_id job_id{70};

/// A table of partitions 20 and 30 with four buckets each, in the east, all cooled; a west without replicas.
struct WarmupPush : ::testing::Test {
  catalog cat;
  heat_book heat;
  warmup_pusher pusher{{.tablets_max = 100}};

  WarmupPush() {
    for (const auto& [id, cluster] : std::map<backend_id, std::string>{{east1, "east"}, {west3, "west"}, {west4, "west"}}) {
      backend b;
      b.id = id;
      b.cluster = cluster;
      b.alive = true;
      cat.backends.put(id, b);
    }
    table t;
    t.id = table_id{10};
    for (std::uint64_t part : {20, 30}) {
      partition p;
      p.id = partition_id{part};
      p.visible = 5;
      p.first_tablet = tablet_id{part + 1};
      p.buckets = 4;
      t.partitions.push_back(p);
      for (std::uint64_t id = part + 1; id <= part + 4; ++id) {
        tablet of;
        of.id = tablet_id{id};
        of.table = t.id;
        of.partition = p.id;
        replica r{};
        r.id = replica_id{id * 10};
        r.backend = east1;
        r.version = 5;
        of.replicas = {r};
        cat.tablets.put(of.id, of);
        publish(id, 1);
      }
    }
    cat.tables.put(t.id, t);
  }
  void publish(std::uint64_t id, std::uint64_t seq) {
    cat.cooldowns.put(tablet_id{id}, {replica_id{id * 10}, 1, published_meta{{1, seq}, resource_id{9}, "m", 7, 5, 100}, {}});
  }
  /// A job of that kind runs.
  void follow(warmup_event event, std::optional<warmup_target> target = {}) {
    warmup_job job;
    job.id = job_id;
    job.state = warmup_state::running;
    job.what.dst = "west";
    job.what.type = target ? warmup_type::table : warmup_type::cluster;
    if (target)
      job.what.targets = {*target};
    else
      job.what.src = "east";
    job.what.sync = sync_on_event{event};
    job.plan = std::make_shared<const std::vector<warmup_lane_plan>>();
    cat.warmup.jobs.put(job.id, job);
  }
  /// What the change of the catalog brings about.
  template <class Change>
  std::map<backend_id, std::set<tablet_id>> after(Change change, time_ms now = 0ms) {
    const auto was = cat;
    change();
    pusher.look(was, cat, heat);
    return out(now);
  }
  std::map<backend_id, std::set<tablet_id>> out(time_ms now = 0ms) {
    std::map<backend_id, std::set<tablet_id>> sent;
    for (const auto& order : pusher.next(now)) {
      sent[order.backend].insert(order.tablets.begin(), order.tablets.end());
      last[order.backend] = order.number;
    }
    return sent;
  }
  std::map<backend_id, std::uint64_t> last;
  void end(backend_id backend, time_ms now = 0ms) { (void)pusher.on({backend, last.at(backend), false, 0, {}}, now); }
  void end_all() {
    for (const auto& [backend, number] : last)
      (void)pusher.on({backend, number, false, 0, {}}, 0ms);
  }
  backend_id home(std::uint64_t id) const {
    return serving_backend(cat, *cat.tablets.find(tablet_id{id}), serving_backends(cat, "west"));
  }
  std::map<backend_id, std::set<tablet_id>> homes(std::uint64_t first, std::uint64_t last_one) const {
    std::map<backend_id, std::set<tablet_id>> all;
    for (auto id = first; id <= last_one; ++id)
      if (cat.tablets.contains(tablet_id{id}))
        all[home(id)].insert(tablet_id{id});
    return all;
  }
};
using homes_map = std::map<backend_id, std::set<tablet_id>>;

TEST_F(WarmupPush, AJobThatFollowsLoadsWantsEverythingAndThenWhatIsPublished) {
  EXPECT_EQ(after([&] { publish(21, 2); }), homes_map{}) << "nobody follows";
  EXPECT_EQ(after([&] { follow(warmup_event::load); }), homes(21, 34));
  end_all();
  EXPECT_EQ(out(), homes_map{});
  EXPECT_EQ(after([&] { publish(22, 2); }), (homes_map{{home(22), {tablet_id{22}}}}));
  EXPECT_EQ(after([&] { publish(22, 3); }), homes_map{}) << "one push at a time for a backend";
  end(home(22));
  EXPECT_EQ(out(), (homes_map{{home(22), {tablet_id{22}}}})) << "the newer set comes after the older one's end";
  end(home(22));
  EXPECT_EQ(after([&] {
              auto conf = *cat.cooldowns.find(tablet_id{22});
              conf.term = 2;
              cat.cooldowns.put(tablet_id{22}, conf);
            }),
            homes_map{})
      << "the same objects under another uploader";
}

TEST_F(WarmupPush, OnlyWhatTheJobIsAbout) {
  EXPECT_EQ(after([&] { follow(warmup_event::load, warmup_target{table_id{10}, partition_id{30}}); }), homes(31, 34));
  end_all();
  EXPECT_EQ(after([&] { publish(22, 2); }), homes_map{});
}

TEST_F(WarmupPush, AJobThatFollowsQueriesWantsWhatIsHot) {
  heat.note("east", east1, {{partition_id{20}, 5}});
  EXPECT_EQ(after([&] { follow(warmup_event::query); }), homes(21, 24));
  end_all();
  EXPECT_EQ(after([&] { publish(31, 2); }), homes_map{}) << "it is cold";
  EXPECT_EQ(after([&] { publish(21, 2); }), (homes_map{{home(21), {tablet_id{21}}}}));
  end_all();
  const auto fresh = heat.note("east", east1, {{partition_id{20}, 5}, {partition_id{30}, 1}});
  pusher.grew_hot(cat, "west", fresh);
  EXPECT_EQ(out(), homes_map{}) << "it follows the east";
  pusher.grew_hot(cat, "east", fresh);
  EXPECT_EQ(out(), homes(31, 34));
}

TEST_F(WarmupPush, WhatIsPausedOrOverWantsNothing) {
  after([&] { follow(warmup_event::load); });
  after([&] { publish(22, 2); });
  after([&] { cat.warmup.jobs.edit(job_id)->paused = 1ms; });
  end_all();
  EXPECT_EQ(out(), homes_map{}) << "what waited is withdrawn";
  EXPECT_EQ(after([&] { publish(23, 2); }), homes_map{});
  EXPECT_EQ(after([&] { cat.warmup.jobs.edit(job_id)->paused.reset(); }), homes(21, 34)) << "what it missed is not known";
}

TEST_F(WarmupPush, WhenABackendGoesItsTabletsAreWarmedWhereTheyAreServedNow) {
  after([&] { follow(warmup_event::load); });
  end_all();
  std::set<tablet_id> of_west3;
  for (const auto& [backend, tablets] : homes(21, 34))
    if (backend == west3)
      of_west3 = tablets;
  ASSERT_FALSE(of_west3.empty());
  EXPECT_EQ(after([&] { cat.backends.edit(west3)->alive = false; }), (homes_map{{west4, of_west3}}));
}

TEST_F(WarmupPush, WhatFailsIsTriedAgainLaterAndGivenUpInTheEnd) {
  warmup_pusher other{{.tablets_max = 100, .rest_after_failure = 20s, .tries_max = 2}};
  pusher = other;
  after([&] { follow(warmup_event::load, warmup_target{table_id{10}, partition_id{20}}); });
  const auto who = home(21);
  EXPECT_TRUE(pusher.on({who, last[who], true, 0, {}}, 0ms).empty());
  EXPECT_EQ(out(1s).count(who), 0u) << "it rests";
  EXPECT_EQ(out(2s)[who], homes(21, 24)[who]) << "silence is nothing against the tablets";
  EXPECT_TRUE(pusher.on({who, last[who], false, 1, {tablet_id{21}}}, 20s).empty());
  EXPECT_EQ(out(40s), (homes_map{{who, {tablet_id{21}}}})) << "only the one that failed";
  EXPECT_EQ(pusher.on({who, last[who], false, 1, {tablet_id{21}}}, 40s), (std::vector{tablet_id{21}}));
  EXPECT_EQ(out(90s), homes_map{});
}

TEST_F(WarmupPush, APushHasAtMostSoManyTablets) {
  warmup_pusher small{{.tablets_max = 1}};
  pusher = small;
  const auto first = after([&] { follow(warmup_event::load); });
  for (const auto& [backend, tablets] : first)
    EXPECT_EQ(tablets.size(), 1u);
}

TEST_F(WarmupPush, WhoJoinsGetsWhatIsHotInItsClusterAndServedByItHottestLast) {
  heat.note("west", west4, {{partition_id{30}, 9}, {partition_id{20}, 3}});
  pusher.joined(cat, heat, west3, 1'000'000);
  const auto orders = pusher.next(0ms);
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].backend, west3);
  auto mine = homes(21, 34)[west3];
  EXPECT_EQ((std::set<tablet_id>{orders[0].tablets.begin(), orders[0].tablets.end()}), mine);
  EXPECT_GT(raw(orders[0].tablets.back()), 30u) << "of the hottest partition";
  warmup_pusher small;
  small.joined(cat, heat, west3, 199);
  EXPECT_EQ(small.next(0ms).at(0).tablets.size(), 1u) << "more would push out what it has just got";
  small.joined(cat, heat_book{}, west4, 1'000'000);
  EXPECT_TRUE(small.next(0ms).empty()) << "nothing is hot";
}

TEST(WarmupHeat, IsSummedOverTheBackendsOfACluster) {
  heat_book heat;
  EXPECT_EQ(heat.note("east", east1, {{partition_id{1}, 5}, {partition_id{2}, 4}}), (std::set{partition_id{1}, partition_id{2}}));
  EXPECT_EQ(heat.note("east", west3, {{partition_id{2}, 2}, {partition_id{3}, 5}}), (std::set{partition_id{3}}));
  EXPECT_EQ(heat.hottest_partitions("east"), (std::vector{partition_id{2}, partition_id{1}, partition_id{3}}));
  EXPECT_EQ(heat.note("east", east1, {}), std::set<partition_id>{});
  EXPECT_EQ(heat.hottest("east").front().bytes, 6u) << "who has just begun says nothing";
  heat.note("east", east1, {{partition_id{1}, 9}});
  EXPECT_EQ(heat.hottest("east").front().bytes, 9u) << "the newest word counts";
  EXPECT_FALSE(heat.knows("west"));
}

}  // namespace
}  // namespace tabletd::model
