#pragma once
// How each replica of one tablet stands, counted once for everybody: diagnose() names the
// illness from it and decide() picks the remedy from it, so the two can never disagree.
#include "actors/model/health.h"
#include "actors/model/short_list.h"
#include <cstdint>

namespace tabletd::model {

/// One replica, seen through its backend.
struct replica_standing {
  const backend* home = nullptr; ///< Its backend, if the catalog (which must live on) knows it.
  bool known = false;     ///< Its backend is in the catalog.
  bool available = false; ///< Its backend is alive and not decommissioned.
  bool live = false;      ///< A copy one can use: backend alive, not bad, not being cloned.
  bool complete = false;  ///< live, and serves every visible version.
  bool in_cluster = false; ///< Its backend is of the cluster the table belongs to, if to any.
  bool at_home = false;    ///< Colocated tables: its backend is one its bucket belongs on.
  bool counts = false;    ///< live, and the one that counts for its host (spec/replica.md 2.1).
};

struct assessment {
  model::version visible{};
  std::uint32_t wanted{};          ///< 0: the table is gone, nothing is wanted.
  bool host_anti_affinity = false;
  bool hinted = false;             ///< An operator has asked for it (ADMIN REPAIR).
  std::string_view cluster;        ///< The table's; empty: any.
  /// Of a colocated table: the backends its bucket belongs on, else nullptr.
  const std::vector<backend_id>* home = nullptr;
  const open_move* move = nullptr; ///< An undecided balance move.
  short_list<replica_standing, 8> replicas; ///< As in tablet::replicas.
  std::uint32_t total{};           ///< Replicas without the ones still being cloned.
  std::uint32_t alive{};           ///< Hosts with a live replica.
  std::uint32_t complete{};        ///< Of these, complete.
  std::uint32_t stable{};          ///< Of these, on an available backend.
  std::uint32_t in_cluster{};      ///< Of these, in the table's cluster.
  std::uint32_t sources{};         ///< Complete replicas, however many share a host.
  bool fillable = false;           ///< One lacks versions and can be filled where it is.

  [[nodiscard]] std::uint32_t quorum() const { return wanted / 2 + 1; }
};

/// Replicas of a table shall sit on different hosts exactly when the cluster has as many
/// hosts as the table wants replicas.  A cluster on one machine (every backend 127.0.0.1
/// with its own port) could hold no replicated table otherwise.  Hosts of dead and
/// decommissioned backends count too, so the rule does not flip while a backend is away.
/// `cluster`: the one the table belongs to, whose hosts alone can hold it; empty: any.
[[nodiscard]] bool host_anti_affinity(const catalog& cat, std::uint32_t replication_num, std::string_view cluster = {});

/// Views into `cat` and `t`: valid as long as they are.
[[nodiscard]] assessment assess(const catalog& cat, const tablet& t);

/// diagnose() for who has assessed already.
[[nodiscard]] diagnosis diagnose(const catalog& cat, const tablet& t, const assessment& a);

/// It should be complete: the one that counts for its host, and at home also one beside it.
[[nodiscard]] bool wanted_whole(const replica_standing& s);
/// It lacks versions that can be copied to where it is.
[[nodiscard]] bool fillable(const replica_standing& s);

/// True if the replica may go without lowering the number of hosts with a complete copy
/// below the wanted one.  The one rule behind every drop.
[[nodiscard]] bool expendable(const assessment& a, const tablet& t, std::size_t replica);

/// True if this replica (by its place in the tablet) keeps others off backend `b`: it is there, or (with host
/// anti-affinity) on its host - dead and bad ones too, they may come back.  Only one that is
/// leaving does not keep its host: it goes as soon as the other one is there.
/// One on a backend of another cluster, or away from a colocated tablet's home, is leaving in that sense.
[[nodiscard]] bool takes(const assessment& a, std::size_t replica, const backend& b);
/// The same for a replica on `holder`.
[[nodiscard]] bool takes(const assessment& a, const backend& holder, const backend& b);

/// True if a replica may be placed there at all: the cluster fits and, of a colocated tablet, the
/// bucket belongs there.
[[nodiscard]] bool belongs(const assessment& a, const backend& b);

/// The replica of an undecided move that is not complete yet, or nullptr.
[[nodiscard]] const replica* catching_up(const assessment& a, const tablet& t);

/// Loads that began before the tablet's last copy ended count on this replica (4.10); the fold
/// refuses to drop it while they are open.
[[nodiscard]] bool loads_count_on(const catalog& cat, const tablet& t, const replica& r);

/// True if some available backend is taken by no replica.  By id, never by count
/// (spec/replica.md 2.1 [FIX]).
[[nodiscard]] bool has_room(const catalog& cat, const assessment& a, const tablet& t);

/// True if dropping the replica leads to room: it takes an available backend, and whatever
/// else takes that backend is expendable too.
[[nodiscard]] bool opens_room(const catalog& cat, const assessment& a, const tablet& t, std::size_t replica);

/// True if a new replica is wanted but a useless one must go first: it is in the way of
/// the only backends left, or the tablet is at its limit of wanted + 1 replicas.
[[nodiscard]] bool must_drop_first(const catalog& cat, const assessment& a, const tablet& t);

} // namespace tabletd::model
