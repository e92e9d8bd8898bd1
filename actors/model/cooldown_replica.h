#pragma once
// Cooldown of one replica as its backend runs it: follows what is published, and uploads, compacts, takes everything to
// another store and cleans up while it is the uploader.  Pure.  One job at a time; a job is a chain of effects, each of which is answered by an event
// with the job's number.
//
// The order of an upload (spec/jobs.md B7, U3, U9; testing.md U7), and why nothing is lost by a crash behind any step:
//   1 put the objects, then the meta, under names nobody ever wrote      - crash: objects nobody names, swept later
//   2 save which publication will be asked for (replica_disk::asked)     - crash: asked again, the same one
//   3 ask the leader to publish; only the log says whether it counts     - crash: the same
//   4 save the set: rowsets become remote, the id is the published one   - crash: followed like anybody's publication
//   5 delete the local files                                            - crash: the store's own sweep
// 2 is what makes cleanup safe: while it is unknown whether a request will still be committed, nothing is deleted.
//
// Roles: FOLLOW unless the conf names this replica and the lease of that conf's term lasts (U1, U3).
#include "actors/model/cooldown_compaction.h"
#include "actors/model/cooldown_handler.h"
#include "actors/model/cooldown_rules.h"
#include "actors/model/cooldown_sets.h"

#include <span>

namespace tabletd::model {

struct cooldown_options {
  time_ms lease = uploader_lease;
  time_ms work_interval{20'000};                     ///< How often the shell says that there may be work.
  std::uint32_t rest_intervals = 10;                 ///< After a failure (B3); doubles with each further one ...
  std::uint32_t rest_intervals_max = 160;            ///< ... up to this.
  time_ms cleanup_interval = std::chrono::hours(6);  ///< B9.  At the latest; what nobody names is looked for sooner ...
  std::uint32_t tidy_intervals = 90;                 ///< ... after a publication, for the list it took the place of ...
  std::uint32_t sweep_intervals = 10;                ///< ... and after one that freed segments.
  time_ms answer_patience{60'000};                   ///< Until a question to the leader counts as unanswered.
  time_ms deletion_patience = model::deletion_patience;
  std::uint32_t piece_attempts_max = 5;     ///< Of one object of a move to another store; then all of it is given up.
  std::size_t cleanup_objects_max = 1'000;  ///< Deleted by one cleanup.
  publication_limits limits{};
  compaction_limits compaction{};
};

/// Facts of a step.  Without policy or resource nothing is uploaded; what is published is still followed (#26091).
struct cooling_facts {
  const replica_disk& disk;
  std::optional<cooling_rule> rule;
  resource_id resource{};  ///< Where it cools to; of a recall where it lay.  0: gone.
  time_ms wall{};          ///< For dates of the policy only.
  std::uint64_t nonce{};   ///< Random, another one each step.
  bool recall = false;     ///< What is remote comes back; nothing is uploaded.
  std::span<const resource_id> resources{};  ///< All that the leader has told of, ascending: where objects may lie.
};

// -- events --------------------------------------------------------------------------------
struct conf_pushed {
  cooldown_conf conf;
};
/// `sent`: when this process sent the report, by its monotonic clock; the leader's `term` for the tablet.
struct report_acknowledged {
  time_ms sent{};
  model::term term{};
};
struct cooldown_work_due {};
/// The effect of that job succeeded, or did not; after a failure nobody knows whether the store did it.
struct cooldown_done {
  std::uint64_t job{};
};
struct cooldown_failed {
  std::uint64_t job{};
  std::string why;
};
struct meta_written {
  std::uint64_t job{};
  std::uint32_t crc32c{};
  std::uint64_t bytes{};
};
struct publication_answered {
  std::uint64_t job{};
  publication_verdict verdict{};
};
/// Read and decoded; its bytes have the crc32c that was published.
struct meta_fetched {
  std::uint64_t job{};
  remote_meta meta;
};
struct objects_listed {
  std::uint64_t job{};
  std::vector<std::string> objects;
};
struct deletion_answered {
  std::uint64_t job{};
  bool confirmed = false;
  std::string why;
};
/// Rows of this replica were wanted and their object was not in the store.
struct read_missed {};
/// plan_clone's change has been saved.
struct clone_installed_here {
  bool full = false;
};
using replica_event = std::variant<conf_pushed, report_acknowledged, cooldown_work_due, cooldown_done, cooldown_failed,
                                   meta_written, publication_answered, meta_fetched, objects_listed, deletion_answered,
                                   read_missed, clone_installed_here>;

// -- effects -------------------------------------------------------------------------------
/// Remote changes are given no more time than lease_left; the name must not exist yet.  `inputs`: the blocks of these
/// remote rowsets of `from`, in this order; otherwise the local rowset of these versions, byte for byte.
struct put_segment {
  std::uint64_t job{};
  std::string object;
  version first_version{};
  version last_version{};
  resource_id to{};
  std::vector<remote_rowset> inputs{};
  resource_id from{};
};
/// meta_written follows.
struct put_meta {
  std::uint64_t job{};
  std::string object;
  remote_meta meta;
};
/// replica_disk::asked, durably; nobody is asked before cooldown_done.
struct save_asked {
  std::uint64_t job{};
  published_meta meta;
};
struct ask_publication {
  std::uint64_t job{};
  model::term term{};
  published_meta meta;
};
struct forget_asked {
  std::uint64_t job{};
};
struct fetch_meta {
  std::uint64_t job{};
  published_meta meta;
};
/// apply() in one durable write, if the disk's id is still change.from; local files go after it.
struct save_set {
  std::uint64_t job{};
  set_change change;
};
/// Every object of change.remote_dropped into a local file of its own, all blocks checked, then apply() in one durable
/// write, if the disk's id is still change.from.  Remote objects are left alone, so the lease does not bound it.
struct bring_home {
  std::uint64_t job{};
  set_change change;
};
/// Nobody was ever asked to publish them.  May fail: then a cleanup finds them.
struct discard_objects {
  std::vector<std::string> objects;
  resource_id resource{};
};
struct list_objects {
  std::uint64_t job{};
  resource_id resource{};
};
struct ask_deletion {
  std::uint64_t job{};
  model::term term{};
  remote_meta_id id;
};
struct delete_object {
  std::uint64_t job{};
  std::string object;
  resource_id resource{};
};
/// Busy (D-B8); the next report brings it again.
struct refuse_conf {
  model::term term{};
};
/// What waits since read_missed: try once more, or fail.
struct retry_reads {};
struct fail_reads {
  std::string why;
};
using replica_effect
    = std::variant<put_segment, put_meta, save_asked, ask_publication, forget_asked, fetch_meta, save_set,
                   bring_home, discard_objects, list_objects, ask_deletion, delete_object, refuse_conf, retry_reads, fail_reads>;
using replica_effects = std::vector<replica_effect>;

class cooldown_replica {
public:
  cooldown_replica(tablet_id tablet, replica_id self, cooldown_options options = {})
      : options_(options), tablet_(tablet), self_(self) {}

  /// `now` is a clock that does not jump and does not stop while the process is frozen.
  [[nodiscard]] replica_effects step(const cooling_facts& facts, const replica_event& event, time_ms now);

  /// Whether it is the uploader and its lease lasts.
  [[nodiscard]] bool leads(time_ms now) const { return lease_left(now) > time_ms(0); }
  /// What a remote change may take; zero: none may begin.
  [[nodiscard]] time_ms lease_left(time_ms now) const;
  /// Nothing is under way: what is due may begin.
  [[nodiscard]] bool is_idle() const { return in<idle>(); }
  [[nodiscard]] model::term known_term() const { return conf_ ? conf_->term : 0; }
  /// Of the conf, for reports: the leader pushes what is newer.
  [[nodiscard]] remote_meta_id published_id() const;
  /// Not while a set is being saved: the plan was made for the rowsets that are there now.
  [[nodiscard]] bool may_install_clone() const;
  [[nodiscard]] cooldown_phase phase(const replica_disk& disk) const;
  [[nodiscard]] const std::string& why_stuck() const { return why_stuck_.empty() ? why_skipped_ : why_stuck_; }

private:
  // -- states: no field belongs to two
  struct idle {};
  struct uploading {
    object_writer writer;
    std::vector<put_segment> puts;
    std::size_t next = 0;
    remote_meta meta;
    std::string meta_name;
    std::uint32_t attempts = 0;         ///< Of the next piece.
    std::optional<time_ms> again_at{};  ///< It failed and waits; nothing is under way.
    [[nodiscard]] bool is_move() const { return !puts.empty() && raw(puts[0].from) != 0 && puts[0].from != puts[0].to; }
  };
  struct saving_asked {
    remote_meta meta;
    published_meta published;
  };
  struct asking {
    std::optional<remote_meta> meta;  ///< Nothing: from before a crash, or the question is asked once more.
    published_meta published;
    time_ms asked_at{};
  };
  struct forgetting {};
  struct fetching {
    published_meta published;
  };
  struct saving_set {
    bool frees_segments = false;
  };
  struct coming_home {};
  struct listing {
    resource_id resource{};
  };
  struct confirming {
    resource_id resource{};
    std::vector<std::string> objects;
    remote_meta_id id;
    model::term term{};
    time_ms asked_at{};
  };
  struct deleting {
    confirming what;
    std::size_t next = 0;
  };
  using state = std::variant<idle, uploading, saving_asked, asking, forgetting, fetching, saving_set,
                             coming_home, listing, confirming, deleting>;

  [[nodiscard]] bool is_uploader() const { return conf_ && raw(self_) != 0 && conf_->uploader == self_; }
  template <class State>
  [[nodiscard]] bool in() const {
    return std::holds_alternative<State>(state_);
  }

  // cooldown_replica.cpp: conf, lease, what to do next, following.
  void on(const conf_pushed& e);
  void on(const report_acknowledged& e);
  void on(const cooldown_work_due&);
  void on(const read_missed&);
  void on(const clone_installed_here& e);
  void on(const meta_fetched& e);
  void adopt(const cooldown_conf& conf);
  void settle_asked();
  [[nodiscard]] bool is_behind() const;
  [[nodiscard]] bool may_overtake() const;
  void wait_or_catch_up();
  void catch_up();
  void follow();
  void save(const set_plan& plan);
  void end_job();
  void fail_job(std::string why);
  void rest_after_question();
  // cooldown_uploads.cpp: the uploader's jobs.
  void on(const cooldown_done& e);
  void on(const cooldown_failed& e);
  void on(const meta_written& e);
  void on(const publication_answered& e);
  void upload_or_clean_up();
  void recall_or_clean_up();
  void ask_recall();
  [[nodiscard]] next_to_cool choose_to_overtake() const;
  [[nodiscard]] bool begin_upload();
  [[nodiscard]] bool begin_compaction();
  void begin_move();
  void begin_publication(resource_id to, std::vector<remote_rowset> rowsets, std::vector<put_segment> puts);
  [[nodiscard]] bool may_put() const;
  void put_next();
  void abandon_upload();
  [[nodiscard]] bool wait_for_another_attempt(const std::string& why);
  void try_piece_again();
  void ask(const published_meta& published, std::optional<remote_meta> meta);
  // cooldown_cleanup.cpp: deleting what nobody needs.
  void on(const objects_listed& e);
  void on(const deletion_answered& e);
  [[nodiscard]] bool begin_cleanup();
  void clean_up_within(std::uint32_t intervals);
  void list_next();
  [[nodiscard]] bool skip_store(const std::string& why);
  [[nodiscard]] bool may_delete(const confirming& what) const;
  void delete_next();

  const cooldown_options options_;
  const tablet_id tablet_;
  const replica_id self_;
  const cooling_facts* facts_ = nullptr;  ///< Of the step under way.
  time_ms now_{};                         ///< The same.
  replica_effects effects_;               ///< The same.

  std::optional<cooldown_conf> conf_;
  std::optional<report_acknowledged> acknowledged_;  ///< Of the newest term, the one sent last.
  state state_;
  std::uint64_t job_ = 0;
  bool stop_wanted_ = false;       ///< By a conf that had to be refused, or a clone: no further step of an upload.
  bool republish_wanted_ = false;  ///< B10: cloned as a whole while uploader.
  bool reads_wait_ = false;
  remote_meta_id misaligned_;  ///< A published set that ends inside a rowset here.
  std::uint32_t failures_ = 0;  ///< In a row.
  time_ms rest_until_{};
  std::optional<time_ms> cleanup_after_;
  resource_id cleaned_last_{};  ///< Of the round over all stores; 0: it has not begun.
  std::string why_skipped_;     ///< Why the last round left a store out; empty: it did not.
  bool skips_ = false;          ///< The round under way has left one out.
  std::string why_stuck_;  ///< Of the last failure; empty since the last success.
};

}  // namespace tabletd::model
