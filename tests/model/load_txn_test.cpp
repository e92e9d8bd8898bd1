// When a load commits, and how many must serve it.
#include "actors/model/load_txn.h"
#include "tests/model/catalog_world.h"
#include <algorithm>

namespace tabletd::test {
namespace {

struct LoadTxnTest : ::testing::Test {
  catalog_world w;
  backend_id b1 = w.live_backend(1), b2 = w.live_backend(2), b3 = w.live_backend(3);
  table_id t = w.make_table(w.make_database(), {b1, b2, b3}, 2);
  txn_id txn = w.begin_load(t, "x");

  std::vector<tablet_loaded> prepared(const std::vector<backend_id>& by) {
    return w.commit_of(t, txn, by).tablets;
  }
  load_decision decide(const std::vector<tablet_loaded>& p,
                       const std::vector<backend_failure>& failures = {}) {
    return decide_load(w.cat, txn, p, failures);
  }
  static std::string sentence(const load_decision& d) {
    const auto* no = std::get_if<load_rollback>(&d);
    return no ? no->sentence : "committed";
  }
  std::vector<tablet_served> served(const std::vector<std::vector<backend_id>>& by) {
    std::vector<tablet_served> all;
    for (std::uint32_t b = 0; b < by.size(); ++b) {
      all.push_back({w.bucket(t, b).id, {}});
      for (const auto id : by[b])
        all.back().replicas.push_back(w.on(t, id, b).id);
    }
    return all;
  }
};

TEST_F(LoadTxnTest, AMajorityEverywhereCommitsInBucketOrder) {
  auto p = prepared({b1, b3});
  std::reverse(p.begin(), p.end());
  const auto d = decide(p);
  ASSERT_TRUE(std::holds_alternative<load_commit>(d)) << sentence(d);
  const auto& edit = std::get<load_commit>(d).edit;
  EXPECT_EQ(edit.txn, txn);
  EXPECT_EQ(edit.tablets[0].tablet, w.bucket(t, 0).id);
  EXPECT_TRUE(w(edit).ok()) << "the fold agrees";
}

TEST_F(LoadTxnTest, ARollbackNamesTheTabletsAndTheBackends) {
  auto p = prepared({b1, b2});
  p[1].prepared.pop_back();
  const auto tablet = std::to_string(raw(w.bucket(t, 1).id));
  EXPECT_EQ(sentence(decide(p, {{b2, "disk full"}, {b3, "no route to host"}})),
            "no majority of complete replicas holds the rows of tablet " + tablet
                + " (1 of 2); h2:9000: disk full, h3:9000: no route to host; load again when SHOW "
                  "BACKENDS and SHOW TABLETS look healthy");
}

TEST_F(LoadTxnTest, ALongListIsCut) {
  const auto wide = w.make_table(w.make_database("wide"), {b1, b2, b3}, 6, 3, "wide");
  const auto other = w.begin_load(wide, "y");
  const auto text = sentence(decide_load(w.cat, other, {}, {}));
  EXPECT_NE(text.find(" and 3 more"), std::string::npos) << text;
}

TEST_F(LoadTxnTest, ATabletThatIsNotListedHasNobody) {
  auto p = prepared({b1, b2, b3});
  p.pop_back();
  EXPECT_NE(sentence(decide(p)).find("(0 of 2)"), std::string::npos);
}

TEST_F(LoadTxnTest, IncompleteReplicasDoNotCount) {
  w(replica_observed{w.bucket(t, 0).id, w.on(t, b1, 0).id, 1, true});
  EXPECT_NE(sentence(decide(prepared({b1, b2}))), "committed");
  EXPECT_EQ(sentence(decide(prepared({b1, b2, b3}))), "committed");
}

TEST_F(LoadTxnTest, WhatHasEndedIsNotCommitted) {
  const auto p = prepared({b1, b2, b3});
  w(load_aborted{txn, ""});
  EXPECT_NE(sentence(decide(p)).find("change of leader"), std::string::npos);
  w(table_dropped{t});
  EXPECT_NE(sentence(decide(p)).find("dropped"), std::string::npos);
  EXPECT_NE(sentence(decide_load(w.cat, txn_id{1}, {}, {})), "committed");
}

TEST(LoadRule, AMajorityIsOfTheReplicasThatShouldBe) {
  for (const auto& [replication_num, least] : {std::pair{1U, 1U}, {2U, 2U}, {3U, 2U}, {4U, 3U}, {5U, 3U}}) {
    EXPECT_FALSE(can_commit(least - 1, replication_num)) << replication_num;
    EXPECT_TRUE(can_commit(least, replication_num)) << replication_num;
  }
}

TEST_F(LoadTxnTest, PublishedIsAMajorityOfEveryTablet) {
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}, {b1, b2}})), publish_reach::too_few) << "not committed";
  w(w.commit_of(t, txn, {b1, b2, b3}));
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}, {b1}})), publish_reach::too_few);
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}})), publish_reach::too_few);
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}, {b1, b2}})), publish_reach::majority);
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2, b3}, {b1, b2, b3}})),
            publish_reach::everywhere);
}

TEST_F(LoadTxnTest, TheDeadAndThoseThatMissedItAreNotWaitedFor) {
  auto commit = w.commit_of(t, txn, {b1, b2, b3});
  commit.tablets[0].prepared.pop_back(); // b3 missed bucket 0.
  w(commit);
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}, {b1, b2}})), publish_reach::majority)
      << "b3 holds bucket 1";
  w(backend_died{b3});
  EXPECT_EQ(publish_reached(w.cat, txn, served({{b1, b2}, {b1, b2}})), publish_reach::everywhere);
}

} // namespace
} // namespace tabletd::test
