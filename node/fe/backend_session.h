#pragma once
// One attach of a backend and everything that hangs on it; inside backend_links only.
#include "node/fe/backend_links.h"

#include <caf/send.hpp>

#include <string>
#include <utility>

namespace tabletd {

struct backend_links::session {
  hello who;
  std::string host;
  std::uint16_t port{};
  backend_agent_actor agent;
  backend_link_ptr link;   ///< Set while attached.
  bool over = false;       ///< Superseded, detached or lost: later results are ignored.

  template <class Fill>
  void tell(Fill&& fill) const {
    caf::anon_send(agent, seal<wire::BackendEvent>(std::forward<Fill>(fill), 128));
  }
};

} // namespace tabletd
