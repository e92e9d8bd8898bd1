#pragma once
// Several warm-up jobs on six backends of three clusters, under leaders that follow each other, in one thread and
// made-up time: messages lost, late (up to 60 s), twice and out of order, leaders that die between any two effects or
// do not know that they are deposed, records that do not reach the log, backends that restart, tablets that cannot be
// warmed, users who cancel, pause and resume, jobs that wait for each other's destination, rounds that repeat.  The
// models of both sides and the fold are the real ones; consensus is its promise.
#include "actors/model/warmup_jobs.h"
#include "actors/model/warmup_lane.h"
#include "actors/model/warmup_slot.h"

#include <array>
#include <bitset>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace tabletd::test {

using namespace model;

/// A rule that is not kept.
enum class warmup_mutant : int {
  none,
  idle_means_finished,   ///< A7: what does not run is done.
  done_moves_on_accept,  ///< A7.
  no_lease,
  no_tombstones,
  results_of_any_generation,  ///< A15-3.
  epoch_ignored,              ///< Row 0.
  runs_ignored,               ///< Messages do not say of which round they are.
  anybody_renews,             ///< W4: not the owner only.
  sends_before_logged,        ///< W5: SET_BATCH(b + 1) before batch_warmed(b) is in the log.
  clears_before_logged,       ///< W5: CLEAR before the end is in the log.
  resumes_too_far,            ///< SET_JOB says one batch more than the log.
  takes_late_replies,         ///< Whatever question they answer.
  does_not_wait_for_the_log,  ///< Proposes a batch again while it is on its way.
  forgets_refused_records,
  waits_forever,            ///< Without a time limit for an answer.
  busy_is_a_failure,        ///< W6.
  one_failure_is_enough,    ///< W6.
  hides_failed_tablets,     ///< W7.
  names_nobody_skipped,     ///< W6.
  finishes_with_the_first,  ///< All is done when one lane is.
  pause_ignored,
  youngest_first,          ///< W8.
  no_limit,                ///< A11.
  forgets_who_holds_what,  ///< A15-5: a new leader knows only the rounds that it began.
  failure_ends_periodic,   ///< A1.
  fold_takes_anything,
  judged_by_outcome,  ///< No rule, but its absence from the checks: only what comes of it counts.
  count
};
[[nodiscard]] const char* name_of(warmup_mutant mutant);
/// Several at once, for rules that stand behind each other.
using warmup_mutants = std::bitset<static_cast<std::size_t>(warmup_mutant::count)>;

struct warmup_simulation_counts {
  std::uint64_t events = 0, leaders = 0, deposed_requests = 0, restarts = 0, jobs = 0, rounds = 0, batches = 0,
                executions = 0, finished = 0, skipped = 0, failed = 0, cancelled = 0, pauses = 0, silences = 0,
                lost_records = 0, refused_records = 0, late_replies = 0, dropped_results = 0, step_downs = 0;
  std::array<std::uint64_t, slot_rule_count> rules{};
  warmup_simulation_counts& operator+=(const warmup_simulation_counts& other);
};

class warmup_simulation {
public:
  explicit warmup_simulation(std::uint64_t seed, warmup_mutants broken = {});
  warmup_simulation(const warmup_simulation&) = delete;  // What is due refers to it.
  warmup_simulation& operator=(const warmup_simulation&) = delete;

  /// Empty: every promise held.
  [[nodiscard]] std::string run();
  [[nodiscard]] const warmup_simulation_counts& counts() const { return counts_; }
  void tell(std::function<void(const std::string&)> listener) { tell_ = std::move(listener); }

private:
  using round_key = std::pair<warmup_job_id, warmup_run>;
  using batch_key = std::tuple<warmup_job_id, warmup_run, backend_id, std::uint32_t>;
  using lane_key = std::tuple<warmup_job_id, warmup_run, backend_id>;

  struct worker {
    begin_batch what;
    std::uint64_t boot{};
    bool stopped = false;
    std::size_t next = 0;  ///< Of its tablets.
    std::uint64_t bytes = 0;
    std::vector<tablet_id> failed;
  };
  struct backend {
    backend_id id{};
    bool up = true;
    std::uint64_t boot = 1;
    std::unique_ptr<warmup_slot> slot;
    std::shared_ptr<worker> works;  ///< What the slot waits for.
    // What was heard in this boot, for the checks.
    term epoch_heard{};
    std::map<round_key, time_ms> heard;
    std::map<round_key, term> cleared;
  };
  struct lane {
    warmup_lane model;
    std::string failed;
    std::uint64_t open = 0;  ///< Request without an answer so far; 0: none.
    std::uint32_t silences = 0;
    std::uint32_t lied = 0;  ///< Batches that a mutant takes for logged.
  };
  struct leader {
    term epoch{};
    bool current = true;
    bool gone = false;
    warmup_ledger seen;  ///< Deposed: its catalog stands still.
    std::map<lane_key, lane> lanes;
    std::set<warmup_job_id> beginning;  ///< On its way into the log.
    std::set<warmup_job_id> ending;     ///< The same.
    std::set<round_key> began;
  };
  using leader_ptr = std::shared_ptr<leader>;
  struct due {
    time_ms at{};
    std::uint64_t order{};
    std::function<void()> act;
    bool operator<(const due& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };

  // -- chance and time
  std::uint64_t below(std::uint64_t end) { return dice_() % end; }
  bool chance(std::uint64_t per_10_000) { return faulty_ && below(10'000) < per_10_000; }
  time_ms within(time_ms span) {
    return time_ms(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(span.count()) + 1)));
  }
  void later(time_ms span, std::function<void()> act) { queue_.push({now_ + span, ++order_, std::move(act)}); }
  void require(bool holds, const char* what) const {
    if (!holds)
      throw std::logic_error(what);
  }
  void say(const std::string& what) {
    if (tell_)
      tell_(std::to_string(now_.count()) + " ms: " + what);
  }
  [[nodiscard]] bool is(warmup_mutant mutant) const { return broken_.test(static_cast<std::size_t>(mutant)); }
  [[nodiscard]] time_ms message_delay();

  // -- warmup_simulation.cpp: trouble, users, what must hold.
  void draw_faults();
  void run_until(time_ms end);
  void beat();
  void heal();
  void users();
  void create_job();
  [[nodiscard]] std::vector<warmup_lane_plan> draw_plan(const std::string& dst);
  [[nodiscard]] bool is_quiet() const;
  [[nodiscard]] std::string why_not_done() const;

  // -- warmup_simulation_checks.cpp
  void check(const warmup_record& record, const warmup_ledger& before);
  void check_record(const batch_warmed& e);
  void check_record(const warmup_ended& e, const warmup_job& job);
  void check_record(const warmup_begun& e, const warmup_ledger& before);
  void check_progress(const warmup_ledger& before);
  void check_sent(const leader& l, const slot_request& request) const;
  void check_answer(backend& b, const slot_request& request, const slot_answer& answer);

  // -- warmup_simulation_leader.cpp: the leader's host and the log.
  void elect();
  [[nodiscard]] const warmup_ledger& ledger_of(const leader& l) const { return l.current ? ledger_ : l.seen; }
  void look(const leader_ptr& l);
  void begin_rounds(const leader_ptr& l);
  void end_rounds(const leader_ptr& l);
  void propose(const leader_ptr& l, const warmup_record& record, std::function<void(bool)> heard);
  bool commit(const warmup_record& record);
  void feed(const leader_ptr& l, const lane_key& key, const lane_event& event);
  [[nodiscard]] lane_facts facts_for(const leader& l, const lane_key& key, const lane& of) const;
  using effect_of = const leader_ptr&;
  void carry_out(effect_of l, const lane_key& key, const send_get& e);
  void carry_out(effect_of l, const lane_key& key, const send_set_job& e);
  void carry_out(effect_of l, const lane_key& key, const send_set_batch& e);
  void carry_out(effect_of l, const lane_key& key, const send_push& e);
  void carry_out(effect_of l, const lane_key& key, const send_clear& e);
  void carry_out(effect_of l, const lane_key& key, const propose_batch& e);
  void carry_out(effect_of l, const lane_key& key, const lane_failed& e);
  void carry_out(effect_of l, const lane_key& key, const lane_deposed& e);
  void carry_out(effect_of l, const lane_key& key, const raise_alarm& e);
  void ask(const leader_ptr& l, const lane_key& key, std::uint64_t request, decltype(slot_request::what) what);
  void hear(const leader_ptr& l, const lane_key& key, std::uint64_t request, slot_reply reply);
  void hear_nothing(const leader_ptr& l, const lane_key& key, std::uint64_t request);

  // -- warmup_simulation_backend.cpp: the backend's host.
  void restart(backend& b);
  void start(backend& b);
  [[nodiscard]] slot_reply receive(backend& b, slot_request request);
  void begin(backend& b, const begin_batch& what);
  void warm_next(backend& b, const std::shared_ptr<worker>& work);
  void end(backend& b, const worker& work);

  const warmup_mutants broken_;
  std::mt19937_64 dice_;
  bool faulty_ = true;
  time_ms now_{std::chrono::hours(1)};
  time_ms healed_at_{};
  std::uint64_t order_ = 0;
  std::priority_queue<due> queue_;
  std::function<void(const std::string&)> tell_;
  warmup_simulation_counts counts_;

  struct {
    std::uint64_t lost{}, twice{}, slow{}, elect{}, elect_step{}, restart{}, proposal{}, tablet{}, cancel{}, pause{},
        create{}, long_tablet{};
  } odds_;
  std::vector<backend> backends_;
  leader_ptr leader_;
  std::list<leader_ptr> deposed_;
  term epoch_ = 0;

  // What the log says.
  warmup_ledger ledger_;
  std::uint64_t index_ = 0;
  std::map<warmup_job_id, time_ms> eligible_;  ///< Since when a pending job has not been paused.

  std::map<batch_key, std::set<std::uint64_t>> executed_;  ///< How many tablets failed, each time it was.
  std::set<batch_key> logged_;
};

}  // namespace tabletd::test
