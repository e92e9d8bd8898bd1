// Every small tablet in every small cluster, treated until nothing is left to do: it gets
// well if that is possible at all, never in circles, never by risking data.
#include "actors/model/assessment.h"
#include "tests/model/repair_world.h"
#include <set>

namespace tabletd::test {
namespace {

constexpr int steps_max = 20;

struct walk_count {
  std::size_t tablets = 0;
  std::size_t steps = 0;
  std::size_t cured = 0;
  std::size_t stuck = 0;
};

/// How many replicas the available backends could hold by the rule of hosts.
std::size_t holders(const catalog& cat, std::uint32_t replication) {
  const bool apart = host_anti_affinity(cat, replication);
  std::set<std::string> distinct;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    if (b.available())
      distinct.insert(apart ? b.host : std::to_string(raw(id)));
  });
  return distinct.size();
}

void treat(repair_world& world, tablet_id id, std::uint32_t wanted, walk_count& count) {
  const auto start = assess(world.cat, world.at(id));
  const auto replicas_max = std::max<std::size_t>(world.at(id).replicas.size(), wanted + 1);
  for (int step = 0;; ++step) {
    ASSERT_LT(step, steps_max) << "going round in circles";
    const auto before = assess(world.cat, world.at(id));
    const auto d = world.decide(id);
    if (std::holds_alternative<leave_alone>(d.move))
      break;
    ++count.steps;
    world.carry_out(id, d);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    const auto after = assess(world.cat, world.at(id));
    // Appendix A 3, stronger: no remedy ever lowers the hosts with a complete copy below
    // the wanted number, forced or not.
    ASSERT_GE(after.complete, std::min(before.complete, wanted)) << world.text(d, id);
    ASSERT_GE(after.sources, 1U) << world.text(d, id);
    ASSERT_LE(world.at(id).replicas.size(), replicas_max) << world.text(d, id); // A 5.
  }
  const auto end = diagnose(world.cat, world.at(id));
  ++count.tablets;
  if (start.sources == 0) {
    ASSERT_EQ(end.health, tablet_health::unrecoverable);
  } else if (holders(world.cat, wanted) >= wanted) {
    ASSERT_EQ(name(end.health), name(tablet_health::healthy));
    ++count.cured;
  } else {
    // Not enough places: then every place there is holds a complete copy.
    ASSERT_GE(assess(world.cat, world.at(id)).complete, holders(world.cat, wanted));
    ++count.stuck;
  }
}

/// `code` in base 12: per backend, alive / dead / leaving times none / complete / behind / bad.
std::string set_up(repair_world& world, std::size_t backends, std::size_t code) {
  std::string notation;
  for (std::size_t n = 1; n <= backends; ++n, code /= 12) {
    if (code % 3 == 1)
      world.die(n);
    if (code % 3 == 2)
      world.leave(n);
    if (const char how = " +-!"[code % 12 / 3]; how != ' ')
      notation += std::to_string(n) + how + " ";
  }
  return notation;
}

TEST(Remedies, EverySmallTabletConverges) {
  walk_count count;
  for (const std::string hosts : {"abcd", "aabc", "aabb", "aaaa"}) {
    const repair_world fresh{hosts};
    for (std::uint32_t wanted = 1; wanted <= 3; ++wanted) {
      auto ready = fresh;
      const auto id = ready.make("1+", wanted);
      for (std::size_t code = 0; code < 12 * 12 * 12 * 12; ++code) {
        auto world = ready;
        world.checked = false;
        const auto notation = set_up(world, hosts.size(), code);
        if (notation.empty())
          continue;
        world.fill(id, notation);
        treat(world, id, wanted, count);
        ASSERT_FALSE(HasFatalFailure()) << "hosts " << hosts << " wanted " << wanted << " code " << code << ": " << notation;
      }
    }
  }
  EXPECT_GT(count.tablets, 240'000U);
  EXPECT_GT(count.cured, 50'000U);
  EXPECT_GT(count.stuck, 60'000U);
}

TEST(Remedies, RandomTabletsOfABiggerClusterConverge) {
  walk_count count;
  std::uint64_t seed = 1;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  for (const std::string hosts : {"abcdefg", "aabbccd", "aaabbbc"}) {
    const repair_world fresh{hosts};
    auto ready = fresh;
    const auto id = ready.make("1+", 3);
    for (int i = 0; i < 10'000; ++i) {
      auto world = ready;
      world.checked = false;
      const auto code = dice(35'831'808); // 12^7
      const auto notation = set_up(world, hosts.size(), code);
      if (notation.empty())
        continue;
      world.fill(id, notation);
      treat(world, id, 3, count);
      ASSERT_FALSE(HasFatalFailure()) << "hosts " << hosts << " code " << code << ": " << notation;
    }
  }
  EXPECT_GT(count.cured, 5'000U);
}

} // namespace
} // namespace tabletd::test
