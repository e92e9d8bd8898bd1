#pragma once
// One CREATE, ALTER or DROP RESOURCE: has the store tried, and the one that is left looked into, in a thread of its own, and
// proposes the edit if they will do.
#include "actors/console/console_jobs.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tabletd {

struct store_trial_wish {
  std::string_view kind;  ///< statement_row::kind
  model::resource_type type{};
  std::optional<model::resource_properties> properties;  ///< Of the store to be tried.
  std::optional<model::resource_properties> leaves{};    ///< Of one that must have nothing left in it.
  model::edit_body edit;                  ///< What becomes true if it will do.
  std::string doing;                      ///< "creating resource cold"
  std::string done;                       ///< "created resource cold"
  std::string exists{};                   ///< Said instead of a refusal if there is one of that name; empty: refused.
};

struct store_trial_state {
  store_trial_state() = default;
  store_trial_state(const store_trial_state&) = delete;
  /// However this job ends, whoever asked is answered, and the thread that still asks the store stops soon.
  ~store_trial_state();

  console_job_ports ports;
  store_trial_wish wish;
  caf::actor_addr session;  ///< Monitored until begun.
  model::time_ms begun{};   ///< Actor clock.
  std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
  bool proposed = false;
  std::optional<caf::typed_response_promise<statement_outcome>> statement;
  static inline const char* name = "store_trial";
};

/// `session`: if it ends before begin_job has come, so does this job.
store_trial_actor::behavior_type store_trial(store_trial_actor::stateful_pointer<store_trial_state> self,
                                             store_trial_wish wish, caf::actor_addr session, console_job_ports ports);

}  // namespace tabletd
