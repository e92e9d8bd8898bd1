// The worked examples of spec/replica.md 10, each with the diagnosis and the first remedy.
#include "actors/model/assessment.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

using health = tablet_health;
using priority = repair_priority;

struct example {
  const char* name;
  const char* hosts;   ///< One letter per backend.
  const char* tablet;
  std::vector<std::size_t> dead;
  std::vector<std::size_t> leaving;
  tablet_health health;
  repair_priority priority;
  const char* remedy;
  std::uint32_t replication = 3;
};

const example examples[] = {
  {"healthy", "abcde", "1+ 2+ 3+", {}, {}, health::healthy, priority::normal, "nothing"},
  {"E1 one dead", "abcde", "1+ 2+ 3+", {3}, {}, health::replica_missing, priority::normal, "new 4 from 1"},
  {"E2 two dead", "abcdef", "1+ 2+ 3+", {2, 3}, {}, health::replica_missing, priority::high, "new 4 from 1"},
  // [FIX] by id, not by count: 4 and 5 are free although |replicas| = |alive backends|.
  {"E3 two dead, two free", "abcde", "1+ 2+ 3+", {2, 3}, {}, health::replica_missing, priority::high, "new 4 from 1"},
  {"E4 bad, no free backend", "abc", "1+ 2+ 3!", {}, {}, health::force_redundant, priority::very_high, "drop! 3 bad"},
  {"E4 next", "abc", "1+ 2+", {}, {}, health::replica_missing, priority::normal, "new 3 from 1"},
  {"E5 a hole", "abcde", "1+ 2+ 3-", {}, {}, health::version_incomplete, priority::normal, "fill 3 from 1"},
  {"E5b two holes", "abcde", "1+ 2- 3-", {}, {}, health::version_incomplete, priority::high, "fill 2 from 1"},
  {"E5b newer versions above the hole first", "abcde", "1+ 2- 3<", {}, {}, health::version_incomplete, priority::high,
   "fill 3 from 1"},
  {"E6a one leaving", "abcde", "1+ 2+ 3+", {}, {3}, health::replica_relocating, priority::low, "new 4 from 1"},
  {"E6b two leaving", "abcde", "1+ 2+ 3+", {}, {2, 3}, health::replica_relocating, priority::normal, "new 4 from 1"},
  // The originals delete the complete replica on 3 first; filling 4 needs no such risk (C3, C9).
  {"E6c leaving, and one to fill", "abcd", "1+ 2+ 3+ 4-", {}, {3}, health::version_incomplete, priority::low,
   "fill 4 from 1"},
  {"E6c next", "abcd", "1+ 2+ 3+ 4+", {}, {3}, health::redundant, priority::very_high, "drop 3 unavailable"},
  {"E7a replaced, dead one left over", "abcde", "1+ 2+ 3+ 4+", {3}, {}, health::redundant, priority::very_high,
   "drop 3 unavailable"},
  {"E8 as far as there is no balance", "abcde", "1+ 2+ 3+ 4-", {}, {}, health::redundant, priority::very_high,
   "drop 4 incomplete"},
  {"E10 nobody is complete", "abcde", "1+ 2- 3-", {1}, {}, health::unrecoverable, priority::normal, "wait unrecoverable"},
  {"E11 the only one is bad", "abcde", "1!", {}, {}, health::unrecoverable, priority::normal, "wait unrecoverable", 1},
  {"E12 two on one host", "aacde", "1+ 2+ 3+", {}, {}, health::replica_missing, priority::normal, "new 4 from 1"},
  {"E12 next", "aacde", "1+ 2+ 3+ 4+", {}, {}, health::redundant, priority::very_high, "drop 2 same_host"},
  {"E13 in place first", "abc", "1+ 2- 3+", {1}, {}, health::version_incomplete, priority::high, "fill 2 from 3"},
  {"E13 next: nowhere to go", "abc", "1+ 2+ 3+", {1}, {}, health::replica_missing, priority::normal, "wait no_backend"},
  // Beyond the vectors.
  {"being cloned counts as missing", "abcde", "1+ 2+ 3?", {}, {}, health::replica_missing, priority::normal,
   "new 4 from 1"},
  {"limit of wanted + 1", "abcdef", "1+ 2+ 3+ 4+", {3, 4}, {}, health::force_redundant, priority::very_high,
   "drop! 4 unavailable"},
  {"a dead replica does not make room", "abc", "1+ 2+ 3+", {3}, {}, health::replica_missing, priority::normal,
   "wait no_backend"},
  {"a dead replica blocks its host", "abcc", "1+ 2+ 3+", {3}, {}, health::force_redundant, priority::very_high,
   "drop! 3 unavailable"},
  {"leaving and behind, with a free backend", "abcd", "1+ 2+ 3-", {}, {3}, health::version_incomplete, priority::normal,
   "new 4 from 1"},
  {"leaving and behind, with none", "abc", "1+ 2+ 3-", {}, {3}, health::version_incomplete, priority::normal,
   "fill 3 from 1"},
  {"leaving, nowhere to go", "abc", "1+ 2+ 3+", {}, {3}, health::replica_relocating, priority::low, "wait no_backend"},
  {"too many, one leaving", "abcde", "1+ 2+ 3+ 4+", {}, {2}, health::redundant, priority::very_high, "drop 2 unavailable"},
  {"dead before leaving", "abcdef", "1+ 2+ 3+ 4+ 5+", {2}, {4}, health::redundant, priority::very_high,
   "drop 2 unavailable"},
  {"bad before dead", "abcdef", "1+ 2+ 3+ 4+ 5!", {4}, {}, health::redundant, priority::very_high, "drop 5 bad"},
  {"one machine: hosts do not matter", "aaa", "1+ 2+ 3+", {}, {}, health::healthy, priority::normal, "nothing"},
  {"one machine, one dead", "aaaa", "1+ 2+ 3+", {3}, {}, health::replica_missing, priority::normal, "new 4 from 1"},
  {"the better copy on a host counts", "aacde", "1- 2+ 3+ 4+", {}, {}, health::redundant, priority::very_high,
   "drop 1 incomplete"},
  {"R = 2 of 3", "abc", "1+ 2!", {}, {}, health::replica_missing, priority::high, "new 3 from 1", 2},
  {"leaving, only its own host has room", "aab", "1+", {3}, {1}, health::replica_relocating, priority::normal,
   "new 2 from 1", 1},
  {"leaving, another host first", "aab", "1+", {}, {1}, health::replica_relocating, priority::normal, "new 3 from 1", 1},
};

TEST(Health, WorkedExamples) {
  for (const auto& e : examples) {
    SCOPED_TRACE(e.name);
    repair_world world{e.hosts};
    const auto id = world.make(e.tablet, e.replication);
    for (const auto n : e.dead)
      world.die(n);
    for (const auto n : e.leaving)
      world.leave(n);
    const auto seen = diagnose(world.cat, world.at(id));
    EXPECT_EQ(name(seen.health), name(e.health));
    EXPECT_EQ(name(seen.priority), name(e.priority));
    EXPECT_EQ(world.remedy_of(id), e.remedy);
  }
}

TEST(Health, E7bTheMostLoadedBackendGivesUpItsReplica) {
  repair_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  for (auto& path : world.cluster.backends[world.ids[2]].paths)
    path.available_bytes = 100 * repair_world::gigabyte;
  EXPECT_EQ(world.remedy_of(id), "drop 2 highest_load");
}

TEST(Health, ATabletOfADroppedTableWantsNothing) {
  repair_world world{"abc"};
  const auto id = world.make("1+");
  auto orphan = world.at(id);
  orphan.table = table_id{999'999};
  EXPECT_EQ(diagnose(world.cat, orphan), diagnosis{});
}

TEST(Health, HostsMatterOnlyIfThereAreEnough) {
  EXPECT_TRUE(host_anti_affinity(repair_world{"aabc"}.cat, 3));
  EXPECT_FALSE(host_anti_affinity(repair_world{"aabb"}.cat, 3));
  // A dead or leaving backend's host still counts: the rule must not flip while it is away.
  repair_world world{"abc"};
  world.die(3);
  world.leave(2);
  EXPECT_TRUE(host_anti_affinity(world.cat, 3));
}

TEST(Health, NamesAreTheSeeds) {
  EXPECT_EQ(name(health::version_incomplete), "VERSION_INCOMPLETE");
  EXPECT_EQ(name(health::force_redundant), "FORCE_REDUNDANT");
  EXPECT_EQ(name(priority::very_high), "VERY_HIGH");
}

} // namespace
} // namespace tabletd::test
