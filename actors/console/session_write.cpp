// Statements that change state.  Each looks before it leaps for the sake of a good sentence;
// whether the edit becomes true is decided by the fold alone.
#include "actors/console/load_job.h"
#include "actors/console/proposal.h"
#include "actors/console/session_reply.h"
#include "actors/console/table_birth.h"
#include "actors/model/name_lookup.h"
#include "actors/model/transfer_plan.h"
#include "actors/spawn_child.h"
#include "actors/supervision/ports.h"
#include <caf/actor_cast.hpp>
#include <fmt/format.h>
#include <algorithm>

namespace tabletd {

namespace {

using model::error_code;
using model::statement_error;

catalog_snapshot catalog_of(session_ptr self) { return self->state.ports.job.catalog->load(); }

template <class Then>
void propose(session_ptr self, model::edit_body body, Then then) {
  const auto& ports = self->state.ports.job;
  propose(self, ports.journal, ports.wall_clock(), std::move(body), std::move(then));
}

/// One edit, one answer.
void propose_and_tell(session_ptr self, model::edit_body body, session_reply reply, std::string doing, std::string done) {
  propose(self, std::move(body), [self, reply, doing, done](const model::edit_answer& answer) mutable {
    if (answer.ok())
      reply.done(done, 1);
    else
      reply.fail(model::error_of(answer, doing, self->state.ports.job.leader()));
  });
}

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

/// DROP ... IF EXISTS of what is not there is done already.
template <class T>
const T* find_to_drop(const model::lookup<T>& found, bool if_exists, const std::string& name, session_reply& reply) {
  const auto* error = std::get_if<statement_error>(&found);
  if (!error)
    return std::get<const T*>(found);
  if (if_exists && error->code == error_code::not_found)
    reply.done(name + " does not exist: nothing to do", 0);
  else
    reply.fail(*error);
  return nullptr;
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

// -- jobs --------------------------------------------------------------------------------

statement_error no_job(session_ptr self, const caf::error& why) {
  return {error_code::unavailable, "the statement could not be started: " + text_of(self->system(), why),
          "this front end may have stopped leading; connect again", {}, {}, {}, 1'000};
}

/// Starts a job under the supervisor, lets it begin and passes its answer on.  `begun(job, outcome)`
/// sees the answer first.
template <class Job, class Begun>
void run_job(session_ptr self, std::string id, std::function<caf::actor(caf::event_based_actor*)> start,
             session_reply reply, Begun begun) {
  child_spec spec;
  spec.id = std::move(id);
  spec.start = std::move(start);
  spec.when = model::restart::temporary;
  self->request(self->state.ports.jobs, caf::infinite, start_child{std::move(spec)})
    .then(
      [self, reply, begun](const caf::actor& started) mutable {
        const auto job = caf::actor_cast<Job>(started);
        self->request(job, caf::infinite, begin_job{})
          .then(
            [job, reply, begun](const statement_outcome& outcome) mutable {
              begun(job, outcome);
              reply.pass(outcome);
            },
            [self, reply](const caf::error& why) mutable { reply.fail(no_job(self, why)); });
      },
      [self, reply](const caf::error& why) mutable { reply.fail(no_job(self, why)); });
}

std::string job_id(session_ptr self, std::string_view kind) {
  return fmt::format("{}/{}/{}", kind, self->id(), ++self->state.jobs_started);
}

void write(session_ptr self, const model::create_table& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto db = model::look_up_database(*cat, what.table, self->state.database);
  if (const auto* error = std::get_if<statement_error>(&db))
    return reply.fail(*error);
  model::table_birth life;
  life.what = what;
  life.database = std::get<const model::database*>(db)->id;
  life.name = model::full_name(what.table, self->state.database);
  run_job<table_birth_actor>(self, job_id(self, "create_table"),
                             spawner(table_birth, life, self->address(), self->state.ports.job), reply,
                             [](const table_birth_actor&, const statement_outcome&) { /* Nothing more to come. */ });
}

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
  const auto into = model::look_up_table(*cat, what.table, self->state.database);
  if (const auto* error = std::get_if<statement_error>(&into))
    return reply.fail(*error);
  const auto& table = *std::get<const model::table*>(into);
  if (table.partitions.size() > 1)
    return reply.fail({error_code::invalid_argument, model::full_name(what.table, self->state.database)
                                                       + " has several partitions, and a load goes into one",
                       "name it: LOAD FILE ... INTO <table> PARTITION (<partition>)", {}, {}, {}, {}});
  const auto id = job_id(self, "load");
  load_from_session from{{table.id, table.partitions.front().id, model::full_name(what.table, self->state.database),
                          what.path, what.label.empty() ? made_up_label(self, request_id) : what.label},
                         self->address()};
  run_job<load_job_actor>(self, id, spawner(load_job, load_origin{std::move(from)}, self->state.ports.job), reply,
                          [self](const load_job_actor& job, const statement_outcome& outcome) {
                            if (!outcome.get().isLoad())
                              return;
                            self->state.loads.emplace(outcome.get().getLoad().getTxn(), job);
                            self->monitor(job);
                          });
}

// -- backends ----------------------------------------------------------------------------

/// Several edits of one statement: what was done, and what was not and why.
struct additions {
  std::vector<std::string> done;
  std::vector<statement_error> failed;
  std::size_t waiting = 0;
};

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names)
    out += (out.empty() ? "" : ", ") + name;
  return out;
}

void tell_additions(additions& all, session_reply& reply) {
  if (all.failed.empty())
    return reply.done("added " + listed(all.done), all.done.size());
  auto error = all.failed.front();
  if (!all.done.empty())
    error.message += "; added nevertheless: " + listed(all.done);
  reply.fail(std::move(error));
}

void write(session_ptr self, const model::add_backends& what, session_reply reply) {
  const auto all = std::make_shared<additions>();
  auto addresses = what.addresses;
  for (auto at = addresses.begin(); at != addresses.end(); ++at)
    addresses.erase(std::remove(at + 1, addresses.end(), *at), addresses.end());
  all->waiting = addresses.size();
  for (const auto& address : addresses)
    propose(self, model::backend_added{address.host, address.port}, [=](const model::edit_answer& answer) mutable {
      if (answer.ok())
        all->done.push_back(fmt::format("{} (id {})", model::to_string(address), answer.id));
      else
        all->failed.push_back(
          model::error_of(answer, "adding " + model::to_string(address), self->state.ports.job.leader()));
      if (--all->waiting == 0)
        tell_additions(*all, reply);
    });
}

void write(session_ptr self, const model::drop_backend& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto found = model::look_up_backend(*cat, what.address);
  if (const auto* error = std::get_if<statement_error>(&found))
    return reply.fail(*error);
  const auto& backend = *std::get<const model::backend*>(found);
  const auto name = "backend " + model::described(*cat, backend.id);
  if (!backend.tablets.empty())
    return reply.fail({error_code::failed_precondition,
                       fmt::format("{} still holds {} replica{}", name, backend.tablets.size(), backend.tablets.size() == 1 ? "" : "s"),
                       fmt::format("ALTER SYSTEM DECOMMISSION BACKEND \"{}\" moves them away and then drops it",
                                   model::to_string(what.address)),
                       {}, {}, {}, {}});
  propose_and_tell(self, model::backend_dropped{backend.id}, reply, "dropping " + name, "dropped " + name);
}

/// Why the replicas would find no place without this backend, or nothing.
std::optional<statement_error> decommission_refusal(const model::catalog& cat, const model::backend& leaving) {
  std::uint32_t wanted = 0;
  std::string by;
  cat.tables.for_each([&](model::table_id, const model::table& t) {
    if (t.replication_num > wanted) {
      wanted = t.replication_num;
      by = cat.databases.find(t.database)->name + '.' + t.name;
    }
  });
  std::uint32_t left = 0;
  cat.backends.for_each([&](model::backend_id id, const model::backend& b) {
    left += b.available() && id != leaving.id ? 1 : 0;
  });
  if (left >= wanted)
    return std::nullopt;
  return statement_error{error_code::failed_precondition,
                         fmt::format("backend {} cannot leave: {} wants {} replicas, and only {} other backend{} could hold them",
                                     model::described(cat, leaving.id), by, wanted, left, left == 1 ? "" : "s"),
                         "ALTER SYSTEM ADD BACKEND adds one first", {}, {}, {}, {}};
}

void write(session_ptr self, const model::decommission_backend& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto found = model::look_up_backend(*cat, what.address);
  if (const auto* error = std::get_if<statement_error>(&found))
    return reply.fail(*error);
  const auto& backend = *std::get<const model::backend*>(found);
  const auto name = "backend " + model::described(*cat, backend.id);
  if (backend.decommissioned == what.on)
    return reply.done(name + (what.on ? " is being decommissioned already" : " is not being decommissioned") + ": nothing to do", 0);
  if (what.on)
    if (auto refusal = decommission_refusal(*cat, backend))
      return reply.fail(std::move(*refusal));
  propose_and_tell(self, model::backend_decommission{backend.id, what.on}, reply,
                   (what.on ? "decommissioning " : "keeping ") + name,
                   what.on ? fmt::format("decommissioning {}: {} replicas to move", name, backend.tablets.size())
                           : name + " stays");
}

} // namespace

void run_write(session_ptr self, const model::statement& what, session_reply reply, const std::string& request_id) {
  std::visit(model::overloaded{
    [&](const model::create_database& s) { write(self, s, reply); },
    [&](const model::drop_database& s) { write(self, s, reply); },
    [&](const model::create_table& s) { write(self, s, reply); },
    [&](const model::drop_table& s) { write(self, s, reply); },
    [&](const model::add_backends& s) { write(self, s, reply); },
    [&](const model::drop_backend& s) { write(self, s, reply); },
    [&](const model::decommission_backend& s) { write(self, s, reply); },
    [&](const model::load_file& s) { write(self, s, reply, request_id); },
    [&](const auto&) {
      reply.fail({error_code::internal, "this statement does not write", "report this", {}, {}, {}, {}});
    },
  }, what);
}

} // namespace tabletd
