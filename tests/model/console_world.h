#pragma once
// A catalog for console tests, made the only way a catalog is made: by folding edits.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include <gtest/gtest.h>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::test {

struct console_world {
  model::catalog cat;
  model::cluster_view view;
  model::time_ms now{1'732'000'000'000};
  std::uint64_t index = 0;

  console_world() {
    fold(model::cluster_founded{{1, 2, 3}, "play"});
    fold(model::term_began{1, 1});
  }

  model::verdict try_fold(model::edit_body body) {
    return model::apply(cat, model::edit{now, std::move(body)}, model::log_index{++index});
  }
  std::uint64_t fold(model::edit_body body) {
    const auto verdict = try_fold(std::move(body));
    EXPECT_TRUE(verdict.ok()) << model::name(verdict.why);
    return verdict.id;
  }

  model::database_id database(const std::string& name) { return model::database_id{fold(model::database_created{name})}; }

  /// Hosts h1, h2, ...; each alive and linked, with one 1 TiB path of hash 100 * number.
  void add_backends(std::uint64_t count) {
    const auto before = cat.backends.size();
    for (auto i = before + 1; i <= before + count; ++i) {
      const model::backend_id id{fold(model::backend_added{"h" + std::to_string(i), 9060})};
      fold(model::backend_returned{id, {{model::path_hash{i * 100}, "/data/" + std::to_string(i), model::medium::ssd}}});
      model::backend_view seen;
      seen.id = id;
      seen.linked = seen.reported = true;
      seen.started = seen.last_heartbeat = now;
      seen.http_port = 8040;
      seen.version = "0.1.0";
      seen.paths = {{model::path_hash{i * 100}, "/data/" + std::to_string(i), model::medium::ssd, 1ULL << 40, 1ULL << 30,
                     1ULL << 39, 0, true, {}}};
      view.backends[id] = seen;
      order.push_back(id);
    }
  }

  /// Replicas of bucket b on the backends b, b + 1, ... in the order they were added.
  model::table_id table(const std::string& db, const std::string& name, std::uint32_t buckets, std::uint32_t replicas) {
    model::table_created e{cat.find_database(db)->id, name, 1, ';', replicas, placed(buckets, replicas)};
    return model::table_id{fold(std::move(e))};
  }
  /// The same in a colocation group of its own, or in one that exists.
  model::table_id colocated(const std::string& db, const std::string& name, std::uint32_t buckets,
                            std::uint32_t replicas, const std::string& group) {
    model::table_created e{cat.find_database(db)->id, name, 1, ';', replicas, placed(buckets, replicas)};
    e.colocate_with = group;
    return model::table_id{fold(std::move(e))};
  }
  model::partition_id add_partition(model::table_id to, const std::string& name, std::uint32_t buckets,
                                    std::uint32_t replicas) {
    return model::partition_id{fold(model::partition_added{to, {name, {}, placed(buckets, replicas)}})};
  }
  [[nodiscard]] model::bucket_places placed(std::uint32_t buckets, std::uint32_t replicas) const {
    model::bucket_places all;
    for (std::uint32_t b = 0; b < buckets; ++b) {
      std::vector<model::place> places;
      for (std::uint32_t r = 0; r < replicas; ++r) {
        const auto i = (b + r) % order.size();
        places.push_back({order[i], cat.backends.find(order[i])->paths.front().hash});
      }
      all.push_back(places);
    }
    return all;
  }

  [[nodiscard]] const model::tablet& tablet(model::table_id of, std::uint32_t bucket) const {
    const auto& part = cat.tables.find(of)->partitions.front();
    return *cat.tablets.find(model::tablet_id{model::raw(part.first_tablet) + bucket});
  }

  /// A whole load, prepared everywhere but on `missing`.
  model::txn_id load(model::table_id into, const std::string& label, std::uint64_t rows_each = 1,
                     std::vector<model::backend_id> missing = {}) {
    const model::txn_id txn{fold(model::load_begun{into, label})};
    model::load_committed e{txn, {}};
    for (std::uint32_t b = 0; b < cat.tables.find(into)->partitions.front().buckets; ++b) {
      const auto& t = tablet(into, b);
      model::tablet_loaded one{t.id, rows_each, rows_each * 10, {}};
      for (const auto& r : t.replicas)
        if (std::find(missing.begin(), missing.end(), r.backend) == missing.end())
          one.prepared.push_back(r.id);
      e.tablets.push_back(one);
    }
    fold(std::move(e));
    return txn;
  }

  /// The backends of these numbers (in the order they were added) make a cluster.
  void make_cluster(const std::string& name, const std::vector<std::size_t>& backends) {
    for (const auto i : backends)
      fold(model::backend_modified{order[i], name, ""});
  }
  /// What of a bucket's tablet has cooled into resource "cold", so many bytes, up to a version; its first replica says so.
  void cool(model::table_id of, std::uint32_t bucket, model::version through, std::uint64_t bytes = 1) {
    if (!cat.find_resource("cold")) {
      const model::resource_id cold{fold(model::resource_created{"cold", model::resource_type::file, {{"root", "/mnt/cold"}}})};
      fold(model::storage_policy_created{"p", cold, model::cooldown_ttl{1}});
    }
    if (model::raw(cat.tables.find(of)->storage_policy) == 0)
      fold(model::storage_policy_set{of, {}, cat.find_storage_policy("p")->id});
    const auto& t = tablet(of, bucket);
    const auto uploader = t.replicas[0].id;
    fold(model::cooldown_granted{{{t.id, uploader, 1}}});
    const auto name = std::to_string(model::raw(t.id)) + ".meta";
    fold(model::cooldown_published{t.id, uploader, {{1, 1}, cat.find_resource("cold")->id, name, 1, through, bytes}});
  }

  std::vector<model::backend_id> order;
};

} // namespace tabletd::test
