// Text out, in a form that parse() reads back to the same.
#include "actors/model/cooldown_due_text.h"
#include "actors/model/resource_rules.h"
#include "actors/model/statement.h"
#include "actors/model/statement_grammar.h"
#include "actors/model/statement_lexer.h"
#include <algorithm>

namespace tabletd::model {

namespace {

std::string printed(std::string_view name) {
  const auto plain_byte = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool plain = std::all_of(name.begin(), name.end(), plain_byte) && !is_keyword(name);
  return plain ? std::string{name} : '`' + std::string{name} + '`';
}
std::string printed(const table_name& name) {
  return (name.database.empty() ? "" : printed(name.database) + '.') + printed(name.table);
}
std::string printed(const backend_address& address) {
  return quoted(to_string(address));
}

template <class List>
std::string listed(const List& all) {
  std::string out;
  for (const auto& one : all)
    out += (out.empty() ? "" : ", ") + printed(one);
  return out;
}

std::string printed_partitions(const partition_names& names) {
  return names.empty() ? "" : " PARTITION (" + listed(names) + ')';
}

/// "PROPERTIES(...)", or nothing.
class property_list {
public:
  void add(std::string_view key, std::string_view value) {
    inside_ += (inside_.empty() ? "" : ", ") + quoted(key) + '=' + quoted(value);
  }
  [[nodiscard]] std::string after(std::string_view word) const {
    return inside_.empty() ? "" : ' ' + std::string{word} + '(' + inside_ + ')';
  }

private:
  std::string inside_;
};

std::string_view text_of(std::optional<medium> what) { return !what ? "ANY" : *what == medium::ssd ? "SSD" : "HDD"; }

std::string printed(time_ms duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds % 86'400 == 0)
    return std::to_string(seconds / 86'400) + 'd';
  if (seconds % 3'600 == 0)
    return std::to_string(seconds / 3'600) + 'h';
  return seconds % 60 == 0 ? std::to_string(seconds / 60) + 'm' : std::to_string(seconds) + 's';
}

std::string printed(const balance_scope& scope) {
  return std::visit(overloaded{
    [](std::monostate) { return std::string{"ALL"}; },
    [](const table_name& t) { return "TABLE " + printed(t); },
    [](const backend_address& b) { return "BACKEND " + printed(b); },
  }, scope);
}

void add_due(property_list& to, const cooldown_due& due) {
  std::visit(overloaded{[&](cooldown_ttl ttl) { to.add("cooldown_ttl", to_text(ttl)); },
                        [&](cooldown_datetime datetime) { to.add("cooldown_datetime", to_text(datetime)); }},
             due);
}

/// What follows the tables or the cluster.
std::string printed(const warm_up_terms& terms) {
  property_list properties;
  std::visit(overloaded{[](const sync_once&) {},
                        [&](const sync_periodic& p) {
                          properties.add("sync_mode", "periodic");
                          properties.add("sync_interval_sec", std::to_string(p.interval / std::chrono::seconds(1)));
                        },
                        [&](const sync_on_event& e) {
                          properties.add("sync_mode", "event_driven");
                          properties.add("sync_event", e.event == warmup_event::load ? "load" : "query");
                        }},
             terms.sync);
  if (terms.on_error == warmup_on_error::skip)
    properties.add("on_error", "skip");
  if (terms.when_busy == warmup_when_busy::reject)
    properties.add("when_busy", "reject");
  return std::string{terms.force ? " FORCE" : ""} + (terms.dry_run ? " DRY RUN" : "") + properties.after("PROPERTIES");
}
std::string printed(const warm_up_target& target) {
  return "TABLE " + printed(target.table) + (target.partition.empty() ? "" : " PARTITION " + printed(target.partition));
}
std::string where_id(std::uint64_t job) {
  return " WHERE ID = " + std::to_string(job);
}

struct printer {
  std::string operator()(const create_database& s) const {
    return (s.if_not_exists ? "CREATE DATABASE IF NOT EXISTS " : "CREATE DATABASE ") + printed(s.name);
  }
  std::string operator()(const drop_database& s) const {
    return (s.if_exists ? "DROP DATABASE IF EXISTS " : "DROP DATABASE ") + printed(s.name);
  }
  std::string operator()(const create_table& s) const {
    const create_table plain;
    property_list properties;
    if (s.replication_num != plain.replication_num)
      properties.add("replication_num", std::to_string(s.replication_num));
    if (s.separator != plain.separator)
      properties.add("column_separator", {&s.separator, 1});
    if (s.medium)
      properties.add("storage_medium", text_of(s.medium));
    if (!s.cluster.empty())
      properties.add("cluster", s.cluster);
    if (!s.colocate_with.empty())
      properties.add("colocate_with", s.colocate_with);
    if (!s.storage_policy.empty())
      properties.add("storage_policy", s.storage_policy);
    return (s.if_not_exists ? "CREATE TABLE IF NOT EXISTS " : "CREATE TABLE ") + printed(s.table) + " (KEY "
           + std::to_string(s.key_column) + ')' + printed_partitions(s.partitions) + " BUCKETS "
           + std::to_string(s.buckets) + properties.after("PROPERTIES");
  }
  std::string operator()(const drop_table& s) const {
    return (s.if_exists ? "DROP TABLE IF EXISTS " : "DROP TABLE ") + printed(s.table);
  }
  std::string operator()(const add_partition& s) const {
    property_list properties;
    if (s.medium)
      properties.add("storage_medium", text_of(s.medium));
    if (!s.storage_policy.empty())
      properties.add("storage_policy", s.storage_policy);
    return "ALTER TABLE " + printed(s.table) + " ADD PARTITION " + printed(s.partition)
           + properties.after("PROPERTIES");
  }
  std::string operator()(const drop_partition& s) const {
    return "ALTER TABLE " + printed(s.table) + " DROP PARTITION " + printed(s.partition);
  }
  std::string operator()(const modify_partition& s) const {
    property_list properties;
    if (s.medium)
      properties.add("storage_medium", text_of(*s.medium));
    if (s.storage_policy)
      properties.add("storage_policy", *s.storage_policy);
    return "ALTER TABLE " + printed(s.table) + " MODIFY PARTITION " + printed(s.partition) + properties.after("SET");
  }
  std::string operator()(const set_table_policy& s) const {
    property_list properties;
    properties.add("storage_policy", s.storage_policy);
    return "ALTER TABLE " + printed(s.table) + properties.after("SET");
  }
  std::string operator()(const use_database& s) const { return "USE " + printed(s.name); }
  std::string operator()(const add_backends& s) const {
    property_list properties;
    if (!s.cluster.empty())
      properties.add("cluster", s.cluster);
    if (!s.location.empty())
      properties.add("location", s.location);
    return "ALTER SYSTEM ADD BACKEND " + listed(s.addresses) + properties.after("PROPERTIES");
  }
  std::string operator()(const drop_backend& s) const { return "ALTER SYSTEM DROP BACKEND " + printed(s.address); }
  std::string operator()(const modify_backend& s) const {
    property_list properties;
    if (s.cluster)
      properties.add("cluster", *s.cluster);
    if (s.location)
      properties.add("location", *s.location);
    return "ALTER SYSTEM MODIFY BACKEND " + printed(s.address) + properties.after("SET");
  }
  std::string operator()(const decommission_backend& s) const {
    return (s.on ? "ALTER SYSTEM DECOMMISSION BACKEND " : "ALTER SYSTEM CANCEL DECOMMISSION BACKEND ")
           + printed(s.address);
  }
  std::string operator()(const add_frontend& s) const {
    return (s.votes ? "ALTER SYSTEM ADD FOLLOWER " : "ALTER SYSTEM ADD OBSERVER ") + printed(s.address);
  }
  std::string operator()(const drop_frontend& s) const {
    return (s.votes ? "ALTER SYSTEM DROP FOLLOWER " : "ALTER SYSTEM DROP OBSERVER ") + printed(s.address);
  }
  std::string operator()(const hand_over_leadership& s) const {
    return "ADMIN TRANSFER LEADERSHIP TO " + quoted(s.name);
  }
  std::string operator()(const create_resource& s) const {
    property_list properties;
    properties.add("type", name(s.type));
    for (const auto& [key, value] : s.properties)
      properties.add(key, value);
    return (s.if_not_exists ? "CREATE RESOURCE IF NOT EXISTS " : "CREATE RESOURCE ") + printed(s.name)
           + properties.after("PROPERTIES");
  }
  std::string operator()(const alter_resource& s) const {
    property_list properties;
    for (const auto& [key, value] : s.changes)
      properties.add(key, value);
    return "ALTER RESOURCE " + printed(s.name) + properties.after("PROPERTIES");
  }
  std::string operator()(const drop_resource& s) const {
    return (s.if_exists ? "DROP RESOURCE IF EXISTS " : "DROP RESOURCE ") + printed(s.name);
  }
  std::string operator()(const create_storage_policy& s) const {
    property_list properties;
    properties.add("storage_resource", s.resource);
    add_due(properties, s.due);
    return (s.if_not_exists ? "CREATE STORAGE POLICY IF NOT EXISTS " : "CREATE STORAGE POLICY ") + printed(s.name)
           + properties.after("PROPERTIES");
  }
  std::string operator()(const alter_storage_policy& s) const {
    property_list properties;
    if (s.resource)
      properties.add("storage_resource", *s.resource);
    if (s.due)
      add_due(properties, *s.due);
    return "ALTER STORAGE POLICY " + printed(s.name) + properties.after("PROPERTIES");
  }
  std::string operator()(const drop_storage_policy& s) const {
    return (s.if_exists ? "DROP STORAGE POLICY IF EXISTS " : "DROP STORAGE POLICY ") + printed(s.name);
  }
  std::string operator()(const show_resources&) const { return "SHOW RESOURCES"; }
  std::string operator()(const cooldown_table& s) const {
    return "ADMIN COOLDOWN TABLE " + printed(s.table) + printed_partitions(s.partitions);
  }
  std::string operator()(const recall_table& s) const {
    return "RECALL TABLE " + printed(s.table) + printed_partitions(s.partitions);
  }
  std::string operator()(const warm_up_cluster& s) const {
    return "WARM UP CLUSTER " + printed(s.dst) + " WITH CLUSTER " + printed(s.src) + printed(s.terms);
  }
  std::string operator()(const warm_up_tables& s) const {
    std::string targets;
    for (const auto& one : s.targets)
      targets += (targets.empty() ? "" : " AND ") + printed(one);
    return "WARM UP CLUSTER " + printed(s.dst) + " WITH " + targets + printed(s.terms);
  }
  std::string operator()(const cancel_warm_up& s) const { return "CANCEL WARM UP JOB" + where_id(s.job); }
  std::string operator()(const pause_warm_up& s) const { return "PAUSE WARM UP JOB" + where_id(s.job); }
  std::string operator()(const resume_warm_up& s) const { return "RESUME WARM UP JOB" + where_id(s.job); }
  std::string operator()(const verify_warm_up& s) const { return "VERIFY WARM UP JOB " + std::to_string(s.job); }
  std::string operator()(const show_warm_up& s) const {
    return "SHOW WARM UP JOB" + (s.job == 0 ? "" : where_id(s.job));
  }
  std::string operator()(const show_storage_policies&) const { return "SHOW STORAGE POLICY"; }
  std::string operator()(const show_policy_users& s) const {
    return s.name.empty() ? "SHOW STORAGE POLICY USING" : "SHOW STORAGE POLICY USING FOR " + printed(s.name);
  }
  std::string operator()(const load_file& s) const {
    return "LOAD FILE " + quoted(s.path) + " INTO " + printed(s.table)
           + (s.partition.empty() ? "" : printed_partitions({s.partition}))
           + (s.label.empty() ? "" : " LABEL " + quoted(s.label));
  }
  std::string operator()(const export_table& s) const {
    return "EXPORT TABLE " + printed(s.table) + printed_partitions(s.partitions) + " TO " + quoted(s.path)
           + (s.cluster.empty() ? "" : " USING CLUSTER " + printed(s.cluster));
  }
  std::string operator()(const show_databases&) const { return "SHOW DATABASES"; }
  std::string operator()(const show_tables& s) const {
    return s.database.empty() ? "SHOW TABLES" : "SHOW TABLES FROM " + printed(s.database);
  }
  std::string operator()(const show_backends&) const { return "SHOW BACKENDS"; }
  std::string operator()(const show_frontends&) const { return "SHOW FRONTENDS"; }
  std::string operator()(const show_tablet& s) const { return "SHOW TABLET " + std::to_string(s.tablet); }
  std::string operator()(const show_tablets& s) const {
    return "SHOW TABLETS FROM " + printed(s.table) + printed_partitions(s.partitions);
  }
  std::string operator()(const show_proc& s) const { return "SHOW PROC " + quoted(s.path); }
  std::string operator()(const explain_tablet& s) const { return "EXPLAIN TABLET " + std::to_string(s.tablet); }
  std::string operator()(const plan_of_balance&) const { return "PLAN REBALANCE"; }
  std::string operator()(const plan_of_decommission& s) const { return "PLAN DECOMMISSION BACKEND " + printed(s.address); }
  std::string operator()(const plan_of_loss& s) const { return "PLAN LOSE BACKEND " + printed(s.address); }
  std::string operator()(const save_plan& s) const {
    const auto what = s.kind == plan_kind::rebalance      ? std::string{"REBALANCE"}
                      : s.kind == plan_kind::decommission ? "DECOMMISSION BACKEND " + printed(s.address)
                                                          : "LOSE BACKEND " + printed(s.address);
    return "PLAN " + what + " SAVE AS " + quoted(s.name);
  }
  std::string operator()(const apply_plan& s) const { return "APPLY PLAN " + quoted(s.name); }
  std::string operator()(const drop_plan& s) const { return "DROP PLAN " + quoted(s.name); }
  std::string operator()(const show_plans&) const { return "SHOW PLANS"; }
  std::string operator()(const show_plan& s) const { return "SHOW PLAN " + quoted(s.name); }
  std::string operator()(const diagnose_tablet& s) const { return "ADMIN DIAGNOSE TABLET " + std::to_string(s.tablet); }
  std::string operator()(const show_repair_history& s) const {
    return s.tablet == 0 ? "SHOW REPAIR HISTORY" : "SHOW REPAIR HISTORY FOR TABLET " + std::to_string(s.tablet);
  }
  std::string operator()(const show_replica_status& s) const {
    return "ADMIN SHOW REPLICA STATUS FROM " + printed(s.table) + printed_partitions(s.partitions)
           + (s.where ? (s.where->negated ? " WHERE STATUS != " : " WHERE STATUS = ") + quoted(name(s.where->status))
                      : "");
  }
  std::string operator()(const show_replica_distribution& s) const {
    return "ADMIN SHOW REPLICA DISTRIBUTION FROM " + printed(s.table) + printed_partitions(s.partitions);
  }
  std::string operator()(const repair_table& s) const {
    return (s.on ? "ADMIN REPAIR TABLE " : "ADMIN CANCEL REPAIR TABLE ") + printed(s.table)
           + printed_partitions(s.partitions);
  }
  std::string operator()(const set_replica_status& s) const {
    property_list properties;
    properties.add("tablet_id", std::to_string(s.tablet));
    properties.add("backend_id", std::to_string(s.backend));
    properties.add("status", s.bad ? "bad" : "ok");
    return "ADMIN SET REPLICA STATUS" + properties.after("PROPERTIES");
  }
  std::string operator()(const set_config& s) const {
    property_list values;
    for (const auto& [key, value] : s.values)
      values.add(key, value);
    return "ADMIN SET FRONTEND" + values.after("CONFIG");
  }
  std::string operator()(const show_config& s) const {
    return s.pattern.empty() ? "ADMIN SHOW FRONTEND CONFIG" : "ADMIN SHOW FRONTEND CONFIG LIKE " + quoted(s.pattern);
  }
  std::string operator()(const pause_balance& s) const {
    return "ADMIN PAUSE BALANCE " + printed(s.scope) + " FOR " + printed(s.duration)
           + (s.reason.empty() ? "" : " REASON " + quoted(s.reason));
  }
  std::string operator()(const resume_balance& s) const { return "ADMIN RESUME BALANCE " + printed(s.scope); }
  std::string operator()(const rebalance_disk& s) const {
    return std::string{s.on ? "ADMIN REBALANCE DISK" : "ADMIN CANCEL REBALANCE DISK"}
           + (s.addresses.empty() ? "" : " ON (" + listed(s.addresses) + ')');
  }
  std::string operator()(const check_tablets& s) const {
    std::string out;
    for (const auto id : s.tablets)
      out += (out.empty() ? "" : ", ") + std::to_string(id);
    return "ADMIN CHECK TABLET (" + out + R"() PROPERTIES("type"="consistency"))";
  }
  std::string operator()(const make_checkpoint& s) const {
    return s.on.empty() ? "ADMIN CHECKPOINT" : "ADMIN CHECKPOINT ON " + quoted(s.on);
  }
  std::string operator()(const help_words& s) const {
    std::string out = "HELP";
    for (const auto& word : s.words)
      out += ' ' + word;
    return out;
  }
};

} // namespace

std::string to_string(const backend_address& address) {
  const bool bare = address.host.find(':') == std::string::npos;
  return (bare ? address.host : '[' + address.host + ']') + ':' + std::to_string(address.port);
}

std::string print(const statement& what) {
  return std::visit(printer{}, what);
}

} // namespace tabletd::model
