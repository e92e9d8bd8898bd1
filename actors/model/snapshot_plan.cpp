#include "actors/model/snapshot_plan.h"
#include <algorithm>

namespace tabletd::model {

namespace {

enum class overlap { none, part, whole };

overlap overlap_of(const version_range& rowset, const version_ranges& have) {
  for (const auto& h : have) {
    if (h.first <= rowset.first && rowset.last <= h.last)
      return overlap::whole;
    if (h.first <= rowset.last && rowset.first <= h.last)
      return overlap::part;
  }
  return overlap::none;
}

} // namespace

version_ranges joined(version_ranges ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  version_ranges out;
  for (const auto& r : ranges) {
    if (r.last < r.first)
      continue;
    if (!out.empty() && r.first <= out.back().last + 1)
      out.back().last = std::max(out.back().last, r.last);
    else
      out.push_back(r);
  }
  return out;
}

version reach(const version_ranges& ranges) {
  auto with_first = ranges;
  with_first.push_back({version_initial, version_initial});
  return joined(std::move(with_first)).front().last;
}

snapshot_choice choose_rowsets(const version_ranges& source, const version_ranges& have,
                               version upto) {
  snapshot_choice all{true, {}};
  snapshot_choice missing{false, {}};
  const auto held = joined(have);
  bool cut = held.empty(); // Nothing there: a full copy by definition.
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i].last > upto)
      continue;
    all.rowsets.push_back(i);
    const auto how = overlap_of(source[i], held);
    cut |= how == overlap::part;
    if (how == overlap::none)
      missing.rowsets.push_back(i);
  }
  return cut ? all : missing;
}

std::optional<std::vector<scan_piece>> scan_pieces(const version_ranges& rowsets, version upto,
                                                   scan_position at) {
  std::vector<scan_piece> pieces;
  for (std::size_t i = 0; i < rowsets.size(); ++i) {
    const auto& r = rowsets[i];
    if (r.first > upto || r.last < at.from)
      continue;
    if (r.last > upto)
      return std::nullopt;
    const bool is_cut = at.block > 0 && r.last == at.from;
    const bool resumed = is_cut && (at.first == 0 || r.first == at.first);
    if (!resumed && (is_cut || r.first < at.from))
      return std::nullopt;
    pieces.push_back({i, resumed ? at.block : 0});
  }
  return pieces;
}

} // namespace tabletd::model
