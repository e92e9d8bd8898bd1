#pragma once
// Steps that many statements of a session take, and the rooms they are spread over:
// session_write.cpp (databases, tables, loads), session_backends.cpp, session_group.cpp (front ends), session_admin.cpp, session_plan.cpp,
// session_policy.cpp (what cools, and where to), session_warmup.cpp (filling caches).
#include "actors/console/proposal.h"
#include "actors/console/session_reply.h"
#include "actors/console/views.h"
#include "actors/model/name_lookup.h"
#include <string>
#include <utility>
#include <vector>

namespace tabletd::session {

/// One look at the world, kept alive while a view reads it.
struct look {
  explicit look(session_ptr self)
    : cat(self->state.ports.job.catalog->load()),
      cluster(self->state.ports.job.cluster->load()),
      scheduler(self->state.ports.scheduler->load()),
      from{*cat, *cluster, *scheduler, self->state.ports.facts, *self->state.ports.statistics,
           self->state.ports.job.wall_clock(), self->state.ports.job.startup_config} {}
  catalog_snapshot cat;
  cluster_view_snapshot cluster;
  std::shared_ptr<const model::scheduler_view> scheduler;
  views::sources from;
};

[[nodiscard]] inline catalog_snapshot catalog_of(session_ptr self) { return self->state.ports.job.catalog->load(); }

/// Calls `use` with the object that was looked up, or tells the client why there is none.
template <class T, class Use>
void with(const model::lookup<T>& found, session_reply& reply, Use&& use) {
  if (const auto* error = std::get_if<model::statement_error>(&found))
    return reply.fail(*error);
  use(*std::get<const T*>(found));
}

using some_partitions = std::vector<const model::partition*>;

/// The same for a table and some of its partitions: use(table, partitions).
template <class Use>
void with_partitions(session_ptr self, const model::catalog& cat, const model::table_name& name,
                     const model::partition_names& partitions, session_reply& reply, Use&& use) {
  with(model::look_up_table(cat, name, self->state.database), reply, [&](const model::table& of) {
    const auto found = model::look_up_partitions(of, partitions);
    if (const auto* error = std::get_if<model::statement_error>(&found))
      return reply.fail(*error);
    use(of, std::get<some_partitions>(found));
  });
}

/// "table shop.orders", "partition p1 of table shop.orders".
[[nodiscard]] inline std::string subject(session_ptr self, const model::table_name& table, const model::partition_names& partitions) {
  std::string names;
  for (const auto& one : partitions)
    names += (names.empty() ? "" : ", ") + one;
  const auto whole = "table " + model::full_name(table, self->state.database);
  return names.empty() ? whole : (partitions.size() == 1 ? "partition " : "partitions ") + names + " of " + whole;
}

/// DROP ... IF EXISTS of what is not there is done already.
template <class T>
const T* find_to_drop(const model::lookup<T>& found, bool if_exists, const std::string& name, session_reply& reply) {
  const auto* error = std::get_if<model::statement_error>(&found);
  if (!error)
    return std::get<const T*>(found);
  if (if_exists && error->code == model::error_code::not_found)
    reply.done(name + " does not exist: nothing to do", 0);
  else
    reply.fail(*error);
  return nullptr;
}

/// "partition y2024 of shop.orders"
[[nodiscard]] inline std::string partition_name(session_ptr self, const model::table_name& table, const std::string& partition) {
  return "partition " + partition + " of " + model::full_name(table, self->state.database);
}

template <class Then>
void propose(session_ptr self, model::edit_body body, Then then) {
  const auto& ports = self->state.ports.job;
  tabletd::propose(self, ports.journal, ports.wall_clock(), std::move(body), std::move(then));
}

/// One edit, one answer; `affected`: what the answer counts.
inline void propose_and_tell(session_ptr self, model::edit_body body, session_reply reply, std::string doing,
                             std::string done, std::uint64_t affected = 1) {
  propose(self, std::move(body), [self, reply, doing, done, affected](const model::edit_answer& answer) mutable {
    if (answer.ok())
      reply.done(done, affected);
    else
      reply.fail(model::error_of(answer, doing, self->state.ports.job.leader()));
  });
}

/// Several edits of one statement, each tried whatever becomes of the others: what was done, and
/// what was not and why.
void propose_all(session_ptr self, std::vector<std::pair<model::edit_body, std::string>> named_edits,
                 session_reply reply, std::string doing, std::string done);

void write(session_ptr self, const model::add_backends& what, session_reply reply);
void write(session_ptr self, const model::drop_backend& what, session_reply reply);
void write(session_ptr self, const model::modify_backend& what, session_reply reply);
void write(session_ptr self, const model::decommission_backend& what, session_reply reply);

void write(session_ptr self, const model::add_frontend& what, session_reply reply);
void write(session_ptr self, const model::drop_frontend& what, session_reply reply);
void write(session_ptr self, const model::hand_over_leadership& what, session_reply reply);

void write(session_ptr self, const model::repair_table& what, session_reply reply);
void write(session_ptr self, const model::set_replica_status& what, session_reply reply);
void write(session_ptr self, const model::set_config& what, session_reply reply);
void write(session_ptr self, const model::pause_balance& what, session_reply reply);
void write(session_ptr self, const model::resume_balance& what, session_reply reply);
void write(session_ptr self, const model::rebalance_disk& what, session_reply reply);
void write(session_ptr self, const model::check_tablets& what, session_reply reply);

void write(session_ptr self, const model::make_checkpoint& what, session_reply reply);

void write(session_ptr self, const model::create_resource& what, session_reply reply);
void write(session_ptr self, const model::alter_resource& what, session_reply reply);
void write(session_ptr self, const model::drop_resource& what, session_reply reply);
void write(session_ptr self, const model::create_storage_policy& what, session_reply reply);
void write(session_ptr self, const model::alter_storage_policy& what, session_reply reply);
void write(session_ptr self, const model::drop_storage_policy& what, session_reply reply);
void write(session_ptr self, const model::set_table_policy& what, session_reply reply);
void write(session_ptr self, const model::cooldown_table& what, session_reply reply);
void write(session_ptr self, const model::recall_table& what, session_reply reply);
void write(session_ptr self, const model::modify_partition& what, session_reply reply);

void write(session_ptr self, const model::warm_up_cluster& what, session_reply reply);
void write(session_ptr self, const model::warm_up_tables& what, session_reply reply);
void write(session_ptr self, const model::cancel_warm_up& what, session_reply reply);
void write(session_ptr self, const model::pause_warm_up& what, session_reply reply);
void write(session_ptr self, const model::resume_warm_up& what, session_reply reply);
/// These two only read.
void verify(session_ptr self, const model::verify_warm_up& what, session_reply reply);
void show(session_ptr self, const model::show_warm_up& what, session_reply reply);

void write(session_ptr self, const model::save_plan& what, session_reply reply);
void write(session_ptr self, const model::apply_plan& what, session_reply reply);
void write(session_ptr self, const model::drop_plan& what, session_reply reply);

} // namespace tabletd::session
