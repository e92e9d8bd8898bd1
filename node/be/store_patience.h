#pragma once
// Whether a store that fails is worth waiting for.  A store that is overloaded, or cannot be reached for a moment, is
// asked again after a pause; one that has not sent a byte for all of the patience is away.  Pure: times are arguments, in
// milliseconds of a clock that never goes back.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace tabletd {

class store_patience {
public:
  /// Pauses double from the first to the longest.
  static constexpr std::int64_t first_pause_ms = 250, longest_pause_ms = 4'000;
  /// What else is wanted of a store that is away fails at once for so long: thousands of tablets would each wait for it.
  static constexpr std::int64_t away_ms = 10'000;

  explicit store_patience(std::int64_t patience_ms) : patience_ms_(patience_ms) {}

  /// It sent something.
  void heard(std::int64_t now_ms) {
    heard_ms_ = now_ms;
    silent_since_ms_.reset();
    pause_ms_ = 0;
  }
  /// A call failed that has waited for it since `since_ms`.
  void failed(std::int64_t now_ms, std::int64_t since_ms, std::string why) {
    const auto since = heard_ms_ ? std::max(since_ms, *heard_ms_) : since_ms;
    silent_since_ms_ = std::min(silent_since_ms_.value_or(since), since);
    why_ = std::move(why);
    if (now_ms - *silent_since_ms_ >= patience_ms_) {
      away_until_ms_ = now_ms + away_ms;
      silent_since_ms_.reset();  // When it is asked again then, patience begins anew.
      pause_ms_ = 0;
    } else if (now_ms >= rests_until_ms_) {  // Calls that fail together are one reason for a longer pause, not several.
      pause_ms_ = std::clamp(2 * pause_ms_, first_pause_ms, longest_pause_ms);
      rests_until_ms_ = std::min(now_ms + pause_ms_, *silent_since_ms_ + patience_ms_);
    }
  }
  [[nodiscard]] bool is_away(std::int64_t now_ms) const { return now_ms < away_until_ms_; }
  /// Not to be asked now.
  [[nodiscard]] bool is_resting(std::int64_t now_ms) const { return now_ms < rests_until_ms_; }
  /// Nothing: all is well, as far as is known.
  [[nodiscard]] std::optional<std::int64_t> silent_since_ms() const { return silent_since_ms_; }
  /// Of the last failure.
  [[nodiscard]] const std::string& why() const { return why_; }

private:
  std::int64_t patience_ms_;
  std::optional<std::int64_t> heard_ms_;
  std::optional<std::int64_t> silent_since_ms_;
  std::int64_t pause_ms_ = 0;
  std::int64_t rests_until_ms_ = 0;
  std::int64_t away_until_ms_ = 0;
  std::string why_;
};

}  // namespace tabletd
