#pragma once
// What every connection of a backend shares, in the KJ loop: who is the leader, where the
// disks and the actors are, and the way reports go out.
#include "actors/agent/be_stats.h"
#include "actors/agent/cooldown_ports.h"
#include "actors/agent/ports.h"
#include "actors/agent/warmup_ports.h"
#include "actors/model/attach_fence.h"
#include "node/be/on_disk.h"
#include "node/be/path_set.h"
#include "node/be/remote_shelf.h"
#include "node/be/remote_workers.h"
#include "node/be/tablet_gate.h"
#include "node/kj_loop.h"
#include <capnp/capability.h>
#include <functional>
#include <optional>

namespace tabletd {

class cold_reader;
class warmup_mover;

/// What an attach tells the leader about this process.
struct backend_facts {
  std::uint64_t boot{};     ///< Random per process start.
  std::int64_t started_ms{};
  std::uint16_t http_port{};
  std::string version;
};

/// Loop thread only.
class backend_room final : public std::enable_shared_from_this<backend_room> {
public:
  struct ports {
    kj_loop& loop;
    kj::Network& network;
    kj::Timer& timer;
    std::shared_ptr<path_set> paths;
    reporter_actor reporter;
    task_keeper_actor keeper;
    std::shared_ptr<be_stats> stats;
    backend_facts facts;
    std::optional<model::backend_binding> binding;
    /// Makes the binding durable in the data directory; runs in a disk's thread, may throw.
    std::function<void(const model::backend_binding&)> bind;
    cooldown_keeper_actor cooldown;
    std::shared_ptr<remote_workers> readers;
    std::shared_ptr<remote_shelf> shelf;
    std::shared_ptr<cold_reader> cold;
    std::shared_ptr<warmup_mover> warming;
    warmup_keeper_actor warmups;
    caf::actor_system* system = nullptr; ///< For questions to actors.
  };
  explicit backend_room(ports where) : where_(std::move(where)) { fence_.binding = where_.binding; }

  struct admission {
    std::uint64_t link{};
    std::string refusal; ///< Empty: `link` it is.
  };
  [[nodiscard]] kj::Promise<admission> admit(model::attach_hello hello, wire::ReportSink::Client sink);
  void link_gone(std::uint64_t link);
  /// Why a call must be refused; counted.
  [[nodiscard]] kj::Maybe<kj::Exception> refuse(std::uint64_t link, model::term term);
  /// The same for what hangs on a link and carries no term of its own.
  [[nodiscard]] kj::Maybe<kj::Exception> refuse(std::uint64_t link) { return refuse(link, fence_.term); }
  /// Whether a peer of this cluster asks.
  [[nodiscard]] bool is_ours(const model::cluster_uuid& cluster) const {
    return fence_.binding && fence_.binding->cluster == cluster;
  }
  [[nodiscard]] const std::optional<model::backend_binding>& binding() const { return fence_.binding; }
  /// Resolves when a leader has attached, in this process.
  [[nodiscard]] kj::Promise<void> first_attach() { return attached_.addBranch(); }
  /// What changes rowsets passes it; what moves a tablet between paths shuts it.
  [[nodiscard]] tablet_gate& gate() const { return *gate_; }

  void tell(const tablet_report& report);
  void tell(const task_ended& ended);
  /// Nothing: no leader is attached.
  [[nodiscard]] kj::Maybe<wire::ReportSink::Client> leader();
  /// Until it is done or the room is left.
  void keep(kj::Promise<void> call) { sends_.add(kj::mv(call)); }

  /// No new work from now on; calls that a disk is busy with go on.
  void drain();
  /// Resolves when no call is counted any more.
  [[nodiscard]] kj::Promise<void> quiet();
  /// Drain waits for `call`.
  template <class T>
  [[nodiscard]] kj::Promise<T> counted(kj::Promise<T> call) {
    ++busy_;
    return call.attach(kj::defer([this, self = shared_from_this()] { call_ended(); }));
  }
  [[nodiscard]] bool draining() const { return draining_; }

  [[nodiscard]] kj_loop& loop() const { return where_.loop; }
  [[nodiscard]] kj::Network& network() const { return where_.network; }
  [[nodiscard]] kj::Timer& timer() const { return where_.timer; }
  [[nodiscard]] path_set& paths() const { return *where_.paths; }
  [[nodiscard]] const std::shared_ptr<path_set>& shared_paths() const { return where_.paths; }
  [[nodiscard]] const reporter_actor& reporter() const { return where_.reporter; }
  [[nodiscard]] const task_keeper_actor& keeper() const { return where_.keeper; }
  [[nodiscard]] const cooldown_keeper_actor& cooldown() const { return where_.cooldown; }
  [[nodiscard]] const std::shared_ptr<remote_workers>& readers() const { return where_.readers; }
  [[nodiscard]] const std::shared_ptr<remote_shelf>& shelf() const { return where_.shelf; }
  [[nodiscard]] const std::shared_ptr<cold_reader>& cold() const { return where_.cold; }
  [[nodiscard]] const std::shared_ptr<warmup_mover>& warming() const { return where_.warming; }
  [[nodiscard]] const warmup_keeper_actor& warmups() const { return where_.warmups; }
  [[nodiscard]] caf::actor_system& system() const { return *where_.system; }
  [[nodiscard]] be_stats& stats() const { return *where_.stats; }
  [[nodiscard]] const backend_facts& facts() const { return where_.facts; }

private:
  [[nodiscard]] kj::Promise<admission> decide(const model::attach_hello& hello, wire::ReportSink::Client sink);
  [[nodiscard]] kj::Promise<void> make_durable(const model::backend_binding& binding);
  admission refused(const model::attach_hello& hello, const std::string& why, bool worth_a_log_line);
  std::uint64_t linked(const model::attach_hello& hello, const model::attach_accepted& how,
                       wire::ReportSink::Client sink);
  void sent(kj::Promise<void> call);
  void call_ended();

  ports where_;
  model::attach_fence fence_;
  kj::Maybe<wire::ReportSink::Client> sink_;
  /// One attach at a time: the next waits until a binding is durable.
  kj::ForkedPromise<void> turn_ = kj::Promise<void>(kj::READY_NOW).fork();
  kj::PromiseFulfillerPair<void> attach_ = kj::newPromiseAndFulfiller<void>();
  kj::ForkedPromise<void> attached_ = attach_.promise.fork();
  std::shared_ptr<tablet_gate> gate_ = std::make_shared<tablet_gate>();
  std::size_t unanswered_ = 0; ///< Reports the leader has not acknowledged.
  bool draining_ = false;
  std::size_t busy_ = 0;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> quiet_;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // A broken link is seen by its own end.
  };
  failures failures_;
  kj::TaskSet sends_{failures_};
};
using backend_room_ptr = std::shared_ptr<backend_room>;

/// The reporter's and the keeper's way to the leader: from any thread into the room.
class leader_wire final : public report_wire, public std::enable_shared_from_this<leader_wire> {
public:
  explicit leader_wire(kj_loop_ptr loop) : loop_(std::move(loop)) {}
  /// Loop thread; before that, and after leave(), everything is dropped.
  void enter(const backend_room_ptr& room) { room_ = room; }
  void leave() { room_.reset(); }
  void send(tablet_report report) override;
  void send(task_ended ended) override;

private:
  template <class Message>
  void pass_on(Message message);
  kj_loop_ptr loop_;
  std::weak_ptr<backend_room> room_; ///< Loop thread only.
};

} // namespace tabletd
