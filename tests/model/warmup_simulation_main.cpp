// Histories by hand: warmup_simulation [--from SEED] [--seeds N] [--shard I/OF] [--mutant NAME[,NAME...]]
// [--until-found] [--tell]
#include "tests/model/warmup_simulation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace {

using namespace tabletd::test;

/// Names with commas between them.
warmup_mutants mutants_named(const std::string& names) {
  warmup_mutants chosen;
  std::istringstream words(names);
  for (std::string word; std::getline(words, word, ',');) {
    std::size_t i = 0;
    while (i < chosen.size() && word != name_of(static_cast<warmup_mutant>(i)))
      ++i;
    if (i == chosen.size()) {
      std::fprintf(stderr, "there is no rule %s\n", word.c_str());
      std::exit(2);
    }
    chosen.set(i);
  }
  return chosen;
}

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
  std::uint64_t from = 1, seeds = 1'000, shard = 0, shards = 1;
  std::string broken = "none";
  bool until_found = false, tell = false;
  for (int i = 1; i < count; ++i) {
    const char* value = i + 1 < count ? words[i + 1] : "";
    if (std::strcmp(words[i], "--until-found") == 0)
      until_found = true;
    else if (std::strcmp(words[i], "--tell") == 0)
      tell = true;
    else if (std::strcmp(words[i], "--from") == 0)
      from = std::strtoull(value, nullptr, 10), ++i;
    else if (std::strcmp(words[i], "--seeds") == 0)
      seeds = std::strtoull(value, nullptr, 10), ++i;
    else if (std::strcmp(words[i], "--shard") == 0)
      std::sscanf(value, "%lu/%lu", &shard, &shards), ++i;
    else if (std::strcmp(words[i], "--mutant") == 0)
      broken = value, ++i;
    else
      return std::fprintf(stderr, "what is %s?\n", words[i]), 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  const auto mutants = mutants_named(broken);
  warmup_simulation_counts counts;
  std::uint64_t histories = 0, failures = 0;
  for (auto seed = from + shard; seed < from + seeds; seed += shards) {
    warmup_simulation history(seed, mutants);
    if (tell)
      history.tell([](const std::string& line) { std::puts(line.c_str()); });
    ++histories;
    if (const auto failure = history.run(); !failure.empty()) {
      ++failures;
      std::printf("%s: seed %lu: %s\n", broken.c_str(), seed, failure.c_str());
      if (until_found)
        break;
    }
    counts += history.counts();
  }
  std::printf("%s: %lu histories, %lu failed\n", broken.c_str(), histories, failures);
  if (!until_found)
    print(counts);
  return failures == 0 ? 0 : 1;
}
