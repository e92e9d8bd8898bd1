#pragma once
// What peer_links knows of the stream to one other front end.
#include "node/fe/peer_links.h"

namespace tabletd {

struct peer_links::outgoing {
  model::node_id node{};
  std::string address;  ///< As the log says; before there is one, as configured.
  // Guarded by the mutex of peer_links.
  std::vector<kj::Array<capnp::word>> queue;
  std::size_t bytes = 0;
  bool is_up = false;
  bool has_dropped = false;   ///< Something did not fit; the core is told when the queue is empty.
  bool is_announced = false;  ///< The loop knows that the queue is not empty.
  // Loop thread.
  std::string said_address;  ///< What it last called its own.
  std::string reached_at;    ///< Where it last answered; empty: nowhere yet.
  std::size_t attempts = 0;  ///< In vain.
  bool is_met = false;       ///< By the attempt under way.
  kj::Own<kj::PromiseFulfiller<void>> filled;
  kj::TimePoint up_since = kj::origin<kj::TimePoint>();
  kj::Promise<void> dialing = nullptr;  ///< Goes first: it uses the rest.
};

}  // namespace tabletd
