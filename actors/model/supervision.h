#pragma once
// When a child dies: who is stopped, who is started, when, and when to give up.  Pure;
// the rules are Erlang/OTP's (design/style.md 1.7 and 3.6).
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace tabletd::model {

enum class strategy : std::uint8_t { one_for_one, rest_for_one, one_for_all };
/// permanent: always restarted; transient: only after a crash; temporary: never.
enum class restart : std::uint8_t { permanent, transient, temporary };
enum class exit_kind : std::uint8_t { normal, abnormal };

/// Delay before the n-th restart in a row: first * 2^(n-1), at most `max`; the row ends when
/// a child has lived `reset_after`.
struct backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds max{30'000};
  std::chrono::milliseconds reset_after{60'000};
};

struct supervisor_spec {
  strategy how = strategy::one_for_one;
  /// More restarts than this within `window` and the supervisor fails itself.
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds window{60'000};
  model::backoff backoff;
};

} // namespace tabletd::model
