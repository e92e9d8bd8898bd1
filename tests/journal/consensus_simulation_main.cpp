// Histories by hand: consensus_simulation [--from SEED] [--seeds N] [--shard I/OF] [--mutant NUMBER]
#include "tests/journal/consensus_simulation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int count, char** words) {
  using namespace tabletd::test;
  std::uint64_t from = 1, seeds = 20'000, shard = 0, shards = 1;
  auto broken_promise = mutant::none;
  for (int i = 1; i + 1 < count; i += 2) {
    const char* value = words[i + 1];
    if (std::strcmp(words[i], "--from") == 0)
      from = std::strtoull(value, nullptr, 10);
    else if (std::strcmp(words[i], "--seeds") == 0)
      seeds = std::strtoull(value, nullptr, 10);
    else if (std::strcmp(words[i], "--shard") == 0)
      std::sscanf(value, "%lu/%lu", &shard, &shards);
    else if (std::strcmp(words[i], "--mutant") == 0)
      broken_promise = static_cast<mutant>(std::atoi(value));
    else
      return std::fprintf(stderr, "what is %s?\n", words[i]), 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 12);
  simulation_counts counts;
  std::uint64_t histories = 0, failures = 0;
  for (auto seed = from + shard; seed < from + seeds; seed += shards) {
    auto options = options_for(seed);
    options.broken_promise = broken_promise;
    simulation history(seed, options);
    if (const auto failure = history.run(); !failure.empty()) {
      ++failures;
      std::printf("seed %lu: %s\n", seed, failure.c_str());
    }
    counts += history.counts();
    ++histories;
  }
  std::printf(
      "%lu histories, %lu failed; %zu acknowledged, %zu crashes, %zu images installed, %zu changes, "
      "%zu transfers, %zu terms\n",
      histories, failures, counts.acknowledged, counts.crashes, counts.images_installed, counts.changes,
      counts.transfers, counts.terms);
  return failures == 0 ? 0 : 1;
}
