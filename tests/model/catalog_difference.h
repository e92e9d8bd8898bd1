#pragma once
// Compares two catalogs in everything they hold.  The members are named one by one, so that a new one does
// not compile until it is compared here, and then tested where this is used.
#include "actors/model/catalog.h"
#include <map>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;

template <class Map>
auto values_of(const Map& map) {
  using value = std::decay_t<decltype(*map.find({}))>;
  std::map<std::uint64_t, value> all;
  map.for_each([&](auto id, const value& v) { all.emplace(static_cast<std::uint64_t>(id), v); });
  return all;
}

inline auto parts_of(const backend& b) {
  const auto& [id, host, port, cluster, location, alive, decommissioned, changed, paths, tablets] = b;
  return std::make_tuple(id, host, port, cluster, location, alive, decommissioned, changed, paths, values_of(tablets));
}
inline auto parts_of(const move_outcome& o) {
  const auto& [done, why] = o;
  return std::make_tuple(done, why);
}
inline auto parts_of(const saved_plan& p) {
  const auto& [kind, backend, epoch, created, content, state, applied, outcomes, done] = p;
  const auto& [moves, tables, bytes] = *content;
  std::vector<std::pair<std::uint32_t, decltype(parts_of(move_outcome{}))>> over;
  outcomes.for_each([&](std::uint32_t n, const move_outcome& o) { over.emplace_back(n, parts_of(o)); });
  return std::make_tuple(kind, backend, epoch, created, moves, tables, bytes, state, applied, over, done);
}
template <class T>
  requires requires(const T& t) { t == t; }
const T& parts_of(const T& value) {
  return value;
}

template <class Map>
auto compared(const Map& map) {
  std::vector<std::pair<std::uint64_t, std::decay_t<decltype(parts_of(*map.find({})))>>> all;
  map.for_each([&](auto id, const auto& v) { all.emplace_back(static_cast<std::uint64_t>(id), parts_of(v)); });
  return all;
}
template <class T>
auto compared(const by_name<T>& map) {
  std::vector<std::pair<std::string, std::decay_t<decltype(parts_of(std::declval<const T&>()))>>> all;
  for (const auto& [name, v] : map.all())
    all.emplace_back(name, parts_of(v));
  return all;
}

/// Whom an index finds under a name, in the order in which it offers them.
inline std::vector<std::uint64_t> offered(const name_index& index, std::uint64_t scope, const std::string& name) {
  std::vector<std::uint64_t> ids;
  (void)index.find(scope, name, [&](std::uint64_t id) {
    ids.push_back(id);
    return false;
  });
  return ids;
}

/// The first part in which they differ, or empty.
inline std::string difference(const catalog& a, const catalog& b) {
  const auto& [cluster, cluster_name, term, leader, term_since, applied, next_id, backends, databases, tables, tablets,
               loads, orders, moves, decisions, colocate_groups, hints, config, pauses, plans, retention, resources, storage_policies, cooldowns, tombstones, warmup, layout, replicas,
               database_names, table_names, labels, ended_loads, planned]
    = a;
  if (cluster != b.cluster || cluster_name != b.cluster_name)
    return "cluster";
  if (term != b.term || leader != b.leader || term_since != b.term_since)
    return "term";
  if (applied != b.applied || next_id != b.next_id || replicas != b.replicas)
    return "counters";
  if (layout.at != b.layout.at || layout.what != b.layout.what)
    return "layout";
#define TABLETD_COMPARE(part)             \
  if (compared(part) != compared(b.part)) \
    return #part;
  TABLETD_COMPARE(backends)
  TABLETD_COMPARE(databases)
  TABLETD_COMPARE(tables)
  TABLETD_COMPARE(tablets)
  TABLETD_COMPARE(loads)
  TABLETD_COMPARE(orders)
  TABLETD_COMPARE(moves)
  TABLETD_COMPARE(decisions)
  TABLETD_COMPARE(colocate_groups)
  TABLETD_COMPARE(hints)
  TABLETD_COMPARE(config)
  TABLETD_COMPARE(pauses)
  TABLETD_COMPARE(plans)
  TABLETD_COMPARE(retention)
  TABLETD_COMPARE(resources)
  TABLETD_COMPARE(storage_policies)
  TABLETD_COMPARE(cooldowns)
  TABLETD_COMPARE(tombstones)
  if (compared(warmup.jobs) != compared(b.warmup.jobs))
    return "warmup";
  TABLETD_COMPARE(ended_loads)
  TABLETD_COMPARE(planned)
#undef TABLETD_COMPARE
  if (database_names.size() != b.database_names.size() || table_names.size() != b.table_names.size()
      || labels.size() != b.labels.size())
    return "sizes of name indexes";
  std::string found;
  databases.for_each([&](database_id, const database& d) {
    if (offered(database_names, 0, d.name) != offered(b.database_names, 0, d.name))
      found = "database_names";
  });
  tables.for_each([&](table_id, const table& t) {
    if (offered(table_names, raw(t.database), t.name) != offered(b.table_names, raw(t.database), t.name))
      found = "table_names";
  });
  loads.for_each([&](txn_id, const load& l) {
    if (offered(labels, raw(l.table), l.label) != offered(b.labels, raw(l.table), l.label))
      found = "labels";
  });
  return found;
}

} // namespace tabletd::test
