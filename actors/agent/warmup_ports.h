#pragma once
// The mail of a backend's slot for warm-up jobs, and its seam to what moves the bytes.
#include "actors/codec/agent_warmup_codec.h"
#include "actors/model/warmup_slot.h"
#include "schemas/sealed.h"

#include <caf/typed_actor.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace tabletd {

/// The batch that was begun has ended; what it lacks is in it.
struct warmup_batch_ended {
  model::batch_result result;
};
/// A GET has waited long enough for the batch in hand.
struct warmup_wait_over {
  std::uint64_t number{};
};

/// Every request is answered, a GET with a wait not before the batch in hand has ended or the wait is over.
using warmup_keeper_actor
    = caf::typed_actor<caf::replies_to<sealed<wire::WarmupRequest>>::with<sealed<wire::WarmupReply>>,
                       caf::reacts_to<warmup_batch_ended>, caf::reacts_to<warmup_wait_over>>;

/// What SET_BATCH brought, as begin_batch wants it done.
struct warm_batch {
  std::uint64_t generation{};
  std::uint32_t batch{};
  std::vector<codec::warm_tablet> tablets;
  bool forced = false;
  /// Bytes that are in the cache now; grows while the batch runs.
  std::shared_ptr<std::atomic<std::uint64_t>> bytes_done = std::make_shared<std::atomic<std::uint64_t>>(0);
};

/// Any thread; returns at once.
class warmup_transport {
public:
  virtual ~warmup_transport() = default;
  /// warmup_batch_ended follows at `keeper`, unless it was stopped.
  virtual void begin(warm_batch what, warmup_keeper_actor keeper) = 0;
  /// What runs ends at its next block, and nothing follows.
  virtual void stop(std::uint64_t generation) = 0;
};
using warmup_transport_ptr = std::shared_ptr<warmup_transport>;

}  // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::warmup_batch_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::warmup_wait_over)
