#pragma once
// A simulated backend: a machine that dies and returns, and paths that keep what was written.
#include "actors/model/report_diff.h"
#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace tabletd::model::offline {

/// Small, and the same everywhere (the distributions of the library are not).
struct dice {
  std::uint64_t state{};
  std::uint64_t operator()() {
    std::uint64_t z = (state += 0x9e37'79b9'7f4a'7c15ULL); // splitmix64
    z = (z ^ (z >> 30U)) * 0xbf58'476d'1ce4'e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d0'49bb'1331'11ebULL;
    return z ^ (z >> 31U);
  }
  /// 0 .. n - 1; n < 2^32.
  std::uint64_t below(std::uint64_t n) { return ((*this)() >> 32U) * n >> 32U; }
};

/// How many bytes each version of each tablet of a table brought.
struct table_sizes {
  std::vector<std::uint64_t> first; ///< [bucket]: version 2, what the table was made with.
  std::vector<std::uint64_t> later; ///< [v - 3]: of every tablet alike.

  [[nodiscard]] std::uint64_t of(std::uint32_t bucket, version v) const {
    return v < 2 ? 0 : v == 2 ? first[bucket] : later[v - 3];
  }
};

/// A replica as its disk has it.
struct disk_replica {
  replica_id id{};
  path_hash path{};
  version whole_to{};         ///< 1 .. whole_to are there ...
  std::vector<version> above; ///< ... and these, ascending.
  bool bad = false;
  [[nodiscard]] bool has(version v) const { return v <= whole_to || std::binary_search(above.begin(), above.end(), v); }
  void add(version v) {
    if (has(v))
      return;
    above.insert(std::lower_bound(above.begin(), above.end(), v), v);
    while (!above.empty() && above.front() == whole_to + 1) {
      ++whole_to;
      above.erase(above.begin());
    }
  }
  [[nodiscard]] version highest() const { return above.empty() ? whole_to : above.back(); }
  [[nodiscard]] bool serves(version visible) const { return !bad && whole_to >= visible; }
};

struct sim_path {
  path_hash hash{};
  model::medium medium{};
  std::uint64_t capacity_bytes{};
  std::uint64_t other_bytes{}; ///< What is not ours.
  std::uint64_t replica_bytes{};
  std::uint64_t tablets{};
  [[nodiscard]] std::uint64_t used_bytes() const { return std::min(capacity_bytes, other_bytes + replica_bytes); }
};

struct sim_task {
  agent_task what;
  disk_replica source; ///< Clones: what it had when the copy began.
  backend_id source_backend{};
  std::uint64_t bytes{};
};

struct sim_backend {
  backend_id id{};
  std::uint32_t number{};
  std::string host;
  std::uint16_t port{};
  std::vector<sim_path> paths;
  bool up = true;
  bool linked = true;
  bool reported = true;
  std::uint64_t boot = 1; ///< Grows with each start of its process, and with each leader it links to.
  report_memory memory;
  std::map<tablet_id, disk_replica> disk;
  std::map<log_index, sim_task> running; ///< Of this boot.
  std::map<log_index, task_end> ended;   ///< Of this boot.

  [[nodiscard]] sim_path& path(path_hash hash) {
    return *std::find_if(paths.begin(), paths.end(), [hash](const sim_path& p) { return p.hash == hash; });
  }
  [[nodiscard]] double fill() const {
    double used = 0;
    double capacity = 0;
    for (const auto& p : paths) {
      used += static_cast<double>(p.used_bytes());
      capacity += static_cast<double>(p.capacity_bytes);
    }
    return capacity > 0 ? used / capacity : 0;
  }
  [[nodiscard]] std::vector<path_seen> paths_seen() const {
    std::vector<path_seen> seen;
    for (const auto& p : paths)
      seen.push_back({p.hash, "/p" + std::to_string(seen.size() + 1), p.medium});
    return seen;
  }
};

} // namespace tabletd::model::offline
