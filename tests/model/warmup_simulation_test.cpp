// As many histories as fit into a unit test; warmup_simulation runs more of them by hand.
#include "tests/model/warmup_simulation.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace tabletd::test {
namespace {

TEST(WarmupSimulation, WhatIsLoggedIsWarmAndAllEnds) {
  constexpr std::uint64_t histories = 800;
  warmup_simulation_counts counts;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    warmup_simulation history(seed);
    ASSERT_EQ(history.run(), "") << "warmup_simulation --tell --from " << seed << " --seeds 1";
    counts += history.counts();
  }
  // Otherwise the histories prove nothing.
  EXPECT_GT(counts.leaders, 3 * histories);
  EXPECT_GT(counts.deposed_requests, 5 * histories);
  EXPECT_GT(counts.step_downs, histories / 2);
  EXPECT_GT(counts.restarts, 3 * histories);
  EXPECT_GT(counts.rounds, 10 * histories);
  EXPECT_GT(counts.finished, 5 * histories);
  EXPECT_GT(counts.failed, histories);
  EXPECT_GT(counts.cancelled, 2 * histories);
  EXPECT_GT(counts.skipped, histories / 2);
  EXPECT_GT(counts.pauses, 3 * histories);
  EXPECT_GT(counts.executions, counts.batches) << "some are done again";
  EXPECT_GT(counts.lost_records, 5 * histories);
  EXPECT_GT(counts.late_replies, 10 * histories);
  EXPECT_GT(counts.dropped_results, histories / 2);
  for (std::size_t row = 0; row < slot_rule_count; ++row)
    EXPECT_GT(counts.rules[row], 0U) << "row " << row << " of slot_rule";
}

std::string names_of(const warmup_mutants& broken) {
  std::string names;
  for (std::size_t i = 0; i < broken.size(); ++i)
    if (broken.test(i))
      names += std::string(names.empty() ? "" : ",") + name_of(static_cast<warmup_mutant>(i));
  return names;
}

bool is_found(const warmup_mutants& broken, std::uint64_t histories) {
  for (std::uint64_t seed = 1; seed <= histories; ++seed)
    if (!warmup_simulation(seed, broken).run().empty())
      return true;
  return false;
}

// docs/warmup_rules.md has the figures.
TEST(WarmupMutants, ABrokenRuleIsFound) {
  using enum warmup_mutant;
  const std::initializer_list<std::initializer_list<warmup_mutant>> rules{
      {idle_means_finished},
      {done_moves_on_accept},
      {no_lease},
      {no_tombstones},
      {results_of_any_generation},
      {epoch_ignored},
      {runs_ignored},
      {anybody_renews},
      {sends_before_logged},
      {clears_before_logged},
      {resumes_too_far},
      {does_not_wait_for_the_log, fold_takes_anything},
      {forgets_refused_records},
      {waits_forever},
      {busy_is_a_failure},
      {one_failure_is_enough},
      {hides_failed_tablets},
      {names_nobody_skipped},
      {names_nobody_skipped, fold_takes_anything},
      {finishes_with_the_first, fold_takes_anything},
      {pause_ignored},
      {youngest_first},
      {no_limit},
      {forgets_who_holds_what},
      {forgets_who_holds_what, fold_takes_anything},
      {failure_ends_periodic}};
  for (const auto& rule : rules) {
    warmup_mutants broken;
    for (const auto mutant : rule)
      broken.set(static_cast<std::size_t>(mutant));
    EXPECT_TRUE(is_found(broken, 1'000)) << names_of(broken);
  }
}

}  // namespace
}  // namespace tabletd::test
