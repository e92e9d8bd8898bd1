#pragma once
// Who is mended when: the queue of sick tablets, the slots, the contexts that run.  Pure;
// actors/repair/tablet_scheduler carries its effects out.
//
// A tablet is in exactly one place: the queue, a running context, or - UNRECOVERABLE - only
// in the register of the sick.  What runs owns its slots; when a context ends they are free
// and its tablet is diagnosed at once, so a cure of several steps does not wait for the
// checker.  Work per step is bounded; nothing walks the whole queue.
#include "actors/model/balance_driver.h"
#include "actors/model/cluster_config.h"
#include "actors/model/cluster_view.h"
#include "actors/model/colocate_balance.h"
#include "actors/model/load_score.h"
#include "actors/model/placement.h"
#include "actors/model/repair_queue.h"
#include "actors/model/sched_ctx.h"
#include "actors/model/scheduler_view.h"
#include "actors/model/slot_pace.h"
#include <list>
#include <optional>
#include <unordered_map>
#include <unordered_set>

namespace tabletd::model {

struct scheduler_options {
  time_ms repair_delay_factor{60'000}; ///< See delay_factor().
  /// SR26's tablet_sched_be_down_tolerate_time_s (spec/replica.md 2.3): so long a dead backend may
  /// take to come back before its replicas are copied elsewhere.  Not waited for when a tablet has
  /// lost its majority or an operator has asked for its repair (9.2, C21).
  time_ms be_down_tolerance{900'000};
  std::uint32_t slots_per_path = 2;    ///< Seed: schedule_slot_num_per_path.
  fit_limits fit{};
  colocate_options colocate{};
  balance_driver_options balance{};
  std::uint32_t balance_slots_per_path = 2; ///< Seed: 2 besides those for repair.
  bool adaptive_slots = true;               ///< Paths get more or fewer slots for repair as measured.
  std::uint32_t slots_per_path_max = 16;    ///< If so, no more than this.
};

/// Balance keeps to the same limits of disks and slots.
[[nodiscard]] balance_driver_options driver_options(const scheduler_options& options);
[[nodiscard]] pace_limits pace_options(const scheduler_options& options);
/// The same in the words of ADMIN SHOW FRONTEND CONFIG.
[[nodiscard]] cluster_config config_of(const scheduler_options& options);

/// How often hints of ADMIN REPAIR are looked at: whether their time is over or their work done.
inline constexpr time_ms hint_spacing{20'000};

// -- bounds of one step ------------------------------------------------------------------
/// Decisions; one costs microseconds, with a thousand backends tens of them.
inline constexpr std::size_t decisions_per_step = 256;
/// Entries looked at.  A tick looks even at those that wait for a busy path, to count the failure;
/// the end of a context only at those that wait for what it frees, and at new ones.
inline constexpr std::size_t visits_per_round = 4'096;
inline constexpr std::size_t visits_per_end = 64;
/// Of the visits of any step but a tick, the decision that finds a source free and every target busy; after
/// it only those are looked at that wait for just what was freed.  Where paths have
/// different numbers of slots that is common, and each is a look at all of them; who was not looked
/// at is at the next end, or by the tick.
inline constexpr std::size_t vain_decisions_per_end = 1;
inline constexpr std::size_t visits_after_vain = 2;
/// Drops take no slot; this keeps them from flooding the journal when a backend returns.
inline constexpr std::size_t drops_running_max = 500;
/// Load scores are computed from all backends at most this often; in between the scheduler
/// adds what it orders itself.
inline constexpr time_ms scores_max_age{1'000};
/// What only time can lift is looked at again after this.
inline constexpr time_ms look_again_after{1'000};
/// The view is published at most this often.
inline constexpr time_ms view_spacing{200};
/// Paths that nobody has measured for long are looked for this often.
inline constexpr time_ms pace_spacing = std::chrono::minutes(1);

/// After the n-th failure in a row a tablet rests 1 s, 2 s, 4 s, ... at most 5 minutes.
[[nodiscard]] time_ms retry_delay(std::uint32_t failures);
/// How many ends of failed attempts a tablet remembers.
inline constexpr std::size_t avoid_max = 8;

/// What the scheduler sees; catalog and cluster view are snapshots.
struct sched_world {
  const catalog& cat;
  const cluster_view& cluster;
  /// What the wall clock shows.  Dates in the log and in the view are its; everything the
  /// scheduler measures is measured by `now`, which never steps.
  time_ms wall{};
};

// -- events ------------------------------------------------------------------------------
/// A new leader's scheduler: adopts what the log says is under way.
struct sched_started {};
/// From the checker: look at these.  Not binding; every tablet is diagnosed anew.
struct tablets_checked {
  std::vector<tablet_id> sick;
  std::vector<tablet_id> healed;
  std::uint64_t tablets{}; ///< The checker's counters since it began.
  std::uint64_t rounds{};
  std::uint64_t unhealthy{};
};
struct ctx_report {
  tablet_id tablet{};
  ctx_result result{};
  std::string message;
  std::uint64_t copied_bytes{};
  std::uint64_t elapsed_ms{};
  task_failure failure{}; ///< The backend's reason, if it gave one.
};
/// Somebody says the cluster view moved.  A prompt only: every tick looks as well.
struct cluster_moved {};
struct sched_tick {};
using sched_event = std::variant<sched_started, tablets_checked, ctx_report, cluster_moved, sched_tick>;

// -- effects -----------------------------------------------------------------------------
struct spawn_ctx {
  sched_ctx ctx;
};
/// A running context is to call its copy off; it still reports its end.
struct withdraw_ctx {
  tablet_id tablet{};
  std::string why;
};
/// Not answered: proposed again as long as there is reason to.
struct propose_order {
  edit_body body;
};
/// There is more to do than one step may: come back after the mail that waits already.
struct step_again {};
/// Publish view().
struct publish_view {};
using sched_effect = std::variant<spawn_ctx, withdraw_ctx, propose_order, step_again, publish_view>;
using sched_effects = std::vector<sched_effect>;

/// How many tablets are known to be sick, by kind: those of the queue and of the running contexts,
/// each under its entry's diagnosis, and the hopeless ones, which nothing here waits for.
class sick_register {
public:
  using counts = std::array<std::uint64_t, tablet_health_count>;

  void enter(tablet_health health) { of(health) += sick(health); }
  void leave(tablet_health health) { of(health) -= sick(health); }
  /// UNRECOVERABLE and in no other place.
  void give_up(tablet_id tablet);
  void hope_again(tablet_id tablet);
  [[nodiscard]] const counts& by_health() const { return by_health_; }
  [[nodiscard]] std::size_t hopeless() const { return hopeless_.size(); }

private:
  [[nodiscard]] static std::uint64_t sick(tablet_health health) { return health != tablet_health::healthy; }
  [[nodiscard]] std::uint64_t& of(tablet_health health) { return by_health_[static_cast<std::size_t>(health)]; }
  std::unordered_set<tablet_id> hopeless_;
  counts by_health_{};
};

class repair_scheduler {
public:
  explicit repair_scheduler(scheduler_options options)
    : options_(options), startup_(config_of(options)), pace_(pace_options(options)), slots_(pace_.usual_total()), balance_slots_(options.balance_slots_per_path), balance_(driver_options(options)) {}
  repair_scheduler(const repair_scheduler&) = delete;
  repair_scheduler& operator=(const repair_scheduler&) = delete;
  ~repair_scheduler();

  [[nodiscard]] sched_effects step(const sched_event& event, const sched_world& world, time_ms now);
  [[nodiscard]] scheduler_view view(const sched_world& world, time_ms now) const;

  [[nodiscard]] std::size_t running() const { return running_.size(); }
  [[nodiscard]] const repair_queue& queue() const { return queue_; }
  [[nodiscard]] const slot_ledger& slots() const { return slots_; }
  [[nodiscard]] const slot_ledger& balance_slots() const { return balance_slots_; }
  /// Empty if spec/replica.md appendix A 1 and 2 hold, else what is broken.
  [[nodiscard]] std::string broken_invariant() const;

private:
  struct running_ctx {
    queue_entry entry;
    remedy move;
    std::optional<slot_token> slots; ///< Clones hold theirs, drops none.
    time_ms timeout{};
    time_ms started{};
    bool withdrawn = false;
    bool adopted = false;
    pace_mark at_source{}; ///< Of a clone: what its paths had behind them when it began.
    pace_mark at_target{};
  };
  struct path_rate {
    std::uint64_t bytes{};
    std::uint64_t ms{};
  };
  /// What one step carries along.
  struct round {
    const sched_world& world;
    time_ms now{};
    sched_effects effects;
    std::size_t visits_left = visits_per_round;
    std::size_t decisions_left = decisions_per_step;
    std::size_t vain_left = vain_decisions_per_end;
    std::size_t spawned = 0;
    bool everybody = false;   ///< Look again at those that wait for a busy path, too.
    std::vector<place> freed{}; ///< What the end of a context gave back, so far as it is free still.
    place freed_target{};       ///< Of them, where somebody who waits for any_path would write.
  };

  void on(const sched_started&, round& r);
  void on(const tablets_checked& e, round& r);
  void on(const ctx_report& e, round& r);
  void on(const cluster_moved&, round& r) { notice_cluster(r); }
  void on(const sched_tick&, round& r);
  void notice_cluster(round& r);
  /// What an operator has set in the log goes before what the front end was started with.
  void configure(const catalog& cat, time_ms at);
  void end_hints(round& r);
  void relocate_groups(round& r);
  void balance(round& r);

  // Slots, and how many a path should have (slot_pace).
  [[nodiscard]] slot_ledger& slots_of(const remedy& move);
  /// The context of a copy takes its slots; an adopted one in any case.
  void occupy(running_ctx& ctx, time_ms now);
  /// It gives them back, and its paths have been measured.
  void vacate(running_ctx& ctx, const ctx_report& e, round& r);
  void set_pace(pace_limits limits, time_ms now);
  void follow_pace(const place& at);
  /// Whoever the end of a copy has woken would have used another slot.
  void note_waiting(const queue_entry& entry, const round& r);
  void forget_idle_paths(time_ms now);
  [[nodiscard]] static bool is_balance(const remedy& move);
  const load_scores& scores_now(const round& r);
  void withdraw_hopeless(round& r);
  void withdraw(running_ctx& ctx, tablet_id tablet, std::string why, round& r);

  // Taking turns.
  void treat_next(round& r);
  void visit(const queue_entry& entry, round& r);
  [[nodiscard]] const queue_entry* next_turn(std::uint64_t began, round& r) const;
  [[nodiscard]] bool full(const place& at) const;
  [[nodiscard]] bool all_full(const std::vector<place>& places) const;
  [[nodiscard]] std::vector<place> what_holds_up(const queue_entry& entry, const round& r) const;
  void carry_out(const decision& d, const queue_entry& entry, round& r);
  [[nodiscard]] bool must_wait(const decision& d, const queue_entry& entry, round& r);
  /// `because`: what the decision itself does not say.
  void start(const decision& d, tablet_id tablet, round& r, std::string_view because = {});
  void adopt(tablet_id tablet, round& r);
  void give_up_for_now(const decision& d, tablet_id tablet, round& r);
  [[nodiscard]] decision decide_now(const queue_entry& entry, round& r);

  // What is known about a tablet.
  /// What the checker says of a tablet; only its diagnosis is believed.
  enum class news : std::uint8_t { sick, healed };
  void examine(tablet_id tablet, news said, round& r);
  [[nodiscard]] static bool may_be_pointless(const running_ctx& ctx, news said);
  void call_off_if_pointless(running_ctx& ctx, tablet_id tablet, const diagnosis& what, round& r);
  void queue_again(queue_entry entry, const diagnosis& what, round& r);
  void forget(tablet_id tablet);
  std::optional<queue_entry> dequeue(tablet_id tablet);
  void renew(const queue_entry& anew, tablet_health before, time_ms ready_at, time_ms now);
  void run(tablet_id tablet, running_ctx ctx);
  [[nodiscard]] time_ms ready_at(const queue_entry& entry) const;
  [[nodiscard]] queue_entry new_entry(const tablet& t, const diagnosis& what, const round& r) const;

  // Accounts.
  /// Its message goes into the history.
  void close(running_ctx& ctx, const ctx_report& e, const catalog& cat, time_ms now);
  void count_clone(const running_ctx& ctx, const ctx_report& e);
  void publish_if_due(round& r, bool tick);
  [[nodiscard]] ctx_row row(const queue_entry& e, const catalog& cat) const;
  [[nodiscard]] ctx_row row(const running_ctx& c, const catalog& cat) const;

  scheduler_options options_;
  cluster_config startup_; ///< What options_ began as.
  cluster_config in_force_ = startup_;
  by_name<std::string> config_seen_; ///< What in_force_ follows from.
  repair_queue queue_;
  std::unordered_map<tablet_id, running_ctx> running_;
  std::size_t drops_running_ = 0;
  slot_pace pace_;
  time_ms paced_at_{};
  slot_ledger slots_; ///< Totals as pace_ says.
  slot_ledger balance_slots_;
  balance_driver balance_;
  sick_register sick_;
  std::list<ctx_row> history_; ///< Newest first, in nodes that are used again; its times are not yet the wall clock's.
  std::unordered_map<place, path_rate, place_hash> rates_;
  sched_counters counters_;
  std::optional<load_scores> scores_;
  time_ms scores_at_{};
  repair_queue::generation generation_ = 1;
  std::uint64_t cluster_mark_ = 0; ///< What the cluster looked like at this generation.
  time_ms hints_at_{};
  time_ms groups_at_{};
  bool unpublished_ = true;
  time_ms published_at_{};
};

} // namespace tabletd::model
