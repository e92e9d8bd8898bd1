#pragma once
// The tree behind SHOW PROC: which pages exist, what a path means, what is below a page.
// Pure, so that the views, completion and "no such page" answer from the same tree.
#include "actors/model/catalog.h"
#include "actors/model/statement_result.h"
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model {

enum class proc_page : std::uint8_t {
  root,
  actors,
  backends,
  backend,
  checkpoint,
  cluster_balance,
  balance_pauses,
  cluster_load_stat,
  cluster_load_stat_medium,
  cluster_load_stat_backend,
  history_tablets,
  pending_tablets,
  priority_repair,
  running_tablets,
  sched_stat,
  working_slots,
  colocation_groups,
  colocation_group,
  cooldown,
  databases,
  database,
  table,
  partitions,
  partition,
  index,
  tablet,
  frontends,
  journal,
  statistic,
  statistic_database,
  warm_up,
  warm_up_job,
};

struct proc_row {
  proc_page page{};
  std::string_view pattern; ///< "/dbs/<db>/<table>": <...> is an id, or for db and table also a name.
  std::string_view summary;
  std::span<const column> columns;
};
/// Row i describes page i.
[[nodiscard]] std::span<const proc_row> proc_table();

/// A page and, as far as its path names them, the objects it is about.
struct proc_target {
  proc_page page{};
  database_id database{};
  table_id table{};
  partition_id partition{};
  tablet_id tablet{};
  backend_id backend{};
  colocate_group_id group{};
  model::medium medium{};
  warmup_job_id warmup_job{};
  friend bool operator==(const proc_target&, const proc_target&) = default;
};

/// Slashes may be doubled or trail.  not_found says which part is unknown and what is there.
[[nodiscard]] std::variant<proc_target, statement_error> find_proc(std::string_view path, const catalog& cat);

/// The names below a page, ids in ascending order, at most `names_max`.
[[nodiscard]] std::vector<std::string> below_proc(const proc_target& at, const catalog& cat, std::size_t names_max);

} // namespace tabletd::model
