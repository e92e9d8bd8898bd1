#pragma once
// The supervisor's mail.  A supervisor does nothing else (OTP): it starts children in
// order, watches them, restarts by plan, and escalates.
#include "actors/model/supervision.h"
#include "actors/signals.h"
#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd {

/// How to make one child.  `start` runs inside the supervisor and may throw: that counts
/// as a crash of the child.  Spawn with spawn_child (actors/spawn_child.h): an exception in
/// the child then arrives here with its text.
struct child_spec {
  std::string id; ///< Unique among siblings.
  std::function<caf::actor(caf::event_based_actor*)> start;
  model::restart when = model::restart::permanent;
  std::chrono::milliseconds shutdown{5'000}; ///< Then it is killed; 0: killed at once.
  std::string type{};                        ///< For listings; empty: the actor's own name.
};

/// Adds a child and starts it; answered with its handle (caf::actor).  Refused if the id is
/// taken, if the start throws (the child is then not kept), or while the supervisor stops.
struct start_child {
  child_spec spec;
};
/// Stops a child for good; answered (without a value) when it is gone.
struct stop_child {
  std::string id;
};
/// Sent to the observer each time a child is (re)started.  Handles do not survive a restart:
/// who caches one listens for this.
struct child_up {
  std::string id;
  caf::actor handle;
};

/// backoff: waiting for its start; failed: ended by a crash; stopped: ended otherwise.
enum class child_state : std::uint8_t { running, backoff, failed, stopped };
[[nodiscard]] const char* name(child_state state); ///< "running"

/// One row of SHOW PROC '/actors'.
struct supervised_row {
  std::string supervisor{};
  std::string child;
  std::string type{}; ///< The actor's name, e.g. "tablet_scheduler".
  child_state state = child_state::backoff;
  std::uint32_t restarts = 0;
  std::chrono::steady_clock::time_point since{}; ///< On the actor clock: when `state` began.
  std::string last_error{};                      ///< Of its latest crash; empty: none.
};

/// One supervisor name; the totals outlive its incarnations.
struct supervisor_totals {
  std::array<std::uint64_t, 4> children{}; ///< Index: child_state.
  std::uint64_t restarts = 0;
  std::uint64_t escalations = 0;
  std::uint64_t kills = 0; ///< Children that did not stop in time.
};

/// What is worth a line in the log.
struct supervision_news {
  enum class kind { crashed, killed, escalated };
  kind what = kind::crashed;
  std::string supervisor{};
  std::string child;
  std::string error;
};

/// What every supervisor of this process looks after.  Any thread.
class supervision_registry {
public:
  [[nodiscard]] std::vector<supervised_row> rows() const; ///< By supervisor birth, then child birth.
  [[nodiscard]] std::map<std::string, supervisor_totals> totals() const;
  /// Replaces the listener; null: none.  It is called on the supervisor's thread, so it must
  /// be quick.
  void listen(std::function<void(const supervision_news&)> listener);

  /// One supervisor incarnation's rows; they vanish with it.
  class section {
  public:
    section() = default;
    section(supervision_registry& all, std::string supervisor);
    section(const section&) = delete;
    section& operator=(section&& other) noexcept;
    ~section() { close(); }
    void update(model::child_key child, supervised_row row);
    void remove(model::child_key child);
    void restarted();
    void tell(supervision_news::kind what, const std::string& child, const std::string& error);

  private:
    void close();
    supervision_registry* all_ = nullptr;
    std::uint64_t number_ = 0;
    std::string supervisor_;
  };

private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::map<model::child_key, supervised_row>> sections_;
  std::map<std::string, supervisor_totals> totals_; ///< `children` is filled by totals().
  std::shared_ptr<const std::function<void(const supervision_news&)>> listener_;
  std::uint64_t sections_made_ = 0;
};

/// The one of this process.
supervision_registry& supervision_tree();

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::start_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::stop_child)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::child_up)
