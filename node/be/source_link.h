#pragma once
// One attempt of one clone: a connection to the source, its snapshot, and the window of
// blocks on their way.  Dropping it closes everything; what it did not write is asked again
// by the next attempt.
#include "actors/model/clone_life.h"
#include "node/be/block_window.h"
#include "node/be/clone_mover.h"
#include "node/be/partial_copy.h"
#include <capnp/rpc-twoparty.h>

namespace tabletd {

/// Loop thread only.
class source_link {
public:
  using hear_fn = std::function<void(const model::clone_event&)>;
  source_link(backend_room& room, const mover_limits& limits, const model::clone_order& order, disk_worker& disk,
              std::shared_ptr<partial_copy> part, std::uint32_t attempt, hear_fn hear);
  ~source_link() noexcept(false);

  /// Dials and opens the snapshot: clone_snapshot, clone_step_failed or clone_link_broke.
  void ask(const model::version_ranges& have);
  /// Fetches what is missing: clone_progressed..., then clone_copied, or one of the failures.
  void copy();

private:
  using snapshot_response = capnp::Response<wire::BackendPeer::SnapshotResults>;
  using block_response = capnp::Response<wire::SnapshotPin::ReadResults>;
  [[nodiscard]] kj::Promise<void> open_snapshot(kj::Own<kj::AsyncIoStream> stream, const model::version_ranges& have);
  void opened(snapshot_response&& response);
  void pump();
  void ask_block(block_window::block block);
  [[nodiscard]] kj::Promise<void> arrived(block_window::block block, block_response&& response);
  void written(std::size_t bytes);
  void finish();
  [[nodiscard]] kj::Promise<void> watch();
  void progress();
  void broke(const std::string& why);
  void fail(model::task_failure kind, const std::string& why);
  /// False if `result` is an error, which then has been told.
  bool good(const storage_error* why);
  void run(kj::Promise<void> step);

  backend_room& room_;
  const mover_limits& limits_;
  const model::clone_order order_;
  disk_worker& disk_;
  std::shared_ptr<partial_copy> part_;
  const std::uint32_t attempt_;
  hear_fn hear_;
  bool over_ = false; ///< A failure was told; nothing more will be.

  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::TwoPartyClient> client_;
  wire::SnapshotPin::Client pin_ = nullptr;
  source_snapshot snapshot_;

  block_window window_;                   ///< Asked for, not yet written.
  std::size_t awaited_ = 0;               ///< Asked for, not yet arrived.
  std::uint64_t arrivals_ = 0;
  std::uint64_t untold_bytes_ = 0;        ///< Written since the last clone_progressed.
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // run() has told it.
  };
  failures failures_;
  kj::TaskSet tasks_{failures_};          ///< Last: its promises point at everything above.
};

} // namespace tabletd
