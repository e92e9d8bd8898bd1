#include "actors/model/nearest.h"
#include <algorithm>
#include <vector>

namespace tabletd::model {

namespace {

// Longer words are not slips of the pen, and the table below is quadratic.
constexpr std::size_t word_bytes_max = 64;

// A beginning this long is a word that was not finished, however much is missing.
constexpr std::size_t prefix_bytes_min = 3;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool begins_with(std::string_view text, std::string_view prefix) {
  return prefix.size() >= prefix_bytes_min && text.size() > prefix.size()
         && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

} // namespace

std::size_t slips_between(std::string_view a, std::string_view b) {
  if (a.size() > word_bytes_max || b.size() > word_bytes_max)
    return std::max(a.size(), b.size());
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> table((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return table[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i)
    at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j)
    at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  return at(a.size(), b.size());
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::size_t slips_max = std::clamp<std::size_t>(word.size() / 3, 1, 4);
  std::size_t best = slips_max + 1;
  std::string found;
  for (const auto& candidate : candidates) {
    const auto slips = begins_with(candidate, word) ? 1 : slips_between(word, candidate);
    // A one-letter word is one slip from every other one-letter word.
    if (slips < best && slips < std::max(word.size(), candidate.size())) {
      best = slips;
      found = candidate;
    }
  }
  return found;
}

} // namespace tabletd::model
