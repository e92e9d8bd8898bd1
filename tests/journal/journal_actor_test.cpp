// The journal actor in a frozen world: what is grouped, who is answered when, and what
// happens when the disk or the catalog fails.
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/journal/fake_catalog.h"

#include <caf/event_based_actor.hpp>

namespace tabletd {
namespace {

using namespace test;
using failure = wire::EditOutcome::Failure;

struct JournalTest : actor_world {
  std::shared_ptr<memory_log> log = std::make_shared<memory_log>();
  journal_stats_ptr stats;
  memory_stats_ptr memory;
  model::time_ms time{1'000};
  journal_limits limits;
  std::vector<std::string> fatal;
  journal_actor journal;
  fake_catalog_log catalog_log;
  fake_catalog_shell catalog_handle;
  struct answer {
    std::string name;
    failure why{};
    std::uint64_t index{};
    std::uint64_t term{};
    std::string message;
  };
  std::vector<answer> answers;  ///< In the order they arrived.
  std::vector<std::uint32_t> retries;

  ~JournalTest() override {
    for (auto& each : proposers)
      urgent_exit(each, caf::exit_reason::user_shutdown);
    urgent_exit(catalog_handle, caf::exit_reason::user_shutdown);
    urgent_exit(journal, caf::exit_reason::user_shutdown);
    settle();
  }

  void open() {
    auto parts = parts_over(log);
    parts.limits = limits;
    parts.now = [this] { return time; };
    memory = parts.memory;
    parts.on_fatal = [this](const std::string& why) {
      EXPECT_GT(stats->failed.load(), false);
      fatal.push_back(why);
    };
    stats = parts.stats;
    journal = sys.spawn(tabletd::journal, open_journal(std::move(parts)));
    settle();
  }
  void start_catalog(std::uint64_t from = 1) {
    catalog_log = {};
    catalog_log.next = from;
    catalog_handle = sys.spawn(fake_catalog, &catalog_log);
    caf::anon_send(journal, replay_from{from}, caf::actor_cast<catalog_sink_actor>(catalog_handle));
    settle();
  }
  void kill_catalog() {
    urgent_exit(catalog_handle, caf::exit_reason::kill);
    settle();
  }
  /// One actor per proposer, so that each request has its own answer.
  void propose(const edit_message& edit, const std::string& name) {
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, edit, name](caf::event_based_actor* self) {
      self->request(journal, caf::infinite, edit)
          .then(
              [this, name](const edit_outcome& outcome) {
                const auto got = outcome.get();
                retries.push_back(got.getRetryAfterMs());
                answers.push_back({name, got.getFailure(), got.getIndex(), got.getId(), std::string{got.getMessage()}});
              },
              [this, name](const caf::error& error) {
                answers.push_back({name, {}, 0, 0, sys.render(error)});
              });
    })));
  }
  void propose(const std::string& name) { propose(edit_named(name), name); }
  void propose_many(int from, int upto) {
    for (int i = from; i <= upto; ++i)
      propose("e" + std::to_string(i));
  }
  /// Lets proposers and the journal run, but nothing that needs the catalog's answers.
  std::vector<std::string> names_of_answers() const {
    std::vector<std::string> names;
    for (const auto& each : answers)
      names.push_back(each.name);
    return names;
  }
  void arrive_during_next_write(int count) {
    log->on_append = [this, count] {
      for (int i = 0; i < count; ++i)
        caf::anon_send(journal, edit_named("late"));
      log->on_append = nullptr;
    };
  }
  std::vector<caf::actor> proposers;
};

std::vector<std::string> numbered(int from, int upto) {
  std::vector<std::string> names;
  for (int i = from; i <= upto; ++i)
    names.push_back("e" + std::to_string(i));
  return names;
}

TEST_F(JournalTest, WhatQueuesUpTogetherIsOneTransaction) {
  open();
  start_catalog();
  propose_many(1, 50);
  settle();
  EXPECT_EQ(log->appends, (std::vector<std::size_t>{1, 50}));  // The founding entry, then all.
  EXPECT_EQ(names_of_answers(), numbered(1, 50));
  propose_many(51, 51);
  settle();
  EXPECT_EQ(log->appends.back(), 1u);
  EXPECT_EQ(stats->commits.load(), 2u);
  EXPECT_EQ(stats->entries.load(), 51u);
  EXPECT_EQ(stats->entries_per_commit.counts().sum, 51.);
}

TEST_F(JournalTest, ATransactionIsBoundedByEntriesAndBytes) {
  limits.transaction.entries = 20;
  open();
  start_catalog();
  propose_many(1, 50);
  settle();
  EXPECT_EQ(log->appends, (std::vector<std::size_t>{1, 20, 20, 10}));
  EXPECT_EQ(names_of_answers(), numbered(1, 50));
}
TEST_F(JournalTest, ATransactionIsBoundedByBytes) {
  const auto size = edit_named("e1").words().asBytes().size();
  limits.transaction.bytes = 3 * size;
  open();
  start_catalog();
  propose_many(1, 8);
  settle();
  EXPECT_EQ(log->appends, (std::vector<std::size_t>{1, 3, 3, 2}));
}

TEST_F(JournalTest, EachProposerGetsTheOutcomeOfItsOwnEntryInLogOrder) {
  limits.delivery.batch_entries = 7;
  open();
  start_catalog();
  propose_many(1, 100);
  settle();
  ASSERT_EQ(answers.size(), 100u);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].index, i + 2);  // Entry 1 is the founding entry.
    EXPECT_EQ(answers[i].name, "e" + std::to_string(i + 1));
    EXPECT_EQ(answers[i].why, failure::NONE);
    EXPECT_EQ(answers[i].term, 2u);
  }
}

TEST_F(JournalTest, StragglersAreNotHeldForAFoldThatIsSlow) {
  open();
  start_catalog();
  catalog_log.at_once = false;
  arrive_during_next_write(3);
  propose_many(1, 10);
  settle();
  EXPECT_EQ(log->appends, (std::vector<std::size_t>{1, 10, 3}));
}

TEST_F(JournalTest, NobodyIsAnsweredBeforeTheFold) {
  open();
  start_catalog();
  catalog_log.at_once = false;
  propose_many(1, 3);
  settle();
  EXPECT_EQ(log->rows.size(), 4u);
  EXPECT_EQ(stats->commit_index.load(), 4u);
  EXPECT_EQ(stats->applied_index.load(), 1u);
  EXPECT_EQ(stats->pending.load(), 3u);
  EXPECT_TRUE(answers.empty());
  caf::anon_send(catalog_handle, tick_due{});
  settle();
  EXPECT_EQ(names_of_answers(), numbered(1, 3));
  EXPECT_EQ(stats->applied_index.load(), 4u);
  EXPECT_EQ(stats->pending.load(), 0u);
  EXPECT_EQ(stats->pending_bytes.load(), 0u);
}

TEST_F(JournalTest, ProposalsBeforeTheCatalogAreCommittedAndWait) {
  open();
  propose_many(1, 3);
  settle();
  EXPECT_EQ(stats->commit_index.load(), 4u);
  EXPECT_TRUE(answers.empty());
  start_catalog();
  EXPECT_EQ(names_of_answers(), numbered(1, 3));
}

TEST_F(JournalTest, ReplayIsBoundedThenLiveFollowsWithoutGap) {
  open();
  propose_many(1, 100);
  settle();
  start_catalog();
  urgent_exit(catalog_handle, caf::exit_reason::user_shutdown);
  urgent_exit(journal, caf::exit_reason::user_shutdown);
  settle();
  limits.delivery.batch_entries = 10;
  open();  // Everything is on the disk only.
  log->reads_max = 0;
  catalog_log.at_once = false;
  start_catalog();
  catalog_log.at_once = false;
  propose_many(101, 105);
  settle();
  for (int i = 0; i < 200; ++i) {
    caf::anon_send(catalog_handle, tick_due{});
    settle();
  }
  auto expected = numbered(1, 105);
  expected.insert(expected.begin(), "internal");
  EXPECT_EQ(catalog_log.folded, expected);
  EXPECT_LE(log->reads_max, 11u);
  EXPECT_LE(*std::ranges::max_element(catalog_log.batches), 10u);
}

TEST_F(JournalTest, ACatalogMayBeginInTheMiddle) {
  open();
  start_catalog();
  propose_many(1, 20);
  settle();
  kill_catalog();
  start_catalog(11);
  EXPECT_EQ(catalog_log.folded, numbered(10, 20));
}

TEST_F(JournalTest, ACatalogThatDiesIsReplayedAndItsProposersAreAnswered) {
  open();
  start_catalog();
  catalog_log.at_once = false;
  propose_many(1, 3);
  settle();
  kill_catalog();  // With a batch it never answered.
  propose_many(4, 5);
  settle();
  EXPECT_TRUE(answers.empty());
  start_catalog();
  EXPECT_EQ(names_of_answers(), numbered(1, 5));
  EXPECT_EQ(catalog_log.folded.size(), 6u);
  EXPECT_TRUE(fatal.empty());
}

/// It had folded and published them, and a successor begins behind them.
TEST_F(JournalTest, EditsACatalogFoldedButDidNotAnswerAreAnsweredInDoubt) {
  open();
  start_catalog();
  catalog_log.at_once = false;
  propose_many(1, 2);
  settle();
  const auto behind = log->last_index() + 1;
  kill_catalog();
  EXPECT_TRUE(answers.empty());
  start_catalog(behind);
  ASSERT_EQ(answers.size(), 2u);
  for (const auto& each : answers) {
    EXPECT_EQ(each.why, failure::SHUTTING_DOWN);
    EXPECT_NE(each.message.find("look whether it took effect"), std::string::npos) << each.message;
  }
  EXPECT_EQ(stats->pending_bytes.load(), 0u);
  propose_many(3, 3);
  settle();
  EXPECT_EQ(answers.back().why, failure::NONE);
}

TEST_F(JournalTest, ASecondReplayRequestReplacesTheFirst) {
  open();
  start_catalog();
  propose_many(1, 5);
  settle();
  catalog_log.next = 1;
  catalog_log.folded.clear();
  caf::anon_send(journal, replay_from{1}, caf::actor_cast<catalog_sink_actor>(catalog_handle));
  propose_many(6, 7);
  settle();
  auto expected = numbered(1, 7);
  expected.insert(expected.begin(), "internal");
  EXPECT_EQ(catalog_log.folded, expected);
}

TEST_F(JournalTest, AnAnswerToAnEarlierReplayIsIgnored) {
  open();
  start_catalog();
  catalog_log.at_once = false;
  propose_many(1, 3);
  settle();  // Entries 2..4 are under way.
  caf::anon_send(journal, replay_from{1}, caf::actor_cast<catalog_sink_actor>(catalog_handle));
  settle();                                    // So is 1.
  caf::anon_send(catalog_handle, tick_due{});  // Answers 2..4 of the first replay.
  settle();
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(stats->applied_index.load(), 0u);
  catalog_log.next = 1;
  for (int i = 0; i < 2; ++i) {
    caf::anon_send(catalog_handle, tick_due{});
    settle();
  }
  ASSERT_EQ(names_of_answers(), numbered(1, 3));
  EXPECT_EQ(answers[2].index, 4u);
}

TEST_F(JournalTest, TooLargeIsRefusedAndNothingIsWritten) {
  open();
  start_catalog();
  propose(edit_named(std::string(9U << 20, 'x')), "big");
  propose(edit_named(std::string(7U << 20, 'x')), "large");
  settle();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].why, failure::TOO_LARGE);
  EXPECT_NE(answers[0].message.find("8388608"), std::string::npos) << answers[0].message;
  EXPECT_EQ(answers[1].why, failure::NONE);
  EXPECT_EQ(log->rows.size(), 2u);
  EXPECT_EQ(stats->too_large.load(), 1u);
}

/// A catalog that does not answer, and room for four edits and two more at the door.
struct CrowdedJournal : JournalTest {
  const std::uint64_t charge = edit_named("e1").words().asBytes().size() + model::entry_cost_bytes;
  void begin() {
    limits.memory_bytes = 40 * charge;  // A twentieth is for those at the door.
    limits.backlog_bytes = 4 * charge;
    open();
    start_catalog();
    catalog_log.at_once = false;
  }
};

TEST_F(CrowdedJournal, TooMuchPendingWaitsAtTheDoorAndThenIsRefused) {
  begin();
  propose_many(1, 8);
  settle();
  EXPECT_EQ(names_of_answers(), numbered(7, 8)) << "two wait";
  EXPECT_EQ(answers[0].why, failure::OVERLOADED);
  EXPECT_NE(answers[0].message.find("the catalog is behind"), std::string::npos) << answers[0].message;
  EXPECT_GT(retries[0], 0U);
  EXPECT_EQ(log->rows.size(), 5u);
  EXPECT_EQ(stats->overloaded.load(), 2u);
  EXPECT_EQ(memory->waiting.load(), 2u);
  for (int i = 0; i < 4; ++i) {
    caf::anon_send(catalog_handle, tick_due{});
    settle();
  }
  ASSERT_EQ(answers.size(), 8u) << "those who waited were let in as the others were folded";
  EXPECT_EQ(answers.back().name, "e6");
  EXPECT_EQ(answers.back().why, failure::NONE);
  for (const auto of : {model::memory_category::uncommitted, model::memory_category::unapplied, model::memory_category::proposed})
    EXPECT_EQ(memory->bytes(of), 0u) << model::name(of);
  EXPECT_EQ(memory->not_applied_bytes.load(), 0u);
  EXPECT_LE(memory->peak_bytes(model::memory_category::proposed), 2 * charge);
}

TEST_F(CrowdedJournal, NobodyWaitsLongerThanTheDoorAllows) {
  begin();
  propose_many(1, 6);
  settle();
  EXPECT_TRUE(answers.empty());
  time += model::time_ms{1'999};
  pass(model::time_ms{1'999});
  EXPECT_TRUE(answers.empty());
  time += model::time_ms{1};
  pass(model::time_ms{1});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].why, failure::OVERLOADED);
  EXPECT_EQ(log->rows.size(), 5u) << "certainly not appended";
}

TEST_F(CrowdedJournal, WhoWaitsAtTheDoorWhenItEndsIsAnswered) {
  begin();
  propose_many(1, 6);
  settle();
  urgent_exit(journal, caf::exit_reason::user_shutdown);
  settle();
  ASSERT_EQ(answers.size(), 6u);
  EXPECT_EQ(answers.back().why, failure::SHUTTING_DOWN);
  EXPECT_NE(answers.back().message.find("not written"), std::string::npos) << answers.back().message;
}

/// What waits for the catalog is on the disk: it need not be in memory.
TEST_F(JournalTest, ASlowCatalogCostsNoMemory) {
  const auto charge = edit_named("e1").words().asBytes().size() + model::entry_cost_bytes;
  limits.memory_bytes = 40 * charge;
  limits.backlog_bytes = 1'000 * charge;
  limits.delivery.batch_entries = 1;
  open();
  start_catalog();
  catalog_log.at_once = false;
  for (int i = 0; i < 20; ++i) {
    propose_many(5 * i + 1, 5 * i + 5);
    settle();
  }
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(log->rows.size(), 101u);
  EXPECT_LE(memory->bytes(model::memory_category::unapplied), 14 * charge) << "35 of 100";
  EXPECT_GT(memory->backlog_bytes.load(), 80 * charge);
  catalog_log.at_once = true;
  caf::anon_send(catalog_handle, tick_due{});
  settle();
  EXPECT_EQ(names_of_answers(), numbered(1, 100)) << "read from the log, in order";
  EXPECT_EQ(memory->not_applied_bytes.load(), 0u);
}

TEST_F(JournalTest, ADiskThatFailsAnswersEverybodyAndEndsTheNode) {
  limits.transaction.entries = 2;
  open();
  start_catalog();
  catalog_log.at_once = false;
  log->fail_in = 1;
  propose_many(1, 6);
  settle();
  ASSERT_EQ(answers.size(), 6u);
  EXPECT_EQ(names_of_answers(), numbered(1, 6));
  for (const auto& each : answers) {
    EXPECT_EQ(each.why, failure::STORAGE_FAILED) << each.name;
    EXPECT_NE(each.message.find("memory.db"), std::string::npos) << each.message;
  }
  // Two are in the log, two were being written, two had not been touched.
  EXPECT_NE(answers[0].message.find("whether this edit will survive"), std::string::npos) << answers[0].message;
  EXPECT_NE(answers[2].message.find("whether this edit was written"), std::string::npos) << answers[2].message;
  EXPECT_NE(answers[4].message.find("was not written"), std::string::npos) << answers[4].message;
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_NE(fatal[0].find("the test says so"), std::string::npos);
  EXPECT_TRUE(stats->failed.load());

  log->fail_in = -1;  // The disk seems to be back: it is not believed.
  propose_many(7, 8);
  settle();
  EXPECT_EQ(answers.size(), 8u);
  EXPECT_EQ(answers[7].why, failure::STORAGE_FAILED);
  EXPECT_EQ(log->rows.size(), 3u);
  EXPECT_EQ(fatal.size(), 1u);
}

TEST_F(JournalTest, ALogThatCannotBeReadBackEndsTheNode) {
  open();
  start_catalog();
  propose_many(1, 3);
  settle();
  log->rows[2].bytes.resize(5);
  kill_catalog();
  start_catalog();
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_NE(fatal[0].find("entry 3"), std::string::npos) << fatal[0];
}

TEST_F(JournalTest, ACatalogThatMiscountsEndsTheNode) {
  open();
  const auto liar = sys.spawn(
      [](catalog_sink_actor::pointer, int) -> catalog_sink_actor::behavior_type {
        return {[](const committed_batch&) { return batch_outcomes{}; }};
      },
      0);
  propose_many(1, 2);
  settle();
  caf::anon_send(journal, replay_from{1}, liar);
  settle();
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_NE(fatal[0].find("0 outcomes for 1 edits"), std::string::npos) << fatal[0];
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].why, failure::STORAGE_FAILED);
  urgent_exit(liar, caf::exit_reason::user_shutdown);
  settle();
}

TEST_F(JournalTest, StoppingAnswersEverybody) {
  open();
  propose_many(1, 3);
  settle();  // Logged, but there is no catalog.
  urgent_exit(journal, caf::exit_reason::user_shutdown);
  settle();
  ASSERT_EQ(answers.size(), 3u);
  for (const auto& each : answers)
    EXPECT_EQ(each.why, failure::SHUTTING_DOWN) << each.message;
}

TEST_F(JournalTest, TheTermIsKnownBeforeTheFirstProposalAndGrowsWithEachStart) {
  open();
  EXPECT_EQ(stats->term.load(), 2u);
  EXPECT_TRUE(stats->leads.load());
  EXPECT_EQ(stats->leader.load(), 1u);
  urgent_exit(journal, caf::exit_reason::user_shutdown);
  settle();
  open();
  EXPECT_EQ(stats->term.load(), 3u);
  EXPECT_EQ(stats->commit_index.load(), 1u);
}

}  // namespace
}  // namespace tabletd
