#pragma once
// The public console API over Cap'n Proto: hands out capabilities by authority, turns
// statements into messages to a console_session actor, and gives bulk data its carriers.
#include "actors/console/ports.h"
#include "node/fe/backend_links.h"
#include "node/kj_loop.h"
#include <functional>
#include <memory>
#include <string>

namespace tabletd {

/// What the server needs of its node.
struct console_ports {
  kj_loop& loop;
  caf::actor_system& sys;
  std::shared_ptr<backend_links> links;
  /// A new session actor under the console supervisor; rejects while this fe does not lead.
  std::function<kj::Promise<console_session_actor>(std::string database)> open_session;
  std::function<void(api::ServerInfo::Builder)> info;
  std::function<void(api::ClusterHealth::Builder)> health;
  /// Completion needs the catalog only: answered without the session.
  std::function<void(kj::StringPtr text, std::uint32_t cursor, api::Session::CompleteResults::Builder)> complete;
  /// Counts one statement (kind, ok) for the metrics.
  std::function<void(kj::StringPtr kind, bool ok)> statement_ended;
  std::function<void(int change)> sessions_changed;
};

/// The bootstrap capability of one connection.  `trusted`: whoever reaches the port is one of us
/// (loopback, or security.allow_insecure), so peerCredentials is accepted.
[[nodiscard]] api::Gateway::Client make_gateway(std::shared_ptr<const console_ports> ports, bool trusted);

} // namespace tabletd
