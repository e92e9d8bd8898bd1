// Who serves a tablet's cooled rowsets, and what a job's targets come to.
#include "actors/codec/agent_warmup_codec.h"
#include "actors/codec/backend_warmup_codec.h"
#include "actors/model/warmup_placement.h"
#include "actors/model/warmup_serving.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tabletd::model {
namespace {

constexpr backend_id east1{1}, east2{2}, west3{3}, west4{4}, west5{5};

/// Two clusters; one table with partitions 20 and 30, four buckets each, with replicas in the east; every tablet but one is cooled.
catalog two_clusters() {
  catalog cat;
  for (const auto& [id, cluster] : std::map<backend_id, std::string>{
         {east1, "east"}, {east2, "east"}, {west3, "west"}, {west4, "west"}, {west5, "west"}}) {
    backend b;
    b.id = id;
    b.cluster = cluster;
    b.alive = true;
    cat.backends.put(id, b);
  }
  resource store{resource_id{9}, "cold", resource_type::s3, {{"bucket", "b"}}, 1, 0};
  cat.resources.put(store.id, store);
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
      r.backend = id % 2 ? east1 : east2;
      r.version = 5;
      of.replicas = {r};
      cat.tablets.put(of.id, of);
      if (id != 34)
        cat.cooldowns.put(of.id, {r.id, 1, published_meta{{1, id}, store.id, "m" + std::to_string(id), 7, 5, id * 100}, {}});
    }
  }
  cat.tables.put(t.id, t);
  return cat;
}

const tablet& at(const catalog& cat, std::uint64_t id) { return *cat.tablets.find(tablet_id{id}); }

TEST(WarmupServing, OfTheTablesOwnClusterWhoHasAReplicaServes) {
  const auto cat = two_clusters();
  const auto east = serving_backends(cat, "east");
  EXPECT_EQ(east, (std::vector{east1, east2}));
  for (std::uint64_t id = 21; id <= 24; ++id)
    EXPECT_EQ(serving_backend(cat, at(cat, id), east), id % 2 ? east1 : east2);
}

TEST(WarmupServing, AReplicaThatLacksRowsDoesNotServe) {
  auto cat = two_clusters();
  cat.tablets.edit(tablet_id{21})->replicas[0].version = 4;
  const auto east = serving_backends(cat, "east");
  EXPECT_EQ(serving_backend(cat, at(cat, 21), east), caching_backend(tablet_id{21}, east));
}

TEST(WarmupServing, ElsewhereTabletsAreSpreadOverWhoIsAlive) {
  auto cat = two_clusters();
  const auto west = serving_backends(cat, "west");
  EXPECT_EQ(west, (std::vector{west3, west4, west5}));
  const auto before = serving_backend(cat, at(cat, 21), west);
  EXPECT_EQ(before, caching_backend(tablet_id{21}, west));
  cat.backends.edit(before)->alive = false;
  const auto left = serving_backends(cat, "west");
  EXPECT_EQ(left.size(), 2U);
  EXPECT_NE(serving_backend(cat, at(cat, 21), left), before);
  EXPECT_EQ(serving_backend(cat, at(cat, 21), {}), backend_id{}) << "nobody is";
  EXPECT_TRUE(is_cluster(cat, "west"));
  EXPECT_FALSE(is_cluster(cat, "north"));
}

TEST(WarmupServing, TargetsComeWithTheirRemoteBytesAndPlaces) {
  const auto cat = two_clusters();
  const auto west = serving_backends(cat, "west");
  const auto all = warming_tables(cat, std::vector<warmup_target>{{table_id{10}, {}}, {table_id{99}, {}}}, west);
  ASSERT_EQ(all.size(), 1U) << "a table that is gone is left out";
  ASSERT_EQ(all[0].partitions.size(), 2U);
  EXPECT_EQ(all[0].partitions[0].tablets.size(), 4U);
  EXPECT_EQ(all[0].partitions[1].tablets.size(), 3U) << "what is not cooled has nothing to warm";
  for (const auto& t : all[0].partitions[0].tablets) {
    EXPECT_EQ(t.bytes, raw(t.tablet) * 100);
    EXPECT_EQ(t.served_by, caching_backend(t.tablet, west));
  }
  const auto one = warming_tables(cat, std::vector<warmup_target>{{table_id{10}, partition_id{30}}}, west);
  ASSERT_EQ(one[0].partitions.size(), 1U);
  EXPECT_EQ(one[0].partitions[0].partition, partition_id{30});
  const auto hottest
    = warming_partitions(cat, std::vector{partition_id{30}, partition_id{77}, partition_id{20}}, west);
  ASSERT_EQ(hottest.size(), 2U);
  EXPECT_EQ(hottest[0].partition, partition_id{30}) << "in the order asked";
}

TEST(WarmupServing, APlanPutsATabletWhereItIsServed) {
  const auto cat = two_clusters();
  const auto east = serving_backends(cat, "east");
  const auto tables = warming_tables(cat, std::vector<warmup_target>{{table_id{10}, {}}}, east);
  const std::vector<warming_backend> caches{{east1, 1 << 20}, {east2, 1 << 20}};
  const auto made = plan_tables("east", tables, caches, false);
  const auto& plan = std::get<warmup_plan>(made);
  ASSERT_EQ(plan.lanes.size(), 2U);
  for (const auto& lane : plan.lanes)
    for (const auto& t : lane.tablets)
      EXPECT_EQ(lane.backend, raw(t.tablet) % 2 ? east1 : east2);
  EXPECT_EQ(std::get<warmup_plan>(codec::decode_planned(codec::seal_planned(made).get())), plan);
}

TEST(WarmupServing, OnlyTabletsThatAreOthersNowHaveChanged) {
  auto cat = two_clusters();
  const std::map<tablet_id, published_meta> sent{{tablet_id{21}, *remote_of(cat, tablet_id{21})},
                                                 {tablet_id{22}, *remote_of(cat, tablet_id{22})}};
  const std::vector both{tablet_id{21}, tablet_id{22}};
  EXPECT_FALSE(have_changed(cat, sent, 2, both));
  cat.cooldowns.edit(tablet_id{21})->published->id.seq += 1;
  EXPECT_FALSE(have_changed(cat, sent, 2, both)) << "one of them is as it was";
  EXPECT_TRUE(have_changed(cat, sent, 1, std::vector{tablet_id{21}}));
  EXPECT_FALSE(have_changed(cat, sent, 2, std::vector{tablet_id{21}})) << "one that failed is not named";
  cat.cooldowns.erase(tablet_id{22});
  EXPECT_TRUE(have_changed(cat, sent, 2, both)) << "nothing of it is remote any more";
  EXPECT_TRUE(have_changed(cat, sent, 1, std::vector{tablet_id{23}})) << "nobody knows what was sent";
  EXPECT_FALSE(have_changed(cat, sent, 0, {}));
}

// -- the wire ----------------------------------------------------------------------------

TEST(WarmupCodec, ABatchArrivesWithWhatItsTabletsAreMadeOf) {
  const auto cat = two_clusters();
  const slot_request asked{{3, warmup_job_id{44}, 2}, set_batch{5, {tablet_id{21}, tablet_id{34}, tablet_id{99}}}};
  const auto call = codec::seal_slot_request(cat, asked, true, time_ms{0});
  const auto got = codec::decode(call.get().getRequest());
  EXPECT_EQ(got.what.fence, asked.fence);
  EXPECT_EQ(std::get<set_batch>(got.what.what), std::get<set_batch>(asked.what));
  EXPECT_TRUE(got.forced);
  ASSERT_EQ(got.sources.tablets.size(), 3U);
  EXPECT_EQ(got.sources.tablets[0].meta, *remote_of(cat, tablet_id{21}));
  EXPECT_EQ(got.sources.tablets[0].partition, partition_id{20});
  EXPECT_TRUE(is_recall(got.sources.tablets[1].meta)) << "nothing of it is remote";
  EXPECT_TRUE(is_recall(got.sources.tablets[2].meta)) << "it is gone";
  ASSERT_EQ(got.sources.resources.size(), 1U);
  EXPECT_EQ(got.sources.resources[0].id, resource_id{9});
  EXPECT_TRUE(got.sources.resources[0].is_s3);
}

TEST(WarmupCodec, OtherRequestsArriveAsTheyWere) {
  const catalog cat;
  const auto there = [&](const slot_request& asked, time_ms wait) {
    const auto call = codec::seal_slot_request(cat, asked, false, wait);
    return codec::decode(call.get().getRequest());
  };
  const warmup_fence fence{3, warmup_job_id{44}, 2};
  const auto get = there({fence, get_slot{}}, time_ms{900});
  EXPECT_TRUE(std::holds_alternative<get_slot>(get.what.what));
  EXPECT_EQ(get.wait, time_ms{900});
  EXPECT_EQ(std::get<set_job>(there({fence, set_job{7}}, {}).what.what), set_job{7});
  EXPECT_TRUE(std::holds_alternative<clear_job>(there({fence, clear_job{}}, {}).what.what));
}

TEST(WarmupCodec, AReplyArrivesAsItWas) {
  const slot_reply said{slot_verdict::not_finished, 77, 3, warmup_job_id{44}, 2, 5, 4, true, 600, 2, {tablet_id{21}}};
  const auto sent = seal<wire::WarmupReply>([&](auto to) { codec::encode(said, to); });
  EXPECT_EQ(codec::decode_slot_reply(sent.get()), said);
  const slot_reply free{slot_verdict::ok, 77, 3, {}, 0, -1, -1, false, 0, 0, {}};
  EXPECT_EQ(codec::decode_slot_reply(seal<wire::WarmupReply>([&](auto to) { codec::encode(free, to); }).get()), free);
  const auto odd = seal<wire::WarmupReply>([&](auto to) { to.setVerdict(99); });
  EXPECT_ANY_THROW((void)codec::decode_slot_reply(odd.get()));
}

}  // namespace
}  // namespace tabletd::model
