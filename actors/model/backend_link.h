#pragma once
// The leader's link to one backend and what travels over it: dialling, heartbeats, back-off,
// and the orders that must be answered however often the link breaks.  Pure; carried out by
// actors/membership/backend_agent.
#include "actors/model/agent_task.h"
#include "actors/model/ids.h"
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

struct link_options {
  time_ms heartbeat_every{2'000};
  time_ms silence_max{10'000}; ///< Attached but no answer for this long: as good as lost.
  time_ms dial_max{15'000};  ///< The wire answers within 5 s; this is for a wire that does not.
  time_ms retry_first{250};  ///< Doubles with every failure in a row ...
  time_ms retry_max{10'000}; ///< ... up to this.
  time_ms refused_retry{30'000}; ///< A refusal (wrong cluster, other id) needs an operator.
  time_ms report_max{10'000};    ///< A backend reports by itself when attached; after this we ask.
  time_ms publish_max{30'000};   ///< A publish order is answered with an error after this.
};

// -- events ------------------------------------------------------------------------------
struct link_attached {};
struct link_refused {
  std::string why;
};
struct link_lost {
  std::string why;
};
struct link_answered {}; ///< A heartbeat.
struct link_ticked {};
/// What the catalog says of the backend: told at birth and whenever it may have changed.
struct backend_judged {
  bool known = false; ///< False: dropped from the cluster.
  bool alive = false;
};
struct full_wanted {
  time_ms at{};
};
struct full_folded {};
struct task_ordered {
  task_key key;
};
struct task_end_heard {
  task_key key;
};
struct batch_closed {}; ///< Answers close_batch.
struct publish_ordered {
  std::uint64_t seq{};
};
struct publish_heard {
  std::uint64_t seq{};
  bool delivered{};
};
using link_event = std::variant<link_attached, link_refused, link_lost, link_answered, link_ticked,
                                backend_judged, full_wanted, full_folded, task_ordered,
                                task_end_heard, batch_closed, publish_ordered, publish_heard>;

// -- effects, carried out in order --------------------------------------------------------
struct dial {
  friend bool operator==(const dial&, const dial&) = default;
};
struct hang_up {
  friend bool operator==(const hang_up&, const hang_up&) = default;
};
struct send_beat {
  std::uint64_t seq{};
  friend bool operator==(const send_beat&, const send_beat&) = default;
};
struct ask_full_report {
  friend bool operator==(const ask_full_report&, const ask_full_report&) = default;
};
/// Feed batch_closed after what is in the mailbox now: orders that wait there join the batch.
struct close_batch {
  friend bool operator==(const close_batch&, const close_batch&) = default;
};
struct submit_tasks {
  std::vector<task_key> keys;
  friend bool operator==(const submit_tasks&, const submit_tasks&) = default;
};
struct send_publish {
  std::uint64_t seq{};
  friend bool operator==(const send_publish&, const send_publish&) = default;
};
/// The event's TaskEnded is the answer.
struct answer_task {
  task_key key;
  friend bool operator==(const answer_task&, const answer_task&) = default;
};
struct fail_task {
  task_key key;
  std::string why;
  friend bool operator==(const fail_task&, const fail_task&) = default;
};
/// The event's PublishEnded is the answer.
struct answer_publish {
  std::uint64_t seq{};
  friend bool operator==(const answer_publish&, const answer_publish&) = default;
};
struct fail_publish {
  std::uint64_t seq{};
  std::string why;
  friend bool operator==(const fail_publish&, const fail_publish&) = default;
};
/// linked(), `reported` or `error` changed: show it.
struct link_changed {
  friend bool operator==(const link_changed&, const link_changed&) = default;
};
using link_effect = std::variant<dial, hang_up, send_beat, ask_full_report, close_batch,
                                 submit_tasks, send_publish, answer_task, fail_task, answer_publish,
                                 fail_publish, link_changed>;
using link_effects = std::vector<link_effect>;

// -- state -------------------------------------------------------------------------------
struct link_idle {}; ///< Not in the catalog (any more): nobody to dial.
struct link_dialling {
  time_ms since{};
};
struct link_up {
  time_ms since{};
  time_ms answered{}; ///< Last sign of life.
  time_ms beat_due{};
};
struct link_waiting {
  time_ms until{};
};
using link_phase = std::variant<link_idle, link_dialling, link_up, link_waiting>;

struct backend_link {
  struct publishing {
    time_ms deadline{};
    bool sent = false;
  };
  link_options options;
  link_phase phase;
  bool alive = false;         ///< By the log.
  std::uint32_t failures = 0; ///< In a row, without a heartbeat answered in between.
  std::uint64_t beats = 0;
  std::string error;     ///< Why it is not linked; empty while it is.
  bool reported = false; ///< A full report of this link has been folded.
  std::optional<time_ms> ask_report_at;
  std::set<task_key> tasks;    ///< Every open one; what a new link is given.
  std::vector<task_key> batch; ///< Of them: not submitted yet on this link.
  std::map<std::uint64_t, publishing> publishes;
  [[nodiscard]] bool linked() const { return std::holds_alternative<link_up>(phase); }
};

/// `now` is any clock that does not jump.
[[nodiscard]] link_effects step(backend_link& link, const link_event& event, time_ms now);

} // namespace tabletd::model
