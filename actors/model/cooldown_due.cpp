#include "actors/model/cooldown_due.h"

#include <algorithm>

namespace tabletd::model {

std::optional<time_ms> cools_at(const hot_rowset& rowset, const cooling_rule& rule) {
  std::optional<time_ms> at;
  if (rule.ttl)
    at = rowset.newest_write + *rule.ttl;
  if (rule.datetime)
    at = at ? std::min(*at, *rule.datetime) : *rule.datetime;
  return at;
}

bool is_due(const hot_rowset& rowset, const cooling_rule& rule, time_ms wall) {
  if (rowset.last_version <= rule.through)
    return true;
  const auto at = cools_at(rowset, rule);
  return at && *at < wall;
}

next_to_cool choose_next(const std::vector<hot_rowset>& hot, version remote_last, const cooling_rule& rule,
                         const publication_limits& limits, time_ms wall) {
  next_to_cool chosen;
  auto last = remote_last;
  std::uint64_t bytes = 0;
  for (const auto& rowset : hot) {
    if (rowset.last_version <= remote_last)
      continue;
    if (rowset.first_version != last + 1) {
      chosen.gap = chosen.rowsets.empty();
      break;
    }
    bytes += rowset.bytes;
    if (!is_due(rowset, rule, wall)
        || (!chosen.rowsets.empty() && (chosen.rowsets.size() >= limits.rowsets_max || bytes > limits.bytes_max)))
      break;
    chosen.rowsets.push_back(rowset);
    last = rowset.last_version;
  }
  return chosen;
}

}  // namespace tabletd::model
