// Random clusters: the planner ends, moves nothing twice, and what it leaves it explains.
#include "actors/model/health.h"
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

struct dice {
  std::uint64_t mixed;
  std::uint64_t operator()(std::uint64_t sides) {
    mixed = mixed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (mixed >> 33U) % sides;
  }
};

/// No disk is fuller than `fill_max`.
void shrink_to_fit(balance_world& w, double fill_max) {
  std::map<path_hash, double> used;
  w.cat.tablets.for_each([&](tablet_id, const tablet& t) {
    for (const auto& r : t.replicas)
      used[r.path] += static_cast<double>(t.bytes);
  });
  double shrink = 1;
  for (const auto& [id, b] : w.cluster.backends)
    for (const auto& p : b.paths)
      if (used[p.hash] > 0)
        shrink = std::min(shrink, (fill_max * static_cast<double>(p.capacity_bytes) - static_cast<double>(w.other[p.hash])) / used[p.hash]);
  std::vector<std::pair<tablet_id, std::uint64_t>> sizes;
  w.cat.tablets.for_each([&](tablet_id id, const tablet& t) {
    sizes.emplace_back(id, static_cast<std::uint64_t>(shrink * static_cast<double>(t.bytes)));
  });
  for (const auto& [id, bytes] : sizes)
    w.resize(id, bytes);
}

/// Two to ten backends of one to four disks, tables of any shape that lean to some backends.
/// `alike`: all with the same disks, on hosts of their own, and nothing else on the disks.
balance_world random_world(std::uint64_t seed, bool all_alike = false) {
  dice roll{seed * 7'919};
  balance_world w;
  const auto backends = 2 + roll(9);
  const bool alike = all_alike || roll(2) == 0;
  const auto disk_size = (100 + roll(900)) * giga;
  const auto disks = 1 + roll(4);
  const bool ssd_too = !all_alike && roll(3) == 0;
  for (std::size_t b = 0; b < backends; ++b) {
    std::vector<disk> own;
    for (std::size_t d = 0; d < (alike ? disks : 1 + roll(4)); ++d)
      own.push_back({alike ? disk_size : (100 + roll(900)) * giga, !all_alike && roll(4) == 0 ? roll(20) * giga : 0});
    if (ssd_too)
      own.push_back({200 * giga, 0, medium::ssd});
    w.add_backend(own, !all_alike && roll(4) == 0 ? "shared" : "");
  }
  const auto tables = 1 + roll(6);
  for (std::size_t t = 0; t < tables; ++t) {
    const auto replication = 1 + static_cast<std::uint32_t>(roll(std::min<std::uint64_t>(3, backends)));
    const auto lean = roll(backends);
    const auto reach = std::max<std::uint64_t>(replication, 1 + roll(backends));
    const auto size = (1 + roll(40)) * 100 * mega;
    const bool mixed = roll(2) == 0;
    w.add_table(
      1 + static_cast<std::uint32_t>(roll(120)), replication,
      [&](auto) {
        std::vector<place> places;
        std::set<std::string> hosts;
        const auto begin = lean + roll(reach);
        for (auto b = begin; places.size() < replication; ++b) {
          const auto n = b % backends;
          const auto& home = *w.cat.backends.find(w.ids[n]);
          if (b < begin + backends && !hosts.insert(home.host).second)
            continue; // Hosts apart, while there are any left.
          if (std::any_of(places.begin(), places.end(), [&](const place& p) { return p.backend == home.id; }))
            continue;
          places.push_back(w.on(n, roll(w.cat.backends.find(w.ids[n])->paths.size())));
        }
        return places;
      },
      [&](auto) { return mixed ? size / (1 + roll(50)) : size; });
  }
  shrink_to_fit(w, 0.3 + 0.6 * static_cast<double>(roll(10)) / 10);
  return w;
}

/// Of each tablet: wanted number of replicas, each on a backend of its own, hosts apart if they were.
void expect_whole(const balance_world& w) {
  w.cat.tablets.for_each([&](tablet_id id, const tablet& t) {
    std::set<backend_id> homes;
    for (const auto& r : t.replicas)
      homes.insert(r.backend);
    EXPECT_EQ(homes.size(), t.replicas.size()) << raw(id);
    EXPECT_EQ(diagnose(w.cat, t).health, tablet_health::healthy) << raw(id);
  });
}

/// Carries the plan out; nothing moves twice and nothing comes back.
void carry_out(balance_world& w, const rebalance_plan& plan) {
  std::set<std::pair<tablet_id, backend_id>> left;
  std::set<replica_id> moved;
  std::uint64_t bytes = 0;
  for (const auto& wave : plan.waves) {
    std::set<tablet_id> in_wave;
    for (const auto& m : wave) {
      EXPECT_TRUE(in_wave.insert(m.tablet).second) << "twice in one wave";
      EXPECT_TRUE(moved.insert(m.replica).second) << "a replica moves twice";
      EXPECT_FALSE(left.contains({m.tablet, m.target.backend})) << "taken back";
      const auto& t = *w.cat.tablets.find(m.tablet);
      const auto* r = t.find(m.replica);
      ASSERT_TRUE(r && r->backend == m.source.backend && r->path == m.source.path);
      EXPECT_EQ(t.on(m.target.backend), m.source.backend == m.target.backend ? r : nullptr);
      EXPECT_FALSE(m.reason.empty());
      w.carry_out(m);
      bytes += m.bytes;
      if (m.source.backend != m.target.backend)
        left.insert({m.tablet, m.source.backend});
    }
  }
  EXPECT_EQ(bytes, plan.bytes);
}

bool balanced(const rebalance_plan& plan) {
  return std::all_of(plan.standing.begin(), plan.standing.end(), [](const auto& s) { return s.balanced; });
}

TEST(BalanceRandom, PlansEndAreStableAndSayWhatIsLeft) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto w = random_world(seed);
    const auto plan = w.plan(seed);
    EXPECT_TRUE(plan.finished) << "going round in circles";
    carry_out(w, plan);
    expect_whole(w);
    for (const auto& s : plan.standing) {
      EXPECT_EQ(s.balanced, s.why == balance_block::none) << sentence(s);
      EXPECT_EQ(s.balanced, s.left == 0) << sentence(s);
      EXPECT_NE(s.why, balance_block::out_of_turns);
    }
    EXPECT_EQ(w.plan(seed + 1'000'000).moves, 0U) << "not stable";
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

TEST(BalanceRandom, AlikeBackendsAlmostAlwaysEndEven) {
  int even = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto w = random_world(seed, true);
    const auto plan = w.plan(seed);
    carry_out(w, plan);
    if (!balanced(plan))
      continue; // Bytes that hold their replicas' place: only exchanging tablets would help.
    ++even;
    const balance_state end{w.cat, w.cluster};
    EXPECT_TRUE(end.skewed(medium::hdd).empty());
    const auto stat = measure(medium::hdd, end.lines(medium::hdd));
    double low = 1;
    double high = 0;
    for (const auto& row : stat.rows) {
      low = std::min(low, row.used_ratio);
      high = std::max(high, row.used_ratio);
    }
    if (high - low > 0.06) { // Below it fills count as equal, in part or wholly.
      for (const auto& row : stat.rows)
        EXPECT_EQ(row.class_of_load, load_class::mid) << raw(row.backend) << ' ' << row.score;
    }
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GE(even, 270);
}

TEST(BalanceRandom, TheSameSeedGivesTheSamePlan) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto w = random_world(seed);
    EXPECT_EQ(w.plan(seed).waves, w.plan(seed).waves) << "seed " << seed;
  }
}

// The live way: few moves at a time, each ending when the dice say so, some of them failing.
// It comes to rest, and no tablet goes back to where it came from within its rest.
TEST(BalanceRandom, LiveRoundsComeToRest) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto w = random_world(seed, seed % 2 == 0);
    dice roll{seed};
    balance_planner planner;
    int quiet = 0;
    for (int n = 0; n < 20'000 && quiet < 3; ++n) {
      auto running = planner.under_way();
      while (!running.empty() && roll(3) != 0) {
        const auto done = running.back();
        running.pop_back();
        if (roll(20) != 0)
          w.carry_out(done);
        planner.ended(w.cat, done.tablet);
      }
      w.now += std::chrono::seconds(1);
      w.memory.forget(w.now);
      const auto round = planner.next_moves(w.view(), 8 - std::min<std::size_t>(8, planner.under_way().size()), seed + static_cast<std::uint64_t>(n), w.now);
      for (const auto& m : round.moves) {
        EXPECT_FALSE(w.memory.resting(m.tablet, w.now));
        w.memory.moved(m.tablet, w.now);
      }
      quiet = planner.under_way().empty() ? quiet + 1 : 0;
      if (planner.under_way().empty())
        w.now += std::chrono::minutes(11);
    }
    EXPECT_EQ(quiet, 3) << "never comes to rest";
    expect_whole(w);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

} // namespace
} // namespace tabletd::test
