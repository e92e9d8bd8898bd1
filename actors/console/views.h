#pragma once
// SHOW and SHOW PROC as functions from what is known to a table.  They ask nobody and change
// nothing; columns come from actors/model/view_columns.h.
#include "actors/codec/console_warmup_codec.h"
#include "actors/console/console_facts.h"
#include "actors/console/statistic_cache.h"
#include "actors/model/catalog.h"
#include "actors/model/cluster_config.h"
#include "actors/model/cluster_view.h"
#include "actors/model/proc_path.h"
#include "actors/model/scheduler_view.h"
#include "actors/model/what_if.h"
#include "actors/model/statement.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::views {

/// One consistent look at the world.
struct sources {
  const model::catalog& cat;
  const model::cluster_view& cluster;
  const model::scheduler_view& scheduler;
  const console_facts& facts;
  statistic_cache& statistics;
  model::time_ms now{};                     ///< Wall clock.
  const model::cluster_config& startup_config; ///< Below what the catalog says.
};

/// A listing of replicas is cut here, so that an answer stays one message.
inline constexpr std::size_t replica_rows_max = 100'000;

[[nodiscard]] model::table_value show_databases(const model::catalog& cat);
[[nodiscard]] model::table_value show_tables(const model::catalog& cat, model::database_id of);
[[nodiscard]] model::table_value show_backends(const sources& from);
[[nodiscard]] model::table_value show_frontends(const sources& from);
/// `tablet` exists.
[[nodiscard]] model::table_value show_tablet(const model::catalog& cat, const model::tablet& tablet);
using some_partitions = std::vector<const model::partition*>;
/// Of these partitions; at most replica_rows_max rows.
[[nodiscard]] model::table_value show_tablets(const model::catalog& cat, const some_partitions& of);
[[nodiscard]] model::table_value replica_status(const model::catalog& cat, const model::table& owner,
                                                const some_partitions& of,
                                                const std::optional<model::replica_status_filter>& where);
[[nodiscard]] model::table_value replica_distribution(const model::catalog& cat, const some_partitions& of);
/// `tablet` exists.
[[nodiscard]] model::table_value explain_tablet(const sources& from, model::tablet_id tablet);
/// What a PLAN statement computes; `backend` exists, or is 0 for a plan about none.
[[nodiscard]] model::what_if_plan what_if(const sources& from, model::plan_kind kind, model::backend_id backend);
[[nodiscard]] model::table_value show_what_if(const model::what_if_plan& plan);
[[nodiscard]] model::table_value show_resources(const model::catalog& cat);
[[nodiscard]] model::table_value show_storage_policies(const model::catalog& cat);
/// `only` 0: of all.
[[nodiscard]] model::table_value show_policy_users(const model::catalog& cat, model::storage_policy_id only);
[[nodiscard]] model::table_value show_plans(const sources& from);
[[nodiscard]] model::table_value show_plan(const model::catalog& cat, const model::saved_plan& plan);
[[nodiscard]] model::table_value diagnose_tablet(const model::catalog& cat, model::tablet_id tablet);
/// Newest first, at most view_rows_max; tablet 0: of all.
[[nodiscard]] model::table_value repair_history(const model::catalog& cat, model::tablet_id tablet);
/// `pattern`: as LIKE knows it; empty: all.
[[nodiscard]] model::table_value show_config(const sources& from, std::string_view pattern);

/// Newest first, at most warm_up_rows_max (spec/jobs.md A2).
inline constexpr std::size_t warm_up_rows_max = 2'000;
[[nodiscard]] model::table_value warm_up_jobs(const sources& from);
[[nodiscard]] model::table_value warm_up_job(const sources& from, const model::warmup_job& job);
/// The answer of WARM UP.
[[nodiscard]] model::table_value warm_up_created(model::warmup_job_id job);
/// DRY RUN: a row per backend, then the total.  `force`: whether the statement says so.
[[nodiscard]] model::table_value warm_up_plan(const model::catalog& cat, const model::warmup_plan& plan,
                                              model::warmup_type type, bool force);
/// VERIFY: the same; who did not answer has no numbers.
[[nodiscard]] model::table_value warm_up_shares(const model::catalog& cat, std::span<const codec::verified_lane> lanes);

/// Any page of the PROC tree.
[[nodiscard]] model::table_value show_proc(const sources& from, const model::proc_target& at);

// -- by subject, for show_proc ---------------------------------------------------------
/// Of all media, or of one.
[[nodiscard]] model::table_value backend_paths(const sources& from, model::backend_id of,
                                               std::optional<model::medium> only = {});
[[nodiscard]] model::table_value balance_pauses(const sources& from);
[[nodiscard]] model::table_value load_media();
[[nodiscard]] model::table_value load_statistic(const sources& from, model::medium of);
[[nodiscard]] model::table_value actors(const sources& from);
[[nodiscard]] model::table_value journal(const sources& from);
[[nodiscard]] model::table_value checkpoint(const sources& from);
/// At most replica_rows_max rows; what nobody has looked after yet is left out.
[[nodiscard]] model::table_value cooldown(const sources& from);
[[nodiscard]] model::table_value warm_up_lanes(const sources& from, const model::warmup_job& job);
[[nodiscard]] model::table_value statistic(const sources& from);
[[nodiscard]] model::table_value database_statistic(const sources& from, model::database_id of);
[[nodiscard]] model::table_value cluster_balance(const sources& from);
[[nodiscard]] model::table_value scheduled_tablets(const std::vector<model::ctx_row>& rows);
[[nodiscard]] model::table_value working_slots(const sources& from);
[[nodiscard]] model::table_value sched_stat(const sources& from);
[[nodiscard]] model::table_value priority_repair(const sources& from);
[[nodiscard]] model::table_value colocation_groups(const sources& from);
[[nodiscard]] model::table_value colocation_group(const model::colocate_group& of);
[[nodiscard]] model::table_value proc_databases(const model::catalog& cat);
[[nodiscard]] model::table_value proc_tables(const sources& from, model::database_id of);
[[nodiscard]] model::table_value proc_partitions(const model::catalog& cat, const model::table& of);
[[nodiscard]] model::table_value proc_indexes(const model::table& of, const model::partition& part);
[[nodiscard]] model::table_value tablet_replicas(const model::tablet& of);

} // namespace tabletd::views
