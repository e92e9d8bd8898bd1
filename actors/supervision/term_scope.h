#pragma once
// The leader's subtree as a lifetime.  Whenever this node begins to lead, it proposes that the
// term began; when that has committed and folded (so everything older is folded, spec and
// design/architecture.md 3), in a new cluster after its founding, the subtree starts.  It ends
// with the term, awaited, before anything of a later term starts.
//
// Like the supervisor's its behavior is dynamic: exits and deaths are most of its mail.
#include "actors/catalog/ports.h"
#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <functional>
#include <string>

namespace tabletd {

struct term_scope_ports {
  journal_actor journal;
  catalog_cell_ptr catalog;
  std::function<model::time_ms()> wall_clock;    ///< Stamps the edits it proposes.
  std::uint64_t node_id{};
  model::cluster_uuid new_cluster{};             ///< Used once, by the first leader ever.
  std::string cluster_name;
  /// Spawns the supervisor of everything a leader does; called when the term has begun.
  std::function<caf::actor(caf::event_based_actor*)> start_subtree;
  std::function<void(bool leading)> leading;     ///< Told when the subtree is up, and when it ends.
};

struct term_scope_state {
  term_scope_state() = default;
  term_scope_state(const term_scope_state&) = delete;
  /// However the scope ends, `kill` included, its subtree does not outlive it.
  ~term_scope_state();

  term_scope_ports ports;
  standing now;         ///< Of this node, by the journal.
  std::uint64_t term{}; ///< The one being begun or led in; 0: none.
  caf::actor subtree;
  std::function<void()> again; ///< What was refused for want of room; at the next tick.
  caf::error why;       ///< Set once an exit was asked for: the subtree is awaited.
  bool ending = false;
  bool leads = false;   ///< As far as ports.leading was told.
  static inline const char* name = "term_scope";
};

caf::behavior term_scope(caf::stateful_actor<term_scope_state>* self, term_scope_ports ports);

} // namespace tabletd
