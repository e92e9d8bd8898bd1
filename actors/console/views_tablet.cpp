// Why tablets and replicas are as they are: EXPLAIN, DIAGNOSE, history, status, distribution.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/explain.h"
#include "actors/model/tablet_checkup.h"
#include "actors/model/transfer_plan.h"
#include "actors/model/view_columns.h"
#include <fmt/format.h>
#include <map>

namespace tabletd::views {

namespace {

using namespace model;

/// A row about the tablet as a whole.
cell_row about(std::string_view role, std::string_view code, std::string_view reason) {
  return {never, never, never, text(role), text(code), text(reason), never, never};
}

cell_row place_row(const catalog& cat, const path_verdict& v) {
  const auto* b = cat.backends.find(v.at.backend);
  const bool target = v.role == path_role::target;
  const bool measured = target && (v.used_ratio > 0 || v.left_bytes > 0);
  return {id(v.at.backend),
          text(b ? b->host : ""),
          path(v.at.path),
          text(target ? "target" : "source"),
          text(name(v.code)),
          text(sentence(v)),
          measured ? cell{100.0 * v.used_ratio} : never,
          measured ? number(v.left_bytes) : never};
}

std::string_view word_of(const decision& d) {
  return std::visit(overloaded{
    [](const leave_alone&) { return std::string_view{"NOTHING"}; },
    [](const clone_move&) { return std::string_view{"CLONE"}; },
    [](const drop_move&) { return std::string_view{"DROP"}; },
  }, d.move);
}

std::string_view word_of(queue_place::kind is) {
  switch (is) {
    case queue_place::kind::pending: return "PENDING";
    case queue_place::kind::running: return "RUNNING";
    case queue_place::kind::nowhere: return "NOT_QUEUED";
    case queue_place::kind::maybe_beyond: break;
  }
  return "UNKNOWN";
}

cell_row history_row(const decision_record& d) {
  const bool drop = d.dropped.has_value();
  const bool inside = !drop && d.source.backend == d.target.backend;
  const bool open = d.ended.count() == 0;
  const auto backend
      = [](const place& at) { return raw(at.backend) == 0 ? none : cell{static_cast<std::int64_t>(raw(at.backend))}; };
  const auto hash = [](const place& at) { return raw(at.backend) == 0 ? none : path(at.path); };
  const auto& from = drop ? d.target : d.source;
  const place to = drop ? place{} : d.target;
  const auto* result = open ? "RUNNING" : d.failure.empty() ? "FINISHED" : "FAILED";
  const std::string message = !d.failure.empty()          ? d.failure
                              : !open && d.reached > 0 ? fmt::format("reached version {}", d.reached)
                                                       : std::string{};
  return {id(d.entry),
          id(d.tablet),
          text(drop     ? "DROP"
               : inside ? "MOVE"
                        : "CLONE"),
          text(d.purpose == order_purpose::balance ? "BALANCE" : "REPAIR"),
          text(name(static_cast<tablet_health>(d.health))),
          text(name(static_cast<repair_priority>(d.priority))),
          raw(d.replica) == 0 ? none : cell{static_cast<std::int64_t>(raw(d.replica))},
          backend(from),
          hash(from),
          backend(to),
          hash(to),
          time(d.at),
          time(d.ended),
          text(result),
          text(d.why),
          text(message)};
}

template <class Visit>
void for_each_tablet_of(const catalog& cat, const some_partitions& of, Visit&& visit) {
  for (const auto* part : of)
    for_each_tablet(*part, [&](tablet_id t) { visit(*part, *cat.tablets.find(t)); });
}

} // namespace

table_value explain_tablet(const sources& from, tablet_id tablet) {
  auto out = empty_table(columns::explanation);
  const auto limits = effective(from.cat, from.startup_config).fit();
  const auto why = explain(from.cat, from.cluster, from.scheduler, limits, tablet);
  const auto& d = why.what;
  out.rows.push_back(
      about("tablet", name(d.what.health),
            fmt::format("tablet {} is {}, priority {}", raw(tablet), name(d.what.health), name(d.what.priority))));
  if (why.order)
    out.rows.push_back(about(
        "order", why.order->what.purpose == order_purpose::balance ? "BALANCE" : "REPAIR",
        fmt::format("ordered as entry {}: {}", raw(why.order->order),
                    why.order_why.empty() ? "copy to backend " + described(from.cat, why.order->what.target.backend)
                                          : why.order_why)));
  out.rows.push_back(about("decision", word_of(d), sentence(d)));
  if (d.blocked != blocker::none)
    out.rows.push_back(about("blocked by", name(d.blocked), sentence(d.blocked)));
  out.rows.push_back(about("queue", word_of(why.queue.is), sentence(why.queue)));
  for (const auto& verdict : d.paths)
    out.rows.push_back(place_row(from.cat, verdict));
  return out;
}

table_value diagnose_tablet(const catalog& cat, tablet_id tablet) {
  auto out = empty_table(columns::diagnosis);
  for (const auto& one : check_up(cat, tablet))
    out.rows.push_back({text(one.item), text(one.info), text(one.suggestion)});
  return out;
}

table_value repair_history(const catalog& cat, tablet_id tablet) {
  std::vector<const decision_record*> oldest_first;
  cat.decisions.for_each([&](log_index, const decision_record& d) {
    if (raw(tablet) == 0 || d.tablet == tablet)
      oldest_first.push_back(&d);
  });
  auto out = empty_table(columns::repair_history);
  for (auto d = oldest_first.rbegin(); d != oldest_first.rend() && out.rows.size() < view_rows_max; ++d)
    out.rows.push_back(history_row(**d));
  return out;
}

table_value replica_status(const catalog& cat, const table& owner, const some_partitions& of,
                           const std::optional<replica_status_filter>& where) {
  auto out = empty_table(columns::replica_status);
  const auto wanted = [&](model::replica_status status) {
    return out.rows.size() < replica_rows_max && (!where || (where->status == status) != where->negated);
  };
  for_each_tablet_of(cat, of, [&](const partition& part, const tablet& t) {
    for (const auto& r : t.replicas)
      if (const auto status = status_of(cat, t, r); wanted(status))
        out.rows.push_back({id(t.id), static_cast<std::int64_t>(raw(r.id)), static_cast<std::int64_t>(raw(r.backend)),
                            version_or_none(r.version), version_or_none(r.last_failed), version_or_none(r.last_success),
                            number(part.visible), none, none, r.damaged(),
                            text(r.state == replica_state::normal ? "NORMAL" : "CLONE"), text(name(status))});
    for (auto there = t.replicas.size(); there < owner.replication_num; ++there)
      if (wanted(model::replica_status::missing))
        out.rows.push_back({id(t.id), none, none, none, none, none, number(part.visible), none, none, false,
                            text("NONE"), text(name(model::replica_status::missing))});
  });
  return out;
}

table_value replica_distribution(const catalog& cat, const some_partitions& of) {
  std::map<backend_id, std::uint64_t> held;
  std::uint64_t total = 0;
  cat.backends.for_each([&](backend_id b, const backend&) { held[b] = 0; });
  for_each_tablet_of(cat, of, [&](const partition&, const tablet& t) {
    for (const auto& r : t.replicas) {
      ++held[r.backend];
      ++total;
    }
  });
  auto out = empty_table(columns::replica_distribution);
  for (const auto& [backend, replicas] : held) {
    const auto share = total == 0 ? 0.0 : 100.0 * static_cast<double>(replicas) / static_cast<double>(total);
    out.rows.push_back({id(backend), number(replicas),
                        text(std::string(total == 0 ? 0 : replicas * held.size() / total, '>')),
                        text(fmt::format("{:.2f} %", share))});
  }
  return out;
}

} // namespace tabletd::views
