#include "actors/model/cluster_config.h"
#include <algorithm>
#include <array>
#include <charconv>

namespace tabletd::model {

namespace {

using config = cluster_config;
constexpr double day_s = 86'400;
constexpr double pebibyte = 1'125'899'906'842'624.0;

constexpr std::array<config_key, 18> keys{{
    {"schedule_slot_num_per_path", "tablet_sched_slot_num_per_path", &config::slots_per_path, 1, 64, "", true,
     "Copies for repair that may read or write one disk at a time; with enable_adaptive_slots a disk begins there, but not above the maximum"},
    {"enable_adaptive_slots", "", &config::adaptive_slots, 0, 0, "", true,
     "The number of slots for repair of each disk follows the rate measured there"},
    {"schedule_slot_num_per_path_max", "", &config::slots_per_path_max, 1, 64, "", true,
     "No disk gets more slots for repair by measurement"},
    {"balance_slot_num_per_path", "", &config::balance_slots_per_path, 1, 64, "", true,
     "The same for balance, beside those for repair"},
    {"tablet_repair_delay_factor_second", "tablet_sched_repair_delay_factor_second", &config::repair_delay_factor, 0,
     day_s, "seconds", true, "A sick tablet waits 1, 2 or 3 times this for HIGH, NORMAL or LOW"},
    {"tablet_sched_be_down_tolerate_time_s", "", &config::backend_down_tolerated, 0, day_s, "seconds", true,
     "A dead backend may return this long before its replicas are made anew, while a quorum is left"},
    {"disable_tablet_scheduler", "", &config::scheduler_disabled, 0, 0, "", true,
     "No repair and no balance is started"},
    {"disable_balance", "tablet_sched_disable_balance", &config::balance_disabled, 0, 0, "", true,
     "No balance move is started"},
    {"disable_disk_balance", "", &config::disk_balance_disabled, 0, 0, "", true,
     "No replica is moved between disks of one backend"},
    {"disable_colocate_balance", "tablet_sched_disable_colocate_balance", &config::colocate_balance_disabled, 0, 0, "",
     true, "Buckets of colocation groups stay where they are"},
    {"balance_load_score_threshold", "tablet_sched_balance_load_score_threshold", &config::load_score_threshold, 0.01,
     1, "", true, "Backends whose load score is this far from the average, relatively, are HIGH or LOW"},
    {"max_balancing_tablets", "tablet_sched_max_balancing_tablets", &config::balancing_tablets_max, 1, 100'000, "",
     true, "Balance moves under way at once"},
    {"storage_high_watermark_usage_percent", "", &config::high_watermark_percent, 1, 100, "percent", true,
     "A move or a new table never fills a disk beyond this"},
    {"storage_min_left_capacity_bytes", "", &config::min_left_bytes, 0, pebibyte, "bytes", true,
     "And leaves at least this"},
    {"storage_flood_stage_usage_percent", "", &config::flood_stage_percent, 1, 100, "percent", true,
     "A repair of a missing replica may fill a disk up to this"},
    {"storage_flood_stage_left_capacity_bytes", "", &config::flood_left_bytes, 0, pebibyte, "bytes", true,
     "And leaves at least this"},
    {"colocate_group_relocate_delay_second", "tablet_sched_colocate_be_down_tolerate_time_s",
     &config::colocate_relocate_delay, 0, 7 * day_s, "seconds", true,
     "A dead backend keeps its buckets of colocation groups this long"},
    {"tablet_further_repair_max_times", "", &config::further_repairs_max, 1, 100, "", false,
     "Copies to bring a moved replica up to date before it is an ordinary one"},
}};

template <class T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

bool within(const config_key& key, double value) { return value >= key.least && value <= key.most; }

/// "0.1", "85": the shortest that reads back.
std::string number(double value) {
  std::array<char, 32> text{};
  const auto [end, failure] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}
std::string number_fixed(double value) {
  return value == static_cast<double>(static_cast<std::uint64_t>(value))
             ? std::to_string(static_cast<std::uint64_t>(value))
             : number(value);
}

bool assign(bool& to, const config_key&, std::string_view value) {
  if (value != "true" && value != "false")
    return false;
  to = value == "true";
  return true;
}
bool assign(std::uint64_t& to, const config_key& key, std::string_view value) {
  const auto read = whole<std::uint64_t>(value);
  if (!read || !within(key, static_cast<double>(*read)))
    return false;
  to = *read;
  return true;
}
bool assign(double& to, const config_key& key, std::string_view value) {
  const auto read = whole<double>(value);
  if (!read || !within(key, *read))
    return false;
  to = *read;
  return true;
}
bool assign(time_ms& to, const config_key& key, std::string_view value) {
  const auto read = whole<std::uint64_t>(value);
  if (!read || !within(key, static_cast<double>(*read)))
    return false;
  to = std::chrono::seconds(*read);
  return true;
}

std::string written(bool value) { return value ? "true" : "false"; }
std::string written(std::uint64_t value) { return std::to_string(value); }
std::string written(double value) { return number_fixed(value); }
std::string written(time_ms value) { return number_fixed(static_cast<double>(value.count()) / 1'000); }

} // namespace

fit_limits cluster_config::fit() const {
  return {high_watermark_percent / 100, min_left_bytes, flood_stage_percent / 100, flood_left_bytes};
}

void cluster_config::set_fit(const fit_limits& limits) {
  high_watermark_percent = limits.high_watermark * 100;
  min_left_bytes = limits.min_left_bytes;
  flood_stage_percent = limits.flood_stage * 100;
  flood_left_bytes = limits.flood_left_bytes;
}

std::span<const config_key> config_keys() {
  return keys;
}

const config_key* find_config(std::string_view name) {
  const auto* found = std::find_if(keys.begin(), keys.end(), [name](const config_key& k) {
    return k.key == name || (!k.alias.empty() && k.alias == name);
  });
  return found == keys.end() ? nullptr : found;
}

std::string_view type_name(const config_key& key) {
  return std::visit(overloaded{
    [](bool cluster_config::*) { return "boolean"; },
    [](double cluster_config::*) { return "double"; },
    [](const auto&) { return "long"; },
  }, key.member);
}

std::string value_of(const config_key& key, const cluster_config& config) {
  return std::visit([&](const auto& member) { return written(config.*member); }, key.member);
}

std::string wanted_value(const config_key& key) {
  if (std::holds_alternative<bool cluster_config::*>(key.member))
    return "\"true\" or \"false\"";
  return '"' + number_fixed(key.least) + "\" to \"" + number_fixed(key.most) + '"'
         + (key.unit.empty() ? "" : ' ' + std::string{key.unit});
}

bool set(cluster_config& config, const config_key& key, std::string_view value) {
  return std::visit([&](const auto& member) { return assign(config.*member, key, value); }, key.member);
}

cluster_config effective(const catalog& cat, const cluster_config& startup) {
  auto config = startup;
  for (const auto& key : keys)
    if (const auto* said = cat.config.find(key.key))
      static_cast<void>(set(config, key, *said));
  return config;
}

// -- ADMIN REBALANCE DISK ----------------------------------------------------------------

bool disk_rebalance::covers(backend_id backend) const {
  return backends.empty() || std::binary_search(backends.begin(), backends.end(), backend);
}

std::string to_string(const disk_rebalance& what) {
  std::string out = std::to_string(what.until.count());
  for (const auto id : what.backends)
    out += ' ' + std::to_string(raw(id));
  return out;
}

std::optional<disk_rebalance> disk_rebalance_of(const catalog& cat, time_ms now) {
  const auto* said = cat.config.find(disk_rebalance_key);
  if (!said)
    return std::nullopt;
  disk_rebalance found;
  std::string_view rest = *said;
  for (bool first = true; !rest.empty(); first = false) {
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    const auto read = whole<std::uint64_t>(word);
    if (!read)
      return std::nullopt;
    if (first)
      found.until = time_ms{static_cast<time_ms::rep>(*read)};
    else
      found.backends.push_back(backend_id{*read});
  }
  return found.until > now ? std::optional{found} : std::nullopt;
}

config_set rebalance_disks(const catalog& cat, std::vector<backend_id> backends, time_ms now) {
  disk_rebalance next{now + disk_rebalance_lasts, std::move(backends)};
  if (const auto before = disk_rebalance_of(cat, now); before && !next.backends.empty()) {
    if (before->backends.empty())
      next.backends.clear(); // All stays all.
    else
      next.backends.insert(next.backends.end(), before->backends.begin(), before->backends.end());
  }
  std::sort(next.backends.begin(), next.backends.end());
  next.backends.erase(std::unique(next.backends.begin(), next.backends.end()), next.backends.end());
  return {std::string{disk_rebalance_key}, to_string(next)};
}

config_set forget_disks(const catalog& cat, const std::vector<backend_id>& backends, time_ms now) {
  auto left = disk_rebalance_of(cat, now);
  if (!left || backends.empty())
    return {std::string{disk_rebalance_key}, {}};
  if (left->backends.empty())
    cat.backends.for_each([&](backend_id id, const backend&) { left->backends.push_back(id); });
  std::erase_if(left->backends,
                [&](backend_id id) { return std::find(backends.begin(), backends.end(), id) != backends.end(); });
  return {std::string{disk_rebalance_key}, left->backends.empty() ? "" : to_string(*left)};
}

} // namespace tabletd::model
