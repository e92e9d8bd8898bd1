#pragma once
// What the leader and a backend say to each other about warm-up (spec/jobs.md A7.3, W3).
#include "actors/model/warmup_types.h"

namespace tabletd::model {

/// On every request.
struct warmup_fence {
  term epoch{};  ///< Term of the leader that sends it.
  warmup_job_id job{};
  warmup_run run{};
  friend bool operator==(const warmup_fence&, const warmup_fence&) = default;
};
/// GET: how far is it?  Prolongs the lease of its own job.
struct get_slot {
  friend bool operator==(const get_slot&, const get_slot&) = default;
};
/// SET_JOB: batches below `resume_from` are in the log.
struct set_job {
  std::uint32_t resume_from{};
  friend bool operator==(const set_job&, const set_job&) = default;
};
/// SET_BATCH.
struct set_batch {
  std::uint32_t batch{};
  std::vector<tablet_id> tablets;
  friend bool operator==(const set_batch&, const set_batch&) = default;
};
/// CLEAR: the round will never go on.
struct clear_job {
  friend bool operator==(const clear_job&, const clear_job&) = default;
};
struct slot_request {
  warmup_fence fence;
  std::variant<get_slot, set_job, set_batch, clear_job> what;
};

enum class slot_verdict : std::uint8_t {
  ok,
  dup,           ///< The batch runs.
  stale_epoch,   ///< epoch_seen has been here: the sender no longer leads.
  cleared,       ///< The round was cleared.
  busy,          ///< The slot is another round's; SET_JOB.
  wrong_job,     ///< The same; SET_BATCH.
  stale_batch,   ///< `done` is as far, or further.
  not_finished,  ///< `cur` runs.
};
/// With every reply, as it is after the request.
struct slot_reply {
  slot_verdict verdict{};
  std::uint64_t boot{};  ///< Of the backend's process.
  term epoch_seen{};
  warmup_job_id job{};  ///< 0: the slot is free.
  warmup_run run{};
  std::int64_t cur = -1;   ///< Batch accepted last.
  std::int64_t done = -1;  ///< Batch up to which all is done; cur, unless cur runs.
  bool running = false;
  // Of cur (W7):
  std::uint64_t bytes_done{};
  std::uint64_t failed_tablets{};
  std::vector<tablet_id> named_tablets;  ///< The first of them.
  friend bool operator==(const slot_reply&, const slot_reply&) = default;
};

}  // namespace tabletd::model
