// Clones between two backends: whole, incremental, resumed, refused, cancelled.
#include "tests/node_be/be_world.h"
#include "node/be/partial_copy.h"
#include "persistence/rowset_file.h"
#include <capnp/message.h>
#include <fstream>

namespace tabletd::test {
namespace {

using model::raw;

struct BackendClone : be_world {
  std::optional<backend> source;
  std::optional<backend> target;
  std::optional<leader> at_source;
  std::optional<leader> at_target;
  std::uint64_t source_path = 0;
  std::uint64_t target_path = 0;
  std::string loaded; ///< Rows of tablet 1 at the source, in version order.
  model::version version = 1;

  void SetUp() override {
    source.emplace(sys, options("source"));
    at_source.emplace(io, source->port());
    ASSERT_EQ(at_source->attach(5), "");
    source_path = source->node().paths()[0].hash;
    at_source->create(1, 1, 10, source_path);
    start_target(options("target"));
  }
  void start_target(be_options how) {
    target.emplace(sys, std::move(how));
    at_target.emplace(io, target->port());
    ASSERT_EQ(at_target->attach(5), "");
    target_path = target->node().paths()[0].hash;
  }
  void stop_target() {
    at_target.reset();
    target.reset();
  }
  /// Another version at the source.
  void load(std::size_t blocks, std::uint32_t rows = 10, std::size_t length = 100) {
    std::vector<row_bytes> all;
    for (std::size_t i = 0; i < blocks; ++i) {
      all.push_back(make_rows(rows, length, version * 1'000 + i));
      loaded += all.back().rows;
    }
    ++version;
    at_source->load(100 + version, version, 1, 10, all);
  }
  model::task_end clone(std::uint64_t fence, std::uint16_t port, std::uint64_t replica = 20) {
    return at_target->carry_out(clone_task(fence, 1, replica, target_path, version, port, 10));
  }
  model::task_end clone(std::uint64_t fence) { return clone(fence, source->port()); }
  static model::task_failed failure(const model::task_end& end) {
    const auto* failed = std::get_if<model::task_failed>(&end.outcome);
    EXPECT_NE(failed, nullptr) << "it was done";
    return failed ? *failed : model::task_failed{};
  }
  static model::held_replica held(const model::task_end& end) {
    const auto* failed = std::get_if<model::task_failed>(&end.outcome);
    EXPECT_EQ(failed, nullptr) << failed->message;
    return failed ? model::held_replica{} : std::get<model::held_replica>(end.outcome);
  }
  /// Returns when the target's disk has done everything it was given before.
  void target_is_idle() {
    static std::uint64_t fence = 1'000'000;
    ++fence;
    at_target->create(fence, fence, 1, target_path);
  }
  void flip(const std::filesystem::path& file, std::streamoff at) {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(at);
    bytes.put('#');
  }
};

TEST_F(BackendClone, FullCopyIsTheSameByteForByte) {
  load(3);
  load(0); // An empty version has no file.
  load(2, 1'000, 1'000);
  const auto end = clone(50);
  EXPECT_EQ(held(end).version, 4U);
  EXPECT_EQ(raw(held(end).replica), 20U);
  EXPECT_EQ(end.copied_bytes, loaded.size());
  EXPECT_EQ(at_target->scan(1, 20, 4).bytes, loaded);
  const auto theirs = segments(dir / "source");
  const auto ours = segments(dir / "target");
  ASSERT_EQ(theirs.size(), ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_EQ(rowset_reader::open(theirs[i])->footer(), rowset_reader::open(ours[i])->footer());
  EXPECT_EQ(files_of(dir / "target"), ours.size()) << "nothing partial is left";
  at_target->wait_until([&] { return at_target->ears().tablets[1].version == 4; });
}

TEST_F(BackendClone, IncrementalCopyFetchesOnlyWhatIsMissing) {
  load(3);
  ASSERT_TRUE(clone(50).done());
  load(1);
  load(1);
  const auto before = target->stats().blocks_copied.load();
  const auto end = clone(51);
  EXPECT_EQ(held(end).version, 4U);
  EXPECT_EQ(target->stats().blocks_copied - before, 2U);
  EXPECT_EQ(at_target->scan(1, 20, 4).bytes, loaded);
}

TEST_F(BackendClone, WhatIsThereAlreadyIsDoneAtOnce) {
  load(3);
  ASSERT_TRUE(clone(50).done());
  const auto before = target->stats().blocks_copied.load();
  EXPECT_TRUE(clone(51).done());
  EXPECT_EQ(target->stats().blocks_copied, before);
}

TEST_F(BackendClone, AHoleIsFilledInPlace) {
  load(1);
  ASSERT_TRUE(clone(50).done());
  load(1); // Version 3 misses the target.
  load(1);
  {
    const auto block = make_rows(10, 100, 3 * 1'000);
    auto writer = at_target->open_load(104, 1, 20);
    at_target->write(writer, 1, block);
    ASSERT_EQ(at_target->prepare(writer, 1, {block}), "");
    ASSERT_EQ(at_target->publish(104, 4, {1}), "");
  }
  at_target->wait_until([&] { return at_target->ears().tablets[1].max_version == 4; });
  EXPECT_EQ(at_target->ears().tablets[1].version, 2U);
  const auto before = target->stats().blocks_copied.load();
  EXPECT_EQ(held(at_target->carry_out(clone_task(51, 1, 20, 0, 4, source->port(), 10))).version, 4U);
  EXPECT_EQ(target->stats().blocks_copied - before, 1U) << "only version 3";
  EXPECT_EQ(at_target->scan(1, 20, 4).bytes, loaded);
}

TEST_F(BackendClone, ADamagedCopyIsReplacedWhole) {
  load(2);
  ASSERT_TRUE(clone(50).done());
  flip(segments(dir / "target").at(0), 100);
  ASSERT_NE(at_target->scan(1, 20, 2).failure, "");
  at_target->wait_until([&] { return at_target->ears().tablets[1].bad; });
  EXPECT_FALSE(held(clone(51)).bad);
  EXPECT_EQ(at_target->scan(1, 20, 2).bytes, loaded);
}

TEST_F(BackendClone, ACutCableCostsOnlyTheBlocksThatWereOnIt) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.cut_after(6'500'000); // In the seventh block.
  const auto end = clone(50, cord.port());
  EXPECT_EQ(held(end).version, 2U);
  EXPECT_EQ(cord.cuts(), 1U);
  EXPECT_EQ(cord.connections(), 2U);
  EXPECT_EQ(target->stats().blocks_copied, 16U) << "no block that had arrived was fetched again";
  EXPECT_EQ(at_target->scan(1, 20, 2).bytes, loaded);
}

TEST_F(BackendClone, ManyCutsStillEndWithTheWholeTablet) {
  for (int i = 0; i < 10; ++i)
    load(2, 100, 1'000);
  cable cord{io, source->port()};
  for (int i = 0; i < 5; ++i)
    cord.cut_after(350'000);
  EXPECT_EQ(held(clone(50, cord.port())).version, version);
  EXPECT_EQ(cord.cuts(), 5U);
  EXPECT_EQ(target->stats().blocks_copied, 20U);
  EXPECT_EQ(at_target->scan(1, 20, version).bytes, loaded);
}

TEST_F(BackendClone, ARestartedTargetResumesFromItsPartialFiles) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.cut_after(6'500'000);
  stop_target();
  auto patient = options("target");
  patient.clone.retry_first_ms = model::time_ms{3'600'000}; // It waits until it is stopped.
  patient.clone.retry_max_ms = patient.clone.retry_first_ms;
  start_target(patient);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_cut();
  while (target->stats().blocks_copied < 2)
    std::ignore = at_target->paths(); // They are on their way from the kernel.
  const auto counted = target->node().stats();
  stop_target();
  const auto before = counted->blocks_copied.load();
  EXPECT_EQ(segments(dir / "target").size(), 0U) << "nothing of it is visible";
  EXPECT_EQ(files_of(dir / "target"), 1U) << "but its partial file is there";

  start_target(options("target"));
  at_target->wait_until([&] { return at_target->ears().reports_full > 0; });
  EXPECT_TRUE(at_target->ears().tablets.empty()) << "a partial clone is no replica";
  EXPECT_EQ(held(clone(50)).version, 2U);
  EXPECT_EQ(target->stats().blocks_copied, 16U - before) << "what had arrived was not fetched again";
  EXPECT_EQ(at_target->scan(1, 20, 2).bytes, loaded);
  EXPECT_EQ(files_of(dir / "target"), 1U);
}

TEST_F(BackendClone, PartialFilesNobodyAsksForAgainAreSwept) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.cut_after(6'500'000);
  stop_target();
  auto patient = options("target");
  patient.clone.retry_first_ms = model::time_ms{3'600'000};
  patient.clone.retry_max_ms = patient.clone.retry_first_ms;
  start_target(patient);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_cut();
  while (target->stats().blocks_copied == 0)
    std::ignore = at_target->paths();
  stop_target();
  ASSERT_EQ(files_of(dir / "target"), 1U);
  auto hasty = options("target");
  hasty.mover.leftovers_kept = 1 * kj::MILLISECONDS;
  start_target(hasty);
  while (files_of(dir / "target") > 0)
    std::ignore = at_target->paths();
}

TEST_F(BackendClone, TheClockOfPartialFilesStartsAtTheFirstAttach) {
  stop_target();
  std::filesystem::create_directories(dir / "target/tmp/clone-50");
  std::ofstream(dir / "target/tmp/clone-50/1.part") << "begun";
  target.emplace(sys, options("target"), true);
  target_path = target->node().paths()[0].hash;
  target->pass(9 * kj::MINUTES); // No leader yet.
  at_target.emplace(io, target->port());
  ASSERT_EQ(at_target->attach(5), "");
  target_is_idle(); // The files have been listed.
  target->pass(9 * kj::MINUTES);
  target_is_idle();
  EXPECT_EQ(files_of(dir / "target"), 1U) << "its order may still come again";
  target->pass(2 * kj::MINUTES);
  target_is_idle();
  EXPECT_EQ(files_of(dir / "target"), 0U);
}

TEST_F(BackendClone, ADamagedSourceIsNamedAndNothingOfItArrives) {
  load(4);
  load(4);
  flip(segments(dir / "source").at(1), 16 + 2'500); // Third block of version 3.
  const auto why = failure(clone(50));
  EXPECT_EQ(why.kind, model::task_failure::source_corrupt);
  EXPECT_NE(why.message.find("checksum"), std::string::npos) << why.message;
  at_source->wait_until([&] { return at_source->ears().tablets[1].bad; });
  EXPECT_EQ(target->stats().blocks_copied, 6U);
  target_is_idle();
  EXPECT_EQ(files_of(dir / "target"), 0U);
  at_target->submit({{model::log_index{51}, model::verify_order{model::tablet_id{1}, model::replica_id{20}}}});
  EXPECT_EQ(failure(at_target->end_of(model::log_index{51})).kind, model::task_failure::stale) << "it is not here";
  EXPECT_EQ(failure(clone(52)).kind, model::task_failure::source_corrupt) << "a bad replica is no source";
}

/// A source that says whatever `tell` puts into its snapshot.
class false_source final : public wire::BackendGateway::Server {
public:
  using tell_fn = std::function<void(wire::Snapshot::Builder)>;
  explicit false_source(tell_fn tell) : tell_(std::move(tell)) {}
  kj::Promise<void> peer(PeerContext context) override {
    context.getResults().initOutcome().setPeer(kj::heap<false_peer>(tell_));
    return kj::READY_NOW;
  }

private:
  struct false_peer final : wire::BackendPeer::Server {
    explicit false_peer(tell_fn t) : tell(std::move(t)) {}
    kj::Promise<void> snapshot(SnapshotContext context) override {
      tell(context.getResults().initOutcome().initSnapshot());
      return kj::READY_NOW;
    }
    tell_fn tell;
  };
  tell_fn tell_;
};

/// What a manifest says of a file of `blocks` equal blocks.
void fill_manifest(wire::RowsetManifest::Builder to, std::uint64_t id, std::uint64_t version, std::uint32_t blocks) {
  rowset_footer footer;
  footer.tablet = 1;
  const auto block = make_rows(10, 100, id);
  for (std::uint32_t i = 0; i < blocks; ++i) {
    footer.blocks.push_back({16 + i * block.rows.size(), static_cast<std::uint32_t>(block.rows.size()), block.count,
                             block.checksum()});
    footer.rows += block.count;
    footer.bytes += block.rows.size();
  }
  const auto encoded = footer.encode();
  to.setId(id);
  to.getVersion().setFirst(version);
  to.getVersion().setLast(version);
  to.setRows(footer.rows);
  to.setBytes(footer.bytes);
  to.setBlocks(blocks);
  to.setTxn(version);
  to.setFooter(kj::arrayPtr(reinterpret_cast<const kj::byte*>(encoded.data()), encoded.size()));
}

TEST_F(BackendClone, AManifestThatListsARowsetTwiceIsRefused) {
  capnp::TwoPartyServer server{kj::heap<false_source>([](wire::Snapshot::Builder snapshot) {
    snapshot.setFull(true);
    auto rowsets = snapshot.initRowsets(2);
    fill_manifest(rowsets[0], 5, 2, 3);
    fill_manifest(rowsets[1], 5, 3, 1); // Fewer blocks than the file its id stands for.
  })};
  auto receiver = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  const auto listening = server.listen(*receiver).eagerlyEvaluate([](kj::Exception&&) {});
  version = 3;
  const auto why = failure(clone(50, static_cast<std::uint16_t>(receiver->getPort())));
  EXPECT_EQ(why.kind, model::task_failure::source_corrupt);
  EXPECT_NE(why.message.find("rowset 5 of tablet 1 twice"), std::string::npos) << why.message;
  target_is_idle();
  EXPECT_EQ(files_of(dir / "target"), 0U);
}

TEST_F(BackendClone, APartialCopyTakesNoRowsetTwice) {
  temp_dir elsewhere;
  const auto store = tablet_store::open(elsewhere / "path", {});
  const auto listed = [](std::uint32_t blocks) {
    capnp::MallocMessageBuilder message;
    auto manifest = message.initRoot<wire::RowsetManifest>();
    fill_manifest(manifest, 5, 2, blocks);
    const auto footer = manifest.asReader().getFooter();
    source_rowset rowset{5, {2, 2}, manifest.getRows(), manifest.getBytes(), 2, {}, {}};
    const auto* begin = reinterpret_cast<const std::byte*>(footer.begin());
    rowset.encoded_footer.assign(begin, begin + footer.size());
    rowset.footer = rowset_footer::decode(rowset.encoded_footer, "here");
    return rowset;
  };
  partial_copy part{7};
  EXPECT_THROW(std::ignore = part.open(*store, std::make_shared<const source_listing>(
                                                 source_listing{{listed(3), listed(1)}, {}})),
               storage_error);
}

TEST_F(BackendClone, AMissingSourceFileIsDamageToo) {
  load(1);
  std::filesystem::remove(segments(dir / "source").at(0));
  EXPECT_EQ(failure(clone(50)).kind, model::task_failure::source_corrupt);
  at_source->wait_until([&] { return at_source->ears().tablets[1].bad; });
}

TEST_F(BackendClone, SourceThatIsBehindOrGoneOrOther) {
  load(1);
  const auto task = clone_task(50, 1, 20, target_path, 9, source->port(), 10);
  EXPECT_EQ(failure(at_target->carry_out(task)).kind, model::task_failure::stale);
  EXPECT_EQ(failure(at_target->carry_out(clone_task(51, 1, 20, target_path, 2, source->port(), 11))).kind,
            model::task_failure::source_gone);
  EXPECT_EQ(failure(at_target->carry_out(clone_task(52, 2, 20, target_path, 2, source->port(), 10))).kind,
            model::task_failure::source_gone);
  EXPECT_EQ(failure(at_target->carry_out(clone_task(53, 1, 20, target_path + 1, 2, source->port(), 10))).kind,
            model::task_failure::path_unknown);
  EXPECT_EQ(failure(at_target->carry_out(clone_task(54, 1, 20, 0, 2, source->port(), 10))).kind,
            model::task_failure::path_unknown);
}

TEST_F(BackendClone, ASourceThatCannotBeReachedIsGivenUp) {
  load(1);
  const auto port = source->port();
  at_source.reset();
  source.reset();
  const auto why = failure(clone(50, port));
  EXPECT_EQ(why.kind, model::task_failure::source_gone);
  EXPECT_NE(why.message.find("127.0.0.1:" + std::to_string(port)), std::string::npos) << why.message;
}

TEST_F(BackendClone, OtherReplicaIdHereIsStale) {
  load(1);
  ASSERT_TRUE(clone(50).done());
  EXPECT_EQ(failure(clone(51, source->port(), 21)).kind, model::task_failure::stale);
}

TEST_F(BackendClone, ACloneThatCannotFitFailsAtOnceAndNamesThePath) {
  load(5, 1'000, 1'000);
  stop_target();
  start_target(options("small", 3U << 20));
  const auto why = failure(clone(50));
  EXPECT_EQ(why.kind, model::task_failure::disk_full);
  EXPECT_NE(why.message.find((dir / "small").string()), std::string::npos) << why.message;
  EXPECT_EQ(target->stats().blocks_copied, 0U) << "not one block was moved in vain";
  target_is_idle();
  EXPECT_EQ(files_of(dir / "small"), 0U);
  EXPECT_TRUE(at_target->paths()[0].online);
}

TEST_F(BackendClone, TheSameFenceTwiceMovesTheBytesOnce) {
  load(4);
  const auto task = clone_task(50, 1, 20, target_path, version, source->port(), 10);
  at_target->submit({task, task});
  ASSERT_TRUE(at_target->end_of(model::log_index{50}).done());
  at_target->submit({task});
  std::ignore = at_target->end_of(model::log_index{50}, 2);
  EXPECT_EQ(target->stats().blocks_copied, 4U);
}

TEST_F(BackendClone, ADropCancelsTheCloneOfItsReplica) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.cut_after(3'500'000);
  stop_target();
  auto patient = options("target");
  patient.clone.retry_first_ms = model::time_ms{3'600'000}; // Only the drop can end it.
  patient.clone.retry_max_ms = patient.clone.retry_first_ms;
  start_target(patient);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_cut();
  at_target->submit({{model::log_index{51}, model::drop_order{model::tablet_id{1}, model::replica_id{20}}}});
  EXPECT_TRUE(at_target->end_of(model::log_index{51}).done());
  EXPECT_EQ(failure(at_target->end_of(model::log_index{50})).kind, model::task_failure::cancelled);
  target_is_idle();
  EXPECT_EQ(files_of(dir / "target"), 0U) << "and its partial files are gone";
}

TEST_F(BackendClone, CancelEndsACloneAndItsFiles) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.cut_after(3'500'000);
  stop_target();
  auto patient = options("target");
  patient.clone.retry_first_ms = model::time_ms{3'600'000};
  patient.clone.retry_max_ms = patient.clone.retry_first_ms;
  start_target(patient);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_cut();
  at_target->submit({{model::log_index{50}, model::cancel_order{model::log_index{50}}}});
  EXPECT_EQ(failure(at_target->end_of(model::log_index{50})).kind, model::task_failure::cancelled);
  // Its claim on the tablet is given back: another path or id may be used at once.
  EXPECT_EQ(held(clone(51, source->port(), 21)).version, 2U);
  EXPECT_EQ(files_of(dir / "target"), 1U);
}

TEST_F(BackendClone, ASnapshotOutlivesTheDropOfItsTablet) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.hold_after(3'500'000);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_held();
  ASSERT_TRUE(at_source->carry_out({model::log_index{2}, model::drop_order{model::tablet_id{1}, model::replica_id{10}}})
                .done());
  EXPECT_EQ(files_of(dir / "source"), 0U);
  cord.release();
  EXPECT_EQ(held(at_target->end_of(model::log_index{50})).version, 2U);
  EXPECT_EQ(at_target->scan(1, 20, 2).bytes, loaded);
}

TEST_F(BackendClone, LoadsGoOnWhileACloneRuns) {
  load(16, 1'000, 1'000);
  cable cord{io, source->port()};
  cord.hold_after(3'500'000);
  at_target->submit({clone_task(50, 1, 20, target_path, version, cord.port(), 10)});
  cord.wait_until_held();
  at_target->create(51, 2, 30, target_path);
  at_target->load(300, 2, 2, 30, {make_rows(10, 100, 9)});
  EXPECT_EQ(at_target->scan(2, 30, 2).bytes, make_rows(10, 100, 9).rows);
  EXPECT_TRUE(at_target->paths()[0].online);
  cord.release();
  EXPECT_TRUE(at_target->end_of(model::log_index{50}).done());
}

} // namespace
} // namespace tabletd::test
