// What balance keeps of the cluster: counted once, then kept; moves under way count as done.
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>
#include <sstream>

namespace tabletd::test {
namespace {

/// Everything a state says, by id: two states are equal if their texts are.
std::string text_of(const balance_state& s) {
  std::map<std::string, std::string> lines;
  for (const auto& p : s.paths()) {
    std::ostringstream out;
    std::set<std::uint64_t> tablets;
    for (const auto r : p.replicas)
      tablets.insert(raw(s.tablet(s.replica(r).tablet).id));
    out << ' ' << p.online << ' ' << p.capacity_bytes << ' ' << p.available_bytes << " in " << p.incoming_bytes << " out "
        << p.outgoing_bytes << " moves " << p.moves << ':';
    for (const auto t : tablets)
      out << ' ' << t;
    lines["path " + std::to_string(raw(p.at.backend)) + "/" + std::to_string(raw(p.at.path))] = out.str();
  }
  for (const auto& b : s.backends())
    for (const auto m : media) {
      std::ostringstream out;
      out << b.available << b.reachable << b.endpoint[static_cast<std::size_t>(m)] << ' ' << std::fixed << b.on(m).used_bytes
          << ' ' << b.on(m).total_bytes << ' ' << b.on(m).replicas;
      lines["backend " + std::to_string(raw(b.id)) + std::string{name(m)}] = out.str();
    }
  for (balance_state::slot g = 0; g < s.group_count(); ++g) {
    const auto& row = s.group(g);
    if (row.counts.empty())
      continue;
    std::ostringstream out;
    std::map<std::uint64_t, std::uint32_t> counts;
    for (const auto& [b, n] : row.counts)
      counts[raw(s.backend(b).id)] = n;
    out << row.replicas << " skew " << row.skew << (s.skewed(row.on).contains({row.skew, g}) ? " listed" : "");
    for (const auto m : media)
      out << (s.misplaced(m).contains(g) ? " for " + std::string{name(m)} : "");
    for (const auto& [b, n] : counts)
      out << ' ' << b << 'x' << n;
    lines["table " + std::to_string(raw(row.table)) + std::string{name(row.on)}] = out.str();
  }
  std::string all;
  for (const auto& [key, line] : lines)
    all += key + ' ' + line + '\n';
  return all;
}

struct BalanceState : testing::Test {
  balance_world w;
  table_id t{};
  BalanceState() {
    w.add_backends(4, {{}, {}});
    t = w.add_table(
      6, 2, [&](std::uint32_t b) { return std::vector{w.on(0, b % 2), w.on(1 + b % 2)}; }, [](auto) { return giga; });
  }
  balance_move move_of(std::uint32_t bucket, place from, place to) {
    const auto& tablet = *w.cat.tablets.find(w.bucket(t, bucket));
    const auto replica = tablet.on(from.backend)->id;
    return {.tablet = tablet.id, .replica = replica, .source = from, .target = to, .bytes = tablet.bytes};
  }
  const balance_state::path_row& row(const balance_state& s, place at) {
    return *std::find_if(s.paths().begin(), s.paths().end(), [&](const auto& p) { return p.at == at; });
  }
};

TEST_F(BalanceState, CountsWhatTheCatalogHolds) {
  const balance_state s{w.cat, w.cluster};
  EXPECT_EQ(row(s, w.on(0, 0)).replicas.size(), 3U);
  EXPECT_EQ(s.backend(0).on(medium::hdd).replicas, 6);
  EXPECT_EQ(s.backend(0).on(medium::hdd).used_bytes, 6.0 * giga);
  EXPECT_EQ(s.endpoints(medium::hdd), 4U);
  EXPECT_EQ(s.endpoints(medium::ssd), 0U);
  ASSERT_EQ(s.skewed(medium::hdd).size(), 1U);
  EXPECT_EQ(s.skewed(medium::hdd).begin()->first, 6U) << "six on the first, none on the last";
}

TEST_F(BalanceState, AMoveUnderWayCountsAsDone) {
  balance_state s{w.cat, w.cluster};
  const auto move = move_of(0, w.on(0, 0), w.on(3));
  s.begin(w.cat, move);
  EXPECT_EQ(s.backend(0).on(medium::hdd).replicas, 5);
  EXPECT_EQ(s.backend(0).on(medium::hdd).used_bytes, 5.0 * giga);
  EXPECT_EQ(s.backend(3).on(medium::hdd).used_bytes, 1.0 * giga);
  EXPECT_EQ(row(s, w.on(0, 0)).moves, 1U);
  EXPECT_EQ(s.skewed(medium::hdd).begin()->first, 4U);

  // The copy is ordered, then there; the drop is still to come.  Nothing changes.
  const auto before = text_of(s);
  w.fold(clone_ordered{move.tablet, 0, 0, move.source, move.target, {}, 1});
  s.refresh(w.cat, move.tablet);
  EXPECT_EQ(text_of(s), before);
  w.fold(clone_ended{move.tablet, log_index{w.index}, 1, ""});
  w.seen(move.target).available_bytes -= giga;
  s.refresh(w.cat, move.tablet);
  s.observe(w.cat, w.cluster);
  EXPECT_EQ(s.backend(3).on(medium::hdd).used_bytes, 1.0 * giga) << "what is reported now does not count twice";
  w.fold(replica_dropped{move.tablet, move.replica, drop_reason::highest_load});
  w.seen(move.source).available_bytes += giga;
  s.refresh(w.cat, move.tablet);
  s.observe(w.cat, w.cluster);
  s.end(w.cat, move.tablet);
  EXPECT_EQ(text_of(s), text_of(balance_state{w.cat, w.cluster}));
  EXPECT_EQ(s.backend(0).on(medium::hdd).used_bytes, 5.0 * giga);
}

TEST_F(BalanceState, AFailedMoveLeavesNoTrace) {
  balance_state s{w.cat, w.cluster};
  const auto before = text_of(s);
  const auto move = move_of(0, w.on(0, 0), w.on(3));
  s.begin(w.cat, move);
  EXPECT_NE(text_of(s), before);
  s.end(w.cat, move.tablet);
  EXPECT_EQ(text_of(s), before);
}

TEST_F(BalanceState, ACopyThatRepairHasRunningCounts) {
  balance_state s{w.cat, w.cluster};
  const auto id = w.bucket(t, 0);
  w.fold(clone_ordered{id, 0, 0, w.on(0, 0), w.on(3), {}, 1});
  s.refresh(w.cat, id);
  EXPECT_EQ(s.backend(3).on(medium::hdd).used_bytes, 1.0 * giga);
  EXPECT_EQ(s.backend(3).on(medium::hdd).replicas, 1);
  w.fold(clone_ended{id, log_index{w.index}, 0, "failed"});
  s.refresh(w.cat, id);
  EXPECT_EQ(text_of(s), text_of(balance_state{w.cat, w.cluster}));
}

TEST_F(BalanceState, OnlyReachableBackendsAreEndpoints) {
  balance_state s{w.cat, w.cluster};
  w.cluster.backends[w.ids[0]].linked = false;
  s.observe(w.cat, w.cluster);
  EXPECT_EQ(s.endpoints(medium::hdd), 3U);
  EXPECT_EQ(s.skewed(medium::hdd).begin()->first, 3U) << "three, three and none are left";
  EXPECT_TRUE(s.backend(0).counts(medium::hdd)) << "its load is known all the same";
  w.cluster.backends[w.ids[0]].linked = true;
  w.cluster.backends[w.ids[0]].reported = false;
  s.observe(w.cat, w.cluster);
  EXPECT_EQ(s.endpoints(medium::hdd), 3U);
}

// Random clusters, random changes: what is kept equals what would be built anew.
TEST(BalanceStateRandom, KeptEqualsBuilt) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::uint64_t mixed = seed * 7'919;
    const auto dice = [&mixed](std::uint64_t sides) {
      mixed = mixed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
      return (mixed >> 33U) % sides;
    };
    balance_world w;
    for (int i = 0; i < 5; ++i)
      w.add_backend({{}, {.on = dice(2) == 0 ? medium::hdd : medium::ssd}});
    std::vector<table_id> tables;
    const auto grow = [&] {
      tables.push_back(w.add_table(
        1 + static_cast<std::uint32_t>(dice(8)), 2,
        [&](auto) {
          const auto first = dice(4);
          return std::vector{w.on(first, dice(2)), w.on(first + 1, dice(2))};
        },
        [&](auto) { return dice(5) * giga; }));
    };
    grow();
    balance_state kept{w.cat, w.cluster};
    std::vector<balance_move> under_way;
    const auto refresh_all = [&](const partition& part) {
      for (std::uint32_t b = 0; b < part.buckets; ++b)
        kept.refresh(w.cat, tablet_id{raw(part.first_tablet) + b});
    };
    for (int step = 0; step < 40; ++step) {
      const auto table = tables[dice(tables.size())];
      const auto* row = w.cat.tables.find(table);
      const auto part = row->partitions.front();
      const auto id = w.bucket(table, static_cast<std::uint32_t>(dice(part.buckets)));
      switch (dice(8)) {
        case 0:
          grow();
          refresh_all(w.cat.tables.find(tables.back())->partitions.front());
          break;
        case 1:
          if (tables.size() > 1 && !kept.moving(id) && under_way.empty()) {
            w.fold(table_dropped{table});
            std::erase(tables, table);
            refresh_all(part);
          }
          break;
        case 2:
          w.resize(id, dice(9) * giga);
          kept.refresh(w.cat, id);
          break;
        case 3: {
          auto& seen = w.cluster.backends[w.ids[dice(5)]];
          seen.linked = dice(3) != 0;
          break;
        }
        case 4:
          w.add_backend({{}});
          break;
        case 6: {
          const std::array<std::optional<medium>, 3> wishes{medium::hdd, medium::ssd, std::nullopt};
          w.fold(partition_modified{table, part.id, wishes[dice(3)]});
          break;
        }
        case 5:
          if (!under_way.empty()) {
            const auto n = static_cast<std::ptrdiff_t>(dice(under_way.size()));
            const auto done = under_way[static_cast<std::size_t>(n)];
            if (dice(2) == 0)
              w.carry_out(done);
            kept.end(w.cat, done.tablet);
            under_way.erase(under_way.begin() + n);
          }
          break;
        default: {
          const auto& tablet = *w.cat.tablets.find(id);
          const auto target = dice(w.ids.size());
          if (kept.moving(id) || tablet.on(w.ids[target]))
            break;
          const auto& r = tablet.replicas[dice(2)];
          const place source{r.backend, r.path};
          balance_move m{.tablet = id, .replica = r.id, .source = source, .target = w.on(target), .bytes = tablet.bytes};
          kept.begin(w.cat, m);
          under_way.push_back(m);
        }
      }
      kept.observe(w.cat, w.cluster);
      ASSERT_EQ(text_of(kept), text_of(balance_state{w.cat, w.cluster, under_way})) << "after step " << step;
    }
  }
}

} // namespace
} // namespace tabletd::test
