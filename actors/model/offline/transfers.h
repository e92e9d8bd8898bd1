#pragma once
// Copies on their way between paths, each path sharing its rate among the copies that touch it.
// Only who shares a path with one that begins or ends is looked at again.
#include "actors/model/slots.h"
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tabletd::model::offline {

class transfers {
public:
  explicit transfers(std::uint64_t path_rate_bytes_per_s) : rate_bytes_per_s_(path_rate_bytes_per_s) {}

  /// Precondition: `fence` is not under way.
  void start(log_index fence, const place& source, const place& target, std::uint64_t bytes, time_ms now);
  /// Ends it early; returns the bytes it has moved, 0 for one that is not under way.
  std::uint64_t stop(log_index fence, time_ms now);

  [[nodiscard]] std::size_t size() const { return copies_.size(); }
  [[nodiscard]] std::optional<time_ms> next_end() const;
  /// Those that have moved everything by `now`, by when they did.
  [[nodiscard]] std::vector<log_index> take_ended(time_ms now);

private:
  struct copy {
    place source;
    place target;
    std::uint64_t bytes{};
    std::uint64_t left_bytes{};
    std::uint64_t rate_bytes_per_s{}; ///< Since ...
    time_ms since{};
    time_ms ends{};
  };
  void touch(const place& at, time_ms now);
  void settle(log_index fence, copy& c, time_ms now);
  void leave(log_index fence, const copy& c);

  std::uint64_t rate_bytes_per_s_;
  std::map<log_index, copy> copies_;
  std::map<place, std::set<log_index>, place_less> on_path_;
  std::set<std::pair<time_ms, log_index>> ends_;
};

} // namespace tabletd::model::offline
