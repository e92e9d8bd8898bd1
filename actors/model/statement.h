#pragma once
// The statement language as values: one struct per statement, text in, text out.  The
// grammar itself is the table in statement_table.h; everything here follows from it.
#include "actors/model/edit.h"
#include "actors/model/statement_result.h"
#include "actors/model/warmup_types.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd::model {

/// `db.t` or `t`; the database is empty when the session's is meant.
struct table_name {
  std::string database;
  std::string table;
  friend bool operator==(const table_name&, const table_name&) = default;
};
/// Of a backend's RPC port, or of a front end's edit log port.
struct backend_address {
  std::string host; ///< A name, an IPv4 or (without its brackets) an IPv6 address.
  std::uint16_t port{};
  friend bool operator==(const backend_address&, const backend_address&) = default;
};
/// "host:port", the host in brackets when it has colons itself.
[[nodiscard]] std::string to_string(const backend_address& address);

struct create_database { std::string name; bool if_not_exists{}; friend bool operator==(const create_database&, const create_database&) = default; };
struct drop_database { std::string name; bool if_exists{}; friend bool operator==(const drop_database&, const drop_database&) = default; };

using partition_names = std::vector<std::string>; ///< Where a list may be left out, empty: all.

struct create_table {
  table_name table;
  bool if_not_exists{};
  std::uint32_t key_column = 1; ///< 1-based.
  std::uint32_t buckets = 1;
  std::uint32_t replication_num = 3;
  char separator = '\t';
  partition_names partitions{};              ///< Empty: one, named like the table.
  std::optional<model::medium> medium{};     ///< Of every partition; nothing: any.
  std::string cluster{};                     ///< Empty: any.
  std::string colocate_with{};               ///< Empty: with none.
  std::string storage_policy{};              ///< Empty: none.
  friend bool operator==(const create_table&, const create_table&) = default;
};
struct drop_table { table_name table; bool if_exists{}; friend bool operator==(const drop_table&, const drop_table&) = default; };
struct add_partition { table_name table; std::string partition; std::optional<model::medium> medium{}; std::string storage_policy{}; friend bool operator==(const add_partition&, const add_partition&) = default; };
struct drop_partition { table_name table; std::string partition; friend bool operator==(const drop_partition&, const drop_partition&) = default; };
/// What is not given stays; at least one is.  A medium of nothing: any; an empty policy: the table's.
struct modify_partition {
  table_name table;
  std::string partition;
  std::optional<std::optional<model::medium>> medium{};
  std::optional<std::string> storage_policy{};
  friend bool operator==(const modify_partition&, const modify_partition&) = default;
};
/// ALTER TABLE t SET ("storage_policy" = ...); empty: none.
struct set_table_policy { table_name table; std::string storage_policy; friend bool operator==(const set_table_policy&, const set_table_policy&) = default; };
struct use_database { std::string name; friend bool operator==(const use_database&, const use_database&) = default; };

struct add_backends {
  std::vector<backend_address> addresses;
  std::string cluster{};  ///< Empty: cluster_default.
  std::string location{}; ///< "rack:a"; empty: unknown.
  friend bool operator==(const add_backends&, const add_backends&) = default;
};
struct drop_backend { backend_address address; friend bool operator==(const drop_backend&, const drop_backend&) = default; };
/// What is not given stays; an empty location forgets it.  At least one is given.
struct modify_backend { backend_address address; std::optional<std::string> cluster; std::optional<std::string> location; friend bool operator==(const modify_backend&, const modify_backend&) = default; };
struct decommission_backend { backend_address address; bool on = true; friend bool operator==(const decommission_backend&, const decommission_backend&) = default; };

/// Without a vote it is an observer for good; else it gets one as soon as it has the log.
struct add_frontend { backend_address address; bool votes = true; friend bool operator==(const add_frontend&, const add_frontend&) = default; };
struct drop_frontend { backend_address address; bool votes = true; friend bool operator==(const drop_frontend&, const drop_frontend&) = default; };
/// `name`: as SHOW FRONTENDS shows it.
struct hand_over_leadership { std::string name; friend bool operator==(const hand_over_leadership&, const hand_over_leadership&) = default; };

// -- where data cools to, and when -------------------------------------------------------
struct create_resource { std::string name; bool if_not_exists{}; resource_type type{}; resource_properties properties{}; friend bool operator==(const create_resource&, const create_resource&) = default; };
/// What is not named stays; an empty value means the default.  Ascending by key, at least one.
struct alter_resource { std::string name; resource_properties changes; friend bool operator==(const alter_resource&, const alter_resource&) = default; };
struct drop_resource { std::string name; bool if_exists{}; friend bool operator==(const drop_resource&, const drop_resource&) = default; };
struct create_storage_policy { std::string name; bool if_not_exists{}; std::string resource{}; cooldown_due due{}; friend bool operator==(const create_storage_policy&, const create_storage_policy&) = default; };
/// What is not given stays; at least one is.
struct alter_storage_policy { std::string name; std::optional<std::string> resource{}; std::optional<cooldown_due> due{}; friend bool operator==(const alter_storage_policy&, const alter_storage_policy&) = default; };
struct drop_storage_policy { std::string name; bool if_exists{}; friend bool operator==(const drop_storage_policy&, const drop_storage_policy&) = default; };
struct show_resources { friend bool operator==(const show_resources&, const show_resources&) = default; };
struct show_storage_policies { friend bool operator==(const show_storage_policies&, const show_storage_policies&) = default; };
/// Tables and partitions under policies; `name` empty: under any.
struct show_policy_users { std::string name; friend bool operator==(const show_policy_users&, const show_policy_users&) = default; };

struct load_file {
  std::string path;
  table_name table;
  std::string label;       ///< Empty: the server makes a unique one.
  std::string partition{}; ///< Empty: the table's only one.
  friend bool operator==(const load_file&, const load_file&) = default;
};
/// `cluster`: whose backend reads what has cooled; empty: whoever holds a replica.
struct export_table { table_name table; std::string path; partition_names partitions{}; std::string cluster{}; friend bool operator==(const export_table&, const export_table&) = default; };

// -- filling file caches ahead of those who read ---------------------------------------
struct warm_up_terms {
  bool force{};    ///< Also what does not fit.
  bool dry_run{};  ///< Only says what would be warmed.
  warmup_sync sync{};
  warmup_on_error on_error{};
  warmup_when_busy when_busy{};
  friend bool operator==(const warm_up_terms&, const warm_up_terms&) = default;
};
/// WARM UP CLUSTER dst WITH CLUSTER src.
struct warm_up_cluster { std::string dst; std::string src; warm_up_terms terms{}; friend bool operator==(const warm_up_cluster&, const warm_up_cluster&) = default; };
/// A table, or one partition of it; `partition` empty: all.
struct warm_up_target { table_name table; std::string partition{}; friend bool operator==(const warm_up_target&, const warm_up_target&) = default; };
/// WARM UP CLUSTER dst WITH TABLE ...; at least one, none twice.
struct warm_up_tables { std::string dst; std::vector<warm_up_target> targets; warm_up_terms terms{}; friend bool operator==(const warm_up_tables&, const warm_up_tables&) = default; };
/// `job` 0: all.
struct show_warm_up { std::uint64_t job{}; friend bool operator==(const show_warm_up&, const show_warm_up&) = default; };
struct cancel_warm_up { std::uint64_t job{}; friend bool operator==(const cancel_warm_up&, const cancel_warm_up&) = default; };
struct pause_warm_up { std::uint64_t job{}; friend bool operator==(const pause_warm_up&, const pause_warm_up&) = default; };
struct resume_warm_up { std::uint64_t job{}; friend bool operator==(const resume_warm_up&, const resume_warm_up&) = default; };
struct verify_warm_up { std::uint64_t job{}; friend bool operator==(const verify_warm_up&, const verify_warm_up&) = default; };

struct show_databases { friend bool operator==(const show_databases&, const show_databases&) = default; };
struct show_tables { std::string database; friend bool operator==(const show_tables&, const show_tables&) = default; };
struct show_backends { friend bool operator==(const show_backends&, const show_backends&) = default; };
struct show_frontends { friend bool operator==(const show_frontends&, const show_frontends&) = default; };
struct show_tablet { std::uint64_t tablet{}; friend bool operator==(const show_tablet&, const show_tablet&) = default; };
struct show_tablets { table_name table; partition_names partitions{}; friend bool operator==(const show_tablets&, const show_tablets&) = default; };
struct show_proc { std::string path; friend bool operator==(const show_proc&, const show_proc&) = default; };

// -- why a tablet is as it is ----------------------------------------------------------
struct explain_tablet { std::uint64_t tablet{}; friend bool operator==(const explain_tablet&, const explain_tablet&) = default; };
struct diagnose_tablet { std::uint64_t tablet{}; friend bool operator==(const diagnose_tablet&, const diagnose_tablet&) = default; };
// What would be moved, without moving it.
struct plan_of_balance { friend bool operator==(const plan_of_balance&, const plan_of_balance&) = default; };
struct plan_of_decommission { backend_address address; friend bool operator==(const plan_of_decommission&, const plan_of_decommission&) = default; };
struct plan_of_loss { backend_address address; friend bool operator==(const plan_of_loss&, const plan_of_loss&) = default; };
// Plans that are kept.
/// PLAN ... SAVE AS; `address` of a plan about a backend.
struct save_plan { plan_kind kind{}; backend_address address{}; std::string name; friend bool operator==(const save_plan&, const save_plan&) = default; };
struct apply_plan { std::string name; friend bool operator==(const apply_plan&, const apply_plan&) = default; };
struct drop_plan { std::string name; friend bool operator==(const drop_plan&, const drop_plan&) = default; };
struct show_plans { friend bool operator==(const show_plans&, const show_plans&) = default; };
struct show_plan { std::string name; friend bool operator==(const show_plan&, const show_plan&) = default; };
/// `tablet` 0: of all.
struct show_repair_history { std::uint64_t tablet{}; friend bool operator==(const show_repair_history&, const show_repair_history&) = default; };

/// The seed's words for a replica, the first that fits (spec/replica.md 1.3).
enum class replica_status : std::uint8_t { ok, dead, version_error, schema_error, missing };
inline constexpr std::size_t replica_status_count = 5;
[[nodiscard]] std::string_view name(replica_status status); ///< "VERSION_ERROR"
struct replica_status_filter { replica_status status{}; bool negated{}; friend bool operator==(const replica_status_filter&, const replica_status_filter&) = default; };
struct show_replica_status {
  table_name table;
  partition_names partitions;
  std::optional<replica_status_filter> where;
  friend bool operator==(const show_replica_status&, const show_replica_status&) = default;
};
struct show_replica_distribution { table_name table; partition_names partitions; friend bool operator==(const show_replica_distribution&, const show_replica_distribution&) = default; };

// -- what an operator does about it ----------------------------------------------------
/// ADMIN COOLDOWN TABLE: what was written so far is due.
struct cooldown_table { table_name table; partition_names partitions; friend bool operator==(const cooldown_table&, const cooldown_table&) = default; };
/// RECALL TABLE: what has cooled comes back.
struct recall_table { table_name table; partition_names partitions; friend bool operator==(const recall_table&, const recall_table&) = default; };
/// ADMIN [CANCEL] REPAIR TABLE.
struct repair_table { table_name table; partition_names partitions; bool on = true; friend bool operator==(const repair_table&, const repair_table&) = default; };
struct set_replica_status { std::uint64_t tablet{}; std::uint64_t backend{}; bool bad{}; friend bool operator==(const set_replica_status&, const set_replica_status&) = default; };
/// Keys are those of config_keys(), never an alias; an empty value means the default.
struct set_config { std::vector<std::pair<std::string, std::string>> values; friend bool operator==(const set_config&, const set_config&) = default; };
struct show_config { std::string pattern; friend bool operator==(const show_config&, const show_config&) = default; };

/// Where balance is paused: everywhere, one table or one backend.
using balance_scope = std::variant<std::monostate, table_name, backend_address>;
struct pause_balance { balance_scope scope; time_ms duration{}; std::string reason; friend bool operator==(const pause_balance&, const pause_balance&) = default; };
struct resume_balance { balance_scope scope; friend bool operator==(const resume_balance&, const resume_balance&) = default; };
/// ADMIN [CANCEL] REBALANCE DISK; no addresses: all backends.
struct rebalance_disk { std::vector<backend_address> addresses; bool on = true; friend bool operator==(const rebalance_disk&, const rebalance_disk&) = default; };
struct check_tablets { std::vector<std::uint64_t> tablets; friend bool operator==(const check_tablets&, const check_tablets&) = default; };

/// ADMIN CHECKPOINT; `on`: the name of a front end, empty: whoever is due.
struct make_checkpoint { std::string on; friend bool operator==(const make_checkpoint&, const make_checkpoint&) = default; };

struct help_words { std::vector<std::string> words; friend bool operator==(const help_words&, const help_words&) = default; };

/// The order is the order of statement_table().
using statement
    = std::variant<create_database, drop_database, create_table, drop_table, add_partition, drop_partition,
                   modify_partition, set_table_policy, use_database, add_backends, drop_backend, modify_backend, decommission_backend,
                   add_frontend, drop_frontend, hand_over_leadership, create_resource, alter_resource, drop_resource,
                   create_storage_policy, alter_storage_policy, drop_storage_policy, cooldown_table, recall_table, warm_up_cluster, warm_up_tables, cancel_warm_up, pause_warm_up, resume_warm_up, verify_warm_up, load_file, export_table, show_databases, show_tables, show_backends, show_frontends,
                   show_resources, show_storage_policies, show_policy_users, show_warm_up, show_tablet,
                   show_tablets, show_proc, explain_tablet, plan_of_balance,
                   plan_of_decommission, plan_of_loss, save_plan, apply_plan, drop_plan, show_plans, show_plan,
                   diagnose_tablet, show_repair_history, show_replica_status,
                   show_replica_distribution, repair_table, set_replica_status, set_config, show_config, pause_balance,
                   resume_balance, rebalance_disk, check_tablets, make_checkpoint, help_words>;

/// A statement's text may not be longer.
inline constexpr std::size_t statement_bytes_max = 1U << 20;
/// spec/replica.md has no limits; these keep one statement from asking for a year of work.
inline constexpr std::uint32_t buckets_max = 16'384;
inline constexpr std::uint32_t replication_num_max = 32;
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t label_bytes_max = 128;
inline constexpr std::size_t reason_bytes_max = 256;
inline constexpr std::size_t partitions_max = 1'024;
inline constexpr std::uint64_t tablets_created_max = 65'536; ///< Over all partitions of one CREATE TABLE.
inline constexpr std::uint64_t tablets_checked_max = 1'000;
inline constexpr std::size_t warm_up_targets_max = 1'024;
inline constexpr std::uint64_t sync_interval_s_max = 365 * 86'400; ///< The least is 1.
inline constexpr time_ms pause_max = std::chrono::hours(24 * 30);

using parse_outcome = std::variant<statement, statement_error>;

/// Parses one statement; a closing semicolon is optional.  Total: any bytes give a
/// statement or an error with a position.
[[nodiscard]] parse_outcome parse(std::string_view text);

/// Canonical text: parse(print(s)) == s for every s that parse() returned.
[[nodiscard]] std::string print(const statement& what);

} // namespace tabletd::model
