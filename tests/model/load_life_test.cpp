// The life of a LOAD against the real fold: what is proposed, who is told, and when.
#include "actors/model/load_life.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace tabletd::model {
namespace {

using test::console_world;
using namespace std::chrono_literals;

/// Plays the actor: carries effects out against a real catalog and remembers what clients hear.
struct stage {
  console_world world;
  table_id orders{};
  load_life life;
  std::vector<std::string> said;                         ///< One word per effect.
  std::optional<load_plan> plan;
  std::optional<std::variant<statement_error, statement_done>> statement;
  std::optional<answer_load> answer;
  std::map<backend_id, version> published;
  std::map<backend_id, std::vector<tablet_id>> asked_for; ///< The tablets of the latest publish order.
  std::optional<edit_body> proposed;                     ///< Waits for settle_journal().
  bool is_over = false;

  stage() {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 4, 3);
    life.request = {orders, world.cat.tables.find(orders)->partitions.front().id, "shop.orders", "/f", "l1"};
  }

  void carry_out(const load_effects& effects) {
    for (const auto& effect : effects)
      std::visit(overloaded{
        [&](const propose_edit& e) { said.push_back("propose"); proposed = e.body; },
        [&](const answer_plan& e) { said.push_back("plan"); plan = e.plan; },
        [&](const answer_statement& e) { said.push_back("statement"); EXPECT_FALSE(statement || plan); statement = e.body; },
        [&](const answer_load& e) { said.push_back("answer"); EXPECT_FALSE(answer); answer = e; },
        [&](const publish_load& e) {
          said.push_back("publish");
          published[e.backend] = e.version;
          asked_for[e.backend] = e.tablets;
        },
        [&](const arm_load_tick&) { said.push_back("arm"); },
        [&](const load_over&) { said.push_back("over"); is_over = true; },
      }, effect);
  }
  void feed(const load_event& event) { carry_out(step(life, event, world.cat, world.now, "fe1:9020")); }

  /// Folds what was proposed and feeds the verdict.
  void settle_journal() {
    ASSERT_TRUE(proposed);
    const auto verdict = world.try_fold(*std::exchange(proposed, std::nullopt));
    feed(edit_answer{log_index{world.index}, verdict.why, verdict.id, journal_failure::none, {}});
  }
  void fail_journal(journal_failure why) {
    proposed.reset();
    feed(edit_answer{{}, refusal::none, 0, why, "disk full"});
  }

  rows_prepared rows(std::vector<backend_id> missing = {}) {
    rows_prepared out;
    for (const auto& at : plan->tablets) {
      tablet_loaded one{at.tablet, 3, 30, {}};
      for (const auto& r : at.replicas)
        if (std::find(missing.begin(), missing.end(), r.backend) == missing.end())
          one.prepared.push_back(r.replica);
      out.tablets.push_back(one);
    }
    for (const auto backend : missing)
      out.failures.push_back({backend, "connection lost"});
    return out;
  }
  void up_to_loading() {
    carry_out(begin(life, world.cat));
    settle_journal();
    ASSERT_TRUE(plan);
  }
  void up_to_publishing(std::vector<backend_id> missing = {}) {
    up_to_loading();
    feed(rows(missing));
    settle_journal();
    ASSERT_EQ(life.phase, load_phase::publishing);
  }
  const load& record() { return *world.cat.loads.find(life.txn); }
  const statement_done& done() { return std::get<statement_done>(answer->body); }
  const statement_error& error() { return std::get<statement_error>(answer->body); }
};

// A backend that is asked for everything cannot say what it does not have.
TEST(LoadLife, EachBackendIsAskedForTheTabletsItHolds) {
  stage s;
  s.up_to_publishing();
  std::map<backend_id, std::vector<tablet_id>> held;
  for (const auto& at : s.plan->tablets)
    for (const auto& r : at.replicas)
      held[r.backend].push_back(at.tablet);
  EXPECT_EQ(s.asked_for, held);
}

TEST(LoadLife, FromLabelToPublished) {
  stage s;
  s.up_to_loading();
  EXPECT_EQ(s.plan->txn, s.life.txn);
  EXPECT_FALSE(s.answer);
  s.feed(s.rows());
  EXPECT_EQ(s.record().state, load_state::begun) << "nothing is decided before the log says so";
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::committed);
  EXPECT_EQ(s.published.size(), 4u);
  EXPECT_FALSE(s.answer) << "no majority serves it yet";
  s.feed(publish_answered{s.world.order[0], {}, {}});
  s.feed(publish_answered{s.world.order[1], {}, {}});
  EXPECT_FALSE(s.answer) << "tablet 2 has one of three";
  s.feed(publish_answered{s.world.order[2], {}, {}});
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.done(), (statement_done{"loaded 12 rows (120 bytes) into shop.orders as version 2, label 'l1'", 12}));
  EXPECT_TRUE(s.answer->warnings.empty());
  EXPECT_FALSE(s.proposed) << "one backend has not confirmed";
  s.feed(publish_answered{s.world.order[3], {}, {}});
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::published);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ABackendThatMissedItIsAWarning) {
  stage s;
  const auto lost = s.world.order[1];
  s.up_to_publishing({lost});
  for (const auto backend : s.world.order)
    s.feed(publish_answered{backend, {}, {}});
  ASSERT_TRUE(s.answer);
  ASSERT_EQ(s.answer->warnings.size(), 1u);
  EXPECT_EQ(s.answer->warnings[0].message, "backend " + described(s.world.cat, lost) + " missed 3 tablets (tablet "
                                             + std::to_string(raw(s.world.tablet(s.orders, 0).id)) + ", ...): connection lost");
  s.settle_journal();
  EXPECT_TRUE(s.is_over) << "a replica with a hole is repair's business, not a reason to wait";
}

TEST(LoadLife, WithoutAMajorityItIsRolledBackEverywhere) {
  stage s;
  s.up_to_loading();
  s.feed(s.rows({s.world.order[0], s.world.order[1]}));
  s.settle_journal();
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.error().code, error_code::unavailable);
  EXPECT_NE(s.error().message.find("loading shop.orders was rolled back"), std::string::npos);
  EXPECT_NE(s.error().message.find("h1:9060: connection lost"), std::string::npos) << s.error().message;
  EXPECT_EQ(s.record().state, load_state::aborted);
  EXPECT_EQ(s.published, (std::map<backend_id, version>{{s.world.order[0], 0}, {s.world.order[1], 0},
                                                        {s.world.order[2], 0}, {s.world.order[3], 0}}));
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ACommittedLabelLoadsNothingTwice) {
  stage s;
  s.world.load(s.orders, "l1");
  for (const auto backend : s.world.order) // Not even when nothing could be written.
    s.world.fold(backend_died{backend});
  s.carry_out(begin(s.life, s.world.cat));
  s.settle_journal();
  ASSERT_TRUE(s.statement);
  EXPECT_EQ(std::get<statement_done>(*s.statement),
            (statement_done{"label 'l1' is already loaded (txn " + std::to_string(s.world.index - 6) + ", version 2): nothing to do", 0}));
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ALabelInProgressIsAConflict) {
  stage s;
  s.world.fold(load_begun{s.orders, "l1"});
  s.carry_out(begin(s.life, s.world.cat));
  s.settle_journal();
  ASSERT_TRUE(s.statement);
  EXPECT_EQ(std::get<statement_error>(*s.statement).code, error_code::conflict);
  EXPECT_TRUE(s.published.empty());
}

TEST(LoadLife, ALoadThatCannotBeginAnswersTheStatement) {
  stage s;
  s.world.fold(backend_died{s.world.order[0]});
  s.world.fold(backend_died{s.world.order[1]});
  s.carry_out(begin(s.life, s.world.cat));
  EXPECT_EQ(std::get<statement_error>(*s.statement).code, error_code::unavailable);
  EXPECT_FALSE(s.proposed);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, BackendsThatDieBetweenLabelAndPlanAbortIt) {
  stage s;
  s.carry_out(begin(s.life, s.world.cat));
  s.world.fold(backend_died{s.world.order[0]});
  s.world.fold(backend_died{s.world.order[1]});
  s.settle_journal();
  EXPECT_FALSE(s.statement) << "first the label must be free again";
  s.settle_journal();
  EXPECT_EQ(std::get<statement_error>(*s.statement).code, error_code::unavailable);
  EXPECT_EQ(s.record().state, load_state::aborted);
}

TEST(LoadLife, AClientThatLeavesAbortsIt) {
  stage s;
  s.up_to_loading();
  s.feed(load_given_up{"the connection was lost"});
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::aborted);
  EXPECT_EQ(s.published.size(), 4u);
  EXPECT_FALSE(s.answer);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, AClientThatLeavesBeforeTheLabelIsTakenAbortsIt) {
  stage s;
  s.carry_out(begin(s.life, s.world.cat));
  s.feed(load_given_up{"the session ended"});
  s.settle_journal();
  EXPECT_FALSE(s.plan);
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::aborted);
  EXPECT_TRUE(s.statement) << "every promise is answered, even if nobody listens";
}

TEST(LoadLife, AClientThatLeavesAfterTheCommitChangesNothing) {
  stage s;
  s.up_to_publishing();
  s.feed(load_given_up{"the session ended"});
  for (const auto backend : s.world.order)
    s.feed(publish_answered{backend, {}, {}});
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::published);
}

TEST(LoadLife, ACommitNobodyKnowsOfIsNotAborted) {
  stage s;
  s.up_to_loading();
  s.feed(s.rows());
  s.fail_journal(journal_failure::shutting_down);
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.error().code, error_code::unavailable);
  EXPECT_EQ(s.error().hint, "load again with LABEL 'l1': a label that was committed loads nothing twice");
  EXPECT_TRUE(s.published.empty()) << "an abort order could delete committed rows";
  EXPECT_FALSE(s.proposed);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ACommitThatWasSurelyNotTakenIsAborted) {
  stage s;
  s.up_to_loading();
  s.feed(s.rows());
  s.fail_journal(journal_failure::overloaded);
  s.settle_journal();
  EXPECT_EQ(s.error().code, error_code::resource_exhausted);
  EXPECT_EQ(s.record().state, load_state::aborted);
}

TEST(LoadLife, AnAbortTheLogDidNotTakeTellsTheClientAndForgetsNothing) {
  stage s;
  s.up_to_loading();
  s.feed(s.rows({s.world.order[1], s.world.order[2]}));
  s.fail_journal(journal_failure::overloaded);
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.error().code, error_code::unavailable);
  EXPECT_TRUE(s.published.empty()) << "the load is open still; whoever takes it over has them forget";
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ATakeOverThatCameTooLateDeletesNothing) {
  stage s;
  s.up_to_loading();
  load_life heir;
  s.carry_out(resume(heir, s.life.txn, s.world.cat, s.world.now));
  const auto abort = std::exchange(s.proposed, std::nullopt);
  s.feed(s.rows());
  s.settle_journal(); // The commit is first in the log.
  s.published.clear();
  const auto verdict = s.world.try_fold(*abort);
  s.carry_out(step(heir, edit_answer{log_index{s.world.index}, verdict.why, verdict.id, journal_failure::none, {}},
                   s.world.cat, s.world.now, {}));
  EXPECT_TRUE(s.published.empty()) << "the rows are committed";
  EXPECT_EQ(s.record().state, load_state::committed);
}

TEST(LoadLife, ALeaderChangeBeforeTheCommitRollsBack) {
  stage s;
  s.up_to_loading();
  s.world.fold(load_aborted{s.life.txn, "its front end lost leadership"});
  s.feed(s.rows());
  s.settle_journal();
  EXPECT_EQ(s.error().code, error_code::unavailable);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, LostOrdersAreRepeated) {
  stage s;
  s.up_to_publishing();
  s.published.clear();
  for (const auto backend : s.world.order)
    s.feed(publish_answered{backend, {}, "no link"});
  EXPECT_TRUE(s.published.empty());
  s.feed(load_tick{});
  EXPECT_EQ(s.published.size(), 4u);
  s.published.clear();
  s.feed(load_tick{});
  EXPECT_TRUE(s.published.empty()) << "asked already";
  EXPECT_EQ(s.said.back(), "arm");
}

TEST(LoadLife, PatienceEndsWithAWarningAndTheWorkGoesOn) {
  stage s;
  s.up_to_publishing();
  s.world.now += publish_patience - 1ms;
  s.feed(load_tick{});
  EXPECT_FALSE(s.answer);
  s.world.now += 1ms;
  s.feed(load_tick{});
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.done().affected, 12u);
  ASSERT_EQ(s.answer->warnings.size(), 1u);
  EXPECT_EQ(s.answer->warnings[0].code, error_code::timeout);
  for (const auto backend : s.world.order)
    s.feed(publish_answered{backend, {}, {}});
  s.settle_journal();
  EXPECT_EQ(s.record().state, load_state::published);
}

TEST(LoadLife, ADeadBackendDoesNotKeepTheRecordOpen) {
  stage s;
  s.up_to_publishing();
  for (std::size_t i = 0; i < 3; ++i)
    s.feed(publish_answered{s.world.order[i], {}, {}});
  EXPECT_FALSE(s.proposed);
  s.world.fold(backend_died{s.world.order[3]});
  s.feed(publish_answered{s.world.order[3], {}, "the backend was declared dead"});
  s.feed(load_tick{});
  s.settle_journal();
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ATabletABackendCannotServeDoesNotCount) {
  stage s;
  s.up_to_publishing();
  const auto tablet = s.world.tablet(s.orders, 0).id;
  s.feed(publish_answered{s.world.order[0], {{tablet, "checksum"}}, {}});
  s.feed(publish_answered{s.world.order[1], {{tablet, "checksum"}}, {}});
  s.feed(publish_answered{s.world.order[2], {}, {}});
  s.feed(publish_answered{s.world.order[3], {}, {}});
  EXPECT_FALSE(s.answer);
  s.published.clear();
  s.feed(load_tick{});
  EXPECT_EQ(s.published.size(), 2u) << "only those that refused are asked again";
  s.feed(publish_answered{s.world.order[0], {}, {}});
  EXPECT_TRUE(s.answer);
}

TEST(LoadLife, AReplicaThatWasRepairedMeanwhileIsAskedToo) {
  stage s;
  const auto late = s.world.order[1];
  s.up_to_publishing({late});
  const auto at = s.world.tablet(s.orders, 0);
  const auto order = s.world.fold(clone_ordered{at.id, 0, 0, {s.world.order[0], path_hash{100}}, {late, path_hash{200}},
                                                at.on(late)->id, 2});
  (void)order;
  s.world.fold(clone_ended{at.id, log_index{s.world.index}, 2, {}});
  for (const auto backend : s.world.order)
    if (backend != late)
      s.feed(publish_answered{backend, {}, {}});
  EXPECT_TRUE(s.answer);
  EXPECT_FALSE(s.proposed) << "the repaired replica lives and must confirm";
  s.feed(publish_answered{late, {}, {}});
  s.settle_journal();
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, ADroppedTableEndsIt) {
  stage s;
  s.up_to_publishing();
  s.world.fold(table_dropped{s.orders});
  s.feed(load_tick{});
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.answer->warnings[0].code, error_code::conflict);
  EXPECT_TRUE(s.is_over);
}

TEST(LoadLife, AnotherLeaderFinishesIt) {
  stage s;
  s.up_to_publishing();
  s.world.fold(term_began{2, 9});
  s.feed(load_tick{});
  EXPECT_TRUE(s.is_over);
  EXPECT_FALSE(s.proposed);
}

TEST(LoadLife, ALoadWithoutAnActorIsTakenOver) {
  stage committed;
  const auto txn = committed.world.load(committed.orders, "l1");
  committed.carry_out(resume(committed.life, txn, committed.world.cat, committed.world.now));
  EXPECT_EQ(committed.published.size(), 4u);
  for (const auto backend : committed.world.order)
    committed.feed(publish_answered{backend, {}, {}});
  committed.settle_journal();
  EXPECT_EQ(committed.record().state, load_state::published);
  EXPECT_FALSE(committed.answer || committed.statement);

  stage begun;
  const txn_id open{begun.world.fold(load_begun{begun.orders, "l1"})};
  begun.carry_out(resume(begun.life, open, begun.world.cat, begun.world.now));
  begun.settle_journal();
  EXPECT_EQ(begun.record().state, load_state::aborted);
  EXPECT_EQ(begun.published.size(), 4u);
  EXPECT_TRUE(begun.is_over);
}

// Every order of events: the client hears exactly one answer, the load ends in the log as the
// answer said, and afterwards there is silence.
TEST(LoadLife, AnyWalkEndsOnceAndTruthfully) {
  std::size_t commits = 0;
  std::size_t aborts = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    std::mt19937_64 dice{seed};
    const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(dice() % n); };
    stage s;
    s.carry_out(begin(s.life, s.world.cat));
    bool sent = false;
    for (int i = 0; i < 200 && !s.is_over; ++i) {
      const auto backend = s.world.order[pick(4)];
      switch (pick(8)) {
        case 0:
        case 1:
        case 2:
          if (s.proposed)
            s.settle_journal();
          break;
        case 3:
          if (s.plan && !sent && takes_rows(s.life)) {
            sent = true;
            const auto other = s.world.order[pick(4)];
            s.feed(s.rows(pick(3) == 0 ? std::vector<backend_id>{} : std::vector{backend, other}));
          }
          break;
        case 4:
          if (pick(6) == 0)
            s.feed(load_given_up{"left"});
          break;
        case 5:
          if (s.life.asked.contains(backend))
            s.feed(publish_answered{backend, {}, pick(3) == 0 ? "no link" : ""});
          break;
        case 6:
          s.world.now += 3s;
          s.feed(load_tick{});
          break;
        default:
          if (pick(20) == 0)
            s.world.try_fold(backend_died{backend});
          else if (pick(20) == 0)
            s.world.try_fold(backend_returned{backend, s.world.cat.backends.find(backend)->paths});
      }
    }
    if (!s.is_over)
      continue; // Ran out of steps, for example with a dead majority.
    EXPECT_TRUE(s.statement || s.plan) << seed;
    if (sent) {
      EXPECT_TRUE(s.answer) << seed;
      const bool loaded = std::holds_alternative<statement_done>(s.answer->body);
      const auto state = s.record().state;
      EXPECT_EQ(loaded, state == load_state::published) << seed;
      EXPECT_EQ(!loaded, state == load_state::aborted) << seed;
      for (const auto& [backend, version] : s.published)
        EXPECT_EQ(version != 0, loaded) << seed;
      (loaded ? commits : aborts) += 1;
    }
    const auto words = s.said.size();
    s.feed(load_tick{});
    s.feed(load_given_up{"again"});
    s.feed(edit_answer{});
    EXPECT_EQ(s.said.size(), words) << "silent afterwards";
  }
  EXPECT_GT(commits, 300u);
  EXPECT_GT(aborts, 300u);
}

} // namespace
} // namespace tabletd::model
