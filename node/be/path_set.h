#pragma once
// All paths of this backend: which disk holds which tablet, how the disks are, and the one
// place from which changes of the tablet set reach the reporter.
#include "actors/agent/be_stats.h"
#include "actors/agent/ports.h"
#include "actors/model/report_book.h"
#include "node/be/disk_worker.h"
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace tabletd {

/// One task on its way through a disk.
template <class Order>
struct disk_errand;

class path_set final : public replica_disks, public std::enable_shared_from_this<path_set> {
public:
  /// Opens every path.  Throws storage_error: a path that cannot be opened must be mended or
  /// taken out of the configuration.
  path_set(std::vector<disk_options> paths, std::shared_ptr<be_stats> stats);
  ~path_set() override;

  /// From now on changes go to `reporter`; everything that is here has gone there on return.
  /// Once; not from a disk's thread.
  void report_to(reporter_actor reporter);
  /// Long walks end early from now on.
  void begin_stop() { stopping_ = true; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  /// Runs what is queued, closes every store.  Idempotent.
  void stop();

  // -- any thread --
  [[nodiscard]] model::path_hash path_of(model::tablet_id tablet) const override;
  void carry_out(model::agent_task task, task_keeper_actor keeper) override;
  [[nodiscard]] disk_worker* find(model::path_hash hash) const;
  /// The disk that holds `tablet`, or null.
  [[nodiscard]] disk_worker* disk_of(std::uint64_t tablet) const;
  [[nodiscard]] const std::vector<std::unique_ptr<disk_worker>>& disks() const { return disks_; }
  [[nodiscard]] std::vector<disk_status> status() const;
  /// Looks at every disk's fill again, in its own thread.
  void refresh();
  /// Where `tablet` is now, if it left `disk` for another path; null: it did not.
  [[nodiscard]] disk_worker* left_for(std::uint64_t tablet, const disk_worker& disk) const;
  /// Reserves the tablet for a path; the one that has it already, if there is one, wins.
  disk_worker& claim(std::uint64_t tablet, disk_worker& wanted);
  [[nodiscard]] be_stats& stats() const { return *stats_; }

  // -- disk threads --
  /// The store changed these tablets (or their absence): tell the reporter, mend the index.
  /// Of a tablet that is on another path nothing is said.
  enum class prepared_set { as_before, changed };
  void changed(disk_worker& disk, tablet_store& store, const std::vector<model::held_ref>& tablets,
               prepared_set prepared = prepared_set::as_before);
  /// A replica came to `disk` from another path: from now on this is where it is.
  void arrived(disk_worker& disk, tablet_store& store, model::held_ref replica);
  /// Everything that is here.
  void all_changed(disk_worker& disk, tablet_store& store);
  /// A block did not match: the replica is bad from now on, here and in the next report.
  void corrupt(disk_worker& disk, tablet_store& store, std::uint64_t tablet);
  [[nodiscard]] static model::held_replica held(const disk_worker& disk, const replica_status& status);

private:
  void create(disk_errand<model::create_order> what);
  void drop(disk_errand<model::drop_order> what);
  void verify(disk_errand<model::verify_order> what);
  void tell(const model::disk_changed& changes);

  std::shared_ptr<be_stats> stats_;
  std::vector<std::unique_ptr<disk_worker>> disks_;
  std::unordered_map<std::uint64_t, disk_worker*> by_hash_;
  /// Held from a look at the index until what follows from it is told: a tablet's news come in
  /// their order even from two disks.  Before mutex_.
  std::mutex telling_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::uint64_t, disk_worker*> by_tablet_;
  std::atomic<bool> stopping_{false};
  reporter_actor reporter_; ///< Set before the first change.
};

} // namespace tabletd
