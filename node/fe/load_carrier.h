#pragma once
// Carries the rows of one LOAD from the console to every replica.  Splits the stream by
// key, sends each block once per replica by reference, keeps a bounded number of bytes in
// flight, has every backend prepare, and leaves the verdict to the session actor.
#include "actors/console/ports.h"
#include "node/fe/backend_links.h"
#include "node/fe/row_splitter.h"
#include <kj/async.h>
#include <list>
#include <map>
#include <optional>
#include <set>

namespace tabletd {

class load_carrier final : public api::Upload::Server {
public:
  struct ports {
    kj_loop& loop;
    caf::actor_system& sys;
    console_session_actor session;
    std::shared_ptr<backend_links> links;
  };
  load_carrier(ports where, statement_outcome plan);
  /// Without finish() the load is abandoned.
  ~load_carrier() noexcept(false);

  kj::Promise<void> write(WriteContext context) override;
  kj::Promise<void> finish(FinishContext context) override;

private:
  struct replica_target { ///< One replica of one tablet.
    std::uint64_t replica{};
    std::uint64_t backend{};
  };
  struct tablet_lanes {
    std::uint64_t id{};
    std::vector<replica_target> targets;
  };
  /// What one backend does for this load.
  struct backend_lane {
    backend_link_ptr link;
    kj::Maybe<wire::LoadWriter::Client> writer;
    std::string failure;             ///< Not empty: everything it holds counts as not prepared.
    std::vector<std::uint32_t> buckets;
    std::set<std::uint64_t> failed_tablets;
    std::list<row_block_ptr> in_flight; ///< Messages on their way point into these.
  };
  using lanes = std::map<std::uint64_t, backend_lane>;
  struct refusal {
    api::ErrorCode code;
    std::string message;
    const char* hint;
  };

  void open_lanes();
  void send_block(std::uint32_t bucket, const row_block_ptr& block);
  [[nodiscard]] kj::Promise<void> send_to(backend_lane& lane, std::uint64_t tablet, const row_block_ptr& block);
  void lane_failed(std::uint64_t backend, std::string why);
  [[nodiscard]] kj::Promise<void> room();
  void landed(backend_lane& of, std::list<row_block_ptr>::iterator sent);
  [[nodiscard]] kj::Promise<void> drained();
  [[nodiscard]] kj::Promise<void> prepare_lane(std::uint64_t backend);
  [[nodiscard]] std::optional<refusal> take(std::uint64_t offset, capnp::Data::Reader chunk);
  [[nodiscard]] static const refusal& ended_already();
  void abandon();
  [[nodiscard]] load_prepared summary() const;
  [[nodiscard]] std::string doom() const;

  ports where_;
  statement_outcome plan_;
  std::uint64_t txn_{};
  std::vector<tablet_lanes> tablets_;
  lanes lanes_;
  std::unique_ptr<row_splitter> splitter_;
  std::uint64_t offset_ = 0;
  std::size_t in_flight_bytes_ = 0;
  /// Final: part of the stream was not taken, so what follows must not make it look whole.
  std::optional<refusal> refused_;
  bool finishing_ = false;
  bool verdict_asked_ = false; ///< Or given up: the session has heard how this load ends.
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {}
  };
  failures failures_;
  kj::TaskSet sends_{failures_};
};

} // namespace tabletd
