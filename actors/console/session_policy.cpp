// Resources, storage policies, and what tables and partitions say of them.
#include "actors/console/session_jobs.h"
#include "actors/console/session_steps.h"
#include "actors/console/store_trial.h"
#include "actors/model/cooldown_due_text.h"
#include "actors/model/resource_rules.h"

#include <fmt/format.h>

namespace tabletd::session {

namespace {

using model::error_code;
using model::raw;
using model::statement_error;

statement_error refused(error_code code, std::string message, std::string hint) {
  return {code, std::move(message), std::move(hint), {}, {}, {}, {}};
}

void try_store(session_ptr self, store_trial_wish wish, session_reply reply) {
  const auto id = job_id(self, wish.kind);
  run_job<store_trial_actor>(self, id, spawner(store_trial, std::move(wish), self->address(), self->state.ports.job),
                             std::move(reply));
}

/// "shop.orders": a table under the policy, or with a partition that is; empty: none.
std::string table_under(const model::catalog& cat, model::storage_policy_id policy) {
  std::string found;
  cat.tables.for_each([&](model::table_id, const model::table& t) {
    bool named = t.storage_policy == policy;
    for (const auto& part : t.partitions)
      named |= part.storage_policy == policy;
    if (named)
      found = cat.databases.find(t.database)->name + '.' + t.name;
    return found.empty();
  });
  return found;
}

std::string policy_on(const model::catalog& cat, model::resource_id resource) {
  std::string found;
  cat.storage_policies.for_each([&](model::storage_policy_id, const model::storage_policy& p) {
    if (p.resource == resource)
      found = p.name;
    return found.empty();
  });
  return found;
}

statement_error holds_data(const model::resource& of, std::string_view what) {
  return refused(error_code::failed_precondition,
                 fmt::format("resource {} {}: the cooled data of {} tablet{} lies there and nowhere else", of.name,
                             what, of.tablets, of.tablets == 1 ? "" : "s"),
                 "CREATE RESOURCE another one for what cools from now on");
}

statement_error to_be_purged(const model::catalog& cat, const model::resource& of, std::string_view what) {
  return refused(error_code::failed_precondition,
                 fmt::format("resource {} {}: objects of {} dropped tablet{} may lie there", of.name, what,
                             cat.tombstones.size(), cat.tombstones.size() == 1 ? "" : "s"),
                 "the leader deletes them once nobody can write there any more, and logs what is in the way; try again then");
}

/// Two stores may have buckets of the same name.
std::string endpoint_of(const model::resource& of) {
  const auto* endpoint = model::find_property(of.properties, "endpoint");
  return endpoint ? *endpoint : std::string{};
}

/// Where nothing may be left.  Of two resources that are one place, what lies there is the other's.
std::optional<model::resource_properties> place_left(const model::catalog& cat, const model::resource& of) {
  bool is_shared = false;
  cat.resources.for_each([&](model::resource_id id, const model::resource& other) {
    is_shared |= id != of.id && other.type == of.type && model::same_place(of.type, of.properties, other.properties)
                 && endpoint_of(of) == endpoint_of(other);
  });
  return is_shared ? std::nullopt : std::optional{of.properties};
}

/// A moment that is past makes everything due at once, which is rarely meant.
std::string remark(const model::cooldown_due& due, model::time_ms now) {
  const auto* datetime = std::get_if<model::cooldown_datetime>(&due);
  return datetime && datetime->at <= now
             ? "; its cooldown_datetime is past: every rowset under it is due as soon as it is written"
             : "";
}

/// "is under storage policy p", "is under no storage policy"
std::string under(const std::string& policy, std::string_view whose = {}) {
  return policy.empty() ? "is under no storage policy" + std::string{whose} : "is under storage policy " + policy;
}

}  // namespace

// -- resources ---------------------------------------------------------------------------

void write(session_ptr self, const model::create_resource& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string exists = "resource " + what.name + " exists already: nothing to do";
  if (cat->find_resource(what.name)) {
    if (what.if_not_exists)
      return reply.done(exists, 0);
    return reply.fail(refused(error_code::already_exists, "there is a resource " + what.name + " already",
                              "take another name, or ALTER RESOURCE " + what.name));
  }
  try_store(self,
            {.kind = "create_resource",
             .type = what.type,
             .properties = what.properties,
             .edit = model::resource_created{what.name, what.type, what.properties},
             .doing = "creating resource " + what.name,
             .done = "created resource " + what.name,
             .exists = what.if_not_exists ? exists : ""},
            reply);
}

void write(session_ptr self, const model::alter_resource& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_resource(*cat, what.name), reply, [&](const model::resource& of) {
    auto altered = of.properties;
    for (const auto& [key, value] : what.changes)
      model::set_property(altered, key, value);
    if (const auto fault = model::fault_of(of.type, altered))
      return reply.fail(refused(error_code::invalid_argument, fault->message, fault->hint));
    if (altered == of.properties)
      return reply.done("resource " + what.name + " is so already: nothing to do", 0);
    const bool leaves = !model::same_place(of.type, of.properties, altered);
    if (of.tablets > 0 && leaves)
      return reply.fail(holds_data(of, "cannot be moved to another place"));
    if (!cat->tombstones.empty() && leaves)
      return reply.fail(to_be_purged(*cat, of, "cannot be moved to another place"));
    try_store(self,
              {.kind = "alter_resource",
               .type = of.type,
               .properties = altered,
               .leaves = leaves ? place_left(*cat, of) : std::nullopt,
               .edit = model::resource_altered{of.id, altered},
               .doing = "changing resource " + what.name,
               .done = "changed resource " + what.name},
              reply);
  });
}

void write(session_ptr self, const model::drop_resource& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "resource " + what.name;
  const auto* found = find_to_drop(model::look_up_resource(*cat, what.name), what.if_exists, name, reply);
  if (!found)
    return;
  if (const auto policy = policy_on(*cat, found->id); !policy.empty())
    return reply.fail(refused(error_code::failed_precondition,
                              name + " cannot be dropped: storage policy " + policy + " names it",
                              "DROP STORAGE POLICY " + policy + ", or ALTER it to another resource, first"));
  if (found->tablets > 0)
    return reply.fail(holds_data(*found, "cannot be dropped"));
  if (!cat->tombstones.empty())
    return reply.fail(to_be_purged(*cat, *found, "cannot be dropped"));
  try_store(self,
            {.kind = "drop_resource",
             .type = found->type,
             .properties = std::nullopt,
             .leaves = place_left(*cat, *found),
             .edit = model::resource_dropped{found->id},
             .doing = "dropping " + name,
             .done = "dropped " + name},
            reply);
}

// -- storage policies --------------------------------------------------------------------

void write(session_ptr self, const model::create_storage_policy& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "storage policy " + what.name;
  const std::string exists = name + " exists already: nothing to do";
  if (what.if_not_exists && cat->find_storage_policy(what.name))
    return reply.done(exists, 0);
  with(model::look_up_resource(*cat, what.resource), reply, [&](const model::resource& to) {
    const auto done = "created " + name + remark(what.due, self->state.ports.job.wall_clock());
    propose(self, model::storage_policy_created{what.name, to.id, what.due},
            [=](const model::edit_answer& answer) mutable {
              if (answer.ok())
                reply.done(done, 1);
              else if (what.if_not_exists && answer.why == model::refusal::storage_policy_already_exists)
                reply.done(exists, 0);
              else
                reply.fail(model::error_of(answer, "creating " + name, self->state.ports.job.leader()));
            });
  });
}

void write(session_ptr self, const model::alter_storage_policy& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "storage policy " + what.name;
  with(model::look_up_storage_policy(*cat, what.name), reply, [&](const model::storage_policy& of) {
    model::storage_policy_altered edit{of.id, of.resource, what.due.value_or(of.due)};
    if (what.resource) {
      const auto to = model::look_up_resource(*cat, *what.resource);
      if (const auto* error = std::get_if<statement_error>(&to))
        return reply.fail(*error);
      edit.resource = std::get<const model::resource*>(to)->id;
    }
    if (edit.resource == of.resource && edit.due == of.due)
      return reply.done(name + " is so already: nothing to do", 0);
    const auto done = "changed " + name + (what.due ? remark(edit.due, self->state.ports.job.wall_clock()) : "");
    propose_and_tell(self, edit, reply, "changing " + name, done);
  });
}

void write(session_ptr self, const model::drop_storage_policy& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const std::string name = "storage policy " + what.name;
  const auto* found = find_to_drop(model::look_up_storage_policy(*cat, what.name), what.if_exists, name, reply);
  if (!found)
    return;
  if (const auto table = table_under(*cat, found->id); !table.empty())
    return reply.fail(refused(error_code::failed_precondition, name + " cannot be dropped: " + table + " is under it",
                              "SHOW STORAGE POLICY USING FOR " + what.name + " lists who is; take them away first"));
  propose_and_tell(self, model::storage_policy_dropped{found->id}, reply, "dropping " + name, "dropped " + name);
}

// -- who is under them -------------------------------------------------------------------

void write(session_ptr self, const model::set_table_policy& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_table(*cat, what.table, self->state.database), reply, [&](const model::table& of) {
    const auto policy = model::storage_policy_named(*cat, what.storage_policy);
    if (const auto* error = std::get_if<statement_error>(&policy))
      return reply.fail(*error);
    const auto id = std::get<model::storage_policy_id>(policy);
    const auto name = "table " + model::full_name(what.table, self->state.database);
    if (of.storage_policy == id)
      return reply.done(name + ' ' + under(what.storage_policy) + " already: nothing to do", 0);
    propose_and_tell(self, model::storage_policy_set{of.id, {}, id}, reply, "changing " + name,
                     name + ' ' + under(what.storage_policy) + " now");
  });
}

namespace {

std::vector<model::partition_id> ids_of(const some_partitions& parts) {
  std::vector<model::partition_id> ids;
  for (const auto* part : parts)
    ids.push_back(part->id);
  return ids;
}

}  // namespace

void write(session_ptr self, const model::cooldown_table& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with_partitions(self, *cat, what.table, what.partitions, reply, [&](const model::table& of, const some_partitions& parts) {
    const auto name = subject(self, what.table, what.partitions);
    const auto hot = std::ranges::find_if(parts, [&](const auto* part) { return !model::policy_of(*cat, of, *part); });
    if (hot != parts.end())
      return reply.fail(refused(error_code::failed_precondition,
                                fmt::format("partition {} of {} is under no storage policy, so nothing says where to",
                                            (*hot)->name, model::full_name(what.table, self->state.database)),
                                R"(ALTER TABLE ... SET ("storage_policy" = "...") puts a table under one, MODIFY PARTITION a partition)"));
    const auto is_new = [](const auto* part) { return part->visible > part->cool_through; };
    if (std::ranges::none_of(parts, is_new))
      return reply.done("everything in " + name + " is due already: nothing to do", 0);
    propose_and_tell(self, model::cooldown_hurried{of.id, ids_of(parts)}, reply, "cooling " + name,
                     "everything in " + name + " is due now", parts.size());
  });
}

namespace {

/// What takes away the policy that holds for the partition.
std::string takes_policy_away(const model::partition& part, const std::string& table) {
  return raw(part.storage_policy) != 0
             ? fmt::format(R"(ALTER TABLE {} MODIFY PARTITION {} SET ("storage_policy" = "") takes it away)", table, part.name)
             : fmt::format(R"(ALTER TABLE {} SET ("storage_policy" = "") takes it away)", table);
}

}  // namespace

void write(session_ptr self, const model::recall_table& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with_partitions(self, *cat, what.table, what.partitions, reply, [&](const model::table& of, const some_partitions& parts) {
    const auto name = subject(self, what.table, what.partitions);
    const auto table = model::full_name(what.table, self->state.database);
    for (const auto* part : parts)
      if (const auto* policy = model::policy_of(*cat, of, *part))
        return reply.fail(refused(error_code::failed_precondition,
                                  fmt::format("partition {} of {} is under storage policy {}, which would cool it again",
                                              part->name, table, policy->name),
                                  takes_policy_away(*part, table)));
    if (std::ranges::all_of(parts, &model::partition::recalled))
      return reply.done(name + " is recalled already: nothing to do", 0);
    propose_and_tell(self, model::cooldown_recalled{of.id, ids_of(parts)}, reply, "recalling " + name,
                     name + " comes back from the remote store", parts.size());
  });
}

namespace {

std::string_view place_of(std::optional<model::medium> medium) {
  return !medium ? "any disk" : *medium == model::medium::ssd ? "SSD" : "HDD";
}

}  // namespace

void write(session_ptr self, const model::modify_partition& what, session_reply reply) {
  const auto cat = catalog_of(self);
  const auto name = partition_name(self, what.table, what.partition);
  const auto policy = model::storage_policy_named(*cat, what.storage_policy.value_or(""));
  if (const auto* error = std::get_if<statement_error>(&policy))
    return reply.fail(*error);
  const auto policy_id = std::get<model::storage_policy_id>(policy);
  with_partitions(self, *cat, what.table, {what.partition}, reply, [&](const model::table& of, const auto& found) {
    const auto& part = *found.front();
    std::vector<std::pair<model::edit_body, std::string>> edits;
    std::string is;
    const auto say = [&is](const std::string& one) { is += (is.empty() ? "" : " and ") + one; };
    if (what.medium) {
      say("belongs on " + std::string{place_of(*what.medium)});
      if (part.medium != *what.medium)
        edits.emplace_back(model::partition_modified{of.id, part.id, *what.medium}, "storage_medium of " + name);
    }
    if (what.storage_policy) {
      say(under(*what.storage_policy, " of its own"));
      if (part.storage_policy != policy_id)
        edits.emplace_back(model::storage_policy_set{of.id, part.id, policy_id}, "storage_policy of " + name);
    }
    if (edits.empty())
      return reply.done(name + ' ' + is + " already: nothing to do", 0);
    if (edits.size() == 1)
      return propose_and_tell(self, edits.front().first, reply, "changing " + name, name + ' ' + is + " now");
    propose_all(self, std::move(edits), reply, "changing", "changed");
  });
}

}  // namespace tabletd::session
