// Controller, workers and image keepers of three front ends in a frozen world: real image files, a network that
// is a queue, a journal that is a list of words.
#include "actors/catalog/catalog.h"
#include "actors/checkpoint/catalog_image.h"
#include "actors/checkpoint/checkpoint_controller.h"
#include "actors/checkpoint/checkpoint_worker.h"
#include "actors/checkpoint/image_keeper.h"
#include "actors/codec/edit_codec.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/model/catalog_difference.h"
#include "tests/model/edit_dice.h"
#include "tests/persistence/memory_directory.h"

#include <caf/event_based_actor.hpp>

#include <deque>

namespace tabletd::test {
namespace {

constexpr std::size_t members = 3;

struct front {
  memory_directory home;
  std::shared_ptr<image_shelf> shelf = std::make_shared<image_shelf>(home.path());
  checkpoint_exchange_ptr exchange;
  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  journal_stats_ptr stats = std::make_shared<journal_stats>();
  replaceable_catalog_actor catalog;
  image_keeper_actor keeper;
  checkpoint_worker_actor worker;
  // What its journal was told.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> kept;  ///< Image, and the older one.
  std::vector<std::uint64_t> trims;
  std::vector<bool> installs;
};

struct CheckpointActors : actor_world {
  catalog_world w;
  std::array<front, members> all;
  std::deque<std::pair<model::node_id, model::checkpoint_mail>> network;  ///< From whom; `peer`: to whom.
  std::function<bool(const model::checkpoint_mail&)> loses = [](const model::checkpoint_mail&) { return false; };
  wire::EditOutcome::Failure proof_ends = wire::EditOutcome::Failure::NONE;
  std::size_t proofs = 0;
  std::vector<model::checkpoint_decided> decided;  ///< Logged; folded too.
  wire::EditOutcome::Failure decision_ends = wire::EditOutcome::Failure::NONE;
  checkpoint_progress_ptr progress = std::make_shared<checkpoint_progress>();
  model::checkpoint_options rules;
  std::optional<std::uint64_t> disk_free_bytes = 1U << 30;
  std::vector<checkpoint_outcome> outcomes;
  std::vector<caf::actor> askers;
  checkpoint_controller_actor controller;
  journal_actor journal = sys.spawn(
    [this](journal_actor::pointer, int) -> journal_actor::behavior_type {
      return {[this](const edit_message& what) {
                const auto edit = codec::decode(what.get());
                if (const auto* decision = std::get_if<model::checkpoint_decided>(&edit.body)) {
                  decided.push_back(*decision);
                  if (decision_ends == wire::EditOutcome::Failure::NONE)
                    w(*decision);
                  return seal<wire::EditOutcome>([&](auto to) { to.setFailure(decision_ends); });
                }
                ++proofs;
                return seal<wire::EditOutcome>([&](auto to) { to.setFailure(proof_ends); });
              },
              [](replay_from, const catalog_sink_actor&) {}, [](watch_standing, const standing_listener_actor&) {}};
    },
    0);

  front& at(model::node_id who) { return all.at(who - 1); }

  void SetUp() override {
    found(w);
    w(model::term_began{3, 1});
    for (model::node_id who = 1; who <= members; ++who)
      start(who);
    publish();
  }
  void TearDown() override {
    for (auto& f : all) {
      f.exchange->close();
      urgent_exit(f.keeper, caf::exit_reason::user_shutdown);
      urgent_exit(f.worker, caf::exit_reason::user_shutdown);
      urgent_exit(f.catalog, caf::exit_reason::user_shutdown);
    }
    for (auto& each : askers)
      urgent_exit(each, caf::exit_reason::user_shutdown);
    urgent_exit(controller, caf::exit_reason::user_shutdown);
    urgent_exit(journal, caf::exit_reason::user_shutdown);
    settle();
  }

  void start(model::node_id who) {
    auto& f = at(who);
    f.stats->term = 3;
    f.exchange = std::make_shared<checkpoint_exchange>(who);
    f.exchange->connect([this, who](model::checkpoint_mail mail) { network.emplace_back(who, std::move(mail)); });
    f.catalog = sys.spawn(catalog_keeper, catalog_ports{journal, f.cell});
    image_keeper_ports keeper;
    keeper.shelf = f.shelf;
    keeper.exchange = f.exchange;
    keeper.cell = f.cell;
    keeper.catalog = f.catalog;
    keeper.boot = 100 + who;
    keeper.wall_clock = [] { return model::time_ms{1'000}; };
    keeper.term = [&f] { return f.stats->term.load(); };
    keeper.kept = [&f](const model::image_mark& image, std::uint64_t older) { f.kept.emplace_back(image.id, older); };
    keeper.install_ended = [&f](const model::image_to_install&, bool is_in_place) { f.installs.push_back(is_in_place); };
    f.keeper = sys.spawn(image_keeper, std::move(keeper));
    checkpoint_worker_ports worker;
    worker.shelf = f.shelf;
    worker.exchange = f.exchange;
    worker.cell = f.cell;
    worker.stats = f.stats;
    worker.boot = 100 + who;
    worker.trim = [&f](std::uint64_t upto) { f.trims.push_back(upto); };
    f.worker = sys.spawn(tabletd::checkpoint_worker, std::move(worker));
    settle();
  }
  void lead() {
    checkpoint_controller_ports ports;
    ports.exchange = at(1).exchange;
    ports.journal = journal;
    ports.cell = at(1).cell;
    ports.stats = at(1).stats;
    ports.members = [] { return std::vector<model::node_id>{1, 2, 3}; };
    ports.wall_clock = [] { return model::time_ms{7'000}; };
    ports.progress = progress;
    ports.options = rules;
    ports.disk_free_bytes = [this] { return disk_free_bytes; };
    controller = sys.spawn(tabletd::checkpoint_controller, std::move(ports));
    deliver_all();
  }
  /// What is folded so far, by all of them.
  void publish() {
    for (auto& f : all)
      f.cell->store(std::make_shared<const model::catalog>(w.cat));
  }
  void deliver_all() {
    settle();
    for (; !network.empty(); settle()) {
      auto [from, mail] = std::move(network.front());
      network.pop_front();
      if (loses(mail))
        continue;
      const auto to = mail.peer;
      mail.peer = from;
      at(to).exchange->deliver(std::move(mail));
    }
  }
  void run(std::chrono::seconds span) {
    for (; span.count() > 0; --span) {
      pass(std::chrono::seconds(1));
      deliver_all();
    }
  }
  void ask(model::node_id on = 0) {
    askers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, on](caf::event_based_actor* self) {
      self->request(controller, caf::infinite, checkpoint_order{on})
        .then([this](const checkpoint_outcome& outcome) { outcomes.push_back(outcome); });
    })));
    deliver_all();
  }
  std::uint64_t newest(model::node_id who) { return model::newest_id(at(who).shelf->images()); }
  std::uint64_t applied() const { return raw(w.cat.applied); }
  /// Larger than a few chunks.
  void grow() {
    const auto backend = w.live_backend(77);
    const auto database = w.make_database("large");
    for (const auto* name : {"a", "b", "c"})
      w.make_table(database, {backend}, 16'000, 1, name);
    publish();
  }
};

TEST_F(CheckpointActors, AFollowerMakesTheImageAndEverybodyGetsTheSameBytes) {
  lead();
  ask();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].done);
  EXPECT_EQ(outcomes[0].text, "image " + std::to_string(applied()) + " made by fe 2");
  run(std::chrono::seconds(2));
  for (model::node_id who = 1; who <= members; ++who) {
    EXPECT_EQ(at(who).shelf->images(), at(1).shelf->images()) << who;
    EXPECT_EQ(at(who).kept, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{applied(), 0}})) << who;
    EXPECT_EQ(difference(load_image(at(who).shelf->store.path_of(applied())).content.cat, w.cat), "") << who;
  }
  EXPECT_EQ(progress->done.load(), 1U);
  EXPECT_EQ(progress->pushed.load(), 1U) << "whoever made it need not be sent it";
}

TEST_F(CheckpointActors, AMemberThatIsNamedMakesIt) {
  lead();
  ask(3);
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].text, "image " + std::to_string(applied()) + " made by fe 3");
}

TEST_F(CheckpointActors, LostChunksAreAskedForAgain) {
  grow();
  lead();
  std::size_t chunks = 0;
  loses = [&](const model::checkpoint_mail& mail) {
    if (!std::holds_alternative<model::chunk_given>(mail.what))
      return false;
    const auto number = chunks++;
    return number < 2 || number == 4;
  };
  ask();
  EXPECT_TRUE(outcomes.empty()) << "its beginning is missing";
  run(std::chrono::seconds(20));
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].done) << outcomes[0].text;
  EXPECT_GT(chunks, 4U);
  EXPECT_EQ(newest(1), applied());
  EXPECT_EQ(newest(3), applied());
}

TEST_F(CheckpointActors, TheJournalIsShortenedToTheOlderImageOnceLeadershipIsProved) {
  lead();
  ask();
  run(std::chrono::seconds(70));
  const auto older = applied();
  EXPECT_EQ(proofs, 0U) << "there is nothing to fall back to";
  w.make_database("more");
  publish();
  proof_ends = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  ask();
  run(std::chrono::seconds(5));
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_TRUE(outcomes[1].done) << outcomes[1].text;
  EXPECT_EQ(proofs, 1U);
  for (const auto& f : all)
    EXPECT_EQ(f.trims, std::vector<std::uint64_t>{}) << "not proved";
  proof_ends = wire::EditOutcome::Failure::NONE;
  run(std::chrono::seconds(70));
  for (auto& f : all) {
    ASSERT_FALSE(f.trims.empty());
    EXPECT_EQ(f.trims.front(), older);
    EXPECT_EQ(f.kept.back(), std::pair(applied(), older));
  }
}

TEST_F(CheckpointActors, AMemberThatIsDownForTooLongIsMarkedAndHoldsUpNothing) {
  rules.retain_time_max = std::chrono::seconds(60);
  lead();
  ask();
  run(std::chrono::seconds(5));
  const auto older = applied();
  loses = [](const model::checkpoint_mail& mail) { return mail.peer == 3; };  // So it has nothing to answer.
  w.make_database("more");
  publish();
  ask();
  run(std::chrono::seconds(60));
  EXPECT_TRUE(decided.empty());
  EXPECT_TRUE(at(1).trims.empty()) << "fe 3 holds it up";
  decision_ends = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  run(std::chrono::seconds(10));
  EXPECT_GT(decided.size(), 1U) << "decided again with the next beat";
  EXPECT_TRUE(at(1).trims.empty()) << "it counts only when it is in the log";
  decision_ends = wire::EditOutcome::Failure::NONE;
  run(std::chrono::seconds(70));
  EXPECT_EQ(decided.back().what, model::checkpoint_decision::excuse_member);
  EXPECT_EQ(raw(decided.back().frontend), 3U);
  ASSERT_FALSE(at(1).trims.empty());
  EXPECT_EQ(at(1).trims.back(), older);
  EXPECT_TRUE(at(3).trims.empty());
  // Back, it is given the newest image and counts again.
  loses = [](const model::checkpoint_mail&) { return false; };
  publish();
  run(std::chrono::seconds(70));
  EXPECT_EQ(decided.back().what, model::checkpoint_decision::readmit_member);
  EXPECT_FALSE(w.cat.retention.contains(model::frontend_id{3}));
}

TEST_F(CheckpointActors, ANewLeaderKnowsTheMarksFromTheLog) {
  w(model::checkpoint_decided{model::checkpoint_decision::excuse_member, model::frontend_id{3}, "down for a day"});
  publish();
  loses = [](const model::checkpoint_mail& mail) { return mail.peer == 3; };
  lead();
  ask();
  run(std::chrono::seconds(5));
  const auto older = applied();
  w.make_database("more");
  publish();
  ask();
  run(std::chrono::seconds(5));
  EXPECT_TRUE(decided.empty());
  ASSERT_FALSE(at(1).trims.empty());
  EXPECT_EQ(at(1).trims.back(), older);
}

TEST_F(CheckpointActors, TheMarkOfOneThatLeftIsTakenOff) {
  w(model::checkpoint_decided{model::checkpoint_decision::excuse_member, model::frontend_id{9}, "down for a day"});
  publish();
  lead();
  run(std::chrono::seconds(15));
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided.front().what, model::checkpoint_decision::readmit_member);
  EXPECT_FALSE(w.cat.retention.contains(model::frontend_id{9}));
}

TEST_F(CheckpointActors, AFullDiskIsLoggedBeforeMoreIsDeleted) {
  lead();
  ask();
  run(std::chrono::seconds(5));
  w.make_database("more");
  publish();
  ask();
  run(std::chrono::seconds(70));
  const auto older = at(1).trims.back();
  disk_free_bytes = 1U << 20;
  run(std::chrono::seconds(70));
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided.front().what, model::checkpoint_decision::use_newest);
  EXPECT_EQ(at(1).trims.back(), newest(1));
  EXPECT_GT(newest(1), older);
  disk_free_bytes = 1U << 30;
  run(std::chrono::seconds(5));
  EXPECT_EQ(decided.back().what, model::checkpoint_decision::use_older);
}

/// Of this disk it would go on, had it begun here.
TEST_F(CheckpointActors, ANewLeaderDoesNotInheritThePressureOfAnothersDisk) {
  w(model::checkpoint_decided{model::checkpoint_decision::use_newest, model::frontend_id{}, "filling up"});
  publish();
  disk_free_bytes = 6 * rules.bytes_max;
  lead();
  run(std::chrono::seconds(3));
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided.front().what, model::checkpoint_decision::use_older);
  disk_free_bytes = 3 * rules.bytes_max;
  run(std::chrono::seconds(3));
  EXPECT_EQ(decided.back().what, model::checkpoint_decision::use_newest);
  disk_free_bytes = 6 * rules.bytes_max;
  run(std::chrono::seconds(3));
  EXPECT_EQ(decided.size(), 2U) << "here it has begun";
}

TEST_F(CheckpointActors, PressureEndsWhenTheDiskCannotBeReadForLong) {
  w(model::checkpoint_decided{model::checkpoint_decision::use_newest, model::frontend_id{}, "filling up"});
  publish();
  disk_free_bytes.reset();
  lead();
  run(std::chrono::seconds(290));
  EXPECT_TRUE(decided.empty());
  run(std::chrono::seconds(20));
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided.front().what, model::checkpoint_decision::use_older);
}

/// scripts/bench_checkpoint.py sets so much in order to checkpoint by order alone.
TEST_F(CheckpointActors, AVeryLargeIntervalDoesNotPress) {
  rules.bytes_max = std::uint64_t{100'000} << 20;
  disk_free_bytes = 5 * rules.retain_bytes_max;
  lead();
  run(std::chrono::seconds(5));
  EXPECT_TRUE(decided.empty());
  disk_free_bytes = 3 * rules.retain_bytes_max;
  run(std::chrono::seconds(5));
  ASSERT_EQ(decided.size(), 1U);
  EXPECT_EQ(decided.front().what, model::checkpoint_decision::use_newest);
}

TEST_F(CheckpointActors, AFollowerWaitsForWhatItHasInItsLog) {
  lead();
  const auto before = std::make_shared<const model::catalog>(w.cat);
  w.make_database("more");
  publish();
  for (const model::node_id who : {2, 3}) {
    at(who).cell->store(before);
    at(who).stats->last_index = applied();
  }
  ask();
  EXPECT_TRUE(outcomes.empty());
  publish();
  pass(std::chrono::milliseconds(20));
  deliver_all();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].text, "image " + std::to_string(applied()) + " made by fe 2");
}

TEST_F(CheckpointActors, WhoWaitsInVainLeavesItToTheNext) {
  lead();
  const auto before = std::make_shared<const model::catalog>(w.cat);
  w.make_database("more");
  publish();
  at(2).cell->store(before);
  at(2).stats->last_index = applied();
  ask();
  run(std::chrono::seconds(3));
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_EQ(outcomes[0].text, "image " + std::to_string(applied()) + " made by fe 3");
}

TEST_F(CheckpointActors, WhoKnowsALaterEpochMakesNothing) {
  lead();
  at(2).stats->term = at(3).stats->term = at(1).stats->term = 4;
  ask();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_FALSE(outcomes[0].done);
  EXPECT_NE(outcomes[0].text.find("it knows another epoch"), std::string::npos) << outcomes[0].text;
  EXPECT_EQ(newest(2), 0U);
}

TEST_F(CheckpointActors, AnOperatorIsAnsweredWhenTheTermEnds) {
  lead();
  loses = [](const model::checkpoint_mail& mail) { return std::holds_alternative<model::attempt_ordered>(mail.what); };
  ask(2);
  EXPECT_TRUE(outcomes.empty());
  at(1).exchange->set(checkpoint_controller_actor{});
  urgent_exit(controller, caf::exit_reason::user_shutdown);
  settle();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_FALSE(outcomes[0].done);
  EXPECT_EQ(outcomes[0].text, "this fe leads no more; ask the new leader");
}

struct InstallActors : CheckpointActors {
  model::image_to_install wanted;
  void SetUp() override {
    CheckpointActors::SetUp();
    lead();
    ask();
    run(std::chrono::seconds(2));
    at(2).cell->store(std::make_shared<const model::catalog>());
    const auto image = at(1).shelf->images().front();
    wanted = {1, {image.id, 3, 1, "members"}, {image.id, image.bytes, image.crc32c}};
    at(2).shelf->store.forget_before(image.id + 1);
    at(2).shelf->set({});
  }
};

TEST_F(InstallActors, AnImageTakesThePlaceOfTheCatalog) {
  at(2).exchange->install(wanted);
  deliver_all();
  EXPECT_EQ(at(2).installs, std::vector<bool>{true});
  EXPECT_EQ(raw(at(2).cell->load()->applied), 0U) << "the log may not be replaced";
  at(2).exchange->install_is_over(wanted.upto.index + 1);
  deliver_all();
  EXPECT_EQ(difference(*at(2).cell->load(), w.cat), "");
  EXPECT_EQ(newest(2), wanted.upto.index);
}

TEST_F(InstallActors, AnImageThatWasNotUsedIsForgotten) {
  at(2).exchange->install(wanted);
  deliver_all();
  at(2).exchange->install_is_over(0);
  deliver_all();
  EXPECT_EQ(raw(at(2).cell->load()->applied), 0U);
  EXPECT_EQ(newest(2), 0U);
  EXPECT_FALSE(std::filesystem::exists(at(2).shelf->store.path_of(wanted.upto.index)));
}

TEST_F(InstallActors, ASilentMemberIsGivenUp) {
  loses = [](const model::checkpoint_mail& mail) { return std::holds_alternative<model::chunk_asked>(mail.what); };
  at(2).exchange->install(wanted);
  run(std::chrono::seconds(10));
  EXPECT_TRUE(at(2).installs.empty());
  run(std::chrono::seconds(10));
  EXPECT_EQ(at(2).installs, std::vector<bool>{false});
}

} // namespace
} // namespace tabletd::test
