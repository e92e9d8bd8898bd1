#pragma once
// What a front end decides about a checkpoint the leader orders from it, about an image it is
// offered, and about an order to delete from its journal.  Pure.
// Checks: spec/jobs.md C2; K2, K3, K4, K9 of C12.
#include "actors/model/checkpoint_attempt.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

// -- events ------------------------------------------------------------------------------
struct worker_term_seen { model::term epoch{}; }; ///< Consensus is in this term now.
struct worker_applied { std::uint64_t index{}; }; ///< The catalog of this node is that far.
struct worker_logged { std::uint64_t index{}; };  ///< Its log is that far.
struct attempt_ordered { attempt_id attempt; };
struct attempt_polled { attempt_id attempt; };
struct attempt_cancelled { attempt_id attempt; };
/// The patience of await_entries is at its end.
struct entries_overdue { attempt_id attempt; };
/// Progress of the job, in either of its two parts.
struct replay_progressed { attempt_id attempt; std::uint64_t replayed{}; };
struct save_progressed { attempt_id attempt; std::uint64_t bytes_written{}; };
/// A catalog of at least journal_id stands; nothing is on the disk yet.
struct replay_ended { attempt_id attempt; std::uint64_t replayed{}; };
/// Written, synced, read back and verified, renamed, the directory synced (K4).
struct image_saved { attempt_id attempt; image_mark image; };
struct job_failed { attempt_id attempt; attempt_failure kind{}; std::string why; };
/// An image from the leader is in place (see judge_received).  One past what was applied has replaced
/// this node's state: its journal begins after it, and no older image is of use any more.
struct image_installed { image_mark image; };
using worker_event = std::variant<worker_term_seen, worker_applied, worker_logged, entries_overdue, attempt_ordered, attempt_polled,
                                  attempt_cancelled, replay_progressed, save_progressed, replay_ended, image_saved,
                                  job_failed, image_installed>;

/// An order follows the operator's write at its heels; a follower hears that it is committed with the next entries or
/// heartbeat.
inline constexpr time_ms entries_patience{2'000};

// -- effects, carried out in this order --------------------------------------------------
struct say_of_attempt { attempt_id attempt; worker_answer answer; }; ///< To who leads now.
/// The entries are in the log here and their commit is not known yet; begin_replay or, after `patience`, a refusal
/// follows.
struct await_entries { attempt_id attempt; time_ms patience{}; };
struct begin_replay { attempt_id attempt; };
struct save_image { attempt_id attempt; std::uint64_t id{}; };
/// Stop it wherever it is, free its catalog, remove its temporary file.
struct abandon_job { attempt_id attempt; };
using worker_effect = std::variant<say_of_attempt, await_entries, begin_replay, save_image, abandon_job>;
using worker_effects = std::vector<worker_effect>;

struct checkpoint_worker {
  struct job {
    attempt_id attempt;
    bool waiting = false; ///< For entries it has in its log to be applied.
    bool saving = false;
    attempt_running progress;
  };
  struct ending {
    attempt_id attempt;
    worker_answer how;
  };
  model::term epoch{};            ///< Of consensus, as this node knows it.
  std::uint64_t applied{};
  std::uint64_t logged{};
  std::vector<image_mark> images; ///< Verified; newest first.
  std::optional<job> running;
  std::optional<ending> last;     ///< Of the attempt before; what a poll gets.
  attempt_id greatest;            ///< Ever accepted by this process.
};

[[nodiscard]] worker_effects step(checkpoint_worker& worker, const worker_event& event);

// -- images offered to this node ---------------------------------------------------------
struct image_offer {
  model::term epoch{}; ///< Of the leader that offers it.
  image_mark image;
  bool resync = false; ///< It replaces this node's state: the journal between is gone (K6).
};
enum class image_verdict : std::uint8_t {
  take,         ///< Before the transfer: begin it.  After: put it in place, then acknowledge.
  have,         ///< Exactly this one is here: acknowledge at once.
  old_epoch,    ///< Who offers it leads no more.
  lower,        ///< This node has a newer one.
  ahead,        ///< Past this node's own journal, whose entries would never be replayed.
  size_differs, ///< Cut off: remove what came.
  crc_differs,  ///< Damaged: remove what came.
};
/// K9, before anything is transferred.  An image of the same id but other bytes (two workers made one
/// each) is taken: all members must hold the same bytes.
[[nodiscard]] image_verdict judge_offer(const checkpoint_worker& worker, const image_offer& offer);
/// K4, after it: `received` is what was read back from this node's disk.  Judges the offer once more,
/// for the transfer took its time.
[[nodiscard]] image_verdict judge_received(const checkpoint_worker& worker, const image_offer& offer,
                                           const image_mark& received);

/// How far this node deletes when a leader says `upto`: 0 for an old leader, never past its own older
/// image or what it has applied.  `pressed`: see deletable().
[[nodiscard]] std::uint64_t judge_deletion(const checkpoint_worker& worker, model::term epoch, std::uint64_t upto,
                                           bool pressed);

} // namespace tabletd::model
