#pragma once
// The public console API over Cap'n Proto: hands out capabilities by authority, turns
// statements into messages to a console_session actor, and gives bulk data its carriers.
#include "actors/console/ports.h"
#include "node/fe/backend_links.h"
#include "node/fe/leader_link.h"
#include "node/kj_loop.h"
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

  // -- a group of several front ends; left out, this one serves its sessions itself or not at all --
  std::string name = "this fe"; ///< For sentences.
  /// host:port of the leader's console, as this fe knows it; nothing: this fe leads, or it knows nobody who does.
  std::function<std::optional<std::string>()> leader_address = {};
  /// Carries sessions there; started.  Whoever learns of a new leader calls follow() in the loop.
  std::shared_ptr<leader_link> leader = {};
  /// host:port of every console of the group, this one's included, for ServerInfo.
  std::function<std::vector<std::string>()> consoles = {};
};

/// The bootstrap capability of one connection.  `trusted`: whoever reaches the port is one of us
/// (loopback, or security.allow_insecure), so peerCredentials is accepted.
[[nodiscard]] api::Gateway::Client make_gateway(std::shared_ptr<const console_ports> ports, bool trusted);

} // namespace tabletd
