// Moves of a replica between two paths of its backend, alone and beside everything else that
// wants the tablet meanwhile.
#include "tests/node_be/move_world.h"
#include "tests/persistence/crash_vfs.h"
#include <cerrno>
#include <fstream>

namespace tabletd::test {
namespace {

using model::raw;

struct BackendMove : move_world {
  void SetUp() override {
    start(two_paths());
    create();
  }
};

TEST_F(BackendMove, TakesEverythingAlongAndKeepsTheReplica) {
  load(3);
  load(0); // An empty version has no file.
  load(4, 1'000, 1'000);
  const auto waiting = make_rows(10, 100, 7);
  {
    auto writer = fe->open_load(500, 1, 10);
    fe->write(writer, 1, waiting);
    ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  }
  full_report();
  EXPECT_EQ(raw(fe->ears().tablets[1].path), a);
  EXPECT_EQ(fe->ears().prepared, (std::vector<std::uint64_t>{500}));
  const auto end = fe->carry_out(move(2, b));
  EXPECT_EQ(raw(held(end).path), b);
  EXPECT_EQ(raw(held(end).replica), 10U);
  EXPECT_EQ(held(end).version, 4U);
  EXPECT_EQ(end.copied_bytes, loaded.size() + waiting.rows.size());
  EXPECT_EQ(be->stats().move_bytes, end.copied_bytes);
  fe->wait_until([&] { return raw(fe->ears().tablets[1].path) == b; });
  EXPECT_GE(fe->ears().stamp, end.stamp) << "the incremental report is not older than the end";
  EXPECT_EQ(fe->ears().prepared, (std::vector<std::uint64_t>{500}));
  expect_wholly_on(b);

  ASSERT_EQ(fe->publish(500, 5, {}), "") << "a verdict that names no tablet finds it";
  version = 5;
  loaded += waiting.rows;
  load(1);
  expect_wholly_on(b);
  stop();
  start(two_paths());
  expect_wholly_on(b, "after a restart");
  const auto again = fe->carry_out(move(2, b));
  EXPECT_TRUE(again.done()) << "the order comes again after a restart";
  EXPECT_EQ(again.copied_bytes, 0U);
  EXPECT_EQ(raw(held(fe->carry_out(move(3, a))).path), a) << "and back";
  expect_wholly_on(a);
}

TEST_F(BackendMove, AnEmptyTabletMoves) {
  EXPECT_EQ(raw(held(fe->carry_out(move(2, b))).path), b);
  expect_wholly_on(b);
  load(1);
  expect_wholly_on(b);
}

TEST_F(BackendMove, IsReportedOnceWithTheOldPathUntilTheSwitch) {
  load(2);
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  full_report();
  EXPECT_EQ(raw(fe->ears().tablets[1].path), a);
  EXPECT_EQ(fe->ears().tablets.size(), 1U);
  EXPECT_EQ(fe->scan(1, 10, version).bytes, loaded);
  stops.release(switching);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  expect_wholly_on(b);
}

// -- loads ---------------------------------------------------------------------------------

TEST_F(BackendMove, LoadsGoOnWhileItCopies) {
  stop();
  auto eager = two_paths();
  eager.move.rest_bytes_max = 3'000; // Of the four blocks, one round without the gate.
  start(eager);
  load(4);
  auto begun = fe->open_load(600, 1, 10);
  const auto first = rows(2, 10, 100, 600);
  fe->write(begun, 1, first[0]);
  auto silent = fe->open_load(601, 1, 10); // Its first row comes after the switch.
  const auto second = rows(1, 10, 100, 601);
  const auto copying = stops.stop_at("pwrite", (dir / "b/tmp").string(), 2);
  fe->submit({move(2, b)});
  stops.wait_until_stopped(copying);
  load(1);
  const auto waiting = make_rows(10, 100, 7);
  {
    auto writer = fe->open_load(500, 1, 10);
    fe->write(writer, 1, waiting);
    ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  }
  stops.release(copying);
  EXPECT_EQ(held(fe->end_of(model::log_index{2})).version, version);

  fe->write(begun, 1, first[1]);
  ASSERT_EQ(fe->prepare(begun, 1, first), "") << "a load that was open during the switch";
  fe->write(silent, 1, second[0]);
  ASSERT_EQ(fe->prepare(silent, 1, second), "");
  auto rowless = fe->open_load(602, 1, 10);
  ASSERT_EQ(fe->prepare(rowless, 1, {}), "");
  full_report();
  EXPECT_EQ(fe->ears().prepared, (std::vector<std::uint64_t>{500, 600, 601, 602}));
  for (const std::uint64_t txn : {500, 600, 601, 602})
    ASSERT_EQ(fe->publish(txn, ++version, {}), "");
  loaded += waiting.rows + first[0].rows + first[1].rows + second[0].rows;
  expect_wholly_on(b);
  stop();
  start(two_paths());
  expect_wholly_on(b);
}

/// The gate of its tablet is shut, and the move stands before a call about the target.
struct BackendMoveAlone : BackendMove, ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(BackendMoveAlone, VerdictsAndPreparesWait) {
  load(2);
  const auto waiting = make_rows(10, 100, 7);
  const auto late = make_rows(10, 100, 8);
  {
    auto writer = fe->open_load(500, 1, 10);
    fe->write(writer, 1, waiting);
    ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  }
  auto open = fe->open_load(501, 1, 10);
  fe->write(open, 1, late);
  const auto switching = stops.stop_at(GetParam().first, (dir / "b" / GetParam().second).string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  auto publish = fe->service().publishRequest();
  publish.setTerm(fe->term());
  auto verdict = publish.initTxns(1)[0];
  verdict.setTxn(500);
  verdict.setVersion(++version);
  auto published = publish.send();
  auto prepare = open.prepareRequest();
  auto expected = prepare.initTablets(1)[0];
  expected.setTablet(1);
  expected.setRows(late.count);
  expected.setBytes(late.rows.size());
  auto prepared = prepare.send();
  // Another tablet does not wait; by its answer the two above have been looked at.
  fe->create(3, 2, 20, a);
  fe->load(700, 2, 2, 20, rows(1, 10, 100, 9));
  stops.release(switching);
  EXPECT_EQ(fe->wait(kj::mv(published)).getFailed().size(), 0U);
  EXPECT_EQ(fe->wait(kj::mv(prepared)).getFailed().size(), 0U);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  ASSERT_EQ(fe->publish(501, ++version, {1}), "");
  loaded += waiting.rows + late.rows;
  ASSERT_TRUE(fe->carry_out({model::log_index{4}, model::drop_order{model::tablet_id{2}, model::replica_id{20}}}).done());
  expect_wholly_on(b);
}

INSTANTIATE_TEST_SUITE_P(Before, BackendMoveAlone,
                         ::testing::Values(std::pair{"pwrite", "tmp"}, std::pair{"rename", "tablets"}));

// -- failures ------------------------------------------------------------------------------

TEST_F(BackendMove, ADamagedSourceIsMarkedAndStays) {
  load(2);
  load(4);
  {
    std::fstream file(segments(dir / "a").at(1), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 2'500); // Third block of version 3.
    file.put('#');
  }
  const auto why = failure(fe->carry_out(move(2, b)));
  EXPECT_EQ(why.kind, model::task_failure::source_corrupt);
  EXPECT_NE(why.message.find("checksum"), std::string::npos) << why.message;
  fe->wait_until([&] { return fe->ears().tablets[1].bad; });
  EXPECT_EQ(raw(fe->ears().tablets[1].path), a);
  path_is_idle(b);
  EXPECT_EQ(files_of(dir / "b"), 0U);
  EXPECT_EQ(segments(dir / "a").size(), 2U);
  EXPECT_EQ(failure(fe->carry_out(move(3, b))).kind, model::task_failure::source_corrupt) << "a bad one does not move";
}

TEST_F(BackendMove, AMissingFileIsDamageToo) {
  load(1);
  std::filesystem::remove(segments(dir / "a").at(0));
  EXPECT_EQ(failure(fe->carry_out(move(2, b))).kind, model::task_failure::source_corrupt);
  fe->wait_until([&] { return fe->ears().tablets[1].bad; });
}

TEST_F(BackendMove, ATargetThatIsTooSmallIsNamedBeforeAnythingIsCopied) {
  stop();
  start(two_paths(3U << 20));
  load(5, 1'000, 1'000);
  const auto why = failure(fe->carry_out(move(2, b)));
  EXPECT_EQ(why.kind, model::task_failure::disk_full);
  EXPECT_NE(why.message.find((dir / "b").string()), std::string::npos) << why.message;
  EXPECT_EQ(be->stats().move_bytes, 0U);
  expect_wholly_on(a);
  EXPECT_TRUE(fe->paths()[1].online);
}

TEST_F(BackendMove, ATargetThatFillsUpMeanwhileIsNamed) {
  load(5, 1'000, 1'000);
  for (const auto* call : {"pwrite", "mkdir"}) { // While it copies, and in the switch.
    const std::string where = (dir / "b").string() + (std::string_view{call} == "pwrite" ? "/tmp" : "/tablets");
    stops.fail_at(call, where, call == std::string_view{"pwrite"} ? 3 : 1, ENOSPC);
    const auto why = failure(fe->carry_out(move(next_fence++, b)));
    EXPECT_EQ(why.kind, model::task_failure::disk_full) << call;
    EXPECT_NE(why.message.find((dir / "b").string()), std::string::npos) << why.message;
    stops.clear();
    expect_wholly_on(a, call);
  }
  EXPECT_TRUE(fe->paths()[1].online);
  EXPECT_TRUE(fe->carry_out(move(9, b)).done()) << "when there is room again";
  expect_wholly_on(b);
}

TEST_F(BackendMove, ATargetThatFailsGoesOfflineAlone) {
  load(2);
  stops.fail_at("fsync", (dir / "b").string(), 1, EIO);
  EXPECT_EQ(failure(fe->carry_out(move(2, b))).kind, model::task_failure::io);
  stops.clear();
  EXPECT_TRUE(fe->paths()[0].online);
  EXPECT_FALSE(fe->paths()[1].online);
  EXPECT_EQ(failure(fe->carry_out(move(3, b))).kind, model::task_failure::io);
  load(1);
  EXPECT_EQ(fe->scan(1, 10, version).bytes, loaded);
}

TEST_F(BackendMove, OrdersThatFitNothingHereAreRefused) {
  load(1);
  EXPECT_EQ(failure(fe->carry_out(move(2, a + b))).kind, model::task_failure::path_unknown);
  EXPECT_EQ(failure(fe->carry_out(move(3, b, 1, 11))).kind, model::task_failure::stale);
  EXPECT_EQ(failure(fe->carry_out(move(4, b, 2, 10))).kind, model::task_failure::stale);
  EXPECT_TRUE(fe->carry_out(move(5, a)).done()) << "it is there";
  expect_wholly_on(a);
}

TEST_F(BackendMove, ASourceThatCannotForgetIsCleanedAtTheNextStart) {
  stop();
  std::filesystem::remove_all(dir / "a");
  crash_disk database{1};
  auto fragile = two_paths();
  fragile.paths[0].store.sqlite_vfs = database.vfs();
  start(fragile);
  create();
  load(2);
  const auto waiting = make_rows(10, 100, 7);
  {
    auto writer = fe->open_load(500, 1, 10);
    fe->write(writer, 1, waiting);
    ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  }
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  database.fail_at = database.operations() + 1; // The commit of the removal.
  stops.release(switching);
  EXPECT_EQ(raw(held(fe->end_of(model::log_index{2})).path), b) << "it is there, whatever the old path says";
  EXPECT_FALSE(fe->paths()[0].online);
  EXPECT_EQ(segments(dir / "a").size(), 2U) << "what could not be removed";
  ASSERT_EQ(fe->publish(500, ++version, {}), "") << "the old path is not asked";
  loaded += waiting.rows;
  load(1);
  EXPECT_EQ(fe->scan(1, 10, version).bytes, loaded);
  full_report();
  EXPECT_EQ(raw(fe->ears().tablets[1].path), b);
  stop();
  database.restart_process();
  start(fragile);
  expect_wholly_on(b);
  stop();
}

// -- orders --------------------------------------------------------------------------------

TEST_F(BackendMove, TheSameFenceTwiceMovesTheBytesOnce) {
  load(4);
  fe->submit({move(2, b), move(2, b)});
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  fe->submit({move(2, b)});
  std::ignore = fe->end_of(model::log_index{2}, 2);
  EXPECT_EQ(be->stats().move_bytes, loaded.size());
  expect_wholly_on(b);
}

TEST_F(BackendMove, CancelLeavesTheOriginalAndNothingElse) {
  load(4);
  const auto copying = stops.stop_at("pwrite", (dir / "b/tmp").string(), 3);
  fe->submit({move(2, b)});
  stops.wait_until_stopped(copying);
  fe->submit({{model::log_index{2}, model::cancel_order{model::log_index{2}}}});
  EXPECT_EQ(failure(fe->end_of(model::log_index{2})).kind, model::task_failure::cancelled);
  stops.release(copying);
  expect_wholly_on(a);
  EXPECT_TRUE(fe->carry_out(move(3, b)).done());
  expect_wholly_on(b);
}

TEST_F(BackendMove, ACancelThatComesDuringTheSwitchIsTooLate) {
  load(2);
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  fe->submit({{model::log_index{2}, model::cancel_order{model::log_index{2}}}});
  fe->create(3, 2, 20, a); // The keeper has read the cancel.
  ASSERT_TRUE(fe->carry_out({model::log_index{4}, model::drop_order{model::tablet_id{2}, model::replica_id{20}}}).done());
  stops.release(switching);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  expect_wholly_on(b);
}

TEST_F(BackendMove, ADropUndoesTheMoveFirst) {
  load(4);
  const auto copying = stops.stop_at("pwrite", (dir / "b/tmp").string(), 3);
  fe->submit({move(2, b)});
  stops.wait_until_stopped(copying);
  fe->submit({{model::log_index{3}, model::drop_order{model::tablet_id{1}, model::replica_id{10}}}});
  EXPECT_EQ(failure(fe->end_of(model::log_index{2})).kind, model::task_failure::cancelled);
  stops.release(copying);
  EXPECT_TRUE(fe->end_of(model::log_index{3}).done());
  path_is_idle(b);
  EXPECT_EQ(files_of(dir / "a") + files_of(dir / "b"), 0U);
  fe->wait_until([&] { return !fe->ears().tablets.contains(1); });
}

TEST_F(BackendMove, ACreateThatWaitsMeanwhileFollows) {
  load(2);
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  auto busy = keep_a_busy();
  fe->submit({{model::log_index{3}, model::create_order{model::tablet_id{1}, model::replica_id{10}, model::path_hash{a}}}});
  std::ignore = failure(fe->carry_out(move(4, b, 77, 770))); // By now it waits for its disk.
  stops.release(switching);
  fe->wait_until([&] { return raw(fe->ears().tablets[1].path) == b; });
  stops.release(busy.at);
  EXPECT_EQ(raw(held(fe->end_of(model::log_index{3})).path), b);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  fe->wait(kj::mv(busy.block));
  expect_wholly_on(b);
}

// -- readers -------------------------------------------------------------------------------

TEST_F(BackendMove, AScanThatHasBegunReadsOn) {
  load(8);
  auto request = fe->service().openScanRequest();
  request.setTablet(1);
  request.setReplica(10);
  request.setVersion(version);
  auto opened = fe->wait(request.send());
  auto scan = opened.getOutcome().getScan();
  std::string read;
  const auto next = [&] {
    const auto response = fe->wait(scan.nextRequest().send());
    const auto block = response.getBlock();
    EXPECT_EQ(block.getError().size(), 0U);
    read.append(reinterpret_cast<const char*>(block.getData().begin()), block.getData().size());
    return !block.getEnd();
  };
  ASSERT_TRUE(next());
  ASSERT_TRUE(fe->carry_out(move(2, b)).done());
  expect_wholly_on(b);
  while (next()) {
  }
  EXPECT_EQ(read, loaded);
}

TEST_F(BackendMove, ACloneFromItReadsOn) {
  load(16, 1'000, 1'000);
  backend target{sys, options("target")};
  leader at_target{io, target.port()};
  ASSERT_EQ(at_target.attach(5), "");
  cable cord{io, be->port()};
  cord.hold_after(3'500'000);
  at_target.submit({clone_task(50, 1, 20, target.node().paths()[0].hash, version, cord.port(), 10)});
  cord.wait_until_held();
  ASSERT_TRUE(fe->carry_out(move(2, b)).done());
  expect_wholly_on(b);
  cord.release();
  EXPECT_EQ(held(at_target.end_of(model::log_index{50})).version, version);
  EXPECT_TRUE(at_target.scan(1, 20, version).bytes == loaded);
}

TEST_F(BackendMove, AVerifyUnderWayStartsAgainOnTheNewPath) {
  load(20, 1'000, 1'000); // More than one step.
  const auto switching = stops.stop_at("rename", (dir / "b/tablets").string());
  fe->submit({move(2, b)});
  stops.wait_until_stopped(switching);
  const auto checking = stops.stop_at("pread", (dir / "a/tablets").string(), 5);
  fe->submit({{model::log_index{3}, model::verify_order{model::tablet_id{1}, model::replica_id{10}}}});
  stops.wait_until_stopped(checking);
  stops.release(switching);
  fe->wait_until([&] { return raw(fe->ears().tablets[1].path) == b; }); // The old path is about to be cleared.
  stops.release(checking);
  EXPECT_TRUE(fe->end_of(model::log_index{2}).done());
  const auto checked = held(fe->end_of(model::log_index{3}));
  EXPECT_EQ(raw(checked.path), b);
  EXPECT_EQ(raw(checked.replica), 10U);
  EXPECT_FALSE(checked.bad);
  expect_wholly_on(b);
}

TEST_F(BackendMove, ManyMovesCrossEachOther) {
  for (std::uint64_t tablet = 2; tablet <= 9; ++tablet) {
    fe->create(next_fence++, tablet, tablet * 10, tablet % 2 ? a : b);
    fe->load(300 + tablet, 2, tablet, tablet * 10, rows(3, 100, 1'000, tablet));
  }
  std::vector<model::agent_task> orders;
  for (int round = 0; round < 4; ++round)
    for (std::uint64_t tablet = 2; tablet <= 9; ++tablet)
      orders.push_back(move(2'000 + static_cast<std::uint64_t>(round) * 10 + tablet,
                            (tablet + static_cast<std::uint64_t>(round)) % 2 ? b : a, tablet, tablet * 10));
  fe->submit(orders); // Later ones give the earlier ones up, at any step.
  for (const auto& order : orders)
    std::ignore = fe->end_of(order.fence);
  for (std::uint64_t tablet = 2; tablet <= 9; ++tablet) {
    std::string expected;
    for (const auto& block : rows(3, 100, 1'000, tablet))
      expected += block.rows;
    EXPECT_EQ(raw(held(fe->end_of(model::log_index{2'030 + tablet})).path), (tablet + 3) % 2 ? b : a);
    EXPECT_TRUE(fe->scan(tablet, tablet * 10, 2).bytes == expected) << tablet;
  }
  path_is_idle(a);
  path_is_idle(b);
  EXPECT_EQ(files_of(dir / "a") + files_of(dir / "b"), 8U) << "one file a tablet";
}

} // namespace
} // namespace tabletd::test
