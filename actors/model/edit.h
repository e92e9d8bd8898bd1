#pragma once
// What can become true, as values.  One edit is one entry of the edit log; the wire
// twin is schemas/edits.capnp, and actors/codec/edit_codec.h maps between the two.
#include "actors/model/ids.h"
#include <array>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

enum class medium : std::uint8_t { hdd, ssd };

/// Where a replica lives: one path of one backend.
struct place {
  backend_id backend{};
  path_hash path{};
  friend bool operator==(const place&, const place&) = default;
};

struct path_seen {
  path_hash hash{};
  std::string root;
  model::medium medium{};
  friend bool operator==(const path_seen&, const path_seen&) = default;
};

using cluster_uuid = std::array<std::uint8_t, 16>;

/// Why a replica left the catalog.  Order of the list = order of preference when one of
/// several surplus replicas must go (spec/replica.md 4.9).
enum class drop_reason : std::uint8_t {
  backend_dropped,
  bad,
  backend_unavailable,
  version_incomplete,
  same_host,
  highest_load,
  lost,          ///< A current full report of its backend did not list it.
  table_dropped,
};

// -- edits ---------------------------------------------------------------------------
struct cluster_founded { cluster_uuid cluster{}; std::string name; friend bool operator==(const cluster_founded&, const cluster_founded&) = default; };
struct term_began { model::term term{}; std::uint64_t leader{}; friend bool operator==(const term_began&, const term_began&) = default; };
struct backend_added { std::string host; std::uint16_t port{}; friend bool operator==(const backend_added&, const backend_added&) = default; };
struct backend_dropped { backend_id backend{}; friend bool operator==(const backend_dropped&, const backend_dropped&) = default; };
struct backend_decommission { backend_id backend{}; bool on{}; friend bool operator==(const backend_decommission&, const backend_decommission&) = default; };
struct backend_died { backend_id backend{}; friend bool operator==(const backend_died&, const backend_died&) = default; };
struct backend_returned { backend_id backend{}; std::vector<path_seen> paths; friend bool operator==(const backend_returned&, const backend_returned&) = default; };
struct database_created { std::string name; friend bool operator==(const database_created&, const database_created&) = default; };
struct database_dropped { database_id database{}; friend bool operator==(const database_dropped&, const database_dropped&) = default; };

struct table_created {
  database_id database{};
  std::string name;
  std::uint32_t key_column = 1; ///< 1-based.
  char separator = '\t';
  std::uint32_t replication_num = 3;
  std::vector<std::vector<place>> placements; ///< [bucket][replica]
  friend bool operator==(const table_created&, const table_created&) = default;
};
struct table_dropped { table_id table{}; friend bool operator==(const table_dropped&, const table_dropped&) = default; };

struct load_begun { table_id table{}; std::string label; friend bool operator==(const load_begun&, const load_begun&) = default; };
struct tablet_loaded {
  tablet_id tablet{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::vector<replica_id> prepared; ///< Who holds the rows durably; every other replica now has a hole.
  friend bool operator==(const tablet_loaded&, const tablet_loaded&) = default;
};
struct load_committed { txn_id txn{}; std::vector<tablet_loaded> tablets; friend bool operator==(const load_committed&, const load_committed&) = default; };
struct load_aborted { txn_id txn{}; std::string reason; friend bool operator==(const load_aborted&, const load_aborted&) = default; };
struct load_published { txn_id txn{}; friend bool operator==(const load_published&, const load_published&) = default; };

struct clone_ordered {
  tablet_id tablet{};
  std::uint8_t health{};   ///< tablet_health that asked for it.
  std::uint8_t priority{}; ///< repair_priority.
  place source;
  place target;
  replica_id replica{};    ///< 0: a new replica, which the fold names (from next_id); else filled in place.
  model::version version{};
  friend bool operator==(const clone_ordered&, const clone_ordered&) = default;
};
struct clone_ended {
  tablet_id tablet{};
  log_index order{};
  model::version reached{}; ///< 0: failed.
  std::string failure;
  friend bool operator==(const clone_ended&, const clone_ended&) = default;
};
struct replica_dropped { tablet_id tablet{}; replica_id replica{}; drop_reason reason{}; friend bool operator==(const replica_dropped&, const replica_dropped&) = default; };
struct replica_observed { tablet_id tablet{}; replica_id replica{}; model::version version{}; bool bad{}; friend bool operator==(const replica_observed&, const replica_observed&) = default; };
struct replica_readopted { tablet_id tablet{}; replica_id replica{}; model::place place; model::version version{}; friend bool operator==(const replica_readopted&, const replica_readopted&) = default; };

using edit_body = std::variant<cluster_founded, term_began, backend_added, backend_dropped, backend_decommission, backend_died,
                               backend_returned, database_created, database_dropped, table_created, table_dropped, load_begun,
                               load_committed, load_aborted, load_published, clone_ordered, clone_ended, replica_dropped,
                               replica_observed, replica_readopted>;

struct edit {
  time_ms at{}; ///< Leader's wall clock at proposal: the only time the fold sees.
  edit_body body;
  friend bool operator==(const edit&, const edit&) = default;
};

} // namespace tabletd::model
