// Random clusters: the planner ends, moves nothing twice, and what it leaves it explains.
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>
#include <cmath>
#include <cstdio>

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
balance_world random_world(std::uint64_t seed, bool plain = false) {
  dice roll{seed * 7'919};
  balance_world w;
  const auto backends = 2 + roll(9);
  const bool alike = plain || roll(2) == 0;
  const auto disk_size = (100 + roll(900)) * giga;
  const auto disks = 1 + roll(4);
  const bool ssd_too = !plain && roll(3) == 0;
  for (std::size_t b = 0; b < backends; ++b) {
    std::vector<disk> own;
    for (std::size_t d = 0; d < (alike ? disks : 1 + roll(4)); ++d)
      own.push_back({alike ? disk_size : (100 + roll(900)) * giga, !plain && roll(4) == 0 ? roll(20) * giga : 0});
    if (ssd_too)
      own.push_back({200 * giga, 0, medium::ssd});
    w.add_backend(own, !plain && roll(4) == 0 ? "shared" : "");
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

TEST(BalanceRandom, Dbg) {
  auto w = random_world(std::getenv("SEED") ? std::stoul(std::getenv("SEED")) : 25, std::getenv("PLAIN"));
  for (int k = 0; k < 3; ++k) {
    const auto plan = w.plan(25 + k);
    std::printf("plan %d: %lu moves %zu waves\n", k, plan.moves, plan.waves.size());
    for (const auto& st : {plan.before[0], plan.after[0]}) {
      for (const auto& r : st.rows)
        std::printf("  be %lu cap %.0fG used %.1fG %.4f reps %lu score %.3f %s\n", raw(r.backend), static_cast<double>(r.capacity_bytes)/1e9, static_cast<double>(r.used_bytes)/1e9, r.used_ratio, r.replicas, r.score, std::string{name(r.class_of_load)}.c_str());
      std::printf("  --\n");
    }
    for (const auto& s : plan.standing) std::printf("  %s\n", sentence(s).c_str());
    for (const auto& wave : plan.waves) {
      std::map<std::string,int> kinds; for (const auto& m : wave) ++kinds[std::string{name(m.kind)}];
      for (auto& [k2,n] : kinds) std::printf("   wave %s %d\n", k2.c_str(), n);
      const auto watched = std::getenv("TABLE") ? std::stoul(std::getenv("TABLE")) : 0;
      for (const auto& m : wave) { if (raw(w.cat.tablets.find(m.tablet)->table) == watched) std::printf("    %s %lu %lu->%lu %.2fG %s\n", std::string{name(m.kind)}.c_str(), raw(m.tablet), raw(m.source.backend), raw(m.target.backend), static_cast<double>(m.bytes)/1e9, m.reason.c_str()); w.carry_out(m); }
    }
    w.cat.tables.for_each([&](table_id id, const table& t) {
      std::map<std::uint64_t, std::pair<int, double>> n; std::uint64_t total = 0;
      for (std::uint32_t b = 0; b < t.partitions[0].buckets; ++b) { const auto& tab = *w.cat.tablets.find(w.bucket(id, b)); total += tab.bytes; for (const auto& r : tab.replicas) { ++n[raw(r.backend)].first; n[raw(r.backend)].second += static_cast<double>(tab.bytes)/1e9; } }
      std::printf("  table %lu r%u %u buckets avg %.3fG:", raw(id), t.replication_num, t.partitions[0].buckets, static_cast<double>(total) / 1e9 / t.partitions[0].buckets);
      for (auto& [b, c] : n) std::printf(" %lu:%d(%.1f)", b, c.first, c.second);
      std::printf("\n");
    });
  }
}

TEST(BalanceRandom, Explore) {
  int unstable = 0, unbalanced = 0;
  for (std::uint64_t seed = 1; seed <= (std::getenv("N") ? std::stoul(std::getenv("N")) : 300); ++seed) {
    auto w = random_world(seed, std::getenv("PLAIN"));
    const auto plan = w.plan(seed);
    for (const auto& wave : plan.waves) {
      std::set<tablet_id> moved;
      for (const auto& m : wave) {
        EXPECT_TRUE(moved.insert(m.tablet).second);
        w.carry_out(m);
      }
    }
    const auto again = w.plan(seed + 1);
    std::string left;
    for (const auto& s : plan.standing)
      if (!s.balanced)
        left += " | " + sentence(s);
    if (again.moves > 0)
      ++unstable;
    if (!left.empty())
      ++unbalanced;
    if (again.moves > 0 || !left.empty()) {
      std::printf("seed %lu: %s %zu backends %zu tablets %lu moves, again %lu%s\n", seed, plan.finished ? "" : "ENDLESS", w.ids.size(), w.cat.tablets.size(), plan.moves, again.moves, left.c_str());
      int n = 0;
      for (const auto& v : again.waves) for (const auto& m : v) if (n++ < 3) std::printf("     %s %.6f %lu %s\n", std::string{name(m.kind)}.c_str(), m.gain, m.bytes, m.reason.c_str());
    }
  }
  std::printf("unstable %d unbalanced %d\n", unstable, unbalanced);
}

} // namespace
} // namespace tabletd::test
