#pragma once
// What ADMIN SET FRONTEND CONFIG may change: one table of keys, and what is in force.  An
// operator's word is in the edit log (config_set), so every front end and every later leader
// goes by it; below it lies what this front end was started with.  Names and defaults are
// those of spec/replica.md 7 unless a comment says otherwise.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model {

/// The initialisers are the defaults; a front end's own file may start from others.
struct cluster_config {
  std::uint64_t slots_per_path = 2;           ///< Seed.
  bool adaptive_slots = true;                 ///< Ours: slot_pace.
  std::uint64_t slots_per_path_max = 16;      ///< Ours: what a fast disk may get.
  std::uint64_t balance_slots_per_path = 2;   ///< Seed.
  time_ms repair_delay_factor{60'000};
  time_ms backend_down_tolerated{900'000};
  bool scheduler_disabled = false;
  bool balance_disabled = false;
  bool disk_balance_disabled = false;
  bool colocate_balance_disabled = false;
  double load_score_threshold = 0.1;
  std::uint64_t balancing_tablets_max = 100;
  double high_watermark_percent = 85;
  std::uint64_t min_left_bytes = 2ULL << 30;
  double flood_stage_percent = 95;
  std::uint64_t flood_left_bytes = 1ULL << 30;
  time_ms colocate_relocate_delay{1'800'000};
  std::uint64_t further_repairs_max = model::further_repairs_max;

  [[nodiscard]] fit_limits fit() const;
  void set_fit(const fit_limits& limits);
  friend bool operator==(const cluster_config&, const cluster_config&) = default;
};

/// Which member a key sets; durations are written in seconds.
using config_member = std::variant<bool cluster_config::*, std::uint64_t cluster_config::*, double cluster_config::*,
                                   time_ms cluster_config::*>;

struct config_key {
  std::string_view key;
  std::string_view alias; ///< Empty: none.
  config_member member;
  double least{}; ///< Of numbers, in the unit; both are allowed.
  double most{};
  std::string_view unit; ///< "seconds", "bytes", "percent", or empty.
  bool is_mutable = true;
  std::string_view comment; ///< What it does, without a full stop.
};
[[nodiscard]] std::span<const config_key> config_keys();
/// By key or alias, or nullptr.
[[nodiscard]] const config_key* find_config(std::string_view name);

[[nodiscard]] std::string_view type_name(const config_key& key); ///< "boolean", "long", "double".
[[nodiscard]] std::string value_of(const config_key& key, const cluster_config& config);
/// What a value must be: "\"true\" or \"false\"", "1 to 64".
[[nodiscard]] std::string wanted_value(const config_key& key);
/// False, and nothing is set, if the value does not fit.
[[nodiscard]] bool set(cluster_config& config, const config_key& key, std::string_view value);

/// `startup`: what this front end was started with.  A value in the log that does not fit (of
/// another version) is passed over.
[[nodiscard]] cluster_config effective(const catalog& cat, const cluster_config& startup = {});

// -- ADMIN REBALANCE DISK ----------------------------------------------------------------

/// Kept as a config_set of its own key, which no operator can set.
inline constexpr std::string_view disk_rebalance_key = "rebalance_disk_backends";
inline constexpr time_ms disk_rebalance_lasts = std::chrono::hours(24);

struct disk_rebalance {
  time_ms until{};
  std::vector<backend_id> backends; ///< Ascending; empty: all.
  [[nodiscard]] bool covers(backend_id backend) const;
  friend bool operator==(const disk_rebalance&, const disk_rebalance&) = default;
};
/// The value of the key.
[[nodiscard]] std::string to_string(const disk_rebalance& what);
/// Nothing: not asked for, or over by `now`.
[[nodiscard]] std::optional<disk_rebalance> disk_rebalance_of(const catalog& cat, time_ms now);
/// The edit that adds `backends` (none: all) to what holds at `now`, or takes them out of it.
[[nodiscard]] config_set rebalance_disks(const catalog& cat, std::vector<backend_id> backends, time_ms now);
[[nodiscard]] config_set forget_disks(const catalog& cat, const std::vector<backend_id>& backends, time_ms now);

} // namespace tabletd::model
