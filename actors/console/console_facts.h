#pragma once
// What the console shows of things it cannot see: front ends, actors, the journal.  Plain
// values behind functions, so that node wires them and tests make them up.
#include "actors/model/cooldown_handler.h"
#include "actors/model/warmup_standing.h"
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tabletd {

/// One row of SHOW FRONTENDS.
struct frontend_row {
  std::uint64_t node{}; ///< Its number in the group.
  std::string name;
  std::string host;
  std::uint16_t rpc_port{};
  std::uint16_t http_port{};
  std::string role; ///< "LEADER", "FOLLOWER", "OBSERVER"
  bool is_master = false;
  bool alive = false;
  std::uint64_t replayed{};        ///< Log index its catalog has folded.
  model::time_ms last_heartbeat{}; ///< 0: never.
  std::string error;
  std::string version;
  std::string edit_log_address{};
};
struct frontend_facts {
  std::vector<frontend_row> rows;
  std::string leader; ///< "host:port" of its console; empty when none is known.
};

/// One row of SHOW PROC '/actors'.
struct actor_row {
  std::string supervisor;
  std::string actor; ///< Its id among its siblings.
  std::string type;
  std::string state;
  std::uint64_t restarts{};
  model::time_ms since{}; ///< When `state` began.
  std::string last_error;
};

struct journal_facts {
  std::uint64_t node{};
  std::uint64_t leader{}; ///< Node id; 0: none is known.
  bool leads = false;
  bool failed = false;
  std::uint64_t term{};
  std::uint64_t first_index{};
  std::uint64_t last_index{};
  std::uint64_t commit_index{};
  std::uint64_t applied_index{};
  std::uint64_t pending{};
  std::uint64_t pending_bytes{};
  std::uint64_t file_bytes{};
  std::uint64_t wal_bytes{};
  std::uint64_t entries{}; ///< These since the process began.
  std::uint64_t bytes{};
  std::uint64_t commits{};
  std::uint64_t overloaded{};
};

/// Called from session actors, several at once: must not block.
struct console_facts {
  std::function<frontend_facts()> frontends;
  std::function<std::vector<actor_row>()> actors;
  std::function<journal_facts()> journal;
  /// Item and value, as SHOW PROC '/checkpoint' lists them.
  std::function<std::vector<std::pair<std::string, std::string>>()> checkpoint;
  /// How each tablet that is looked after stands, ascending, at most so many.
  std::function<std::vector<std::pair<model::tablet_id, model::cooldown_standing>>(std::size_t rows_max)> cooldown;
  /// Of a running round on the leader; nothing elsewhere.
  std::function<std::optional<model::warmup_lane_standing>(model::warmup_job_id, model::backend_id)> warmup_lane;
};

} // namespace tabletd
