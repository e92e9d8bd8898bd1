#pragma once
// "Did you mean": the candidate that takes the fewest typing slips to reach.
#include <span>
#include <string>
#include <string_view>

namespace tabletd::model {

/// Insertions, deletions, substitutions and swaps of neighbours; ASCII case does not count.
[[nodiscard]] std::size_t slips_between(std::string_view a, std::string_view b);

/// The nearest candidate within a third of the word's length (at least 1, at most 4 slips), or
/// one that the word is the beginning of; the first of equals; empty if none is near enough.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

} // namespace tabletd::model
