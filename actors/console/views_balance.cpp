// What the tablet scheduler shows of itself, and how many tablets need it.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/explain.h"
#include "actors/model/load_statistic.h"
#include "actors/model/view_columns.h"
#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

cell backend_of(const std::optional<place>& at) {
  return at ? cell{static_cast<std::int64_t>(raw(at->backend))} : none;
}
cell path_of(const std::optional<place>& at) { return at ? path(at->path) : none; }

/// Bytes per second; null before anything was copied.
cell rate(const ctx_row& row) {
  if (row.copy_ms == 0 || row.copied_bytes == 0)
    return never;
  return static_cast<double>(row.copied_bytes) * 1'000.0 / static_cast<double>(row.copy_ms);
}

/// "[1, 2, 3]", as the seed prints a list of tablets; cut like every other list.
template <class Set, class Wanted>
std::string tablet_list(const Set& tablets, Wanted&& wanted) {
  std::string out = "[";
  std::size_t listed = 0;
  tablets.for_each([&](tablet_id tablet, const auto& entry) {
    if (!wanted(tablet, entry))
      return true;
    if (listed == view_rows_max) {
      out += ", ...";
      return false;
    }
    out += (listed++ == 0 ? "" : ", ") + std::to_string(raw(tablet));
    return true;
  });
  return out + ']';
}

database_id owner_of(const catalog& cat, tablet_id tablet) {
  const auto* t = cat.tablets.find(tablet);
  const auto* owner = t ? cat.table_of(*t) : nullptr;
  return owner ? owner->database : database_id{};
}

cell_row statistic_row(cell first, std::string_view second, const model::database_statistic& s, std::uint64_t unhealthy,
                       std::uint64_t inconsistent, std::uint64_t cloning) {
  return {std::move(first), text(second), number(s.tables), number(s.partitions), number(s.indexes),
          number(s.tablets), number(s.replicas), number(unhealthy), number(inconsistent), number(cloning)};
}

} // namespace

table_value scheduled_tablets(const std::vector<ctx_row>& rows) {
  auto out = empty_table(columns::scheduled_tablets);
  for (const auto& r : rows) {
    if (out.rows.size() == view_rows_max)
      break;
    out.rows.push_back({id(r.tablet), text(r.purpose == order_purpose::balance ? "BALANCE" : "REPAIR"),
                        text(r.medium == medium::ssd ? "SSD" : "HDD"), text(name(r.status)),
                        text(name(r.state)), text(name(r.orig_priority)), text(name(r.dynamic_priority)),
                        backend_of(r.source), path_of(r.source), backend_of(r.target), path_of(r.target),
                        number(static_cast<std::uint64_t>(r.timeout.count())), time(r.created), time(r.last_scheduled),
                        time(r.last_visited), time(r.finished), rate(r), number(r.failed_scheduling),
                        number(r.failed_running), time(r.last_adjusted), number(r.visible), no_hash,
                        number(r.committed), no_hash, text(r.message)});
  }
  return out;
}

table_value working_slots(const sources& from) {
  auto out = empty_table(columns::working_slots);
  for (const auto& s : from.scheduler.slots)
    out.rows.push_back({id(s.backend), path(s.path), number(s.available), number(s.total), number(s.balance_available),
                        s.average_rate});
  return out;
}

table_value load_media() {
  auto out = empty_table(columns::load_media);
  for (const auto which : media)
    out.rows.push_back({text(name(which))});
  return out;
}

table_value load_statistic(const sources& from, medium of) {
  auto out = empty_table(columns::load_statistic);
  const load_scores scores{from.cat, from.cluster, slots_of(from.scheduler)};
  const auto threshold = effective(from.cat, from.startup_config).load_score_threshold;
  for (const auto& r : measure(of, scores.lines(of), threshold).rows)
    out.rows.push_back({id(r.backend), text(from.cat.backends.find(r.backend)->cluster), r.available,
                        number(r.used_bytes), number(r.capacity_bytes), 100.0 * r.used_ratio, number(r.replicas),
                        r.capacity_coefficient, r.replica_coefficient, r.score, text(name(r.class_of_load))});
  return out;
}

table_value balance_pauses(const sources& from) {
  auto out = empty_table(columns::balance_pauses);
  for (const auto& [scope, pause] : from.cat.pauses.all())
    out.rows.push_back({text(scope), text(pause.owner), text(pause.reason), time(pause.since), time(pause.until)});
  return out;
}

table_value cluster_balance(const sources& from) {
  auto out = empty_table(columns::balance_items);
  const auto& s = from.scheduler;
  out.rows.push_back({text("cluster_load_stat"), number(media.size())});
  out.rows.push_back({text("working_slots"), number(s.slots.size())});
  out.rows.push_back({text("sched_stat"), number(1)});
  out.rows.push_back({text("priority_repair"), number(from.cat.hints.size())});
  out.rows.push_back({text("pending_tablets"), number(s.pending_total)});
  out.rows.push_back({text("running_tablets"), number(s.running_total)});
  out.rows.push_back({text("history_tablets"), number(s.history.size())});
  out.rows.push_back({text("balance_pauses"), number(from.cat.pauses.all().size())});
  return out;
}

table_value sched_stat(const sources& from) {
  auto out = empty_table(columns::item_values);
  const auto& c = from.scheduler.counters;
  const auto add = [&](const char* item, std::uint64_t n) {
    out.rows.push_back({text(std::string{"num of "} + item), text(std::to_string(n))});
  };
  const auto by_health = [&](tablet_health h) { return c.submitted_by_health[static_cast<std::size_t>(h)]; };
  add("tablet check round", c.check_rounds);
  add("tablet checked in tablet checker", c.tablets_checked);
  add("unhealthy tablet checked in tablet checker", c.unhealthy_found);
  add("tablet being added to tablet scheduler", c.submitted);
  add("tablet schedule round", c.sched_rounds);
  add("tablet being scheduled", c.scheduled);
  add("tablet being scheduled succeeded", c.scheduled_ok);
  add("tablet being scheduled failed", c.scheduled_failed);
  add("tablet being scheduled discard", c.discarded);
  add("tablet priority upgraded", c.upgraded);
  add("tablet priority downgraded", c.downgraded);
  add("clone task", c.clones);
  add("clone task succeeded", c.clones_ok);
  add("clone task failed", c.clones_failed);
  add("clone task timeout", c.clones_timeout);
  add("replica missing error", by_health(tablet_health::replica_missing));
  add("replica version missing error", by_health(tablet_health::version_incomplete));
  add("replica unavailable error", by_health(tablet_health::replica_relocating));
  add("replica redundant error", by_health(tablet_health::redundant) + by_health(tablet_health::force_redundant));
  add("replica missing in cluster error", by_health(tablet_health::replica_missing_in_cluster));
  add("balance scheduled", c.balance_scheduled);
  add("colocate replica mismatch", by_health(tablet_health::colocate_mismatch));
  add("colocate replica redundant", by_health(tablet_health::colocate_redundant));
  add("tablet finished", c.finished);
  add("tablet cancelled", c.cancelled);
  add("tablet unexpected", c.unexpected);
  return out;
}

table_value statistic(const sources& from) {
  auto out = empty_table(columns::statistic);
  cow_map<database_id, std::uint64_t> cloning;
  std::uint64_t cloning_total = 0;
  from.cat.orders.for_each([&](tablet_id tablet, const open_order&) {
    const auto of = owner_of(from.cat, tablet);
    const auto* before = cloning.find(of);
    cloning.put(of, (before ? *before : 0) + 1);
    ++cloning_total;
  });
  from.statistics.read(from.cat, [&](const model::statistics& counts) {
    model::database_statistic total;
    std::uint64_t unhealthy = 0;
    std::uint64_t inconsistent = 0;
    counts.databases().for_each([&](database_id of, const model::database_statistic& s) {
      const auto* busy = cloning.find(of);
      out.rows.push_back(statistic_row(text(std::to_string(raw(of))), from.cat.databases.find(of)->name, s,
                                       s.unhealthy.size(), s.inconsistent.size(), busy ? *busy : 0));
      total.tables += s.tables;
      total.partitions += s.partitions;
      total.indexes += s.indexes;
      total.tablets += s.tablets;
      total.replicas += s.replicas;
      unhealthy += s.unhealthy.size();
      inconsistent += s.inconsistent.size();
    });
    out.rows.push_back(
      statistic_row(text("Total"), std::to_string(out.rows.size()), total, unhealthy, inconsistent, cloning_total));
  });
  return out;
}

table_value database_statistic(const sources& from, database_id of) {
  auto out = empty_table(columns::database_statistic);
  const auto cloning
    = tablet_list(from.cat.orders, [&](tablet_id t, const auto&) { return owner_of(from.cat, t) == of; });
  from.statistics.read(from.cat, [&](const model::statistics& counts) {
    const auto* s = counts.databases().find(of);
    const auto all_of = [](const cow_map<tablet_id, std::uint8_t>& set) {
      return tablet_list(set, [](tablet_id, const auto&) { return true; });
    };
    out.rows.push_back(
        {text(s ? all_of(s->unhealthy) : "[]"), text(s ? all_of(s->inconsistent) : "[]"), text(cloning)});
  });
  return out;
}

} // namespace tabletd::views
