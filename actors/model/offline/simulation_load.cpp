// Tables and the loads into them.
#include "actors/model/load_score.h"
#include "actors/model/offline/simulation.h"

namespace tabletd::model::offline {

namespace {

constexpr std::string_view database_name = "simulated";

} // namespace

/// By place_table(), which knows of no clusters: those of others are hidden from it.  Tables of a
/// colocation group lie where its first one does.
std::variant<placements, std::string> simulation::places_for(const gen_tablets& c) {
  auto visible = cluster_;
  if (!c.cluster.empty())
    cat_.backends.for_each([&](backend_id id, const backend& b) {
      if (b.cluster != c.cluster)
        visible.backends[id].linked = false;
    });
  const auto* db = cat_.find_database(database_name);
  const auto* group = c.colocate.empty() ? nullptr : cat_.find_colocate_group(db->id, c.colocate);
  if (!group) {
    auto placed = place_table({.cat = cat_, .cluster = visible, .slots = scheduler_->slots(), .fit = options_.scheduler.fit},
                              {.buckets = c.count, .replication_num = c.replicas});
    if (const auto* why_not = std::get_if<std::string>(&placed))
      return *why_not;
    return std::get<std::vector<placements>>(std::move(placed)).front();
  }
  placements made;
  for (const auto& bucket : group->sequence) {
    auto& places = made.emplace_back();
    for (const auto id : bucket) {
      const auto& paths = by_id(id)->paths;
      const auto least = std::min_element(paths.begin(), paths.end(),
                                          [](const sim_path& x, const sim_path& y) { return x.tablets < y.tablets; });
      places.push_back({id, least->hash});
    }
  }
  return made;
}

std::string simulation::carry_out(const gen_tablets& c) {
  if (!cat_.find_database(database_name))
    append(database_created{std::string{database_name}});
  if (tables_.contains(c.table))
    return "there is a table " + c.table + " already";
  const auto places = places_for(c);
  if (const auto* why_not = std::get_if<std::string>(&places))
    return *why_not;
  table_created e;
  e.database = cat_.find_database(database_name)->id;
  e.name = c.table;
  e.replication_num = c.replicas;
  e.placements = std::get<placements>(places);
  e.cluster = c.cluster;
  e.colocate_with = c.colocate;
  const auto made = append(e);
  if (!made.ok())
    return "table " + c.table + " was refused: " + std::string{name(made.why)};
  auto& table = tables_[c.table];
  table.id = table_id{made.id};
  table_names_[table.id] = c.table;
  for (std::uint32_t bucket = 0; bucket < c.count; ++bucket)
    table.sizes.first.push_back((c.mib_min + dice_.below(c.mib_max - c.mib_min + 1)) << 20U);
  for (const auto id : made.touched)
    for (const auto& r : cat_.tablets.find(id)->replicas)
      put(*by_id(r.backend), id, r.id, r.path);
  // What the table was made with came in by a load as well.
  load_committed load{txn_id{append(load_begun{table.id, "made"}).id}, {}};
  prepare(load, cat_.tables.find(table.id)->partitions.front(),
          [&](std::uint32_t bucket) { return table.sizes.first[bucket]; });
  append(load);
  store_load(load);
  append(load_published{load.txn});
  for (auto& b : backends_)
    refresh_view(b);
  return "";
}

std::string simulation::carry_out(const load_table& c) {
  const auto found = tables_.find(c.table);
  if (found == tables_.end()) {
    std::string known;
    for (const auto& [name, table] : tables_)
      known += (known.empty() ? "" : ", ") + name;
    return "there is no table " + c.table + (known.empty() ? "; gen_tablets makes one" : ", there are " + known);
  }
  begin_load(c.table, (c.mib << 20U) / found->second.sizes.first.size(), c.times, c.every);
  return "";
}

void simulation::begin_load(const std::string& name, std::uint64_t tablet_bytes, std::uint32_t times, time_ms every) {
  const auto begun = append(load_begun{tables_.at(name).id, "load-" + std::to_string(++loads_)});
  if (begun.ok())
    after(options_.load_takes, [this, name, txn = txn_id{begun.id}, tablet_bytes, leader = leader_] {
      commit_load(name, txn, tablet_bytes, leader);
    });
  if (times > 1)
    after(every, [this, name, tablet_bytes, times, every] { begin_load(name, tablet_bytes, times - 1, every); });
}

void simulation::commit_load(const std::string& name, txn_id txn, std::uint64_t tablet_bytes, std::uint64_t leader) {
  auto& table = tables_.at(name);
  load_committed e{txn, {}};
  prepare(e, cat_.tables.find(table.id)->partitions.front(), [tablet_bytes](std::uint32_t) { return tablet_bytes; });
  // A load whose leader is gone has no owner; the next one aborts it.
  if (leader != leader_ || !append(e).ok()) {
    ++loads_refused_;
    append(load_aborted{txn, "it could not be committed"});
    return;
  }
  table.sizes.later.push_back(tablet_bytes);
  store_load(e);
  append(load_published{txn});
}

/// Every replica that takes part in loads and whose backend is there prepares.
void simulation::prepare(load_committed& e, const partition& part,
                         const std::function<std::uint64_t(std::uint32_t)>& bytes) {
  for_each_tablet(part, [&](tablet_id id) {
    const auto& t = *cat_.tablets.find(id);
    tablet_loaded loaded{id, 0, bytes(t.bucket), {}};
    for (const auto& r : t.replicas) {
      const auto& b = *by_id(r.backend);
      const auto at = b.disk.find(id);
      const bool there = b.up && b.linked && at != b.disk.end() && at->second.id == r.id && !at->second.bad;
      if (there && r.state == replica_state::normal)
        loaded.prepared.push_back(r.id);
    }
    e.tablets.push_back(std::move(loaded));
  });
}

void simulation::store_load(const load_committed& e) {
  for (const auto& loaded : e.tablets) {
    const auto& t = *cat_.tablets.find(loaded.tablet);
    const auto made = cat_.visible_version(t);
    for (const auto& r : t.replicas)
      if (std::find(loaded.prepared.begin(), loaded.prepared.end(), r.id) != loaded.prepared.end()) {
        auto& b = *by_id(r.backend);
        add_version(b, t.id, b.disk.at(t.id), made);
      }
  }
}

} // namespace tabletd::model::offline
