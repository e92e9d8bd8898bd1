#pragma once
// CREATE TABLE, and ALTER TABLE ADD PARTITION, after its words are understood: place it, make it
// true, have every replica created, and say who was slow.  Pure; actors/console/table_birth
// carries it out.
#include "actors/model/cluster_view.h"
#include "actors/model/edit_answer.h"
#include "actors/model/statement.h"
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd::model {

// -- events ----------------------------------------------------------------------------
struct replica_create_ended {
  backend_id backend{};
  tablet_id tablet{};
  std::string failure; ///< Empty: it exists.
};
struct birth_due {};
using birth_event = std::variant<edit_answer, replica_create_ended, birth_due>;

// -- effects, carried out in order -----------------------------------------------------
struct propose_birth { edit_body body; };
struct create_replica {
  backend_id backend{};
  tablet_id tablet{};
  replica_id replica{};
  path_hash path{};
  log_index fence{};
};
struct order_replicas { std::vector<create_replica> orders; };
struct arm_birth_due { time_ms in{}; };
/// Answers the statement; nothing follows.
struct answer_birth {
  std::variant<statement_error, statement_done> body;
  std::vector<statement_error> warnings;
};
using birth_effect = std::variant<propose_birth, order_replicas, arm_birth_due, answer_birth>;
using birth_effects = std::vector<birth_effect>;

/// How long a client waits for backends; what is late is created by the next report.
inline constexpr time_ms birth_patience{10'000};
/// Placements that were overtaken by events are made anew this often.
inline constexpr std::uint32_t placements_max = 3;

struct table_birth {
  std::variant<create_table, add_partition> what;
  database_id database{};
  std::string name; ///< "shop.orders", for sentences.
  fit_limits fit{};
  std::uint32_t placed = 0;
  std::uint64_t tablets{};
  std::uint64_t replicas{};
  std::set<std::pair<backend_id, tablet_id>> waiting;
  std::map<backend_id, std::vector<std::pair<tablet_id, std::string>>> failed;

  [[nodiscard]] std::string_view kind() const { ///< statement_row::kind
    return std::holds_alternative<create_table>(what) ? "create_table" : "add_partition";
  }
  [[nodiscard]] std::string described() const; ///< "shop.orders", "partition p1 of shop.orders"
};

[[nodiscard]] birth_effects begin(table_birth& life, const catalog& cat, const cluster_view& view);
[[nodiscard]] birth_effects step(table_birth& life, const birth_event& event, const catalog& cat,
                                 const cluster_view& view, std::string_view leader);

} // namespace tabletd::model
