#include "node/config.h"
#include "actors/model/nearest.h"
#include "node/network_name.h"
#include "node/log.h"
#include <fmt/format.h>
#include <toml++/toml.h>
#include <algorithm>
#include <charconv>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>
#include <variant>

extern char** environ;

namespace tabletd {

namespace {

/// One key.  `least`..`most` bound numbers.
template <class C>
struct knob {
  std::string_view key; ///< section.name
  std::variant<std::string C::*, std::uint64_t C::*, double C::*, bool C::*, std::vector<std::string> C::*> to;
  std::string_view help;
  double least = 0;
  double most = 0; ///< 0: unbounded.
};

constexpr double mib_max = 1'000'000'000; // A petabyte; bytes stay far below 2^64.
constexpr std::string_view listen_help = "host:port; port 0 takes any free one";
constexpr std::string_view insecure_help
  = "Allow a listen address that other machines can reach, without encryption or login";

const std::vector<knob<fe_config>>& knobs(const fe_config&) {
  using c = fe_config;
  static const std::vector<knob<c>> all{
    {"node.name", &c::name, "Shown in listings and in every log record"},
    {"node.id", &c::id, "Number of this fe in the raft group; never changes", 1, 1'000'000},
    {"node.data_dir", &c::data_dir, "Directory of the edit log; locked while the node runs"},
    {"node.frontends", &c::frontends,
     "ID@host:port of the edit log of each founding fe, the same list on all of them; empty: this fe alone"},
    {"node.join", &c::join,
     "With an empty directory: wait until ALTER SYSTEM ADD FOLLOWER takes this fe into the group that node.frontends names"},
    {"node.edit_log_listen", &c::edit_log_listen, "host:port for the other fe; unused while node.frontends is empty"},
    {"cluster.name", &c::cluster_name, "Given to the cluster by its first leader; later ignored"},
    {"rpc.listen", &c::rpc_listen, listen_help},
    {"rpc.advertise_host", &c::rpc_advertise_host,
     "Host under which clients reach this fe; empty: the one of rpc.listen"},
    {"http.listen", &c::http_listen, listen_help},
    {"security.allow_insecure", &c::allow_insecure, insecure_help},
    {"log.level", &c::log_level, "debug, info, warn or error"},
    {"membership.heartbeat_interval_ms", &c::heartbeat_interval_ms, "ms between two heartbeats to a backend", 50, 60'000},
    {"membership.heartbeats_missed_max", &c::heartbeats_missed_max,
     "A backend silent for more intervals than this is dead", 1, 100},
    {"repair.delay_factor_ms", &c::repair_delay_factor_ms,
     "ms a tablet must be unhealthy before it is repaired: x1 HIGH, x2 NORMAL, x3 LOW; VERY_HIGH at once", 0, 3'600'000},
    {"repair.be_down_tolerate_ms", &c::be_down_tolerate_ms,
     "ms a dead backend may take to return before its replicas are copied elsewhere; not waited for without a majority", 0,
     86'400'000},
    {"repair.slots_per_path", &c::slots_per_path, "Clones at once from and to one path", 1, 64},
    {"storage.high_watermark", &c::high_watermark, "Used share of a path above which it takes no new replicas", 0.01, 1},
    {"storage.min_left_mib", &c::min_left_mib, "MiB that must stay free on such a path", 0, mib_max},
    {"storage.flood_stage", &c::flood_stage, "The same for tablets that lack replicas", 0.01, 1},
    {"storage.flood_left_mib", &c::flood_left_mib, "The same for tablets that lack replicas", 0, mib_max},
    {"journal.memory_mib", &c::journal_memory_mib,
     "MiB the log may hold in memory: what is not committed or applied, is on its way to other fe, or is kept for them", 8,
     65'536},
    {"journal.backlog_mib", &c::journal_backlog_mib,
     "MiB of edits that may wait for the catalog, on disk and in memory, before new ones are refused", 8, 65'536},
    {"checkpoint.entries_max", &c::checkpoint_entries_max, "Entries of the edit log after which a checkpoint is made", 100,
     100'000'000},
    {"checkpoint.bytes_mib_max", &c::checkpoint_bytes_mib_max, "MiB of the edit log after which one is made", 1, mib_max},
    {"checkpoint.age_max_s", &c::checkpoint_age_max_s, "s after which one is made if there are 100 entries since the last",
     10, 31'536'000},
    {"cooldown.lease_ms", &c::cooldown_lease_ms,
     "ms an uploader may go on after its last acknowledged report; another one is chosen only after that and what clocks may be wrong",
     1'000, 86'400'000},
    {"warmup.running_max", &c::warmup_running_max, "Warm-up jobs that run at once, each on a cluster of its own", 1, 1'000},
    {"warmup.batch_bytes", &c::warmup_batch_bytes,
     "Bytes of a batch: what is logged when it is warm, and warmed again when its backend begins anew", 1, 1e15},
    {"warmup.timeout_s", &c::warmup_timeout_s, "s after which a round of a job is given up; pauses do not count", 10,
     31'536'000},
    {"warmup.history_keep_s", &c::warmup_history_keep_s, "s for which a job that is over is shown", 0, 31'536'000},
    {"warmup.failures_max", &c::warmup_failures_max,
     "Questions in a row that a backend may leave unanswered before its part of a job fails", 1, 1'000},
    {"warmup.rest_ms", &c::warmup_rest_ms, "ms before such a question is put again; longer than a backend needs to restart", 10,
     600'000},
    {"warmup.on_join", &c::warmup_on_join,
     "Have a backend that is new, or has restarted, warm what is read most in its cluster"},
  };
  return all;
}

const std::vector<knob<be_config>>& knobs(const be_config&) {
  using c = be_config;
  static const std::vector<knob<c>> all{
    {"node.name", &c::name, "Shown in every log record"},
    {"node.data_dir", &c::data_dir, "Identity of this backend; locked while the node runs"},
    {"rpc.listen", &c::rpc_listen, listen_help},
    {"http.listen", &c::http_listen, listen_help},
    {"security.allow_insecure", &c::allow_insecure, insecure_help},
    {"log.level", &c::log_level, "debug, info, warn or error"},
    {"storage.paths", &c::paths, "Directories for tablets, one per disk; append :ssd for flash; empty: <data_dir>/disk"},
    {"storage.quota_mib", &c::quota_mib, "MiB each path may hold; 0: what the disk holds", 0, mib_max},
    {"report.full_every_s", &c::full_report_every_s, "s between two full tablet reports", 1, 3'600},
    {"clone.per_path_max", &c::clones_per_path_max, "Clones running at once to one path", 1, 64},
    {"cooldown.work_interval_ms", &c::cooldown_work_interval_ms,
     "ms between two looks at a replica for something to upload or to follow", 10, 3'600'000},
    {"cooldown.report_interval_ms", &c::cooldown_report_interval_ms,
     "ms after which a replica's cooldown is reported again; must be much less than cooldown.lease_ms of the front ends", 10,
     600'000},
    {"cooldown.calls_max", &c::cooldown_calls_max, "Calls to remote stores at once", 1, 64},
    {"cache.capacity_bytes", &c::cache_capacity_bytes,
     "Bytes of remote stores that all paths together may cache; 0: none, cooled rowsets are read where they lie"},
    {"cache.min_left_mib", &c::cache_min_left_mib,
     "MiB the cache leaves free on a path, and a little more; not less than storage.min_left_mib of the front ends", 0, mib_max},
    {"warmup.bytes_per_s", &c::warmup_bytes_per_s, "Limit of what warm-ups download; 0: none"},
    {"warmup.requests", &c::warmup_requests, "Range requests of warm-ups in flight", 1, 64},
  };
  return all;
}

std::string_view kind_name(std::size_t index) {
  constexpr std::string_view names[] = {"a string", "a whole number", "a number", "true or false", "a list of strings"};
  return names[index];
}

/// Assigns if the node has the knob's type; else says what was expected.
template <class C>
std::optional<std::string> assign(C& config, const knob<C>& to, const toml::node& from) {
  const auto bounded = [&](double value) -> std::optional<std::string> {
    if (value < to.least || (to.most > 0 && value > to.most))
      return fmt::format("{} must be between {} and {}", to.key, to.least, to.most);
    return std::nullopt;
  };
  const auto wrong = fmt::format("{} takes {}", to.key, kind_name(to.to.index()));
  if (const auto* at = std::get_if<std::string C::*>(&to.to)) {
    if (!from.is_string())
      return wrong;
    config.*(*at) = **from.as_string();
  } else if (const auto* whole = std::get_if<std::uint64_t C::*>(&to.to)) {
    if (!from.is_integer() || **from.as_integer() < 0)
      return wrong;
    config.*(*whole) = static_cast<std::uint64_t>(**from.as_integer());
    return bounded(static_cast<double>(config.*(*whole)));
  } else if (const auto* real = std::get_if<double C::*>(&to.to)) {
    if (!from.is_number())
      return wrong;
    config.*(*real) = *from.value<double>();
    return bounded(config.*(*real));
  } else if (const auto* flag = std::get_if<bool C::*>(&to.to)) {
    if (!from.is_boolean())
      return wrong;
    config.*(*flag) = **from.as_boolean();
  } else if (const auto* list = std::get_if<std::vector<std::string> C::*>(&to.to)) {
    if (!from.is_array())
      return wrong;
    auto& into = config.*(*list);
    into.clear();
    for (const auto& one : *from.as_array()) {
      if (!one.is_string())
        return wrong;
      into.push_back(**one.as_string());
    }
  }
  return std::nullopt;
}

template <class C>
std::string unknown_key(const C& config, const std::string& key) {
  std::vector<std::string> known;
  for (const auto& one : knobs(config))
    known.emplace_back(one.key);
  const auto close = model::nearest(key, known);
  return close.empty() ? fmt::format("unknown key {}; `tabletd config default` lists all", key)
                       : fmt::format("unknown key {}; did you mean {}?", key, close);
}

template <class C>
const knob<C>* find_knob(const C& config, std::string_view key) {
  for (const auto& one : knobs(config))
    if (one.key == key)
      return &one;
  return nullptr;
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw config_error(where.empty() ? what : where + ": " + what);
}

std::string place_of(const std::string& file, const toml::source_position& at) {
  return fmt::format("{}:{}:{}", file, at.line, at.column);
}

template <class C>
void take_table(C& config, const toml::table& table, const std::string& prefix, const std::string& file) {
  for (const auto& [name, node] : table) {
    const auto key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
    if (const auto* section = node.as_table()) {
      const bool known = std::any_of(knobs(config).begin(), knobs(config).end(),
                                     [&](const auto& k) { return k.key.starts_with(key + "."); });
      if (!known)
        fail(place_of(file, name.source().begin), unknown_key(config, key));
      take_table(config, *section, key, file);
      continue;
    }
    const auto* to = find_knob(config, key);
    if (!to)
      fail(place_of(file, name.source().begin), unknown_key(config, key));
    if (const auto wrong = assign(config, *to, node))
      fail(place_of(file, node.source().begin), *wrong);
  }
}

/// A value outside a file: TOML if it parses as such and fits, else a plain string.
template <class C>
void take_text(C& config, const knob<C>& to, const std::string& value, const std::string& where) {
  std::optional<std::string> wrong;
  try {
    const auto parsed = toml::parse("x = " + value);
    wrong = assign(config, to, *parsed.get("x"));
    if (!wrong)
      return;
  } catch (const toml::parse_error&) {
    wrong = fmt::format("{} takes {}", to.key, kind_name(to.to.index()));
  }
  const auto* text = std::get_if<std::string C::*>(&to.to);
  if (!text)
    fail(where, *wrong);
  config.*(*text) = value;
}

std::string variable_name(std::string_view key) {
  std::string name = "TABLETD_";
  for (const char c : key)
    name += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

template <class C>
void take_overrides(C& config, const config_overrides& overrides) {
  for (const auto& one : knobs(config)) {
    const auto name = variable_name(one.key);
    if (const auto at = overrides.environment.find(name); at != overrides.environment.end())
      take_text(config, one, at->second, name);
  }
  for (const auto& assignment : overrides.assignments) {
    const auto equals = assignment.find('=');
    const auto where = "--set " + assignment;
    if (equals == std::string::npos)
      fail(where, "expected section.key=value");
    const auto key = assignment.substr(0, equals);
    const auto* to = find_knob(config, key);
    if (!to)
      fail(where, unknown_key(config, key));
    take_text(config, *to, assignment.substr(equals + 1), where);
  }
}

template <class C>
void check_whole(const C& config, const std::string& file) {
  if (!parse_log_level(config.log_level))
    fail(file, fmt::format("log.level is \"{}\"; it must be debug, info, warn or error", config.log_level));
  for (const auto& listen : {config.rpc_listen, config.http_listen}) {
    if (listen.find(':') == std::string::npos)
      fail(file, fmt::format("\"{}\" is no listen address; write host:port", listen));
    if (!is_loopback(listen) && !config.allow_insecure)
      fail(file, fmt::format("{} can be reached from other machines without login; listen on 127.0.0.1 or set "
                             "security.allow_insecure = true", listen));
  }
  if (config.data_dir.empty())
    fail(file, "node.data_dir is empty");
}

/// Clients are sent where the leader says it is.
void check_advertised(const fe_config& config, const std::string& file) {
  const auto host = advertised_host(config);
  if (is_wildcard(host))
    fail(file, fmt::format("nobody can connect to \"{}\", where clients would be sent; set rpc.advertise_host to the "
                           "name or address of this machine", host));
}
void check_advertised(const be_config&, const std::string&) {}

void check_group(const fe_config& config, const std::string& file) {
  std::vector<frontend_address> all;
  try {
    all = frontends_of(config);
  } catch (const config_error& error) {
    fail(file, error.what());
  }
  if (config.join && all.size() < 2)
    fail(file, "node.join needs node.frontends to name this fe and at least one of the group");
  if (all.empty())
    return;
  if (std::ranges::find(all, config.id, &frontend_address::id) == all.end())
    fail(file, fmt::format("node.frontends does not name this fe, node.id = {}", config.id));
  if (config.edit_log_listen.find(':') == std::string::npos)
    fail(file, fmt::format("\"{}\" is no listen address; write host:port", config.edit_log_listen));
  if (!is_loopback(config.edit_log_listen) && !config.allow_insecure)
    fail(file, fmt::format("{} can be reached from other machines without login; listen on 127.0.0.1 or set "
                           "security.allow_insecure = true", config.edit_log_listen));
}
void check_group(const be_config&, const std::string&) {}

template <class C>
C parse(std::string_view text, const std::string& name, const config_overrides& overrides) {
  C config;
  try {
    take_table(config, toml::parse(text, name), "", name);
  } catch (const toml::parse_error& error) {
    fail(place_of(name, error.source().begin), std::string(error.description()));
  }
  take_overrides(config, overrides);
  check_whole(config, name);
  check_advertised(config, name);
  check_group(config, name);
  return config;
}

template <class C>
C load(const std::string& file, const config_overrides& overrides) {
  if (file.empty())
    return parse<C>("", "", overrides);
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf()))
    fail(file, "cannot be read; `tabletd config default --role fe|be > FILE` writes a first one");
  return parse<C>(text.str(), file, overrides);
}

template <class C>
std::string print(const C& config) {
  std::string out;
  std::string section;
  for (const auto& one : knobs(config)) {
    const auto dot = one.key.find('.');
    if (const auto of = std::string(one.key.substr(0, dot)); of != section) {
      out += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", of);
      section = of;
    }
    out += fmt::format("# {}", one.help);
    if (one.most > 0)
      out += fmt::format(" ({} to {})", one.least, one.most);
    std::ostringstream value;
    if (const auto* text = std::get_if<std::string C::*>(&one.to)) {
      value << toml::value<std::string>(config.*(*text));
    } else if (const auto* whole = std::get_if<std::uint64_t C::*>(&one.to)) {
      value << config.*(*whole);
    } else if (const auto* real = std::get_if<double C::*>(&one.to)) {
      value << fmt::format("{}", config.*(*real)); // 0.85, where toml++ writes 17 digits.
    } else if (const auto* flag = std::get_if<bool C::*>(&one.to)) {
      value << (config.*(*flag) ? "true" : "false");
    } else if (const auto* list = std::get_if<std::vector<std::string> C::*>(&one.to)) {
      toml::array items;
      for (const auto& item : config.*(*list))
        items.push_back(item);
      value << items;
    }
    out += fmt::format("\n{} = {}\n", one.key.substr(dot + 1), value.str());
  }
  return out;
}

} // namespace

std::string advertised_host(const fe_config& config) {
  return config.rpc_advertise_host.empty() ? std::string(host_of(config.rpc_listen)) : config.rpc_advertise_host;
}

std::vector<frontend_address> frontends_of(const fe_config& config) {
  std::vector<frontend_address> all;
  for (const auto& entry : config.frontends) {
    const auto at = entry.find('@');
    frontend_address one;
    const auto [end, error] = std::from_chars(entry.data(), entry.data() + std::min(at, entry.size()), one.id);
    if (at != std::string::npos)
      one.address = entry.substr(at + 1);
    if (error != std::errc{} || end != entry.data() + at || one.id == 0 || one.address.find(':') == std::string::npos)
      throw config_error(fmt::format("node.frontends: \"{}\" is not ID@host:port", entry));
    for (const auto& other : all)
      if (other.id == one.id || other.address == one.address)
        throw config_error(fmt::format("node.frontends: \"{}\" repeats an id or an address", entry));
    all.push_back(std::move(one));
  }
  std::ranges::sort(all, {}, &frontend_address::id);
  return all;
}

std::map<std::string, std::string> tabletd_environment() {
  std::map<std::string, std::string> found;
  for (char** at = environ; at && *at; ++at) {
    const std::string_view entry = *at;
    const auto equals = entry.find('=');
    if (entry.starts_with("TABLETD_") && equals != std::string_view::npos)
      found.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return found;
}

fe_config load_fe_config(const std::string& file, const config_overrides& overrides) { return load<fe_config>(file, overrides); }
be_config load_be_config(const std::string& file, const config_overrides& overrides) { return load<be_config>(file, overrides); }
fe_config parse_fe_config(std::string_view text, const std::string& name, const config_overrides& overrides) {
  return parse<fe_config>(text, name, overrides);
}
be_config parse_be_config(std::string_view text, const std::string& name, const config_overrides& overrides) {
  return parse<be_config>(text, name, overrides);
}
std::string to_toml(const fe_config& config) { return print(config); }
std::string to_toml(const be_config& config) { return print(config); }

} // namespace tabletd
