#include "actors/model/slots.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <optional>
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

TEST(Slots, APathMayHaveATotalOfItsOwn) {
  slot_ledger ledger{1};
  ledger.set_own_total(at(2, 1), 3);
  EXPECT_EQ(ledger.total(at(2, 1)), 3U);
  EXPECT_EQ(ledger.available(at(2, 1)), 3U);
  EXPECT_EQ(ledger.total(at(2, 2)), 1U);
  std::vector<slot_token> tokens;
  for (std::uint64_t source = 3; source < 6; ++source) {
    auto token = ledger.take({at(source, 1), at(2, 1), 1});
    ASSERT_TRUE(token);
    tokens.push_back(*std::move(token));
  }
  EXPECT_FALSE(ledger.take({at(6, 1), at(2, 1), 1}));
  EXPECT_FALSE(ledger.any_available(backend_id{2}, 1));
  ledger.set_total(4);
  EXPECT_EQ(ledger.available(at(2, 1)), 0U) << "the others' total is not its";
  ledger.set_own_total(at(2, 1), 5);
  EXPECT_TRUE(ledger.any_available(backend_id{2}, 1));
  EXPECT_EQ(ledger.available(at(2, 1)), 2U);
  ledger.set_own_total(at(2, 1), 2);
  EXPECT_FALSE(ledger.any_available(backend_id{2}, 1));
  EXPECT_EQ(ledger.available(at(2, 1)), 0U) << "what runs goes on";
  ledger.set_own_total(at(2, 1), std::nullopt);
  EXPECT_EQ(ledger.available(at(2, 1)), 1U);
  for (auto& token : tokens)
    ledger.give_back(std::move(token));
  EXPECT_EQ(ledger, slot_ledger{4}) << "nothing is kept of what is not used";
}

// Appendix A 2 over random histories, in which the totals of all and of single paths change, too:
// the ledger is what the running contexts hold.
TEST(Slots, TheLedgerIsAlwaysDerivableFromWhatRuns) {
  std::uint64_t seed = 7;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  slot_ledger ledger{2};
  std::vector<slot_token> running;
  std::vector<slot_total> own;
  std::size_t refused = 0;
  std::size_t beyond = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (const auto what = dice(20); what < 12) {
      const slot_claim claim{at(dice(3), dice(2)), at(dice(3), dice(2)), dice(100)};
      const auto free = std::min(ledger.available(claim.source), ledger.available(claim.target));
      auto token = ledger.take(claim);
      ASSERT_EQ(token.has_value(), free >= (claim.source == claim.target ? 2U : 1U));
      if (token)
        running.push_back(*std::move(token));
      else
        ++refused;
    } else if (what < 18) {
      if (running.empty())
        continue;
      std::swap(running[dice(running.size())], running.back());
      ledger.give_back(std::move(running.back()));
      running.pop_back();
    } else if (what == 18) {
      const auto path = at(dice(3), dice(2));
      const auto total = static_cast<std::uint32_t>(dice(5));
      std::erase_if(own, [&](const slot_total& o) { return o.at == path; });
      if (total > 0)
        own.push_back({path, total});
      ledger.set_own_total(path, total > 0 ? std::optional{total} : std::nullopt);
    } else {
      ledger.set_total(1 + static_cast<std::uint32_t>(dice(3)));
    }
    std::vector<slot_claim> claims;
    for (const auto& token : running)
      claims.push_back(token.claim());
    ASSERT_EQ(ledger, slot_ledger::derived(ledger.total(), claims, own));
    for (std::uint64_t backend = 0; backend < 3; ++backend) {
      bool any = false;
      for (std::uint64_t path = 0; path < 2; ++path) {
        const auto total = ledger.total(at(backend, path));
        const auto used = ledger.used(at(backend, path));
        ASSERT_EQ(ledger.available(at(backend, path)), used < total ? total - used : 0);
        any |= used < total;
        beyond += used > total ? 1 : 0;
      }
      ASSERT_EQ(ledger.any_available(backend_id{backend}, 2), any);
    }
  }
  EXPECT_GT(refused, 1'000U);
  EXPECT_GT(beyond, 100U) << "totals fell while copies ran";
  for (auto& token : running)
    ledger.give_back(std::move(token));
  EXPECT_EQ(ledger, slot_ledger::derived(ledger.total(), {}, own));
  for (const auto& o : own)
    ledger.set_own_total(o.at, std::nullopt);
  EXPECT_EQ(ledger, slot_ledger{ledger.total()});
}

} // namespace
} // namespace tabletd::model
