// Cooldown over the links to backends; see backend_links.cpp for the rest.
#include "node/fe/backend_links.h"
#include "node/fe/backend_session.h"
#include "node/kj_text.h"

#include <caf/send.hpp>
#include <fmt/format.h>

namespace tabletd {

void backend_links::serve(cooldown_overseer_actor overseer) {
  in_loop([overseer](backend_links& self) {
    self.desk_->overseer = overseer;
    for (const auto& [backend, at] : self.sessions_)
      if (self.live(backend))
        caf::anon_send(overseer, backend_linked{backend});
  });
}

void backend_links::leave(caf::actor_id overseer) {
  in_loop([overseer](backend_links& self) {
    if (self.desk_->overseer && self.desk_->overseer.id() == overseer)
      self.desk_->overseer = nullptr;
  });
}

void backend_links::push(model::backend_id backend, sealed<wire::CooldownOrders> orders) {
  in_loop([backend, orders](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return; // It is told when it has attached.
    auto request = at->link->service.cooldownRequest();
    request.setTerm(at->who.term);
    request.setOrders(orders.get());
    self.tasks_->add(request.send().ignoreResult().catch_([&self, at](kj::Exception&& why) {
      self.lost(at, fmt::format("cooldown orders were not accepted: {}", text_of(why)));
    }));
  });
}

} // namespace tabletd
