#pragma once
// The bytes of one move between two paths: lists what the source has and the target has not,
// and copies it, block by block, each checked against its file's footer when it is read and
// again when it is written.  Any number of rounds, each over what the one before did not know.
#include "actors/model/move_life.h"
#include "node/be/backend_room.h"
#include "node/be/block_window.h"
#include "node/be/partial_copy.h"
#include <functional>
#include <map>
#include <set>

namespace tabletd {

struct move_limits {
  std::size_t window_bytes = 8U << 20; ///< Read and not yet written, per move.
  std::size_t blocks_max = 16;         ///< The same in blocks.
};

/// Loop thread only.
class path_copy {
public:
  /// Hears move_listed, move_progressed, move_copied and move_failed.
  using hear_fn = std::function<void(const model::move_event&)>;
  path_copy(backend_room& room, const move_limits& limits, const model::move_order& order, disk_worker& from,
            disk_worker& to, std::shared_ptr<partial_copy> part, hear_fn hear);
  ~path_copy() noexcept(false);

  void list();
  void copy();
  /// Everything the replica held when it was listed last.
  [[nodiscard]] const source_snapshot& snapshot() const { return snapshot_; }
  /// How often the replica had moved before.
  [[nodiscard]] std::uint32_t moves() const { return moves_; }

private:
  struct listing;
  using block_ptr = std::shared_ptr<std::vector<std::byte>>;
  /// In the source's thread; opens what is not among `copied`.
  [[nodiscard]] static listing look(path_set& paths, disk_worker& disk, tablet_store& store,
                                    const model::move_order& order, const std::set<std::uint64_t>& copied);
  void listed(listing&& found);
  void pump();
  [[nodiscard]] kj::Promise<void> read(block_window::block block);
  [[nodiscard]] kj::Promise<void> write(block_window::block block, const block_ptr& bytes);
  void written(std::size_t bytes);
  void finish();
  void progress();
  void fail(model::task_failure kind, const std::string& why);
  /// False if `result` is an error of the target, which then has been told.
  bool good(const storage_error* why);
  void run(kj::Promise<void> step);

  backend_room& room_;
  const model::move_order order_;
  disk_worker& from_;
  disk_worker& to_;
  std::shared_ptr<partial_copy> part_; ///< Used in the target's thread only.
  hear_fn hear_;
  bool over_ = false; ///< A failure was told; nothing more will be.

  std::uint32_t moves_ = 0;
  source_snapshot snapshot_;
  std::vector<std::shared_ptr<rowset_reader>> readers_; ///< Per rowset; null: nothing to copy.
  std::map<std::uint64_t, source_rowset> copied_;       ///< In earlier rounds, by the source's id.

  block_window window_;                   ///< Of this round.
  std::uint64_t untold_bytes_ = 0;        ///< Written since the last move_progressed.
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // run() has told it.
  };
  failures failures_;
  kj::TaskSet tasks_{failures_};          ///< Last: its promises point at everything above.
};

} // namespace tabletd
