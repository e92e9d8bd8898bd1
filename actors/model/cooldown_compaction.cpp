// See cooldown_compaction.h.
#include "actors/model/cooldown_compaction.h"

#include <algorithm>
#include <utility>

namespace tabletd::model {

namespace {

/// What a run adds up to.
struct run_sums {
  std::size_t rowsets = 0;
  std::size_t with_rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_largest = 0;
  std::uint64_t blocks = 0;

  void add(const remote_rowset& rowset) {
    ++rowsets;
    with_rows += rowset.blocks != 0;
    bytes += rowset.bytes;
    bytes_largest = std::max(bytes_largest, rowset.bytes);
    blocks += rowset.blocks;
  }
  [[nodiscard]] bool fits(const compaction_limits& limits) const {
    return rowsets <= limits.rowsets_max && bytes <= limits.bytes_max && blocks <= limits.blocks_max;
  }
  [[nodiscard]] bool is_worth_it(const compaction_limits& limits) const {
    return with_rows >= limits.rowsets_min && with_rows > 0
           && bytes * 100 >= bytes_largest * limits.growth_percent;
  }
};

/// The longest one that ends in front of `end`.
std::optional<rowset_run> longest_run(const std::vector<remote_rowset>& rowsets, std::size_t end,
                                      const compaction_limits& limits) {
  std::optional<rowset_run> found;
  run_sums sums;
  for (auto first = end; first > 0; --first) {
    sums.add(rowsets[first - 1]);
    if (!sums.fits(limits))
      break;
    if (sums.is_worth_it(limits))
      found = rowset_run{first - 1, end - first + 1};
  }
  return found;
}

std::optional<rowset_run> empty_run(const std::vector<remote_rowset>& rowsets, const compaction_limits& limits) {
  std::size_t count = 0;
  for (auto first = rowsets.size(); first > 0; --first) {
    count = rowsets[first - 1].blocks == 0 ? count + 1 : 0;
    const bool ends = first == 1 || rowsets[first - 2].blocks != 0 || count == limits.rowsets_max;
    if (ends && count > 1 && count >= limits.empty_min)
      return rowset_run{first - 1, count};
  }
  return std::nullopt;
}

}  // namespace

std::optional<rowset_run> choose_compaction(const std::vector<remote_rowset>& rowsets,
                                            const compaction_limits& limits) {
  for (auto end = rowsets.size(); end > 0; --end)
    if (const auto run = longest_run(rowsets, end, limits))
      return run;
  return empty_run(rowsets, limits);
}

std::vector<rowset_run> copy_runs(const std::vector<remote_rowset>& rowsets, const compaction_limits& limits) {
  std::vector<rowset_run> runs;
  run_sums sums;
  for (std::size_t i = 0; i < rowsets.size(); ++i) {
    sums.add(rowsets[i]);
    if (runs.empty() || !sums.fits(limits)) {
      runs.push_back({i, 0});
      sums = {};
      sums.add(rowsets[i]);
    }
    ++runs.back().count;
  }
  return runs;
}

remote_rowset merged(std::span<const remote_rowset> run, std::string object) {
  remote_rowset all{{}, run.size() == 1 ? run.front().txn : txn_id{}, run.front().first_version,
                    run.back().last_version, 0, 0, 0};
  for (const auto& rowset : run) {
    all.rows += rowset.rows;
    all.bytes += rowset.bytes;
    all.blocks += rowset.blocks;
  }
  if (all.blocks != 0)
    all.object = std::move(object);
  return all;
}

}  // namespace tabletd::model
