#include "actors/model/slots.h"
#include <gtest/gtest.h>
#include <vector>

namespace tabletd::model {
namespace {

place at(std::uint64_t backend, std::uint64_t path) { return {backend_id{backend}, path_hash{path}}; }

TEST(Slots, ACloneHoldsOneAtEachEnd) {
  slot_ledger ledger{2};
  auto token = ledger.take({at(1, 1), at(2, 1), 7});
  ASSERT_TRUE(token);
  EXPECT_EQ(ledger.available(at(1, 1)), 1U);
  EXPECT_EQ(ledger.available(at(2, 1)), 1U);
  EXPECT_EQ(ledger.incoming_bytes(at(2, 1)), 7U);
  EXPECT_EQ(ledger.incoming_bytes(at(1, 1)), 0U);
  ledger.give_back(*std::move(token));
  EXPECT_EQ(ledger, slot_ledger{2});
}

TEST(Slots, BothEndsOrNothing) {
  slot_ledger ledger{1};
  auto first = ledger.take({at(1, 1), at(2, 1), 0});
  const auto before_source = ledger.available(at(3, 1));
  EXPECT_FALSE(ledger.take({at(3, 1), at(2, 1), 0}));
  EXPECT_EQ(ledger.available(at(3, 1)), before_source) << "the originals leaked this one (doris#6659)";
  ledger.give_back(*std::move(first));
}

TEST(Slots, WithinOnePathACloneNeedsTwo) {
  slot_ledger ledger{1};
  EXPECT_FALSE(ledger.take({at(1, 1), at(1, 1), 0}));
}

TEST(Slots, WhatRunsIsAdoptedEvenBeyondTheTotal) {
  slot_ledger ledger{1};
  std::vector<slot_token> tokens;
  tokens.push_back(ledger.adopt({at(1, 1), at(2, 1), 0}));
  tokens.push_back(ledger.adopt({at(1, 1), at(3, 1), 0}));
  EXPECT_EQ(ledger.used(at(1, 1)), 2U);
  EXPECT_EQ(ledger.available(at(1, 1)), 0U);
  for (auto& token : tokens)
    ledger.give_back(std::move(token));
  EXPECT_EQ(ledger, slot_ledger{1});
}

TEST(Slots, AFullBackendIsToldByACount) {
  slot_ledger ledger{1};
  EXPECT_TRUE(ledger.any_available(backend_id{2}, 2));
  EXPECT_FALSE(ledger.any_available(backend_id{2}, 0)) << "it has no path at all";
  auto first = ledger.take({at(1, 1), at(2, 1), 0});
  EXPECT_TRUE(ledger.any_available(backend_id{2}, 2));
  auto second = ledger.take({at(3, 1), at(2, 2), 0});
  EXPECT_FALSE(ledger.any_available(backend_id{2}, 2));
  ledger.give_back(*std::move(first));
  EXPECT_TRUE(ledger.any_available(backend_id{2}, 2));
  ledger.give_back(*std::move(second));
}

TEST(SlotsDeathTest, ATokenThatIsLostIsABug) {
  EXPECT_DEATH(
    {
      slot_ledger ledger{2};
      auto token = ledger.take({at(1, 1), at(2, 1), 0});
    },
    "must be given back");
}

// Appendix A 2 over random histories: the ledger is what the running contexts hold.
TEST(Slots, TheLedgerIsAlwaysDerivableFromWhatRuns) {
  std::uint64_t seed = 7;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  slot_ledger ledger{2};
  std::vector<slot_token> running;
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (dice(5) < 3) {
      const slot_claim claim{at(dice(3), dice(2)), at(dice(3), dice(2)), dice(100)};
      if (auto token = ledger.take(claim))
        running.push_back(*std::move(token));
      else
        ++refused;
    } else if (!running.empty()) {
      std::swap(running[dice(running.size())], running.back());
      ledger.give_back(std::move(running.back()));
      running.pop_back();
    }
    std::vector<slot_claim> claims;
    for (const auto& token : running)
      claims.push_back(token.claim());
    ASSERT_EQ(ledger, slot_ledger::derived(2, claims));
    for (std::uint64_t backend = 0; backend < 3; ++backend)
      for (std::uint64_t path = 0; path < 2; ++path)
        ASSERT_LE(ledger.used(at(backend, path)), 2U);
  }
  EXPECT_GT(refused, 1'000U);
  for (auto& token : running)
    ledger.give_back(std::move(token));
  EXPECT_EQ(ledger, slot_ledger{2});
}

} // namespace
} // namespace tabletd::model
