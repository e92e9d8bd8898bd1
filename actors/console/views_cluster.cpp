// Backends, front ends, actors, the journal.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/view_columns.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

struct disk_use {
  std::uint64_t data{};
  std::uint64_t available{};
  std::uint64_t capacity{};
  double fullest{};
};

disk_use use_of(const backend_view* seen) {
  disk_use sum;
  if (seen)
    for (const auto& p : seen->paths) {
      sum.data += p.data_bytes;
      sum.available += p.available_bytes;
      sum.capacity += p.capacity_bytes;
      sum.fullest = std::max(sum.fullest, p.used_ratio());
    }
  return sum;
}

double percent(std::uint64_t available, std::uint64_t capacity) {
  return capacity == 0 ? 0 : 100.0 - 100.0 * static_cast<double>(available) / static_cast<double>(capacity);
}

std::string status_of(const backend_view* seen) {
  if (!seen || !seen->linked)
    return "not linked";
  return fmt::format("linked, {}, {} task{} running", seen->reported ? "reported" : "not yet reported",
                     seen->tasks_running, seen->tasks_running == 1 ? "" : "s");
}

std::string hex(const cluster_uuid& id) {
  std::string out;
  for (const auto byte : id)
    out += fmt::format("{:02x}", byte);
  return out;
}

} // namespace

table_value show_backends(const sources& from) {
  auto out = empty_table(columns::backends);
  from.cat.backends.for_each([&](backend_id, const backend& b) {
    const auto* seen = from.cluster.find(b.id);
    const auto disks = use_of(seen);
    out.rows.push_back({id(b.id), text(b.cluster), text(b.host), text(b.host), number(b.port),
                        number(b.port), number(seen ? seen->http_port : 0), number(b.port),
                        time(seen ? seen->started : time_ms{}), time(seen ? seen->last_heartbeat : time_ms{}), b.alive,
                        b.decommissioned, false, number(b.tablets.size()), number(disks.data), number(disks.available),
                        number(disks.capacity), percent(disks.available, disks.capacity), 100.0 * disks.fullest,
                        text(seen ? seen->error : "this front end has not dialled it yet"),
                        text(seen ? seen->version : ""), text(status_of(seen)), text(b.location)});
  });
  return out;
}

table_value backend_paths(const sources& from, backend_id of, std::optional<medium> only) {
  auto out = empty_table(columns::backend_paths);
  const auto* seen = from.cluster.find(of);
  for (const auto& known : from.cat.backends.find(of)->paths) {
    if (only && known.medium != *only)
      continue;
    const auto* p = seen ? seen->path(known.hash) : nullptr;
    const auto used = p ? p->capacity_bytes - std::min(p->available_bytes, p->capacity_bytes) : 0;
    const auto* state = !p ? "UNKNOWN" : p->online ? "ONLINE" : "OFFLINE";
    out.rows.push_back({text(known.root), number(p ? p->data_bytes : 0),
                        number(p ? used - std::min(p->data_bytes, used) : 0), number(p ? p->available_bytes : 0),
                        number(p ? p->capacity_bytes : 0), p ? 100.0 * p->used_ratio() : 0.0, text(state),
                        path(known.hash), text(known.medium == medium::ssd ? "SSD" : "HDD")});
  }
  return out;
}

table_value show_frontends(const sources& from) {
  auto out = empty_table(columns::frontends);
  for (const auto& f : from.facts.frontends().rows)
    out.rows.push_back({text(f.name), text(f.host), number(f.rpc_port), number(f.http_port), text(f.role), f.is_master,
                        text(hex(from.cat.cluster)), f.alive, number(f.replayed), time(f.last_heartbeat), text(f.error),
                        text(f.version), text(f.edit_log_address)});
  return out;
}

table_value actors(const sources& from) {
  auto out = empty_table(columns::actors);
  for (const auto& a : from.facts.actors())
    out.rows.push_back({text(a.supervisor), text(a.actor), text(a.type), text(a.state), number(a.restarts),
                        time(a.since), text(a.last_error)});
  return out;
}

table_value journal(const sources& from) {
  auto out = empty_table(columns::item_values);
  const auto j = from.facts.journal();
  const auto add = [&](const char* item, std::uint64_t n) { out.rows.push_back({text(item), text(std::to_string(n))}); };
  out.rows.push_back({text("State"), text(j.failed ? "failed" : j.leads ? "leads" : "follows")});
  add("Node", j.node);
  add("Leader", j.leader);
  add("Term", j.term);
  add("FirstIndex", j.first_index);
  add("LastIndex", j.last_index);
  add("CommitIndex", j.commit_index);
  add("AppliedIndex", j.applied_index);
  add("CatalogIndex", raw(from.cat.applied));
  add("PendingProposals", j.pending);
  add("PendingBytes", j.pending_bytes);
  add("FileBytes", j.file_bytes);
  add("WalBytes", j.wal_bytes);
  add("EntriesAppended", j.entries);
  add("BytesAppended", j.bytes);
  add("Transactions", j.commits);
  add("RefusedOverloaded", j.overloaded);
  return out;
}

table_value checkpoint(const sources& from) {
  auto out = empty_table(columns::item_values);
  for (const auto& [item, value] : from.facts.checkpoint())
    out.rows.push_back({text(item), text(value)});
  return out;
}

} // namespace tabletd::views
