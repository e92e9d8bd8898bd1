#pragma once
// The leader's side of cooldown: has a handler for every tablet that is looked after, brings it what backends report
// and ask, and carries out for many tablets together what their handlers decide.  docs/cooldown_leader.md.
//
// It keeps the two promises of actors/model/cooldown_handler.h:
//  * acknowledgements wait until the journal has confirmed, asked after the report came, that this node leads, and leave
//    only if the log, caught up by then, still has that replica in office;
//  * grants are proposed after such a confirmation too, and only if no other term has begun by then.  One whose fate is
//    unknown is never heard of again: its tablet stands still until the term ends.  An overseer that follows another
//    one in the same term serves nobody before an edit that changes nothing has gone through the log: what the
//    earlier one had proposed is in the catalog then, or never will be.
//
// Supervision: a permanent child of the term's subtree, that nobody depends on.  A new incarnation knows no
// report: it counts from its own beginning.
#include "actors/cooldown/cooldown_board.h"
#include "actors/cooldown/cooldown_handler.h"
#include "actors/cooldown/ports.h"
#include "actors/codec/backend_cooldown_codec.h"
#include "actors/model/cooldown_upkeep.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace tabletd {

/// To itself: what waited in the mailbox has joined the batch.
struct cooldown_batch_due {};
template <class I>
typename I::result_type inspect(I& f, cooldown_batch_due&) {
  return f(caf::meta::type_name("cooldown_batch_due"));
}
using cooldown_overseer_life_actor = cooldown_overseer_actor::extend<caf::reacts_to<cooldown_batch_due>>;

struct cooldown_pacing {
  model::time_ms tick{1'000};
  model::time_ms round{30'000};        ///< Every handler is stepped once in it, reports or not.
  std::size_t round_tablets_max = 2'048; ///< Looked at in one step, for tablets nobody looks after yet.
  std::size_t orders_max = 512;        ///< Replicas in one call to a backend.
  std::size_t grants_max = 512;        ///< Tablets in one edit.
};

struct cooldown_overseer_ports {
  journal_actor journal;
  leader_check_actor leader_check;
  catalog_actor catalog_news; ///< Asked once, at birth, to announce every advance.
  catalog_cell_ptr catalog;
  cooldown_links_ptr links;
  cooldown_board_ptr board;
  std::function<model::time_ms()> wall_clock; ///< Stamps edits.
  model::time_ms lease{model::uploader_lease};///< T_be; goes out with every order.  T_fe follows from it.
  cooldown_pacing pace;
};

struct cooldown_overseer_state {
  struct looked_after {
    cooldown_handler_actor handler; ///< Null: it died while a proposal of its was on the way.
    bool proposing = false;         ///< A grant or revocation that has no answer yet, or never will have.
  };
  /// One call of a backend with reports.
  struct report_call {
    caf::typed_response_promise<cooldown_acks> asker;
    std::size_t turns_open = 0;
    std::vector<codec::cooldown_ack> acks;
  };
  using report_call_ptr = std::shared_ptr<report_call>;
  using replica_of_tablet = std::pair<model::tablet_id, model::replica_id>;

  cooldown_overseer_state() = default;
  cooldown_overseer_state(const cooldown_overseer_state&) = delete;
  /// However it ends, no handler outlives it, and nothing more is handed to it.
  ~cooldown_overseer_state();

  cooldown_overseer_ports ports;
  caf::actor_id id{};
  model::term term{};         ///< Of the leadership it lives in.
  bool is_asking_to_serve = false;
  bool serves = false;        ///< The log has nothing of an earlier incarnation to come.
  catalog_snapshot seen;      ///< What the last look compared with.
  std::map<model::tablet_id, looked_after> tablets;
  std::map<caf::actor_addr, model::tablet_id> by_handler;
  model::tablet_id step_next{}; ///< The round over the handlers ...
  model::cooling_round round;   ///< ... and over the catalog.
  bool is_first_round = true;   ///< At full speed.

  // What the next batch carries out.
  bool batch_is_due = false;
  std::map<model::backend_id, std::set<replica_of_tablet>> pushes;
  std::vector<model::cooldown_grant> grants;
  std::vector<report_call_ptr> unconfirmed;
  bool is_confirming = false;
  static inline const char* name = "cooldown_overseer";
};

cooldown_overseer_life_actor::behavior_type cooldown_overseer(
  cooldown_overseer_life_actor::stateful_pointer<cooldown_overseer_state> self, cooldown_overseer_ports ports);

}  // namespace tabletd
