#pragma once
// The leader's representative of one backend: keeps the link, carries orders over it until
// they are answered, and turns reports into proposals.  One per backend of the catalog; what
// it decides is in actors/model/backend_link and report_diff.
#include "actors/membership/ports.h"
#include "actors/model/backend_link.h"
#include "actors/model/report_diff.h"
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace tabletd {

/// What an agent sees of its backend, told whenever it changed.
struct backend_sighting {
  model::backend_view view;
  bool beat = false; ///< A heartbeat was answered.
};
using sighting_sink_actor = caf::typed_actor<caf::reacts_to<backend_sighting>>;

/// To itself: orders that waited in the mailbox have joined the batch.
struct batch_due {};
template <class I>
typename I::result_type inspect(I& f, batch_due&) {
  return f(caf::meta::type_name("batch_due"));
}
using backend_agent_life_actor = backend_agent_actor::extend<caf::reacts_to<batch_due>>;

struct backend_agent_options {
  model::time_ms tick{500};
  model::link_options link;
  model::report_options report;
  std::size_t proposals_max = 64; ///< Edits a report caused that may wait for the journal at once.
  model::time_ms proposal_retry{
      5'000}; ///< The journal would not take them: ask for a new report after this.
};

struct backend_agent_ports {
  journal_actor journal;
  catalog_cell_ptr catalog;
  backend_wire_ptr wire;
  sighting_sink_actor membership;
  std::function<model::time_ms()> wall_clock; ///< Stamps edits and the view.
  backend_agent_options options;
};

struct backend_agent_state {
  struct open_task {
    task_order order;
    std::vector<caf::typed_response_promise<task_ended>> askers;
  };
  struct open_publish {
    publish_order order;
    caf::typed_response_promise<publish_ended> asker;
  };
  backend_agent_state() = default;
  backend_agent_state(const backend_agent_state&) = delete;
  /// However this agent ends, nobody who asked it is left waiting.
  ~backend_agent_state();

  model::backend_id backend{};
  backend_agent_ports ports;
  model::backend_link link;
  model::report_memory memory;
  model::backend_view view;
  std::map<model::task_key, open_task> tasks;
  std::map<std::uint64_t, open_publish> publishes;
  std::uint64_t publish_seq = 0;
  task_ended heard_task;                  ///< What answer_task answers with.
  publish_ended heard_publish;            ///< What answer_publish answers with.
  std::deque<model::edit_body> proposals; ///< Not proposed yet.
  std::size_t proposing = 0;
  static inline const char* name = "backend_agent";
};

backend_agent_life_actor::behavior_type backend_agent(
    backend_agent_life_actor::stateful_pointer<backend_agent_state> self, model::backend_id backend,
    backend_agent_ports ports);

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::backend_sighting)
