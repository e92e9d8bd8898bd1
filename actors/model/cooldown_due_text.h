#pragma once
// When data cools, as statements write it and views show it (spec/jobs.md B11).
#include "actors/model/edit.h"

#include <optional>
#include <string>
#include <string_view>

namespace tabletd::model {

/// A hundred years: longer than anybody waits, short enough for every sum of times.
inline constexpr std::uint64_t cooldown_ttl_max_s = 100ULL * 365 * 86'400;

/// "1d", "2day", "3h", "4hour", "1week", or a number of seconds; any case.
[[nodiscard]] std::optional<cooldown_ttl> ttl_in(std::string_view text);
/// In the largest unit that fits: "1d", "36h", "90".
[[nodiscard]] std::string to_text(cooldown_ttl ttl);

/// "2030-01-31 00:00:00", UTC, of the years 1970 to 9999.
[[nodiscard]] std::optional<cooldown_datetime> datetime_in(std::string_view text);
[[nodiscard]] std::string to_text(cooldown_datetime datetime);

}  // namespace tabletd::model
