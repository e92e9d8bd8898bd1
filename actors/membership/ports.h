#pragma once
// The leader's side of its backends.  One backend_agent actor per backend; membership
// owns the directory, the liveness rule and the published cluster_view.
#include "actors/catalog/ports.h"
#include "actors/model/cluster_view.h"
#include "schemas/backend.capnp.h"
#include <atomic>
#include <memory>
#include <string>

namespace tabletd {

using cluster_view_snapshot = std::shared_ptr<const model::cluster_view>;
class cluster_view_cell {
public:
  [[nodiscard]] cluster_view_snapshot load() const { return view_.load(std::memory_order_acquire); }
  void store(cluster_view_snapshot next) { view_.store(std::move(next), std::memory_order_release); }

private:
  std::atomic<cluster_view_snapshot> view_{std::make_shared<const model::cluster_view>()};
};
using cluster_view_cell_ptr = std::shared_ptr<cluster_view_cell>;

using backend_event = sealed<wire::BackendEvent>;
using task_order = sealed<wire::TaskOrder>;
using task_ended = sealed<wire::TaskEnded>;
using publish_order = sealed<wire::PublishOrder>;
using publish_ended = sealed<wire::PublishEnded>;

/// Asks for one backend's task again or for the first time; the answer comes when the task
/// ended, however often the link breaks meanwhile.  Answered `failed(unreachable)` as soon
/// as the backend is declared dead.  Idempotent by fence: asking twice joins the first.
using backend_agent_actor = caf::typed_actor<caf::reacts_to<backend_event>,
                                             caf::replies_to<task_order>::with<task_ended>,
                                             caf::replies_to<publish_order>::with<publish_ended>,
                                             caf::reacts_to<catalog_advanced>,
                                             caf::reacts_to<tick_due>>;

/// The directory: routes an order to the agent of its backend (by delegation).
using membership_actor = caf::typed_actor<caf::reacts_to<catalog_advanced>,
                                          caf::replies_to<task_order>::with<task_ended>,
                                          caf::replies_to<publish_order>::with<publish_ended>,
                                          caf::reacts_to<tick_due>>;

/// The wire to backends.  Implemented by the KJ room (node/backend_links), by fakes in
/// tests.  Every call returns at once and may come from any thread; what happens arrives
/// as backend_event at the agent that attached.
class backend_wire {
public:
  virtual ~backend_wire() = default;
  struct hello {
    model::cluster_uuid cluster{};
    model::backend_id backend{};
    model::term term{};
    std::uint64_t leader{};
  };
  /// Dials and attaches; drops any earlier link to this backend.
  virtual void attach(hello who, std::string host, std::uint16_t port, backend_agent_actor agent) = 0;
  virtual void detach(model::backend_id backend) = 0;
  virtual void heartbeat(model::backend_id backend, std::uint64_t seq) = 0;
  virtual void submit(model::backend_id backend, sealed<wire::TaskBatch> tasks) = 0;
  virtual void publish(model::backend_id backend, std::uint64_t seq, publish_order order) = 0;
  virtual void request_report(model::backend_id backend) = 0;
};
using backend_wire_ptr = std::shared_ptr<backend_wire>;

} // namespace tabletd
