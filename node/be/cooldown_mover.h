#pragma once
// What moves the bytes of cooldown: between the disks, in their threads, and the remote stores, in those of
// remote_workers.
#include "actors/agent/be_stats.h"
#include "actors/agent/cooldown_ports.h"
#include "node/be/homecoming.h"
#include "node/be/path_set.h"
#include "node/be/remote_shelf.h"
#include "node/be/remote_workers.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tabletd {

class cooldown_mover final : public cooldown_transport, public std::enable_shared_from_this<cooldown_mover> {
public:
  struct ports {
    std::shared_ptr<path_set> paths;
    std::shared_ptr<remote_workers> workers;
    std::shared_ptr<remote_shelf> shelf;
    std::function<model::time_ms()> clock;  ///< The keeper's: leases are measured by it.
  };
  explicit cooldown_mover(ports where) : where_(std::move(where)) {}

  void look(const cooldown_life_id& who, cooldown_keeper_actor keeper) override;
  void put_segment(const cooldown_life_id& who, model::put_segment what, lease_end lease,
                   cooldown_keeper_actor keeper) override;
  void put_meta(const cooldown_life_id& who, model::put_meta what, lease_end lease, cooldown_keeper_actor keeper) override;
  void save_asked(const cooldown_life_id& who, std::uint64_t job, std::optional<model::published_meta> what,
                  cooldown_keeper_actor keeper) override;
  void fetch_meta(const cooldown_life_id& who, model::fetch_meta what, cooldown_keeper_actor keeper) override;
  void save_set(const cooldown_life_id& who, model::save_set what, model::resource_id resource,
                cooldown_keeper_actor keeper) override;
  void bring_home(const cooldown_life_id& who, model::bring_home what, cooldown_keeper_actor keeper) override;
  void list_objects(const cooldown_life_id& who, model::list_objects what, cooldown_keeper_actor keeper) override;
  void delete_object(const cooldown_life_id& who, model::delete_object what, lease_end lease,
                     cooldown_keeper_actor keeper) override;
  void discard(const cooldown_life_id& who, model::discard_objects what) override;

private:
  using disk_work = std::function<void(disk_worker& disk, tablet_store& store)>;
  /// In the thread of the disk that has the replica, which may just have moved to another; `absent` if none has.
  void on_its_disk(const cooldown_life_id& who, disk_work work, std::function<void()> absent);
  /// `work` throws remote_error or storage_error: the job has failed.
  void on_remote(const cooldown_life_id& who, std::uint64_t job, const cooldown_keeper_actor& keeper,
                 std::function<model::replica_event()> work);
  /// From the stores where its inputs lie, through this process, into the store where it shall lie.
  void put_merged(const cooldown_life_id& who, model::put_segment what, const lease_end& lease,
                  const cooldown_keeper_actor& keeper);
  void fail(const cooldown_life_id& who, std::uint64_t job, const cooldown_keeper_actor& keeper, std::string why) const;
  /// Why a listing of that store failed a short while ago; empty: none did.
  [[nodiscard]] std::string why_not_listed(model::resource_id resource);
  void note_failed_listing(model::resource_id resource, const std::string& why);
  [[nodiscard]] time_left_fn within(const lease_end& lease) const;
  [[nodiscard]] time_left_fn unleased() const;

  struct failed_listing {
    model::time_ms until{};
    std::string why;
  };
  const ports where_;
  const std::shared_ptr<homecoming_turns> homecomings_ = std::make_shared<homecoming_turns>();
  std::mutex mutex_;
  std::map<model::resource_id, failed_listing> failed_listings_;
};

}  // namespace tabletd
