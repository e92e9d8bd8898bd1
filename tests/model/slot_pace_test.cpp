// How many slots a disk is given, judged by what copies on a simulated one deliver.
#include "actors/model/slot_pace.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

constexpr place here{backend_id{1}, path_hash{7}};
constexpr double mib = 1'048'576;

/// MiB per second of the whole disk at n copies at a time.
using curve = std::function<double(std::size_t)>;
curve saturating(std::size_t at, double each = 100) {
  return [=](std::size_t n) { return each * static_cast<double>(std::min(n, at)); };
}

/// One path, and tablets of all sizes that wait to be copied to it.
struct disk {
  slot_pace pace;
  curve delivers;
  time_ms now{1'000'000};
  time_ms timeout{24h};
  bool backlog = true;           ///< False: `demand` copies run whatever the number of slots.
  std::size_t demand = 0;
  std::uint64_t least_mib = 64;
  std::uint64_t most_mib = 512;
  std::uint64_t state = 99;
  std::vector<std::pair<time_ms, std::uint32_t>> totals; ///< Since when which.

  struct copy {
    pace_mark began;
    std::uint64_t bytes{};
    double left{};
    double weight{}; ///< Of its other end: some are a little faster.
  };
  std::vector<copy> running;

  explicit disk(curve d, pace_limits limits = {}) : pace(limits), delivers(std::move(d)) {
    totals.emplace_back(now, total());
  }
  std::uint64_t dice(std::uint64_t sides) {
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (state >> 33U) % sides;
  }
  [[nodiscard]] std::uint32_t total() const { return pace.own_total(here).value_or(pace.usual_total()); }
  void fill() {
    while (running.size() < (backlog ? total() : demand)) {
      const auto bytes = (least_mib + dice(most_mib - least_mib + 1)) << 20U;
      running.push_back({pace.begin(here, now), bytes, static_cast<double>(bytes),
                         0.8 + 0.4 * static_cast<double>(dice(100)) / 100});
    }
  }
  void end(std::size_t n, paced_end::how result) {
    const auto ended = running[n];
    const bool full = running.size() >= total();
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(n));
    pace.end(here, {ended.began, ended.bytes, result, full}, now);
    if (total() != totals.back().second)
      totals.emplace_back(now, total());
    fill();
    if (backlog)
      pace.note_waiting(here);
  }
  /// Milliseconds one by one would be slow: to the next end of a copy.
  void step() {
    double weights = 0;
    for (const auto& c : running)
      weights += c.weight;
    const double unit = delivers(running.size()) * mib / 1'000 / weights;
    double next = 1e12;
    for (const auto& c : running)
      next = std::min({next, c.left / (c.weight * unit), static_cast<double>((c.began.at + timeout - now).count())});
    const time_ms passed{std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(next)))};
    now += passed;
    for (auto& c : running)
      c.left -= c.weight * unit * static_cast<double>(passed.count());
    for (std::size_t n = running.size(); n-- > 0;)
      if (running[n].left <= 0)
        end(n, paced_end::how::measured);
      else if (now - running[n].began.at >= timeout)
        end(n, paced_end::how::timed_out);
  }
  void run(time_ms span) {
    fill();
    for (const auto until = now + span; now < until;)
      step();
  }
  /// The share of the last `span` in which the disk had from `least` to `most` slots.
  [[nodiscard]] double share_at(std::uint32_t least, std::uint32_t most, time_ms span) const {
    double in = 0;
    for (std::size_t i = 0; i < totals.size(); ++i) {
      const auto from = std::max(totals[i].first, now - span);
      const auto to = i + 1 < totals.size() ? totals[i + 1].first : now;
      if (totals[i].second >= least && totals[i].second <= most && to > from)
        in += static_cast<double>((to - from).count());
    }
    return in / static_cast<double>(span.count());
  }
  [[nodiscard]] std::size_t changes_in(time_ms span) const {
    return static_cast<std::size_t>(
      std::count_if(totals.begin(), totals.end(), [&](const auto& t) { return t.first >= now - span; }));
  }
};

/// The rule itself, read off the curve.
std::uint32_t wanted(const curve& delivers, std::uint32_t most = 16) {
  std::uint32_t n = 1;
  while (n < most && delivers(n + 1) > delivers(n) * (1 + pace_gain_least))
    ++n;
  return n;
}

struct disk_case {
  const char* what;
  curve delivers;
  std::uint32_t slots; ///< By the rule.
  /// One beside it will do; more above where each brings almost as much as it should.
  std::uint32_t above = 1;
};

const std::vector<disk_case>& disks() {
  static const std::vector<disk_case> table{
    {"one copy is all it can do", saturating(1), 1},
    {"saturates at 2", saturating(2), 2},
    {"saturates at 3", saturating(3), 3},
    {"saturates at 5", saturating(5), 5},
    {"saturates at 8", saturating(8), 8},
    {"very fast", saturating(6, 2'000), 6},
    {"never saturates: the eleventh adds a tenth", saturating(1'000), 10, 5},
    {"every copy disturbs the others", [](std::size_t n) { return 150 / std::sqrt(static_cast<double>(n)); }, 1},
    {"degrades beyond 4",
     [](std::size_t n) { return n <= 4 ? 60.0 * static_cast<double>(n) : 240.0 * std::pow(0.8, static_cast<double>(n - 4)); }, 4},
    {"bends slowly", [](std::size_t n) { return 400.0 * static_cast<double>(n) / (static_cast<double>(n) + 4); }, 5, 2},
  };
  return table;
}

TEST(SlotPace, SettlesAtTheSmallestNumberThatOneMoreDoesNotBeat) {
  for (const auto& each : disks()) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(std::string{each.what} + ", seed " + std::to_string(seed));
      EXPECT_NEAR(wanted(each.delivers), each.slots, 0);
      disk d{each.delivers};
      d.state = seed;
      d.run(1h);
      const auto least = each.slots > 1 ? each.slots - 1 : 1;
      EXPECT_GT(d.share_at(least, each.slots + each.above, 50min), 0.95);
    }
  }
}

TEST(SlotPace, DoesNotOscillate) {
  for (const auto& each : disks()) {
    SCOPED_TRACE(each.what);
    disk d{each.delivers};
    d.run(3h);
    // Every ten minutes it asks the level above and the one below again, there and back, and may have
    // to ask once more.
    EXPECT_LE(d.changes_in(1h), 6 * 6U);
    if (each.above == 1) {
      EXPECT_GT(d.share_at(each.slots, each.slots, 2h), 0.75);
    }
  }
}

TEST(SlotPace, FollowsADiskThatBecomesSlowerAndFasterAgain) {
  disk d{saturating(8)};
  d.run(30min);
  EXPECT_NEAR(d.total(), 8, 1);
  d.delivers = saturating(2, 40);
  d.run(30min);
  EXPECT_NEAR(d.total(), 2, 1);
  EXPECT_GT(d.share_at(1, 3, 10min), 0.95);
  d.delivers = saturating(6, 100);
  d.run(30min);
  EXPECT_NEAR(d.total(), 6, 1);
}

TEST(SlotPace, HalfTheRateWithTheSameKneeKeepsTheNumber) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    disk d{saturating(5)};
    d.state = seed;
    d.run(3min);
    ASSERT_NEAR(d.total(), 5, 1);
    d.delivers = saturating(5, 40);
    d.run(10min);
    EXPECT_GT(d.share_at(4, 6, 10min), 0.95) << "what was known of other levels is of another disk";
  }
}

TEST(SlotPace, NobodyWaitsNothingIsTried) {
  disk d{saturating(8)};
  d.backlog = false;
  d.demand = 2;
  d.run(1h);
  EXPECT_EQ(d.total(), 2U);
  EXPECT_TRUE(d.pace.rate(here, 2)) << "though it was measured";
}

TEST(SlotPace, APathThatIsNotFullIsLeftAlone) {
  disk d{saturating(6)};
  d.run(30min);
  const auto before = d.total();
  d.backlog = false;
  d.demand = 1;
  d.run(1h);
  EXPECT_EQ(d.total(), before);
}

TEST(SlotPace, SmallCopiesSayNothing) {
  disk d{saturating(8)};
  d.least_mib = d.most_mib = 31;
  d.run(10min);
  EXPECT_EQ(d.total(), 2U);
  EXPECT_FALSE(d.pace.rate(here, 2));
  d.least_mib = d.most_mib = 32;
  d.run(10min);
  EXPECT_GT(d.total(), 2U);
}

TEST(SlotPace, TheRateIsThatOfTheWholePath) {
  disk d{saturating(3)};
  d.run(30min);
  ASSERT_TRUE(d.pace.rate(here, 3));
  EXPECT_NEAR(*d.pace.rate(here, 3) / mib, 300, 15);
  EXPECT_NEAR(*d.pace.rate(here, 4) / mib, 300, 15);
}

TEST(SlotPace, TimeoutsHalveIt) {
  disk d{saturating(8)};
  d.run(30min);
  ASSERT_GE(d.total(), 7U);
  const auto before = d.total();
  // All that run are too late at once: one disk in trouble, not eight.
  const auto late = d.running.size();
  d.now += 1min;
  d.backlog = false;
  d.demand = 0;
  for (std::size_t i = 0; i < late; ++i)
    d.end(0, paced_end::how::timed_out);
  EXPECT_EQ(d.total(), before / 2);
}

TEST(SlotPace, ADiskOnWhichFewFinishInTimeGetsFew) {
  disk d{saturating(1, 20)};
  d.least_mib = d.most_mib = 512; // 26 s alone.
  d.timeout = 40s;
  d.run(30min);
  EXPECT_EQ(d.total(), 1U);
}

TEST(SlotPace, ATimeoutOfACopyThatWasAloneIsNotItsCompanysFault) {
  disk d{saturating(4, 100)};
  d.backlog = false;
  d.demand = 1;
  d.timeout = 1s;
  d.least_mib = d.most_mib = 512;
  d.run(1min);
  EXPECT_EQ(d.total(), 2U);
}

TEST(SlotPace, NeverAboveTheLimitAndALowerOneHoldsAtOnce) {
  disk d{saturating(9), {true, 2, 5}};
  d.run(30min);
  EXPECT_EQ(d.total(), 5U);
  for (const auto& [since, total] : d.totals)
    EXPECT_LE(total, 5U);
  d.pace.configure({true, 2, 3}, d.now);
  EXPECT_EQ(d.total(), 3U);
  d.run(30min);
  EXPECT_EQ(d.total(), 3U);
  disk low{saturating(9), {true, 4, 3}};
  EXPECT_EQ(low.total(), 3U) << "the limit holds for the start value, too";
}

TEST(SlotPace, AStartAtTheLimitGoesDownWhereItIsTooMuch) {
  disk d{saturating(2), {true, 16, 16}};
  d.run(1h);
  EXPECT_NEAR(d.total(), 2, 1);
}

TEST(SlotPace, OffIsTheFixedNumber) {
  disk d{saturating(8), {false, 3, 2}};
  d.run(1h);
  EXPECT_EQ(d.total(), 3U);
  EXPECT_EQ(d.totals.size(), 1U);
  d.pace.configure({true, 3, 16}, d.now);
  d.run(1h);
  EXPECT_NEAR(d.total(), 8, 1);
  d.pace.configure({false, 3, 16}, d.now);
  EXPECT_EQ(d.total(), 3U);
  EXPECT_FALSE(d.pace.rate(here, 8));
}

TEST(SlotPace, AnotherStartValueStartsAnew) {
  disk d{saturating(8)};
  d.run(30min);
  ASSERT_NEAR(d.total(), 8, 1);
  d.pace.configure({true, 1, 16}, d.now);
  EXPECT_EQ(d.total(), 1U);
  d.run(30min);
  EXPECT_NEAR(d.total(), 8, 1);
}

TEST(SlotPace, APathNobodyMeasuresGoesBackToItsStart) {
  disk d{saturating(8)};
  d.run(30min);
  ASSERT_NEAR(d.total(), 8, 1);
  d.backlog = false;
  while (!d.running.empty())
    d.end(0, paced_end::how::untold);
  d.now += pace_remembered - 1min;
  EXPECT_TRUE(d.pace.forget_idle(d.now).empty());
  EXPECT_NEAR(d.total(), 8, 1);
  d.now += 1min;
  EXPECT_EQ(d.pace.forget_idle(d.now), std::vector<place>{here});
  EXPECT_EQ(d.total(), 2U);
  EXPECT_TRUE(d.pace.own_totals().empty());
  EXPECT_FALSE(d.pace.rate(here, 8));
}

TEST(SlotPace, ATimeoutIsForgivenWhereNothingIsMeasured) {
  slot_pace pace;
  time_ms now = 1h;
  const auto first = pace.begin(here, now);
  const auto second = pace.begin(here, now);
  now += 1min;
  pace.end(here, {first, 1, paced_end::how::timed_out, true}, now);
  pace.end(here, {second, 1, paced_end::how::untold, false}, now);
  ASSERT_EQ(pace.own_total(here), 1U);
  now += pace_forgiven - 1ms;
  EXPECT_TRUE(pace.forget_idle(now).empty());
  now += 1ms;
  EXPECT_EQ(pace.forget_idle(now), std::vector<place>{here});
  EXPECT_FALSE(pace.own_total(here));
}

} // namespace
} // namespace tabletd::model
