#pragma once
// What the leader's cooldown reads out of the catalog: which tablets are looked after, what a change of the catalog
// means for them, and why an uploader was replaced.  Pure.
#include "actors/model/catalog.h"
#include "actors/model/cooldown_handler.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// It is under a policy, or ever had a grant: what is remote is looked after also when nothing cools any more.
[[nodiscard]] bool is_looked_after(const catalog& cat, const tablet& t);
/// The fold would take a grant for it: else a proposal would only fill the log (catalog_apply_cooldown.cpp).
[[nodiscard]] bool is_grant_wanted(const catalog& cat, tablet_id id);

/// The tablet as its handler sees it.  Alive is what the log says of the backend.
[[nodiscard]] cooling_tablet cooling_view(const catalog& cat, const tablet& t);

/// Tablets that came, went, or whose replicas may have to be told something, ascending: confs that changed, policies
/// and resources that mean something else, tables and partitions that came under a policy or left it, were hurried or
/// recalled, and those of
/// `touched` whose replicas are others now.  Costs what differs between the two, and a look at every table
/// and at every conf when a policy or a resource was altered.
[[nodiscard]] std::vector<tablet_id> cooling_changes(const catalog& before, const catalog& after,
                                                     const std::vector<tablet_id>& touched);

/// Where a round over everything that is looked after stands: first the tables, then the confs.
struct cooling_round {
  table_id table{};
  tablet_id conf{};
  bool has_tables = true;
};
/// The next tablets of the round, about `tablets_max` (whole tables), in no order and some twice; none: it is over, and
/// `round` is at the beginning of the next one.
[[nodiscard]] std::vector<tablet_id> next_of_round(const catalog& cat, cooling_round& round, std::size_t tablets_max);

/// A replica says that it uploads, and the log has another one in office.  That a lease outlived its end is the only
/// way there (U1); nothing is lost by it, because the fold accepts the uploader's publications alone.
[[nodiscard]] bool is_conflict(const cooldown_conf& conf, const cooldown_reported& report);

enum class reassignment : std::uint8_t { initial, uploader_dead, report_timeout, decommission };
inline constexpr std::array<std::string_view, 4> reassignment_words{"initial", "uploader_dead", "report_timeout",
                                                                    "decommission"};
/// Why the next grant is made, by what the catalog says before it.
[[nodiscard]] reassignment reason_of_grant(const catalog& cat, tablet_id id);

}  // namespace tabletd::model
