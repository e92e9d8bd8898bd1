#pragma once
// An exit signal that overtakes the mailbox.  anon_send_exit() queues behind every normal
// message: 427 ms against 1.2 ms with a busy actor (design/actors.md 2).
#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message_id.hpp>
#include <caf/system_messages.hpp>
#include <utility>

namespace tabletd {

/// `whom`: any actor handle; a null one is ignored.
template <class Handle>
void urgent_exit(const Handle& whom, caf::error why) {
  const auto target = caf::actor_cast<caf::strong_actor_ptr>(whom);
  if (!target)
    return;
  target->enqueue(nullptr, caf::make_message_id(caf::message_priority::high),
                  caf::make_message(caf::exit_msg{caf::actor_cast<caf::actor_addr>(target), std::move(why)}), nullptr);
}

} // namespace tabletd
