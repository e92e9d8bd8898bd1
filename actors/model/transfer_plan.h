#pragma once
// Who is asked for what: which replicas a LOAD writes to and which an EXPORT reads from.
// Pure: catalog, what is linked now, and nothing else.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/statement_result.h"
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

struct planned_replica {
  replica_id replica{};
  backend_id backend{};
  friend bool operator==(const planned_replica&, const planned_replica&) = default;
};
struct planned_tablet {
  tablet_id tablet{};
  model::version version{}; ///< Export only: what is read.
  std::uint64_t rows{};  ///< Export only.
  std::uint64_t bytes{}; ///< Export only.
  std::vector<planned_replica> replicas;
  friend bool operator==(const planned_tablet&, const planned_tablet&) = default;
};

struct load_plan {
  txn_id txn{};
  table_id table{};
  std::string path;
  std::uint32_t key_column{};
  char separator{};
  std::uint32_t replication_num{};     ///< Of the table: what can_commit() counts against.
  std::vector<planned_tablet> tablets; ///< Bucket order; every normal replica on a live backend.
  friend bool operator==(const load_plan&, const load_plan&) = default;
};
struct export_plan {
  std::string path;
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::vector<planned_tablet> tablets; ///< By partition, then bucket; complete replicas, the one to ask first in front.
  friend bool operator==(const export_plan&, const export_plan&) = default;
};

/// Refuses (unavailable) when some tablet has no majority left to write to.  txn is not set.
[[nodiscard]] std::variant<load_plan, statement_error>
plan_load(const catalog& cat, const table& into, const partition& part, std::string path);

/// Refuses (data_loss) when no linked backend holds a complete replica of some tablet.  Bytes
/// are spread: the first choice of each tablet is the backend that has least to do so far.
/// `parts`: partitions of `from`, each once; empty: all of them.
[[nodiscard]] std::variant<export_plan, statement_error>
plan_export(const catalog& cat, const cluster_view& view, const table& from, const std::vector<partition_id>& parts,
            std::string path);

/// "10001 (10.0.0.1:9060)".
[[nodiscard]] std::string described(const catalog& cat, backend_id backend);

} // namespace tabletd::model
