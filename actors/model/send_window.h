#pragma once
// What the leader sends one follower next, and from where (design/journal.md 9.6).  A follower that is slow
// or away costs the leader at most its window: the rest of what it lacks is a range of indexes.
#include "actors/model/ids.h"
#include "actors/model/log_cache.h"
#include "actors/model/memory_governor.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <variant>

namespace tabletd::model {

struct send_limits {
  std::uint64_t window_bytes{};  ///< W_peer, of memory_limits.
  std::size_t messages_max = 64;
  std::uint64_t message_bytes_max = 1U << 20;  ///< Or one entry.
  time_ms heartbeat{100};
};

/// Send these entries as one append; the answer must carry the same `sequence`.
struct send_entries {
  std::uint64_t sequence{};
  entry_range entries;
  bool from_disk = false;  ///< Read them from the log; else the cache has them.
  friend bool operator==(const send_entries&, const send_entries&) = default;
};
/// The log no longer has what it lacks: a snapshot, once its turn comes, then snapshot_ended().
struct send_snapshot {
  friend bool operator==(const send_snapshot&, const send_snapshot&) = default;
};
struct send_nothing {
  friend bool operator==(const send_nothing&, const send_nothing&) = default;
};
using send_decision = std::variant<send_nothing, send_entries, send_snapshot>;

/// What a follower says after each append, after each write of its log, and of the resume edge.
struct append_answer {
  std::uint64_t sequence{};  ///< Of the newest append it has seen.
  std::uint64_t match{};     ///< Durable and verified up to here.
  std::uint64_t taken{};     ///< In its log and verified up to here, durable soon.
  bool mismatch = false;     ///< The entry before the first one sent is not in its log; `taken` is a hint.
  bool busy = false;         ///< It is full, until it says otherwise.
  std::uint64_t room_bytes{};
  bool resume = false;  ///< It was full, and no longer is.
};

enum class send_state : std::uint8_t {
  disconnected,
  probing,    ///< One message at a time, until one fits its log.
  streaming,  ///< As many as the window holds.
  throttled,  ///< It said it was full.  One message every two heartbeats, of what it says it has room for.
  snapshot,
};

/// Entries in the cache are sent as they are, pinned; what is read from the disk is charged to `sending`.
/// A disconnected window holds nothing; forget it before the log is truncated.
class send_window {
public:
  /// Both must outlive it.
  send_window(memory_governor& governor, log_facts& log, const send_limits& limits);
  ~send_window();
  send_window(const send_window&) = delete;
  send_window& operator=(const send_window&) = delete;

  /// `match`: what is known of its log, in the same term; `next`: what it gets first, match + 1 unless the
  /// leader is new and guesses.
  void connected(std::uint64_t match, std::uint64_t next);
  void disconnected();
  /// Lets go of what is on its way to a follower that the quorum does not need, for room; goes on later.
  void give_way(time_ms now);
  void answered(const append_answer& answer, time_ms now);
  /// It was installed, and answered() told how far the follower is; or it failed.
  void snapshot_ended();

  /// Call until it says nothing, after every answer, append and commit, and at next_retry().  What it returns
  /// counts as sent.  `send_nothing` for want of memory: try again when something was released.
  [[nodiscard]] send_decision next(time_ms now);
  [[nodiscard]] std::optional<time_ms> next_retry() const;

  [[nodiscard]] send_state state() const { return state_; }
  [[nodiscard]] std::uint64_t match() const { return match_; }
  [[nodiscard]] std::uint64_t next_index() const { return next_; }
  [[nodiscard]] std::uint64_t in_flight_bytes() const { return in_flight_bytes_; }
  [[nodiscard]] std::size_t in_flight() const { return flights_.size(); }

private:
  struct flight {
    std::uint64_t sequence{};
    entry_range entries;
    std::uint64_t bytes{};
    bool from_disk = false;
  };
  [[nodiscard]] std::uint64_t wire_bytes(std::uint64_t index) const {
    return log_.size_bytes(index) + entry_cost_bytes;
  }
  [[nodiscard]] bool may_send(time_ms now) const;
  [[nodiscard]] std::uint64_t message_limit() const;
  [[nodiscard]] send_decision send();
  void land(const flight& done);
  void forget_flights();
  void land_durable();
  void give_up_after(std::uint64_t taken);
  void restart_at(std::uint64_t next, send_state state);
  void throttle(std::uint64_t room_bytes, time_ms now);

  memory_governor& governor_;
  log_facts& log_;
  send_limits limits_;
  send_state state_ = send_state::disconnected;
  std::uint64_t match_ = 0, next_ = 1;
  std::uint64_t sequence_ = 0;        ///< Of the last message.
  std::uint64_t stale_sequence_ = 0;  ///< Answers up to this one are about flights that were given up.
  std::uint64_t room_bytes_ = 0;      ///< What it offered when it was full.
  time_ms retry_at_{};
  std::deque<flight> flights_;
  std::uint64_t in_flight_bytes_ = 0;
};

/// Whether a commit can do without this follower: a majority of the group, the leader included, has
/// more of the log or as much.
[[nodiscard]] bool outside_quorum(std::uint64_t match, std::span<const std::uint64_t> other_followers);

/// One snapshot is sent at a time (9.6, rule 7).
class snapshot_turn {
public:
  [[nodiscard]] bool take(std::uint64_t follower) {
    if (!taken_by_)
      taken_by_ = follower;
    return taken_by_ == follower;
  }
  void give_back(std::uint64_t follower) {
    if (taken_by_ == follower)
      taken_by_.reset();
  }

private:
  std::optional<std::uint64_t> taken_by_;
};

}  // namespace tabletd::model
