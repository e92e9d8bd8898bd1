#pragma once
// A small cluster and one tablet in any state, written as a line: "1+ 2- 3!" is a replica on
// backend 1 that is complete, one on 2 that misses the newest version, a damaged one on 3.
#include "actors/model/placement.h"
#include "tests/model/catalog_world.h"
#include <sstream>
#include <string>
#include <vector>

namespace tabletd::test {

struct repair_world : catalog_world {
  static constexpr std::uint64_t gigabyte = 1'000'000'000;
  cluster_view cluster;
  slot_ledger slots{2};
  std::vector<backend_id> ids{backend_id{}}; ///< [n]: backend n, from 1 on.
  database_id db{};
  bool checked = true; ///< False: edits are folded without the O(catalog) invariant check.

  /// `hosts`: one letter per backend; backends with the same letter share a host.
  explicit repair_world(std::string hosts) {
    for (std::size_t n = 1; n <= hosts.size(); ++n) {
      const auto added = (*this)(backend_added{std::string(1, hosts[n - 1]), static_cast<std::uint16_t>(9000 + n)});
      ids.push_back(backend_id{added.id});
      (*this)(returned(ids.back(), n));
      auto& seen = cluster.backends[ids.back()];
      seen.id = ids.back();
      seen.linked = seen.reported = true;
      for (const auto& path : cat.backends.find(ids.back())->paths) {
        auto& p = seen.paths.emplace_back();
        p.hash = path.hash;
        p.root = path.root;
        p.medium = path.medium;
        p.capacity_bytes = 1'000 * gigabyte;
        p.data_bytes = 400 * gigabyte;
        p.available_bytes = 600 * gigabyte;
      }
    }
    db = make_database();
  }

  [[nodiscard]] std::size_t number(backend_id id) const {
    return static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
  }
  [[nodiscard]] place path(std::size_t backend, std::size_t path = 0) const {
    return {ids[backend], cat.backends.find(ids[backend])->paths[path].hash};
  }
  path_view& seen(std::size_t backend, std::size_t path) { return cluster.backends[ids[backend]].paths[path]; }

  void die(std::size_t n) {
    cat.backends.edit(ids[n])->alive = false;
    cat.backends.edit(ids[n])->changed = now;
  }
  void leave(std::size_t n) { cat.backends.edit(ids[n])->decommissioned = true; }

  /// A table of one bucket whose tablet has exactly these replicas, with visible version 10:
  ///   +  complete                        -  at version 9, missed 10
  ///   <  at 8, missed 9, holds 10        !  damaged            ?  being cloned
  tablet_id make(const std::string& notation, std::uint32_t replication = 3, std::uint64_t bytes = gigabyte) {
    table_created e;
    e.database = db;
    e.name = "t" + std::to_string(index);
    e.replication_num = replication;
    e.placements.push_back({path(1)});
    const auto home = *cat.backends.find(ids[1]);
    cat.backends.edit(ids[1])->alive = true;
    cat.backends.edit(ids[1])->decommissioned = false;
    const table_id table{(*this)(e).id};
    cat.backends.edit(ids[1])->alive = home.alive;
    cat.backends.edit(ids[1])->decommissioned = home.decommissioned;
    cat.tables.edit(table)->partitions.front().visible = 10;
    const auto id = cat.tables.find(table)->partitions.front().first_tablet;
    fill(id, notation);
    cat.tablets.edit(id)->bytes = bytes;
    return id;
  }

  void fill(tablet_id id, const std::string& notation) {
    auto& t = *cat.tablets.edit(id);
    for (const auto& r : t.replicas)
      cat.backends.edit(r.backend)->tablets.erase(id);
    cat.replicas -= t.replicas.size();
    t.replicas.clear();
    std::istringstream in{notation};
    for (std::string word; in >> word;) {
      const auto n = static_cast<std::size_t>(std::stoi(word));
      t.replicas.push_back(parse(n, word.back()));
      cat.backends.edit(ids[n])->tablets.put(id, t.replicas.back().id);
      ++cat.replicas;
    }
  }

  replica parse(std::size_t n, char how) {
    replica r;
    r.id = replica_id{cat.next_id++};
    r.backend = ids[n];
    r.path = path(n).path;
    r.version = r.last_success = 10;
    switch (how) {
      case '-': r.version = r.last_success = 9; r.last_failed = 10; break;
      case '<': r.version = 8; r.last_failed = 9; break;
      case '!': r.bad = true; break;
      case '?': r.version = r.last_success = 0; r.state = replica_state::clone; break;
      default: break;
    }
    return r;
  }

  [[nodiscard]] const tablet& at(tablet_id id) const { return *cat.tablets.find(id); }
  [[nodiscard]] placement_view view() const { return {.cat = cat, .cluster = cluster, .slots = slots, .fit = {}}; }
  [[nodiscard]] decision decide(tablet_id id) const { return model::decide(view(), id); }

  /// "new 4 from 1", "fill 3 from 1", "drop 3 bad", "drop! 3 bad" (forced), "wait no_backend", "nothing".
  [[nodiscard]] std::string text(const decision& d, tablet_id id) const {
    const auto n = [&](backend_id b) { return std::to_string(number(b)); };
    return std::visit(
      overloaded{
        [&](const leave_alone&) -> std::string {
          return d.blocked == blocker::none ? "nothing" : "wait " + std::string{short_name(d.blocked)};
        },
        [&](const clone_move& m) {
          return (raw(m.replica) == 0 ? "new " : "fill ") + n(m.target.backend) + " from " + n(m.source.backend);
        },
        [&](const drop_move& m) {
          EXPECT_EQ(at(id).find(m.replica)->backend, m.at.backend);
          return (m.force ? "drop! " : "drop ") + n(m.at.backend) + " " + short_name(m.reason);
        },
      },
      d.move);
  }
  [[nodiscard]] std::string remedy_of(tablet_id id) const { return text(decide(id), id); }

  static std::string short_name(blocker why) {
    static constexpr const char* names[] = {"none",       "tablet_unknown", "unhealthy", "order_open", "unrecoverable", "no_source", "source_slot",
                                            "no_backend", "no_path",        "unlinked",   "target_slot",
                                            "loads_open", "unconfirmed", "nothing_to_drop"};
    return names[static_cast<std::size_t>(why)];
  }
  static std::string short_name(drop_reason why) {
    static constexpr const char* names[] = {"backend_dropped", "bad",          "unavailable", "incomplete",
                                            "same_host",       "highest_load", "lost",        "table_dropped",
                                            "wrong_cluster",   "moved",        "not_in_group"};
    return names[static_cast<std::size_t>(why)];
  }

  verdict fold(edit_body body) {
    return checked ? (*this)(std::move(body)) : apply(cat, {now, std::move(body)}, log_index{++index});
  }

  /// Carries the remedy out as the log would: orders, and everything ordered succeeds.
  void carry_out(tablet_id id, const decision& d) {
    if (const auto* m = std::get_if<clone_move>(&d.move)) {
      const auto ordered = fold(clone_ordered{id, 0, 0, m->source, m->target, m->replica, m->version, m->purpose, m->replaces, ""});
      ASSERT_TRUE(ordered.ok()) << name_of(ordered.why);
      const auto ended = fold(clone_ended{id, log_index{index}, m->version, ""});
      ASSERT_TRUE(ended.ok()) << name_of(ended.why);
    } else if (const auto* drop = std::get_if<drop_move>(&d.move)) {
      const auto dropped = fold(replica_dropped{id, drop->replica, drop->reason});
      ASSERT_TRUE(dropped.ok()) << name_of(dropped.why);
    }
  }
};

} // namespace tabletd::test
