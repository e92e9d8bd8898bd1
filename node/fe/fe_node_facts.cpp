// What fe_node says of itself and of its group.
#include "actors/supervision/ports.h"
#include "node/fe/fe_node.h"
#include "node/fe/frontend_rows.h"
#include <fmt/format.h>

namespace tabletd {

void fe_node::fill_info(api::ServerInfo::Builder to) const {
  const auto cat = catalog_->load();
  to.setApiVersion(api::API_VERSION);
  to.setMinApiVersion(1);
  to.setVersion(options_.version.c_str());
  to.setClusterName(cat->founded() ? cat->cluster_name.c_str() : options_.cluster_name.c_str());
  to.setClusterId(kj::arrayPtr(cat->cluster.data(), cat->cluster.size()));
  to.setNodeId(options_.node_id);
  to.setRole(api::Role::FE);
  to.setLeader(leader_address().c_str());
}

bool fe_node::follows() const {
  const auto leader = journal()->leader.load();
  return leader != 0 && leader != options_.node_id && catalog_->load()->founded();
}

std::string fe_node::leader_address() const {
  if (leads())
    return address();
  const auto leader = journal()->leader.load();
  if (leader == options_.node_id)
    return {}; // Soon.
  for (const auto& peer : group_->peers())
    if (peer.node == leader && peer.face)
      return fmt::format("{}:{}", peer.face->host, peer.face->rpc_port);
  return {};
}

std::vector<std::string> fe_node::consoles() const {
  std::vector<std::string> all{address()};
  for (const auto& peer : group_->peers())
    if (peer.face)
      all.push_back(fmt::format("{}:{}", peer.face->host, peer.face->rpc_port));
  return all;
}

fe_face fe_node::face() const {
  return {options_.name, options_.advertise_host, port_, options_.http_port, options_.version, started_};
}

void fe_node::fill_health(api::ClusterHealth::Builder to) const {
  const auto cat = catalog_->load();
  const auto view = scheduler_->load();
  const auto count = [&](model::tablet_health h) { return view->tablets_by_health[static_cast<std::size_t>(h)]; };
  std::uint64_t unhealthy = 0;
  for (std::size_t h = 1; h < view->tablets_by_health.size(); ++h)
    unhealthy += view->tablets_by_health[h];
  std::uint32_t alive = 0;
  cat->backends.for_each([&](model::backend_id, const model::backend& b) { alive += b.alive ? 1 : 0; });
  const auto lost = count(model::tablet_health::unrecoverable);
  std::vector<std::string> reasons;
  if (!leads())
    reasons.emplace_back("this fe does not lead");
  if (alive < cat->backends.size())
    reasons.push_back(fmt::format("{} of {} backends are down", cat->backends.size() - alive, cat->backends.size()));
  if (unhealthy > 0)
    reasons.push_back(fmt::format("{} of {} tablets are unhealthy", unhealthy, cat->tablets.size()));
  if (lost > 0)
    reasons.push_back(fmt::format("{} tablets have no complete replica on a live backend", lost));
  to.setState(!leads() || lost > 0 ? api::HealthState::RED
              : reasons.empty()    ? api::HealthState::GREEN
                                   : api::HealthState::YELLOW);
  auto list = to.initReasons(static_cast<unsigned>(reasons.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, reasons[i].c_str());
  to.setTablets(cat->tablets.size());
  to.setUnhealthy(unhealthy);
  to.setUnrecoverable(lost);
  to.setBackendsAlive(alive);
  to.setBackends(static_cast<std::uint32_t>(cat->backends.size()));
  to.setLeader(leads() ? address().c_str() : "");
  to.setRevision(model::raw(cat->applied));
}

frontend_facts fe_node::frontends() const {
  return frontends_of({.group = *group_,
                       .face = face(),
                       .leads = leads(),
                       .applied = model::raw(catalog_->load()->applied),
                       .now = group_->options().wall_clock()},
                      leader_address());
}

model::group_sight fe_node::group_sight() const { return sight_of(*group_, face(), group_->options().wall_clock()); }

console_facts fe_node::facts() const {
  console_facts facts;
  facts.frontends = [this] { return frontends(); };
  facts.actors = [now = group_->options().wall_clock] {
    std::vector<actor_row> rows;
    const auto steady = std::chrono::steady_clock::now();
    for (const auto& from : supervision_tree().rows()) {
      actor_row row;
      row.supervisor = from.supervisor;
      row.actor = from.child;
      row.type = from.type;
      row.state = name(from.state);
      row.restarts = from.restarts;
      row.since = now() - std::chrono::duration_cast<model::time_ms>(steady - from.since);
      row.last_error = from.last_error;
      rows.push_back(std::move(row));
    }
    return rows;
  };
  facts.checkpoint = [room = checkpoint_] { return room->rows(); };
  facts.cooldown = [board = cooldown_](std::size_t rows_max) { return board->rows(rows_max); };
  facts.warmup_lane = [board = warmup_](model::warmup_job_id job, model::backend_id backend) { return board->find(job, backend); };
  facts.journal = [stats = journal(), node = options_.node_id] {
    journal_facts out;
    out.node = node;
    out.leader = stats->leader;
    out.leads = stats->leads;
    out.failed = stats->failed;
    out.term = stats->term;
    out.first_index = stats->first_index;
    out.last_index = stats->last_index;
    out.commit_index = stats->commit_index;
    out.applied_index = stats->applied_index;
    out.pending = stats->pending;
    out.pending_bytes = stats->pending_bytes;
    out.file_bytes = stats->file_bytes;
    out.wal_bytes = stats->wal_bytes;
    out.entries = stats->entries;
    out.bytes = stats->bytes;
    out.commits = stats->commits;
    out.overloaded = stats->overloaded;
    return out;
  };
  return facts;
}

} // namespace tabletd
