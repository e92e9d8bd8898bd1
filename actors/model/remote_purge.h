#pragma once
// When the objects of dropped tablets may be deleted, and how many tablets at a time (spec/jobs.md U6).  Pure.
//
// A tombstone says that a tablet which had an uploader is gone.  That uploader may be frozen and go on writing until its
// lease is over, so nothing is deleted before the leader's patience has passed (cooldown_rules.h, patience_for), counted
// from when this leader first saw the tombstone: from then on it acknowledges nothing of that tablet, and an earlier
// leader had not either.  After it no put begins, and none that began outlives its lease: what is deleted stays
// deleted.
//
// Tablet ids are never given out again.  So deleting twice, by a leader that does not know that it is deposed, or after
// a crash before the edit, is harmless: there is nothing of anybody else under them.
#include "actors/model/cow_map.h"
#include "actors/model/ids.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tabletd::model {

using tombstone_map = cow_map<tablet_id, time_ms>;

struct purge_pace {
  time_ms patience{};            ///< T_fe.
  std::size_t tablets_max = 64;  ///< Of one batch.
  time_ms rest_min{10'000};      ///< After a batch that failed; doubles with each further one ...
  time_ms rest_max{600'000};     ///< ... up to this.
};

/// Tombstones are waited for in waves, each of which is all there were at one moment: a table of a million tablets costs
/// no more than one that has one, and a tombstone waits between once and twice the patience.
class remote_purge {
public:
  explicit remote_purge(const purge_pace& pace) : pace_(pace) {}

  /// Whose objects to delete now; none: nothing is due, or a batch is under way.  `tombstones`: of the newest catalog.
  [[nodiscard]] std::vector<tablet_id> next(const tombstone_map& tombstones, time_ms now);
  /// Of the batch that next() gave.  `why` empty: nothing of its tablets is left in any store.
  void ended(const std::string& why, time_ms now);

  /// When the last batch failed and none since went through: why.
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] time_ms rests_until() const { return rests_until_; }

private:
  purge_pace pace_;
  tombstone_map wave_;
  time_ms seen_at_{};
  tablet_id from_{};  ///< The next of the wave.
  tablet_id batch_from_{};
  bool has_wave_ = false;
  bool is_busy_ = false;
  std::uint32_t failures_ = 0;  ///< In a row.
  time_ms rests_until_{};
  std::string why_;
};

}  // namespace tabletd::model
