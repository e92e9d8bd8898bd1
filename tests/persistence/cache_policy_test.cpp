// What the cache holds and what has to go: by hand, and a million random steps against a second opinion.
#include "persistence/cache/cache_policy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace tabletd {
namespace {

constexpr std::uint32_t block_bytes = 100;

remote_object object(int number, std::uint64_t blocks = 10) {
  return {.resource = 7, .key = fmt::format("data/{}/x.seg", number), .size_bytes = blocks * block_bytes - 1};
}

cache_rules rules() {
  return {.block_bytes = block_bytes, .warm_share = 0.5, .warm_ttl_s = 60, .touch_granularity_s = 10};
}

struct CachePolicy : testing::Test {
  cache_policy policy{{1'000}, 1'000, rules()};
  epoch_seconds now = 1'000'000;

  /// Lets it in and sends away what has to go; false: there is no room.
  bool bring(int number, std::uint32_t block, block_queue queue = block_queue::normal, bool forced = false) {
    const auto admitted = policy.admit(object(number), block, queue, forced, now);
    if (!admitted.slot)
      return false;
    for (const auto& each : admitted.evicted) {
      reasons.push_back(each.reason);
      policy.left(each.slot);
    }
    policy.arrived(*admitted.slot, block, now);
    return true;
  }
  bool has(int number, std::uint32_t block) { return policy.find(object(number), block).has_value(); }
  std::vector<eviction_reason> reasons;
};

TEST_F(CachePolicy, LastReadGoesLast) {
  for (std::uint32_t i = 0; i < 9; ++i)
    EXPECT_TRUE(bring(1, i));
  policy.read(*policy.find(object(1), 0), now);
  EXPECT_TRUE(bring(2, 0));
  EXPECT_TRUE(bring(2, 1));
  EXPECT_TRUE(has(1, 0));
  EXPECT_FALSE(has(1, 1));
  EXPECT_EQ(reasons, std::vector{eviction_reason::capacity});
}

TEST_F(CachePolicy, ReadsDoNotEvictAWarmUpBeforeItsTimeIsOver) {
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(bring(1, i, block_queue::warm));
  for (int n = 2; n < 20; ++n)
    EXPECT_TRUE(bring(n, 0));
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(has(1, i));
  policy.read(*policy.find(object(1), 3), now);  // The only one that somebody wanted.
  now += 60;
  reasons.clear();
  for (int n = 20; n < 24; ++n)
    EXPECT_TRUE(bring(n, 0));
  EXPECT_EQ(reasons, std::vector(4, eviction_reason::unused));
  EXPECT_TRUE(has(1, 3));
  EXPECT_TRUE(has(19, 0)) << "what was never read goes before what was";
}

TEST_F(CachePolicy, WhatIsAbandonedGoesFirstAndHoldsNoShare) {
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(bring(1, i, block_queue::warm));
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(bring(2, i));
  EXPECT_FALSE(bring(3, 0, block_queue::warm)) << "the share is taken";
  policy.read(*policy.find(object(1), 0), now);
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(policy.abandon(*policy.find(object(1), i)));
  EXPECT_EQ(policy.holdings(0).bytes_in(block_queue::warm), 0U);
  EXPECT_TRUE(has(1, 0)) << "somebody may still read it";
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(bring(3, i, block_queue::warm));
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(has(1, i));
    EXPECT_TRUE(has(2, i));
  }
}

// W-09: a destination that is smaller than the batch.
TEST_F(CachePolicy, AWarmUpLargerThanTheCacheEndsPartialForcedOrNot) {
  for (const bool forced : {false, true}) {
    cache_policy small{{1'000}, 1'000, rules()};
    std::size_t in = 0, evicted = 0;
    for (int n = 1; n <= 10; ++n)
      for (std::uint32_t i = 0; i < 10; ++i) {
        const auto admitted = small.admit(object(n), i, block_queue::warm, forced, now);
        if (!admitted.slot) {
          EXPECT_FALSE(small.has_room(object(n), i, block_queue::warm, forced, now));
        }
        evicted += admitted.evicted.size();
        if (admitted.slot) {
          small.arrived(*admitted.slot, 0, now);
          ++in;
        }
      }
    EXPECT_EQ(in, forced ? 10U : 5U);
    EXPECT_EQ(evicted, 0U);
  }
}

TEST_F(CachePolicy, AForcedWarmUpTakesThePlaceOfReadsOnly) {
  for (int n = 1; n <= 10; ++n)
    EXPECT_TRUE(bring(n, 0));
  for (std::uint32_t i = 0; i < 5; ++i)
    EXPECT_TRUE(bring(20, i, block_queue::warm));
  EXPECT_FALSE(bring(20, 5, block_queue::warm));
  EXPECT_TRUE(bring(20, 5, block_queue::warm, true));
  EXPECT_EQ(policy.holdings(0).bytes_in(block_queue::warm), 600U);
}

TEST_F(CachePolicy, WarmingWhatIsThereProtectsItWithinTheShare) {
  for (int n = 1; n <= 6; ++n)
    EXPECT_TRUE(bring(n, 0));
  for (int n = 1; n <= 5; ++n)
    EXPECT_TRUE(policy.warm_again(*policy.find(object(n), 0), false, now));
  EXPECT_FALSE(policy.warm_again(*policy.find(object(6), 0), false, now));
  EXPECT_TRUE(policy.warm_again(*policy.find(object(1), 0), false, now + 1)) << "its share is taken already";
  for (int n = 10; n < 30; ++n)
    EXPECT_TRUE(bring(n, 0));
  EXPECT_TRUE(has(5, 0));
  EXPECT_FALSE(has(6, 0));
}

TEST_F(CachePolicy, PressureTakesReadsFirstThenWarmUps) {
  EXPECT_TRUE(bring(1, 0, block_queue::warm));
  EXPECT_TRUE(bring(2, 0));
  EXPECT_TRUE(bring(3, 0));
  auto gone = policy.shrink(0, 150);
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_FALSE(has(2, 0));
  EXPECT_TRUE(has(1, 0));
  EXPECT_EQ(gone[0].reason, eviction_reason::pressure);
  EXPECT_EQ(policy.holdings(0).bytes_held(), 300U) << "their files are still there";
  for (const auto& each : gone)
    policy.left(each.slot);
  EXPECT_EQ(policy.shrink(0, 1'000'000).size(), 1U);
}

TEST_F(CachePolicy, ABlockThatIsOnItsWayInOrOutIsNotAdmittedTwice) {
  const auto first = policy.admit(object(1), 0, block_queue::normal, false, now);
  EXPECT_FALSE(policy.admit(object(1), 0, block_queue::normal, false, now).slot);
  EXPECT_FALSE(has(1, 0));
  policy.arrived(*first.slot, 5, now);
  EXPECT_TRUE(policy.drop(*first.slot));
  EXPECT_FALSE(policy.drop(*first.slot));
  EXPECT_FALSE(policy.admit(object(1), 0, block_queue::normal, false, now).slot);
  policy.left(*first.slot);
  EXPECT_TRUE(bring(1, 0));
}

TEST_F(CachePolicy, TheLastBlockIsShorter) {
  EXPECT_TRUE(bring(1, 9));
  EXPECT_EQ(policy.bytes_present(object(1)), 99U);
  EXPECT_TRUE(bring(1, 8));
  EXPECT_EQ(policy.bytes_present(object(1)), 199U);
}

TEST_F(CachePolicy, PathsShareByTheirCapacityAndTheTotalHolds) {
  cache_policy two{{30'000, 90'000}, 60'000, rules()};
  EXPECT_EQ(two.holdings(0).capacity_bytes, 15'000U);
  EXPECT_EQ(two.holdings(1).capacity_bytes, 45'000U);
  for (int n = 0; n < 20; ++n)
    for (std::uint32_t i = 0; i < 10; ++i)
      two.arrived(*two.admit(object(n), i, block_queue::normal, false, now).slot, 0, now);
  const auto on_first = static_cast<double>(two.holdings(0).bytes_held());
  EXPECT_NEAR(on_first / 20'000, 0.25, 0.1);
  two.set_admits(0, false);
  two.arrived(*two.admit(object(99), 0, block_queue::normal, false, now).slot, 0, now);
  EXPECT_EQ(static_cast<double>(two.holdings(0).bytes_held()), on_first);
}

TEST_F(CachePolicy, ARestartKeepsOrderAndWarmUps) {
  EXPECT_TRUE(policy.restore(object(1), 0, {.number = 0, .bytes = 100, .checksum = 1, .read_at = now - 50}, now));
  EXPECT_TRUE(policy.restore(object(1), 0, {.number = 1, .bytes = 100, .checksum = 2, .read_at = now - 40}, now));
  EXPECT_TRUE(policy.restore(object(1), 0,
                             {.number = 2, .bytes = 100, .checksum = 3, .read_at = 0, .warm_until = now + 9}, now));
  EXPECT_TRUE(policy.restore(object(1), 0,
                             {.number = 3, .bytes = 100, .checksum = 4, .read_at = 0, .warm_until = now - 9}, now));
  EXPECT_FALSE(policy.restore(object(1), 0, {.number = 0, .bytes = 100}, now)) << "there already";
  EXPECT_FALSE(policy.restore(object(1), 0, {.number = 9, .bytes = 100}, now)) << "not its length";
  EXPECT_FALSE(policy.restore(object(1), 0, {.number = 10, .bytes = 100}, now));
  EXPECT_FALSE(policy.restore(object(1, 20), 0, {.number = 4, .bytes = 100}, now)) << "another object of this id";
  std::vector<std::uint32_t> order;
  for (const auto& gone : policy.shrink(0, 1'000))
    order.push_back(policy.block(gone.slot).number);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{3, 0, 1, 2}));
}

TEST_F(CachePolicy, CapacityFollowsTheDiskDownAndUp) {
  for (std::uint32_t i = 0; i < 9; ++i)
    EXPECT_TRUE(bring(1, i));
  const auto gone = policy.set_capacity(0, 450);
  ASSERT_EQ(gone.size(), 5U);
  EXPECT_EQ(gone[0].reason, eviction_reason::pressure);
  EXPECT_TRUE(policy.set_capacity(0, 400).empty());
  EXPECT_EQ(policy.set_capacity(0, 300).size(), 1U);
  EXPECT_FALSE(policy.admit(object(2), 0, block_queue::normal, false, now).slot) << "what leaves still takes room";
  for (const auto& each : gone)
    policy.left(each.slot);
  EXPECT_TRUE(policy.set_capacity(0, 5'000).empty());
  EXPECT_EQ(policy.holdings(0).capacity_bytes, 1'000U) << "no more than it was given";
  EXPECT_TRUE(bring(2, 0));
}

TEST_F(CachePolicy, ARestartWithLessCapacityReachesItAtOnce) {
  for (std::uint32_t i = 0; i < 9; ++i)
    EXPECT_TRUE(policy.restore(object(1), 0, {.number = i, .bytes = 100, .read_at = now}, now));
  EXPECT_TRUE(policy.restore(object(2), 0, {.number = 0, .bytes = 100, .read_at = now}, now));
  EXPECT_TRUE(policy.set_capacity(0, 1'000).empty());
  EXPECT_TRUE(policy.restore(object(2), 0, {.number = 1, .bytes = 100, .read_at = now}, now));
  EXPECT_EQ(policy.set_capacity(0, 1'000).size(), 1U);
}

// -- a million steps --------------------------------------------------------------------

/// Keeps its own books of every block and looks over the policy's shoulder.
class second_opinion {
public:
  explicit second_opinion(std::uint64_t seed) : rng_(seed), policy_({3'000, 5'000, 1'500}, 9'000, rules()) {}

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFatalFailure(); ++step) {
      now_ += static_cast<epoch_seconds>(rng_() % 8 == 0);
      one_step();
      if (step % 64 == 0)
        compare_books();
    }
  }
  std::uint64_t admitted = 0, refused = 0, evicted = 0, expired = 0;

private:
  using key = std::pair<int, std::uint32_t>;
  struct account {
    std::size_t path = 0;
    std::uint32_t bytes = 0;
    block_queue queue = block_queue::arriving;
    block_queue goal = block_queue::normal;
    epoch_seconds warm_until = 0;
    bool is_read = false;
    std::int64_t age = 0;  ///< Greater: goes later.
    block_slot slot = 0;
  };

  template <class Map>
  auto any_of(Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(rng_() % map.size()));
  }
  key some_key() { return {static_cast<int>(rng_() % 24), static_cast<std::uint32_t>(rng_() % 10)}; }

  void one_step() {
    const auto at = some_key();
    switch (rng_() % 10) {
      case 0:
      case 1:
      case 2:
        return admit(at, block_queue::normal, false);
      case 3:
        return admit(at, block_queue::warm, rng_() % 4 == 0);
      case 4:
        return arrive();
      case 5:
        return leave();
      case 6:
      case 7:
        return read(at);
      case 8:
        return rng_() % 8 == 0 ? shrink() : warm_again(at);
      default:
        if (rng_() % 16 == 0)
          drop(at);
    }
  }

  void admit(key at, block_queue queue, bool forced) {
    expire();
    const bool was_room = policy_.has_room(object(at.first), at.second, queue, forced, now_);
    const auto got = policy_.admit(object(at.first), at.second, queue, forced, now_);
    if (!got.slot) {
      ++refused;
      ASSERT_TRUE(!was_room || books_.contains(at)) << "refused although there is room";
      ASSERT_TRUE(got.evicted.empty());
      return;
    }
    ++admitted;
    ASSERT_TRUE(was_room && !books_.contains(at));
    const auto& block = policy_.block(*got.slot);
    std::uint64_t goes = 0;
    for (const auto& each : got.evicted) {
      ASSERT_EQ(policy_.block(each.slot).path, block.path);
      goes += policy_.block(each.slot).bytes;
      expect_evicted(each, {eviction_reason::capacity, eviction_reason::unused});
    }
    books_[at] = {.path = block.path,
                  .bytes = block.bytes,
                  .goal = queue,
                  .is_read = queue == block_queue::normal,
                  .slot = *got.slot};
    const auto& holdings = policy_.holdings(block.path);
    ASSERT_LE(holdings.bytes_held() - goes, holdings.capacity_bytes) << "files would exceed the capacity";
    ASSERT_TRUE(got.evicted.empty() || holdings.bytes_held() - goes + block_bytes > holdings.capacity_bytes)
        << "more was evicted than needed";
    if (queue == block_queue::warm && !forced) {
      ASSERT_LE(warm_bytes(block.path), holdings.capacity_bytes / 2) << "more than its share";
    }
  }
  void arrive() {
    for (auto& [at, entry] : books_)
      if (entry.queue == block_queue::arriving) {
        if (rng_() % 8 == 0) {
          policy_.gave_up(entry.slot);
          books_.erase(at);
          return;
        }
        policy_.arrived(entry.slot, at.second, now_);
        if (entry.goal == block_queue::warm)
          entry.warm_until = now_ + 60;
        enter(at, entry, entry.goal);
        return;
      }
  }
  void leave() {
    if (leaving_.empty())
      return;
    const auto gone = any_of(leaving_);
    policy_.left(books_.at(*gone).slot);
    books_.erase(*gone);
    leaving_.erase(gone);
  }
  void read(key at) {
    const auto slot = policy_.find(object(at.first), at.second);
    const auto found = books_.find(at);
    ASSERT_EQ(slot.has_value(), found != books_.end() && is_whole(found->second));
    if (!slot)
      return;
    policy_.read(*slot, now_);
    found->second.is_read = true;
    if (found->second.queue == block_queue::normal)
      enter(at, found->second, block_queue::normal);
  }
  void warm_again(key at) {
    const auto found = books_.find(at);
    if (found == books_.end() || !is_whole(found->second))
      return;
    const bool forced = rng_() % 4 == 0;
    const bool taken = policy_.warm_again(found->second.slot, forced, now_);
    if (!taken) {
      ASSERT_FALSE(forced);
      ASSERT_GT(warm_bytes(found->second.path) + found->second.bytes,
                policy_.holdings(found->second.path).capacity_bytes / 2);
      return;
    }
    found->second.warm_until = now_ + 60;
    enter(at, found->second, block_queue::warm);
  }
  void shrink() {
    expire();
    policy_.expire(now_);
    const auto path = rng_() % 3;
    for (const auto& each : policy_.shrink(path, rng_() % 500))
      expect_evicted(each, {eviction_reason::pressure});
    for (const auto& each : policy_.set_capacity(path, 500 + rng_() % 5'000))
      expect_evicted(each, {eviction_reason::pressure});
    const auto& holdings = policy_.holdings(path);
    allowed_[path] = std::max(allowed_[path], holdings.bytes_held() - holdings.bytes_in(block_queue::leaving));
  }
  void drop(key at) {
    const auto found = books_.find(at);
    if (found == books_.end())
      return;
    const auto gone = policy_.drop(found->second.slot);
    ASSERT_EQ(gone.has_value(), is_whole(found->second));
    if (gone)
      depart(at);
  }

  /// The oldest of the reads on its path; a warm-up's only under pressure, and only when there is nothing else.
  void expect_evicted(const eviction& gone, const std::set<eviction_reason>& allowed) {
    ++evicted;
    const auto& block = policy_.block(gone.slot);
    key at{-1, block.number};
    for (const auto& [each, entry] : books_)
      if (entry.slot == gone.slot)
        at = each;
    ASSERT_NE(at.first, -1);
    ASSERT_TRUE(allowed.contains(gone.reason));
    const auto entry = books_.at(at);
    const auto& normal = order_[entry.path][0];
    if (entry.queue == block_queue::warm) {
      ASSERT_EQ(gone.reason, eviction_reason::pressure) << "a warm-up that was not over";
      ASSERT_TRUE(normal.empty());
      ASSERT_EQ(order_[entry.path][1].begin()->second, at);
    } else {
      ASSERT_EQ(normal.begin()->second, at) << "not the oldest";
      ASSERT_EQ(gone.reason == eviction_reason::unused, gone.reason != eviction_reason::pressure && !entry.is_read);
    }
    depart(at);
  }
  void expire() {
    for (auto& queues : order_)
      while (!queues[1].empty()) {
        const auto at = queues[1].begin()->second;
        auto& entry = books_.at(at);
        if (entry.warm_until > now_)
          break;
        ++expired;
        enter(at, entry, block_queue::normal, !entry.is_read);
      }
  }
  void enter(key at, account& to, block_queue queue, bool as_oldest = false) {
    exit(at, to);
    to.queue = queue;
    to.age = as_oldest ? -++clock_ : ++clock_;
    order_[to.path][queue == block_queue::warm].emplace(to.age, at);
  }
  void exit(key at, const account& from) {
    if (is_whole(from))
      order_[from.path][from.queue == block_queue::warm].erase({from.age, at});
  }
  void depart(key at) {
    auto& entry = books_.at(at);
    exit(at, entry);
    entry.queue = block_queue::leaving;
    leaving_.insert(at);
  }
  static bool is_whole(const account& looked) {
    return looked.queue == block_queue::normal || looked.queue == block_queue::warm;
  }
  std::uint64_t warm_bytes(std::size_t path) {
    std::uint64_t bytes = 0;
    for (const auto& [at, entry] : books_)
      if (entry.path == path
          && (entry.queue == block_queue::warm
              || (entry.queue == block_queue::arriving && entry.goal == block_queue::warm)))
        bytes += entry.bytes;
    return bytes;
  }
  void compare_books() {
    std::uint64_t bytes[3][block_queues] = {};
    for (const auto& [at, entry] : books_)
      bytes[entry.path][static_cast<std::size_t>(entry.queue)] += entry.bytes;
    // The policy ends warm-ups when somebody comes, the books when they are asked: only sums can be compared.
    for (std::size_t path = 0; path < 3; ++path) {
      const auto& holdings = policy_.holdings(path);
      std::uint64_t sum = 0;
      for (const auto each : bytes[path])
        sum += each;
      ASSERT_EQ(holdings.bytes_held(), sum);
      ASSERT_EQ(holdings.bytes_in(block_queue::arriving), bytes[path][0]);
      ASSERT_EQ(holdings.bytes_in(block_queue::leaving), bytes[path][3]);
      // When the capacity falls, what is being written still arrives; but nothing new is let in.
      const auto held = holdings.bytes_held() - holdings.bytes_in(block_queue::leaving);
      allowed_[path] = std::max(holdings.capacity_bytes, std::min(allowed_[path], held));
      ASSERT_LE(held, allowed_[path]);
    }
  }

  std::mt19937_64 rng_;
  cache_policy policy_;
  epoch_seconds now_ = 1'000'000;
  std::int64_t clock_ = 0;
  std::map<key, account> books_;
  std::set<std::pair<std::int64_t, key>> order_[3][2];  ///< normal, warm.
  std::set<key> leaving_;
  std::uint64_t allowed_[3] = {};
};

TEST(CachePolicyBooks, AMillionStepsKeepEveryRule) {
  std::uint64_t admitted = 0, refused = 0, evicted = 0, expired = 0;
  for (std::uint64_t seed = 1; seed <= 10 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    second_opinion books(seed);
    books.run(100'000);
    admitted += books.admitted;
    refused += books.refused;
    evicted += books.evicted;
    expired += books.expired;
  }
  fmt::print("admitted {}, refused {}, evicted {}, expired {}\n", admitted, refused, evicted, expired);
  EXPECT_GT(evicted, 10'000U);
  EXPECT_GT(expired, 1'000U);
}

}  // namespace
}  // namespace tabletd
