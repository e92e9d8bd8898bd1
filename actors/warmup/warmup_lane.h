#pragma once
// One backend in one round of a job, as an actor: it steps actors/model/warmup_lane with what the catalog says at that
// moment, sends what follows over the backend's link, and brings into the log what the backend has warmed.
//
// While a batch is in hand the backend keeps the answer to the next question until the batch ends: so the next one
// begins as soon as the log has this one.
//
// Supervision: a child of its warm_up_job, which monitors it.  A new one finds out by one question how far the backend
// is.  It ends by itself when the round is over and the backend has forgotten it, or cannot be told.
#include "actors/warmup/warmup_room.h"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>

namespace tabletd {

/// A round of a job.
struct warmup_round {
  model::warmup_job_id job{};
  model::warmup_run run{};
  friend auto operator<=>(const warmup_round&, const warmup_round&) = default;
};

/// From a lane to its job: it has given up in this term; the job decides what follows.
struct lane_given_up {
  model::backend_id backend{};
  std::string why;
};
/// From a lane to its job, its last word: the round is over there, or somebody else leads.
struct lane_over {
  model::backend_id backend{};
};
using lane_listener_actor = caf::typed_actor<caf::reacts_to<lane_given_up>, caf::reacts_to<lane_over>>;

/// view_changed: the catalog says something new about the job.
using warmup_lane_actor
  = caf::typed_actor<caf::reacts_to<warmup_answer>, caf::reacts_to<view_changed>, caf::reacts_to<tick_due>>;

struct warmup_lane_state {
  /// What the model waits for an answer to; there is never more than one.
  struct open_request {
    std::uint64_t request{};
    std::variant<model::slot_request, model::send_push> what;
    model::time_ms asked{};
    model::time_ms limit{};  ///< After so long it counts as silent; a push has none, a link that breaks answers it.
    std::string why_again;   ///< It has not arrived, or nobody knows: it goes out again with the next tick.
  };
  warmup_room_ptr room;
  warmup_round round;
  lane_listener_actor job;
  std::optional<model::warmup_lane> lane;
  std::optional<open_request> open;
  std::optional<model::time_ms> batch_sent;  ///< The batch in hand, if this lane has sent it.
  std::map<model::tablet_id, model::published_meta> metas_sent;  ///< With the batch or the push that was sent last.
  model::warmup_lane_standing shown;
  static inline const char* name = "warmup_lane";
};

warmup_lane_actor::behavior_type warmup_lane(warmup_lane_actor::stateful_pointer<warmup_lane_state> self,
                                             warmup_room_ptr room, warmup_round round, model::backend_id backend,
                                             lane_listener_actor job);

}  // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::lane_given_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::lane_over)
