// Databases, tables, partitions, tablets, replicas, and the tree that leads to them.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/health.h"
#include "actors/model/view_columns.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

void sort_by_name(table_value& list) {
  std::sort(list.rows.begin(), list.rows.end(), [](const cell_row& a, const cell_row& b) {
    return std::get<std::string>(a[0]) < std::get<std::string>(b[0]);
  });
}

std::string_view name_of(replica_state state) { return state == replica_state::normal ? "NORMAL" : "CLONE"; }

std::string separator_text(char separator) {
  if (separator > ' ' && separator <= '~')
    return std::string(1, separator);
  return separator == '\t' ? "\\t" : fmt::format("\\x{:02x}", static_cast<unsigned char>(separator));
}

/// A row of SHOW TABLETS FROM; what has no meaning here is what the seed shows for "none".
cell_row table_replica(const tablet& t, const replica& r) {
  return {id(t.id), id(r.id), id(r.backend), none, version_or_none(r.version), no_hash,
          version_or_none(r.last_success), no_hash, version_or_none(r.last_failed), no_hash, never, number(t.bytes),
          number(t.rows), text(name_of(r.state)), never, none, none, none, path(r.path), text(""), text("")};
}

/// Empty: none.
std::string_view policy_name(const catalog& cat, storage_policy_id of) {
  const auto* policy = cat.storage_policies.find(of);
  return policy ? std::string_view{policy->name} : std::string_view{};
}

table_value names(std::span<const column> columns, const std::vector<std::string>& list) {
  auto out = empty_table(columns);
  for (const auto& one : list)
    out.rows.push_back({text(one)});
  return out;
}

} // namespace

table_value show_databases(const catalog& cat) {
  auto out = empty_table(columns::databases);
  cat.databases.for_each([&](database_id, const database& d) { out.rows.push_back({text(d.name)}); });
  sort_by_name(out);
  return out;
}

table_value show_tables(const catalog& cat, database_id of) {
  auto out = empty_table(columns::tables);
  cat.tables.for_each([&](table_id, const table& t) {
    if (t.database == of)
      out.rows.push_back({text(t.name)});
  });
  sort_by_name(out);
  return out;
}

table_value show_tablet(const catalog& cat, const tablet& tablet) {
  auto out = empty_table(columns::tablet_location);
  const auto& t = *cat.table_of(tablet);
  const auto& d = *cat.databases.find(t.database);
  const auto& p = *cat.partition_of(tablet);
  const bool in_sync = diagnose(cat, tablet).health == tablet_health::healthy;
  out.rows.push_back({text(d.name), text(t.name), text(p.name), text(t.name), id(d.id), id(t.id), id(p.id),
                      number(p.index_id), in_sync,
                      text(fmt::format("SHOW PROC '/dbs/{}/{}/partitions/{}/{}/{}';", raw(d.id), raw(t.id), raw(p.id),
                                       p.index_id, raw(tablet.id)))});
  return out;
}

table_value show_tablets(const catalog& cat, const some_partitions& of) {
  auto out = empty_table(columns::table_replicas);
  for (const auto* part : of)
    for (std::uint32_t b = 0; b < part->buckets; ++b) {
      const auto& t = *cat.tablets.find(tablet_id{raw(part->first_tablet) + b});
      for (const auto& r : t.replicas) {
        if (out.rows.size() == replica_rows_max)
          return out;
        out.rows.push_back(table_replica(t, r));
      }
    }
  return out;
}

table_value tablet_replicas(const tablet& of) {
  auto out = empty_table(columns::tablet_replicas);
  for (const auto& r : of.replicas)
    out.rows.push_back({id(r.id), id(r.backend), version_or_none(r.version), no_hash, version_or_none(r.last_success),
                        no_hash, version_or_none(r.last_failed), no_hash, never, none, number(of.bytes),
                        number(of.rows), text(name_of(r.state)), r.damaged(), none, path(r.path), text(""), text("")});
  return out;
}

table_value proc_databases(const catalog& cat) {
  auto out = empty_table(columns::proc_databases);
  cat.databases.for_each([&](database_id, const database& d) {
    out.rows.push_back({id(d.id), text(d.name), number(d.tables)});
  });
  return out;
}

table_value proc_tables(const sources& from, database_id of) {
  auto out = empty_table(columns::proc_tables);
  from.statistics.read(from.cat, [&](const statistics& counts) {
    from.cat.tables.for_each([&](table_id, const table& t) {
      if (t.database == of)
        out.rows.push_back({id(t.id), text(t.name), number(t.partitions.size()), number(t.partitions.size()),
                            text("NORMAL"), number(t.key_column), text(separator_text(t.separator)),
                            number(t.partitions.front().buckets), number(t.replication_num),
                            number(counts.replicas_of(t.id)), time(t.created),
                            text(policy_name(from.cat, t.storage_policy))});
    });
  });
  return out;
}

table_value proc_partitions(const catalog& cat, const table& of) {
  auto out = empty_table(columns::proc_partitions);
  for (const auto& part : of.partitions) {
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0;
    for_each_tablet(part, [&](tablet_id t) {
      const auto& at = *cat.tablets.find(t);
      rows += at.rows;
      bytes += at.bytes;
    });
    out.rows.push_back({id(part.id), text(part.name), number(part.visible), no_hash, text("NORMAL"),
                        number(part.buckets), number(of.replication_num), number(bytes), number(rows),
                        text(policy_name(cat, raw(part.storage_policy) != 0 ? part.storage_policy : of.storage_policy))});
  }
  return out;
}

table_value proc_indexes(const table& of, const partition& part) {
  auto out = empty_table(columns::proc_indexes);
  out.rows.push_back({number(part.index_id), text(of.name), text("NORMAL")});
  return out;
}

table_value show_proc(const sources& from, const proc_target& at) {
  switch (at.page) {
    case proc_page::root: return names(columns::proc_names, below_proc(at, from.cat, view_rows_max));
    case proc_page::actors: return actors(from);
    case proc_page::backends: return show_backends(from);
    case proc_page::backend: return backend_paths(from, at.backend);
    case proc_page::checkpoint: return checkpoint(from);
    case proc_page::cluster_balance: return cluster_balance(from);
    case proc_page::balance_pauses: return balance_pauses(from);
    case proc_page::cluster_load_stat: return load_media();
    case proc_page::cluster_load_stat_medium: return load_statistic(from, at.medium);
    case proc_page::cluster_load_stat_backend: return backend_paths(from, at.backend, at.medium);
    case proc_page::priority_repair: return priority_repair(from);
    case proc_page::colocation_groups: return colocation_groups(from);
    case proc_page::colocation_group: return colocation_group(*from.cat.colocate_groups.find(at.group));
    case proc_page::history_tablets: return scheduled_tablets(from.scheduler.history);
    case proc_page::pending_tablets: return scheduled_tablets(from.scheduler.pending);
    case proc_page::running_tablets: return scheduled_tablets(from.scheduler.running);
    case proc_page::sched_stat: return sched_stat(from);
    case proc_page::working_slots: return working_slots(from);
    case proc_page::cooldown: return cooldown(from);
    case proc_page::databases: return proc_databases(from.cat);
    case proc_page::database: return proc_tables(from, at.database);
    case proc_page::table: return names(columns::proc_nodes, below_proc(at, from.cat, view_rows_max));
    case proc_page::partitions: return proc_partitions(from.cat, *from.cat.tables.find(at.table));
    case proc_page::partition: {
      const auto& of = *from.cat.tables.find(at.table);
      return proc_indexes(of, *of.find(at.partition));
    }
    case proc_page::index: return show_tablets(from.cat, {from.cat.tables.find(at.table)->find(at.partition)});
    case proc_page::tablet: return tablet_replicas(*from.cat.tablets.find(at.tablet));
    case proc_page::frontends: return show_frontends(from);
    case proc_page::journal: return journal(from);
    case proc_page::statistic: return statistic(from);
    case proc_page::statistic_database: return database_statistic(from, at.database);
    case proc_page::warm_up: return warm_up_jobs(from);
    case proc_page::warm_up_job: return warm_up_lanes(from, *from.cat.warmup.jobs.find(at.warmup_job));
  }
  return {};
}

} // namespace tabletd::views
