#pragma once
// A cluster to balance, of any size: backends with disks, tables whose replicas sit where the
// caller says, disks that are as full as what is on them.  Moves are carried out at once.
// Used by the tests and by bench/balance_bench.cpp.
#include "actors/model/balance_planner.h"
#include <cassert>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;

inline constexpr std::uint64_t mega = 1'000'000;
inline constexpr std::uint64_t giga = 1'000'000'000;

struct disk {
  std::uint64_t capacity = 1'000 * giga;
  std::uint64_t other = 0; ///< Used by what is no tablet.
  medium on = medium::hdd;
};

struct balance_world {
  catalog cat;
  cluster_view cluster;
  move_memory memory;
  time_ms now{1'000'000'000};
  std::uint64_t index = 0;
  std::vector<backend_id> ids;
  std::map<path_hash, std::uint64_t> other; ///< disk::other
  database_id db{};

  balance_world() { db = database_id{fold(database_created{"d"}).id}; }
  balance_world(const balance_world&) = default;

  verdict fold(edit_body body) {
    auto judged = apply(cat, {now, std::move(body)}, log_index{++index});
    assert(judged.ok());
    return judged;
  }

  backend_id add_backend(const std::vector<disk>& disks, std::string host = {}) {
    const auto n = ids.size() + 1;
    if (host.empty())
      host = "h" + std::to_string(n);
    const backend_id id{fold(backend_added{host, static_cast<std::uint16_t>(9000 + n)}).id};
    ids.push_back(id);
    backend_returned back{id, {}};
    auto& seen = cluster.backends[id];
    seen.id = id;
    seen.linked = seen.reported = true;
    for (std::size_t p = 0; p < disks.size(); ++p) {
      const path_hash hash{n * 1'000 + p};
      back.paths.push_back({hash, "/p" + std::to_string(p), disks[p].on});
      auto& path = seen.paths.emplace_back();
      path.hash = hash;
      path.medium = disks[p].on;
      path.capacity_bytes = disks[p].capacity;
      path.available_bytes = disks[p].capacity - disks[p].other;
      other[hash] = disks[p].other;
    }
    fold(std::move(back));
    return id;
  }
  void add_backends(std::size_t count, const std::vector<disk>& disks) {
    for (std::size_t i = 0; i < count; ++i)
      add_backend(disks);
  }

  [[nodiscard]] place on(std::size_t backend, std::size_t path = 0) const {
    return {ids[backend], cat.backends.find(ids[backend])->paths[path].hash};
  }
  path_view& seen(const place& at) {
    auto& paths = cluster.backends.at(at.backend).paths;
    return *std::find_if(paths.begin(), paths.end(), [&](const path_view& p) { return p.hash == at.path; });
  }

  /// `where(bucket)` says the places of a bucket's replicas, `bytes(bucket)` its size.
  table_id add_table(std::uint32_t buckets, std::uint32_t replication,
                     const std::function<std::vector<place>(std::uint32_t)>& where,
                     const std::function<std::uint64_t(std::uint32_t)>& bytes) {
    table_created e;
    e.database = db;
    e.name = "t" + std::to_string(index);
    e.replication_num = replication;
    for (std::uint32_t b = 0; b < buckets; ++b)
      e.placements.push_back(where(b));
    const table_id table{fold(std::move(e)).id};
    for (std::uint32_t b = 0; b < buckets; ++b)
      resize(bucket(table, b), bytes(b));
    return table;
  }
  [[nodiscard]] tablet_id bucket(table_id table, std::uint32_t b) const {
    return tablet_id{raw(cat.tables.find(table)->partitions.front().first_tablet) + b};
  }
  void resize(tablet_id id, std::uint64_t bytes) {
    auto& t = *cat.tablets.edit(id);
    for (const auto& r : t.replicas) {
      auto& path = seen({r.backend, r.path});
      path.available_bytes = path.available_bytes + t.bytes - bytes;
    }
    t.bytes = bytes;
  }

  /// Copies and drops at once; the disks show it.
  void carry_out(const balance_move& m) {
    auto& t = *cat.tablets.edit(m.tablet);
    for (auto& r : t.replicas)
      if (r.id == m.replica) {
        assert((place{r.backend, r.path}) == m.source);
        cat.backends.edit(r.backend)->tablets.erase(t.id);
        r.backend = m.target.backend;
        r.path = m.target.path;
        r.id = replica_id{cat.next_id++};
        cat.backends.edit(r.backend)->tablets.put(t.id, r.id);
      }
    seen(m.source).available_bytes += t.bytes;
    seen(m.target).available_bytes -= t.bytes;
  }

  [[nodiscard]] balance_view view() const {
    return {.cat = cat, .cluster = cluster, .memory = memory, .paused_tables = {}, .paused_by = {}};
  }
  [[nodiscard]] rebalance_plan plan(std::uint64_t seed = 1, balance_options options = {}) const {
    return plan_rebalance(view(), options, seed, now);
  }
};

/// `count` tablets of one replica, each in a table of its own: no table is skewed.
inline void put(balance_world& w, const place& at, std::uint64_t count, std::uint64_t bytes) {
  for (std::uint64_t i = 0; i < count; ++i)
    w.add_table(1, 1, [&](auto) { return std::vector{at}; }, [&](auto) { return bytes; });
}

} // namespace tabletd::test
