// Moves whose process is killed, or whose machine loses its power, at any moment: there is one
// replica afterwards, on one of the two paths, whole; and the order can be repeated.
#include "tests/node_be/move_world.h"
#include "tests/persistence/faulty_path.h"
#include <thread>

namespace tabletd::test {
namespace {

using model::raw;

// -- killed ------------------------------------------------------------------------------

struct BackendMoveKilled : move_world {
  const row_bytes waiting = make_rows(10, 100, 7); ///< Prepared by txn 500.
  int photographs = 0;

  void SetUp() override {
    start(two_paths());
    create();
    load(2);
    load(0);
    load(1);
    auto writer = fe->open_load(500, 1, 10);
    fe->write(writer, 1, waiting);
    ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  }
  /// What a kill at this moment would leave on the disks.
  std::string photograph() {
    const auto name = "killed-" + std::to_string(++photographs);
    for (const char* path : {"a", "b"}) {
      std::filesystem::create_directories(dir / name);
      std::filesystem::copy(dir / path, dir / name / path, std::filesystem::copy_options::recursive);
    }
    return name;
  }
  be_options paths_of(const std::string& name) {
    auto how = options(name + "/a");
    how.paths.push_back({dir / name / "b", true, {}});
    return how;
  }
  /// Starts on a photograph; answers the path that has the tablet.  Repeats the order there.
  std::uint64_t wake_up(const std::string& name) {
    backend woken{sys, paths_of(name)};
    leader at{io, woken.port()};
    EXPECT_EQ(at.attach(6), "");
    at.wait_until([&] { return at.ears().reports_full > 0; });
    EXPECT_EQ(at.ears().tablets.size(), 1U);
    EXPECT_EQ(at.ears().prepared, (std::vector<std::uint64_t>{500}));
    const auto found = raw(at.ears().tablets[1].path);
    EXPECT_EQ(raw(at.ears().tablets[1].replica), 10U);
    EXPECT_EQ(at.ears().tablets[1].version, version);
    EXPECT_FALSE(at.ears().tablets[1].bad);
    EXPECT_EQ(segments(dir / name / (found == a ? "b" : "a")).size(), 0U) << "two of it";
    EXPECT_EQ(at.scan(1, 10, version).bytes, loaded);
    EXPECT_EQ(at.publish(500, version + 1, {}), "");
    const auto again = at.carry_out(move(2, b));
    EXPECT_EQ(raw(held(again).path), b);
    EXPECT_EQ(at.scan(1, 10, version + 1).bytes, loaded + waiting.rows);
    at.create(3, 3, 1, a); // Its disk has done everything.
    EXPECT_EQ(files_of(dir / name / "a"), 0U);
    return found;
  }
};

TEST_F(BackendMoveKilled, AtAnyFileCallOneWholeReplicaIsLeft) {
  const auto root = dir.path.string();
  const auto any = stops.stop_at("", root);
  fe->submit({move(2, b)});
  std::vector<std::string> names;
  for (std::string before;;) {
    before = stops.wait_until_stopped(any);
    names.push_back(photograph());
    const bool is_last = before.starts_with("rmdir") && before.find("/b/tmp/") != std::string::npos;
    stops.release(any, !is_last);
    if (is_last)
      break;
  }
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  stop();
  EXPECT_GE(names.size(), 20U);
  std::map<std::uint64_t, int> found;
  for (const auto& name : names) {
    SCOPED_TRACE(name);
    ++found[wake_up(name)];
    std::filesystem::remove_all(dir / name);
  }
  EXPECT_GT(found[a], 5);
  EXPECT_GT(found[b], 2);
}

TEST_F(BackendMoveKilled, BetweenTheTwoCommitsTheTargetWinsIfItIsWhole) {
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  auto busy = keep_a_busy(); // It cannot be removed from there.
  stops.release(switching);
  fe->wait_until([&] { return raw(fe->ears().tablets[1].path) == b; });
  const auto whole = photograph();
  const auto damaged = photograph();
  stops.release(busy.at);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  fe->wait(kj::mv(busy.block));
  stop();

  EXPECT_GT(segments(dir / whole / "a").size(), 0U);
  EXPECT_GT(segments(dir / whole / "b").size(), 0U);
  EXPECT_EQ(wake_up(whole), b);
  std::filesystem::remove(segments(dir / damaged / "b").at(0));
  EXPECT_EQ(wake_up(damaged), a);
}

TEST_F(BackendMoveKilled, AnOrderlyStopAtAnyMomentLosesNothing) {
  ASSERT_EQ(fe->publish(500, ++version, {}), "");
  loaded += waiting.rows;
  std::uint64_t fence = 10;
  auto to = b;
  for (int nth = 1; nth <= 25; nth += 3) {
    SCOPED_TRACE(nth);
    const auto at = stops.stop_at("", (dir / (to == b ? "b" : "a")).string(), nth);
    fe->submit({move(fence, to)});
    stops.wait_until_stopped(at);
    fe.reset();
    std::thread stopping{[this] { be->stop(); }};
    stops.clear();
    stopping.join();
    be.reset();
    start(two_paths());
    fe->wait_until([&] { return fe->ears().reports_full > 0; });
    EXPECT_EQ(fe->ears().tablets[1].version, version);
    EXPECT_TRUE(fe->carry_out(move(fence, to)).done()) << "the order comes again";
    expect_wholly_on(to);
    to = to == a ? b : a;
    ++fence;
  }
}

// -- power -------------------------------------------------------------------------------

/// Both paths on one machine, moved as the backend does it, without its actors.
struct two_disks {
  explicit two_disks(std::uint64_t seed) : database(seed), disk(root, seed, &database) {
    std::filesystem::create_directories(root);
    expected.replicas[1] = {100, {}};
    for (const auto& each : history())
      each.on_memory(expected);
  }
  static std::vector<change> history() {
    return {create(1, 100),
            load(10, {{1, {block_of("a", 5), block_of("b", 3)}}}),
            publish(10, 2),
            load(11, {{1, {}}}),
            publish(11, 3),
            load(12, {{1, {block_of("c", 5)}}})};
  }
  [[nodiscard]] disk_options options(const char* name) const { return {root / name, false, {database.vfs(), 0}}; }
  void open() {
    from = std::make_unique<disk_worker>(options("a"));
    to = std::make_unique<disk_worker>(options("b"));
  }
  void fill() {
    from->run_now([](tablet_store& store) {
      for (const auto& each : history())
        each.on_store(store);
    });
  }
  void move() {
    std::vector<rowset_meta> held;
    std::vector<std::shared_ptr<rowset_reader>> readers;
    from->run_now([&](tablet_store& store) {
      held = store.rowsets(1);
      for (const auto& waiting : store.prepared_rowsets(1))
        held.push_back(waiting);
      for (const auto& rowset : held)
        readers.push_back(store.open_rowset(rowset));
    });
    to->run_now([&](tablet_store& store) {
      std::vector<copied_rowset> copies;
      for (std::size_t i = 0; i < held.size(); ++i) {
        const auto& is = held[i];
        auto& copy = copies.emplace_back(copied_rowset{is.txn, is.first_version, is.last_version, is.rows, is.bytes});
        if (is.blocks == 0)
          continue;
        copy.file = store.continue_copy(7, is.id, readers[i]->footer().encode());
        std::vector<std::byte> block;
        for (auto at = copy.file->blocks(); at < is.blocks; ++at) {
          readers[i]->read(at, block);
          copy.file->append(block, readers[i]->footer().blocks[at].rows, readers[i]->footer().blocks[at].checksum);
        }
      }
      store.adopt(1, 100, 1, std::move(copies), {}, {});
    });
    from->run_now([](tablet_store& store) { store.drop_replica(1, 100); });
  }
  void close() {
    from.reset();
    to.reset();
  }
  /// Starts as a backend does; answers which path has the tablet, 1 or 2.
  int wake_up() {
    const auto paths = std::make_shared<path_set>(std::vector{options("a"), options("b")}, std::make_shared<be_stats>());
    auto* holder = paths->disk_of(1);
    EXPECT_NE(holder, nullptr) << "none of it";
    for (const auto& each : paths->disks())
      each->run_now([&](tablet_store& store) {
        EXPECT_EQ(difference(store, each.get() == holder ? expected : remembered_path{}), "");
        const auto files = files_under(std::filesystem::path{each->root()} / "tablets").size();
        EXPECT_EQ(files, each.get() == holder ? expected.files() : 0U);
      });
    const bool is_source = holder == paths->disks()[0].get();
    paths->stop();
    return is_source ? 1 : 2;
  }

  memory_directory scratch;
  std::filesystem::path root = scratch.path() / "machine";
  crash_disk database;
  fault_files disk;
  remembered_path expected;
  std::unique_ptr<disk_worker> from, to;
};

/// Cuts at each call in turn until the move gets through; `arm` sets the cut.
void cut_everywhere(const std::function<void(two_disks&, std::int64_t)>& arm, int cuts_min) {
  std::map<int, int> found;
  bool is_through = false;
  for (std::int64_t at = 1; !is_through && !testing::Test::HasFailure(); ++at) {
    SCOPED_TRACE(fmt::format("cut at {}", at));
    two_disks machine(static_cast<std::uint64_t>(at));
    machine.open();
    machine.fill();
    arm(machine, at);
    try {
      machine.move();
      is_through = !machine.disk.dead();
    } catch (const storage_error&) {
      EXPECT_TRUE(machine.disk.dead());
    }
    machine.database.stop();
    machine.close();
    const double keep = static_cast<double>(at % 3) / 2;
    machine.database.restore_power({.keep = keep});
    machine.disk.restore_power(keep);
    ++found[machine.wake_up()];
  }
  EXPECT_GE(found[1], cuts_min);
  EXPECT_GE(found[2], cuts_min);
}

TEST(BackendMovePower, MayGoAtAnyCallOfTheDatabases) {
  cut_everywhere([](two_disks& machine, std::int64_t at) { machine.database.cut_at = machine.database.operations() + at; }, 2);
}

TEST(BackendMovePower, MayGoAtAnyFileCall) {
  cut_everywhere([](two_disks& machine, std::int64_t at) { machine.disk.cut_at = machine.disk.calls_made() + at; }, 2);
}

} // namespace
} // namespace tabletd::test
