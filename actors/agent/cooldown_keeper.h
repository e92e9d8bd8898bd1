#pragma once
// Cooldown on a backend: a shell around model/cooldown_replica, one life per replica the leader has spoken of.
#include "actors/agent/cooldown_ports.h"
#include "actors/model/cooldown_replica.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace tabletd {

struct cooldown_pace {
  model::time_ms tick{1'000};
  model::time_ms work_interval{20'000};  ///< Between two looks at a replica that has something to do.
  model::time_ms rest_max{320'000};      ///< Of one that has not; doubles up to this.
  model::time_ms report_interval{60'000};
  std::size_t looks_max = 256;  ///< Of one tick.
};

struct cooldown_keeper_ports {
  cooldown_transport_ptr transport;
  cooldown_wire_ptr wire;
  std::function<model::time_ms()> clock;       ///< Goes on while the machine sleeps or the process is stopped (U1).
  std::function<model::time_ms()> wall_clock;  ///< For dates of policies.
  std::function<std::uint64_t()> random;
  cooldown_pace pace;
  model::cooldown_options options;  ///< The lease is the leader's.
};

struct cooldown_life {
  explicit cooldown_life(const cooldown_life_id& id, const model::cooldown_options& options)
      : who(id), replica(id.tablet, id.replica, options) {}
  struct sent_report {
    std::uint64_t number{};
    model::time_ms at{};
  };
  cooldown_life_id who;
  model::cooldown_replica replica;
  std::optional<model::cooling_rule> rule;
  model::resource_id resource{};
  bool recall = false;
  /// Where the sets lie that are being published or followed.
  std::map<model::remote_meta_id, model::resource_id> resource_of;
  lease_end lease = std::make_shared<std::atomic<std::int64_t>>(0);
  std::deque<model::replica_event> waiting;  ///< For a look at the disk.
  bool is_looking = false;
  model::time_ms work_at{};
  model::time_ms rest{};
  model::time_ms report_at{};
  model::cooldown_reported said;      ///< Last, and what is to be said next is compared with it.
  std::deque<sent_report> unanswered; ///< The newest few.
  std::vector<caf::typed_response_promise<missed_rows_verdict>> readers;
};

struct cooldown_keeper_state {
  cooldown_keeper_ports ports;
  model::time_ms lease{model::uploader_lease};
  std::map<model::tablet_id, cooldown_life> lives;
  std::vector<model::resource_id> resources;  ///< All that the leader tells of, ascending.
  std::set<model::tablet_id> to_report;
  model::tablet_id looked_last{};  ///< By the ticks, which go round.
  std::uint64_t lives_begun = 0;
  std::uint64_t reports_sent = 0;
  static inline const char* name = "cooldown_keeper";
};

cooldown_keeper_actor::behavior_type cooldown_keeper(cooldown_keeper_actor::stateful_pointer<cooldown_keeper_state> self,
                                                     cooldown_keeper_ports ports);

}  // namespace tabletd
