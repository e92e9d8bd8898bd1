#pragma once
// Names in statements -> objects of the catalog, or the sentence why not.
#include "actors/model/catalog.h"
#include "actors/model/statement.h"
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

/// Not null.
template <class T>
using lookup = std::variant<const T*, statement_error>;

[[nodiscard]] lookup<database> look_up_database(const catalog& cat, std::string_view name);
/// `session`: the database meant by a table name without one; may be empty.
[[nodiscard]] lookup<database> look_up_database(const catalog& cat, const table_name& name, std::string_view session);
[[nodiscard]] lookup<table> look_up_table(const catalog& cat, const table_name& name, std::string_view session);
[[nodiscard]] lookup<backend> look_up_backend(const catalog& cat, const backend_address& address);
[[nodiscard]] lookup<resource> look_up_resource(const catalog& cat, std::string_view name);
[[nodiscard]] lookup<storage_policy> look_up_storage_policy(const catalog& cat, std::string_view name);
/// The same for what a property says: 0 for an empty name.
[[nodiscard]] std::variant<storage_policy_id, statement_error> storage_policy_named(const catalog& cat,
                                                                                    std::string_view name);
/// Nothing: a backend belongs to it.
[[nodiscard]] std::optional<statement_error> why_no_cluster(const catalog& cat, const std::string& name);
[[nodiscard]] lookup<saved_plan> look_up_plan(const catalog& cat, std::string_view name);

/// Partitions of a table by name, each once, as the table orders them; no names: all of them.
[[nodiscard]] std::variant<std::vector<const partition*>, statement_error>
look_up_partitions(const table& of, const partition_names& names);

/// "shop.orders", with the session's database if the statement left it out.
[[nodiscard]] std::string full_name(const table_name& name, std::string_view session);

} // namespace tabletd::model
