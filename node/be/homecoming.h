#pragma once
// Brings a replica's remote rowsets home: each object block by block into a file of its own beside the replica's others, then all of
// them in one commit.  What does not get there - an object is missing, the disk is full, the replica moved, the process
// ended - leaves nothing but temporary files, which go with the writers or at the next start.
#include "actors/agent/cooldown_ports.h"
#include "node/be/path_set.h"
#include "node/be/remote_shelf.h"
#include "node/be/remote_workers.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace tabletd {

/// A few at a time: each has all its files open and fills its disk, and a table that is recalled has many tablets.
class homecoming_turns : public std::enable_shared_from_this<homecoming_turns> {
public:
  /// Now or later, from any thread; the turn lasts as long as what `begin` is given.
  void ask(std::function<void(std::shared_ptr<void> turn)> begin);

private:
  static constexpr std::size_t running_max = 2;
  void end();
  void go_on();

  std::mutex mutex_;
  std::deque<std::function<void(std::shared_ptr<void>)>> waiting_;
  std::size_t running_ = 0;
  bool goes_on_ = false;
};

class homecoming : public std::enable_shared_from_this<homecoming> {
public:
  using disk_work = std::function<void(disk_worker& disk, tablet_store& store)>;
  struct ports {
    std::shared_ptr<path_set> paths;
    std::shared_ptr<remote_workers> workers;
    std::shared_ptr<remote_shelf> shelf;
    std::function<model::time_ms()> clock;
    /// Runs the work in the thread of the disk that has the replica, or says that none has it.
    std::function<void(disk_work work)> on_its_disk;
    std::shared_ptr<void> turn;  ///< Of homecoming_turns.
  };
  homecoming(ports where, const cooldown_life_id& who, model::bring_home what, cooldown_keeper_actor keeper)
      : where_(std::move(where)), who_(who), what_(std::move(what)), keeper_(std::move(keeper)) {}

  /// Answers cooldown_done or cooldown_failed.
  void begin();

private:
  void open(disk_worker& disk, tablet_store& store);
  /// A few blocks, in a thread of the workers, and then again: others wait for these threads too.
  void go_on();
  [[nodiscard]] bool copy_some();
  void commit(disk_worker& disk, tablet_store& store);
  void fail(const std::string& why);
  void post_copying();

  const ports where_;
  const cooldown_life_id who_;
  const model::bring_home what_;
  const cooldown_keeper_actor keeper_;

  // One thread at a time.
  disk_worker* disk_ = nullptr;
  model::resource_id resource_{};
  std::vector<model::remote_rowset> rowsets_;  ///< Those that have an object.
  std::vector<homecoming_rowset> files_;       ///< As many.
  std::size_t next_ = 0;                       ///< Rowset ...
  std::uint32_t block_ = 0;                    ///< ... and its block.
  std::shared_ptr<rowset_reader> reader_;      ///< Of that rowset.  Its requests are given until_.
  model::time_ms until_{};
  std::vector<std::byte> bytes_;
};

}  // namespace tabletd
