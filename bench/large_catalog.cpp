// See large_catalog.h.
#include "bench/large_catalog.h"

#include <fmt/format.h>

#include <random>
#include <vector>

namespace tabletd {

using namespace model;

namespace {

constexpr std::size_t backends = 100;
constexpr std::uint64_t paths_each = 12;
constexpr std::uint32_t buckets = 64;
constexpr std::size_t replicas_each = 3;
constexpr std::uint64_t loads_kept = 100'000;

path_hash path_of(backend_id backend, std::uint64_t number) {
  return path_hash{(raw(backend) * paths_each + number) * 0x9e37'79b9'7f4a'7c15ULL};
}

tablet draw_tablet(std::uint64_t n, std::uint64_t& next_id, std::mt19937_64& dice) {
  tablet t;
  t.bucket = static_cast<std::uint32_t>(n % buckets);
  t.rows = dice() % 10'000'000;
  t.bytes = t.rows * (50 + dice() % 100);
  const version visible = 1 + (n / buckets * 7'919) % 5'000; // Of a partition's loads.
  const auto first = dice() % backends;
  for (std::uint64_t i = 0; i < replicas_each; ++i) {
    replica r{.id = replica_id{next_id++}, .backend = backend_id{1 + (first + i * 31) % backends}, .version = visible, .last_success = visible};
    r.path = path_of(r.backend, dice() % paths_each);
    if (dice() % 20 == 0) { // Copied once: a later id, and it says when.
      r.id = replica_id{500'000'000 + dice() % 100'000'000};
      t.settled = log_index{dice() % 1'000'000'000};
    }
    if (dice() % 1'000 == 0)
      r.last_failed = r.version--;
    t.replicas.push_back(r);
  }
  return t;
}

} // namespace

catalog large_catalog(std::uint64_t tablets, time_ms loads_ended) {
  std::mt19937_64 dice{1};
  catalog cat;
  cat.cluster_name = "bench";
  cat.databases.put(database_id{5}, {database_id{5}, "db", 0});
  std::vector<packed_map<tablet_id, replica_id>::builder> held(backends + 1);
  cow_map<table_id, table>::builder tables;
  cow_map<tablet_id, tablet>::builder all;
  std::uint64_t next_id = 10'001;
  table owner;
  for (std::uint64_t n = 0; n < tablets; ++n) {
    if (n % buckets == 0) {
      owner = {};
      owner.id = table_id{next_id++};
      owner.database = database_id{5};
      owner.name = fmt::format("table_{}", raw(owner.id));
      const partition_id part{next_id++};
      owner.partitions = {{part, std::nullopt, next_id++, owner.name, 5'000, {}, buckets}};
    }
    const tablet_id id{next_id++};
    auto t = draw_tablet(n, next_id, dice);
    t.id = id;
    t.table = owner.id;
    t.partition = owner.partitions.front().id;
    for (const auto& r : t.replicas)
      held[raw(r.backend)].append(id, r.id);
    if (t.bucket == 0) {
      owner.partitions.front().first_tablet = id;
      cat.table_names.put(5, owner.name, raw(owner.id));
      tables.append(owner.id, owner);
      ++cat.databases.edit(database_id{5})->tables;
    }
    cat.replicas += t.replicas.size();
    all.append(id, std::move(t));
  }
  cat.tablets = all.finish();
  cat.tables = tables.finish();
  for (std::uint64_t b = 1; b <= backends; ++b) {
    backend made;
    made.id = backend_id{b};
    made.host = "127.0.0.1"; // Nobody listens there.
    made.port = static_cast<std::uint16_t>(b);
    made.alive = true;
    for (std::uint64_t p = 0; p < paths_each; ++p)
      made.paths.push_back({path_of(made.id, p), fmt::format("/disk{}", p), medium::hdd});
    made.tablets = held[b].finish();
    cat.backends.put(made.id, std::move(made));
  }
  for (std::uint64_t txn = 1; txn <= loads_kept; ++txn) {
    load l{};
    l.txn = txn_id{txn * 10};
    l.table = owner.id;
    l.label = fmt::format("load-2024-06-01-{}", txn);
    l.state = load_state::published;
    l.begun = l.ended = loads_ended;
    cat.labels.put(raw(l.table), l.label, raw(l.txn));
    cat.ended_loads.put(log_index{txn * 10 + 5}, {l.txn});
    cat.loads.put(l.txn, std::move(l));
  }
  cat.next_id = 1'000'000'000;
  cat.applied = log_index{cat.next_id};
  return cat;
}

} // namespace tabletd
