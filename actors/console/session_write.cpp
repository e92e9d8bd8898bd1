// Statements that change state.  Each looks before it leaps for the sake of a good sentence;
// whether the edit becomes true is decided by the fold alone.
#include "actors/console/load_job.h"
#include "actors/console/session_jobs.h"
#include "actors/console/session_steps.h"
#include "actors/console/table_birth.h"
#include "actors/model/cluster_config.h"
#include "actors/model/edit_answer.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd {

namespace {

using model::error_code;
using model::statement_error;

using session::catalog_of;
using session::find_to_drop;
using session::job_id;
using session::partition_name;
using session::propose;
using session::propose_and_tell;
using session::run_job;
using session::with;
using session::with_partitions;
using session::write;

// -- databases and tables ----------------------------------------------------------------

void write(session_ptr self, const model::create_database& what, session_reply reply) {
  const std::string exists = "database " + what.name + " exists already: nothing to do";
  if (what.if_not_exists && catalog_of(self)->find_database(what.name))
    return reply.done(exists, 0);
  propose(self, model::database_created{what.name}, [=](const model::edit_answer& answer) mutable {
    if (answer.ok())
      reply.done("created database " + what.name, 1);
    else if (what.if_not_exists && answer.why == model::refusal::database_already_exists)
      reply.done(exists, 0);
    else
      reply.fail(model::error_of(answer, "creating database " + what.name, self->state.ports.job.leader()));
  });
}

void write(session_ptr self, const model::drop_database& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "database " + what.name;
  if (const auto* db = find_to_drop(model::look_up_database(*cat, what.name), what.if_exists, name, reply))
    propose_and_tell(self, model::database_dropped{db->id}, reply, "dropping " + name, "dropped " + name);
}

void write(session_ptr self, const model::drop_table& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "table " + model::full_name(what.table, self->state.database);
  if (const auto* table
      = find_to_drop(model::look_up_table(*cat, what.table, self->state.database), what.if_exists, name, reply))
    propose_and_tell(self, model::table_dropped{table->id}, reply, "dropping " + name, "dropped " + name);
}

// -- births -----------------------------------------------------------------------------

/// CREATE TABLE and ADD PARTITION are one kind of job.
void start_birth(session_ptr self, std::variant<model::create_table, model::add_partition> what,
                 const model::table_name& table, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_database(*cat, table, self->state.database), reply, [&](const model::database& db) {
    model::table_birth life;
    life.what = std::move(what);
    life.database = db.id;
    life.name = model::full_name(table, self->state.database);
    life.fit = model::effective(*cat, self->state.ports.job.startup_config).fit();
    const auto id = job_id(self, life.kind());
    run_job<table_birth_actor>(self, id, spawner(table_birth, std::move(life), self->address(), self->state.ports.job), reply);
  });
}

void write(session_ptr self, const model::create_table& what, session_reply reply) {
  start_birth(self, what, what.table, reply);
}

// -- partitions --------------------------------------------------------------------------

void write(session_ptr self, const model::add_partition& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_table(*cat, what.table, self->state.database), reply,
       [&](const model::table&) { start_birth(self, what, what.table, reply); });
}

void write(session_ptr self, const model::drop_partition& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto name = partition_name(self, what.table, what.partition);
  with_partitions(self, *cat, what.table, {what.partition}, reply, [&](const model::table& of, const auto& found) {
    propose_and_tell(self, model::partition_dropped{of.id, found.front()->id}, reply, "dropping " + name,
                     "dropped " + name);
  });
}

// -- loads -------------------------------------------------------------------------------

/// Longer ones would have to be cut, and two requests could share what is left.
constexpr std::size_t request_id_bytes_max = 32; // schemas/console.capnp

/// Unique, and the same for a repetition of the same request.
std::string made_up_label(session_ptr self, const std::string& request_id) {
  if (request_id.empty())
    return fmt::format("auto-{}-{}-{}", self->state.ports.job.wall_clock().count(), self->id(), self->state.jobs_started);
  std::string label = "request-";
  for (const char c : request_id)
    label += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return label;
}

void write(session_ptr self, const model::load_file& what, session_reply reply, const std::string& request_id) {
  if (request_id.size() > request_id_bytes_max)
    return reply.fail({error_code::invalid_argument,
                       fmt::format("the request id is {} bytes long; at most {} are taken", request_id.size(),
                                   request_id_bytes_max),
                       "this is the client program's mistake: report it there", {}, {}, {}, {}});
  const auto cat = catalog_of(self);
  const model::partition_names named
      = what.partition.empty() ? model::partition_names{} : model::partition_names{what.partition};
  with_partitions(self, *cat, what.table, named, reply, [&](const model::table& table, const auto& found) {
    const auto name = model::full_name(what.table, self->state.database);
    if (found.size() > 1)
      return reply.fail({error_code::invalid_argument,
                         fmt::format("{} has {} partitions, and a load goes into one", name, found.size()),
                         "name it: LOAD FILE ... INTO " + name + " PARTITION (" + found.front()->name + ')',
                         {},
                         {},
                         {},
                         {}});
    const auto id = job_id(self, "load");
    load_from_session from{
      {table.id, found.front()->id, name, what.path, what.label.empty() ? made_up_label(self, request_id) : what.label},
      self->address()};
    run_job<load_job_actor>(self, id, spawner(load_job, load_origin{std::move(from)}, self->state.ports.job), reply,
                            [self](const load_job_actor& job, const statement_outcome& outcome) {
                              if (!outcome.get().isLoad())
                                return;
                              self->state.loads.emplace(outcome.get().getLoad().getTxn(), job);
                              self->monitor(job);
                            });
  });
}

} // namespace

void run_write(session_ptr self, const model::statement& what, session_reply reply, const std::string& request_id) {
  std::visit([&](const auto& s) {
    if constexpr (requires { write(self, s, reply); })
      write(self, s, reply);
    else if constexpr (requires { write(self, s, reply, request_id); })
      write(self, s, reply, request_id);
    else
      reply.fail({error_code::internal, "this statement does not write", "report this", {}, {}, {}, {}});
  }, what);
}

} // namespace tabletd
