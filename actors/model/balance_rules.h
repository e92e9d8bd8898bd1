#pragma once
// The questions balance asks about one tablet or the whole cluster, one function each: is it
// time to balance at all, may this tablet move, may that backend take it.
// Rules: spec/replica.md 4.8 and 5; what they avoid: 9.2 C15 to C18 and C20 to C23.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/load_statistic.h"
#include <cstdint>
#include <unordered_map>
#include <set>
#include <string>
#include <string_view>

namespace tabletd::model {

struct balance_options {
  bool enabled = true;                           ///< disable_balance = false
  bool paths = true;                             ///< disable_disk_balance = false
  double score_threshold = load_score_threshold; ///< Balancing begins above it and ends within half of it.
  double missing_ratio_max = 0.1;                ///< Circuit breaker: moves stop when more backends are missing
  std::uint32_t missing_min = 2;                 ///< than this part, and at least so many.
  std::uint32_t moves_per_path = 2;              ///< Seed: 2 slots per path for balance alone.  0: any number.
  fit_limits fit{};
};

/// What was moved when.  A tablet rests after a move, so that no error of ours can send it to
/// and fro (spec/replica.md 9.2 C15); who has rested is forgotten.
class move_memory {
public:
  explicit move_memory(time_ms rest = std::chrono::minutes(10)) : rest_(rest) {}
  void moved(tablet_id tablet, time_ms now);
  [[nodiscard]] bool resting(tablet_id tablet, time_ms now) const;
  void forget(time_ms now); ///< Everybody who has rested; costs what it forgets.
  [[nodiscard]] std::size_t size() const { return at_.size(); }

private:
  time_ms rest_;
  std::unordered_map<tablet_id, time_ms> at_;
  std::set<std::pair<time_ms, tablet_id>> oldest_;
};

/// Everything a round of balance depends on; catalog and cluster view are snapshots.
struct balance_view {
  const catalog& cat;
  const cluster_view& cluster;
  const move_memory& memory;
  std::set<table_id> paused_tables{};
  std::set<backend_id> paused_backends{}; ///< Nothing moves to or from these.
  /// Of these an operator wants the disks levelled now (ADMIN REBALANCE DISK, spec/replica.md 8.2):
  /// before others, from half the threshold on, and also where balance of disks is disabled.
  std::set<backend_id> level_disks_of{};
  std::string paused_by{}; ///< Not empty: an operator has paused everything; his words.
};

// -- the whole cluster -------------------------------------------------------------------
enum class pause_cause : std::uint8_t {
  none,
  disabled,         ///< By configuration.
  by_operator,
  backends_missing, ///< The circuit breaker.
  awaiting_report,  ///< A linked backend's first full report: nobody knows what is on its disks.
};
struct balance_pause {
  pause_cause cause = pause_cause::none;
  std::uint32_t missing{}; ///< backends_missing: so many
  std::uint32_t of{};      ///< of so many.
  backend_id backend{};    ///< awaiting_report: the first of them.
  std::string words;       ///< by_operator
  friend bool operator==(const balance_pause&, const balance_pause&) = default;
};
/// Level, not edge: the pause lasts exactly as long as its cause.  Backends being
/// decommissioned are not missed: decommissioning those that will not return ends the pause.
[[nodiscard]] balance_pause why_paused(const balance_view& view, const balance_options& options);
[[nodiscard]] std::string sentence(const balance_pause& pause);

// -- one tablet --------------------------------------------------------------------------
/// Why a move that would help is not made.
enum class balance_block : std::uint8_t {
  none,
  tablet_gone,
  table_paused,
  order_open,        ///< Being repaired, or its last move is not over.
  resting,           ///< Moved not long ago.
  unhealthy,         ///< Repair goes first.
  holds_replica,     ///< The target has one.
  same_host,         ///< As another replica.
  target_unlinked,   ///< Or not alive, leaving, or not reported.
  too_full,
  path_busy,         ///< With as many moves as a path may have.
  not_more_balanced, ///< The move would gain too little, or nothing.
  unbalances_load,   ///< It would even a table but push a backend out of the middle.
  colocated,         ///< The group's own balancer says where its buckets are.
  other_cluster,     ///< The target is not of the cluster the table belongs to.
  backend_paused,    ///< By an operator.
  out_of_turns,      ///< The round had no moves left to give; there may be one next time.
  no_such_disk,      ///< The backend has no disk of the medium that the partition wants.
  disks_disabled,    ///< Moves between disks of one backend are disabled by configuration.
};
inline constexpr std::size_t balance_block_count = static_cast<std::size_t>(balance_block::disks_disabled) + 1;
[[nodiscard]] std::string_view sentence(balance_block why);

/// The medium that a replica belongs to; it stays there.  Today that of the path it is on.
[[nodiscard]] medium medium_of(const tablet& t, medium path);
/// May the tablet move at all now?
[[nodiscard]] balance_block may_move(const balance_view& view, const tablet& t, time_ms now);
/// May the backend take the replica at `leaving`?  Hosts stay apart once that one is gone.
[[nodiscard]] balance_block may_take(const balance_view& view, const tablet& t, backend_id leaving, backend_id target);
/// True if the leader can move replicas to and from it.
[[nodiscard]] bool reachable(const cluster_view& cluster, const backend& b);

} // namespace tabletd::model
