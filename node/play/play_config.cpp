// See play_config.h.
#include "node/play/play_config.h"
#include "node/config.h"
#include <fmt/format.h>
#include <toml++/toml.h>
#include <charconv>

namespace tabletd::play {

namespace {

// Fast enough to watch, slow enough that a machine busy compiling does not bury the living.
constexpr std::uint64_t heartbeat_ms = 200;
constexpr std::uint64_t missed_max = 10;
constexpr std::uint64_t full_report_s = 5;
// A demo must also run on a disk that is nearly full: each path plays a disk of its own, and
// the limits that would keep gigabytes free shrink with it.
constexpr std::uint64_t disk_mib = 4'096;
constexpr std::uint64_t left_mib = 64;

std::string front_end(const node_place& place) {
  fe_config config;
  config.name = place.name;
  config.data_dir = place.data_dir().string();
  config.cluster_name = "play";
  config.rpc_listen = place.rpc_listen;
  config.http_listen = place.http_listen;
  config.heartbeat_interval_ms = heartbeat_ms;
  config.heartbeats_missed_max = missed_max;
  config.repair_delay_factor_ms = 0;
  config.be_down_tolerate_ms = 0;
  config.min_left_mib = left_mib;
  config.flood_left_mib = left_mib / 2;
  config.id = place.id;
  config.frontends = place.frontends;
  if (!place.edit_log_listen.empty())
    config.edit_log_listen = place.edit_log_listen;
  return to_toml(config);
}

std::string backend(const node_place& place) {
  be_config config;
  config.name = place.name;
  config.data_dir = place.data_dir().string();
  config.rpc_listen = place.rpc_listen;
  config.http_listen = place.http_listen;
  for (const auto& disk : place.disk_dirs())
    config.paths.push_back(disk.string());
  config.quota_mib = disk_mib;
  config.full_report_every_s = full_report_s;
  return to_toml(config);
}

} // namespace

std::string_view name(node_role role) { return role == node_role::fe ? "fe" : "be"; }

std::vector<std::filesystem::path> node_place::disk_dirs() const {
  std::vector<std::filesystem::path> out;
  for (std::uint32_t i = 1; i <= disks; ++i)
    out.push_back(home / fmt::format("disk{}", i));
  return out;
}

std::string node_config(const node_place& place) {
  return "# Written by tabletd play at every start of this node.\n"
         + (place.role == node_role::fe ? front_end(place) : backend(place));
}

std::string fast_settings_text() {
  return fmt::format(
    "fast settings: a heartbeat every {} ms, dead after {:.1f} s of silence, repairs begin at "
    "once, "
    "disks of {} GiB\n      (a real cluster waits before it copies what a reboot would bring "
    "back)\n",
    heartbeat_ms, static_cast<double>(heartbeat_ms * missed_max) / 1000, disk_mib / 1024);
}

std::optional<endpoints> parse_endpoints(std::string_view text) {
  try {
    const auto file = toml::parse(text);
    endpoints out;
    out.rpc = file["rpc"].value_or(std::string{});
    out.http = file["http"].value_or(std::string{});
    out.pid = file["pid"].value_or(std::int64_t{0});
    if (port_of(out.rpc) == 0)
      return std::nullopt;
    return out;
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

std::uint16_t port_of(std::string_view address) {
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos)
    return 0;
  std::uint16_t port = 0;
  const auto* end = address.data() + address.size();
  const auto [stop, failed] = std::from_chars(address.data() + colon + 1, end, port);
  return failed == std::errc{} && stop == end ? port : std::uint16_t{0};
}

} // namespace tabletd::play
