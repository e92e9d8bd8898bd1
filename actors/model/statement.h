#pragma once
// The statement language as values: one struct per statement, text in, text out.  The
// grammar itself is the table in statement_table.h; everything here follows from it.
#include "actors/model/statement_result.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model {

/// `db.t` or `t`; the database is empty when the session's is meant.
struct table_name {
  std::string database;
  std::string table;
  friend bool operator==(const table_name&, const table_name&) = default;
};
struct backend_address {
  std::string host; ///< A name, an IPv4 or (without its brackets) an IPv6 address.
  std::uint16_t port{};
  friend bool operator==(const backend_address&, const backend_address&) = default;
};
/// "host:port", the host in brackets when it has colons itself.
[[nodiscard]] std::string to_string(const backend_address& address);

struct create_database { std::string name; bool if_not_exists{}; friend bool operator==(const create_database&, const create_database&) = default; };
struct drop_database { std::string name; bool if_exists{}; friend bool operator==(const drop_database&, const drop_database&) = default; };

struct create_table {
  table_name table;
  bool if_not_exists{};
  std::uint32_t key_column = 1; ///< 1-based.
  std::uint32_t buckets = 1;
  std::uint32_t replication_num = 3;
  char separator = '\t';
  friend bool operator==(const create_table&, const create_table&) = default;
};
struct drop_table { table_name table; bool if_exists{}; friend bool operator==(const drop_table&, const drop_table&) = default; };
struct use_database { std::string name; friend bool operator==(const use_database&, const use_database&) = default; };
struct add_backends { std::vector<backend_address> addresses; friend bool operator==(const add_backends&, const add_backends&) = default; };
struct drop_backend { backend_address address; friend bool operator==(const drop_backend&, const drop_backend&) = default; };
struct decommission_backend { backend_address address; bool on = true; friend bool operator==(const decommission_backend&, const decommission_backend&) = default; };

struct load_file {
  std::string path;
  table_name table;
  std::string label; ///< Empty: the server makes a unique one.
  friend bool operator==(const load_file&, const load_file&) = default;
};
struct export_table { table_name table; std::string path; friend bool operator==(const export_table&, const export_table&) = default; };

struct show_databases { friend bool operator==(const show_databases&, const show_databases&) = default; };
struct show_tables { std::string database; friend bool operator==(const show_tables&, const show_tables&) = default; };
struct show_backends { friend bool operator==(const show_backends&, const show_backends&) = default; };
struct show_frontends { friend bool operator==(const show_frontends&, const show_frontends&) = default; };
struct show_tablet { std::uint64_t tablet{}; friend bool operator==(const show_tablet&, const show_tablet&) = default; };
struct show_tablets { table_name table; friend bool operator==(const show_tablets&, const show_tablets&) = default; };
struct show_proc { std::string path; friend bool operator==(const show_proc&, const show_proc&) = default; };
struct help_words { std::vector<std::string> words; friend bool operator==(const help_words&, const help_words&) = default; };

/// The order is the order of statement_table().
using statement = std::variant<create_database, drop_database, create_table, drop_table, use_database,
                               add_backends, drop_backend, decommission_backend, load_file, export_table,
                               show_databases, show_tables, show_backends, show_frontends, show_tablet,
                               show_tablets, show_proc, help_words>;

/// A statement's text may not be longer.
inline constexpr std::size_t statement_bytes_max = 1U << 20;
/// spec/replica.md has no limits; these keep one statement from asking for a year of work.
inline constexpr std::uint32_t buckets_max = 16'384;
inline constexpr std::uint32_t replication_num_max = 32;
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t label_bytes_max = 128;

using parse_outcome = std::variant<statement, statement_error>;

/// Parses one statement; a closing semicolon is optional.  Total: any bytes give a
/// statement or an error with a position.
[[nodiscard]] parse_outcome parse(std::string_view text);

/// Canonical text: parse(print(s)) == s for every s that parse() returned.
[[nodiscard]] std::string print(const statement& what);

} // namespace tabletd::model
