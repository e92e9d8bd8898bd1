#pragma once
// What moves the bytes of warm-ups: batches of the slot and what the leader pushes, one after the other, a batch before
// pushes that wait, and the proof beside them.
#include "actors/agent/be_stats.h"
#include "actors/agent/warmup_ports.h"
#include "node/be/remote_workers.h"
#include "node/be/tablet_warming.h"

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tabletd {

struct warming_limits {
  std::uint64_t bytes_per_s = 0;  ///< Of downloads; 0: none.
  std::uint32_t requests_max = 8; ///< Range requests in flight.
  std::chrono::milliseconds patience{60'000}; ///< As warming_options::patience; longer under a low limit of bytes.
};

class warmup_mover final : public warmup_transport, public std::enable_shared_from_this<warmup_mover> {
public:
  warmup_mover(std::shared_ptr<cold_reader> cold, std::shared_ptr<be_stats> stats, warming_limits limits);
  /// What runs ends at its next block, what waits is dropped unanswered.  Idempotent.
  void stop();

  void begin(warm_batch what, warmup_keeper_actor keeper) override;
  void stop(std::uint64_t generation) override;

  /// Set when nobody waits for the answer any more: what runs ends at its next block, what waits is passed over.
  using stop_mark = std::shared_ptr<std::atomic<bool>>;
  /// After the batch in hand and those that wait.  `done` is called from a thread of this; not at all once this was stopped,
  /// for what it would say is not so, and false then.
  bool push(std::vector<codec::warm_tablet> tablets, stop_mark stopped, std::function<void(warmed)> done);
  /// At once, in a thread of its own.  As push().
  bool verify(std::vector<codec::warm_tablet> tablets, stop_mark stopped, std::function<void(codec::cache_share)> done);
  /// Sets the marks of all pushes and verifications there are: who asked for them has no say any more.
  void another_leader();

private:
  void note(const stop_mark& asked);
  [[nodiscard]] warming_options options_until(const stop_mark& stopped);
  /// Threads that do no work cost nothing; one for warming, so that there is one batch or push at a time.
  void run(const warm_batch& batch, const stop_mark& stopped, const warmup_keeper_actor& keeper);
  [[nodiscard]] warmed warm(const std::vector<codec::warm_tablet>& tablets, const warming_options& options);

  const std::shared_ptr<cold_reader> cold_;
  const std::shared_ptr<be_stats> stats_;
  const warming_limits limits_;
  byte_rate rate_;
  std::mutex mutex_;
  std::pair<std::uint64_t, stop_mark> newest_;  ///< Generation of the slot's batch, and its mark; the lock's.
  std::vector<std::weak_ptr<std::atomic<bool>>> asked_;  ///< Pushes and verifications; the lock's.
  remote_workers warmer_{1};
  remote_workers verifier_{1};
};

}  // namespace tabletd
