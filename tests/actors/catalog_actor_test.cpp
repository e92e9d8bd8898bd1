// The catalog actor: batches in, outcomes, snapshots and one announcement out.
#include "actors/catalog/catalog.h"
#include "tests/actors/membership_world.h"

namespace tabletd::test {
namespace {

struct CatalogActorTest : actor_world {
  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  std::vector<std::uint64_t> replays;
  std::vector<catalog_advanced> heard;
  std::vector<edit_outcome> outcomes;
  caf::error crash;

  journal_actor journal = sys.spawn(
      [this](journal_actor::pointer, int) -> journal_actor::behavior_type {
        return {
            [](const edit_message&) { return edit_outcome{}; },
            [this](replay_from from, const catalog_sink_actor&) { replays.push_back(from.index); },
            [](watch_standing, const standing_listener_actor&) {},
        };
      },
      0);
  catalog_listener_actor listener = sys.spawn(
      [this](catalog_listener_actor::pointer, int) -> catalog_listener_actor::behavior_type {
        return {[this](const catalog_advanced& news) { heard.push_back(news); }};
      },
      0);
  catalog_actor subject;

  void SetUp() override { start(); }
  void start() {
    subject = sys.spawn(catalog_keeper, catalog_ports{journal, cell});
    settle();
  }
  void TearDown() override {
    urgent_exit(subject, caf::exit_reason::user_shutdown);
    settle();
  }
  void send(std::uint64_t first, std::vector<edit_message> edits) {
    sys.spawn(
        [this, first, edits](caf::event_based_actor* self, int) {
          self->request(subject, caf::infinite, committed_batch{first, 1, edits})
              .then([this](const batch_outcomes& b) { outcomes = b.outcomes; },
                    [this](const caf::error& e) { crash = e; });
        },
        0);
    settle();
  }
  static edit_message edit_of(edit_body body) {
    return codec::encode({time_ms{1}, std::move(body)});
  }
  void subscribe_listener() {
    caf::anon_send(subject, subscribe{}, listener);
    settle();
  }
};

TEST_F(CatalogActorTest, AsksForEverythingAtFirstAndForTheRestAfterARestart) {
  EXPECT_EQ(replays, (std::vector<std::uint64_t>{1}));
  send(1, {edit_of(database_created{"a"}), edit_of(database_created{"b"})});
  urgent_exit(subject, caf::exit_reason::kill);
  settle();
  start();
  EXPECT_EQ(replays, (std::vector<std::uint64_t>{1, 3}));
  send(3, {edit_of(database_created{"c"})});
  EXPECT_NE(cell->load()->find_database("a"), nullptr);
  EXPECT_NE(cell->load()->find_database("c"), nullptr);
  EXPECT_EQ(broken_invariant(*cell->load()), "");
}

TEST_F(CatalogActorTest, AnswersOneOutcomePerEntryInOrder) {
  send(1, {edit_of(database_created{"a"}), edit_message{}, edit_of(database_created{"a"})});
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(outcomes[0].get().getIndex(), 1u);
  EXPECT_EQ(outcomes[0].get().getId(), 10'001u);
  EXPECT_EQ(outcomes[1].get().getIndex(), 2u);
  EXPECT_EQ(outcomes[1].get().getRefusal(), 0);
  EXPECT_EQ(static_cast<refusal>(outcomes[2].get().getRefusal()), refusal::database_already_exists);
  EXPECT_EQ(outcomes[2].get().getId(), 10'001u);
}

TEST_F(CatalogActorTest, AnEntryOfConsensusItselfOnlyTakesAnIndex) {
  send(1, {edit_message{}});
  EXPECT_EQ(cell->load()->applied, log_index{1});
  send(2, {edit_of(database_created{"a"})});
  EXPECT_EQ(cell->load()->applied, log_index{2});
}

TEST_F(CatalogActorTest, TheSnapshotIsThereBeforeTheOutcomeIsAnswered) {
  bool seen = false;
  sys.spawn(
      [&](caf::event_based_actor* self, int) {
        self->request(subject, caf::infinite,
                      committed_batch{1, 1, {edit_of(database_created{"a"})}})
            .then(
                [&](const batch_outcomes&) { seen = cell->load()->find_database("a") != nullptr; });
      },
      0);
  settle();
  EXPECT_TRUE(seen);
}

TEST_F(CatalogActorTest, AnOldSnapshotDoesNotMove) {
  send(1, {edit_of(database_created{"a"})});
  const auto old = cell->load();
  send(2, {edit_of(database_dropped{old->find_database("a")->id})});
  EXPECT_NE(old->find_database("a"), nullptr);
  EXPECT_EQ(cell->load()->find_database("a"), nullptr);
}

TEST_F(CatalogActorTest, ListenersHearOncePerBatchOfEverythingTouched) {
  subscribe_listener();
  ASSERT_EQ(heard.size(), 1u) << "at once, of the present state";
  EXPECT_EQ(heard[0].get().getIndex(), 0u);
  send(1, {edit_of(database_created{"a"}), edit_of(backend_added{"h", 1}),
           edit_of(backend_returned{backend_id{10'002}, {{path_hash{1}, "/", medium::hdd}}}),
           edit_of(table_created{
               database_id{10'001}, "t", 1, ',', 1, {{{backend_id{10'002}, path_hash{1}}}}}),
           edit_of(replica_observed{tablet_id{10'006}, replica_id{10'007}, 1, true}),
           edit_of(backend_decommission{backend_id{10'002}, true})});
  ASSERT_EQ(heard.size(), 2u);
  const auto news = heard[1].get();
  EXPECT_EQ(news.getIndex(), 6u);
  ASSERT_EQ(news.getTouched().size(), 1u);
  EXPECT_EQ(news.getTouched()[0], 10'006u);
  ASSERT_EQ(news.getBackends().size(), 1u);
  EXPECT_EQ(news.getBackends()[0], 10'002u);
}

TEST_F(CatalogActorTest, ADeadListenerIsForgotten) {
  subscribe_listener();
  urgent_exit(listener, caf::exit_reason::kill);
  settle();
  send(1, {edit_of(database_created{"a"})});
  const auto* inside = dynamic_cast<replaceable_catalog_actor::stateful_pointer<catalog_state>>(
      caf::actor_cast<caf::abstract_actor*>(subject));
  ASSERT_NE(inside, nullptr);
  EXPECT_TRUE(inside->state.listeners.empty());
}

TEST_F(CatalogActorTest, AGapInTheLogIsFatal) {
  send(2, {edit_of(database_created{"a"})});
  EXPECT_TRUE(crash);
  EXPECT_EQ(cell->load()->applied, log_index{0});
}

TEST_F(CatalogActorTest, AnEntryThatCannotBeDecodedIsFatalAndNothingOfItsBatchIsShown) {
  send(1, {edit_of(database_created{"a"}),
           seal<wire::Edit>([](auto) { /* of a kind nobody knows */ })});
  EXPECT_TRUE(crash);
  EXPECT_EQ(cell->load()->find_database("a"), nullptr);
}

} // namespace
} // namespace tabletd::test
