// Histories by hand: cooldown_simulation [--from SEED] [--seeds N] [--shard I/OF] [--mutant NAME[,NAME...]]
// [--until-found] [--tell]
#include "tests/model/cooldown_simulation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace {

using namespace tabletd::test;

/// Names with commas between them.
cooldown_mutants mutants_named(const std::string& names) {
  cooldown_mutants chosen;
  std::istringstream words(names);
  for (std::string word; std::getline(words, word, ',');) {
    std::size_t i = 0;
    while (i < chosen.size() && word != name_of(static_cast<cooldown_mutant>(i)))
      ++i;
    if (i == chosen.size()) {
      std::fprintf(stderr, "there is no rule %s\n", word.c_str());
      std::exit(2);
    }
    chosen.set(i);
  }
  return chosen;
}

void print(const cooldown_simulation_counts& c) {
  const auto line = [](const char* what, std::uint64_t count) { std::printf("  %-22s %lu\n", what, count); };
  line("events", c.events), line("leaders", c.leaders), line("grants", c.grants), line("revocations", c.revocations);
  line("crashes", c.crashes), line("freezes", c.freezes), line("losses", c.losses),
      line("policies altered", c.policies), line("loads", c.loads);
  line("publications", c.publications), line("refused", c.refused_publications), line("asked again", c.asked_again);
  line("compactions", c.compactions), line("sets saved", c.follows), line("discards", c.discards);
  line("deletions confirmed", c.confirms), line("deletions refused", c.refused_confirms),
      line("deletions", c.deletions);
  line("late changes", c.late_puts), line("reads missed", c.reads_missed),
      line("incremental clones", c.incremental_clones);
  line("stores changed", c.store_changes), line("sets moved", c.store_moves), line("republished", c.republished);
  line("recalls", c.recalls), line("recalls published", c.recalls_published), line("homecomings", c.homecomings);
  line("full clones", c.full_clones), line("clones into uploader", c.uploader_clones), line("moves", c.moves);
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
  cooldown_simulation_counts counts;
  std::uint64_t histories = 0, failures = 0;
  for (auto seed = from + shard; seed < from + seeds; seed += shards) {
    cooldown_simulation history(seed, mutants);
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
