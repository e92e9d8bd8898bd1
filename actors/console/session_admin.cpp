// ADMIN: what an operator says about repair, balance, replicas and settings.
#include "actors/codec/repair_codec.h"
#include "actors/console/session_steps.h"
#include "actors/model/cluster_config.h"
#include "actors/model/transfer_plan.h"
#include <caf/send.hpp>
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::session {

namespace {

using model::error_code;
using model::raw;
using model::statement_error;

/// The reference's timeout of a priority hint (spec/replica.md 3.1).
constexpr model::time_ms hint_lasts = std::chrono::hours(4);

/// Looks the scope up and calls use(its word in the log, its name in sentences).
template <class Use>
void with_scope(session_ptr self, const model::catalog& cat, const model::balance_scope& scope, session_reply& reply,
                Use&& use) {
  std::visit(model::overloaded{
    [&](std::monostate) { use(std::string{"all"}, std::string{"balance"}); },
    [&](const model::table_name& name) {
      with(model::look_up_table(cat, name, self->state.database), reply, [&](const model::table& t) {
        use(fmt::format("table:{}", raw(t.id)), "balance of table " + model::full_name(name, self->state.database));
      });
    },
    [&](const model::backend_address& address) {
      with(model::look_up_backend(cat, address), reply, [&](const model::backend& b) {
        use(fmt::format("backend:{}", raw(b.id)), "balance of backend " + model::described(cat, b.id));
      });
    },
  }, scope);
}

std::string hours_and_minutes(model::time_ms span) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(span).count();
  if (minutes == 0)
    return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(span).count());
  return minutes < 60 ? fmt::format("{} min", minutes) : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

} // namespace

void write(session_ptr self, const model::repair_table& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with_partitions(
      self, *cat, what.table, what.partitions, reply, [&](const model::table& of, const some_partitions& parts) {
        std::vector<model::partition_id> ids;
        for (const auto* part : parts)
          ids.push_back(part->id);
        const auto name = subject(self, what.table, what.partitions);
        if (what.on)
          return propose_and_tell(
              self, model::repair_hinted{of.id, ids, self->state.ports.job.wall_clock() + hint_lasts}, reply,
              "hurrying the repair of " + name, name + " is repaired before others for 4 hours", ids.size());
        std::erase_if(ids, [&](model::partition_id id) { return !cat->hints.contains(id); });
        if (ids.empty())
          return reply.done(name + " is not repaired before others: nothing to do", 0);
        propose_and_tell(self, model::repair_unhinted{of.id, ids}, reply, "taking back the hurry of " + name,
                         name + " is repaired in its turn again", ids.size());
      });
}

void write(session_ptr self, const model::set_replica_status& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto* tablet = cat->tablets.find(model::tablet_id{what.tablet});
  if (!tablet)
    return reply.fail({error_code::not_found, fmt::format("there is no tablet {}", what.tablet),
                       "SHOW TABLETS FROM a table lists its tablets", {}, {}, {}, {}});
  const auto* replica = tablet->on(model::backend_id{what.backend});
  if (!replica)
    return reply.fail({error_code::not_found,
                       fmt::format("tablet {} has no replica on backend {}", what.tablet,
                                   model::described(*cat, model::backend_id{what.backend})),
                       fmt::format("ADMIN DIAGNOSE TABLET {} lists its replicas", what.tablet), {}, {}, {}, {}});
  const auto name = fmt::format("replica {} of tablet {} on backend {}", raw(replica->id), what.tablet,
                                model::described(*cat, replica->backend));
  if (replica->set_bad == what.bad)
    return reply.done(name + (what.bad ? " was declared bad already" : " was not declared bad") + ": nothing to do", 0);
  propose_and_tell(self, model::replica_status_set{tablet->id, replica->id, what.bad}, reply, "declaring " + name,
                   name + (what.bad ? " is bad now and will be replaced" : " is trusted again"));
}

void write(session_ptr self, const model::set_config& what, session_reply reply) {
  std::vector<std::pair<model::edit_body, std::string>> edits;
  for (const auto& [key, value] : what.values)
    edits.emplace_back(model::config_set{key, value},
                       value.empty() ? key + " to its default" : fmt::format("{} to {}", key, value));
  propose_all(self, std::move(edits), reply, "setting", "set");
}

void write(session_ptr self, const model::pause_balance& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with_scope(self, *cat, what.scope, reply, [&](const std::string& scope, const std::string& name) {
    const auto until = self->state.ports.job.wall_clock() + what.duration;
    // The console knows no users yet: whoever may write is "console".
    propose_and_tell(self, model::balance_paused{scope, "console", what.reason, until}, reply, "pausing " + name,
                     fmt::format("{} is paused for {}", name, hours_and_minutes(what.duration)));
  });
}

void write(session_ptr self, const model::resume_balance& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with_scope(self, *cat, what.scope, reply, [&](const std::string& scope, const std::string& name) {
    if (!cat->pauses.find(scope))
      return reply.done(name + " is not paused: nothing to do", 0);
    propose_and_tell(self, model::balance_resumed{scope}, reply, "resuming " + name, name + " goes on");
  });
}

void write(session_ptr self, const model::rebalance_disk& what, session_reply reply) {
  const auto cat = catalog_of(self);
  std::vector<model::backend_id> backends;
  std::string names;
  for (const auto& address : what.addresses) {
    const auto found = model::look_up_backend(*cat, address);
    if (const auto* error = std::get_if<statement_error>(&found))
      return reply.fail(*error);
    backends.push_back(std::get<const model::backend*>(found)->id);
    names += (names.empty() ? "" : ", ") + model::described(*cat, backends.back());
  }
  const auto subject = names.empty() ? std::string{"every backend"} : "backend " + names;
  const auto now = self->state.ports.job.wall_clock();
  if (what.on)
    return propose_and_tell(self, model::rebalance_disks(*cat, backends, now), reply,
                            "hurrying the disk balance of " + subject,
                            "the disks of " + subject + " are balanced before others for 24 hours");
  if (!model::disk_rebalance_of(*cat, now))
    return reply.done("no disks are balanced before others: nothing to do", 0);
  propose_and_tell(self, model::forget_disks(*cat, backends, now), reply, "taking back the disk balance of " + subject,
                   "the disks of " + subject + " are balanced in their turn again");
}

/// Nobody waits for the ends: what is damaged, its backend reports.
void write(session_ptr self, const model::check_tablets& what, session_reply reply) {
  const auto cat = catalog_of(self);
  std::vector<const model::tablet*> tablets;
  for (const auto id : what.tablets) {
    const auto* tablet = cat->tablets.find(model::tablet_id{id});
    if (!tablet)
      return reply.fail({error_code::not_found, fmt::format("there is no tablet {}", id),
                         "SHOW TABLETS FROM a table lists its tablets; none was checked", {}, {}, {}, {}});
    if (std::find(tablets.begin(), tablets.end(), tablet) == tablets.end())
      tablets.push_back(tablet);
  }
  // A check is in no log entry, so its fence is the moment it was asked for: a backend answers the
  // same fence from memory, and a second check shall look again.
  const model::log_index fence{static_cast<std::uint64_t>(self->state.ports.job.wall_clock().count())};
  std::uint64_t ordered = 0;
  std::vector<statement_error> warnings;
  for (const auto* tablet : tablets)
    for (const auto& r : tablet->replicas) {
      const auto* home = cat->backends.find(r.backend);
      if (!home || !home->alive) {
        warnings.push_back({error_code::unavailable,
                            fmt::format("the replica of tablet {} on backend {} is not checked: it is down",
                                        raw(tablet->id), model::described(*cat, r.backend)),
                            "check again when it is back",
                            {},
                            {},
                            {},
                            {}});
        continue;
      }
      caf::anon_send(self->state.ports.job.membership,
                     codec::seal_order(r.backend, {fence, model::verify_order{tablet->id, r.id}}));
      ++ordered;
    }
  reply.done(fmt::format("ordered {} check{} of {} tablet{}", ordered, ordered == 1 ? "" : "s", tablets.size(),
                         tablets.size() == 1 ? "" : "s"),
             ordered, std::move(warnings));
}

void write(session_ptr self, const model::make_checkpoint& what, session_reply reply) {
  model::node_id on = 0;
  if (!what.on.empty()) {
    std::string names;
    for (const auto& row : self->state.ports.facts.frontends().rows) {
      if (row.name == what.on)
        on = row.node;
      names += (names.empty() ? "" : ", ") + row.name;
    }
    if (on == 0)
      return reply.fail({error_code::not_found, "there is no front end " + what.on, "there are: " + names, {}, {}, {}, {}});
  }
  auto fail = [reply](std::string why) mutable {
    reply.fail({error_code::unavailable, std::move(why), "SHOW PROC '/checkpoint' shows what is under way", {}, {}, {}, {}});
  };
  self->request(self->state.ports.checkpoint, caf::infinite, checkpoint_order{on})
    .then(
      [reply, fail](const checkpoint_outcome& outcome) mutable {
        if (outcome.done)
          reply.done(outcome.text, 0);
        else
          fail("no checkpoint: " + outcome.text);
      },
      [fail](const caf::error&) mutable { fail("no checkpoint: this fe leads no more; ask the new leader"); });
}

} // namespace tabletd::session
