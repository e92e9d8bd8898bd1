#pragma once
// Partial files of clones and moves that an earlier process did not finish: kept until their
// order may have come again, then deleted.
#include "node/be/backend_room.h"
#include <map>
#include <set>

namespace tabletd {

/// Loop thread only.
class leftover_sweep {
public:
  explicit leftover_sweep(kj::Duration kept) : kept_(kept) {}
  /// Lists what is on the disks now.  The clock runs from the first attach on: before that
  /// nobody could have ordered anything.  Once.
  void enter(backend_room_ptr room);
  void leave();
  /// The order came again: its files are somebody's.
  void claim(model::log_index fence);

private:
  [[nodiscard]] kj::Promise<void> list();
  void sweep();

  const kj::Duration kept_;
  backend_room_ptr room_;
  std::map<model::log_index, disk_worker*> found_;
  std::set<model::log_index> claimed_; ///< Until the sweep.
  bool swept_ = false;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // Only while shutting down.
  };
  failures failures_;
  std::unique_ptr<kj::TaskSet> tasks_;
};

} // namespace tabletd
