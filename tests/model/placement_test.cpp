// Where copies come from and go to (spec/replica.md 4.8), and why not elsewhere.
#include "actors/model/load_score.h"
#include "tests/model/repair_world.h"
#include <map>
#include <set>

namespace tabletd::test {
namespace {

constexpr std::uint64_t gigabyte = repair_world::gigabyte;

path_view disk(std::uint64_t capacity, std::uint64_t used) {
  path_view p;
  p.capacity_bytes = capacity * gigabyte;
  p.available_bytes = (capacity - used) * gigabyte;
  return p;
}

path_code code_of(const decision& d, path_role role, const place& at) {
  for (const auto& verdict : d.paths)
    if (verdict.role == role && verdict.at == at)
      return verdict.code;
  ADD_FAILURE() << "no verdict";
  return {};
}

// -- the fit rule ------------------------------------------------------------------------

TEST(Placement, N6PathFit) {
  const auto path = disk(1'000, 840);
  EXPECT_FALSE(fit(path, 0, 20 * gigabyte, false, {}).fits); // 86 % > 85 %
  EXPECT_TRUE(fit(path, 0, 20 * gigabyte, true, {}).fits);   // 86 % <= 95 %
  EXPECT_TRUE(fit(path, 0, 10 * gigabyte, false, {}).fits);  // 85 % exactly
  EXPECT_FALSE(fit(path, 0, 120 * gigabyte, true, {}).fits); // 96 %
  EXPECT_NEAR(fit(path, 0, 20 * gigabyte, false, {}).used_ratio, 0.86, 1e-9);
}

TEST(Placement, BytesOnTheirWayCount) {
  EXPECT_FALSE(fit(disk(1'000, 840), 11 * gigabyte, 0, false, {}).fits);
}

TEST(Placement, SmallDisksKeepTheFloorFree) {
  // [FIX] the original's 2 GiB floor was negative and never applied.
  EXPECT_FALSE(fit(disk(4, 2), 0, 0, false, {}).fits);
  EXPECT_TRUE(fit(disk(4, 2), 0, 0, true, {}).fits);
  EXPECT_FALSE(fit(disk(4, 3), 0, 0, true, {}).fits);
  EXPECT_FALSE(fit(path_view{}, 0, 0, true, {}).fits) << "an unseen disk has no room";
}

// -- load --------------------------------------------------------------------------------

TEST(Placement, N1Score) {
  repair_world world{"abc"};
  const std::uint64_t used[] = {800, 400, 300};
  const std::uint64_t replicas[] = {120, 100, 80};
  for (std::size_t n = 1; n <= 3; ++n) {
    world.cluster.backends[world.ids[n]].paths = {disk(1'000, used[n - 1])};
    for (std::uint64_t i = 0; i < replicas[n - 1]; ++i)
      world.cat.backends.edit(world.ids[n])->tablets.put(tablet_id{i + 1}, replica_id{i + 1});
  }
  const load_scores scores{world.cat, world.cluster, world.slots};
  EXPECT_NEAR(scores.of(world.ids[1]), 1.6, 1e-9);
  EXPECT_NEAR(scores.of(world.ids[2]), 0.9, 1e-9);
  EXPECT_NEAR(scores.of(world.ids[3]), 0.7, 1e-9);
}

TEST(Placement, ScoresStayInOrderWhileReplicasAreAdded) {
  repair_world world{"abcdefgh"};
  for (std::size_t n = 1; n <= 8; ++n)
    world.seen(n, 0).available_bytes = (900 - 40 * (n * 5 % 8)) * repair_world::gigabyte;
  load_scores scores{world.cat, world.cluster, world.slots};
  for (std::size_t i = 0; i < 200; ++i) {
    scores.add(world.ids[1 + i * i % 8], i % 7 * repair_world::gigabyte);
    const auto& order = scores.from_least_loaded();
    ASSERT_EQ(order.size(), 8U);
    ASSERT_TRUE(std::is_sorted(order.begin(), order.end()));
    std::set<backend_id> all;
    for (const auto& each : order) {
      EXPECT_EQ(each.score, scores.of(each.backend));
      EXPECT_EQ(each.paths, 2U);
      all.insert(each.backend);
    }
    EXPECT_EQ(all.size(), 8U);
  }
}

TEST(Placement, TheLeastLoadedBackendAndItsEmptiestPathGetTheReplica) {
  repair_world world{"abcdef"};
  const auto id = world.make("1+ 2+");
  world.seen(4, 0).available_bytes = 700 * gigabyte;
  world.seen(4, 1).available_bytes = 900 * gigabyte;
  const auto d = world.decide(id);
  EXPECT_EQ(std::get<clone_move>(d.move).target, world.path(4, 1));
  EXPECT_EQ(code_of(d, path_role::target, world.path(4, 1)), path_code::chosen);
  EXPECT_EQ(code_of(d, path_role::target, world.path(4, 0)), path_code::usable);
}

TEST(Placement, EqualPlacesAreTakenByIdOnEveryNode) {
  repair_world world{"abcde"};
  const auto id = world.make("1+ 2+");
  const auto once = world.decide(id);
  EXPECT_EQ(std::get<clone_move>(once.move).target, world.path(3));
  EXPECT_EQ(world.decide(id).move, once.move);
}

TEST(Placement, LeavingVerdictsOutChangesNoMove) {
  repair_world world{"abcdefgh"};
  const auto id = world.make("1+ 2+");
  for (std::size_t n = 3; n <= 8; ++n)
    world.seen(n, 0).available_bytes = (450 + 13 * (n * 7 % 5)) * gigabyte;
  auto view = world.view();
  view.every_path = false;
  const auto quick = model::decide(view, id);
  EXPECT_EQ(quick.move, world.decide(id).move);
  EXPECT_LT(quick.paths.size(), world.decide(id).paths.size());
}

// Random disks, scores that move, slots in use: in a hurry or not, the same move or the same blocker.
TEST(Placement, AHurriedDecisionIsTheSame) {
  std::uint64_t seed = 5;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  std::size_t moves = 0;
  std::size_t blocked = 0;
  for (int round = 0; round < 400; ++round) {
    repair_world world{"abcdefgh"};
    const auto id = world.make(dice(2) == 0 ? "1+ 2+ 3!" : "1+ 2- 3+ 4!");
    for (std::size_t n = 1; n <= 8; ++n) {
      if (n > 4 && dice(5) == 0)
        world.die(n);
      else if (n > 4 && dice(6) == 0)
        world.leave(n);
      for (std::size_t path = 0; path < 2; ++path)
        world.seen(n, path).available_bytes = dice(round % 3 == 0 ? 60 : 900) * repair_world::gigabyte;
    }
    std::vector<slot_token> taken;
    for (std::uint64_t i = dice(30); i > 0; --i)
      if (auto token = world.slots.take({world.path(1 + dice(8), dice(2)), world.path(1 + dice(8), dice(2)), dice(50) << 30U}))
        taken.push_back(*std::move(token));
    load_scores scores{world.cat, world.cluster, world.slots};
    for (std::uint64_t i = dice(20); i > 0; --i)
      scores.add(world.ids[1 + dice(8)], dice(200) << 30U);
    auto view = world.view();
    view.scores = &scores;
    const auto slow = model::decide(view, id);
    view.every_path = false;
    const auto quick = model::decide(view, id);
    EXPECT_EQ(quick.move, slow.move) << "round " << round;
    EXPECT_EQ(quick.blocked, slow.blocked) << "round " << round;
    (slow.blocked == blocker::none ? moves : blocked) += 1;
    for (auto& token : taken)
      world.slots.give_back(std::move(token));
  }
  EXPECT_GT(moves, 50U);
  EXPECT_GT(blocked, 50U);
}

TEST(Placement, AHurriedDecisionNamesBusyTargetsOnlyUntilTheyAreEnough) {
  repair_world world{"abcdefghijklmnop"};
  const auto id = world.make("1+ 2+");
  std::vector<slot_token> taken;
  for (std::size_t n = 3; n <= 16; ++n)
    for (std::size_t path = 0; path < 2; ++path)
      for (int i = 0; i < 2; ++i)
        taken.push_back(world.slots.adopt({world.path(n, path), world.path(n, 1 - path), 0}));
  const load_scores scores{world.cat, world.cluster, world.slots};
  auto view = world.view();
  view.scores = &scores;
  const auto busy = [&](bool every_path) {
    view.every_path = every_path;
    const auto d = model::decide(view, id);
    EXPECT_EQ(d.blocked, blocker::target_slot);
    return static_cast<std::size_t>(std::count_if(d.paths.begin(), d.paths.end(), [](const path_verdict& v) {
      return v.role == path_role::target && v.code == path_code::no_slot;
    }));
  };
  EXPECT_EQ(busy(true), 28U);
  EXPECT_GT(busy(false), busy_targets_told);
  EXPECT_LE(busy(false), busy_targets_told + 2) << "a backend is looked at as a whole";
  for (auto& token : taken)
    world.slots.give_back(std::move(token));
}

// -- sources -----------------------------------------------------------------------------

TEST(Placement, TheSourceWithMoreFreeSlotsIsRead) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3!");
  auto token = world.slots.take({world.path(1), world.path(4), 0});
  EXPECT_EQ(world.remedy_of(id), "new 4 from 2");
  world.slots.give_back(*std::move(token));
}

TEST(Placement, ALeavingBackendIsAGoodSource) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2- 3-");
  world.leave(1);
  EXPECT_EQ(world.remedy_of(id), "fill 2 from 1");
}

TEST(Placement, ASourceTheLeaderCannotReachIsWaitedFor) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2-");
  world.cluster.backends[world.ids[1]].linked = false;
  EXPECT_EQ(world.remedy_of(id), "wait no_source");
}

TEST(Placement, N7NoSlotAtTheOnlySource) {
  repair_world world{"abcde"};
  const auto id = world.make("1+", 2);
  auto first = world.slots.take({world.path(1), world.path(4), 0});
  auto second = world.slots.take({world.path(1), world.path(5), 0});
  const auto d = world.decide(id);
  EXPECT_EQ(d.blocked, blocker::source_slot);
  EXPECT_TRUE(waits_for_slot(d.blocked));
  EXPECT_EQ(code_of(d, path_role::source, world.path(1)), path_code::no_slot);
  world.slots.give_back(*std::move(first));
  EXPECT_EQ(world.remedy_of(id), "new 2 from 1");
  world.slots.give_back(*std::move(second));
}

// -- targets -----------------------------------------------------------------------------

TEST(Placement, EveryPathSaysWhyNot) {
  repair_world world{"aabcdefghi"};
  const auto id = world.make("1+ 3+ 4!");
  world.die(5);
  world.leave(6);
  world.cluster.backends[world.ids[7]].linked = false;
  world.cluster.backends[world.ids[8]].reported = false;
  world.seen(9, 0).online = false;
  world.seen(9, 1).available_bytes = 20 * gigabyte;
  world.cluster.backends[world.ids[10]].paths.pop_back();
  auto one = world.slots.take({world.path(1), world.path(10), 0});
  auto two = world.slots.take({world.path(3), world.path(10), 0});
  const auto d = world.decide(id);
  const auto target = [&](std::size_t n, std::size_t path = 0) { return code_of(d, path_role::target, world.path(n, path)); };
  EXPECT_EQ(target(1), path_code::holds_replica);
  EXPECT_EQ(target(2), path_code::same_host);
  EXPECT_EQ(target(4), path_code::holds_replica);
  EXPECT_EQ(target(5), path_code::backend_dead);
  EXPECT_EQ(target(6), path_code::backend_decommissioned);
  EXPECT_EQ(target(7), path_code::backend_unlinked);
  EXPECT_EQ(target(8), path_code::backend_unreported);
  EXPECT_EQ(target(9, 0), path_code::path_offline);
  EXPECT_EQ(target(9, 1), path_code::too_full);
  EXPECT_EQ(target(10, 0), path_code::no_slot);
  EXPECT_EQ(target(10, 1), path_code::path_unseen);
  EXPECT_EQ(code_of(d, path_role::source, world.path(4)), path_code::replica_bad);
  EXPECT_EQ(d.blocked, blocker::target_slot) << "the easiest to lift is what it waits for";
  for (const auto& verdict : d.paths)
    EXPECT_NE(sentence(verdict), "unknown");
  world.slots.give_back(*std::move(one));
  world.slots.give_back(*std::move(two));
}

TEST(Placement, WhatOnlyTheClusterCanLiftIsNotWaitedForAsASlot) {
  repair_world world{"abc"};
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  auto one = world.slots.take({world.path(1), world.path(2), 0});
  auto two = world.slots.take({world.path(1), world.path(2), 0});
  EXPECT_EQ(world.remedy_of(id), "wait no_backend"); // Not "wait source_slot".
  world.slots.give_back(*std::move(one));
  world.slots.give_back(*std::move(two));
}

TEST(Placement, AMissingReplicaMayFillADiskFurtherThanAMovedOne) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3+");
  for (std::size_t path : {0, 1})
    world.seen(4, path).available_bytes = 100 * gigabyte; // 90 % full
  world.leave(3);
  EXPECT_EQ(world.remedy_of(id), "wait no_path");
  world.die(3);
  EXPECT_EQ(world.remedy_of(id), "new 4 from 1");
}

TEST(Placement, AMovedReplicaStaysOnItsMediumIfItCan) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3+"); // On path 0, an hdd.
  world.leave(3);
  world.seen(4, 1).available_bytes = 900 * gigabyte; // The ssd has more room.
  EXPECT_EQ(std::get<clone_move>(world.decide(id).move).target, world.path(4, 0));
  world.seen(4, 0).online = false;
  EXPECT_EQ(std::get<clone_move>(world.decide(id).move).target, world.path(4, 1));
}

TEST(Placement, EndsThatJustFailedAreTakenLast) {
  repair_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3!");
  ASSERT_EQ(world.remedy_of(id), "new 4 from 1");
  const std::vector<place> avoid{world.path(1), world.path(4)};
  auto view = world.view();
  view.avoid = avoid;
  EXPECT_EQ(world.text(model::decide(view, id), id), "new 5 from 2");
  world.die(5);
  world.die(2);
  EXPECT_EQ(world.text(model::decide(view, id), id), "new 4 from 1") << "better than nothing";
}

TEST(Placement, AReplicaThatCannotBeFilledIsReplacedElsewhere) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3-");
  const std::vector<place> avoid{world.path(1), world.path(3)};
  auto view = world.view();
  view.avoid = avoid;
  view.failures = 2;
  EXPECT_EQ(world.text(model::decide(view, id), id), "fill 3 from 2");
  view.failures = 3;
  EXPECT_EQ(world.text(model::decide(view, id), id), "new 4 from 2");
  world.die(4);
  world.seen(3, 1).online = false;
  EXPECT_EQ(world.text(model::decide(view, id), id), "fill 3 from 2") << "there is no elsewhere";
}

/// A replica that three copies could not fill, on the disk that refused them.
struct refused_fill {
  repair_world world;
  tablet_id id;
  std::vector<place> avoid;
  std::optional<place> blamed;
  explicit refused_fill(const std::string& hosts, const std::string& tablet = "1+ 2+ 3-", std::uint32_t wanted = 3)
    : world(hosts), id(world.make(tablet, wanted)), avoid{world.path(1), world.path(3)}, blamed(world.path(3)) {
    world.seen(3, 0).available_bytes = 0;
  }
  [[nodiscard]] decision decide(std::uint32_t failures = 3) const {
    auto view = world.view();
    view.avoid = avoid;
    view.failures = failures;
    view.disk_to_blame = blamed;
    return model::decide(view, id);
  }
  [[nodiscard]] std::string remedy(std::uint32_t failures = 3) const { return world.text(decide(failures), id); }
};

TEST(Placement, AReplicaOnAFullDiskMakesWayForOneOnAnother) {
  for (const std::string hosts : {"abc", "abcc"}) { // The only other disk is of its backend, or of its host.
    refused_fill at{hosts};
    at.world.seen(3, 1).online = hosts == "abc";
    EXPECT_EQ(at.remedy(2), "fill 3 from 2");
    EXPECT_EQ(at.remedy(), "drop 3 incomplete");
    at.world.carry_out(at.id, at.decide());
    const auto copy = at.world.decide(at.id); // The scheduler forgets what failed when a remedy ends well.
    EXPECT_EQ(at.world.text(copy, at.id), hosts == "abc" ? "new 3 from 1" : "new 4 from 1");
    EXPECT_NE(std::get<clone_move>(copy.move).target, at.world.path(3));
    at.world.carry_out(at.id, copy);
    EXPECT_EQ(at.world.remedy_of(at.id), "nothing");
  }
}

TEST(Placement, AReplicaStaysWhenItIsNotItsDiskThatFails) {
  refused_fill at{"abc"};
  at.blamed.reset(); // The source cannot be read, or the link breaks: the next copy may succeed.
  EXPECT_EQ(at.remedy(), "fill 3 from 2");
  at.blamed = at.world.path(1);
  EXPECT_EQ(at.remedy(), "fill 3 from 2");
}

TEST(Placement, AReplicaStaysWhenMoreIsAmiss) {
  EXPECT_EQ(refused_fill("abc", "1+ 2- 3-").remedy(), "fill 2 from 1");
  refused_fill two{"abc", "1+ 2! 3-"};
  EXPECT_EQ(two.remedy(), "fill 3 from 1") << "what it holds may be all there is";
}

TEST(Placement, AReplicaOnAFullDiskWaitsForABusyOneElsewhere) {
  refused_fill at{"abcd"};
  EXPECT_EQ(at.remedy(), "new 4 from 2");
  auto token = at.world.slots.take({at.world.path(4), at.world.path(4), 0}); // Both slots of its first disk ...
  at.world.seen(4, 1).online = false;                                        // ... and it has no other.
  EXPECT_EQ(at.remedy(), "fill 3 from 2");
  at.world.slots.give_back(std::move(*token));
}

TEST(Placement, AReplicaThatCannotBeFilledStaysIfTheOthersAreNotConfirmed) {
  refused_fill at{"abc"};
  for (std::size_t n = 1; n <= 2; ++n)
    at.world.cluster.backends[at.world.ids[n]].reported = false;
  EXPECT_EQ(at.remedy(), "fill 3 from 2");
}

// -- drops -------------------------------------------------------------------------------

TEST(Placement, NothingIsDroppedOnTheWordOfABackendThatHasNotReported) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  ASSERT_EQ(world.remedy_of(id), "drop 4 highest_load");
  world.cluster.backends[world.ids[3]].reported = false;
  // Of the four only 3 may be empty, so it is the only one whose absence is confirmed to be safe.
  EXPECT_EQ(world.remedy_of(id), "drop 3 highest_load");
  world.cluster.backends[world.ids[2]].reported = false;
  EXPECT_EQ(world.remedy_of(id), "wait unconfirmed");
}

TEST(Placement, ADeadReplicaStaysUntilAtLeastOneCopyIsConfirmed) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  world.die(4);
  for (std::size_t n = 1; n <= 3; ++n)
    world.cluster.backends[world.ids[n]].reported = false;
  EXPECT_EQ(world.remedy_of(id), "wait unconfirmed");
  world.cluster.backends[world.ids[2]].reported = true;
  EXPECT_EQ(world.remedy_of(id), "drop 4 unavailable");
}

TEST(Placement, OfTwoCopiesOnOneHostTheMoreLoadedBackendGivesUpItsOwn) {
  repair_world world{"aabc"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  EXPECT_EQ(world.remedy_of(id), "drop 2 same_host");
  world.seen(1, 0).available_bytes = 300 * gigabyte;
  EXPECT_EQ(world.remedy_of(id), "drop 1 same_host");
}

TEST(Placement, AnOpenOrderIsNotDecidedAgain) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2+");
  const auto d = world.decide(id);
  const auto& m = std::get<clone_move>(d.move);
  ASSERT_TRUE(world(clone_ordered{id, 0, 0, m.source, m.target, m.replica, m.version}).ok());
  EXPECT_EQ(world.remedy_of(id), "wait order_open");
}

TEST(Placement, SentencesSayWhatIsDone) {
  repair_world world{"abcd"};
  EXPECT_NE(sentence(world.decide(world.make("1+ 2+"))).find("copy a new replica up to version 10 from backend"), std::string::npos);
  EXPECT_NE(sentence(world.decide(world.make("1+ 2+ 3-"))).find("fill replica"), std::string::npos);
  EXPECT_NE(sentence(world.decide(world.make("1+ 2+ 3+ 4!"))).find("it is damaged"), std::string::npos);
  EXPECT_EQ(sentence(world.decide(world.make("1+ 2+ 3+"))), "nothing to do");
}

} // namespace
} // namespace tabletd::test
