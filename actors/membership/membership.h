#pragma once
// The leader's directory of backends.  Keeps one supervised agent per backend of the catalog,
// routes orders to them, publishes what they see as the cluster_view, and proposes who died
// and who is back.
#include "actors/membership/backend_agent.h"
#include "actors/model/liveness.h"
#include "actors/supervision/ports.h"
#include <map>
#include <set>

namespace tabletd {

using view_listener_actor = caf::typed_actor<caf::reacts_to<view_changed>>;

/// From an agent's start, restarts included: handles do not survive one.
struct agent_up {
  model::backend_id backend{};
  backend_agent_actor agent;
};
template <class I>
typename I::result_type inspect(I& f, agent_up& x) {
  return f(caf::meta::type_name("agent_up"), x.backend, x.agent);
}

/// membership_actor and what its own children tell it.  `subscribe`: hears view_changed whenever
/// the published cluster_view moved.
using membership_life_actor
    = membership_actor::extend<caf::reacts_to<agent_up>, caf::reacts_to<backend_sighting>,
                               caf::reacts_to<subscribe, view_listener_actor>>;

struct membership_options {
  model::time_ms tick{500};
  model::liveness_options liveness; ///< Its interval is also the agents' heartbeat_every.
  backend_agent_options agent;
};

struct membership_ports {
  journal_actor journal;
  catalog_cell_ptr catalog;
  cluster_view_cell_ptr view;
  backend_wire_ptr wire;
  caf::actor supervisor; ///< one_for_one, of the agents alone; takes start_child and stop_child.
  std::function<model::time_ms()> wall_clock;
  membership_options options;
};

struct membership_state {
  /// Orders for an agent that is just being (re)started.
  struct waiting_orders {
    std::vector<std::pair<task_order, caf::typed_response_promise<task_ended>>> tasks;
    std::vector<std::pair<publish_order, caf::typed_response_promise<publish_ended>>> publishes;
  };
  membership_state() = default;
  membership_state(const membership_state&) = delete;
  ~membership_state();

  membership_ports ports;
  std::set<model::backend_id> roster;                      ///< Who was given an agent.
  std::map<model::backend_id, backend_agent_actor> agents; ///< Those that are up.
  std::map<model::backend_id, waiting_orders> waiting;
  model::liveness liveness;
  model::cluster_view view;
  bool view_moved = false;              ///< Since it was last published.
  std::set<model::backend_id> dropping; ///< Drops proposed and not answered.
  std::vector<view_listener_actor> listeners;
  static inline const char* name = "membership";
};

membership_life_actor::behavior_type membership(
    membership_life_actor::stateful_pointer<membership_state> self, membership_ports ports);

} // namespace tabletd
