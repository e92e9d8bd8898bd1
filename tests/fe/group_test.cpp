// Front ends as a group, in one process but with real sockets and real logs: founding, the death
// of the leader, directories that do not belong, and members that come and go.
#include "node/play/free_ports.h"
#include "tests/fe/ear.h"
#include "tests/fe/fe_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>

namespace tabletd::test {
namespace {

struct member {
  kj::Network* network = nullptr;
  kj_loop_ptr loop;
  std::unique_ptr<fe_node> node;
  void stop() {
    if (node)
      node->stop();
    node = nullptr;
    if (loop)
      loop->stop();
    loop = nullptr;
  }
  ~member() { stop(); }
};

struct FrontEndGroup : fe_world {
  static constexpr std::size_t founders = 3;
  std::vector<std::uint16_t> ports = play::free_ports(5); ///< Members know each other's before they listen.
  ear said;
  std::array<member, 5> members;

  std::string edit_log_of(std::size_t i) { return fmt::format("127.0.0.1:{}", ports[i]); }
  /// Alone, unless the others are named.
  fe_options options_of(std::size_t i, const std::vector<std::size_t>& others) {
    auto options = front_end_options();
    options.log_directory = dir / fmt::format("fe{}", i + 1);
    options.name = fmt::format("fe{}", i + 1);
    options.node_id = i + 1;
    for (std::size_t j = 0; j < ports.size(); ++j)
      if (j == i || std::ranges::count(others, j) > 0)
        options.founders.push_back({.id = j + 1, .address = edit_log_of(j)});
    options.edit_log_listen = edit_log_of(i);
    options.leading = [this, i](bool leads) { said.hear(fmt::format("{} {}", i, leads ? "leads" : "stopped")); };
    options.ready = [this, i] { said.hear(fmt::format("{} ready", i)); };
    options.on_fatal = [this, i](const std::string& why) { said.hear(fmt::format("{} fatal {}", i, why)); };
    return options;
  }
  void start(std::size_t i, fe_options options) {
    auto& m = members[i];
    m.loop = kj_loop::start([&m](kj::AsyncIoContext& here, kj_loop&) -> std::shared_ptr<void> {
      m.network = &here.provider->getNetwork();
      return nullptr;
    });
    m.node = fe_node::start(std::move(options), sys, m.loop, *m.network);
  }
  void start(std::size_t i) { start(i, options_of(i, {0, 1, 2})); }
  /// Has it taken in by the leader whose console this is.
  void join(std::size_t i, const std::vector<std::size_t>& others, console& by, const std::string& kind = "FOLLOWER") {
    auto options = options_of(i, others);
    options.joins = true;
    start(i, std::move(options));
    told added;
    wait_until("it is heard to ask, and the one before it has its vote", [&] {
      added = by.run(fmt::format("ALTER SYSTEM ADD {} \"{}\"", kind, edit_log_of(i)));
      return added.message.find("asks to be taken in") == std::string::npos
             && added.message.find("another change of the group is under way") == std::string::npos;
    });
    ASSERT_TRUE(added.ok()) << added;
    said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
  }
  /// In a term that has only just begun, who answers statements may not have started yet.
  void login(console& by) {
    wait_until("it lets somebody in", [&] {
      try {
        EXPECT_TRUE(by.login().ok());
        return true;
      } catch (const kj::Exception& why) {
        if (why.getType() != kj::Exception::Type::OVERLOADED)
          throw;
        return false;
      }
    });
  }
  /// As soon as it may.
  void hand_over(std::size_t to, console& by) {
    const auto statement = fmt::format("ADMIN TRANSFER LEADERSHIP TO 'fe{}'", to + 1);
    told answer;
    wait_until("it may lead", [&] {  // It may have no vote yet, not be linked, or be about to get its vote.
      answer = by.run(statement);
      return answer.ok() || answer.outcome_unknown;
    });
    ASSERT_TRUE(answer.ok() || answer.outcome_unknown) << answer;
    said.wait([&](const std::string& word) { return word == fmt::format("{} leads", to); });
  }
  /// What `by` knows of `of`.
  peer_view view_of(std::size_t by, std::size_t of) {
    const auto peers = members[by].node->peers();
    const auto at = std::ranges::find(peers, of + 1, &peer_view::node);
    return at == peers.end() ? peer_view{} : *at;
  }
  void start_all() {
    for (std::size_t i = 0; i < founders; ++i)
      start(i);
    for (std::size_t i = 0; i < founders; ++i)
      said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
  }
  std::size_t wait_for_leader() {
    return static_cast<std::size_t>(said.wait([](const std::string& word) { return word.ends_with("leads"); })[0] - '0');
  }
};

TEST_F(FrontEndGroup, TheOthersGoOnWithEverythingWhenTheLeaderEnds) {
  start_all();
  const auto leads = wait_for_leader();
  {
    console by(io, "127.0.0.1", members[leads].node->port());
    ASSERT_TRUE(by.login().ok());
    ASSERT_TRUE(by.run("CREATE DATABASE kept").ok());
    const auto cold = dir / "cold";
    std::filesystem::create_directory(cold);
    ASSERT_TRUE(by.run(fmt::format(R"(CREATE RESOURCE c PROPERTIES("type"="file", "root"="{}"))", cold.string())).ok());
    ASSERT_TRUE(by.run(R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="c", "cooldown_ttl"="1d"))").ok());
  }
  for (std::size_t i = 0; i < founders; ++i)
    EXPECT_EQ(members[i].node->leader_address(), fmt::format("127.0.0.1:{}", members[leads].node->port()));
  said.forget();
  members[leads].stop();
  const auto next = wait_for_leader();
  EXPECT_NE(next, leads);
  EXPECT_NE(members[next].node->catalog()->load()->find_database("kept"), nullptr);
  EXPECT_NE(members[next].node->catalog()->load()->find_storage_policy("p"), nullptr);
  // Its own directory is as good as ever.
  said.forget();
  start(leads);
  said.wait([&](const std::string& word) { return word == fmt::format("{} ready", leads); });
  EXPECT_TRUE(members[leads].node->follows());
}

TEST_F(FrontEndGroup, AMemberWithoutItsDirectoryEndsBeforeItVotes) {
  start_all();
  const auto wiped = (wait_for_leader() + 1) % 3;
  members[wiped].stop();
  std::filesystem::remove_all(dir / fmt::format("fe{}", wiped + 1));
  start(wiped);
  const auto why = said.wait([&](const std::string& word) { return word.starts_with(fmt::format("{} fatal", wiped)); });
  EXPECT_NE(why.find(fmt::format("fe {} has a new directory", wiped + 1)), std::string::npos) << why;
  EXPECT_EQ(members[wiped].node->journal()->term.load(), 0U) << "it has voted";
}

TEST_F(FrontEndGroup, ALostLogIsNotFoundedAgain) {
  start_all();
  wait_for_leader();
  members[0].stop();
  for (const auto* file : {"log.db", "log.db-wal", "meta.db", "meta.db-wal"})
    std::filesystem::remove(dir / "fe1" / file);
  try {
    start(0);
    FAIL() << "it was opened";
  } catch (const storage_error& error) {
    EXPECT_NE(std::string(error.what()).find("belongs to a group already"), std::string::npos) << error.what();
  }
}

TEST_F(FrontEndGroup, AloneAFounderWaits) {
  start(0);
  EXPECT_FALSE(members[0].node->leads());
  EXPECT_FALSE(members[0].node->follows());
  members[0].stop();  // And can be stopped.
  start_all();
}

TEST_F(FrontEndGroup, GrowsFromOneToThreeAndOutlivesItsFounder) {
  start(0, options_of(0, {}));
  ASSERT_EQ(wait_for_leader(), 0U);
  {
    console by(io, "127.0.0.1", members[0].node->port());
    login(by);
    ASSERT_TRUE(by.run("CREATE DATABASE kept").ok());
    join(1, {0}, by);
    join(2, {0, 1}, by);
    EXPECT_NE(members[2].node->catalog()->load()->find_database("kept"), nullptr);
    hand_over(2, by);
  }
  {
    console by(io, "127.0.0.1", members[2].node->port());
    login(by);
    hand_over(1, by);  // Both have a vote.
  }
  members[0].stop();
  console by(io, "127.0.0.1", members[1].node->port());
  login(by);
  EXPECT_TRUE(by.run("CREATE DATABASE more").ok());
  // Who joined once starts like any other.
  said.forget();
  start(0, options_of(0, {}));
  said.wait([](const std::string& word) { return word == "0 ready"; });
  EXPECT_TRUE(members[0].node->follows());
  members[2].stop();
  auto again = options_of(2, {0, 1});
  again.joins = true;
  start(2, std::move(again));
  said.wait([](const std::string& word) { return word == "2 ready"; });
}

TEST_F(FrontEndGroup, AWipedMemberIsReplacedByANewOne) {
  start_all();
  const auto leads = wait_for_leader();
  const auto wiped = (leads + 1) % 3, other = (leads + 2) % 3;
  members[wiped].stop();
  std::filesystem::remove_all(dir / fmt::format("fe{}", wiped + 1));
  console by(io, "127.0.0.1", members[leads].node->port());
  login(by);
  const auto dropped = by.run(fmt::format("ALTER SYSTEM DROP FOLLOWER \"{}\"", edit_log_of(wiped)));
  EXPECT_TRUE(dropped.ok()) << dropped;
  join(3, {leads, other}, by);
  hand_over(3, by);
  // Under its old id the empty directory stays out.
  auto options = options_of(wiped, {leads, other});
  options.joins = true;
  start(wiped, std::move(options));
  const auto why = said.wait([&](const std::string& word) { return word.starts_with(fmt::format("{} fatal", wiped)); });
  EXPECT_NE(why.find("has a new directory"), std::string::npos) << why;
}

TEST_F(FrontEndGroup, WhoIsDroppedSaysSoAndDisturbsNobody) {
  start_all();
  const auto leads = wait_for_leader();
  const auto gone = (leads + 1) % 3;
  console by(io, "127.0.0.1", members[leads].node->port());
  login(by);
  ASSERT_TRUE(by.run(fmt::format("ALTER SYSTEM DROP FOLLOWER \"{}\"", edit_log_of(gone))).ok());
  wait_until("it knows", [&] { return !members[gone].node->exclusion().empty(); });
  EXPECT_NE(members[gone].node->exclusion().find("no member of the group any more"), std::string::npos);
  EXPECT_TRUE(by.run("CREATE DATABASE after").ok());
}

TEST_F(FrontEndGroup, ALeaderThatIsDroppedIsDroppedByTheNextOne) {
  start_all();
  const auto old = wait_for_leader();
  said.forget();
  {
    console by(io, "127.0.0.1", members[old].node->port());
    login(by);
    const auto dropped = by.run(fmt::format("ALTER SYSTEM DROP FOLLOWER \"{}\"", edit_log_of(old)));
    EXPECT_TRUE(dropped.ok()) << dropped;
    EXPECT_NE(dropped.message.find("hands over its leadership"), std::string::npos) << dropped;
  }
  const auto next = wait_for_leader();
  EXPECT_NE(next, old);
  wait_until("the next leader has dropped it", [&] { return members[next].node->peers().size() == 1; });
  wait_until("it knows", [&] { return !members[old].node->exclusion().empty(); });
  console by(io, "127.0.0.1", members[next].node->port());
  login(by);
  EXPECT_TRUE(by.run("CREATE DATABASE after").ok());
}

TEST_F(FrontEndGroup, AllMayMoveAtOnce) {
  start_all();
  wait_for_leader();
  for (std::size_t i = 0; i < founders; ++i)
    members[i].stop();
  said.forget();
  ports = play::free_ports(5);  // The log knows nothing of these.
  start_all();
  const auto leads = wait_for_leader();
  console by(io, "127.0.0.1", members[leads].node->port());
  login(by);
  const auto told = by.run("CREATE DATABASE moved");
  EXPECT_TRUE(told.ok()) << told;
  for (std::size_t i = 0; i < founders; ++i)
    wait_until("it follows", [&] { return members[i].node->catalog()->load()->find_database("moved") != nullptr; });
  wait_until("the log has the leader's address",
             [&] { return view_of((leads + 1) % 3, leads).address == edit_log_of(leads); });
}

TEST_F(FrontEndGroup, WhoMovesAloneIsFoundByWhatItSays) {
  start_all();
  const auto leads = wait_for_leader();
  const auto moves = (leads + 1) % 3, other = (leads + 2) % 3;
  members[moves].stop();
  ports[moves] = play::free_ports(1).front();
  said.forget();
  start(moves);
  said.wait([&](const std::string& word) { return word == fmt::format("{} ready", moves); });
  console by(io, "127.0.0.1", members[leads].node->port());
  login(by);
  EXPECT_TRUE(by.run("CREATE DATABASE after").ok());
  wait_until("it is sent the log", [&] { return members[moves].node->catalog()->load()->find_database("after") != nullptr; });
  for (const auto i : {leads, other})
    wait_until("it is found", [&] { return view_of(i, moves).is_linked; });
}

TEST_F(FrontEndGroup, ALongerListInTheFileAddsNobodyAndSaysWhatDoes) {
  start(0, options_of(0, {}));
  ASSERT_EQ(wait_for_leader(), 0U);
  members[0].stop();
  said.forget();
  start(0, options_of(0, {1, 2}));
  start(1, options_of(1, {0, 2}));
  const auto trouble = [&] { return view_of(1, 0).trouble; };
  const auto statement = fmt::format("ALTER SYSTEM ADD FOLLOWER \"{}\"", edit_log_of(1));
  wait_until("it is told what to do", [&] { return trouble().find(statement) != std::string::npos; });
  EXPECT_NE(trouble().find("node.join = true"), std::string::npos) << trouble();
  ASSERT_EQ(wait_for_leader(), 0U) << "alone, as before";
  // And that is how it is done; its directory is as good as new.
  members[1].stop();
  console by(io, "127.0.0.1", members[0].node->port());
  login(by);
  join(1, {0, 2}, by);
}

TEST_F(FrontEndGroup, WhoAsksAtAnAddressTakesThePlaceOfWhoAskedThereBefore) {
  start(0, options_of(0, {}));
  ASSERT_EQ(wait_for_leader(), 0U);
  console by(io, "127.0.0.1", members[0].node->port());
  login(by);
  const auto answer_to_add = [&](const char* address) {
    return by.run(fmt::format("ALTER SYSTEM ADD OBSERVER \"{}\"", address)).message;
  };
  auto options = options_of(1, {0});
  options.joins = true;
  start(1, options);
  wait_until("the first asks", [&] { return answer_to_add("nowhere:1").find("fe2 at") != std::string::npos; });
  members[1].stop();
  options = options_of(2, {0});
  options.joins = true;
  ports[2] = ports[1];
  options.founders.back().address = options.edit_log_listen = edit_log_of(2);
  start(2, options);
  wait_until("the second asks", [&] { return answer_to_add("nowhere:1").find("fe3 at") != std::string::npos; });
  EXPECT_NE(answer_to_add(edit_log_of(2).c_str()).find("added fe3 (id 3)"), std::string::npos);
}

TEST_F(FrontEndGroup, WhatCannotBeIsRefusedWithTheNextStep) {
  start(0, options_of(0, {}));
  ASSERT_EQ(wait_for_leader(), 0U);
  console by(io, "127.0.0.1", members[0].node->port());
  login(by);
  const auto message = [&](const std::string& statement) { return by.run(statement).message; };
  EXPECT_NE(message(fmt::format("ALTER SYSTEM DROP FOLLOWER \"{}\"", edit_log_of(0))).find("is the last follower"),
            std::string::npos);
  EXPECT_NE(message("ALTER SYSTEM ADD FOLLOWER \"127.0.0.1:1\"").find("nobody does now"), std::string::npos);
  EXPECT_NE(message("ADMIN TRANSFER LEADERSHIP TO 'fe9'").find("no front end called fe9"), std::string::npos);
  join(1, {0}, by, "OBSERVER");
  EXPECT_NE(message("ADMIN TRANSFER LEADERSHIP TO 'fe2'").find("is an observer"), std::string::npos);
  EXPECT_NE(message(fmt::format("ALTER SYSTEM DROP FOLLOWER \"{}\"", edit_log_of(1))).find("is an observer"),
            std::string::npos);
  EXPECT_TRUE(by.run(fmt::format("ALTER SYSTEM DROP OBSERVER \"{}\"", edit_log_of(1))).ok());
}

// -- checkpoints -------------------------------------------------------------------------

struct CheckpointGroup : FrontEndGroup {
  fe_options quick_options_of(std::size_t i) {
    auto options = options_of(i, {0, 1, 2});
    options.checkpoint.settle = options.checkpoint.round_interval = std::chrono::milliseconds(100);
    options.checkpoint_beat.beat = std::chrono::milliseconds(20);
    return options;
  }
  void start_quick() {
    for (std::size_t i = 0; i < founders; ++i)
      start(i, quick_options_of(i));
    for (std::size_t i = 0; i < founders; ++i)
      said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
  }
  /// One more thing in the catalog, and an image of it on every member that runs.
  std::string make_image(std::size_t leads, const std::string& database) {
    console by(io, "127.0.0.1", members[leads].node->port());
    EXPECT_TRUE(by.login().ok());
    EXPECT_TRUE(by.run("CREATE DATABASE " + database).ok());
    const auto told = by.run("ADMIN CHECKPOINT");
    EXPECT_TRUE(told.ok()) << told;
    if (!told.ok())
      return told.message;
    const auto made = members[leads].node->checkpoints().images().front();
    wait_until("everybody has the image", [&] {
      return std::ranges::all_of(members, [&](const member& m) {
        const auto images = m.node ? m.node->checkpoints().images() : std::vector{made};
        return !images.empty() && images.front() == made;
      });
    });
    return told.message;
  }
  void wait_until_trimmed(std::uint64_t upto) {
    wait_until("the logs are shorter", [&] {
      return std::ranges::all_of(members, [&](const member& m) { return !m.node || m.node->journal()->first_index > upto; });
    });
  }
};

TEST_F(CheckpointGroup, AnImageReachesAllAndShortensTheLogs) {
  start_quick();
  const auto leads = wait_for_leader();
  const auto told = make_image(leads, "first");
  EXPECT_NE(told.find("made by fe "), std::string::npos) << told;
  const auto older = members[leads].node->checkpoints().images().front().id;
  for (std::size_t i = 0; i < founders; ++i)
    EXPECT_EQ(members[i].node->journal()->first_index, 1U) << "one image is nothing to fall back to";
  make_image(leads, "second");
  wait_until_trimmed(older);
  for (std::size_t i = 0; i < founders; ++i)
    EXPECT_EQ(members[i].node->journal()->first_index, older + 1);
  // Whoever starts again starts from its image.
  for (std::size_t i = 0; i < founders; ++i) {
    said.forget();
    members[i].stop();
    start(i, quick_options_of(i));
    said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
    EXPECT_EQ(members[i].node->checkpoints().images().size(), 2U);
    EXPECT_NE(members[i].node->catalog()->load()->find_database("first"), nullptr);
  }
}

struct ResyncGroup : CheckpointGroup {
  fe_options impatient_options_of(std::size_t i) {
    auto options = quick_options_of(i);
    options.checkpoint_beat.silence = std::chrono::milliseconds(200);
    options.checkpoint.retain_time_max = std::chrono::milliseconds(300);
    return options;
  }
  void start_impatient(std::size_t i) {
    said.forget();
    start(i, impatient_options_of(i));
    said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
  }
  std::string marked(std::size_t by) {
    for (const auto& [item, value] : members[by].node->checkpoints().rows())
      if (item == "NeedFullResync")
        return value;
    return "no such row";
  }
};

/// spec/jobs.md K6, and C11 #7754: its log ends before those of the others begin.
TEST_F(ResyncGroup, WhoWasDownForTooLongIsMarkedAndStartsFromAnothersImage) {
  for (std::size_t i = 0; i < founders; ++i)
    start(i, impatient_options_of(i));
  for (std::size_t i = 0; i < founders; ++i)
    said.wait([&](const std::string& word) { return word == fmt::format("{} ready", i); });
  const auto leads = wait_for_leader();
  make_image(leads, "first");
  const auto away = (leads + 1) % 3, other = (leads + 2) % 3;
  EXPECT_EQ(marked(leads), "none");
  const auto ended_at = members[away].node->journal()->last_index.load();
  members[away].stop();
  make_image(leads, "second");
  const auto older = members[leads].node->checkpoints().images().front().id;
  ASSERT_GT(older, ended_at);
  make_image(leads, "third");
  wait_until_trimmed(older);
  for (const auto by : {leads, other})
    EXPECT_TRUE(marked(by).starts_with(fmt::format("fe {}: down for", away + 1))) << marked(by);
  // Back, it cannot get there by the log.
  start_impatient(away);
  wait_until("it has an image of the others", [&] { return !members[away].node->checkpoints().images().empty()
                                                          && members[away].node->checkpoints().images().front().id > ended_at; });
  wait_until("the mark is taken off", [&] { return marked(away) == "none" && marked(leads) == "none"; });
  EXPECT_GT(members[away].node->journal()->first_index, ended_at);
  for (const auto* database : {"first", "second", "third"})
    EXPECT_NE(members[away].node->catalog()->load()->find_database(database), nullptr) << database;
  // It serves, takes what comes next, and counts again.
  console by(io, "127.0.0.1", members[away].node->port());
  ASSERT_TRUE(by.login().ok());
  const auto told = by.run("CREATE DATABASE fourth");
  EXPECT_TRUE(told.ok()) << told;
  wait_until("it follows", [&] { return members[away].node->catalog()->load()->find_database("fourth") != nullptr; });
}

}  // namespace
}  // namespace tabletd::test
