#pragma once
// What the leader currently sees of its backends: observations that are true without
// being in the log (disk fill, link state).  Published as an immutable value.
#include "actors/model/ids.h"
#include "actors/model/edit.h"
#include <map>
#include <string>
#include <vector>

namespace tabletd::model {

struct path_view {
  path_hash hash{};
  std::string root;
  model::medium medium{};
  std::uint64_t capacity_bytes{};
  std::uint64_t data_bytes{};
  std::uint64_t available_bytes{};
  std::uint64_t tablets{};
  bool online = true;
  std::string error;
  [[nodiscard]] double used_ratio() const {
    return capacity_bytes == 0 ? 0 : 1.0 - static_cast<double>(available_bytes) / static_cast<double>(capacity_bytes);
  }
  friend bool operator==(const path_view&, const path_view&) = default;
};

struct backend_view {
  backend_id id{};
  bool linked = false;          ///< Attached and answering heartbeats now.
  bool reported = false;        ///< A full tablet report of this link has been folded in.
  std::uint64_t boot{};
  time_ms started{};
  time_ms last_heartbeat{};     ///< 0: never.
  std::uint16_t http_port{};
  std::string version;          ///< Of its binary.
  std::string error;            ///< Why it is not linked.
  std::uint32_t tasks_running{};
  std::vector<path_view> paths;
  [[nodiscard]] const path_view* path(path_hash hash) const {
    for (const auto& p : paths)
      if (p.hash == hash)
        return &p;
    return nullptr;
  }
};

struct cluster_view {
  std::map<backend_id, backend_view> backends;
  [[nodiscard]] const backend_view* find(backend_id id) const {
    const auto at = backends.find(id);
    return at == backends.end() ? nullptr : &at->second;
  }
};

/// spec/replica.md 4.8 fit rule: 85 % and 2 GiB for a normal placement, 95 % and 1 GiB
/// when a tablet lacks replicas (supplement).
struct fit_limits {
  double high_watermark = 0.85;
  std::uint64_t min_left_bytes = 2ULL << 30;
  double flood_stage = 0.95;
  std::uint64_t flood_left_bytes = 1ULL << 30;
};

} // namespace tabletd::model
