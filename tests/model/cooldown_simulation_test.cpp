// As many histories as fit into a unit test; cooldown_simulation runs more of them by hand.
#include "tests/model/cooldown_simulation.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace tabletd::test {
namespace {

TEST(CooldownSimulation, NothingIsLostAndNobodyUploadsBesideAnother) {
  constexpr std::uint64_t histories = 400;
  cooldown_simulation_counts counts;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    cooldown_simulation history(seed);
    ASSERT_EQ(history.run(), "") << "cooldown_simulation --tell --from " << seed << " --seeds 1";
    counts += history.counts();
  }
  // Otherwise the histories prove nothing.
  EXPECT_GT(counts.grants, histories);
  EXPECT_GT(counts.revocations, histories / 10);
  EXPECT_GT(counts.leaders, histories);
  EXPECT_GT(counts.crashes, histories);
  EXPECT_GT(counts.freezes, histories / 2);
  EXPECT_GT(counts.publications, 10 * histories);
  EXPECT_GT(counts.compactions, 2 * histories);
  EXPECT_GT(counts.asked_again, histories);
  EXPECT_GT(counts.late_puts, histories / 4);
  EXPECT_GT(counts.confirms, histories);
  EXPECT_GT(counts.deletions, 10 * histories);
  EXPECT_GT(counts.incremental_clones, histories);
  EXPECT_GT(counts.full_clones, histories);
  EXPECT_GT(counts.uploader_clones, histories / 2);
  EXPECT_GT(counts.moves, histories / 2);
  EXPECT_GT(counts.store_moves, histories / 2);
  EXPECT_GT(counts.republished, histories / 4);
  EXPECT_GT(counts.recalls, histories / 2);
  EXPECT_GT(counts.recalls_published, histories / 4);
  EXPECT_GT(counts.homecomings, histories);
}

std::string names_of(const cooldown_mutants& broken) {
  std::string names;
  for (std::size_t i = 0; i < broken.size(); ++i)
    if (broken.test(i))
      names += std::string(names.empty() ? "" : ",") + name_of(static_cast<cooldown_mutant>(i));
  return names;
}

bool is_found(const cooldown_mutants& broken, std::uint64_t histories) {
  for (std::uint64_t seed = 1; seed <= histories; ++seed)
    if (!cooldown_simulation(seed, broken).run().empty())
      return true;
  return false;
}

// Those that a few histories find.  docs/cooldown_rules.md has the figures of the others.
TEST(CooldownMutants, ABrokenRuleIsFound) {
  using enum cooldown_mutant;
  const std::initializer_list<std::initializer_list<cooldown_mutant>> rules{
      {patience_equals_lease},    {lease_from_answer},   {acknowledges_unproved},
      {new_leader_does_not_wait}, {hardly_waits},        {pushes_before_commit},
      {fold_ignores_term},        {fold_ignores_id},     {follows_backwards},
      {clone_takes_any_set},      {skips_by_version},    {forgets_what_it_asked},
      {saves_before_commit},      {deletes_unconfirmed}, {confirm_ignores_clones},
      {confirm_ignores_ids},      {one_nonce},           {lists_its_own_store_only},
      {moves_by_reference},       {acknowledges_everybody, acknowledges_any_term},
      // By the promise alone: others stand before these, and a breach does no harm.
      {acknowledges_any_term},    {confirm_ignores_dead}, {confirm_ignores_count}, {confirm_ignores_terms},
      {confirm_compares_replicas}, {confirm_ignores_uploader}, {deletes_after_expiry}, {confirms_without_log},
      {believes_stale_refusals},
      {comes_home_early},         {comes_home_under_old_id}, {forgets_recalls}, {recalls_unasked}};
  for (const auto& rule : rules) {
    cooldown_mutants broken;
    for (const auto mutant : rule)
      broken.set(static_cast<std::size_t>(mutant));
    EXPECT_TRUE(is_found(broken, 2'000)) << names_of(broken);
  }
}

}  // namespace
}  // namespace tabletd::test
