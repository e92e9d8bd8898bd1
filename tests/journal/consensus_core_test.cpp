// A group of one is the same core on the same path: founding, restarts, terms, order.
#include "tests/journal/consensus_host.h"

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct GroupOfOne : testing::Test {
  consensus_host node{{.self = 1}};
  model::time_ms now{1'000};

  void found() {
    libraft_core core({.self = 1});
    disk_founded = {core.founding_entry({{1, "fe1:9010"}}), ""};
    node.disk.ballot = {1, 0};
    node.disk.log = {disk_founded};
    node.start(now);
  }
  stored_entry disk_founded;
};

TEST_F(GroupOfOne, LeadsAsSoonAsItHasStarted) {
  found();
  EXPECT_TRUE(node.leads());
  EXPECT_EQ(node.last.leader, 1u);
  EXPECT_EQ(node.last.committed_upto, 1u);
  EXPECT_TRUE(node.outbox.empty());
}

TEST_F(GroupOfOne, EveryStartIsATermOfItsOwnAndDurableFirst) {
  found();
  EXPECT_EQ(node.last.term, 2u);
  EXPECT_EQ(node.disk.ballot, (model::ballot{2, 1}));
  for (model::term term = 3; term < 6; ++term) {
    node.start(now);
    EXPECT_EQ(node.last.term, term);
    EXPECT_EQ(node.disk.ballot, (model::ballot{term, 1}));
  }
}

TEST_F(GroupOfOne, CommitsNothingBeforeItIsPersisted) {
  found();
  ASSERT_TRUE(node.propose({"a", "b"}, now));
  ASSERT_TRUE(node.propose({"c"}, now));
  EXPECT_EQ(node.last.committed_upto, 1u);
  EXPECT_TRUE(node.complete_write(now));
  EXPECT_EQ(node.last.committed_upto, 3u);
  EXPECT_EQ(node.applied, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(node.complete_write(now));
  EXPECT_EQ(node.last.committed_upto, 4u);
  EXPECT_FALSE(node.complete_write(now));
}

TEST_F(GroupOfOne, EntriesCarryTheTermTheyWereWrittenIn) {
  found();
  node.propose({"a"}, now);
  node.complete_writes(now);
  node.start(now);
  node.propose({"b"}, now);
  node.complete_writes(now);
  ASSERT_EQ(node.disk.log.size(), 3u);
  EXPECT_EQ(node.disk.log[0], disk_founded);
  EXPECT_EQ(node.disk.log[1].header.term, 2u);
  EXPECT_EQ(node.disk.log[2].header.term, 3u);
}

TEST_F(GroupOfOne, ARestartCommitsWhatTheDiskHoldsAndForgetsTheRest) {
  found();
  node.propose({"a"}, now);
  node.complete_writes(now);
  node.propose({"lost"}, now);
  node.start(now);
  EXPECT_EQ(node.last.committed_upto, 2u);
  EXPECT_EQ(node.applied, std::vector<std::string>{"a"});
  node.propose({"b"}, now);
  node.complete_writes(now);
  EXPECT_EQ(node.applied, (std::vector<std::string>{"a", "b"}));
}

TEST_F(GroupOfOne, TimeChangesNothing) {
  found();
  for (int i = 0; i < 200; ++i)
    node.tick(now += 100ms);
  EXPECT_TRUE(node.leads());
  EXPECT_EQ(node.last.term, 2u);
  EXPECT_TRUE(node.outbox.empty());
}

TEST_F(GroupOfOne, AWriteReportedTwiceOrForAnotherTermIsIgnored) {
  found();
  libraft_core core({.self = 1});
  auto up = core.step(model::started{{1, 0}, {{1, 1}}, {{1, disk_founded.header.membership}}}, now);
  up = core.step(model::proposed{2}, now);
  ASSERT_TRUE(up.entries);
  EXPECT_EQ(core.step(model::persisted{3, 1}, now).committed_upto, 1u);  // Entry 3 is of term 2.
  EXPECT_EQ(core.step(model::persisted{4, 2}, now).committed_upto, 1u);  // There is no entry 4.
  EXPECT_EQ(core.step(model::persisted{3, 2}, now).committed_upto, 3u);
  EXPECT_EQ(core.step(model::persisted{3, 2}, now).committed_upto, 3u);
  EXPECT_EQ(core.step(model::persisted{2, 2}, now).committed_upto, 3u);
}

TEST_F(GroupOfOne, AMemberOfALargerGroupRefusesUntilItIsElected) {
  libraft_core core({.self = 1});
  const auto founding = core.founding_entry({{1, "a"}, {2, "b"}, {3, "c"}});
  const auto up = core.step(model::started{{1, 0}, {{1, 1}}, {{1, founding.membership}}}, now);
  EXPECT_EQ(up.role, model::consensus_role::follower);
  EXPECT_FALSE(up.ballot);
  EXPECT_TRUE(core.step(model::proposed{1}, now).refused);
}

TEST(FoundingEntry, IsTheSameEverywhereAndRefusesNonsense) {
  libraft_core one({.self = 1}), two({.self = 2, .seed = 9});
  const std::vector<model::member> members{{1, "a"}, {2, "b"}, {3, "c", false}};
  EXPECT_EQ(one.founding_entry(members), two.founding_entry(members));
  EXPECT_EQ(one.founding_entry(members).type, model::entry_type::change);
  EXPECT_THROW((void)one.founding_entry({{1, "a"}, {1, "b"}}), std::invalid_argument);
  EXPECT_THROW((void)one.founding_entry({{1, "a"}, {2, "a"}}), std::invalid_argument);
  EXPECT_THROW((void)one.founding_entry({{0, "a"}}), std::invalid_argument);
}

}  // namespace
}  // namespace tabletd
