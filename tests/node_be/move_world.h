#pragma once
// A backend with two paths, and the sentences in which tests of moves are told.
#include "tests/node_be/be_world.h"
#include "tests/node_be/file_stop.h"

namespace tabletd::test {

struct move_world : be_world {
  file_stop stops; ///< Outlives the backend.
  std::optional<backend> be;
  std::optional<leader> fe;
  std::uint64_t a = 0; ///< Path hashes.
  std::uint64_t b = 0;
  std::string loaded;  ///< Rows of tablet 1, in version order.
  model::version version = 1;
  std::uint64_t next_fence = 1'000;

  [[nodiscard]] be_options two_paths(std::uint64_t quota_b = 0) {
    auto how = options("a");
    std::filesystem::create_directories(dir / "b");
    how.paths.push_back({dir / "b", true, {{}, quota_b}});
    return how;
  }
  void start(be_options how) {
    be.emplace(sys, std::move(how));
    fe.emplace(io, be->port());
    ASSERT_EQ(fe->attach(5), "");
    a = be->node().paths()[0].hash;
    b = be->node().paths()[1].hash;
  }
  void stop() {
    fe.reset();
    be.reset();
  }
  void TearDown() override {
    stops.clear();
    stop();
  }
  void create() { fe->create(next_fence++, 1, 10, a); }
  static std::vector<row_bytes> rows(std::size_t blocks, std::uint32_t count, std::size_t length, std::uint64_t seed) {
    std::vector<row_bytes> all;
    for (std::size_t i = 0; i < blocks; ++i)
      all.push_back(make_rows(count, length, seed * 1'000 + i));
    return all;
  }
  /// Another version of tablet 1.
  void load(std::size_t blocks, std::uint32_t count = 10, std::size_t length = 100) {
    ++version;
    const auto all = rows(blocks, count, length, version);
    for (const auto& block : all)
      loaded += block.rows;
    fe->load(100 + version, version, 1, 10, all);
  }
  static model::agent_task move(std::uint64_t fence, std::uint64_t path, std::uint64_t tablet = 1,
                                std::uint64_t replica = 10) {
    return {model::log_index{fence},
            model::move_order{model::tablet_id{tablet}, model::replica_id{replica}, model::path_hash{path}}};
  }
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
  /// Returns when the disk of `path` has done everything it was given before.
  void path_is_idle(std::uint64_t path) {
    const auto id = next_fence++;
    fe->create(id, id, 1, path);
  }
  /// Stands before the first read of a block on path a: nothing else is done there until
  /// stops.release(); wait for `block` then.
  struct busy_disk {
    file_stop::point_ptr at;
    wire::Scan::Client scan;
    kj::Promise<void> block;
  };
  [[nodiscard]] busy_disk keep_a_busy() {
    auto request = fe->service().openScanRequest();
    request.setTablet(1);
    request.setReplica(10);
    request.setVersion(version);
    auto scan = fe->wait(request.send()).getOutcome().getScan();
    auto at = stops.stop_at("pread", (dir / "a/tablets").string());
    auto block = scan.nextRequest().send().then([](auto&& response) {
      EXPECT_EQ(response.getBlock().getError().size(), 0U);
    });
    std::ignore = fe->paths(); // It is on its way.
    stops.wait_until_stopped(at);
    return {at, scan, kj::mv(block)};
  }
  /// Asks for a full report and waits for it.
  void full_report() {
    const auto reports = fe->ears().reports_full;
    auto request = fe->service().reportRequest();
    request.setTerm(fe->term());
    fe->wait(request.send().ignoreResult());
    fe->wait_until([&] { return fe->ears().reports_full > reports; });
  }
  /// Tablet 1 is on `path`, with everything, and nothing of it is anywhere else.
  void expect_wholly_on(std::uint64_t path, const std::string& what = {}) {
    SCOPED_TRACE(what);
    full_report();
    const auto& reported = fe->ears().tablets[1];
    EXPECT_EQ(model::raw(reported.path), path);
    EXPECT_EQ(model::raw(reported.replica), 10U);
    EXPECT_EQ(reported.version, version);
    EXPECT_FALSE(reported.bad);
    const auto scanned = fe->scan(1, 10, version);
    EXPECT_EQ(scanned.failure, "");
    EXPECT_TRUE(scanned.bytes == loaded) << scanned.bytes.size() << " bytes instead of " << loaded.size();
    path_is_idle(path == a ? b : a);
    EXPECT_EQ(files_of(dir / (path == a ? "b" : "a")), 0U) << "something is left of it";
  }
};

} // namespace tabletd::test
