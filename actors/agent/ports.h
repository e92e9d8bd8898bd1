#pragma once
// The mail inside a backend, and the two seams to what is not an actor: the disks and the
// wire.  reporter keeps the report book, task_keeper the task book; a clone_worker is one
// running clone, a move_worker one running move between paths.
#include "actors/model/agent_task.h"
#include "actors/model/snapshot_plan.h"
#include "actors/signals.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <memory>

namespace tabletd {

using task_batch = sealed<wire::TaskBatch>;
using task_ended = sealed<wire::TaskEnded>;
using tablet_report = sealed<wire::TabletReport>;
using disk_changes = sealed<wire::DiskChanges>;
using clone_event = sealed<wire::CloneEvent>;
using move_event = sealed<wire::MoveEvent>;
using copy_stop = sealed<wire::CopyStop>;

/// A leader attached: it knows nothing yet.
struct link_up {};
template <class I>
typename I::result_type inspect(I& f, link_up&) {
  return f(caf::meta::type_name("link_up"));
}
/// The leader asks for a full report now.
struct report_wanted {};
template <class I>
typename I::result_type inspect(I& f, report_wanted&) {
  return f(caf::meta::type_name("report_wanted"));
}
/// No new tasks; answered when no clone or move runs any more.
struct drain {};
template <class I>
typename I::result_type inspect(I& f, drain&) {
  return f(caf::meta::type_name("drain"));
}
struct drained {};
template <class I>
typename I::result_type inspect(I& f, drained&) {
  return f(caf::meta::type_name("drained"));
}

/// disk_changes in the order they happened per path.  task_ended: stamps it, tells the
/// leader, answers with the stamped one.
using reporter_actor = caf::typed_actor<caf::reacts_to<disk_changes>,
                                        caf::replies_to<task_ended>::with<task_ended>,
                                        caf::reacts_to<link_up>,
                                        caf::reacts_to<report_wanted>,
                                        caf::reacts_to<tick_due>>;

/// task_batch: the leader's orders.  task_ended: how one ended, from a disk or a worker.
using task_keeper_actor = caf::typed_actor<caf::reacts_to<task_batch>,
                                           caf::reacts_to<task_ended>,
                                           caf::replies_to<drain>::with<drained>>;

using clone_worker_actor = caf::typed_actor<caf::reacts_to<clone_event>,
                                            caf::reacts_to<copy_stop>,
                                            caf::reacts_to<tick_due>>;

/// What either worker can be told by the keeper.
using copy_worker_actor = caf::typed_actor<caf::reacts_to<copy_stop>>;

using move_worker_actor = caf::typed_actor<caf::reacts_to<move_event>, caf::reacts_to<copy_stop>>;

/// The way to the leader.  Any thread; returns at once.  Without a link the message is
/// dropped: a full report follows the next attach, and an order that was not answered comes
/// again.
class report_wire {
public:
  virtual ~report_wire() = default;
  virtual void send(tablet_report report) = 0;
  virtual void send(task_ended ended) = 0;
};
using report_wire_ptr = std::shared_ptr<report_wire>;

/// The disks.  Any thread; returns at once.
class replica_disks {
public:
  virtual ~replica_disks() = default;
  /// The path that holds `tablet`; 0: none.
  [[nodiscard]] virtual model::path_hash path_of(model::tablet_id tablet) const = 0;
  /// create, drop or verify; the end arrives at `keeper`, after the changes at the reporter.
  virtual void carry_out(model::agent_task task, task_keeper_actor keeper) = 0;
};
using replica_disks_ptr = std::shared_ptr<replica_disks>;

/// What moves the bytes of clones.  Any thread; returns at once; what happens arrives as
/// clone_event at the worker.  Calls about one fence are carried out in their order.
class clone_transport {
public:
  virtual ~clone_transport() = default;
  /// Answers looked or failed.
  virtual void look(model::clone_order order, clone_worker_actor worker) = 0;
  /// Dials the source and opens a snapshot.  Answers snapshot, failed or link_broke.
  virtual void ask(model::log_index fence, std::uint32_t attempt, model::version_ranges have) = 0;
  /// Copies what the snapshot lists and is not here yet.  Answers progressed..., then
  /// copied, failed or link_broke.
  virtual void copy(model::log_index fence) = 0;
  /// Answers installed or failed.
  virtual void install(model::log_index fence, bool full) = 0;
  /// Closes the link; forgets what was copied unless `keep_partial`.
  virtual void let_go(model::log_index fence, bool keep_partial) = 0;
  /// The worker is gone: after this nothing is left of `fence` but partial files.
  virtual void end(model::log_index fence) = 0;
};
using clone_transport_ptr = std::shared_ptr<clone_transport>;

/// What moves replicas between the paths of this backend.  Any thread; returns at once; what
/// happens arrives as move_event at the worker, one answer per call; any may be failed.  Calls
/// about one fence are carried out in their order.
class path_transport {
public:
  virtual ~path_transport() = default;
  /// Answers looked.
  virtual void look(model::log_index fence, model::move_order order, move_worker_actor worker) = 0;
  /// Answers listed: what the source holds and the target does not.
  virtual void list(model::log_index fence) = 0;
  /// Copies what was listed.  Answers progressed..., then copied.
  virtual void copy(model::log_index fence) = 0;
  /// Answers alone, when nothing changes the tablet any more.
  virtual void shut_gate(model::log_index fence) = 0;
  virtual void open_gate(model::log_index fence) = 0;
  /// Installs what was listed last at the target, which then is where the replica is, and
  /// removes it from the source.  Answers switched.
  virtual void switch_paths(model::log_index fence) = 0;
  /// Opens the gate; forgets what was copied and not installed unless `keep_partial`.
  virtual void let_go(model::log_index fence, bool keep_partial) = 0;
  /// The worker is gone: after this nothing is left of `fence` but partial files.
  virtual void end(model::log_index fence) = 0;
};
using path_transport_ptr = std::shared_ptr<path_transport>;

} // namespace tabletd
