#include "actors/model/name_lookup.h"
#include "actors/model/nearest.h"
#include "actors/model/warmup_serving.h"
#include <algorithm>
#include <vector>

namespace tabletd::model {

namespace {

constexpr std::size_t names_compared_max = 1'000; // A hint is not worth a walk over everything.

template <class Map, class Name>
std::string nearest_in(const Map& map, std::string_view word, Name&& name_of) {
  std::vector<std::string> names;
  map.for_each([&](auto, const auto& object) {
    if (auto name = name_of(object); !name.empty())
      names.push_back(std::move(name));
    return names.size() < names_compared_max;
  });
  return nearest(word, names);
}

statement_error not_found(std::string message, const std::string& near, std::string_view otherwise) {
  return {error_code::not_found, std::move(message),
          near.empty() ? std::string{otherwise} : "did you mean " + near + '?', {}, {}, {}, {}};
}

} // namespace

lookup<database> look_up_database(const catalog& cat, std::string_view name) {
  if (const auto* found = cat.find_database(name))
    return found;
  return not_found("there is no database " + std::string{name},
                   nearest_in(cat.databases, name, [](const database& d) { return d.name; }),
                   "SHOW DATABASES lists them");
}

lookup<database> look_up_database(const catalog& cat, const table_name& name, std::string_view session) {
  if (!name.database.empty())
    return look_up_database(cat, name.database);
  if (session.empty())
    return statement_error{error_code::failed_precondition,
                           "no database is chosen: which " + name.table + " is meant?",
                           "write db." + name.table + ", or USE a database first", {}, {}, {}, {}};
  return look_up_database(cat, session);
}

std::optional<statement_error> why_no_cluster(const catalog& cat, const std::string& name) {
  if (is_cluster(cat, name))
    return std::nullopt;
  return not_found("there is no cluster " + name + ": no backend belongs to it",
                   nearest_in(cat.backends, name, [](const backend& b) { return b.cluster; }),
                   "SHOW BACKENDS shows which there are");
}

lookup<table> look_up_table(const catalog& cat, const table_name& name, std::string_view session) {
  const auto owner = look_up_database(cat, name, session);
  if (const auto* error = std::get_if<statement_error>(&owner))
    return *error;
  const auto& db = *std::get<const database*>(owner);
  if (const auto* found = cat.find_table(db.id, name.table))
    return found;
  return not_found("there is no table " + full_name(name, session),
                   nearest_in(cat.tables, name.table,
                              [&db](const table& t) { return t.database == db.id ? t.name : std::string{}; }),
                   "SHOW TABLES FROM " + db.name + " lists them");
}

lookup<backend> look_up_backend(const catalog& cat, const backend_address& address) {
  if (const auto* found = cat.find_backend(address.host, address.port))
    return found;
  return not_found("there is no backend " + to_string(address),
                   nearest_in(cat.backends, to_string(address),
                              [](const backend& b) { return to_string(backend_address{b.host, b.port}); }),
                   "SHOW BACKENDS lists them");
}

lookup<resource> look_up_resource(const catalog& cat, std::string_view name) {
  if (const auto* found = cat.find_resource(name))
    return found;
  return not_found("there is no resource " + std::string{name},
                   nearest_in(cat.resources, name, [](const resource& r) { return r.name; }), "SHOW RESOURCES lists them");
}

lookup<storage_policy> look_up_storage_policy(const catalog& cat, std::string_view name) {
  if (const auto* found = cat.find_storage_policy(name))
    return found;
  return not_found("there is no storage policy " + std::string{name},
                   nearest_in(cat.storage_policies, name, [](const storage_policy& p) { return p.name; }),
                   "SHOW STORAGE POLICY lists them");
}

std::variant<storage_policy_id, statement_error> storage_policy_named(const catalog& cat, std::string_view name) {
  if (name.empty())
    return storage_policy_id{};
  const auto found = look_up_storage_policy(cat, name);
  if (const auto* error = std::get_if<statement_error>(&found))
    return *error;
  return std::get<const storage_policy*>(found)->id;
}

lookup<saved_plan> look_up_plan(const catalog& cat, std::string_view name) {
  if (const auto* found = cat.plans.find(name))
    return found;
  std::vector<std::string> names;
  for (const auto& [kept, plan] : cat.plans.all())
    names.push_back(kept);
  return not_found("there is no plan " + std::string{name}, nearest(name, names), "SHOW PLANS lists them");
}

std::variant<std::vector<const partition*>, statement_error> look_up_partitions(const table& of,
                                                                               const partition_names& names) {
  for (const auto& name : names)
    if (!of.find(std::string_view{name})) {
      std::vector<std::string> there;
      for (const auto& part : of.partitions)
        there.push_back(part.name);
      return not_found("table " + of.name + " has no partition " + name, nearest(name, there),
                       "SHOW PROC '/dbs/<db>/" + of.name + "/partitions' lists them");
    }
  std::vector<const partition*> found;
  for (const auto& part : of.partitions)
    if (names.empty() || std::find(names.begin(), names.end(), part.name) != names.end())
      found.push_back(&part);
  return found;
}

std::string full_name(const table_name& name, std::string_view session) {
  return (name.database.empty() ? std::string{session} : name.database) + '.' + name.table;
}

} // namespace tabletd::model
