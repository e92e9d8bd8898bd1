// Histories by hand: cooldown_simulation [--from SEED] [--seeds N] [--shard I/OF] [--mutant NAME[,NAME...]]
// [--until-found] [--tell]
#include "tests/model/cooldown_simulation.h"
#include "tests/model/simulation_main.h"

#include <cstdio>

namespace {

using namespace tabletd::test;

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
  return simulation_main<cooldown_simulation, cooldown_simulation_counts, cooldown_mutants, cooldown_mutant>(count, words, print);
}
