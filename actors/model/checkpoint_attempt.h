#pragma once
// The words of a checkpoint that the leader's controller, a front end's worker and a receiver of
// images share.  Pure.  Rules K2 to K9: spec/jobs.md C12.
#include "actors/model/consensus_core.h" // node_id

#include <compare>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

/// Drawn at random when a process starts.  A restart is seen by it, not by comparing clocks (K3).
using boot_id = std::uint64_t;

/// Names one try of one worker (K2).  Ordered: a later one of the same log is greater.
struct attempt_id {
  term epoch{};               ///< The term of the leader that ordered it.
  std::uint32_t attempt{};    ///< 1, 2, ... within the epoch.
  std::uint64_t journal_id{}; ///< The image must hold at least everything up to here.
  friend auto operator<=>(const attempt_id&, const attempt_id&) = default;
};

/// An image by what proves that two nodes hold the same one.
struct image_mark {
  std::uint64_t id{}; ///< Index of the last entry it holds.
  std::uint64_t bytes{};
  std::uint32_t crc32c{}; ///< Castagnoli, of the whole file (K1).
  friend bool operator==(const image_mark&, const image_mark&) = default;
};

inline constexpr std::size_t images_kept = 2; ///< K5.

/// What a node holds once `mark` has joined: newest first, no two of one id, at most images_kept.
[[nodiscard]] std::vector<image_mark> with_image(std::vector<image_mark> held, const image_mark& mark);
[[nodiscard]] inline std::uint64_t newest_id(const std::vector<image_mark>& held) {
  return held.empty() ? 0 : held.front().id;
}
/// The one to fall back to; 0: none.
[[nodiscard]] inline std::uint64_t older_id(const std::vector<image_mark>& held) {
  return held.size() < images_kept ? 0 : held.back().id;
}

// -- what a worker says of an attempt ----------------------------------------------------
enum class attempt_refusal : std::uint8_t {
  epoch,     ///< Not the epoch this node knows.
  ahead,     ///< journal_id is past what it has applied.
  too_small, ///< It has a newer image already.
  overtaken, ///< It has heard of a later attempt.
  busy,      ///< Starting, or installing an image itself.
};
enum class attempt_failure : std::uint8_t { epoch_outdated, disk_full, other };

struct attempt_accepted {};
struct attempt_refused { attempt_refusal why{}; };
/// Progress is when either number grows.
struct attempt_running { std::uint64_t replayed{}; std::uint64_t bytes_written{}; };
struct attempt_done { image_mark image; };
struct attempt_failed { attempt_failure kind{}; std::string why; };
struct attempt_unknown {}; ///< This process never heard of it, or no longer remembers.
using worker_answer = std::variant<attempt_accepted, attempt_refused, attempt_running, attempt_done,
                                   attempt_failed, attempt_unknown>;

} // namespace tabletd::model
