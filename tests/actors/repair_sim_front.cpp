// The front end as it starts and dies, and its backends as they link and report.
#include "tests/actors/repair_sim_world.h"
#include "actors/catalog/catalog.h"
#include "actors/urgent_exit.h"
#include "tests/model/catalog_world.h"

namespace tabletd::test {

void sim_world::start_front_end() {
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

void sim_world::start_repair() {
  view_cell = std::make_shared<scheduler_view_cell>();
  checked_view = view_cell->load();
  const auto wall = [this] { return now(); };
  scheduler = sys.spawn(tablet_scheduler,
                        scheduler_ports{journal, caf::actor_cast<membership_actor>(membership), cell, cluster, view_cell, wall, time_ms{1'000}},
                        scheduler_options{.repair_delay_factor = time_ms{2'000}, .be_down_tolerance = time_ms{20'000}, .slots_per_path = 2, .fit = {}, .colocate = {}});
  checker = sys.spawn(tablet_checker, checker_ports{cell, catalog_up, scheduler, time_ms{1'000}});
}

void sim_world::stop_repair() {
  urgent_exit(checker, caf::exit_reason::kill);
  urgent_exit(scheduler, caf::exit_reason::kill);
  checker = nullptr;
  scheduler = nullptr;
  drain();
  if (sys.registry().running() != 3)
    fail("contexts outlive their scheduler: " + std::to_string(sys.registry().running()) + " actors left");
}

void sim_world::stop_front_end() {
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

void sim_world::publish_cluster() {
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

void sim_world::add_backend(const std::string& host) {
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

void sim_world::link(backend_id id) {
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

void sim_world::kill(sim_backend& b) {
  say("kill ", raw(b.id));
  disks.stop(b);
  links[b.id] = {};
  publish_cluster();
  b.stopped = now();
}

void sim_world::revive(sim_backend& b) {
  say("revive ", raw(b.id));
  disks.start(b);
  after(between(100, 1'000), [this, id = b.id] { link(id); });
}

void sim_world::report(sim_backend& b) {
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

void sim_world::contradict(const tablet& t, const replica& r, const disk_replica& here) {
  if (r.state != replica_state::normal || shadow.orders.contains(t.id))
    return;
  const auto visible = shadow.visible_version(t);
  const bool worse = (here.bad && !r.bad) || here.contiguous() < r.version;
  const bool better = !r.bad && !complete(r, visible) && here.whole(visible);
  if (worse || better)
    propose(replica_observed{t.id, r.id, std::min(here.contiguous(), visible), here.bad});
}

void sim_world::settle_unknown(sim_backend& b, tablet_id tablet) {
  const auto here = b.disk.at(tablet);
  const auto* t = shadow.tablets.find(tablet);
  if (t && shadow.orders.contains(tablet))
    return; // A clone of this very replica may be running.
  if (t && !here.bad && wants_back(shadow, *t, here.id, b.id, here.contiguous()))
    return propose(replica_readopted{tablet, here.id, {b.id, here.path}, here.contiguous()});
  disks.erase(b, tablet);
}

} // namespace tabletd::test
