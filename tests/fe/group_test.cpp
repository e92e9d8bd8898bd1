// Front ends as a group, in one process but with real sockets and real logs: founding, the death
// of the leader, and directories that do not belong.
#include "node/play/free_ports.h"
#include "tests/fe/fe_world.h"

#include <fmt/format.h>

#include <array>
#include <condition_variable>
#include <future>

namespace tabletd::test {
namespace {

/// What the members said; the test waits for it.
class ear {
public:
  void hear(const std::string& word) {
    const std::lock_guard guard{mutex_};
    words_.push_back(word);
    heard_.notify_all();
  }
  /// The first word from now on or before that `fits`.
  std::string wait(const std::function<bool(const std::string&)>& fits) {
    std::unique_lock guard{mutex_};
    std::string found;
    heard_.wait(guard, [&] {
      const auto at = std::ranges::find_if(words_, fits);
      if (at != words_.end())
        found = *at;
      return at != words_.end();
    });
    return found;
  }
  void forget() {
    const std::lock_guard guard{mutex_};
    words_.clear();
  }

private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> words_;
};

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
  std::vector<std::uint16_t> ports = play::free_ports(3); ///< Members know each other's before they listen.
  ear said;
  std::array<member, 3> members;

  fe_options options_of(std::size_t i) {
    auto options = front_end_options();
    options.log_directory = dir / fmt::format("fe{}", i + 1);
    options.name = fmt::format("fe{}", i + 1);
    options.node_id = i + 1;
    for (std::size_t j = 0; j < ports.size(); ++j)
      options.founders.push_back({j + 1, fmt::format("127.0.0.1:{}", ports[j]), true});
    options.edit_log_listen = options.founders[i].address;
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
  void start(std::size_t i) { start(i, options_of(i)); }
  void start_all() {
    for (std::size_t i = 0; i < members.size(); ++i)
      start(i);
    for (std::size_t i = 0; i < members.size(); ++i)
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
  }
  for (auto& each : members)
    EXPECT_EQ(each.node->leader_address(), fmt::format("127.0.0.1:{}", members[leads].node->port()));
  said.forget();
  members[leads].stop();
  const auto next = wait_for_leader();
  EXPECT_NE(next, leads);
  EXPECT_NE(members[next].node->catalog()->load()->find_database("kept"), nullptr);
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

// -- checkpoints -------------------------------------------------------------------------

struct CheckpointGroup : FrontEndGroup {
  fe_options quick_options_of(std::size_t i) {
    auto options = options_of(i);
    options.checkpoint.settle = options.checkpoint.round_interval = std::chrono::milliseconds(100);
    options.checkpoint_beat.beat = std::chrono::milliseconds(20);
    return options;
  }
  void start_quick() {
    for (std::size_t i = 0; i < members.size(); ++i)
      start(i, quick_options_of(i));
    for (std::size_t i = 0; i < members.size(); ++i)
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
  for (const auto& m : members)
    EXPECT_EQ(m.node->journal()->first_index, 1U) << "one image is nothing to fall back to";
  make_image(leads, "second");
  wait_until_trimmed(older);
  for (const auto& m : members)
    EXPECT_EQ(m.node->journal()->first_index, older + 1);
  // Whoever starts again starts from its image.
  for (std::size_t i = 0; i < members.size(); ++i) {
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
  for (std::size_t i = 0; i < members.size(); ++i)
    start(i, impatient_options_of(i));
  for (std::size_t i = 0; i < members.size(); ++i)
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
