#include "tests/actors/repair_sim.h"
#include "actors/catalog/catalog.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/model/assessment.h"
#include "actors/repair/tablet_checker.h"
#include "actors/repair/tablet_scheduler.h"
#include "actors/urgent_exit.h"
#include "tests/model/catalog_world.h"
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

namespace {

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
  std::uint64_t hosts_seen = 0;

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

  [[nodiscard]] time_ms now() const {
    return epoch + std::chrono::duration_cast<time_ms>(sched.clock().current_time.time_since_epoch());
  }
  void at(time_ms when, std::function<void()> run) { events.push({when, ++event_seq, std::move(run)}); }
  void after(time_ms delay, std::function<void()> run) { at(now() + delay, std::move(run)); }
  time_ms between(std::uint64_t least, std::uint64_t most) { return time_ms{least + fate.below(most - least + 1)}; }

  void drain() {
    for (std::uint64_t guard = 0; !sched.jobs.empty() && result.broken.empty(); ++guard) {
      if (guard > 2'000'000)
        return fail("the actors never come to rest");
      if (sched.jobs.size() > 1)
        std::swap(sched.jobs.front(), sched.jobs[order.below(sched.jobs.size())]);
      ++result.steps;
      (void) sched.try_run_once();
      check_view();
    }
  }

  void run_until(time_ms end) {
    auto& clock = sched.clock();
    for (drain(); result.broken.empty(); drain()) {
      time_ms next = end;
      if (!clock.schedule().empty())
        next = std::min(next, epoch + std::chrono::ceil<time_ms>(clock.schedule().begin()->first.time_since_epoch()));
      if (!events.empty())
        next = std::min(next, events.top().at);
      sched.advance_time(std::max(next - now(), time_ms{0})); // Also lets what is due fall due.
      if (!events.empty() && events.top().at <= now()) {
        auto run = events.top().run;
        events.pop();
        run();
        continue;
      }
      if (next >= end && sched.jobs.empty())
        return;
    }
  }

  // -- what must hold --------------------------------------------------------------------

  void fail(const std::string& what) {
    if (result.broken.empty())
      result.broken = "at " + std::to_string((now() - epoch).count()) + " ms, entry " + std::to_string(log.size()) + ": " + what;
  }
  void trace(std::uint64_t kind, std::uint64_t x, std::uint64_t y) {
    for (const auto value : {kind, x, y, static_cast<std::uint64_t>(now().count())})
      result.trace = (result.trace ^ value) * 1'099'511'628'211ULL;
  }
  template <class... Parts>
  void say(const Parts&... parts) {
    if (!options.say)
      return;
    std::cout << '[' << (now() - epoch).count() << "] ";
    (std::cout << ... << parts) << '\n';
  }

  /// Whatever is deleted, some disk still has everything a reader may see.
  void data_must_be_left(backend_id b, tablet_id tablet) {
    say("erase tablet ", raw(tablet), " on ", raw(b));
    trace(1, raw(b), raw(tablet));
    const auto* t = shadow.tablets.find(tablet);
    if (t && disks.whole_copies(tablet, shadow.visible_version(*t)) == 0)
      fail("the last whole copy of tablet " + std::to_string(raw(tablet)) + " was erased on backend " + std::to_string(raw(b)));
  }

  /// Appendix A 1, 2 and 6, on every view the scheduler publishes.
  void check_view() {
    auto v = view_cell->load();
    if (v == checked_view)
      return;
    checked_view = v;
    std::set<tablet_id> ids;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> used;
    for (const auto* list : {&v->pending, &v->running})
      for (const auto& row : *list)
        if (!ids.insert(row.tablet).second)
          return fail("tablet " + std::to_string(raw(row.tablet)) + " is in the scheduler twice");
    for (const auto& row : v->running)
      if (row.target) {
        ++used[{raw(row.source->backend), raw(row.source->path)}];
        ++used[{raw(row.target->backend), raw(row.target->path)}];
      }
    for (const auto& slot : v->slots)
      // More may run than there are slots for: orders that were in doubt and are adopted.
      if (slot.total - slot.available != std::min(slot.total, used[{raw(slot.backend), raw(slot.path)}]))
        return fail("slots of backend " + std::to_string(raw(slot.backend)) + " differ from what runs");
    const auto& c = v->counters;
    const auto ended = c.finished + c.cancelled + c.unexpected;
    if (c.scheduled_ok != ended + v->running_total || v->history.size() != std::min<std::size_t>(view_rows_max, ended))
      fail("a context did not end exactly once");
  }

  // -- the log ---------------------------------------------------------------------------

  void propose(edit_body body) { caf::anon_send(journal, codec::encode({now(), std::move(body)})); }

  void append(const edit_message& message) {
    log.push_back(message);
    const auto e = codec::decode(message.get());
    const log_index index{log.size()};
    recent.emplace_back(now(), shadow);
    while (recent.size() > 1 && recent.front().first < e.at) // Replaced before the edit was proposed.
      recent.pop_front();
    auto v = apply(shadow, e, index);
    for (const auto word : message.words())
      result.trace = (result.trace ^ *reinterpret_cast<const std::uint64_t*>(&word)) * 1'099'511'628'211ULL;
    trace(2, raw(index), static_cast<std::uint64_t>(v.why));
    say("entry ", raw(index), " kind ", e.body.index(), " ", name(v.why), detail(e.body));
    if (auto broken = broken_invariant(shadow); !broken.empty())
      fail(broken);
    if (v.ok())
      std::visit([&](const auto& body) { became_true(body); }, e.body);
    verdicts.push_back(std::move(v));
    ++result.edits;
  }

  static std::string detail(const edit_body& body) {
    std::ostringstream out;
    std::visit(overloaded{
                 [&](const clone_ordered& o) {
                   out << " tablet " << raw(o.tablet) << ' ' << name(static_cast<tablet_health>(o.health)) << " from "
                       << raw(o.source.backend) << " to " << raw(o.target.backend) << " replica " << raw(o.replica) << " v" << o.version;
                 },
                 [&](const clone_ended& o) {
                   out << " tablet " << raw(o.tablet) << " order " << raw(o.order) << " reached " << o.reached << ' ' << o.failure;
                 },
                 [&](const replica_dropped& o) {
                   out << " tablet " << raw(o.tablet) << " replica " << raw(o.replica) << " reason " << static_cast<int>(o.reason);
                 },
                 [&](const replica_observed& o) {
                   out << " tablet " << raw(o.tablet) << " replica " << raw(o.replica) << " v" << o.version << (o.bad ? " bad" : "");
                 },
                 [&](const auto&) {},
               },
               body);
    return out.str();
  }

  void became_true(const auto&) {}
  // What the scheduler decides on is a snapshot; an accident may reach the log between the
  // decision and its edit.  So a decision must be right on some catalog it may have seen.
  template <class Right>
  bool right_when_decided(Right&& right) const {
    return std::any_of(recent.begin(), recent.end(), [&](const auto& entry) { return right(entry.second); });
  }
  void became_true(const clone_ordered& e) {
    ++result.clones;
    const bool right = right_when_decided([&](const catalog& cat) { // A 5.
      const auto* t = cat.tablets.find(e.tablet);
      return raw(e.replica) != 0 || (t && t->replicas.size() <= cat.table_of(*t)->replication_num);
    });
    if (!right)
      fail("tablet " + std::to_string(raw(e.tablet)) + " has more than wanted + 1 replicas");
  }
  void became_true(const replica_dropped& e) {
    if (e.reason == drop_reason::lost)
      return;
    ++result.drops;
    if (assess(shadow, *shadow.tablets.find(e.tablet)).sources == 0)
      fail("the last complete replica of tablet " + std::to_string(raw(e.tablet)) + " was dropped");
    const bool right = right_when_decided([&](const catalog& cat) { // A 3.
      const auto* t = cat.tablets.find(e.tablet);
      if (!t || !t->find(e.replica))
        return false;
      auto without = *t;
      std::erase_if(without.replicas, [&](const replica& r) { return r.id == e.replica; });
      const auto was = assess(cat, *t);
      return assess(cat, without).complete >= std::min(was.complete, was.wanted);
    });
    if (!right)
      fail("dropping replica " + std::to_string(raw(e.replica)) + " lowered the complete ones of tablet " + std::to_string(raw(e.tablet)));
  }
  void became_true(const table_created&) {
    const auto& before = recent.back().second;
    shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
      if (!before.tablets.contains(id))
        for (const auto& r : t.replicas)
          disks.find(r.backend)->disk[id] = {r.id, r.path, 1U << 1U, false};
    });
  }
  void became_true(const load_committed& e) {
    for (const auto& loaded : e.tablets) {
      const auto v = shadow.visible_version(*shadow.tablets.find(loaded.tablet));
      for (auto& [id, b] : disks.backends)
        if (const auto at = b.disk.find(loaded.tablet); at != b.disk.end())
          for (const auto prepared : loaded.prepared)
            if (at->second.id == prepared)
              at->second.holds |= 1ULL << v;
      if (disks.whole_copies(loaded.tablet, v) == 0)
        fail("a load was committed that no disk holds"); // The simulator's own mistake.
    }
  }
  void became_true(const backend_died& e) { caf::anon_send(membership, sim_backend_dead{raw(e.backend)}); }

  // -- the front end ---------------------------------------------------------------------

  void start_front_end() {
    cell = std::make_shared<catalog_cell>();
    cluster = std::make_shared<cluster_view_cell>();
    links.clear();
    journal = sys.spawn(sim_journal, this);
    catalog_up = sys.spawn(catalog_keeper, catalog_ports{journal, cell});
    membership = sys.spawn(sim_membership, this);
    drain(); // A leader's subtree starts on a catalog that has folded everything older.
    if (text_of(*cell->load()) != text_of(shadow))
      fail("replaying the log gives another catalog than living it");
    result.adopted += shadow.orders.size();
    for (auto& [id, b] : disks.backends)
      if (b.up)
        after(between(200, 3'000), [this, id = id] { link(id); });
    start_repair();
  }

  void start_repair() {
    view_cell = std::make_shared<scheduler_view_cell>();
    checked_view = view_cell->load();
    const auto wall = [this] { return now(); };
    scheduler = sys.spawn(tablet_scheduler,
                          scheduler_ports{journal, caf::actor_cast<membership_actor>(membership), cell, cluster, view_cell, wall, time_ms{1'000}},
                          scheduler_options{.repair_delay_factor = time_ms{2'000}, .slots_per_path = 2, .fit = {}});
    checker = sys.spawn(tablet_checker, checker_ports{cell, catalog_up, scheduler, wall, time_ms{1'000}});
  }

  void stop_repair() {
    urgent_exit(checker, caf::exit_reason::kill);
    urgent_exit(scheduler, caf::exit_reason::kill);
    checker = nullptr;
    scheduler = nullptr;
    drain();
    if (sys.registry().running() != 3)
      fail("contexts outlive their scheduler: " + std::to_string(sys.registry().running()) + " actors left");
  }

  void stop_front_end() {
    urgent_exit(catalog_up, caf::exit_reason::kill);
    urgent_exit(membership, caf::exit_reason::kill);
    urgent_exit(journal, caf::exit_reason::kill);
    urgent_exit(checker, caf::exit_reason::kill);
    urgent_exit(scheduler, caf::exit_reason::kill);
    catalog_up = nullptr;
    membership = nullptr;
    journal = nullptr;
    checker = nullptr;
    scheduler = nullptr;
    drain();
    if (sys.registry().running() != 0)
      fail("actors outlive the front end: " + std::to_string(sys.registry().running()));
  }

  // -- backends --------------------------------------------------------------------------

  void publish_cluster() {
    auto v = std::make_shared<cluster_view>();
    for (const auto& [id, b] : disks.backends) {
      auto& seen = v->backends[id];
      seen.id = id;
      seen.linked = links[id].linked;
      seen.reported = links[id].reported;
      for (const auto& path : b.paths) {
        auto& p = seen.paths.emplace_back();
        p.hash = path.hash;
        p.medium = path.medium;
        p.capacity_bytes = 1'000 * gigabyte;
        for (const auto& [tablet, replica] : b.disk)
          p.tablets += replica.path == path.hash ? 1 : 0;
        p.available_bytes = (700 - p.tablets) * gigabyte;
      }
    }
    cluster->store(std::move(v));
    if (!faults || fate.one_in(2)) // Else a tick has to notice.
      caf::anon_send(scheduler, view_changed{});
  }

  void add_backend(const std::string& host) {
    const auto port = static_cast<std::uint16_t>(9'000 + disks.backends.size());
    propose(backend_added{host, port});
    drain();
    const auto* added = shadow.find_backend(host, port);
    if (!added)
      return; // The log did not take it.
    const auto id = added->id;
    auto& b = disks.backends[id];
    b.id = id;
    b.host = host;
    b.paths = {{path_hash{raw(id) * 10}, "/p0", medium::hdd}, {path_hash{raw(id) * 10 + 1}, "/p1", medium::ssd}};
    link(id);
  }

  void link(backend_id id) {
    auto& b = *disks.find(id);
    if (!b.up || links[id].linked)
      return;
    say("link ", raw(id));
    trace(3, raw(id), b.boot);
    links[id] = {true, false};
    propose(backend_returned{id, b.paths});
    caf::anon_send(membership, sim_backend_up{raw(id)});
    publish_cluster();
    after(between(100, 4'000), [this, id, boot = b.boot] {
      if (auto& back = *disks.find(id); back.up && back.boot == boot && links[id].linked)
        report(back);
    });
  }

  void kill(sim_backend& b) {
    say("kill ", raw(b.id));
    disks.stop(b);
    links[b.id] = {};
    publish_cluster();
    b.stopped = now();
  }

  void revive(sim_backend& b) {
    say("revive ", raw(b.id));
    disks.start(b);
    after(between(100, 1'000), [this, id = b.id] { link(id); });
  }

  /// A full report: what the disk says against the catalog is proposed, what the catalog has
  /// forgotten is taken back or erased.
  void report(sim_backend& b) {
    trace(4, raw(b.id), b.disk.size());
    std::vector<tablet_id> unknown;
    for (const auto& [tablet, here] : b.disk) {
      const auto* t = shadow.tablets.find(tablet);
      const auto* r = t ? t->find(here.id) : nullptr;
      if (!r || r->backend != b.id)
        unknown.push_back(tablet);
      else
        contradict(*t, *r, here);
    }
    if (const auto* known = shadow.backends.find(b.id))
      known->tablets.for_each([&](tablet_id tablet, replica_id id) {
        const auto* r = shadow.tablets.find(tablet)->find(id);
        const auto at = b.disk.find(tablet);
        if (r->state == replica_state::normal && (at == b.disk.end() || at->second.id != id))
          propose(replica_dropped{tablet, id, drop_reason::lost});
      });
    for (const auto tablet : unknown)
      settle_unknown(b, tablet);
    links[b.id].reported = true;
    publish_cluster();
  }

  void contradict(const tablet& t, const replica& r, const disk_replica& here) {
    if (r.state != replica_state::normal || shadow.orders.contains(t.id))
      return;
    const auto visible = shadow.visible_version(t);
    const bool worse = (here.bad && !r.bad) || here.contiguous() < r.version;
    const bool better = !r.bad && !complete(r, visible) && here.whole(visible);
    if (worse || better)
      propose(replica_observed{t.id, r.id, std::min(here.contiguous(), visible), here.bad});
  }

  void settle_unknown(sim_backend& b, tablet_id tablet) {
    const auto here = b.disk.at(tablet);
    const auto* t = shadow.tablets.find(tablet);
    if (t && shadow.orders.contains(tablet))
      return; // A clone of this very replica may be running.
    if (t && !here.bad && wants_back(shadow, *t, here.id, b.id, here.contiguous()))
      return propose(replica_readopted{tablet, here.id, {b.id, here.path}, here.contiguous()});
    disks.erase(b, tablet);
  }

  // -- tasks -----------------------------------------------------------------------------

  /// True if it runs now.
  bool start_task(sim_backend& b, const agent_task& task) {
    if (!b.running.emplace(task.fence, task).second)
      return true;
    const bool clone = std::holds_alternative<clone_order>(task.what);
    auto takes = clone ? between(200, 8'000) : between(10, 500);
    if (faults && clone && fate.one_in(25))
      takes = between(150'000, 400'000); // Some of these are given up.
    after(takes, [this, id = b.id, fence = task.fence, boot = b.boot] { end_task(id, fence, boot); });
    return true;
  }

  void end_task(backend_id id, log_index fence, std::uint64_t boot) {
    auto& b = *disks.find(id);
    const auto at = b.running.find(fence);
    if (!b.up || b.boot != boot || at == b.running.end())
      return;
    const auto task = at->second;
    b.running.erase(at);
    const bool fails = faults && std::holds_alternative<clone_order>(task.what) && fate.one_in(7);
    auto end = fails ? failed_end(fence, {}, {}, task_failure::io, "the disk did not like it") : disks.finish(b, task);
    say("task ", raw(fence), " on ", raw(id), end.done() ? " done" : " failed");
    trace(5, raw(fence), end.done() ? 1 : 0);
    b.ended.emplace(fence, std::move(end));
    caf::anon_send(membership, sim_task_over{raw(id), raw(fence)});
  }

  // -- people and accidents --------------------------------------------------------------

  void create_table() {
    scheduler_options defaults;
    const auto cat = shadow;
    const auto seen = cluster->load();
    const slot_ledger slots{2};
    const auto replication = 1 + static_cast<std::uint32_t>(fate.below(3));
    auto placed = place_table({.cat = cat, .cluster = *seen, .slots = slots, .fit = defaults.fit, .now = now()},
                              1 + static_cast<std::uint32_t>(fate.below(3)), replication);
    if (auto* places = std::get_if<placements>(&placed)) {
      table_created e;
      e.database = shadow.find_database("shop")->id;
      e.name = "t" + std::to_string(++labels);
      e.replication_num = replication;
      e.placements = std::move(*places);
      propose(std::move(e));
    }
  }

  void load() {
    std::vector<table_id> tables;
    shadow.tables.for_each([&](table_id id, const table& t) {
      if (t.partitions.front().visible < 60) // Bits of disk_replica::holds.
        tables.push_back(id);
    });
    if (tables.empty())
      return;
    const auto table = tables[fate.below(tables.size())];
    const auto label = "l" + std::to_string(++labels);
    propose(load_begun{table, label});
    after(between(50, 3'000), [this, table, label] { commit(table, label); });
  }

  void commit(table_id id, const std::string& label) {
    const auto* opened = shadow.find_label(id, label);
    const auto* owner = shadow.tables.find(id);
    if (!opened || !owner)
      return;
    load_committed e{opened->txn, {}};
    const auto& part = owner->partitions.front();
    for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
      const auto& t = *shadow.tablets.find(tablet_id{raw(part.first_tablet) + bucket});
      tablet_loaded loaded{t.id, 10, 100'000'000, {}};
      for (const auto& r : t.replicas) {
        const auto& b = *disks.find(r.backend);
        const auto at = b.disk.find(t.id);
        if (r.state == replica_state::normal && b.up && at != b.disk.end() && at->second.id == r.id && !at->second.bad
            && !(faults && fate.one_in(8)))
          loaded.prepared.push_back(r.id);
      }
      e.tablets.push_back(std::move(loaded));
    }
    propose(std::move(e));
  }

  sim_backend* some_backend(bool up) {
    std::vector<sim_backend*> fit;
    for (auto& [id, b] : disks.backends)
      if (b.up == up && shadow.backends.contains(id))
        fit.push_back(&b);
    return fit.empty() ? nullptr : fit[fate.below(fit.size())];
  }

  /// The dice may not take the last copies: two whole ones must be left elsewhere, so that the
  /// system may still drop one in good faith.
  bool may_lose(const sim_backend& b, tablet_id tablet) {
    const auto* t = shadow.tablets.find(tablet);
    if (!t)
      return true;
    const auto visible = shadow.visible_version(*t);
    const bool whole = b.disk.at(tablet).whole(visible);
    return disks.whole_copies(tablet, visible) >= (whole ? 3U : 2U);
  }

  void corrupt() {
    auto* b = some_backend(true);
    if (!b || b->disk.empty())
      return;
    auto at = b->disk.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(fate.below(b->disk.size())));
    if (at->second.bad || !may_lose(*b, at->first))
      return;
    say("corrupt tablet ", raw(at->first), " on ", raw(b->id));
    at->second.bad = true;
    after(between(0, 8'000), [this, id = b->id] {
      if (auto& home = *disks.find(id); home.up && links[id].linked)
        report(home);
    });
  }

  void wipe(sim_backend& b) {
    for (const auto& [tablet, here] : b.disk)
      if (!may_lose(b, tablet))
        return;
    say("wipe ", raw(b.id));
    b.disk.clear();
  }

  void decommission() {
    auto* b = some_backend(true);
    std::size_t leaving = 0;
    shadow.backends.for_each([&](backend_id, const backend& x) { leaving += x.decommissioned ? 1 : 0; });
    if (b && (leaving < 2 || shadow.backends.find(b->id)->decommissioned))
      propose(backend_decommission{b->id, !shadow.backends.find(b->id)->decommissioned});
  }

  void restart_front_end() {
    say("front end restarts");
    ++result.restarts;
    stop_front_end();
    if (result.broken.empty())
      start_front_end();
  }

  void accident() {
    ++result.faults;
    const auto kind = fate.below(40);
    trace(6, kind, 0);
    if (kind < 12)
      load();
    else if (kind < 18) {
      if (auto* b = some_backend(true))
        kill(*b);
    } else if (kind < 25) {
      if (auto* b = some_backend(false)) {
        if (fate.one_in(4))
          wipe(*b);
        revive(*b);
      }
    } else if (kind < 29)
      corrupt();
    else if (kind < 32)
      decommission();
    else if (kind < 34) {
      if (auto* b = some_backend(true)) { // Its process restarts before anybody calls it dead.
        disks.stop(*b);
        links[b->id] = {};
        revive(*b);
      }
    } else if (kind == 34)
      restart_front_end();
    else if (kind == 35) {
      say("repair room restarts");
      stop_repair();
      start_repair();
    } else if (kind == 36)
      create_table();
    else if (kind == 37 && shadow.tables.size() > 2)
      shadow.tables.for_each([&](table_id id, const table&) {
        propose(table_dropped{id});
        return false;
      });
    else if (kind == 38 && disks.backends.size() < 8)
      add_backend(disks.backends.begin()->second.host == "a" && disks.backends.size() > 1
                      && std::next(disks.backends.begin())->second.host == "a"
                    ? "a"
                    : std::string(1, static_cast<char>('a' + disks.backends.size())));
    else
      load();
  }

  // -- a whole run -----------------------------------------------------------------------

  void set_up() {
    start_front_end();
    propose(cluster_founded{{}, "sim"});
    propose(database_created{"shop"});
    static constexpr const char* layouts[] = {"abcdef", "abcde", "aabcd", "aaaaa", "aabbcc"};
    for (const char host : std::string{layouts[fate.below(std::size(layouts))]})
      add_backend(std::string(1, host));
    run_until(now() + time_ms{6'000});
    for (int i = 0; i < 3; ++i)
      create_table();
    run_until(now() + time_ms{1'000});
  }

  void report_regularly() {
    for (auto& [id, b] : disks.backends)
      if (b.up && links[id].linked)
        report(b);
    after(between(20'000, 40'000), [this] { report_regularly(); });
  }

  /// Membership proposes until the log agrees; here too, for the log does not take everything.
  void keep_log_true() {
    for (auto& [id, b] : disks.backends) {
      const auto* known = shadow.backends.find(id);
      if (known && links[id].linked && !known->alive)
        propose(backend_returned{id, b.paths});
      if (known && !b.up && known->alive && now() - b.stopped >= time_ms{5'000})
        propose(backend_died{id});
    }
    after(time_ms{3'000}, [this] { keep_log_true(); });
  }

  void suffer() {
    faults = true;
    keep_log_true();
    const auto end = now() + options.faults_for;
    report_regularly();
    while (now() < end && result.broken.empty()) {
      run_until(now() + between(100, 6'000));
      accident();
    }
  }

  /// No more faults; everybody returns, except perhaps one that nobody needs.
  void relent() {
    faults = false;
    sim_backend* lost = fate.one_in(3) ? some_backend(false) : nullptr;
    for (auto& [id, b] : disks.backends)
      if (lost == &b && (hosts() < 5 || !nobody_needs(b)))
        lost = nullptr;
    bool one_may_leave = lost == nullptr && hosts() >= 5;
    shadow.backends.for_each([&](backend_id id, const backend& b) {
      if (b.decommissioned && !std::exchange(one_may_leave, false))
        propose(backend_decommission{id, false});
    });
    for (auto& [id, b] : disks.backends)
      if (!b.up && &b != lost)
        revive(b);
  }
  [[nodiscard]] std::size_t hosts() const {
    std::set<std::string> distinct;
    for (const auto& [id, b] : disks.backends)
      distinct.insert(b.host);
    return distinct.size();
  }
  bool nobody_needs(const sim_backend& b) const {
    for (const auto& [tablet, here] : b.disk)
      if (const auto* t = shadow.tablets.find(tablet)) {
        const auto visible = shadow.visible_version(*t);
        if (disks.whole_copies(tablet, visible) < (here.whole(visible) ? 2U : 1U))
          return false;
      }
    return true;
  }

  [[nodiscard]] std::string sick_one() const {
    std::string sick;
    shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
      if (const auto what = diagnose(shadow, t); what.health != tablet_health::healthy)
        sick = "tablet " + std::to_string(raw(id)) + " is " + std::string{name(what.health)};
      return sick.empty();
    });
    if (sick.empty() && !shadow.orders.empty())
      sick = "an order is open";
    return sick;
  }

  void get_well() {
    const auto began = now();
    while (result.broken.empty()) {
      run_until(now() + time_ms{5'000});
      const auto sick = sick_one();
      if (sick.empty())
        break;
      if (now() - began > options.patience) {
        const auto v = view_cell->load();
        return fail("not well " + std::to_string(options.patience.count() / 60'000) + " minutes after the last fault: " + sick
                    + (v->pending.empty() ? "" : "; waits: " + v->pending.front().message));
      }
    }
    result.well_after = now() - began;
    // Reports erase what is forgotten, and a copy for a table that is gone is given up.
    run_until(now() + time_ms{240'000});
  }

  void check_end() {
    if (auto sick = sick_one(); !sick.empty())
      return fail("got sick again by itself: " + sick);
    shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
      for (const auto& r : t.replicas) {
        const auto& b = *disks.find(r.backend);
        const auto at = b.disk.find(id);
        if (at == b.disk.end() || at->second.id != r.id || !at->second.whole(shadow.visible_version(t)))
          fail("the catalog believes in replica " + std::to_string(raw(r.id)) + " of tablet " + std::to_string(raw(id)));
      }
    });
    for (const auto& [id, b] : disks.backends)
      for (const auto& [tablet, here] : b.disk)
        if (const auto* t = shadow.tablets.find(tablet); b.up && (!t || !t->find(here.id)))
          fail("backend " + std::to_string(raw(id)) + " still has a forgotten replica of tablet " + std::to_string(raw(tablet)));
    const auto v = view_cell->load();
    if (v->pending_total + v->running_total != 0 || v->tablets_by_health != std::array<std::uint64_t, 8>{})
      fail("everything is well, but the scheduler has " + std::to_string(v->pending_total) + " waiting, "
           + std::to_string(v->running_total) + " running"
           + (v->running.empty() ? "" : " " + std::to_string(raw(v->running.front().tablet)) + " " + v->running.front().message + " since " + std::to_string((v->running.front().last_scheduled - epoch).count()))
           + (v->pending.empty() ? "" : ", tablet " + std::to_string(raw(v->pending.front().tablet)) + ' ' + v->pending.front().message));
    if (text_of(*cell->load()) != text_of(shadow))
      fail("the front end's catalog differs from the log");
  }

  void run() {
    set_up();
    suffer();
    relent();
    get_well();
    if (result.broken.empty())
      check_end();
    result.trace ^= result.steps;
    const auto verdict = result.broken;
    result.broken.clear(); // The actors must die in any case.
    stop_front_end();
    if (!verdict.empty())
      result.broken = verdict;
    sched.clock().cancel_all();
  }
};

// -- the journal -------------------------------------------------------------------------

edit_outcome refused_to_append(wire::EditOutcome::Failure how) {
  return seal<wire::EditOutcome>([&](auto to) {
    to.setFailure(how);
    to.setMessage("simulated");
  });
}

caf::typed_response_promise<edit_outcome> on_edit(journal_actor::stateful_pointer<sim_journal_state> self,
                                                  const edit_message& edit) {
  auto promise = self->make_response_promise<edit_outcome>();
  auto& world = *self->state.world;
  if (!self->state.sink || (world.faults && world.fate.one_in(50))) {
    promise.deliver(refused_to_append(wire::EditOutcome::Failure::OVERLOADED));
    return promise;
  }
  world.append(edit);
  const auto index = world.log.size();
  const auto doubt = world.faults ? world.fate.below(100) : 99;
  self->request(self->state.sink, caf::infinite, committed_batch{index, 1, {edit}})
    .then([self, promise, index, doubt](const batch_outcomes& batch) mutable {
      const auto outcome = batch.outcomes.front();
      if (outcome.get().getRefusal() != static_cast<std::uint8_t>(self->state.world->verdicts[index - 1].why))
        self->state.world->fail("the catalog judged entry " + std::to_string(index) + " differently");
      if (doubt == 0) // Appended, but the proposer dies of the answer.
        promise.deliver(caf::make_error(caf::sec::runtime_error, "simulated"));
      else if (doubt == 1)
        promise.deliver(refused_to_append(wire::EditOutcome::Failure::NOT_LEADER));
      else
        promise.deliver(outcome);
    });
  return promise;
}

journal_actor::behavior_type sim_journal(journal_actor::stateful_pointer<sim_journal_state> self, sim_world* world) {
  self->state.world = world;
  return {
    [self](const edit_message& edit) { return on_edit(self, edit); },
    [self](replay_from from, const catalog_sink_actor& sink) {
      auto& log = self->state.world->log;
      self->state.sink = sink;
      if (from.index <= log.size())
        self->request(sink, caf::infinite,
                      committed_batch{from.index, 1, {log.begin() + static_cast<std::ptrdiff_t>(from.index - 1), log.end()}})
          .then([](const batch_outcomes&) {});
    },
  };
}

// -- membership --------------------------------------------------------------------------

using membership_self = sim_membership_actor::stateful_pointer<sim_membership_state>;
using ask_key = std::pair<backend_id, log_index>;

void answer(membership_self self, ask_key key, const task_end& end) {
  auto asked = self->state.asks.extract(key);
  if (asked.empty())
    return;
  auto& world = *self->state.world;
  const auto luck = world.faults ? world.fate.below(40) : 39;
  if (luck == 0)
    return; // The answer is lost: the asker waits for ever, or asks again.
  for (auto& asker : asked.mapped().askers) {
    if (luck == 1)
      asker.deliver(caf::make_error(caf::sec::runtime_error, "simulated"));
    else
      asker.deliver(codec::seal_end(end));
  }
}

void try_task(membership_self self, ask_key key) {
  auto& world = *self->state.world;
  const auto task = self->state.asks.at(key).task;
  auto* b = world.disks.find(key.first);
  const auto* known = world.shadow.backends.find(key.first);
  if (!b || !known || !known->alive)
    return answer(self, key, failed_end(key.second, {}, {}, task_failure::unreachable, "the backend is dead"));
  if (!b->up)
    return; // Until it is back or declared dead.
  if (const auto* cancel = std::get_if<cancel_order>(&task.what)) {
    b->running.erase(cancel->clone);
    return answer(self, key, failed_end(key.second, {}, {}, task_failure::unknown, ""));
  }
  if (const auto done = b->ended.find(key.second); done != b->ended.end())
    return answer(self, key, done->second);
  (void) world.start_task(*b, task);
}

sim_membership_actor::behavior_type sim_membership(membership_self self, sim_world* world) {
  self->state.world = world;
  const auto of_backend = [self](std::uint64_t backend) {
    std::vector<ask_key> keys;
    for (const auto& [key, asked] : self->state.asks)
      if (raw(key.first) == backend)
        keys.push_back(key);
    return keys;
  };
  return {
    [](const catalog_advanced&) {},
    [self](const task_order& order) {
      auto promise = self->make_response_promise<task_ended>();
      const auto task = codec::decode(order.get().getTask());
      const ask_key key{backend_id{order.get().getBackend()}, task.fence};
      auto& asked = self->state.asks[key];
      asked.task = task;
      asked.askers.push_back(promise);
      try_task(self, key);
      return promise;
    },
    [self](const publish_order&) { return self->make_response_promise<publish_ended>(); },
    [](tick_due) {},
    [self](sim_task_over over) {
      const ask_key key{backend_id{over.backend}, log_index{over.fence}};
      auto& ended = self->state.world->disks.find(key.first)->ended;
      if (const auto at = ended.find(key.second); at != ended.end())
        answer(self, key, at->second);
    },
    [self, of_backend](sim_backend_up up) {
      for (const auto& key : of_backend(up.backend))
        try_task(self, key);
    },
    [self, of_backend](sim_backend_dead dead) {
      for (const auto& key : of_backend(dead.backend))
        try_task(self, key);
    },
  };
}

} // namespace

sim_result simulate(const sim_options& options) {
  sim_world world{options};
  world.run();
  return world.result;
}

} // namespace tabletd::test
