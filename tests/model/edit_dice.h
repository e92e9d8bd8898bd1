#pragma once
// Random logs for tests of the fold and of what is made of a catalog.
#include "actors/model/plan_rules.h"
#include "tests/model/catalog_world.h"
#include <map>
#include <random>
#include <set>

namespace tabletd::test {

/// Draws edits that are mostly sensible and sometimes stale or plain wrong.
class edit_dice {
public:
  edit_dice(std::uint64_t seed, const catalog& cat) : dice_(seed), cat_(cat) {}

  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : dice_() % n; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }

  edit_body next() {
    cat_.tablets.for_each([&](tablet_id id, const tablet& t) {
      for (const auto& r : t.replicas)
        lived_[id].insert(r.id);
    });
    if (!to_apply_.empty())
      return plan_applied{std::exchange(to_apply_, {})};
    if (!cat_.planned.empty() && chance(15))
      return chance(50) ? edit_body{planned_clone()} : chance(50) ? edit_body{clone_end()} : edit_body{planned_drop()};
    switch (below(38)) {
      case 0: return term_began{++term_, below(3)};
      case 1: return backend_added{"h" + std::to_string(below(8)), 9000};
      case 2: return backend_dropped{some_backend()};
      case 3: return backend_decommission{some_backend(), chance(40)};
      case 4: return backend_died{some_backend()};
      case 5:
      case 6:
      case 7: return returned();
      case 8: return database_created{"d" + std::to_string(below(3))};
      case 9: return database_dropped{pick<database_id>(cat_.databases)};
      case 10:
      case 11: return new_table();
      case 12:
        return chance(25) ? edit_body{table_dropped{pick<table_id>(cat_.tables)}}
                          : edit_body{returned()};
      case 13:
      case 14:
      case 15: return load_begun{pick<table_id>(cat_.tables), "l" + std::to_string(below(6))};
      case 16:
      case 17:
      case 18:
      case 19: return commit();
      case 20: return load_aborted{pick<txn_id>(cat_.loads), "why not"};
      case 21: return load_published{pick<txn_id>(cat_.loads)};
      case 22:
      case 23:
      case 24:
      case 25: return clone();
      case 26:
      case 27:
      case 28: return clone_end();
      case 29:
      case 30: return drop();
      case 31: return observed();
      case 32: return new_plan();
      case 33: return chance(60) ? edit_body{plan_applied{plan_name()}} : edit_body{plan_dropped{plan_name()}};
      case 34: return planned_clone();
      case 35: return chance(20) ? edit_body{skipped()} : edit_body{planned_drop()};
      default: return readopted();
    }
  }

protected:
  template <class Id, class Map>
  Id pick(const Map& map) {
    if (map.empty() || chance(3))
      return Id{below(20'000)};
    auto skip = below(map.size());
    Id hit{};
    map.for_each([&](Id id, const auto&) {
      hit = id;
      return skip-- > 0;
    });
    return hit;
  }
  backend_id some_backend() { return pick<backend_id>(cat_.backends); }
  place some_place() {
    const auto id = some_backend();
    const auto* b = cat_.backends.find(id);
    return {id, b && !b->paths.empty() && !chance(5) ? b->paths[below(b->paths.size())].hash
                                                     : path_hash{below(90)}};
  }
  backend_returned returned() {
    const auto id = some_backend();
    return catalog_world::returned(id, chance(90) ? raw(id) : below(9));
  }
  table_created new_table() {
    table_created e;
    e.database = pick<database_id>(cat_.databases);
    e.name = "t" + std::to_string(below(4));
    e.replication_num = static_cast<std::uint32_t>(1 + below(3));
    for (std::uint64_t bucket = 0; bucket < 1 + below(3); ++bucket) {
      auto& places = e.placements.emplace_back();
      for (std::uint64_t i = 0; i < e.replication_num; ++i)
        places.push_back(some_place());
    }
    return e;
  }
  load_committed commit() {
    load_committed e{pick<txn_id>(cat_.loads), {}};
    const auto* l = cat_.loads.find(e.txn);
    const auto* owner = l ? cat_.tables.find(l->table) : nullptr;
    if (!owner)
      return e;
    const auto& part = owner->partitions.front();
    for (std::uint32_t b = 0; b < part.buckets; ++b) {
      tablet_loaded loaded{tablet_id{raw(part.first_tablet) + b}, below(50), below(5'000), {}};
      for (const auto& r : cat_.tablets.find(loaded.tablet)->replicas)
        if (chance(85))
          loaded.prepared.push_back(r.id);
      e.tablets.push_back(loaded);
    }
    return e;
  }
  const tablet* some_tablet() { return cat_.tablets.find(pick<tablet_id>(cat_.tablets)); }
  replica_id some_replica(const tablet* t) {
    return !t || t->replicas.empty() || chance(3) ? replica_id{below(20'000)}
                                                  : t->replicas[below(t->replicas.size())].id;
  }
  clone_ordered clone() {
    clone_ordered e;
    const auto* t = some_tablet();
    e.tablet = t ? t->id : tablet_id{};
    if (t) {
      const auto& from = t->replicas[below(t->replicas.size())];
      e.source = {from.backend, from.path};
      e.version = cat_.visible_version(*t);
    }
    e.target = some_place();
    if (const auto* there = t ? t->on(e.target.backend) : nullptr; there && chance(80)) {
      e.replica = there->id;
      e.target.path = there->path;
    }
    return e;
  }
  clone_ended clone_end() {
    clone_ended e;
    e.tablet = pick<tablet_id>(cat_.orders);
    const auto* order = cat_.orders.find(e.tablet);
    e.order = order && chance(90) ? order->order : log_index{below(200)};
    e.reached = chance(25) ? 0 : 1 + below(6);
    return e;
  }
  replica_dropped drop() {
    const auto* t = some_tablet();
    return {t ? t->id : tablet_id{}, some_replica(t), static_cast<drop_reason>(below(8))};
  }
  replica_observed observed() {
    const auto* t = some_tablet();
    return {t ? t->id : tablet_id{}, some_replica(t), below(6), chance(20)};
  }
  replica_readopted readopted() {
    const auto* t = some_tablet();
    if (!t)
      return {tablet_id{}, replica_id{}, some_place(), below(8)};
    auto at = lived_[t->id].begin();
    std::advance(at, below(lived_[t->id].size()));
    return {t->id, *at, some_place(), below(8)};
  }

  std::string plan_name() { return "p" + std::to_string(below(3)); }
  plan_saved new_plan() {
    plan_saved e{plan_name(), static_cast<plan_kind>(below(2)), {}, log_index{raw(cat_.applied) - (chance(20) ? 1 : 0)}, {}};
    if (chance(50))
      to_apply_ = e.name; // Before the world has moved on.
    if (e.kind == plan_kind::decommission)
      e.backend = some_backend();
    for (std::uint64_t n = 0; n < 1 + below(4); ++n)
      if (const auto* t = some_tablet()) {
        const auto& from = t->replicas[below(t->replicas.size())];
        e.moves.push_back({t->id, from.id, {from.backend, from.path}, some_place(), below(100)});
      }
    return e;
  }
  /// A copy that the plan being applied wants.
  clone_ordered planned_clone() {
    auto e = clone();
    const auto* steps = cat_.planned.find(pick<tablet_id>(cat_.planned));
    const auto [name, plan] = plan_under_way(cat_);
    if (!steps || !plan)
      return e;
    const auto& move = plan->moves()[steps->front().move];
    const auto& t = *cat_.tablets.find(move.tablet);
    const auto& from = t.replicas[below(t.replicas.size())];
    return {t.id, 0, 0, {from.backend, from.path}, move.target, {}, cat_.visible_version(t)};
  }
  replica_dropped planned_drop() {
    const auto tablet = pick<tablet_id>(cat_.planned);
    const auto* steps = cat_.planned.find(tablet);
    return steps ? replica_dropped{tablet, steps->front().replica, drop_reason::moved} : drop();
  }
  plan_moves_skipped skipped() {
    return {plan_name(), {{static_cast<std::uint32_t>(below(5)), "why not"}, {static_cast<std::uint32_t>(below(5)), "nor that"}}};
  }

  std::mt19937_64 dice_;
  const catalog& cat_;
  model::term term_ = 0;
  std::string to_apply_;
  std::map<tablet_id, std::set<replica_id>> lived_; ///< What a backend may still hold.
};

/// A cluster that works, so that the walk does not spend itself on building one.
inline void found(catalog_world& w) {
  std::vector<backend_id> backends;
  for (std::uint64_t n = 0; n < 6; ++n)
    backends.push_back(w.live_backend(n));
  const auto db = w.make_database("d0");
  w.make_table(db, {backends[0], backends[1], backends[2]}, 2, 3, "t0");
  w.make_table(db, {backends[3], backends[4]}, 2, 2, "t1");
}

} // namespace tabletd::test
