#pragma once
// One tablet found on two paths when a backend starts: which copy counts, and what becomes of
// the other.  A move that was interrupted between its two commits leaves such a pair, both
// complete; a path that was away for a while brings back an old one.
#include "node/be/disk_worker.h"
#include <map>
#include <vector>

namespace tabletd {

class two_copies {
public:
  struct place {
    disk_worker* disk = nullptr;
    replica_status status;
  };

  void add(disk_worker& disk, const replica_status& here);
  /// By tablet, the copy that counts: the sound one before a damaged one, then the one that has
  /// more (version, versions beyond a hole, rowsets, prepared rowsets), then the one that moved
  /// later, which is the target of the move that was interrupted.
  [[nodiscard]] const std::map<std::uint64_t, place>& chosen() const { return chosen_; }
  /// Deletes copies of the same replica that have no version the chosen one lacks; all others are
  /// left alone and not served.  What cannot be deleted is logged and tried at the next start.
  void remove_others() const;

private:
  std::map<std::uint64_t, place> chosen_;
  std::vector<place> others_;
};

} // namespace tabletd
