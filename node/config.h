#pragma once
// What an operator can turn: one table of knobs per role (config.cpp) that parses TOML,
// prints the documented default file and names what is wrong with a line and a column.
//
// Order, later wins: built-in default, file, TABLETD_<SECTION>_<KEY> in the environment,
// --set section.key=value.
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

struct fe_config {
  std::string name = "fe1";
  std::uint64_t id = 1;
  std::string data_dir = "/var/lib/tabletd/fe";
  std::string cluster_name = "tabletd";
  std::vector<std::string> frontends; ///< "ID@host:port" of every founding member, or, to join, of some and this one; empty: only this one.
  bool join = false;                  ///< With an empty directory: found nothing, wait to be taken into the group.
  std::string edit_log_listen = "127.0.0.1:9010";
  std::string rpc_listen = "127.0.0.1:9020";
  std::string rpc_advertise_host; ///< Empty: the host of rpc_listen.
  std::string http_listen = "127.0.0.1:8030";
  bool allow_insecure = false;
  std::string log_level = "info";
  // Doris beats every 10 s, StarRocks every 5 s (spec/replica.md 1.4): with one connection per
  // backend a beat costs 40 us, so a dead disk need not be looked for half a minute.
  std::uint64_t heartbeat_interval_ms = 2'000;
  std::uint64_t heartbeats_missed_max = 5;
  std::uint64_t repair_delay_factor_ms = 60'000;
  std::uint64_t be_down_tolerate_ms = 900'000;
  std::uint64_t slots_per_path = 2;
  double high_watermark = 0.85;
  std::uint64_t min_left_mib = 2'048;
  double flood_stage = 0.95;
  std::uint64_t flood_left_mib = 1'024;
  std::uint64_t journal_memory_mib = 64;
  std::uint64_t journal_backlog_mib = 64;
  std::uint64_t checkpoint_entries_max = 100'000;
  std::uint64_t checkpoint_bytes_mib_max = 64;
  std::uint64_t checkpoint_age_max_s = 3'600;
  std::uint64_t cooldown_lease_ms = 1'800'000; ///< The seed's half hour.
  std::uint64_t warmup_running_max = 10;
  std::uint64_t warmup_batch_bytes = 10ULL << 30; ///< The seed's 10 GiB.
  std::uint64_t warmup_timeout_s = 30 * 86'400;
  std::uint64_t warmup_history_keep_s = 7 * 86'400;
  std::uint64_t warmup_failures_max = 3;
  std::uint64_t warmup_rest_ms = 20'000;
  bool warmup_on_join = true;
};

struct be_config {
  std::string name = "be1";
  std::string data_dir = "/var/lib/tabletd/be";
  std::string rpc_listen = "127.0.0.1:9060";
  std::string http_listen = "127.0.0.1:8040";
  bool allow_insecure = false;
  std::string log_level = "info";
  std::vector<std::string> paths; ///< "DIR" or "DIR:ssd"; empty: <data_dir>/disk.
  std::uint64_t quota_mib = 0;
  std::uint64_t full_report_every_s = 60;
  std::uint64_t clones_per_path_max = 4;
  std::uint64_t cooldown_work_interval_ms = 20'000;
  std::uint64_t cooldown_report_interval_ms = 60'000;
  std::uint64_t cooldown_calls_max = 4;
  std::uint64_t cache_capacity_bytes = 10ULL << 30;
  std::uint64_t cache_min_left_mib = 2'048;
  std::uint64_t warmup_bytes_per_s = 0;
  std::uint64_t warmup_requests = 8;
};

/// One of fe_config::frontends.
struct frontend_address {
  std::uint64_t id{};
  std::string address; ///< host:port
};
/// Ascending by id.  Throws config_error, which names the entry that is wrong.
[[nodiscard]] std::vector<frontend_address> frontends_of(const fe_config& config);

/// Where clients are sent: rpc_advertise_host, or the host of rpc_listen.
[[nodiscard]] std::string advertised_host(const fe_config& config);

/// what() is one line: "file:line:column: what is wrong; hint".
class config_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Where values come from beside the file.
struct config_overrides {
  std::vector<std::string> assignments;          ///< "section.key=value", from --set.
  std::map<std::string, std::string> environment;///< TABLETD_* only.
};
/// The TABLETD_* variables of this process.
[[nodiscard]] std::map<std::string, std::string> tabletd_environment();

/// `file` empty: no file.  Throws config_error.
[[nodiscard]] fe_config load_fe_config(const std::string& file, const config_overrides& overrides);
[[nodiscard]] be_config load_be_config(const std::string& file, const config_overrides& overrides);
/// For tests and `config check`: `text` instead of a file called `name`.
[[nodiscard]] fe_config parse_fe_config(std::string_view text, const std::string& name, const config_overrides& overrides = {});
[[nodiscard]] be_config parse_be_config(std::string_view text, const std::string& name, const config_overrides& overrides = {});

/// Commented TOML with every key; parses back to `config`.
[[nodiscard]] std::string to_toml(const fe_config& config);
[[nodiscard]] std::string to_toml(const be_config& config);

} // namespace tabletd
