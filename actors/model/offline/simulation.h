#pragma once
// A cluster in virtual time.  What decides is the production model - checker, scheduler, contexts,
// report comparison, the fold; what is simulated is the rest: machines, disks, a log that takes
// every edit, and how long things take (sim_options).  Same options, same commands, same history.
#include "actors/model/checker.h"
#include "actors/model/offline/scenario.h"
#include "actors/model/offline/sim_accounts.h"
#include "actors/model/offline/sim_backend.h"
#include "actors/model/offline/transfers.h"
#include "actors/model/repair_scheduler.h"
#include "actors/model/sched_ctx.h"
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

namespace tabletd::model::offline {

/// How it stands; one row of `print`.
struct sim_facts {
  time_ms at{}; ///< Since the beginning.
  std::uint64_t tablets{};
  std::array<std::uint64_t, tablet_health_count> by_health{};
  std::size_t queued{};
  std::size_t running{}; ///< Contexts.
  std::uint64_t copied_bytes{};
  std::uint64_t replicas_min{}; ///< Over available backends ...
  std::uint64_t replicas_max{};
  double replicas_average{};
  double score_distance{}; ///< ... and how far the furthest load score is from their average, in it.
  [[nodiscard]] std::uint64_t healthy() const { return by_health[static_cast<std::size_t>(tablet_health::healthy)]; }
};

struct backend_facts {
  backend_number number{};
  std::string_view state; ///< "up", "leaving", "dead", "gone"
  std::uint64_t replicas{};
  double fill{};  ///< 0 .. 1, of all its paths.
  double score{}; ///< load_scores
};

/// One point of the picture.
struct sim_sample {
  time_ms at{};
  double healthy{}; ///< 0 .. 1
  std::size_t copying{};
  std::vector<double> fill; ///< [backend number - 1], 0 .. 1
};

class simulation {
public:
  explicit simulation(const sim_options& options);
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  // -- commands; each answers with what is wrong with it, or nothing ----------------------
  std::string carry_out(const gen_cluster& c);
  std::string carry_out(const gen_tablets& c);
  std::string carry_out(const treat_backends& c);
  std::string carry_out(const fill_disk& c);
  std::string carry_out(const corrupt& c);
  std::string carry_out(const load_table& c);
  std::string carry_out(const change_leader& c);
  std::string carry_out(const run_for& c);
  std::string carry_out(const run_until_healthy& c);

  // -- what can be seen --------------------------------------------------------------------
  [[nodiscard]] sim_facts facts();
  [[nodiscard]] std::vector<backend_facts> facts_by_backend() const;
  [[nodiscard]] bool healthy(); ///< Every tablet by the catalog, and nothing is under way.
  /// The catalog and the leader's links say of every backend what is true, and no damage waits to
  /// be reported.
  [[nodiscard]] bool noticed() const;
  [[nodiscard]] const sim_backend* find(backend_number number) const;
  /// By the catalog; 0 for one that was dropped when it had been emptied.
  [[nodiscard]] std::uint64_t replicas_on(const sim_backend& b) const;
  [[nodiscard]] const copy_ledger& copies() const { return copies_; }
  [[nodiscard]] const illness& ill() const { return illness_; }
  [[nodiscard]] std::uint64_t loads_refused() const { return loads_refused_; }
  [[nodiscard]] const std::vector<sim_sample>& samples() const { return samples_; }
  /// The first invariant of spec/replica.md appendix A that did not hold, in words; then time stops.
  [[nodiscard]] const std::string& broken() const { return broken_; }
  /// Everything at once, whatever it costs; after each command.
  void check_all();
  /// A point of the picture now, out of turn.
  void take_sample();

private:
  struct event {
    time_ms at{};
    std::uint64_t serial{};
    std::function<void()> run;
    friend bool operator>(const event& a, const event& b) { return a.at != b.at ? a.at > b.at : a.serial > b.serial; }
  };
  struct context {
    sched_ctx life;
    std::uint64_t serial{}; ///< Answers to one that has ended go nowhere.
  };
  struct sim_table {
    table_id id{};
    table_sizes sizes;
  };

  // Time.
  void after(time_ms delay, std::function<void()> run) { events_.push({now_ + delay, ++serial_, std::move(run)}); }
  [[nodiscard]] std::optional<time_ms> next_moment() const;
  void happen();
  void advance(time_ms end, bool until_well);
  void tick();
  void beat();
  void sample();
  [[nodiscard]] time_ms wall() const;

  // The log.
  verdict append(edit_body body);
  void judge(const edit_body& body, const verdict& v, const std::optional<tablet>& before);
  void news(const verdict& v);
  void deliver_news();

  // Repair.
  void lead();
  void feed(const check_event& e);
  void feed(const sched_event& e);
  void feed(tablet_id tablet, std::uint64_t serial, const ctx_event& e);
  void spawn(sched_ctx ctx);
  void carry_out_effects(tablet_id tablet, std::uint64_t serial, const ctx_effects& effects);
  void judge_drop(tablet_id tablet, const drop_move& move);

  // Tasks.
  void ask(backend_id backend, const agent_task& task);
  void try_task(backend_id backend, const agent_task& task);
  void try_waiting(backend_id backend);
  void start_task(sim_backend& b, const agent_task& task);
  void start_copy(sim_backend& b, const agent_task& task, const clone_order& order);
  void end_copy(sim_backend& b, log_index fence);
  void start_move(sim_backend& b, const agent_task& task, const move_order& order);
  void end_move(sim_backend& b, log_index fence, const sim_task& done, const move_order& order);
  void end_held(sim_backend& b, log_index fence, tablet_id tablet, std::uint64_t copied_bytes);
  void end_later(sim_backend& b, task_end end);
  void end_task(sim_backend& b, const task_end& end);
  void cancel(sim_backend& b, log_index fence);
  void fail_copies_from(backend_id source);

  // Backends.
  void add_backend(const gen_cluster& c, const std::string& host);
  void kill(sim_backend& b);
  void revive(sim_backend& b);
  void wipe(sim_backend& b);
  void link_later(sim_backend& b);
  void link(sim_backend& b);
  void report_later(sim_backend& b, time_ms delay);
  void report(sim_backend& b);
  void refresh_view(sim_backend& b);
  [[nodiscard]] sim_backend* by_id(backend_id id);
  [[nodiscard]] sim_backend* by_address(const std::string& host, std::uint16_t port);

  // Disks.
  [[nodiscard]] table_sizes* sizes_of(const tablet& t);
  [[nodiscard]] std::uint64_t bytes_of(tablet_id tablet, const disk_replica& r);
  void put(sim_backend& b, tablet_id tablet, replica_id replica, path_hash path);
  void add_version(sim_backend& b, tablet_id tablet, disk_replica& r, version v);
  void erase(sim_backend& b, tablet_id tablet, bool on_purpose);

  // Tables.
  [[nodiscard]] std::variant<placements, std::string> places_for(const gen_tablets& c);
  void begin_load(const std::string& name, std::uint64_t tablet_bytes, std::uint32_t times, time_ms every);
  void commit_load(const std::string& name, txn_id txn, std::uint64_t tablet_bytes, std::uint64_t leader);
  void prepare(load_committed& e, const partition& part, const std::function<std::uint64_t(std::uint32_t)>& bytes);
  void store_load(const load_committed& e);

  void fail(std::string what);
  void check_now_and_then();
  [[nodiscard]] std::string broken_hosts();

  sim_options options_;
  time_ms now_;
  std::uint64_t serial_ = 0;
  std::priority_queue<event, std::vector<event>, std::greater<>> events_;
  dice dice_;

  catalog cat_;
  log_index index_{};
  cluster_view cluster_;
  tablet_checks checks_;
  std::optional<repair_scheduler> scheduler_;
  std::uint64_t leader_ = 0; ///< Counts them.
  std::map<tablet_id, context> contexts_;
  std::map<backend_id, std::map<log_index, agent_task>> asked_; ///< Without an answer.
  catalog_moved news_;
  bool news_due_ = false;
  std::uint32_t reports_due_ = 0; ///< Out of turn.

  std::deque<sim_backend> backends_; ///< [number - 1]
  std::map<backend_id, std::uint32_t> numbers_;
  std::map<std::string, sim_table> tables_;
  std::map<table_id, std::string> table_names_;
  transfers transfers_;
  std::map<log_index, backend_id> copying_at_; ///< Whose task a transfer is.

  health_counts health_;
  copy_ledger copies_;
  illness illness_;
  check_budget catalog_budget_;
  check_budget scheduler_budget_;
  std::uint64_t loads_refused_ = 0;
  std::uint64_t loads_ = 0;
  std::vector<sim_sample> samples_;
  time_ms sample_spacing_;
  std::string broken_;
};

} // namespace tabletd::model::offline
