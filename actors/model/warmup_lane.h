#pragma once
// The leader's side of one backend in one round of a job (spec/jobs.md A7.3, last paragraph; W6, W7).  Pure; lives and
// dies with one term of leadership.  What must outlive it is in the log: which batches are warm.
//
// No lane waits for another.  Next batch = the first that is not in the log; so a lane that begins anew, after a
// fail-over or the backend's restart, finds out by one question what remains to be done.
//
// Two promises the shell keeps:
//  * every request is answered by slot_replied or slot_silent, once;
//  * what is proposed is heard of again by batch_logged or batch_not_logged, or this node leads no more.
#include "actors/model/warmup_orders.h"
#include "actors/model/warmup_records.h"

#include <optional>

namespace tabletd::model {

struct lane_options {
  std::uint32_t failures_max = 3;      ///< W6.  In a row.
  time_ms rest_after_failure{20'000};  ///< Before the next try: longer than a backend needs to restart.
  std::uint32_t renewals_max = 3;      ///< Of what changed in the middle of a batch, before that is a failure.
};

/// Facts of a step, by the catalog.
struct lane_facts {
  std::uint32_t batches{};
  std::uint32_t warmed{};      ///< In the log.
  std::uint64_t next_bytes{};  ///< Of batch number `warmed`, by the plan.
  bool paused = false;
  bool over = true;  ///< The round has an end in the log: the backend may forget it.
  warmup_on_error on_error{};
};
/// `job` may be null: forgotten.
[[nodiscard]] lane_facts facts_of(const warmup_job* job, warmup_run run, backend_id backend);

// -- events --------------------------------------------------------------------------------
struct lane_ticked {};  ///< Once a second or so.
struct slot_replied {
  std::uint64_t request{};
  slot_reply reply;
  /// All tablets that failed are named, and of each something else is published now than when it was sent, or nothing: it
  /// was merged, recalled or dropped meanwhile.  Of what another leader sent nobody knows; that counts as changed.
  bool have_failed_changed = false;
};
/// The same of a push.
struct push_replied {
  std::uint64_t request{};
  std::uint64_t failed_tablets{};
  std::vector<tablet_id> named_tablets;
  bool have_failed_changed = false;
};
struct slot_silent {
  std::uint64_t request{};
};
struct batch_logged {
  std::uint32_t batch{};
};
/// And never will be, as it was proposed.
struct batch_not_logged {
  std::uint32_t batch{};
};
using lane_event = std::variant<lane_ticked, slot_replied, push_replied, slot_silent, batch_logged, batch_not_logged>;

// -- effects -------------------------------------------------------------------------------
/// `request` is an opaque number that the reply carries.
struct send_get {
  std::uint64_t request{};
  friend bool operator==(const send_get&, const send_get&) = default;
};
struct send_set_job {
  std::uint64_t request{};
  std::uint32_t resume_from{};
  friend bool operator==(const send_set_job&, const send_set_job&) = default;
};
/// With the tablets of that batch, by the plan.
struct send_set_batch {
  std::uint64_t request{};
  std::uint32_t batch{};
  friend bool operator==(const send_set_batch&, const send_set_batch&) = default;
};
/// Outside of the slot, as they are published now: what the batch lacks because it changed in the middle of it.
struct send_push {
  std::uint64_t request{};
  std::vector<tablet_id> tablets;
  friend bool operator==(const send_push&, const send_push&) = default;
};
struct send_clear {
  std::uint64_t request{};
  friend bool operator==(const send_clear&, const send_clear&) = default;
};
struct propose_batch {
  batch_warmed what;
  friend bool operator==(const propose_batch&, const propose_batch&) = default;
};
/// The lane is given up in this term; what becomes of the job is ending_of's decision (warmup_jobs.h).
struct lane_failed {
  std::string why;  ///< Names the backend.
  friend bool operator==(const lane_failed&, const lane_failed&) = default;
};
/// Somebody leads in a later term.
struct lane_deposed {
  term epoch{};
  friend bool operator==(const lane_deposed&, const lane_deposed&) = default;
};
/// What cannot be, if all keep the rules.
struct raise_alarm {
  std::string what;
  friend bool operator==(const raise_alarm&, const raise_alarm&) = default;
};
using lane_effect = std::variant<send_get, send_set_job, send_set_batch, send_push, send_clear, propose_batch,
                                 lane_failed, lane_deposed, raise_alarm>;
using lane_effects = std::vector<lane_effect>;

class warmup_lane {
public:
  warmup_lane(warmup_fence fence, backend_id backend, lane_options options = {})
      : options_(options), fence_(fence), backend_(backend) {}

  [[nodiscard]] lane_effects step(const lane_facts& facts, const lane_event& event, time_ms now);

  /// Nothing will come of it any more: the round is over and cleared, or somebody else leads.
  [[nodiscard]] bool is_over() const { return std::holds_alternative<over>(state_); }
  [[nodiscard]] const warmup_fence& fence() const { return fence_; }
  [[nodiscard]] backend_id backend() const { return backend_; }
  /// What of the batch that is not in the log yet is in the cache, by the backend's last word (A12).
  [[nodiscard]] std::uint64_t live_bytes(const lane_facts& facts) const;
  /// How often the backend was seen with another boot id than before.
  [[nodiscard]] std::uint32_t restarts() const { return restarts_; }
  /// Job whose slot it waits for; 0: none.
  [[nodiscard]] warmup_job_id waits_for() const { return waits_for_; }

private:
  // -- states: no field belongs to two
  struct resting {
    time_ms until;
  };
  enum class question : std::uint8_t { get, job, batch };
  struct asking {
    std::uint64_t request{};
    question what{};
  };
  /// The batch is done, but for what is pushed once more.
  struct renewing {
    std::uint64_t request{};
    std::uint64_t bytes_done{};  ///< Of the batch, without it.
  };
  struct logging {
    std::uint32_t batch{};
  };
  struct given_up {};
  /// What is in the cache of a batch that is done, and what is not.
  struct lacking {
    std::uint64_t bytes_done{};
    std::uint64_t failed_tablets{};
    std::vector<tablet_id> named_tablets;
  };
  struct clearing {
    std::uint64_t request{};  ///< 0: at `again_at`.
    std::uint32_t tries = 1;
    time_ms again_at{};
  };
  struct over {};
  using state = std::variant<resting, asking, renewing, logging, given_up, clearing, over>;

  void on(const lane_ticked&);
  void on(const slot_replied& e);
  void on(const push_replied& e);
  void on(const slot_silent& e);
  void on(const batch_logged& e);
  void on(const batch_not_logged& e);
  void note(const slot_reply& reply);
  void go_on(const slot_replied& e, question asked);
  /// What failed is renewed, fails the lane, or is logged, as the job will have it.
  void end_batch(const lacking& what, bool have_failed_changed);
  void propose(const lacking& what);
  void ask_to_warm();
  void clear();
  void rest(time_ms span = {}) { state_ = resting{now_ + span}; }
  void give_up(std::string why);
  [[nodiscard]] bool is_own(const slot_reply& reply) const {
    return reply.job == fence_.job && reply.run == fence_.run;
  }
  [[nodiscard]] std::string name() const { return "backend " + std::to_string(raw(backend_)); }

  const lane_options options_;
  const warmup_fence fence_;
  const backend_id backend_;
  const lane_facts* facts_ = nullptr;  ///< Of the step under way.
  time_ms now_{};                      ///< The same.
  lane_effects effects_;               ///< The same.

  state state_;
  std::uint64_t requests_ = 0;
  std::uint32_t failures_ = 0;  ///< In a row.
  std::uint32_t renewals_ = 0;  ///< Of the batch that is not in the log yet.
  std::uint64_t boot_ = 0;      ///< Seen last; 0: none yet.
  std::uint32_t restarts_ = 0;
  warmup_job_id waits_for_{};
  bool drained_ = false;  ///< Paused, and the backend has nothing in hand.
  std::uint32_t live_batch_ = 0;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace tabletd::model
