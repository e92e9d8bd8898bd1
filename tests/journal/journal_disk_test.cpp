// The journal on real and on crashing disks: what was appended is there after any power
// cut, in a term that never comes twice, and the detached actor works with real threads.
#include "actors/urgent_exit.h"
#include "tests/journal/memory_log.h"
#include "tests/persistence/crash_vfs.h"
#include "tests/persistence/temporary_directory.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

namespace tabletd {
namespace {

using namespace test;

std::unique_ptr<log_writer> open_on(const crash_disk& disk) {
  auto parts = parts_over(open_sqlite_edit_log("", {disk.vfs(), 8}));
  auto writer = std::make_unique<log_writer>(log_writer_ports{parts.log, parts.core, parts.now});
  writer->open(parts.founders);
  return writer;
}

/// What one machine acknowledged before its power went.
struct acknowledged_log {
  std::vector<std::string> names{"internal"};  ///< Entry i at [i - 1].
  model::term term = 1;

  static std::vector<std::string> everything(const log_writer& writer, std::uint64_t last) {
    std::vector<std::string> found;
    while (found.size() < last)
      for (const auto& edit : writer.read(found.size() + 1, last, {}).edits)
        found.push_back(name_of(edit));
    return found;
  }
  void check(const log_writer& writer) {
    EXPECT_GT(writer.standing().term, term) << "a term came twice";
    term = writer.standing().term;
    const auto last = writer.standing().committed_upto;
    ASSERT_GE(last, names.size()) << "an acknowledged entry is gone";
    auto found = everything(writer, last);  // More may have survived than was acknowledged.
    EXPECT_TRUE(std::ranges::equal(names, std::span(found).first(names.size())));
    names = std::move(found);
  }
  void append_some(log_writer& writer, std::mt19937_64& rng) {
    std::vector<edit_message> edits;
    std::vector<std::string> added;
    for (auto count = 1 + rng() % 5; count > 0; --count) {
      added.push_back(std::to_string(rng()) + std::string(rng() % 900, 'x'));
      edits.push_back(edit_named(added.back()));
    }
    const auto done = writer.turn(edits);
    ASSERT_FALSE(done.refused);
    EXPECT_EQ(done.first, names.size() + 1);
    names.insert(names.end(), added.begin(), added.end());
  }
};

TEST(JournalOnDisk, PowerCutsKeepEveryAcknowledgedEditAndNoTermComesTwice) {
  std::size_t appended = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    crash_disk disk(seed);
    disk.directories = seed % 2 ? directory_model::ordered : directory_model::strict;
    acknowledged_log known;
    for (int boot = 0; boot < 5; ++boot) {
      disk.cut_at = boot < 4 ? 60 + static_cast<std::int64_t>(disk.rng() % 300) : -1;
      try {
        auto writer = open_on(disk);
        known.check(*writer);
        for (int i = 0; i < 30 && !HasFailure(); ++i)
          known.append_some(*writer, disk.rng);
      } catch (const storage_error& error) {
        ASSERT_TRUE(disk.dead()) << error.what();
      }
      appended += known.names.size();
      disk.restore_power({.5, true, seed % 3 == 0});
      if (HasFailure())
        return;
    }
  }
  EXPECT_GT(appended, 10'000U);
}

catalog_sink_actor::behavior_type counting_sink(catalog_sink_actor::pointer, std::uint64_t) {
  return {[](const committed_batch& batch) {
    batch_outcomes answer;
    for (std::size_t i = 0; i < batch.edits.size(); ++i)
      answer.outcomes.push_back(
          seal<wire::EditOutcome>([&](auto outcome) { outcome.setIndex(batch.first_index + i); }));
    return answer;
  }};
}

/// Proposes one after the other and answers with the indexes it got.
caf::behavior proposer(caf::event_based_actor* self, journal_actor journal, int count,
                       std::function<void(std::vector<std::uint64_t>)> done) {
  auto indexes = std::make_shared<std::vector<std::uint64_t>>();
  auto next = std::make_shared<std::function<void()>>();
  *next = [=, weak = std::weak_ptr(next)] {
    self->request(journal, caf::infinite, edit_named("x")).then([=](const edit_outcome& outcome) {
      indexes->push_back(outcome.get().getIndex());
      if (static_cast<int>(indexes->size()) < count)
        return (*weak.lock())();
      done(*indexes);
      self->quit();
    });
  };
  self->attach_functor([next] { *next = nullptr; });
  (*next)();
  return {[](int) {}};
}

TEST(JournalOnDisk, ManyProposersOnRealThreadsGetEveryIndexOnce) {
  constexpr int proposers = 40, each = 25;
  temporary_directory dir;
  std::mutex mutex;
  std::vector<std::uint64_t> indexes;
  for (int life = 0; life < 2; ++life) {
    caf::actor_system_config config;
    config.set("scheduler.max-threads", std::size_t{2});
    caf::actor_system sys{config};
    auto parts = parts_over(open_sqlite_edit_log(dir.path(), {}));
    parts.keeper_has_a_thread = true;
    const auto stats = parts.stats;
    const auto journal = sys.spawn(tabletd::journal, open_journal(std::move(parts)));
    const auto sink = sys.spawn(counting_sink, std::uint64_t{0});
    caf::anon_send(journal, replay_from{1}, sink);
    std::vector<caf::actor> crowd;
    for (int i = 0; i < proposers; ++i)
      crowd.push_back(sys.spawn(proposer, journal_actor{journal}, each, [&](const std::vector<std::uint64_t>& got) {
        EXPECT_TRUE(std::ranges::is_sorted(got));
        const std::lock_guard guard{mutex};
        indexes.insert(indexes.end(), got.begin(), got.end());
      }));
    caf::scoped_actor waiter{sys};
    waiter->wait_for(crowd);
    EXPECT_LT(stats->commits.load(), std::uint64_t{proposers * each}) << "nothing was grouped";
    urgent_exit(sink, caf::exit_reason::user_shutdown);
    urgent_exit(journal, caf::exit_reason::user_shutdown);
  }
  std::ranges::sort(indexes);
  ASSERT_EQ(indexes.size(), 2U * proposers * each);
  for (std::size_t i = 0; i < indexes.size(); ++i)
    ASSERT_EQ(indexes[i], i + 2);  // Entry 1 is the founding entry.
}

}  // namespace
}  // namespace tabletd
