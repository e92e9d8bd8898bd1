#pragma once
// Deletes what dropped tablets have in remote stores (spec/jobs.md U6), then says so in the log.  The rules, and why
// a deposed leader or a repetition harms nobody: model/remote_purge.h.
//
// Supervision: a permanent child of the term's subtree, that nobody depends on.  A new incarnation counts its patience from
// its own beginning.  Stores are asked in a thread of its own, which is told to end when this actor does.
#include "actors/catalog/ports.h"
#include "actors/journal/ports.h"
#include "actors/model/catalog.h"
#include "actors/model/cooldown_rules.h"
#include "actors/model/remote_purge.h"

#include <caf/actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tabletd {

using remote_purger_actor = caf::typed_actor<caf::reacts_to<tick_due>>;

/// Everything of these tablets, in all of these stores, is to be deleted.
struct remote_sweep_task {
  model::cluster_uuid cluster{};
  std::vector<std::pair<model::resource_type, model::resource_properties>> stores;
  std::vector<model::tablet_id> tablets;
};
struct remote_sweep_result {
  std::uint64_t objects = 0;  ///< Deleted.
  std::string why;            ///< Empty: nothing is left.  Else what went wrong, and the next step.
};
struct remote_sweep {
  /// Blocks; ends early, with a `why`, when `over` is true.
  std::function<remote_sweep_result(const remote_sweep_task&, const std::atomic<bool>& over)> run;
  bool has_a_thread = true;  ///< False only in a frozen world.
};

struct remote_purger_ports {
  journal_actor journal;
  catalog_cell_ptr catalog;
  remote_sweep sweep;
  std::function<model::time_ms()> wall_clock;  ///< Stamps edits.
  /// For the log: what was deleted, or is in the way.
  std::function<void(const std::string& text, bool is_bad)> tell;
  model::time_ms lease{model::uploader_lease};
  model::time_ms tick{1'000};
};

struct remote_purger_state {
  explicit remote_purger_state() : purge({}) {}
  remote_purger_state(const remote_purger_state&) = delete;
  ~remote_purger_state() { *over = true; }

  remote_purger_ports ports;
  model::remote_purge purge;
  std::shared_ptr<std::atomic<bool>> over = std::make_shared<std::atomic<bool>>(false);
  static inline const char* name = "remote_purger";
};

remote_purger_actor::behavior_type remote_purger(remote_purger_actor::stateful_pointer<remote_purger_state> self,
                                                 remote_purger_ports ports);

}  // namespace tabletd
