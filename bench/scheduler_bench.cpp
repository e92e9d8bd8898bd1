// What repair costs the leader when one of many backends dies: 1,000,000 tablets with three
// replicas each on 100 backends of 12 paths.  Everything is the leader's own code - the fold, the
// checker, the scheduler - stepped in the order their actors would, by a clock of its own, and
// every snapshot is published as the catalog's actor publishes it.  A context ends well as soon
// as it was spawned: this measures who decides, not who copies.
//
// The peer is arithmetic, not a program: the same loss under the constants of the originals
// (spec/replica.md 3 and 9.1), given every advantage - copies take no time, slots never run out,
// nobody waits before a repair.  One JSON line per case, ratio above 1: ours is better.
//
//   scheduler_bench [tablets] [backends]
#include "actors/model/assessment.h"
#include "actors/model/checker.h"
#include "actors/model/repair_scheduler.h"
#include "bench/allocator.h"
#include "bench/reference_model.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace tabletd {
namespace {

using namespace model;

constexpr std::uint32_t replication = 3;
constexpr std::uint64_t paths_per_backend = 12;
constexpr std::uint32_t buckets_per_table = 10'000;
constexpr std::uint64_t tablet_bytes = 256ULL << 20;
constexpr double bytes_per_replica_goal = 100;

/// CPU seconds spent so far: what other programs on this machine do does not count.
double cpu_seconds() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

/// Adds the CPU time of its scope to an account.
class stopwatch {
public:
  explicit stopwatch(double& account) : account_(account) {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() { account_ += cpu_seconds() - begun_; }

private:
  double& account_;
  double begun_ = cpu_seconds();
};

// -- the cluster -------------------------------------------------------------------------

struct cluster {
  std::shared_ptr<catalog> cat = std::make_shared<catalog>();
  cluster_view seen;
  std::uint64_t index = 0;
  std::vector<backend_id> backends;

  verdict fold(edit_body body, time_ms at = time_ms{1}) {
    auto judged = apply(*cat, {at, std::move(body)}, log_index{++index});
    if (!judged.ok())
      throw std::runtime_error("the fold refused: " + std::string{name(judged.why)});
    return judged;
  }
  /// As the catalog's actor does after each batch: readers keep what they hold.
  [[nodiscard]] std::shared_ptr<const catalog> publish() const { return std::make_shared<const catalog>(*cat); }
};

void add_backend(cluster& to, std::uint64_t n) {
  const backend_id id{to.fold(backend_added{"host" + std::to_string(n), 9060}).id};
  backend_returned alive{id, {}};
  auto& view = to.seen.backends[id];
  view.id = id;
  view.linked = view.reported = true;
  for (std::uint64_t p = 0; p < paths_per_backend; ++p) {
    const path_hash hash{0x9E37'79B9'7F4A'7C15ULL * (n * paths_per_backend + p + 1)};
    alive.paths.push_back({hash, "/disk" + std::to_string(p), medium::hdd});
    auto& path = view.paths.emplace_back();
    path.hash = hash;
    path.capacity_bytes = 8ULL << 40;
    path.available_bytes = (6ULL << 40) - (n * paths_per_backend + p) * (1ULL << 30);
  }
  to.fold(alive);
  to.backends.push_back(id);
}

/// Three paths of three different backends, evenly spread.
std::vector<place> some_places(const cluster& on, std::mt19937_64& dice) {
  std::vector<place> places;
  while (places.size() < replication) {
    const auto id = on.backends[dice() % on.backends.size()];
    if (std::none_of(places.begin(), places.end(), [&](const place& p) { return p.backend == id; }))
      places.push_back({id, on.cat->backends.find(id)->paths[dice() % paths_per_backend].hash});
  }
  return places;
}

/// A table and one load, published, so that its tablets have a size and a version.
void add_table(cluster& to, database_id db, std::uint32_t buckets, std::mt19937_64& dice) {
  table_created create;
  create.database = db;
  create.name = "t" + std::to_string(to.index);
  create.replication_num = replication;
  for (std::uint32_t b = 0; b < buckets; ++b)
    create.placements.push_back(some_places(to, dice));
  const table_id table{to.fold(std::move(create)).id};
  const txn_id txn{to.fold(load_begun{table, "first"}).id};
  load_committed commit{txn, {}};
  const auto first = raw(to.cat->tables.find(table)->partitions.front().first_tablet);
  for (std::uint32_t b = 0; b < buckets; ++b) {
    const auto& t = *to.cat->tablets.find(tablet_id{first + b});
    auto& loaded = commit.tablets.emplace_back(tablet_loaded{t.id, 1'000'000, tablet_bytes, {}});
    for (const auto& r : t.replicas)
      loaded.prepared.push_back(r.id);
  }
  to.fold(std::move(commit));
  to.fold(load_published{txn});
}

cluster build(std::uint64_t tablets, std::uint64_t backends) {
  cluster made;
  std::mt19937_64 dice(1);
  made.fold(cluster_founded{{}, "bench"});
  for (std::uint64_t n = 0; n < backends; ++n)
    add_backend(made, n);
  const database_id db{made.fold(database_created{"bench"}).id};
  for (std::uint64_t done = 0; done < tablets; done += buckets_per_table)
    add_table(made, db, static_cast<std::uint32_t>(std::min<std::uint64_t>(buckets_per_table, tablets - done)), dice);
  return made;
}

/// Bytes this process holds, by the kernel and by the allocator.
struct memory {
  double resident{};
  double allocated{};
};

memory memory_now() {
  release_free_memory();
  long pages = 0;
  long resident_pages = 0;
  auto* statm = std::fopen("/proc/self/statm", "r");
  if (!statm || std::fscanf(statm, "%ld %ld", &pages, &resident_pages) != 2)
    throw std::runtime_error("/proc/self/statm cannot be read");
  std::fclose(statm);
  return {static_cast<double>(resident_pages) * 4'096, static_cast<double>(allocated_bytes())};
}

// -- the leader --------------------------------------------------------------------------

/// Fold, checker and scheduler, in the order their actors would take turns.
class leader {
public:
  explicit leader(cluster& over) : over_(over), snapshot_(over.publish()) { feed(sched_started{}); }

  /// The checker's first round over everything, which every new leader makes.
  void look_at_everything() {
    check(check_tick{});
    while (checks_.first_round)
      check(catalog_moved{});
  }
  /// Folds it and lets the checker find out what it means; nothing is repaired yet.
  void happens(edit_body body) { commit({std::move(body)}); }
  /// Until nobody is sick any more.
  void mend() {
    // Past every delay before a repair (spec/replica.md 2.5): the peer is spared it too.
    now_ += std::chrono::hours(1);
    for (feed(sched_tick{}); !sick_of_nothing(); pass(std::chrono::seconds(1)))
      while (again_ || !spawned_.empty())
        take_turn();
  }

  [[nodiscard]] const tablet_checks& checks() const { return checks_; }
  [[nodiscard]] const repair_scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] sched_counters counters() const { return scheduler_.view(world(), now_).counters; }
  [[nodiscard]] const catalog& cat() const { return *snapshot_; }

  double fold_s = 0;
  double check_s = 0;
  double schedule_s = 0;
  std::uint64_t decided = 0;

private:
  static constexpr time_ms turn{3}; ///< About what the work of one takes.

  [[nodiscard]] sched_world world() const { return {*snapshot_, over_.seen, now_}; }
  [[nodiscard]] bool sick_of_nothing() const { return scheduler_.queue().size() + scheduler_.running() == 0; }

  /// One batch of the log: folded, published, and the checker told what it touched.  Returns the
  /// index of each entry.
  std::vector<log_index> commit(std::vector<edit_body> batch) {
    catalog_moved moved;
    std::vector<log_index> at;
    {
      const stopwatch count(fold_s);
      for (auto& body : batch) {
        const auto judged = over_.fold(std::move(body), now_);
        at.push_back(log_index{over_.index});
        moved.touched.insert(moved.touched.end(), judged.touched.begin(), judged.touched.end());
        if (raw(judged.touched_backend) != 0)
          moved.backends.push_back(judged.touched_backend);
      }
      snapshot_ = over_.publish();
    }
    check(std::move(moved));
    return at;
  }

  void check(check_event event) {
    bool again = true;
    while (again) {
      check_effects found;
      {
        const stopwatch count(check_s);
        found = step(checks_, event, *snapshot_, now_);
      }
      again = found.again && !checks_.first_round;
      event = catalog_moved{};
      if (found.sick.empty() && found.healed.empty())
        continue;
      tablets_checked news{.sick = {}, .healed = std::move(found.healed)};
      for (const auto& each : found.sick)
        news.sick.push_back(each.tablet);
      feed(news);
    }
  }

  /// The wait for a dead backend is not what is measured, and balance would come on top.
  static scheduler_options repair_at_once() {
    scheduler_options options;
    options.be_down_tolerance = time_ms{0};
    options.balance.rules.enabled = false;
    return options;
  }

  void feed(const sched_event& event) {
    const stopwatch count(schedule_s);
    step_scheduler(event);
  }
  void step_scheduler(const sched_event& event) {
    for (auto& effect : scheduler_.step(event, world(), now_))
      std::visit(overloaded{
                   [&](spawn_ctx& e) { spawned_.push_back(std::move(e.ctx)); },
                   [](withdraw_ctx&) {}, // Nobody dies a second time here.
                   [](propose_order&) {},
                   [&](step_again&) { again_ = true; },
                   [&](publish_view&) { view_ = scheduler_.view(world(), now_); },
                 },
                 effect);
  }
  void pass(time_ms span) {
    now_ += span;
    feed(sched_tick{});
    ticked_ = now_;
  }

  /// What the running contexts have ordered becomes one batch of the log, and so do the ends
  /// of their tasks; then every context reports.
  void take_turn() {
    if (std::exchange(again_, false))
      feed(cluster_moved{});
    const auto work = std::exchange(spawned_, {});
    decided += work.size();
    run(work);
    {
      const stopwatch count(schedule_s);
      for (const auto& ctx : work)
        step_scheduler(ctx_report{ctx.tablet, ctx_result::finished, {}, tablet_bytes, 1'000});
    }
    now_ += turn;
    if (now_ - ticked_ >= std::chrono::seconds(1))
      pass({});
  }
  void run(const std::vector<sched_ctx>& work) {
    std::vector<edit_body> orders;
    for (const auto& ctx : work)
      std::visit(overloaded{
                   [&](const clone_move& m) {
                     orders.emplace_back(clone_ordered{ctx.tablet, 0, 0, m.source, m.target, m.replica, m.version});
                   },
                   [&](const drop_move& m) { orders.emplace_back(replica_dropped{ctx.tablet, m.replica, m.reason}); },
                   [](const leave_alone&) {},
                 },
                 ctx.move);
    const auto at = commit(std::move(orders));
    std::vector<edit_body> ends;
    for (std::size_t i = 0; i < work.size(); ++i)
      if (const auto* m = std::get_if<clone_move>(&work[i].move))
        ends.emplace_back(clone_ended{work[i].tablet, at[i], m->version, ""});
    commit(std::move(ends));
  }

  cluster& over_;
  std::shared_ptr<const catalog> snapshot_;
  tablet_checks checks_;
  repair_scheduler scheduler_{repair_at_once()};
  scheduler_view view_;
  std::vector<sched_ctx> spawned_;
  bool again_ = false;
  time_ms now_{1'000'000};
  time_ms ticked_{};
};

// -- the cases ---------------------------------------------------------------------------

void print(const std::string& name, double ours, double peer, const std::string& peer_name, const std::string& unit,
           double ratio) {
  std::printf(R"({"bench":"scheduler","case":"%s","ours":%.3f,"peer":%.3f,"peer_name":"%s","unit":"%s","ratio":%.3f})"
              "\n",
              name.c_str(), ours, peer, peer_name.c_str(), unit.c_str(), ratio);
  std::fflush(stdout);
}

/// decide() alone, over everything that waits; no slot is taken in between.
double decisions_per_second(const leader& by, const cluster& on) {
  const slot_ledger slots;
  const load_scores scores(by.cat(), on.seen, slots);
  std::vector<tablet_id> sick;
  by.scheduler().queue().for_each([&](const queue_entry& e) {
    sick.push_back(e.tablet);
    return sick.size() < 100'000;
  });
  std::size_t moves = 0;
  double spent = 0;
  {
    const stopwatch count(spent);
    for (const auto id : sick)
      moves += std::holds_alternative<clone_move>(decide({.cat = by.cat(),
                                                          .cluster = on.seen,
                                                          .slots = slots,
                                                          .fit = {},
                                                          .every_path = false,
                                                          .scores = &scores},
                                                         id)
                                                    .move);
  }
  if (moves != sick.size())
    throw std::runtime_error("a lost tablet could not be copied");
  return static_cast<double>(moves) / spent;
}

void measure_memory(cluster& on, const memory& before) {
  const auto after = memory_now();
  const auto replicas = static_cast<double>(on.cat->replicas);
  const double resident = (after.resident - before.resident) / replicas;
  std::fprintf(stderr, "scheduler: %.1f bytes resident, %.1f allocated per replica\n", resident,
               (after.allocated - before.allocated) / replicas);
  print("catalog memory per replica", resident, bytes_per_replica_goal, "100 bytes", "bytes", bytes_per_replica_goal / resident);
}

/// Returns what a look at every tablet costs.
double measure_scan(leader& by) {
  by.look_at_everything();
  const double scan_s = by.check_s;
  std::fprintf(stderr, "scheduler: a look at all %zu tablets takes %.3f s\n", by.cat().tablets.size(), scan_s);
  return scan_s;
}

/// One replica is found damaged: the event costs one diagnosis, whatever exists.
void measure_one_event(leader& by, double scan_s) {
  constexpr int events = 1'000;
  std::vector<std::pair<tablet_id, replica_id>> damaged;
  by.cat().tablets.for_each([&](tablet_id id, const tablet& t) {
    damaged.emplace_back(id, t.replicas.front().id);
    return damaged.size() < events;
  });
  const auto spent = by.check_s;
  const auto looked_at = by.checks().tablets;
  for (const auto& [id, r] : damaged)
    by.happens(replica_observed{id, r, 0, true});
  const double event_us = (by.check_s - spent) * 1e6 / events;
  if (by.checks().tablets - looked_at != events)
    throw std::runtime_error("an event cost more than the tablet it touched");
  by.mend();
  print("health after one tablet's event", event_us, scan_s * 1e6, "a scan, no event", "us", scan_s * 1e6 / event_us);
}

/// What one lost backend costs.
struct loss {
  double lost{};
  double touched{};
  double queued_s{};
  double alone{};     ///< decide() alone, per second.
  double decisions{};
  double schedule_s{};
  double mended_s{};
};

loss lose_backend(leader& by, cluster& on, backend_id dead) {
  loss seen;
  const auto lost = on.cat->backends.find(dead)->tablets.size();
  seen.lost = static_cast<double>(lost);
  const auto looked_at = by.checks().tablets;
  by.check_s = by.schedule_s = 0;
  by.happens(backend_died{dead});
  seen.queued_s = by.check_s + by.schedule_s;
  seen.touched = static_cast<double>(by.checks().tablets - looked_at);
  if (by.scheduler().queue().size() != lost)
    throw std::runtime_error("not every lost tablet was queued");
  std::fprintf(stderr, "scheduler: %.0f lost; %.2f us to diagnose, %.2f us to queue each\n", seen.lost,
               by.check_s / seen.touched * 1e6, by.schedule_s / seen.touched * 1e6);

  seen.alone = decisions_per_second(by, on);
  const auto decided = by.decided;
  by.fold_s = by.check_s = by.schedule_s = 0;
  by.mend();
  seen.decisions = static_cast<double>(by.decided - decided);
  seen.schedule_s = by.schedule_s;
  seen.mended_s = by.fold_s + by.check_s + by.schedule_s;
  std::fprintf(stderr, "scheduler: %.0f decisions: scheduler %.2f, checker %.2f, fold %.2f us each\n", seen.decisions,
               by.schedule_s / seen.decisions * 1e6, by.check_s / seen.decisions * 1e6,
               by.fold_s / seen.decisions * 1e6);
  return seen;
}

/// Five backends die, each when the last one's tablets are whole again; medians.
void measure_deaths(leader& by, cluster& on) {
  constexpr std::size_t deaths = 5;
  std::vector<loss> seen;
  for (std::size_t n = 0; n < deaths; ++n)
    seen.push_back(lose_backend(by, on, on.backends[(2 * n + 1) * on.backends.size() / (2 * deaths)]));
  const auto median = [&](auto&& of) {
    std::vector<double> values;
    for (const auto& each : seen)
      values.push_back(of(each));
    std::nth_element(values.begin(), values.begin() + deaths / 2, values.end());
    return values[deaths / 2];
  };
  reference_model reference{.lost = static_cast<std::uint64_t>(median([](const loss& l) { return l.lost; }))};
  reference.run();
  const std::string name = "50 decisions/s, 20 s scan";
  const auto queued_s = static_cast<double>(reference.queued_after_s);
  const auto mended_s = static_cast<double>(reference.seconds);
  const auto rate = static_cast<double>(reference.decisions) / mended_s;
  const auto all = static_cast<double>(on.cat->tablets.size());
  const auto case_of = [&](const std::string& what, double ours, double peer, const std::string& unit) {
    print(what, ours, peer, name, unit, unit == "s" ? peer / ours : ours / peer);
  };
  const auto touched = median([](const loss& l) { return l.touched; });
  print("one backend dies: tablets diagnosed", touched, all, "a scan", "tablets", all / touched);
  case_of("one backend dies: every lost tablet diagnosed and queued", median([](const loss& l) { return l.queued_s; }), queued_s, "s");
  case_of("one backend dies: every remedy decided", median([](const loss& l) { return l.schedule_s; }), mended_s, "s");
  case_of("decisions of the scheduler", median([](const loss& l) { return l.decisions / l.schedule_s; }), rate, "decisions/s");
  case_of("decide() alone", median([](const loss& l) { return l.alone; }), rate, "decisions/s");
  case_of("decisions with fold and checker, one core", median([](const loss& l) { return l.decisions / l.mended_s; }), rate, "decisions/s");
}

int run(int argc, char** argv) {
  const std::uint64_t tablets = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t backends = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100;
  const auto before = memory_now();
  auto on = build(tablets, backends);
  measure_memory(on, before);
  leader by(on);
  const double scan_s = measure_scan(by);
  measure_one_event(by, scan_s);
  measure_deaths(by, on);
  return 0;
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  try {
    return tabletd::run(argc, argv);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "scheduler_bench: %s\n", why.what());
    return 1;
  }
}
