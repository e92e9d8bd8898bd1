// Tasks on backends, people at work, and accidents.
#include "tests/actors/repair_sim_world.h"

namespace tabletd::test {

void sim_world::start_task(sim_backend& b, const agent_task& task) {
  if (!b.running.emplace(task.fence, task).second)
    return; // It runs already.
  const bool clone = std::holds_alternative<clone_order>(task.what);
  auto takes = clone ? between(200, 8'000) : between(10, 500);
  if (faults && clone && fate.one_in(25))
    takes = between(150'000, 400'000); // Some of these are given up.
  after(takes, [this, id = b.id, fence = task.fence, boot = b.boot] { end_task(id, fence, boot); });
}

void sim_world::end_task(backend_id id, log_index fence, std::uint64_t boot) {
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

void sim_world::create_table() {
  scheduler_options defaults;
  const auto cat = shadow;
  const auto seen = cluster->load();
  const slot_ledger slots{2};
  const auto replication = 1 + static_cast<std::uint32_t>(fate.below(3));
  auto placed = place_table({.cat = cat, .cluster = *seen, .slots = slots, .fit = defaults.fit},
                            {.buckets = 1 + static_cast<std::uint32_t>(fate.below(3)), .replication_num = replication});
  if (auto* places = std::get_if<std::vector<placements>>(&placed)) {
    table_created e;
    e.database = shadow.find_database("shop")->id;
    e.name = "t" + std::to_string(++labels);
    e.replication_num = replication;
    e.placements = std::move(places->front());
    propose(std::move(e));
  }
}

void sim_world::load() {
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

void sim_world::commit(table_id id, const std::string& label) {
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
  after(between(1'000, 5'000), [this, id, label] { abandon(id, label); });
}

/// As load_keeper does: a load whose commit was refused or got lost is ended, or replicas wait
/// for it for ever.
void sim_world::abandon(table_id id, const std::string& label) {
  const auto* opened = shadow.find_label(id, label);
  if (!opened || opened->state != load_state::begun)
    return;
  propose(load_aborted{opened->txn, "it did not commit"});
  after(between(1'000, 5'000), [this, id, label] { abandon(id, label); });
}

sim_backend* sim_world::some_backend(bool up) {
  std::vector<sim_backend*> fit;
  for (auto& [id, b] : disks.backends)
    if (b.up == up && shadow.backends.contains(id))
      fit.push_back(&b);
  return fit.empty() ? nullptr : fit[fate.below(fit.size())];
}

bool sim_world::may_lose(const sim_backend& b, tablet_id tablet) {
  const auto* t = shadow.tablets.find(tablet);
  if (!t)
    return true;
  const auto& here = b.disk.at(tablet);
  const auto* known = t->find(here.id);
  if (!known || known->backend != b.id)
    return true;
  return known_copies(*t) >= (here.whole(shadow.visible_version(*t)) ? 3U : 2U);
}

void sim_world::corrupt() {
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

void sim_world::wipe(sim_backend& b) {
  for (const auto& [tablet, here] : b.disk)
    if (!may_lose(b, tablet))
      return;
  say("wipe ", raw(b.id));
  b.disk.clear();
}

void sim_world::decommission() {
  auto* b = some_backend(true);
  std::size_t leaving = 0;
  shadow.backends.for_each([&](backend_id, const backend& x) { leaving += x.decommissioned ? 1 : 0; });
  if (b && (leaving < 2 || shadow.backends.find(b->id)->decommissioned))
    propose(backend_decommission{b->id, !shadow.backends.find(b->id)->decommissioned});
}

void sim_world::restart_front_end() {
  say("front end restarts");
  ++result.restarts;
  stop_front_end();
  if (result.broken.empty())
    start_front_end();
}

void sim_world::accident() {
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
    add_backend(layout == "aaaaa" ? "a" : std::string(1, static_cast<char>('a' + disks.backends.size())));
  else
    load();
}

} // namespace tabletd::test
