#pragma once
// Where a backend's reports and questions enter this node: tablets and tasks go to its backend_agent, cooldown to the
// overseer of the present term.
#include "actors/cooldown/ports.h"
#include "actors/membership/ports.h"
#include "node/kj_loop.h"
#include "schemas/backend.capnp.h"

#include <memory>
#include <utility>

namespace tabletd {

/// Who looks after cooldown now.  Loop thread only; shared by all links, and by sinks that outlive them.
struct cooldown_desk {
  kj_loop& loop;
  caf::actor_system& sys;
  cooldown_overseer_actor overseer{}; ///< Null: this node does not lead, or not yet.
};
using cooldown_desk_ptr = std::shared_ptr<cooldown_desk>;

class report_sink final : public wire::ReportSink::Server {
public:
  report_sink(model::backend_id backend, backend_agent_actor agent, cooldown_desk_ptr desk)
    : backend_(backend), agent_(std::move(agent)), desk_(std::move(desk)) {}

  kj::Promise<void> tablets(TabletsContext context) override;
  kj::Promise<void> tasks(TasksContext context) override;
  kj::Promise<void> cooldown(CooldownContext context) override;
  kj::Promise<void> publishMeta(PublishMetaContext context) override;
  kj::Promise<void> confirmDeletion(ConfirmDeletionContext context) override;

private:
  template <class Answer, class Question>
  [[nodiscard]] kj::Promise<Answer> ask_overseer(Question question);

  model::backend_id backend_;
  backend_agent_actor agent_;
  cooldown_desk_ptr desk_;
};

}  // namespace tabletd
