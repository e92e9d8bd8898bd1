#pragma once
// Checkpoints as the leader of one epoch runs them: when, on whom, then the image to everybody, then
// the journal's deletion.  Pure; lives and dies with the epoch.  What must survive it (who is marked
// for a resync) is in the log and is handed to the next one.
//
// Rules: spec/jobs.md C1 to C6 (what is done), K2 to K9 (what is done differently).  The journal is
// one table here, so K7's roll costs nothing: any committed index may be a target.  `finalized` is
// the newest index a checkpoint may take; a roll moves it to what the leader has applied.
#include "actors/model/catalog.h"
#include "actors/model/checkpoint_attempt.h"
#include "actors/model/journal_retention.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

struct checkpoint_options {
  // When to roll.
  std::uint64_t entries_max = 100'000;                 ///< Since the newest image (design/journal.md 9.7).
  std::uint64_t bytes_max = 64U << 20;                 ///< Of journal since the newest image.
  time_ms age_max = std::chrono::hours(1);             ///< K7: quiet clusters too ...
  std::uint64_t aged_entries_min = 100;                ///< ... but not for what a checkpoint itself writes.
  time_ms settle{10'000};                              ///< An epoch's first round: members have been heard of.
  time_ms round_interval{60'000};                      ///< C2.  A failed round, push or proof is tried again then.
  // One attempt.
  bool only_on_leader = false;                         ///< C7.
  time_ms poll_interval{10'000};                       ///< K2.
  time_ms start_patience{30'000};                      ///< Until an order must have been accepted.
  time_ms progress_patience = std::chrono::minutes(10); ///< K2.  Also of a fetch and of a push.
  // K6, journal_retain_max: how long a member may be down before it holds up deletion no more.
  std::uint64_t retain_bytes_max = 1U << 30;           ///< Of journal written since it went down.
  time_ms retain_time_max = std::chrono::hours(24);
  time_ms disk_patience = std::chrono::minutes(5);     ///< What was last seen of the disk counts no longer than this.
  time_ms order_patience{2'000};                       ///< An operator's order waits so long for members that say nothing.
};

/// What earlier epochs decided and the log has.
struct checkpoint_marks {
  std::set<node_id> excused;
  bool use_newest = false;
};
[[nodiscard]] checkpoint_marks marks_of(const catalog& cat);
/// An edit, checkpoint_decided, to be: it counts when it is in the log.
struct logged_decision {
  checkpoint_decision what{};
  node_id member{}; ///< 0: of nobody.
  std::string why;
};
/// For the node's log.
[[nodiscard]] std::string text_of(const logged_decision& decision);

// -- events ------------------------------------------------------------------------------
struct checkpoint_ticked {}; ///< At least every poll_interval.
struct group_changed { std::vector<node_id> members; }; ///< All of them, this node too.
/// What a member said of itself; of this node as well.
struct member_seen {
  node_id member{};
  std::uint64_t beat{}; ///< Rises with each question of this epoch; what is not newer is dropped.
  boot_id boot{};
  std::uint32_t memory_percent{};
  std::uint64_t applied{};
  std::uint64_t deleted{}; ///< Its journal begins after this one.
  std::vector<image_mark> images; ///< That it has verified in this process; newest first.
};
struct member_lost { node_id member{}; };
/// This node's journal.
struct journal_seen {
  std::uint64_t finalized{};         ///< 0: leave that to the rules for a roll.
  std::uint64_t bytes_since_image{}; ///< Since this node's newest image.
  std::uint64_t bytes_written{};     ///< Since this epoch began.
};
struct worker_said {
  node_id member{};
  boot_id boot{};
  attempt_id attempt;
  worker_answer answer;
};
/// The fetched image is in place on this node; `image` is what was read back.
struct image_received { attempt_id attempt; image_mark image; };
struct image_refused {
  attempt_id attempt;
  bool damaged = false; ///< Whole, but other bytes than announced.
  std::string why;
};
struct fetch_progressed { attempt_id attempt; };
/// The image is in place there, verified; `image` is what was read back.
struct push_acked { node_id member{}; boot_id boot{}; image_mark image; };
struct push_refused { node_id member{}; std::uint64_t image_id{}; };
struct push_progressed { node_id member{}; };
struct leadership_proved { std::uint64_t proof{}; };
struct leadership_unproved { std::uint64_t proof{}; };
struct decision_logged { checkpoint_decision what{}; node_id member{}; };
struct decision_failed { checkpoint_decision what{}; node_id member{}; };
struct disk_pressure_seen { bool pressed = false; }; ///< Not while the disk's free space cannot be read.
/// ADMIN CHECKPOINT [ON fe].  Every member was asked for facts with it, by `beat`: who makes the image, and of what, is
/// decided by what they say now.
struct checkpoint_asked { std::uint64_t request{}; std::optional<node_id> on; std::uint64_t beat{}; };
struct epoch_ended {};
using checkpoint_event
  = std::variant<checkpoint_ticked, group_changed, member_seen, member_lost, journal_seen, worker_said,
                 image_received, image_refused, fetch_progressed, push_acked, push_refused, push_progressed,
                 leadership_proved, leadership_unproved, decision_logged, decision_failed, disk_pressure_seen,
                 checkpoint_asked, epoch_ended>;

// -- effects, carried out in this order --------------------------------------------------
/// For SHOW.  The controller has it already, so an answer that overtakes the order is known (K2).
struct record_attempt { attempt_id attempt; node_id worker{}; };
struct start_attempt { node_id member{}; attempt_id attempt; };
struct poll_attempt { node_id member{}; attempt_id attempt; };
struct cancel_attempt { node_id member{}; attempt_id attempt; };
/// K2's STALE: the answer was of no attempt that runs.
struct tell_stale { node_id member{}; attempt_id attempt; };
struct record_ending { attempt_id attempt; node_id worker{}; bool done = false; std::string text; };
/// Fetch, judge_received, put in place; image_received or image_refused follows.
struct fetch_image { node_id from{}; attempt_id attempt; image_mark image; };
struct stop_fetch { std::uint64_t image_id{}; }; ///< And remove the part that came.
struct keep_images { std::uint64_t newest{}; std::uint64_t older{}; }; ///< On this node; others go.  0: none.
struct push_image { node_id member{}; model::term epoch{}; image_mark image; bool resync = false; };
/// Have a quorum write an entry of this epoch (K8).
struct prove_leadership { std::uint64_t proof{}; };
/// The member, this node too, judges it once more (judge_deletion).
struct delete_journal { node_id member{}; model::term epoch{}; std::uint64_t upto{}; bool pressed = false; };
struct log_decision { logged_decision decision; }; ///< decision_logged or decision_failed follows.
struct answer_operator { std::uint64_t request{}; bool done = false; std::string text; };
using checkpoint_effect
  = std::variant<record_attempt, start_attempt, poll_attempt, cancel_attempt, tell_stale, record_ending, fetch_image,
                 stop_fetch, keep_images, push_image, prove_leadership, delete_journal, log_decision, answer_operator>;
using checkpoint_effects = std::vector<checkpoint_effect>;

class checkpoint_controller {
public:
  struct member_book {
    bool alive = false;
    boot_id boot{};
    std::uint64_t beat{};
    std::uint32_t memory_percent{};
    std::uint64_t applied{};
    std::uint64_t deleted{};
    std::vector<image_mark> images;
    time_ms down_since{};
    std::uint64_t bytes_written_when_lost{};
    std::optional<time_ms> last_failed; ///< As a worker.
    std::uint32_t transfers_failed = 0; ///< In a row, from it to the leader.
    bool excused = false;
    bool deciding = false; ///< A decision about it is on its way into the log.
    time_ms push_after{};
  };
  struct running_attempt {
    attempt_id id;
    node_id worker{};
    boot_id boot{};
    bool accepted = false;
    attempt_running progress;
    time_ms ordered{};
    time_ms progressed{};
    time_ms poll_at{};
    std::optional<image_mark> fetching; ///< Made; on its way to the leader.
  };

  /// `marks`: by the catalog as of this epoch's first entry.
  checkpoint_controller(checkpoint_options options, model::term epoch, node_id self, std::vector<node_id> members,
                        const checkpoint_marks& marks, time_ms now);

  /// `now` is any clock that does not jump.
  [[nodiscard]] checkpoint_effects step(const checkpoint_event& event, time_ms now);

  [[nodiscard]] const std::optional<running_attempt>& attempt() const { return attempt_; }
  [[nodiscard]] const std::map<node_id, member_book>& members() const { return members_; }
  /// What may be deleted now, and whose fault it is that it is not more.  `without`: as if these members
  /// were excused.
  [[nodiscard]] retention_verdict retention(const std::set<node_id>& without = {}) const;
  /// As this epoch has seen this node's disk; what the log says is of another one's.
  [[nodiscard]] bool feels_pressure() const { return pressure_ == true; }
  /// C3: in which order members are asked, dead and excused ones left out.
  [[nodiscard]] std::vector<node_id> candidates() const;

private:
  struct current_round {
    std::vector<node_id> left; ///< Who is asked next, in order.
    std::uint64_t target{};
    std::optional<std::uint64_t> request; ///< Of an operator.
  };
  struct current_push {
    node_id member{};
    std::uint64_t image_id{};
    time_ms progressed{};
  };
  struct waiting_order {
    checkpoint_asked what;
    time_ms latest{}; ///< Then without those that say nothing.
  };
  /// Marked, but in the group no more.
  struct marked_leaver {
    time_ms since{}; ///< In this epoch.
    bool deciding = false;
  };
  struct current_proof {
    std::uint64_t number{};
    time_ms asked{};
  };
  struct visitor;

  [[nodiscard]] member_book& self() { return members_.at(self_); }
  [[nodiscard]] const member_book& self() const { return members_.at(self_); }
  [[nodiscard]] bool has_newest(const member_book& m) const;

  // checkpoint_controller.cpp: rounds and attempts.
  void tick();
  [[nodiscard]] bool roll_is_due() const;
  void begin_round(std::vector<node_id> candidates, std::uint64_t target, std::optional<std::uint64_t> request);
  void ask_next(const std::string& why_not_the_last);
  void look_after_attempt();
  void image_made(const image_mark& image);
  void attempt_succeeded();
  enum class blame : std::uint8_t { nobody, worker };
  enum class then : std::uint8_t { end_round, ask_next };
  void attempt_ended_badly(const std::string& why, blame whom, then what);
  void end_round(bool done, const std::string& text);
  void on(const worker_said& e);
  void on(const image_received& e);
  void on(const image_refused& e);
  void on(const checkpoint_asked& e);
  [[nodiscard]] bool is_due(const waiting_order& order) const;
  void take_orders();
  void obey(const checkpoint_asked& e);
  // checkpoint_members.cpp: what is known of members, images for them, the journal's deletion.
  void on(const group_changed& e);
  void on(const member_seen& e);
  void on(const member_lost& e);
  void on(const push_acked& e);
  void on(const decision_logged& e);
  void note_boot(node_id member, member_book& m, boot_id boot);
  void spread();
  void forget_old_pressure();
  void decide_about_disk();
  [[nodiscard]] std::set<node_id> down_too_long() const;
  void excuse_the_lost();
  void forget_leavers();
  void decide_about_members();
  void decide(checkpoint_decision what, node_id member, std::string why);
  [[nodiscard]] bool wants_deletion() const;
  void ask_for_proof();
  void delete_proved();
  [[nodiscard]] bool is_pressed() const { return log_uses_newest_ && feels_pressure() && !pressure_deciding_; }

  const checkpoint_options options_;
  const model::term epoch_;
  const node_id self_;
  bool ended_ = false;
  time_ms now_{};               ///< Of the step under way.
  checkpoint_effects effects_;  ///< Of the step under way.

  std::map<node_id, member_book> members_;
  std::map<node_id, marked_leaver> leavers_;
  journal_seen journal_;
  std::uint64_t finalized_{};
  time_ms image_made_; ///< The last one of this epoch; before it, its beginning.
  std::uint32_t attempts_ = 0;
  std::optional<current_round> round_; ///< Then there is an attempt too, except within a step.
  std::optional<running_attempt> attempt_;
  std::optional<image_mark> unfetched_; ///< Made, but it did not arrive; its maker may still have it.
  time_ms next_round_;
  std::optional<current_push> push_;
  std::uint64_t deleted_{}; ///< Ordered in this epoch.
  std::uint64_t proofs_ = 0;
  std::optional<current_proof> proof_;
  time_ms proof_after_{};
  std::vector<waiting_order> orders_;
  std::optional<bool> pressure_;  ///< Of this node's disk; nothing: not looked at yet.
  time_ms pressure_seen_;         ///< Before it was looked at, this epoch's beginning.
  bool log_uses_newest_ = false;
  bool pressure_deciding_ = false; ///< A decision about it is on its way into the log.
};

} // namespace tabletd::model
