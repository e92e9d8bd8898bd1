#pragma once
// The files a play cluster runs from: node configurations written, endpoints read.  Pure text
// in, text out; every key that play depends on is here and nowhere else.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::play {

enum class node_role { fe, be };
[[nodiscard]] std::string_view name(node_role role);

/// One node's place: <dir>/<name>/ holds its configuration, its log, its data and its disks.
struct node_place {
  node_role role = node_role::fe;
  std::string name; ///< "fe1", "be3"
  std::filesystem::path home;
  std::uint32_t disks = 0; ///< be: paths, home/disk1 ...
  std::string rpc_listen
    = "127.0.0.1:0"; ///< Port 0 at the first start, the port it got afterwards.
  std::string http_listen = "127.0.0.1:0";

  // Of a front end in a group; alone it has none of it.
  std::uint64_t id = 1;
  std::string edit_log_listen{};        ///< For the other front ends; fixed before the first start.
  std::vector<std::string> frontends{}; ///< The founding members, "1@127.0.0.1:9010"; the same on all.

  [[nodiscard]] std::filesystem::path config_file() const {
    return home / (std::string{play::name(role)} + ".toml");
  }
  [[nodiscard]] std::filesystem::path data_dir() const { return home / "data"; }
  [[nodiscard]] std::filesystem::path log_file() const { return home / "log"; }
  [[nodiscard]] std::filesystem::path endpoints_file() const { return data_dir() / "endpoints"; }
  [[nodiscard]] std::vector<std::filesystem::path> disk_dirs() const;
};

/// TOML (node/config.h) with the demo's fast settings.
[[nodiscard]] std::string node_config(const node_place& place);
/// What the fast settings are, for the first screen.
[[nodiscard]] std::string fast_settings_text();

/// Where a node listens: <data_dir>/endpoints, written by the node once it does.
struct endpoints {
  std::string rpc; ///< "127.0.0.1:9020"
  std::string http;
  std::int64_t pid = 0;
};
/// Nothing if the text is not such a file.
[[nodiscard]] std::optional<endpoints> parse_endpoints(std::string_view toml);

/// "127.0.0.1:9020" -> 9020; 0 if there is no port.
[[nodiscard]] std::uint16_t port_of(std::string_view address);

} // namespace tabletd::play
