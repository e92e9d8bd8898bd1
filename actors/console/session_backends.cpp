// ALTER SYSTEM: backends come, change and go.
#include "actors/console/session_steps.h"
#include "actors/model/decommission.h"
#include "actors/model/transfer_plan.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::session {

namespace {

using model::error_code;
using model::statement_error;

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

void tell(additions& all, session_reply& reply, const std::string& done) {
  if (all.failed.empty())
    return reply.done(done + listed(all.done), all.done.size());
  auto error = all.failed.front();
  if (!all.done.empty())
    error.message += "; " + done + "nevertheless: " + listed(all.done);
  reply.fail(std::move(error));
}

} // namespace

void propose_all(session_ptr self, std::vector<std::pair<model::edit_body, std::string>> named_edits,
                 session_reply reply, std::string doing, std::string done) {
  const auto all = std::make_shared<additions>();
  all->waiting = named_edits.size();
  for (auto& [body, name] : named_edits) {
    const bool makes_one = std::holds_alternative<model::backend_added>(body);
    propose(self, std::move(body), [=, name = name](const model::edit_answer& answer) mutable {
      if (answer.ok())
        all->done.push_back(makes_one ? fmt::format("{} (id {})", name, answer.id) : name);
      else
        all->failed.push_back(model::error_of(answer, doing + ' ' + name, self->state.ports.job.leader()));
      if (--all->waiting == 0)
        tell(*all, reply, done + ' ');
    });
  }
}

void write(session_ptr self, const model::add_backends& what, session_reply reply) {
  auto addresses = what.addresses;
  for (auto at = addresses.begin(); at != addresses.end(); ++at)
    addresses.erase(std::remove(at + 1, addresses.end(), *at), addresses.end());
  std::vector<std::pair<model::edit_body, std::string>> edits;
  for (const auto& a : addresses)
    edits.emplace_back(model::backend_added{a.host, a.port, what.cluster, what.location}, model::to_string(a));
  propose_all(self, std::move(edits), reply, "adding", "added");
}

void write(session_ptr self, const model::drop_backend& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_backend(*cat, what.address), reply, [&](const model::backend& backend) {
    const auto name = "backend " + model::described(*cat, backend.id);
    if (!backend.tablets.empty())
      return reply.fail({error_code::failed_precondition,
                         fmt::format("{} still holds {} replica{}", name, backend.tablets.size(),
                                     backend.tablets.size() == 1 ? "" : "s"),
                         fmt::format("ALTER SYSTEM DECOMMISSION BACKEND \"{}\" moves them away and then drops it",
                                     model::to_string(what.address)),
                         {}, {}, {}, {}});
    propose_and_tell(self, model::backend_dropped{backend.id}, reply, "dropping " + name, "dropped " + name);
  });
}

void write(session_ptr self, const model::modify_backend& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_backend(*cat, what.address), reply, [&](const model::backend& backend) {
    const auto name = "backend " + model::described(*cat, backend.id);
    const auto cluster = what.cluster.value_or(backend.cluster);
    const auto location = what.location.value_or(backend.location);
    if (cluster == backend.cluster && location == backend.location)
      return reply.done(name + " is so already: nothing to do", 0);
    propose_and_tell(
        self, model::backend_modified{backend.id, cluster, location}, reply, "changing " + name,
        fmt::format("{} is of cluster {} now{}", name, cluster, location.empty() ? "" : ", at " + location));
  });
}

void write(session_ptr self, const model::decommission_backend& what, session_reply reply) {
  const auto cat = catalog_of(self);
  with(model::look_up_backend(*cat, what.address), reply, [&](const model::backend& backend) {
    const auto name = "backend " + model::described(*cat, backend.id);
    if (backend.decommissioned == what.on)
      return reply.done(
          name + (what.on ? " is being decommissioned already" : " is not being decommissioned") + ": nothing to do",
          0);
    if (what.on)
      if (auto refusal = model::decommission_refusal(*cat, backend))
        return reply.fail(std::move(*refusal));
    propose_and_tell(self, model::backend_decommission{backend.id, what.on}, reply,
                     (what.on ? "decommissioning " : "keeping ") + name,
                     what.on ? fmt::format("decommissioning {}: {} replicas to move", name, backend.tablets.size())
                             : name + " stays");
  });
}

} // namespace tabletd::session
