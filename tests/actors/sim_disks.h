#pragma once
// Backends as the simulator plays them: machines that die and return, disks that keep what
// was written, forget it or damage it, and a memory of tasks that dies with the process.
#include "actors/model/agent_task.h"
#include "actors/model/catalog.h"
#include <functional>
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;

/// Small, and the same everywhere (std distributions are not).
struct dice {
  std::uint64_t state;
  std::uint64_t operator()() {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t n) { return ((*this)() >> 32U) * n >> 32U; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
};

struct disk_replica {
  replica_id id{};
  path_hash path{};
  std::uint64_t holds = 0; ///< Bit v: version v is there.
  bool bad = false;
  [[nodiscard]] version contiguous() const {
    version v = 0;
    while ((holds >> (v + 1) & 1U) != 0)
      ++v;
    return v;
  }
  [[nodiscard]] bool whole(version visible) const { return !bad && contiguous() >= visible; }
};

struct sim_backend {
  backend_id id{};
  std::string host;
  std::vector<path_seen> paths;
  bool up = true;
  time_ms stopped{};
  std::uint64_t boot = 1; ///< Grows with each start of its process.
  std::map<tablet_id, disk_replica> disk;
  std::map<log_index, agent_task> running; ///< Of this boot.
  std::map<log_index, task_end> ended;     ///< Of this boot.
};

struct sim_disks {
  std::map<backend_id, sim_backend> backends;

  [[nodiscard]] sim_backend* find(backend_id id) {
    const auto at = backends.find(id);
    return at == backends.end() ? nullptr : &at->second;
  }

  /// Disks, up or down, that hold everything a reader may see.
  [[nodiscard]] std::size_t whole_copies(tablet_id tablet, version visible) const {
    std::size_t copies = 0;
    for (const auto& [id, b] : backends)
      if (const auto at = b.disk.find(tablet); at != b.disk.end())
        copies += at->second.whole(visible) ? 1 : 0;
    return copies;
  }

  /// Some task runs on a backend.
  [[nodiscard]] bool busy() const {
    return std::any_of(backends.begin(), backends.end(), [](const auto& each) { return !each.second.running.empty(); });
  }

  /// The process is gone, the disk stays.
  void stop(sim_backend& b) {
    b.up = false;
    b.running.clear();
    b.ended.clear();
  }
  void start(sim_backend& b) {
    b.up = true;
    ++b.boot;
  }

  // -- what a finished task does ---------------------------------------------------------

  task_end finish(sim_backend& b, const agent_task& task) {
    return std::visit(overloaded{
                        [&](const clone_order& o) { return copy(b, task.fence, o); },
                        [&](const drop_order& o) { return drop(b, task.fence, o); },
                        [&](const auto&) {
                          return failed_end(task.fence, {}, {}, task_failure::unknown, "not simulated");
                        },
                      },
                      task.what);
  }

  std::function<void(const sim_backend&, tablet_id)> on_erase = [](const sim_backend&, tablet_id) {};

  void erase(sim_backend& b, tablet_id tablet) {
    b.disk.erase(tablet);
    on_erase(b, tablet);
  }

private:
  const disk_replica* source_of(const clone_order& o) const {
    for (const auto& [id, b] : backends) {
      const auto at = b.disk.find(o.tablet);
      if (b.up && b.host == o.source_host && at != b.disk.end() && at->second.id == o.source_replica)
        return &at->second;
    }
    return nullptr;
  }

  task_end copy(sim_backend& b, log_index fence, const clone_order& o) {
    const auto* source = source_of(o);
    if (!source)
      return failed_end(fence, o.tablet, o.replica, task_failure::source_gone, "the source does not have it");
    if (source->bad)
      return failed_end(fence, o.tablet, o.replica, task_failure::source_corrupt, "the source cannot be read");
    const auto from = *source;
    const auto present = b.disk.find(o.tablet);
    if (present != b.disk.end() && present->second.id != o.replica)
      erase(b, o.tablet);
    auto& here = b.disk[o.tablet];
    here.id = o.replica;
    if (raw(o.path) != 0)
      here.path = o.path;
    here.holds |= from.holds;
    if (here.contiguous() < o.version)
      return failed_end(fence, o.tablet, o.replica, task_failure::source_gone, "the source is behind");
    held_replica held;
    held.tablet = o.tablet;
    held.replica = o.replica;
    held.path = here.path;
    held.version = held.max_version = here.contiguous();
    held.bad = here.bad;
    return {fence, o.tablet, o.replica, held, 1'000'000, 100, 0};
  }

  task_end drop(sim_backend& b, log_index fence, const drop_order& o) {
    const auto at = b.disk.find(o.tablet);
    if (at != b.disk.end() && at->second.id != o.replica)
      return failed_end(fence, o.tablet, o.replica, task_failure::stale, "another replica is here");
    if (at != b.disk.end())
      erase(b, o.tablet);
    held_replica gone;
    gone.tablet = o.tablet;
    gone.replica = o.replica;
    return {fence, o.tablet, o.replica, gone, 0, 1, 0};
  }
};

} // namespace tabletd::test
