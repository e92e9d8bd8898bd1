#pragma once
// Which backend of a cluster serves, and so caches, a tablet's cooled rowsets.  Pure: who warms and who reads ask the
// same function of the same catalog, and so agree.
#include "actors/model/catalog.h"
#include "actors/model/warmup_orders.h"
#include "actors/model/warmup_plan.h"

#include <map>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// Alive backends of the cluster, ascending by id; empty: there is no such cluster, or it is down.
[[nodiscard]] std::vector<backend_id> serving_backends(const catalog& cat, std::string_view cluster);
/// A backend belongs to it, alive or not.
[[nodiscard]] bool is_cluster(const catalog& cat, std::string_view cluster);

/// Of `backends` (serving_backends()): among those with a complete replica of the tablet, if any, else among all, by
/// caching_backend().  0: there are none.
[[nodiscard]] backend_id serving_backend(const catalog& cat, const tablet& t, std::span<const backend_id> backends);

/// The published meta of what is remote of the tablet; null: nothing is.
[[nodiscard]] const published_meta* remote_of(const catalog& cat, tablet_id tablet);

/// Whether every tablet that failed is named, and is another now than was sent: merged, recalled, moved or dropped in the
/// middle of a batch.  One that is not in `sent` went out from an earlier leader, or may not have arrived: it counts as
/// changed.
[[nodiscard]] bool have_changed(const catalog& cat, const std::map<tablet_id, published_meta>& sent,
                                std::uint64_t failed, std::span<const tablet_id> named);

/// Facts for plan_tables(): what a job's targets have in remote stores, by the catalog, and which of `backends` serves
/// it.  Partitions and tables that are gone are left out.
[[nodiscard]] std::vector<warming_table> warming_tables(const catalog& cat, std::span<const warmup_target> targets,
                                                        std::span<const backend_id> backends);
/// Facts for plan_cluster(): these partitions, in this order.
[[nodiscard]] std::vector<warming_partition> warming_partitions(const catalog& cat,
                                                                std::span<const partition_id> hottest_first,
                                                                std::span<const backend_id> backends);

}  // namespace tabletd::model
