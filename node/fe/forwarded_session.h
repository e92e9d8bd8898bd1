#pragma once
// A session of the leader as a client of this front end holds it.  Statements, uploads and
// downloads are carried by Cap'n Proto; this only says in the console's own words what it
// means when the leader goes away in the middle.
#include "node/fe/leader_link.h"
#include <string>

namespace tabletd {

/// `leader`: "host:port" of its console, for sentences.
[[nodiscard]] api::Session::Client forward_session(leader_link::session at_leader, std::string leader);

} // namespace tabletd
