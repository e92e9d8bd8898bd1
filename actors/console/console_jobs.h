#pragma once
// Statements that outlive one message run as actors of their own under the console's job
// supervisor: a session starts one, asks it to begin, and hands it what the client sends.
#include "actors/console/ports.h"
#include "actors/model/cluster_config.h"
#include "actors/model/load_watch.h"
#include "actors/repair/ports.h"
#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <atomic>
#include <functional>
#include <string>

namespace tabletd {

/// Begin; the answer is the statement's.  Sent once.
struct begin_job {};
template <class I>
typename I::result_type inspect(I& f, begin_job&) {
  return f(caf::meta::type_name("begin_job"));
}

/// A load job to the load_keeper, before it proposes anything: this load is mine.
struct load_announced {
  model::load_name load;
  caf::actor_addr job;
};
template <class I>
typename I::result_type inspect(I& f, load_announced& x) {
  return f(caf::meta::type_name("load_announced"), x.load, x.job);
}
using load_keeper_actor = caf::typed_actor<caf::reacts_to<load_announced>, caf::reacts_to<tick_due>>;

/// Every job answers begin_job, and every load answers load_prepared, even when it is killed.
using load_job_actor = caf::typed_actor<caf::replies_to<load_prepared>::with<api_result>,
                                        caf::replies_to<begin_job>::with<statement_outcome>,
                                        caf::reacts_to<load_abandoned>,
                                        caf::reacts_to<tick_due>>;
using table_birth_actor
  = caf::typed_actor<caf::replies_to<begin_job>::with<statement_outcome>, caf::reacts_to<tick_due>>;

using store_trial_actor = caf::typed_actor<caf::replies_to<begin_job>::with<statement_outcome>>;

struct store_to_try {
  model::resource_type type{};
  model::resource_properties properties;
  model::cluster_uuid cluster{};
};
/// How a remote store is tried before anything may depend on it.
struct resource_probe {
  /// Empty if it will do for that cluster, else a sentence: why not, and what to do.  Blocks, for a limited time, and
  /// ends early when `over` is true; called in a thread of its own.
  std::function<std::string(const store_to_try&, const std::atomic<bool>& over)> ask;
  bool has_a_thread = true; ///< False only in a frozen world.
  /// As `ask`, of a place that is to be left: empty if no object of a tablet lies there, or this is null.
  std::function<std::string(const store_to_try&, const std::atomic<bool>& over)> leftovers{};
};

/// What jobs talk to; wired once, by whoever starts them.
struct console_job_ports {
  journal_actor journal;
  membership_actor membership;
  load_keeper_actor load_keeper;
  catalog_cell_ptr catalog;
  cluster_view_cell_ptr cluster;
  std::function<model::time_ms()> wall_clock; ///< Stamps edits.
  std::function<std::string()> leader;        ///< "host:port" of the leader's console, or empty.
  model::cluster_config startup_config{};     ///< What holds as long as the log says nothing else.
  resource_probe probe{};
};

} // namespace tabletd
