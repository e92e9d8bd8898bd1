// Orders: each fence once, drops that compare, checks that find damage, disks that fail.
#include "tests/node_be/be_world.h"
#include "actors/supervision/supervisor.h"
#include "actors/urgent_exit.h"
#include "persistence/durable_file.h"
#include <caf/scoped_actor.hpp>
#include <atomic>
#include <cerrno>
#include <fstream>

namespace tabletd::test {
namespace {

using model::raw;

struct BackendTasks : be_world {
  std::optional<backend> be;
  std::optional<leader> fe;
  std::uint64_t path = 0;

  void start(be_options how) {
    be.emplace(sys, std::move(how));
    fe.emplace(io, be->port());
    ASSERT_EQ(fe->attach(5), "");
    path = be->node().paths()[0].hash;
  }
  void SetUp() override { start(options("a")); }
  static model::agent_task create(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica,
                                  std::uint64_t on_path) {
    return {model::log_index{fence},
            model::create_order{model::tablet_id{tablet}, model::replica_id{replica}, model::path_hash{on_path}}};
  }
  static model::agent_task drop(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
    return {model::log_index{fence}, model::drop_order{model::tablet_id{tablet}, model::replica_id{replica}}};
  }
  static model::agent_task verify(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
    return {model::log_index{fence}, model::verify_order{model::tablet_id{tablet}, model::replica_id{replica}}};
  }
  static model::task_failed failure(const model::task_end& end) {
    const auto* failed = std::get_if<model::task_failed>(&end.outcome);
    EXPECT_NE(failed, nullptr) << "it was done";
    return failed ? *failed : model::task_failed{};
  }
};

TEST_F(BackendTasks, AFenceSeenTwiceIsDoneOnceAndAnsweredTwice) {
  fe->submit({create(1, 1, 10, path), create(1, 1, 10, path)});
  const auto first = fe->end_of(model::log_index{1});
  ASSERT_TRUE(first.done());
  fe->submit({create(1, 1, 10, path)});
  std::ignore = fe->end_of(model::log_index{1}, 2);
  EXPECT_EQ(fe->ears().ends[0], fe->ears().ends[1]) << "the same answer, stamp included";
  EXPECT_EQ(be->stats().tasks_ended[0][0], 1U) << "done once";
}

TEST_F(BackendTasks, TheEndOfATaskIsStampedAfterItsChange) {
  fe->wait_until([&] { return fe->ears().reports_full == 1; });
  EXPECT_EQ(fe->ears().stamp, 0U);
  const auto end = fe->carry_out(create(1, 1, 10, path));
  EXPECT_EQ(end.stamp, 1U) << "a report with a lower stamp knows nothing of it";
  fe->wait_until([&] { return fe->ears().stamp == 1; });
  EXPECT_TRUE(fe->ears().tablets.contains(1));
}

TEST_F(BackendTasks, CreateComparesReplicaAndPath) {
  fe->create(1, 1, 10, path);
  EXPECT_TRUE(fe->carry_out(create(2, 1, 10, path)).done()) << "it is here already";
  EXPECT_EQ(failure(fe->carry_out(create(3, 1, 11, path))).kind, model::task_failure::stale);
  EXPECT_EQ(failure(fe->carry_out(create(4, 2, 20, path + 1))).kind, model::task_failure::path_unknown);
}

TEST_F(BackendTasks, DropComparesTheReplica) {
  fe->create(1, 1, 10, path);
  fe->load(100, 2, 1, 10, {make_rows(10, 100, 1)});
  EXPECT_EQ(failure(fe->carry_out(drop(2, 1, 9))).kind, model::task_failure::stale);
  EXPECT_EQ(fe->scan(1, 10, 2).bytes, make_rows(10, 100, 1).rows) << "no file was touched";
  EXPECT_TRUE(fe->carry_out(drop(3, 1, 10)).done());
  fe->wait_until([&] { return !fe->ears().tablets.contains(1); });
  EXPECT_EQ(files_of(dir / "a"), 0U);
  EXPECT_TRUE(fe->carry_out(drop(4, 1, 10)).done()) << "gone is gone";
}

TEST_F(BackendTasks, ALateDropDoesNotTouchTheNextReplica) {
  fe->create(1, 1, 10, path);
  fe->submit({drop(2, 1, 10), create(4, 1, 11, path), drop(3, 1, 10)}); // 3 was decided before 4.
  EXPECT_TRUE(fe->end_of(model::log_index{4}).done());
  EXPECT_EQ(failure(fe->end_of(model::log_index{3})).kind, model::task_failure::stale);
  fe->wait_until([&] { return raw(fe->ears().tablets[1].replica) == 11; });
}

TEST_F(BackendTasks, VerifyFindsADamagedBlock) {
  fe->create(1, 1, 10, path);
  fe->load(100, 2, 1, 10, {make_rows(10, 100, 1)});
  const auto sound = fe->carry_out(verify(2, 1, 10));
  EXPECT_FALSE(std::get<model::held_replica>(sound.outcome).bad);
  {
    std::fstream file(segments(dir / "a").at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file.put('#');
  }
  EXPECT_FALSE(std::get<model::held_replica>(fe->carry_out(verify(2, 1, 10)).outcome).bad) << "answered from memory";
  EXPECT_TRUE(std::get<model::held_replica>(fe->carry_out(verify(3, 1, 10)).outcome).bad);
  fe->wait_until([&] { return fe->ears().tablets[1].bad; });
  EXPECT_EQ(failure(fe->carry_out(verify(4, 1, 11))).kind, model::task_failure::stale);
}

TEST_F(BackendTasks, VerifyReadsLargeReplicasToTheEnd) {
  fe->create(1, 1, 10, path);
  std::vector<row_bytes> blocks;
  for (std::uint64_t i = 0; i < 20; ++i) // More than one step.
    blocks.push_back(make_rows(1'000, 1'000, i));
  fe->load(100, 2, 1, 10, blocks);
  {
    std::fstream file(segments(dir / "a").at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 19 * 1'000'000 + 999'000);
    file.put('#');
  }
  EXPECT_TRUE(std::get<model::held_replica>(fe->carry_out(verify(2, 1, 10)).outcome).bad);
}

TEST_F(BackendTasks, OfTwoCopiesOnTwoPathsTheNewerCountsAndTheOtherStays) {
  fe->create(1, 1, 10, path);
  fe->load(100, 2, 1, 10, {make_rows(10, 100, 1)});
  fe.reset();
  be.reset();
  start(options("b")); // As if a move of the tablet had been aborted.
  fe->create(1, 1, 11, path);
  fe.reset();
  be.reset();
  auto both = options("a");
  both.paths.push_back({dir / "b", false, {}});
  start(both);
  fe->wait_until([&] { return fe->ears().reports_full > 0 && !fe->ears().tablets.empty(); });
  EXPECT_EQ(raw(fe->ears().tablets[1].replica), 10U);
  EXPECT_EQ(fe->scan(1, 10, 2).bytes, make_rows(10, 100, 1).rows);
  EXPECT_EQ(failure(fe->carry_out(drop(2, 1, 11))).kind, model::task_failure::stale) << "the other one is left alone";
}

TEST_F(BackendTasks, ACopyOfAPathIsNoSecondPath) {
  fe.reset();
  be.reset();
  std::filesystem::copy(dir / "a", dir / "copy", std::filesystem::copy_options::recursive);
  auto both = options("a");
  both.paths.push_back({dir / "copy", false, {}});
  EXPECT_THROW(backend(sys, both), storage_error);
}

// -- failing disks -----------------------------------------------------------------------

std::string failing_below; // Every fsync of a file under it fails.
std::atomic<bool> is_failing{false};

int failing_fsync(int fd) {
  char name[4096] = {};
  const auto length
    = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name - 1);
  if (is_failing && length > 0 && std::string_view{name}.starts_with(failing_below)) {
    errno = EIO;
    return -1;
  }
  return system_file_ops.fsync(fd);
}

struct BackendWithFailingDisk : BackendTasks {
  void SetUp() override {
    is_failing = false;
    files().fsync = failing_fsync;
    auto two = options("a");
    std::filesystem::create_directories(dir / "b");
    two.paths.push_back({dir / "b", true, {}});
    failing_below = std::filesystem::canonical(dir / "a").string();
    start(two);
  }
  void TearDown() override {
    fe.reset();
    be.reset();
    files().fsync = system_file_ops.fsync;
  }
};

TEST_F(BackendWithFailingDisk, GoesOfflineAloneAndTakesNothingNew) {
  const auto good = be->node().paths()[1].hash;
  fe->create(1, 1, 10, path);
  fe->load(100, 2, 1, 10, {make_rows(10, 100, 1)});
  is_failing = true;
  auto writer = fe->open_load(101, 1, 10);
  fe->write(writer, 1, make_rows(10, 100, 2));
  const auto why = fe->prepare(writer, 1, {make_rows(10, 100, 2)});
  EXPECT_NE(why.find(failing_below), std::string::npos) << why;

  const auto paths = fe->paths();
  EXPECT_FALSE(paths[0].online);
  EXPECT_NE(paths[0].error.find("offline"), std::string::npos) << paths[0].error;
  EXPECT_TRUE(paths[1].online);
  const auto refused = failure(fe->carry_out(create(2, 2, 20, path)));
  EXPECT_EQ(refused.kind, model::task_failure::io);
  EXPECT_NE(refused.message.find(failing_below), std::string::npos) << refused.message;
  EXPECT_EQ(failure(fe->carry_out(clone_task(3, 3, 30, path, 2, be->port(), 10))).kind, model::task_failure::io);

  EXPECT_EQ(fe->scan(1, 10, 2).bytes, make_rows(10, 100, 1).rows) << "what it holds is still served";
  fe->create(4, 4, 40, good);
  fe->load(102, 2, 4, 40, {make_rows(10, 100, 3)});
}

// -- supervision and stopping ------------------------------------------------------------

struct SupervisedBackend : be_world {};

TEST_F(SupervisedBackend, LivesUnderASupervisorAndLeavesItEmpty) {
  supervisor_options rules;
  rules.name = "be";
  auto root = sys.spawn(supervisor, rules);
  {
    auto how = options("a");
    how.supervisor = root;
    std::atomic<int> fatal{0};
    how.on_fatal = [&](const std::string&) { ++fatal; };
    backend be{sys, how};
    leader fe{io, be.port()};
    ASSERT_EQ(fe.attach(5), "");
    fe.create(1, 1, 10, be.node().paths()[0].hash);
    // A clone's actor is a child too.
    EXPECT_FALSE(fe.carry_out(clone_task(2, 2, 20, be.node().paths()[0].hash, 2, be.port(), 10)).done());
    be.stop();
    EXPECT_EQ(fatal, 0) << "a stop is no failure";
  }
  urgent_exit(root, caf::exit_reason::user_shutdown);
  caf::scoped_actor self{sys};
  self->wait_for(root);
  root = nullptr;
}

TEST_F(SupervisedBackend, DeathOfACoreActorIsFatal) {
  supervisor_options rules;
  rules.name = "be";
  auto root = sys.spawn(supervisor, rules);
  std::promise<std::string> fatal;
  {
    auto how = options("a");
    how.supervisor = root;
    std::atomic<bool> told{false};
    how.on_fatal = [&](const std::string& why) {
      if (!told.exchange(true))
        fatal.set_value(why);
    };
    backend be{sys, how};
    urgent_exit(root, caf::exit_reason::kill); // Nothing below it survives.
    EXPECT_NE(fatal.get_future().get().find("core actor"), std::string::npos);
  }
  root = nullptr;
}

} // namespace
} // namespace tabletd::test
