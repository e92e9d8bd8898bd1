#pragma once
// The supervisor's mail.  A supervisor does nothing else (OTP): it starts children in
// order, watches them, restarts by plan, and escalates.
#include "actors/model/supervision.h"
#include "actors/signals.h"
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace tabletd {

/// How to make one child.  `start` runs inside the supervisor and may throw: that counts
/// as a crash of the child.
struct child_spec {
  std::string id;                                             ///< Unique among siblings.
  std::function<caf::actor(caf::event_based_actor*)> start;
  model::restart when = model::restart::permanent;
  std::chrono::milliseconds shutdown{5'000};                  ///< Then it is killed.
};

/// Adds a child and starts it; answered with its handle.
struct start_child {
  child_spec spec;
};
/// Stops a child for good; answered when it is gone.
struct stop_child {
  std::string id;
};
/// Sent to the observer each time a child is (re)started.
struct child_up {
  std::string id;
  caf::actor handle;
};

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::start_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::stop_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::child_up)
