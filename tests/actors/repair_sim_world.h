#pragma once
// The simulated world behind repair_sim.h: the truth (log and disks), the dice, the stand-ins
// for journal and membership, and one incarnation of the front end after the other.
#include "actors/codec/edit_codec.h"
#include "actors/repair/tablet_checker.h"
#include "actors/repair/tablet_scheduler.h"
#include "tests/actors/repair_sim.h"
#include <caf/send.hpp>
#include <deque>
#include <functional>
#include <iostream>

namespace tabletd::test {

// -- what the simulator tells its own actors ---------------------------------------------
struct sim_task_over {
  std::uint64_t backend{};
  std::uint64_t fence{};
};
template <class I>
typename I::result_type inspect(I& f, sim_task_over& x) {
  return f(caf::meta::type_name("sim_task_over"), x.backend, x.fence);
}
struct sim_backend_up {
  std::uint64_t backend{};
};
template <class I>
typename I::result_type inspect(I& f, sim_backend_up& x) {
  return f(caf::meta::type_name("sim_backend_up"), x.backend);
}
struct sim_backend_dead {
  std::uint64_t backend{};
};
template <class I>
typename I::result_type inspect(I& f, sim_backend_dead& x) {
  return f(caf::meta::type_name("sim_backend_dead"), x.backend);
}

using sim_membership_actor = membership_actor::extend<caf::reacts_to<sim_task_over>, caf::reacts_to<sim_backend_up>,
                                                      caf::reacts_to<sim_backend_dead>>;

struct sim_world;

struct sim_journal_state {
  sim_world* world{};
  catalog_sink_actor sink;
  static inline const char* name = "sim_journal";
};
journal_actor::behavior_type sim_journal(journal_actor::stateful_pointer<sim_journal_state> self, sim_world* world);

struct sim_membership_state {
  struct ask {
    agent_task task;
    std::vector<caf::typed_response_promise<task_ended>> askers;
  };
  sim_world* world{};
  std::map<std::pair<backend_id, log_index>, ask> asks;
  static inline const char* name = "sim_membership";
};
sim_membership_actor::behavior_type
sim_membership(sim_membership_actor::stateful_pointer<sim_membership_state> self, sim_world* world);

struct link_state {
  bool linked = false;
  bool reported = false;
};

struct sim_event {
  time_ms at{};
  std::uint64_t seq{};
  std::function<void()> run;
  friend bool operator>(const sim_event& x, const sim_event& y) {
    return std::tie(x.at, x.seq) > std::tie(y.at, y.seq);
  }
};

constexpr std::uint64_t gigabyte = 1'000'000'000;
constexpr time_ms epoch{1'700'000'000'000};

struct sim_world {
  sim_options options;
  sim_result result;
  dice order; ///< Who runs next.
  dice fate;  ///< What goes wrong.
  frozen_config config;
  caf::actor_system sys{config};
  caf::scheduler::test_coordinator& sched = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());
  std::priority_queue<sim_event, std::vector<sim_event>, std::greater<>> events;
  std::uint64_t event_seq = 0;
  bool faults = false;

  // The truth: bytes of the log, and the disks.  `shadow` is what the log means.
  std::vector<edit_message> log;
  catalog shadow;
  std::vector<verdict> verdicts;
  sim_disks disks;
  std::map<backend_id, link_state> links;
  std::deque<std::pair<time_ms, catalog>> recent; ///< Catalogs an edit's proposer may have seen, and until when.
  std::uint64_t labels = 0;
  std::string layout; ///< Hosts of the first backends, a letter each.

  // One incarnation of the front end.
  catalog_cell_ptr cell;
  cluster_view_cell_ptr cluster;
  scheduler_view_cell_ptr view_cell = std::make_shared<scheduler_view_cell>();
  std::shared_ptr<const scheduler_view> checked_view = view_cell->load();
  journal_actor journal;
  catalog_actor catalog_up;
  sim_membership_actor membership;
  tablet_scheduler_actor scheduler;
  tablet_checker_actor checker;

  explicit sim_world(const sim_options& o) : options(o), order{o.seed * 2 + 1}, fate{o.seed * 1'000'003} {
    disks.on_erase = [this](const sim_backend& b, tablet_id tablet) { data_must_be_left(b.id, tablet); };
  }

  // -- time ------------------------------------------------------------------------------
  [[nodiscard]] time_ms now() const;
  void at(time_ms when, std::function<void()> run) { events.push({when, ++event_seq, std::move(run)}); }
  void after(time_ms delay, std::function<void()> run) { at(now() + delay, std::move(run)); }
  time_ms between(std::uint64_t least, std::uint64_t most) { return time_ms{least + fate.below(most - least + 1)}; }
  void drain();
  void run_until(time_ms end);

  // -- what must hold --------------------------------------------------------------------
  void fail(const std::string& what);
  void trace(std::uint64_t kind, std::uint64_t x, std::uint64_t y);
  template <class... Parts>
  void say(const Parts&... parts) {
    if (!options.say)
      return;
    std::cout << '[' << (now() - epoch).count() << "] ";
    (std::cout << ... << parts) << '\n';
  }
  /// Whatever is deleted, some disk still has everything a reader may see.
  void data_must_be_left(backend_id b, tablet_id tablet);
  /// Appendix A 1, 2 and 6, on every view the scheduler publishes.
  void check_view();

  // -- the log ---------------------------------------------------------------------------
  void propose(edit_body body) { caf::anon_send(journal, codec::encode({now(), std::move(body)})); }
  void append(const edit_message& message);
  static std::string detail(const edit_body& body);
  void became_true(const auto&) {}
  // What the scheduler decides on is a snapshot; an accident may reach the log between the
  // decision and its edit.  So a decision must be right on some catalog it may have seen.
  template <class Right>
  bool right_when_decided(Right&& right) const {
    return std::any_of(recent.begin(), recent.end(), [&](const auto& entry) { return right(entry.second); });
  }
  void became_true(const clone_ordered& e);
  void became_true(const replica_dropped& e);
  void became_true(const table_created&);
  void became_true(const load_committed& e);
  void became_true(const backend_died& e) { caf::anon_send(membership, sim_backend_dead{raw(e.backend)}); }

  // -- the front end ---------------------------------------------------------------------
  void start_front_end();
  void start_repair();
  void stop_repair();
  void stop_front_end();

  // -- backends --------------------------------------------------------------------------
  void publish_cluster();
  void add_backend(const std::string& host);
  void link(backend_id id);
  void kill(sim_backend& b);
  void revive(sim_backend& b);
  /// A full report: what the disk says against the catalog is proposed, what the catalog has
  /// forgotten is taken back or erased.
  void report(sim_backend& b);
  void contradict(const tablet& t, const replica& r, const disk_replica& here);
  void settle_unknown(sim_backend& b, tablet_id tablet);

  // -- tasks -----------------------------------------------------------------------------
  void start_task(sim_backend& b, const agent_task& task);
  void end_task(backend_id id, log_index fence, std::uint64_t boot);

  // -- people and accidents --------------------------------------------------------------
  void create_table();
  void load();
  void commit(table_id id, const std::string& label);
  void abandon(table_id id, const std::string& label);
  sim_backend* some_backend(bool up);
  /// The dice may not take the last copies: two whole ones must be left elsewhere, so that the
  /// system may still drop one in good faith.
  bool may_lose(const sim_backend& b, tablet_id tablet);
  void corrupt();
  void wipe(sim_backend& b);
  void decommission();
  void restart_front_end();
  void accident();

  // -- a whole run -----------------------------------------------------------------------
  void set_up();
  void report_regularly();
  /// Membership proposes until the log agrees; here too, for the log does not take everything.
  void keep_log_true();
  void suffer();
  /// No more faults; everybody returns, except perhaps one that nobody needs.
  void relent();
  [[nodiscard]] std::size_t hosts() const;
  bool nobody_needs(const sim_backend& b) const;
  [[nodiscard]] std::size_t known_copies(const tablet& t) const;
  [[nodiscard]] std::string sick_one() const;
  void get_well();
  void check_end();
  void run();
};

} // namespace tabletd::test
