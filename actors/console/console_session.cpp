#include "actors/console/console_session.h"
#include "actors/console/session_steps.h"
#include "actors/model/statement_table.h"
#include "actors/model/transfer_plan.h"
#include <fmt/format.h>

namespace tabletd {

namespace {

using model::statement_error;

using session::look;
using session::with;
using session::with_partitions;

void cut_warning(const model::table_value& table, std::vector<statement_error>& warnings) {
  if (table.rows.size() < views::replica_rows_max)
    return;
  warnings.push_back({model::error_code::resource_exhausted,
                      fmt::format("the list was cut at {} rows", views::replica_rows_max),
                      "SHOW PROC '/dbs/...' shows one tablet at a time", {}, {}, {}, {}});
}

void read(session_ptr self, const model::use_database& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  with(model::look_up_database(*cat, what.name), reply, [&](const model::database& db) {
    self->state.database = db.name;
    reply.done("using database " + db.name, 0);
  });
}

void read(session_ptr self, const model::export_table& what, session_reply& reply) {
  const look now{self};
  with_partitions(self, *now.cat, what.table, what.partitions, reply, [&](const model::table& from, const auto& parts) {
    std::vector<model::partition_id> ids;
    for (const auto* part : parts)
      ids.push_back(part->id);
    auto plan = model::plan_export(*now.cat, *now.cluster, from, ids, what.path, what.cluster);
    if (const auto* error = std::get_if<statement_error>(&plan))
      return reply.fail(*error);
    reply.pass(codec::seal_outcome(std::get<model::export_plan>(plan)));
  });
}

void read(session_ptr self, const model::show_tables& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  const auto& name = what.database.empty() ? self->state.database : what.database;
  if (name.empty())
    return reply.fail({model::error_code::failed_precondition, "no database is chosen",
                       "USE a database first, or SHOW TABLES FROM one", {}, {}, {}, {}});
  with(model::look_up_database(*cat, name), reply,
       [&](const model::database& db) { reply.send(views::show_tables(*cat, db.id)); });
}

void send(session_reply& reply, model::table_value table) {
  std::vector<statement_error> warnings;
  cut_warning(table, warnings);
  reply.send(std::move(table), std::move(warnings));
}

statement_error no_tablet(std::uint64_t id) {
  return {model::error_code::not_found, fmt::format("there is no tablet {}", id),
          "SHOW TABLETS FROM a table lists its tablets", {}, {}, {}, {}};
}

void read(session_ptr self, const model::show_tablet& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  const auto* tablet = cat->tablets.find(model::tablet_id{what.tablet});
  if (!tablet)
    return reply.fail(no_tablet(what.tablet));
  reply.send(views::show_tablet(*cat, *tablet));
}

void read(session_ptr self, const model::show_tablets& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  with_partitions(self, *cat, what.table, what.partitions, reply, [&](const model::table&, const auto& parts) {
    send(reply, views::show_tablets(*cat, parts));
  });
}

void read(session_ptr self, const model::explain_tablet& what, session_reply& reply) {
  const look now{self};
  if (!now.cat->tablets.contains(model::tablet_id{what.tablet}))
    return reply.fail(no_tablet(what.tablet));
  reply.send(views::explain_tablet(now.from, model::tablet_id{what.tablet}));
}

void read(session_ptr self, const model::plan_of_balance&, session_reply& reply) {
  reply.send(views::show_what_if(views::what_if(look{self}.from, model::plan_kind::rebalance, {})));
}

void plan_without(session_ptr self, const model::backend_address& address, model::plan_kind what, session_reply& reply) {
  const look now{self};
  with(model::look_up_backend(*now.cat, address), reply,
       [&](const model::backend& b) { reply.send(views::show_what_if(views::what_if(now.from, what, b.id))); });
}
void read(session_ptr self, const model::plan_of_decommission& what, session_reply& reply) {
  plan_without(self, what.address, model::plan_kind::decommission, reply);
}
void read(session_ptr self, const model::plan_of_loss& what, session_reply& reply) {
  plan_without(self, what.address, model::plan_kind::loss, reply);
}

void read(session_ptr self, const model::show_plans&, session_reply& reply) {
  reply.send(views::show_plans(look{self}.from));
}
void read(session_ptr self, const model::show_plan& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  with(model::look_up_plan(*cat, what.name), reply,
       [&](const model::saved_plan& plan) { reply.send(views::show_plan(*cat, plan)); });
}

void read(session_ptr self, const model::diagnose_tablet& what, session_reply& reply) {
  reply.send(views::diagnose_tablet(*self->state.ports.job.catalog->load(), model::tablet_id{what.tablet}));
}

void read(session_ptr self, const model::show_repair_history& what, session_reply& reply) {
  reply.send(views::repair_history(*self->state.ports.job.catalog->load(), model::tablet_id{what.tablet}));
}

void read(session_ptr self, const model::show_replica_status& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  with_partitions(self, *cat, what.table, what.partitions, reply, [&](const model::table& of, const auto& parts) {
    send(reply, views::replica_status(*cat, of, parts, what.where));
  });
}

void read(session_ptr self, const model::show_replica_distribution& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  with_partitions(self, *cat, what.table, what.partitions, reply, [&](const model::table&, const auto& parts) {
    reply.send(views::replica_distribution(*cat, parts));
  });
}

void read(session_ptr self, const model::show_config& what, session_reply& reply) {
  reply.send(views::show_config(look{self}.from, what.pattern));
}

void read(session_ptr self, const model::show_proc& what, session_reply& reply) {
  const look now{self};
  const auto at = model::find_proc(what.path, *now.cat);
  if (const auto* error = std::get_if<statement_error>(&at))
    return reply.fail(*error);
  send(reply, views::show_proc(now.from, std::get<model::proc_target>(at)));
}

void read(session_ptr, const model::help_words& what, session_reply& reply) {
  auto answer = model::help(what);
  if (const auto* error = std::get_if<statement_error>(&answer))
    return reply.fail(*error);
  reply.send(std::get<model::table_value>(std::move(answer)));
}

void read(session_ptr self, const model::show_databases&, session_reply& reply) {
  reply.send(views::show_databases(*self->state.ports.job.catalog->load()));
}
void read(session_ptr self, const model::show_backends&, session_reply& reply) {
  reply.send(views::show_backends(look{self}.from));
}
void read(session_ptr self, const model::show_frontends&, session_reply& reply) {
  reply.send(views::show_frontends(look{self}.from));
}

void read(session_ptr self, const model::show_resources&, session_reply& reply) {
  reply.send(views::show_resources(*self->state.ports.job.catalog->load()));
}
void read(session_ptr self, const model::show_storage_policies&, session_reply& reply) {
  reply.send(views::show_storage_policies(*self->state.ports.job.catalog->load()));
}
void read(session_ptr self, const model::show_policy_users& what, session_reply& reply) {
  const auto cat = self->state.ports.job.catalog->load();
  if (what.name.empty())
    return reply.send(views::show_policy_users(*cat, {}));
  with(model::look_up_storage_policy(*cat, what.name), reply,
       [&](const model::storage_policy& of) { reply.send(views::show_policy_users(*cat, of.id)); });
}

void read(session_ptr self, const model::show_warm_up& what, session_reply& reply) {
  session::show(self, what, reply);
}
void read(session_ptr self, const model::verify_warm_up& what, session_reply& reply) {
  session::verify(self, what, reply);
}

/// Everything else changes state.
template <class Write>
void read(session_ptr, const Write&, session_reply& reply) {
  reply.fail({model::error_code::internal, "this statement does not read", "report this", {}, {}, {}, {}});
}

/// Neither shows what is true now, and what a client sends behind USE must find it done.
bool shows_state(const model::statement& what) {
  return !std::holds_alternative<model::help_words>(what) && !std::holds_alternative<model::use_database>(what);
}

/// What is shown was true after it was asked for: a leader that was deposed may not have noticed yet.
void run_read(session_ptr self, const model::statement& what, session_reply reply) {
  auto show = [self, what, reply]() mutable {
    std::visit([&](const auto& one) { read(self, one, reply); }, what);
  };
  const auto& leader = self->state.ports.leader;
  if (!leader || !shows_state(what))
    return show();
  auto refuse = [self, reply]() mutable {
    model::edit_answer answer;
    answer.failure = model::journal_failure::not_leader;
    reply.fail(model::error_of(answer, "reading", self->state.ports.job.leader()));
  };
  self->request(leader, caf::infinite, confirm_leading{})
    .then([show, refuse](const leading_confirmed& is) mutable { is.leads ? show() : refuse(); },
          [refuse](const caf::error&) mutable { refuse(); });
}

// -- the mailbox -------------------------------------------------------------------------

void run(session_ptr self, const statement_text& message) {
  const auto asked = message.get();
  const std::string_view text{asked.getText().cStr(), asked.getText().size()};
  auto outcome = model::parse(text);
  if (auto* error = std::get_if<statement_error>(&outcome))
    return session_reply{self, ""}.fail(std::move(*error));
  const auto& what = std::get<model::statement>(outcome);
  const auto& row = model::row_of(what);
  session_reply reply{self, row.kind};
  if (!row.mutates) {
    run_read(self, what, reply);
  } else if (!asked.getMayWrite()) {
    reply.fail({model::error_code::permission_denied, "this session may only read",
                "open the session as an operator to change state", {}, {}, {}, {}});
  } else {
    const auto id = asked.getRequestId();
    run_write(self, what, reply, {reinterpret_cast<const char*>(id.begin()), id.size()});
  }
}

/// The promise is made by the reply; what CAF gets back only says that there is one.
caf::typed_response_promise<statement_outcome> on_statement(session_ptr self, const statement_text& message) {
  run(self, message);
  return {};
}

caf::typed_response_promise<api_result> on_prepared(session_ptr self, const load_prepared& rows) {
  auto asked = self->make_response_promise<api_result>();
  const auto txn = rows.get().getTxn();
  const auto job = self->state.loads.find(txn);
  if (job != self->state.loads.end()) {
    asked.delegate(job->second, rows);
  } else {
    asked.deliver(codec::seal_result(
      {"load", 0, {},
       statement_error{model::error_code::not_found, fmt::format("load {} is not open in this session (any more)", txn),
                       "load again; with a LABEL it cannot be loaded twice", {}, {}, {}, {}}}));
  }
  return asked;
}

void on_abandoned(session_ptr self, const load_abandoned& what) {
  if (const auto job = self->state.loads.find(what.txn); job != self->state.loads.end())
    self->send(job->second, what);
}

} // namespace

console_session_state::~console_session_state() {
  for (auto& [number, promise] : waiting)
    promise.deliver(codec::seal_outcome(
      {"", 0, {},
       statement_error{model::error_code::unavailable, "the session ended while the statement ran",
                       "connect again and look before you repeat it: it may have taken effect", {}, {}, {}, 1'000, true}}));
}

console_session_actor::behavior_type console_session(session_ptr self, std::string database,
                                                     console_session_ports ports) {
  self->state.ports = std::move(ports);
  self->state.database = std::move(database);
  self->set_down_handler([self](caf::down_msg& down) {
    std::erase_if(self->state.loads, [&](const auto& entry) { return entry.second.address() == down.source; });
  });
  return {
    [self](const statement_text& message) { return on_statement(self, message); },
    [self](const load_prepared& rows) { return on_prepared(self, rows); },
    [self](const load_abandoned& what) { on_abandoned(self, what); },
  };
}

model::completion complete_statement(const catalog_cell& catalog, std::string_view text, std::size_t cursor,
                                     std::string_view database) {
  return model::complete(text, cursor, *catalog.load(), database);
}

} // namespace tabletd
