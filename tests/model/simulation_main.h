#pragma once
// The command line of a simulation run by hand: [--from SEED] [--seeds N] [--shard I/OF] [--mutant NAME[,NAME...]]
// [--until-found] [--tell]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

namespace tabletd::test {

/// Names with commas between them, of a set that `Mutants` (a bitset) numbers as the enumeration `Mutant` does.
template <class Mutants, class Mutant>
Mutants mutants_named(const std::string& names) {
  Mutants chosen;
  std::istringstream words(names);
  for (std::string word; std::getline(words, word, ',');) {
    std::size_t i = 0;
    while (i < chosen.size() && word != name_of(static_cast<Mutant>(i)))
      ++i;
    if (i == chosen.size()) {
      std::fprintf(stderr, "there is no rule %s\n", word.c_str());
      std::exit(2);
    }
    chosen.set(i);
  }
  return chosen;
}

/// Exit code 0: every history held.  `print(counts)` shows what happened in them.
template <class Simulation, class Counts, class Mutants, class Mutant, class Print>
int simulation_main(int count, char** words, Print print) {
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
  const auto mutants = mutants_named<Mutants, Mutant>(broken);
  Counts counts;
  std::uint64_t histories = 0, failures = 0;
  for (auto seed = from + shard; seed < from + seeds; seed += shards) {
    Simulation history(seed, mutants);
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

}  // namespace tabletd::test
