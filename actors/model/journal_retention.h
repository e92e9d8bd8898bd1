#pragma once
// How much of the journal may be deleted.  Pure.
// K5: a member must be able to lose its newest image and start from the older one.  So every member
// that counts must hold the leader's newest image, bit for bit, and nothing is deleted that some
// member's older image or some member's catalog still lacks.  (spec/jobs.md C5 reads the older image
// of the leader; a member that missed one holds an older one than that.)
#include "actors/model/checkpoint_attempt.h"

#include <cstdint>
#include <vector>

namespace tabletd::model {

struct retention_member {
  node_id id{};
  std::vector<image_mark> images; ///< Newest first; verified by the member.
  std::uint64_t applied{};        ///< 0: not heard of.
  bool excused = false;           ///< Marked "needs full resync" (K6): it does not count.
};

enum class retention_limit : std::uint8_t {
  none,
  no_image,    ///< The leader has none.
  not_acked,   ///< `member` does not hold the leader's newest image.
  no_older,    ///< `member` has nothing to fall back to.
  older_image, ///< `member`'s older image bounds it.
  applied,     ///< What `member` has applied bounds it.
};

struct retention_verdict {
  std::uint64_t upto{}; ///< Entries up to and including this one may go.  0: none.
  retention_limit limit = retention_limit::none;
  node_id member{}; ///< Whose; 0: nobody's.
  friend bool operator==(const retention_verdict&, const retention_verdict&) = default;
};

/// `members` includes the leader.  `pressed`: the disk is filling up and that was logged; the newest
/// image then takes the place of the older one.
[[nodiscard]] retention_verdict deletable(const std::vector<retention_member>& members, node_id leader, bool pressed);

// -- when the disk presses ---------------------------------------------------------------
/// Of the disk the journal and the images are on.
struct disk_room {
  std::uint64_t free_bytes{};     ///< For this process.
  std::uint64_t interval_bytes{}; ///< Of journal between two checkpoints, at most (checkpoint_options::bytes_max).
  std::uint64_t retain_bytes{};   ///< checkpoint_options::retain_bytes_max; the interval counts for no more.
  std::uint64_t image_bytes{};    ///< The newest.
};
/// It presses when there is less room than four checkpoints take, and until there is room for eight: what one
/// deletion sets free must not end what made it possible.  An operator may set an interval that no disk has room for,
/// to checkpoint by age or by order alone: that must not press from the first second on.
[[nodiscard]] bool disk_presses(const disk_room& room, bool did_before);

} // namespace tabletd::model
