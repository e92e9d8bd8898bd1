#pragma once
// The mail of a backend's cooldown, and its seams to the disks, the remote stores and the leader.
#include "actors/agent/ports.h"
#include "actors/codec/agent_cooldown_codec.h"

#include <caf/typed_actor.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd {

using cooldown_orders = sealed<wire::CooldownOrders>;

/// Which life of a tablet's cooldown is meant: a replica that was dropped and came back begins a new one, and
/// what the old one had begun must not be taken for its own.
struct cooldown_life_id {
  model::tablet_id tablet{};
  model::replica_id replica{};
  std::uint64_t life{};
  friend bool operator==(const cooldown_life_id&, const cooldown_life_id&) = default;
};

/// `disk`: nothing, the replica is not here (any more).
struct cooldown_looked {
  cooldown_life_id who;
  std::optional<model::replica_disk> disk;
};
struct cooldown_happened {
  cooldown_life_id who;
  model::replica_event event;
};
/// A clone took its place; to whatever life the tablet has.
struct cooldown_cloned {
  model::tablet_id tablet{};
  bool full = false;
};
struct cooldown_acknowledged {
  struct one {
    model::tablet_id tablet{};
    model::replica_id replica{};
    std::uint64_t report{};
    model::term term{};
  };
  std::vector<one> reports;
};
/// A read found no object.  Answered when the replica has followed what is published, or cannot.
struct rows_missed {
  model::tablet_id tablet{};
};
struct missed_rows_verdict {
  bool retry = false;
  std::string why;  ///< If not.
};

using cooldown_keeper_actor
    = caf::typed_actor<caf::reacts_to<cooldown_orders>, caf::reacts_to<cooldown_looked>, caf::reacts_to<cooldown_happened>,
                       caf::reacts_to<cooldown_cloned>, caf::reacts_to<cooldown_acknowledged>,
                       caf::replies_to<rows_missed>::with<missed_rows_verdict>, caf::reacts_to<link_up>,
                       caf::reacts_to<tick_due>>;

/// Until when remote changes may go on, in ms of the keeper's clock: read while they run, moved by every
/// acknowledgement (U1).  0: not at all.
using lease_end = std::shared_ptr<std::atomic<std::int64_t>>;

/// The disks and the remote stores.  Any thread; returns at once; what happens arrives at `keeper`, one answer per call
/// with a job: cooldown_done, cooldown_failed, or the event named here.  Remote changes are given no more time than `lease`.
class cooldown_transport {
public:
  virtual ~cooldown_transport() = default;
  /// Answers cooldown_looked.
  virtual void look(const cooldown_life_id& who, cooldown_keeper_actor keeper) = 0;
  virtual void put_segment(const cooldown_life_id& who, model::put_segment what, lease_end lease,
                           cooldown_keeper_actor keeper) = 0;
  /// Answers meta_written.
  virtual void put_meta(const cooldown_life_id& who, model::put_meta what, lease_end lease, cooldown_keeper_actor keeper) = 0;
  /// Nothing: forgets it.
  virtual void save_asked(const cooldown_life_id& who, std::uint64_t job, std::optional<model::published_meta> what,
                          cooldown_keeper_actor keeper) = 0;
  /// Answers meta_fetched.
  virtual void fetch_meta(const cooldown_life_id& who, model::fetch_meta what, cooldown_keeper_actor keeper) = 0;
  virtual void save_set(const cooldown_life_id& who, model::save_set what, model::resource_id resource,
                        cooldown_keeper_actor keeper) = 0;
  virtual void bring_home(const cooldown_life_id& who, model::bring_home what, cooldown_keeper_actor keeper) = 0;
  /// Answers objects_listed.
  virtual void list_objects(const cooldown_life_id& who, model::list_objects what, cooldown_keeper_actor keeper) = 0;
  virtual void delete_object(const cooldown_life_id& who, model::delete_object what, lease_end lease,
                             cooldown_keeper_actor keeper) = 0;
  /// As far as the time allows; no answer.
  virtual void discard(const cooldown_life_id& who, model::discard_objects what) = 0;
};
using cooldown_transport_ptr = std::shared_ptr<cooldown_transport>;

/// The way to the leader, as report_wire.
class cooldown_wire {
public:
  virtual ~cooldown_wire() = default;
  struct report {
    model::tablet_id tablet{};
    model::cooldown_reported what;
  };
  /// Answers cooldown_acknowledged, or nothing.
  virtual void send(std::vector<report> reports, cooldown_keeper_actor keeper) = 0;
  /// Answer publication_answered, deletion_answered or cooldown_failed.
  virtual void ask(const cooldown_life_id& who, model::ask_publication what, cooldown_keeper_actor keeper) = 0;
  virtual void ask(const cooldown_life_id& who, model::ask_deletion what, cooldown_keeper_actor keeper) = 0;
};
using cooldown_wire_ptr = std::shared_ptr<cooldown_wire>;

}  // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_looked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_happened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_cloned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_acknowledged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::rows_missed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::missed_rows_verdict)
