#pragma once
// What balance knows of the cluster, in rows and slot numbers: built once from the catalog
// and then kept by whoever changes something, so that a round of balance costs what it moves
// and never what exists (spec/replica.md 9.2 C18).  About forty bytes per replica.
//
// Moves under way count as done: their replica is taken off its source and put on its target
// the moment they begin.  So do copies that repair has running.  What the disks report lags
// behind; the difference is kept per path as bytes on their way in and out.
#include "actors/model/balance_rules.h"
#include "actors/model/load_score.h"
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tabletd::model {

/// What a move is good for.
enum class balance_kind : std::uint8_t {
  backend_load, ///< From a backend with a high score to one with a low score.
  table_skew,   ///< From where a table has many replicas to where it has few.
  path_load,    ///< From a full path to an emptier one of the same backend.
  wanted_medium, ///< To a path of the medium its partition wants, on the same backend.
};
[[nodiscard]] std::string_view name(balance_kind kind); ///< "BACKEND_LOAD"

/// One replica to copy and then drop where it was.
struct balance_move {
  tablet_id tablet{};
  replica_id replica{}; ///< The one that goes; pinned until the move is over (9.2 C16).
  place source;
  place target;
  std::uint64_t bytes{};
  balance_kind kind{};
  double gain{};        ///< Score, replicas of skew, or used ratio that the two ends come closer.
  std::string reason{}; ///< One line for people.
  friend bool operator==(const balance_move&, const balance_move&) = default;
};

class balance_state {
public:
  using slot = std::uint32_t; ///< Number of a row.
  static constexpr slot none = ~slot{0};

  struct path_row {
    place at;
    slot backend = none;
    medium on{};
    bool online = false;
    std::uint64_t capacity_bytes{};
    std::uint64_t available_bytes{};
    std::uint64_t incoming_bytes{}; ///< Counted as here, but not yet in what the disk reports.
    std::uint64_t outgoing_bytes{}; ///< Counted as gone, but still in what the disk reports.
    std::uint32_t moves = 0;        ///< Under way, from here or to here.
    std::vector<slot> replicas;
    [[nodiscard]] bool usable() const { return online && capacity_bytes > 0; }
    [[nodiscard]] double used_bytes() const;
    [[nodiscard]] double used_ratio() const;
  };
  struct backend_row {
    backend_id id{};
    slot host = none;
    bool available = false; ///< Alive and not leaving.
    bool reachable = false;
    std::array<bool, media.size()> endpoint{}; ///< Moves on that medium may begin and end there.
    std::array<medium_load, media.size()> load;
    std::vector<slot> paths;
    [[nodiscard]] bool counts(medium m) const { return available && on(m).total_bytes > 0; }
    [[nodiscard]] const medium_load& on(medium m) const { return load[static_cast<std::size_t>(m)]; }
  };
  /// The tablets of one partition on one medium: what shall be spread evenly.
  struct group_row {
    table_id table{};
    tablet_id first{};
    std::uint32_t buckets{};
    std::uint32_t replication{};
    std::string cluster; ///< The table's; empty: any.
    medium on{};
    std::optional<medium> wanted; ///< The partition's; nothing: any.
    std::uint32_t replicas = 0; ///< On endpoints.
    std::uint32_t skew = 0;     ///< Most less fewest replicas, over endpoints.
    std::vector<std::pair<slot, std::uint32_t>> counts; ///< (backend, replicas > 0), ascending.
    [[nodiscard]] std::uint32_t count(slot backend) const;
  };
  struct tablet_row {
    tablet_id id{};
    std::uint64_t bytes{};
    slot groups = none;   ///< groups + medium is its group there.
    slot first = none;    ///< Its replicas are a list.
    bool moving = false;
  };
  struct replica_row {
    slot tablet = none;
    slot path = none;
    slot next = none;
    std::uint32_t position{}; ///< In path_row::replicas.
  };

  balance_state(const catalog& cat, const cluster_view& cluster, std::span<const balance_move> under_way = {});

  // -- changes ---------------------------------------------------------------------------
  /// The catalog has changed this tablet, made it or dropped it.
  void refresh(const catalog& cat, tablet_id id);
  /// Backends came, went, linked, filled.  Costs a look at every path.
  void observe(const catalog& cat, const cluster_view& cluster);
  void begin(const catalog& cat, const balance_move& move);
  /// The move is over and the source replica dropped, or it has failed.
  void end(const catalog& cat, tablet_id tablet);
  /// Many tablets were dropped since it was built: better built anew.
  [[nodiscard]] bool worn() const { return dropped_ > 1'024 + by_id_.size() / 4; }

  // -- questions -------------------------------------------------------------------------
  [[nodiscard]] const std::vector<path_row>& paths() const { return paths_; }
  [[nodiscard]] const std::vector<backend_row>& backends() const { return backends_; }
  [[nodiscard]] const path_row& path(slot p) const { return paths_[p]; }
  [[nodiscard]] const backend_row& backend(slot b) const { return backends_[b]; }
  [[nodiscard]] const group_row& group(slot g) const { return groups_[g]; }
  [[nodiscard]] const tablet_row& tablet(slot t) const { return tablets_[t]; }
  [[nodiscard]] const replica_row& replica(slot r) const { return replicas_[r]; }
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  [[nodiscard]] slot group_of(slot tablet, medium m) const { return tablets_[tablet].groups + static_cast<slot>(m); }
  [[nodiscard]] slot find(tablet_id id) const; ///< none: unknown.
  [[nodiscard]] std::uint32_t endpoints(medium m) const { return endpoints_[static_cast<std::size_t>(m)]; }
  /// Groups whose replicas differ by two or more between endpoints: (skew, group) ascending.
  [[nodiscard]] const std::set<std::pair<std::uint32_t, slot>>& skewed(medium m) const {
    return skewed_[static_cast<std::size_t>(m)];
  }
  /// Groups with replicas on another medium than this one, which their partition wants.
  [[nodiscard]] const std::set<slot>& misplaced(medium wanted) const {
    return misplaced_[static_cast<std::size_t>(wanted)];
  }
  /// Slots of the tablets of a partition, in bucket order.
  [[nodiscard]] std::span<const slot> tablets_of(const group_row& g) const;
  /// As host_anti_affinity() says.
  [[nodiscard]] bool hosts_apart(const group_row& g) const {
    const auto hosts = hosts_in_.find(g.cluster);
    return hosts != hosts_in_.end() && hosts->second >= g.replication;
  }
  [[nodiscard]] std::size_t under_way() const { return flights_.size(); }
  [[nodiscard]] bool moving(tablet_id id) const { return flights_.contains(id); }
  [[nodiscard]] std::vector<load_line> lines(medium m) const; ///< Replicas counted exactly.

private:
  struct flight {
    place source;
    place target;
  };
  struct influence {
    slot path = none;
    std::uint64_t incoming_bytes{};
    std::uint64_t outgoing_bytes{};
  };

  slot backend_slot(backend_id id);
  [[nodiscard]] slot path_slot(const place& at) const;
  slot groups_of(const catalog& cat, const model::tablet& t);
  slot add_tablet(tablet_id id);
  void attach(const catalog& cat, const model::tablet& t, slot row);
  void detach(slot row);
  void put(slot tablet, slot path);
  void count(slot tablet, slot path, int by);
  void influence_by(slot tablet, const influence& what);
  void apply(const influence& what, int sign);
  void look_at(const model::backend& b, const cluster_view& cluster, bool& new_paths);
  bool look_at_path(slot backend, path_hash hash, medium m, const path_view* seen);
  void recount(backend_row& b) const;
  void count_hosts(const catalog& cat);
  /// What partitions want may change without a change of their tablets.
  void read_wishes(const catalog& cat);
  void note_misplaced(slot group);
  void reskew(slot group);

  std::vector<path_row> paths_;
  std::vector<backend_row> backends_;
  std::vector<group_row> groups_; ///< One per medium for every partition.
  std::vector<tablet_row> tablets_;
  std::vector<replica_row> replicas_;
  std::vector<slot> free_replicas_;
  std::vector<slot> by_id_; ///< Tablets ascending by id, dropped ones too.
  std::size_t dropped_ = 0;
  std::unordered_map<backend_id, slot> backend_slots_;
  std::unordered_map<partition_id, slot> partition_slots_;
  std::unordered_map<tablet_id, flight> flights_;
  std::unordered_map<slot, std::vector<influence>> influences_;
  std::array<std::uint32_t, media.size()> endpoints_{};
  std::array<std::set<std::pair<std::uint32_t, slot>>, media.size()> skewed_;
  std::array<std::set<slot>, media.size()> misplaced_;
  cow_map<table_id, table> tables_seen_; ///< By read_wishes().
  std::unordered_map<std::string, slot> hosts_;
  std::map<std::string, std::size_t, std::less<>> hosts_in_; ///< Different ones, by cluster; "": in all.
  bool building_ = true;
};

} // namespace tabletd::model
