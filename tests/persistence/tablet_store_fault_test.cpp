// A path on which every single SQLite call and every single file call fails once: the error
// is reported, nothing else changed, and the store opens sound whatever happens next.
#include "tests/persistence/faulty_path.h"

namespace tabletd {
namespace {

using namespace test;

// -- every single call fails once ---------------------------------------------------------

const std::vector<change> changes{
    create(1, 100),
    create(2, 200),
    load(10, {{1, {block_of("a", 5), block_of("b", 3)}}, {2, {block_of("c", 2)}}}),
    publish(10, 2),
    load(11, {{1, {block_of("d", 5)}}, {2, {}}}),
    publish(11, 3),
    load(12, {{1, {block_of("e", 1)}}}),
    abort_txn(12),
    load(13, {{1, {block_of("f", 1)}}}),
    clone(50, 3, 300, true, {{2, {block_of("x", 4), block_of("y", 4)}}, {3, {}}, {4, {block_of("z", 9)}}}),
    clone(51, 2, 200, false, {{4, {block_of("w", 2)}}, {5, {block_of("v", 2)}}}),
    clone(52, 1, 100, true, {{2, {block_of("a2", 5)}}}),
    drop(2, 200),
    move_in(60, 5, 500, {{2, {block_of("m", 4)}}, {3, {}}}, {{14, {block_of("n", 3)}}, {15, {}}}),
    publish(14, 4),
    move_in(61, 5, 500, {{2, {block_of("m", 4)}}, {3, {}}, {4, {block_of("n", 3)}}}, {{15, {}}}),
    follow(5, 500, {1, 1, 7}, 3),
    follow(3, 300, {1, 1, 7}, 4),
    follow(5, 500, {2, 2, 7}, 4),
    come_home(5, 500, {2, 3, 7}),
    follow(5, 500, {2, 4, 7}, 3),
    come_home(5, 500, {3, 5, 7}),
};

/// What happens to the machine after the fault.
enum class aftermath { orderly_restart, killed, power_cut, carries_on };

/// Runs the scenario with one fault set by `arm`; false: the fault was never reached.
struct single_fault {
  aftermath then{};
  std::uint64_t seed{};
  std::int64_t reported = 0;  ///< Runs in which some call threw.

  bool run(const std::function<void(faulty_path&)>& arm, const std::function<bool(faulty_path&)>& hit) {
    faulty_path path(seed);
    arm(path);
    remembered_path acknowledged;
    std::optional<change> in_flight;
    try {
      path.open();
      for (const auto& each : changes) {
        in_flight = each;
        each.on_store(*path.store);
        each.on_memory(acknowledged);
        in_flight.reset();
      }
    } catch (const storage_error& e) {
      ++reported;
      EXPECT_FALSE(std::string(e.what()).empty());
      if (path.store) {
        EXPECT_EQ(difference(*path.store, acknowledged), "") << "a call that threw changed something";
      }
    }
    const bool was_hit = hit(path);
    if (then == aftermath::carries_on && path.store && in_flight)
      finish(path, acknowledged, in_flight);
    recover(path);
    path.expect_sound(acknowledged, in_flight);
    return was_hit && !testing::Test::HasFailure();
  }

private:
  /// The caller tries once more, in the same process.
  void finish(faulty_path& path, remembered_path& acknowledged, std::optional<change>& in_flight) {
    try {
      in_flight->on_store(*path.store);
      in_flight->on_memory(acknowledged);
      in_flight.reset();
      EXPECT_EQ(difference(*path.store, acknowledged), "");
    } catch (const storage_error&) {  // It is offline, as it said.
    }
  }
  void recover(faulty_path& path) {
    if (then == aftermath::orderly_restart)
      path.store.reset();
    else
      path.kill();
    if (then == aftermath::power_cut || then == aftermath::carries_on)
      path.restore_power(double(path.disk.rng() % 3) / 2);
    else
      path.restart_process();
    path.store.reset();
    path.open();
  }
};

class TabletStoreFaults : public testing::TestWithParam<aftermath> {};

TEST_P(TabletStoreFaults, EverySqliteCallMayFail) {
  for (const int code : {SQLITE_IOERR, SQLITE_FULL}) {
    single_fault fault{.then = GetParam()};
    std::int64_t at = 0;
    bool hit = true;
    while (hit) {
      ++at;
      fault.seed = static_cast<std::uint64_t>(at);
      SCOPED_TRACE(fmt::format("SQLite code {} at call {}", code, at));
      hit = fault.run(
          [&](faulty_path& path) {
            path.database.fail_at = at;
            path.database.fail_code = code;
          },
          [&](faulty_path& path) { return path.database.operations() >= at; });
    }
    EXPECT_GE(at, 100);
    EXPECT_GE(fault.reported, at * 3 / 4) << "errors must be reported";
  }
}

TEST_P(TabletStoreFaults, EveryFileCallMayFail) {
  for (const int error : {EIO, ENOSPC}) {
    single_fault fault{.then = GetParam()};
    std::int64_t at = 0;
    bool hit = true;
    while (hit) {
      ++at;
      fault.seed = static_cast<std::uint64_t>(at);
      SCOPED_TRACE(fmt::format("errno {} at file call {}", error, at));
      hit = fault.run(
          [&](faulty_path& path) {
            path.disk.fail_at = at;
            path.disk.fail_errno = error;
          },
          [&](faulty_path& path) { return path.disk.calls_made() >= at; });
    }
    EXPECT_GE(at, 100);
    EXPECT_GE(fault.reported, at * 3 / 4) << "errors must be reported";
  }
}

INSTANTIATE_TEST_SUITE_P(Then, TabletStoreFaults,
                         testing::Values(aftermath::orderly_restart, aftermath::killed, aftermath::power_cut,
                                         aftermath::carries_on));

// -- named faults -------------------------------------------------------------------------

struct TabletStoreFault : testing::Test {
  faulty_path path{1};
  remembered_path acknowledged;
  std::optional<change> none;

  TabletStoreFault() { path.open(); }
  void make(const change& what) {
    what.on_store(*path.store);
    what.on_memory(acknowledged);
  }
};

TEST_F(TabletStoreFault, AfterAFailedFsyncNothingIsWrittenUntilReopened) {
  make(create(1, 100));
  make(load(10, {{1, {block_of("a", 3)}}}));
  make(publish(10, 2));
  path.disk.restart_process();
  path.disk.fail_only = "fsync";
  path.disk.fail_at = 1;
  refused(storage_fault::io, [&] { load(11, {{1, {block_of("b", 3)}}}).on_store(*path.store); });
  path.disk.fail_only = nullptr;
  const auto why = refused(storage_fault::io, [&] { path.store->create_replica(2, 200); });
  EXPECT_NE(why.find("takes no more writes since: cannot fsync"), std::string::npos) << why;
  refused(storage_fault::io, [&] { (void)path.store->begin_rowset(1); });
  refused(storage_fault::io, [&] { path.store->drop_replica(1, 100); });
  refused(storage_fault::io, [&] { path.store->mark_bad(1, true); });
  EXPECT_TRUE(path.store->status(1)->bad) << "remembered, though it could not be written";
  EXPECT_EQ(content_of(*path.store, path.store->rowsets(1)[0]), block_of("a", 3));
  path.store.reset();
  path.open();
  path.expect_sound(acknowledged, none);
  make(create(2, 200));
}

TEST_F(TabletStoreFault, FullDiskIsSaidAndPassesWithoutAReopen) {
  make(create(1, 100));
  for (const char* call : {"open", "pwrite", "mkdir", "sync_file_range"}) {
    path.disk.restart_process();
    path.disk.fail_only = call;
    path.disk.fail_at = 1;
    path.disk.fail_errno = ENOSPC;
    refused(storage_fault::disk_full, [&] { load(10, {{1, {block_of("b", 3)}}}).on_store(*path.store); });
    path.disk.fail_only = nullptr;
    EXPECT_EQ(files_under(path.root / "tablets").size(), 0u) << call;
  }
  make(load(10, {{1, {block_of("b", 3)}}}));
  make(publish(10, 2));
  EXPECT_EQ(difference(*path.store, acknowledged), "");
}

TEST_F(TabletStoreFault, FullDatabaseDoesNotKeepTheRowsetsSpace) {
  make(create(1, 100));
  path.database.fail_code = SQLITE_FULL;
  path.database.fail_at = path.database.operations() + 1;  // The commit's first write.
  refused(storage_fault::disk_full, [&] { load(10, {{1, {block_of("b", 3)}}}).on_store(*path.store); });
  EXPECT_EQ(files_under(path.root / "tablets").size(), 0u)
      << "another commit settled that the first one did not happen";
}

TEST_F(TabletStoreFault, UnreadableRowsetIsBadButALackOfDescriptorsIsNot) {
  make(create(1, 100));
  make(load(10, {{1, {block_of("a", 3)}}}));
  make(publish(10, 2));
  const auto fail_next = [this](const char* call, int error) {
    path.disk.restart_process();
    path.disk.fail_only = call;
    path.disk.fail_at = 1;
    path.disk.fail_errno = error;
  };
  fail_next("open", EMFILE);
  const auto why = refused(storage_fault::denied, [&] { (void)path.store->verify(1); });
  EXPECT_NE(why.find("LimitNOFILE"), std::string::npos) << why;
  EXPECT_FALSE(path.store->status(1)->bad);
  fail_next("pread", EIO);
  EXPECT_FALSE(path.store->verify(1));
  EXPECT_TRUE(path.store->status(1)->bad);
}

TEST_F(TabletStoreFault, SizeOfThePathIsNoCostOfStatus) {
  for (std::uint64_t tablet = 1; tablet <= 500; ++tablet)
    make(create(tablet, tablet));
  const auto queries = path.database.operations();
  path.disk.restart_process();
  EXPECT_EQ(path.store->list().size(), 500u);
  for (std::uint64_t tablet = 1; tablet <= 500; ++tablet)
    EXPECT_EQ(path.store->status(tablet)->version, 1u);
  EXPECT_EQ(path.database.operations(), queries);
  EXPECT_EQ(path.disk.calls_made(), 0);
}

}  // namespace
}  // namespace tabletd
