#pragma once
// The leader's warm-up: plans, begins jobs as their turn comes, has an actor for every round that runs, answers sessions,
// keeps what is hot where, and pushes what is to be warm outside of any round.  docs/warmup_leader.md.
//
// Supervision: a permanent child of the term's subtree, before the sessions, which hold it.  Nothing that must outlive
// it is in it: a new incarnation finds the jobs in the catalog, and asks the backends what is hot and how far they are.
#include "actors/codec/backend_warmup_codec.h"
#include "actors/model/warmup_heat.h"
#include "actors/model/warmup_push.h"
#include "actors/warmup/warm_up_job.h"

#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tabletd {

using warmup_overseer_actor
  = warmup_desk_actor::extend<caf::reacts_to<warmup_answer>, caf::reacts_to<catalog_advanced>, caf::reacts_to<tick_due>>;

struct warmup_overseer_state {
  warmup_overseer_state() = default;
  warmup_overseer_state(const warmup_overseer_state&) = delete;
  /// However it ends, no round outlives it, and nobody claims to know how far they are.
  ~warmup_overseer_state();

  struct open_call {
    model::backend_id backend{};
    std::optional<model::time_ms> until;  ///< Nothing: until the link says something, or ends.
    std::function<void(const warmup_answer&)> then;
  };
  /// A round whose plan failed: how often in a row, and when it is tried again.
  struct planning_pause {
    std::uint32_t tries = 0;
    model::time_ms again_at{};
  };
  /// A round that begins only to say in the log why it cannot be.
  struct stillborn_round {
    std::string err;
    bool is_ending = false;  ///< Its warmup_ended is on its way into the log.
  };

  warmup_room_ptr room;
  catalog_snapshot seen;  ///< What the last look compared with.

  // Calls to backends, by number.
  std::uint64_t calls = 0;
  std::map<std::uint64_t, open_call> open;

  // Rounds.
  std::map<warmup_round, warm_up_job_actor> rounds;
  std::map<caf::actor_addr, warmup_round> by_actor;
  std::set<model::warmup_job_id> beginning;   ///< Being planned, or their warmup_begun is on its way.
  std::set<model::warmup_job_id> forgetting;
  std::map<model::warmup_job_id, planning_pause> pauses;
  std::map<warmup_round, stillborn_round> stillborn;

  // Heat.
  model::heat_book heat;
  std::optional<model::time_ms> heat_asked;   ///< When the last round of questions began.
  std::deque<model::backend_id> heat_next;    ///< Yet to be asked in it.
  std::size_t heat_open = 0;

  // Pushes.
  model::warmup_pusher pusher;
  catalog_snapshot pushed_for;                          ///< What the pusher has looked at.
  std::map<model::backend_id, std::uint64_t> boots;     ///< As last heard.
  std::set<model::backend_id> present;                  ///< Alive when this leader began: nobody knows since when.
  std::map<model::backend_id, std::uint64_t> joining;   ///< With their caches' capacity, until the round of heat is over.
  static inline const char* name = "warmup_overseer";
};

warmup_overseer_actor::behavior_type warmup_overseer(
  warmup_overseer_actor::stateful_pointer<warmup_overseer_state> self, warmup_room room);

}  // namespace tabletd
