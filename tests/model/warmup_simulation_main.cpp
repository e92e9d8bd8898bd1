// Histories by hand: warmup_simulation [--from SEED] [--seeds N] [--shard I/OF] [--mutant NAME[,NAME...]]
// [--until-found] [--tell]
#include "tests/model/warmup_simulation.h"
#include "tests/model/simulation_main.h"

#include <cstdio>

namespace {

using namespace tabletd::test;

void print(const warmup_simulation_counts& c) {
  const auto line = [](const char* what, std::uint64_t count) { std::printf("  %-26s %lu\n", what, count); };
  line("events", c.events), line("leaders", c.leaders), line("requests of deposed ones", c.deposed_requests);
  line("leaders that stepped down", c.step_downs), line("restarts", c.restarts), line("jobs", c.jobs);
  line("rounds", c.rounds), line("rounds finished", c.finished), line("rounds failed", c.failed);
  line("cancelled by users", c.cancelled), line("pauses", c.pauses), line("lanes skipped", c.skipped);
  line("batches executed", c.executions), line("batches logged", c.batches);
  line("results of nobody", c.dropped_results), line("silences", c.silences), line("late replies", c.late_replies);
  line("records lost", c.lost_records), line("records refused", c.refused_records);
  static constexpr const char* rows[slot_rule_count]{"0", "0'", "0''", "1",  "2",  "3",  "4",  "5",  "6", "7",
                                                     "8", "9",  "10",  "11", "12", "13", "14", "15", "16"};
  for (std::size_t i = 0; i < slot_rule_count; ++i)
    std::printf("  row %-22s %lu\n", rows[i], c.rules[i]);
}

}  // namespace

int main(int count, char** words) {
  return simulation_main<warmup_simulation, warmup_simulation_counts, warmup_mutants, warmup_mutant>(count, words, print);
}
