// The edit log on a disk that loses power or fails a call: whatever was acknowledged is
// there afterwards, and what was not is there whole or not at all.
#include "persistence/sqlite.h"
#include "tests/persistence/crash_vfs.h"
#include "tests/persistence/edit_log_model.h"

namespace tabletd {
namespace {

using namespace test;

constexpr int checkpoint_pages = 8;  // Checkpoints must happen between two power cuts.

std::unique_ptr<edit_log> open(const crash_disk& disk) {
  return open_sqlite_edit_log("", {disk.vfs(), checkpoint_pages});
}

/// What the disk may hold: everything acknowledged, or that and the change in flight.
struct expectation {
  remembered_log acknowledged;
  std::optional<log_change> in_flight;

  void check(const remembered_log& found) {
    auto finished = acknowledged;
    if (in_flight)
      in_flight->apply_to(finished);
    EXPECT_TRUE(found == acknowledged || found == finished)
        << "acknowledged " << acknowledged.first << ".." << acknowledged.last() << ", found " << found.first << ".."
        << found.last();
    acknowledged = found;
    in_flight.reset();
  }
  /// False: the disk said no.
  bool attempt(edit_log& log, log_change change) {
    in_flight = std::move(change);
    try {
      in_flight->apply_to(log);
    } catch (const storage_error&) {
      return false;
    }
    in_flight->apply_to(acknowledged);
    in_flight.reset();
    return true;
  }
};

/// Boots, checks, and changes until the power goes; the last boot only checks.
struct storm {
  directory_model directories = directory_model::ordered;
  power_cut cut;
  std::int64_t changes = 0;  ///< Acknowledged, over all seeds.

  void run(std::uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    crash_disk disk(seed);
    disk.directories = directories;
    expectation expected;
    for (int boot = 0; boot < 5; ++boot) {
      if (boot < 4)
        disk.cut_at = 20 + static_cast<std::int64_t>(disk.rng() % 400);
      try {
        auto log = open(disk);
        expected.check(read_back(*log));
        for (int i = 0; i < 60; ++i, ++changes)
          if (!expected.attempt(*log, random_change(expected.acknowledged, disk.rng)))
            break;
      } catch (const storage_error& error) {
        ASSERT_TRUE(disk.dead()) << "a healthy disk was refused: " << error.what();
      }
      disk.restore_power(cut);
    }
  }
};

storm weather(directory_model directories, power_cut cut, std::uint64_t seeds) {
  storm made{directories, cut};
  for (std::uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed)
    made.run(seed);
  return made;
}

TEST(EditLogCrash, PowerCutsNeverLoseWhatWasAcknowledged) {
  EXPECT_GT(weather(directory_model::ordered, {}, 150).changes, 5'000);
}
TEST(EditLogCrash, NorWithTornAndGarbageSectors) {
  EXPECT_GT(weather(directory_model::ordered, {.5, true, true}, 150).changes, 5'000);
}
TEST(EditLogCrash, NorWhereAnFsyncMakesOnlyItsOwnNameDurable) {
  EXPECT_GT(weather(directory_model::strict, {}, 150).changes, 5'000);
}
// Controls: with these two nothing may be lost whatever the code does right or wrong about
// order, so a loss here is a bug of the disk model (design/testing.md 4.1).
TEST(EditLogCrash, ControlEverythingSurvives) {
  for (auto directories : {directory_model::ordered, directory_model::strict})
    EXPECT_GT(weather(directories, {1., false, false}, 40).changes, 1'000);
}
TEST(EditLogCrash, ControlOnlySyncedBytesSurvive) {
  for (auto directories : {directory_model::ordered, directory_model::strict})
    EXPECT_GT(weather(directories, {0., false, false}, 40).changes, 1'000);
}

/// Rows acknowledged by a plain database and no longer there after a power cut.
int rows_lost(const char* weaken, directory_model directories, bool sync_lies) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    crash_disk disk(seed);
    disk.directories = directories;
    std::int64_t acknowledged = 0;
    try {
      auto db = sqlite::open_database("x.db", disk.vfs(), checkpoint_pages);
      db.execute("CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB)");
      db.execute(weaken);
      disk.sync_lies = sync_lies;
      disk.cut_at = disk.operations() + 20 + static_cast<std::int64_t>(disk.rng() % 200);
      for (;; ++acknowledged)
        db.execute("INSERT INTO t(b) VALUES(randomblob(900))");
    } catch (const storage_error&) {
      disk.restore_power({});
    }
    disk.sync_lies = false;
    try {
      auto db = sqlite::open_database("x.db", disk.vfs(), checkpoint_pages);
      lost += db.number("SELECT count(*) FROM t") < acknowledged;
    } catch (const storage_error&) {
      ++lost;
    }
  }
  return lost;
}

TEST(EditLogCrash, TheHarnessHasTeeth) {
  EXPECT_EQ(rows_lost("SELECT 1", directory_model::ordered, false), 0);
  EXPECT_EQ(rows_lost("SELECT 1", directory_model::strict, false), 0);
  EXPECT_GT(rows_lost("PRAGMA synchronous=NORMAL", directory_model::ordered, false), 0);
  EXPECT_GT(rows_lost("PRAGMA synchronous=OFF", directory_model::ordered, false), 0);
  EXPECT_GT(rows_lost("SELECT 1", directory_model::ordered, true), 0);
}

/// Runs the same changes with operation `failing` refused, then comes back the way `back`
/// says, writes more, and loses the power.  False: that operation was never reached.
struct one_failure {
  int code = SQLITE_IOERR;
  bool failed_sync_forgets = false;
  bool power_lost = false;  ///< After the failure; else only the process restarts.
  int reported = 0;
  int swallowed = 0;  ///< A failed checkpoint is nobody's loss and is not reported.

  bool run(std::int64_t failing) {
    SCOPED_TRACE("operation " + std::to_string(failing));
    crash_disk disk(7);
    disk.failed_sync_forgets = failed_sync_forgets;
    disk.fail_at = failing;
    disk.fail_code = code;
    expectation expected;
    const bool failed = !write_some(disk, expected);
    const bool reached = disk.operations() >= failing;
    reported += failed;
    swallowed += reached && !failed;
    disk.stop();
    come_back(disk);
    {
      auto log = open(disk);
      expected.check(read_back(*log));
      for (int i = 0; i < 10; ++i)
        EXPECT_TRUE(expected.attempt(*log, random_change(expected.acknowledged, disk.rng)));
      disk.stop();
    }
    disk.restore_power({0., false, false});
    expected.check(read_back(*open(disk)));
    return reached;
  }

private:
  static bool write_some(crash_disk& disk, expectation& expected) {
    try {
      auto log = open(disk);
      for (int i = 0; i < 25; ++i)
        if (!expected.attempt(*log, random_change(expected.acknowledged, disk.rng))) {
          // Whatever comes next is refused as well: the failed write is not retried.
          const auto acknowledged = expected.acknowledged;
          const auto in_flight = expected.in_flight;
          EXPECT_FALSE(expected.attempt(*log, *in_flight));
          expected = {acknowledged, in_flight};
          disk.stop();  // The process exits here; nothing is tidied up.
          return false;
        }
      disk.stop();
      return true;
    } catch (const storage_error&) {
      return false;  // Not even opened: nothing was acknowledged.
    }
  }
  void come_back(crash_disk& disk) const {
    if (power_lost)
      disk.restore_power({0., false, false});
    else
      disk.restart_process();
  }
};

void fail_every_operation(one_failure how) {
  std::int64_t failing = 1;
  while (how.run(failing) && !testing::Test::HasFailure())
    ++failing;
  EXPECT_GT(failing, 200);
  EXPECT_GT(how.reported, 50);
  EXPECT_GT(how.swallowed, 0);
}

TEST(EditLogCrash, EveryFailedCallIsReportedAndNothingAcknowledgedIsLost) {
  fail_every_operation({});
  fail_every_operation({SQLITE_FULL});
}
TEST(EditLogCrash, NorIfThePowerGoesAfterwards) {
  one_failure how;
  how.power_lost = true;
  fail_every_operation(how);
}
TEST(EditLogCrash, NorIfTheKernelForgetsWhatItCouldNotSync) {
  one_failure how;
  how.failed_sync_forgets = true;
  fail_every_operation(how);
}

TEST(EditLogCrash, AFlippedByteIsNeverBelieved) {
  std::size_t noticed = 0;
  for (std::size_t offset = 0; offset < 40'000; offset += 61) {
    SCOPED_TRACE("offset " + std::to_string(offset));
    crash_disk disk(3);
    expectation expected;
    {
      auto log = open(disk);
      while (expected.acknowledged.entries.size() < 40)
        ASSERT_TRUE(expected.attempt(*log, random_change(expected.acknowledged, disk.rng)));
    }
    disk.damage("log.db", offset);
    try {
      expected.check(read_back(*open(disk)));
    } catch (const storage_error&) {
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 200U);  // The rest hit free space.
}

TEST(EditLogCrash, AFullDiskIsReportedAsSuch) {
  crash_disk disk(1);
  auto log = open(disk);
  log->save_hard_state({1, 0});
  disk.quota_bytes = 64 << 10;
  try {
    append(*log, 1, {{1, 1, std::string(256 << 10, 'x')}});
    FAIL() << "accepted more than the disk holds";
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::disk_full);
    EXPECT_NE(std::string(error.what()).find("log.db"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("free space"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace tabletd
