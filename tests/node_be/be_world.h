#pragma once
// Real backends on loopback and real files in a temporary directory; the test itself is the
// leader.  Nothing sleeps: the test waits for what it is told, or for an answer that can
// only come after what it waits for.
#include "actors/codec/agent_cooldown_codec.h"
#include "node/be/be_node.h"
#include "schemas/backend.capnp.h"
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <capnp/rpc-twoparty.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <kj/timer.h>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tabletd::test {

inline constexpr model::cluster_uuid our_cluster{1, 2, 3, 4};

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    set("scheduler.max-throughput", std::size_t{200});
  }
};

/// Gone with everything in it.
struct temp_dir {
  temp_dir();
  ~temp_dir() { std::filesystem::remove_all(path); }
  temp_dir(const temp_dir&) = delete;
  std::filesystem::path path;
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path / name; }
};

/// One backend in its own loop.
class backend {
public:
  /// `frozen`: its loop's time stands still but for pass().
  explicit backend(caf::actor_system& sys, be_options options, bool frozen = false);
  ~backend() { stop(); }
  void stop();
  /// So much time goes by, and what was due is done or on its way to a disk.
  void pass(kj::Duration span);
  [[nodiscard]] be_node& node() { return *node_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] be_stats& stats() { return *node_->stats(); }

private:
  kj_place place_;
  std::shared_ptr<kj::TimerImpl> frozen_; ///< Null: real time.
  std::unique_ptr<be_node> node_;
  std::uint16_t port_ = 0;
};

/// What a leader has heard; the test waits here.
struct heard {
  std::map<std::uint64_t, model::held_replica> tablets; ///< By id, every report folded in.
  std::vector<std::uint64_t> prepared;
  std::vector<model::task_end> ends;
  std::size_t reports_full = 0;
  std::uint64_t stamp = 0;
  // -- cooldown: what was said last, and how this leader answers --
  struct cooldown_said {
    std::uint64_t replica{};
    model::term term{};
    model::remote_meta_id published;
    model::remote_meta_id id;
    model::version remote_last{};
    model::cooldown_phase phase{};
    std::string why;
  };
  std::map<std::uint64_t, cooldown_said> cooldown; ///< By tablet.
  std::size_t cooldown_reports = 0;
  /// The term to acknowledge a report with; 0: not at all.
  std::function<model::term(const cooldown_said&)> acknowledge = [](const cooldown_said&) { return 0; };
  std::function<wire::PublicationVerdict(const model::published_meta&)> publish
    = [](const auto&) { return wire::PublicationVerdict::NOT_UPLOADER; };
  std::function<bool()> confirm_deletion = [] { return false; };
  kj::Own<kj::PromiseFulfiller<void>> waiter;
  void news() {
    if (waiter.get() != nullptr && waiter->isWaiting())
      waiter->fulfill();
  }
};

/// A block of rows as a leader would send it.
struct row_bytes {
  std::string rows;
  std::uint32_t count{};
  [[nodiscard]] std::uint64_t checksum() const;
};
/// `count` rows of `length` bytes, different for every `seed`.
[[nodiscard]] row_bytes make_rows(std::uint32_t count, std::size_t length, std::uint64_t seed);

/// The leader's end of one connection.
class leader {
public:
  leader(kj::AsyncIoContext& io, std::uint16_t port);

  /// Empty: attached.
  std::string attach(model::term term, std::uint64_t backend = 7, model::cluster_uuid cluster = our_cluster);
  [[nodiscard]] wire::BackendService::Client& service() { return *service_; }
  [[nodiscard]] wire::BackendGateway::Client& gateway() { return gateway_; }
  [[nodiscard]] heard& ears() { return *ears_; }
  [[nodiscard]] model::term term() const { return term_; }
  /// Returns when `done` holds; looks again at every report and every ended task.
  void wait_until(const std::function<bool()>& done);

  void submit(const std::vector<model::agent_task>& tasks);
  /// Submits one task and waits for its end.
  model::task_end carry_out(const model::agent_task& task);
  /// The end of an order that was submitted.
  model::task_end end_of(model::log_index fence, std::size_t nth = 1);
  void create(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica, std::uint64_t path);
  [[nodiscard]] std::vector<disk_status> paths();

  // -- load --
  [[nodiscard]] wire::LoadWriter::Client open_load(std::uint64_t txn, std::uint64_t tablet, std::uint64_t replica);
  void write(wire::LoadWriter::Client& to, std::uint64_t tablet, const row_bytes& block);
  /// Empty: prepared.
  std::string prepare(wire::LoadWriter::Client& to, std::uint64_t tablet, const std::vector<row_bytes>& blocks);
  /// Empty: published.  `version` 0: aborted.
  std::string publish(std::uint64_t txn, std::uint64_t version, const std::vector<std::uint64_t>& tablets);
  /// The tablets that could not be published.
  std::vector<std::uint64_t> unpublished(std::uint64_t txn, std::uint64_t version,
                                         const std::vector<std::uint64_t>& tablets);
  /// All of it.
  void load(std::uint64_t txn, std::uint64_t version, std::uint64_t tablet, std::uint64_t replica,
            const std::vector<row_bytes>& blocks);

  using published = capnp::Response<wire::BackendService::PublishResults>;
  [[nodiscard]] published publish_all(std::uint64_t txn, std::uint64_t version,
                                      const std::vector<std::uint64_t>& tablets);

  // -- scan --
  struct scanned {
    std::string bytes;
    std::string failure;
    std::uint64_t blocks = 0;
  };
  scanned scan(std::uint64_t tablet, std::uint64_t replica, std::uint64_t version, std::uint64_t from_version = 0,
               std::uint32_t from_block = 0);

  [[nodiscard]] scanned read_all(wire::ScanOutcome::Reader outcome);

  template <class T>
  T wait(kj::Promise<T>&& promise) {
    return promise.wait(io_.waitScope);
  }

private:
  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::TwoPartyClient> client_;
  wire::BackendGateway::Client gateway_ = nullptr;
  kj::Own<wire::BackendService::Client> service_;
  std::shared_ptr<heard> ears_ = std::make_shared<heard>();
  model::term term_ = 0;
};

/// A TCP cable that can be cut or held, by the bytes that come back from its far end.
class cable {
public:
  cable(kj::AsyncIoContext& io, std::uint16_t to);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Cuts the next connection - the one after it, if said twice - when so many have come back.
  void cut_after(std::uint64_t bytes) { cuts_planned_.push_back(bytes); }
  [[nodiscard]] std::size_t cuts() const { return cuts_; }
  [[nodiscard]] std::size_t connections() const { return connections_; }
  /// Once so many have come back nothing more does, until release().
  void hold_after(std::uint64_t bytes) { hold_left_ = bytes; }
  void release();
  /// From now on nothing comes back on any connection, old or new; they stay open.
  void go_silent() { silent_ = true; }
  void wait_until_cut();
  void wait_until_held();

private:
  struct wire_pair;
  kj::Promise<void> accept();
  kj::Promise<void> pump(wire_pair& pair, bool back);
  void wait_until(const std::function<bool()>& done);
  void news();

  kj::AsyncIoContext& io_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  std::uint16_t port_;
  std::uint16_t to_;
  std::deque<std::uint64_t> cuts_planned_;
  std::uint64_t hold_left_ = ~std::uint64_t{0};
  bool silent_ = false;
  kj::Own<kj::PromiseFulfiller<void>> held_;
  kj::Own<kj::PromiseFulfiller<void>> waiter_;
  std::size_t cuts_ = 0;
  std::size_t connections_ = 0;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}
  };
  failures failures_;
  kj::TaskSet served_{failures_};
  kj::Promise<void> accepting_;
};

struct be_world : ::testing::Test {
  quiet_config config;
  caf::actor_system sys{config};
  std::unique_ptr<kj::AsyncIoContext> held_io = std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  kj::AsyncIoContext& io = *held_io;
  temp_dir dir;

  /// A backend bound to our cluster as backend 7, with one path `name`.
  [[nodiscard]] be_options options(const std::string& name, std::uint64_t quota_bytes = 0);
  [[nodiscard]] static model::agent_task clone_task(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica,
                                                    std::uint64_t path, model::version version, std::uint16_t port,
                                                    std::uint64_t source_replica);
  /// Segment files of `root`, sorted.
  [[nodiscard]] static std::vector<std::filesystem::path> segments(const std::filesystem::path& root);
  /// Everything under `root`/tablets and `root`/tmp that is no directory.
  [[nodiscard]] static std::size_t files_of(const std::filesystem::path& root);
};

} // namespace tabletd::test
