#pragma once
// A catalog to play with: every edit goes through apply(), is remembered for a replay, and
// must leave the invariants whole.
#include "actors/model/catalog.h"
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;
using namespace std::chrono_literals;

struct catalog_world {
  catalog cat;
  std::uint64_t index = 0;
  time_ms now{1'000'000};
  std::vector<edit> log;
  std::vector<verdict> verdicts; ///< Of the entries of `log`.

  verdict operator()(edit_body body) {
    log.push_back({now, std::move(body)});
    auto judged = apply(cat, log.back(), log_index{++index});
    EXPECT_EQ(broken_invariant(cat), "") << "after entry " << index;
    EXPECT_EQ(cat.applied, log_index{index});
    verdicts.push_back(judged);
    return judged;
  }

  /// A live backend "h<n>:9000" with paths n*10 and n*10+1.
  backend_id live_backend(std::uint64_t n) {
    const auto added = (*this)(backend_added{"h" + std::to_string(n), 9000});
    EXPECT_TRUE(added.ok());
    const backend_id id{added.id};
    EXPECT_TRUE((*this)(returned(id, n)).ok());
    return id;
  }
  static backend_returned returned(backend_id id, std::uint64_t n) {
    return {id,
            {{path_hash{n * 10}, "/p0", medium::hdd}, {path_hash{n * 10 + 1}, "/p1", medium::ssd}}};
  }
  place first_path(backend_id id) const { return {id, cat.backends.find(id)->paths.front().hash}; }

  database_id make_database(const std::string& name = "shop") {
    return database_id{(*this)(database_created{name}).id};
  }

  /// One placement list for every bucket.
  table_id make_table(database_id db, const std::vector<backend_id>& on, std::uint32_t buckets = 1,
                      std::uint32_t replication = 3, const std::string& name = "orders") {
    table_created e;
    e.database = db;
    e.name = name;
    e.replication_num = replication;
    for (std::uint32_t b = 0; b < buckets; ++b) {
      auto& places = e.placements.emplace_back();
      for (const auto id : on)
        places.push_back(first_path(id));
    }
    const auto made = (*this)(e);
    EXPECT_TRUE(made.ok()) << name_of(made.why);
    return table_id{made.id};
  }
  static std::string name_of(refusal why) { return std::string{model::name(why)}; }

  const tablet& bucket(table_id t, std::uint32_t b = 0) const {
    return *cat.tablets.find(
        tablet_id{raw(cat.tables.find(t)->partitions.front().first_tablet) + b});
  }
  const replica& on(table_id t, backend_id b, std::uint32_t at = 0) const {
    return *bucket(t, at).on(b);
  }
  version visible(table_id t) const { return cat.tables.find(t)->partitions.front().visible; }

  txn_id begin_load(table_id t, const std::string& label) {
    const auto begun = (*this)(load_begun{t, label});
    EXPECT_TRUE(begun.ok());
    return txn_id{begun.id};
  }
  /// Every tablet with the replicas on `prepared`.
  load_committed commit_of(table_id t, txn_id txn, const std::vector<backend_id>& prepared) const {
    load_committed e{txn, {}};
    const auto& part = cat.tables.find(t)->partitions.front();
    for (std::uint32_t b = 0; b < part.buckets; ++b) {
      tablet_loaded loaded{bucket(t, b).id, 10, 100, {}};
      for (const auto id : prepared)
        if (const auto* r = bucket(t, b).on(id))
          loaded.prepared.push_back(r->id);
      e.tablets.push_back(loaded);
    }
    return e;
  }
  verdict load(table_id t, const std::vector<backend_id>& prepared) {
    const auto txn = begin_load(t, "auto-" + std::to_string(index));
    return (*this)(commit_of(t, txn, prepared));
  }
};

/// Everything a catalog holds, in words: two catalogs are equal if their texts are.
inline std::string text_of(const catalog& cat) {
  std::ostringstream out;
  out << cat.cluster_name << " term " << cat.term << '@' << raw(cat.term_since) << " leader "
      << cat.leader << " next " << cat.next_id << " replicas " << cat.replicas << '\n';
  cat.backends.for_each([&](backend_id id, const backend& b) {
    out << "backend " << raw(id) << ' ' << b.host << ':' << b.port << " alive " << b.alive
        << " dec " << b.decommissioned << " changed " << b.changed.count();
    for (const auto& p : b.paths)
      out << " path " << raw(p.hash) << p.root;
    b.tablets.for_each([&](tablet_id t, replica_id r) { out << ' ' << raw(t) << '/' << raw(r); });
    out << '\n';
  });
  cat.databases.for_each([&](database_id id, const database& d) {
    out << "db " << raw(id) << ' ' << d.name << ' ' << d.tables << '\n';
  });
  cat.tables.for_each([&](table_id id, const table& t) {
    out << "table " << raw(id) << ' ' << t.name << " db " << raw(t.database) << " visible "
        << t.partitions.front().visible << " changed " << raw(t.changed) << " open";
    for (const auto txn : t.open_loads)
      out << ' ' << raw(txn);
    out << '\n';
  });
  cat.tablets.for_each([&](tablet_id id, const tablet& t) {
    out << "tablet " << raw(id) << " rows " << t.rows << " bytes " << t.bytes;
    for (const auto& r : t.replicas)
      out << " [" << raw(r.id) << '@' << raw(r.backend) << '/' << raw(r.path) << " v" << r.version
          << " f" << r.last_failed << " s" << r.last_success << (r.bad ? " bad" : "")
          << (r.state == replica_state::clone ? " clone" : "") << ']';
    out << '\n';
  });
  cat.loads.for_each([&](txn_id id, const load& l) {
    out << "load " << raw(id) << ' ' << l.label << " state " << static_cast<int>(l.state) << " v"
        << l.version << " rows " << l.rows << " ended " << l.ended.count() << '\n';
  });
  cat.orders.for_each([&](tablet_id id, const open_order& o) {
    out << "order " << raw(o.order) << " of " << raw(id) << " -> " << raw(o.replica) << '\n';
  });
  out << "layout " << raw(cat.layout.at) << ' ' << cat.layout.what << '\n';
  for (const auto& [name, plan] : cat.plans.all()) {
    out << "plan " << name << " kind " << static_cast<int>(plan.kind) << " of " << raw(plan.backend) << '@'
        << raw(plan.epoch) << " moves " << plan.moves().size() << " state " << static_cast<int>(plan.state)
        << " applied " << raw(plan.applied) << " done " << plan.done;
    plan.outcomes.for_each([&](std::uint32_t n, const move_outcome& o) { out << " [" << n << ' ' << o.why << ']'; });
    out << '\n';
  }
  return out.str();
}

} // namespace tabletd::test
