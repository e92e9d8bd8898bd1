#pragma once
// Re-reads every block of one replica in small steps, so that its disk can do other work in
// between (the store's own verify() holds the thread until it is through).
#include "node/be/path_set.h"
#include <functional>

namespace tabletd {

class verify_walk {
public:
  using outcome = std::variant<model::held_replica, model::task_failed>;
  using done_fn = std::function<void(outcome)>;
  /// Disk thread, with `tablet` in `store`.  Marks the replica bad at the first block that
  /// does not match; then, or at the end, calls `done` in the disk's thread, once.
  static void start(std::shared_ptr<path_set> paths, disk_worker& disk, tablet_store& store,
                    std::uint64_t tablet, done_fn done);

private:
  verify_walk(std::shared_ptr<path_set> paths, disk_worker& disk, std::uint64_t tablet, done_fn done)
    : paths_(std::move(paths)), disk_(disk), tablet_(tablet), done_(std::move(done)) {}
  void open(tablet_store& store);
  static void go_on(std::shared_ptr<verify_walk> walk, tablet_store& store);
  [[nodiscard]] bool read_some();
  void finish(tablet_store& store) const;

  std::shared_ptr<path_set> paths_;
  disk_worker& disk_;
  std::uint64_t tablet_;
  done_fn done_;
  std::vector<std::shared_ptr<rowset_reader>> readers_; ///< Open: a drop meanwhile does no harm.
  std::size_t rowset_ = 0;
  std::uint32_t block_ = 0;
  std::vector<std::byte> bytes_;
};

} // namespace tabletd
