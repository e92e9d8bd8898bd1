// See log_outline.h.
#include "actors/model/log_outline.h"

#include <algorithm>
#include <iterator>

namespace tabletd::model {

bool log_outline::start(const started& event) {
  first_ = event.first_index;
  runs_ = event.runs;
  changes_ = event.changes;
  snapshot_.reset();
  if (!event.snapshot)
    return true;
  if (!agrees_with(*event.snapshot)) {
    restart(*event.snapshot);
    return false;
  }
  trim(*event.snapshot, first_);
  return true;
}

bool log_outline::agrees_with(const snapshot_point& image) const {
  return image.index + 1 == first_ || (image.index >= first_ && term_at(image.index) == image.term);
}

void log_outline::restart(const snapshot_point& from) {
  snapshot_ = from;
  first_ = from.index + 1;
  runs_.clear();
  changes_.clear();
}

void log_outline::truncate(std::uint64_t from) {
  const auto begins_before
      = [this](std::size_t run, std::uint64_t index) { return (run == 0 ? first_ : runs_[run - 1].last + 1) < index; };
  while (!runs_.empty() && !begins_before(runs_.size() - 1, from))
    runs_.pop_back();
  if (!runs_.empty())
    runs_.back().last = std::min(runs_.back().last, from - 1);
  while (!changes_.empty() && changes_.back().index >= from)
    changes_.pop_back();
}

void log_outline::append(std::uint64_t first, const std::vector<entry_header>& headers) {
  truncate(first);
  auto index = first;
  for (const auto& header : headers) {
    if (runs_.empty() || runs_.back().term != header.term)
      runs_.push_back({header.term, index});
    runs_.back().last = index;
    if (header.type == entry_type::change)
      changes_.push_back({index, header.membership});
    ++index;
  }
}

void log_outline::trim(const snapshot_point& upto, std::uint64_t first_kept) {
  snapshot_ = upto;
  first_ = std::max(first_, first_kept);
  std::erase_if(runs_, [this](const term_run& run) { return run.last < first_; });
  std::erase_if(changes_, [&](const logged_change& change) { return change.index <= upto.membership_index; });
}

term log_outline::term_at(std::uint64_t index) const {
  if (snapshot_ && index == snapshot_->index)
    return snapshot_->term;
  if (index < first_)
    return 0;
  const auto run = std::ranges::lower_bound(runs_, index, {}, &term_run::last);
  return run == runs_.end() ? 0 : run->term;
}

logged_change log_outline::change_at(std::uint64_t index) const {
  const auto after = std::ranges::upper_bound(changes_, index, {}, &logged_change::index);
  if (after != changes_.begin())
    return *std::prev(after);
  return snapshot_ ? logged_change{snapshot_->membership_index, snapshot_->membership} : logged_change{};
}

}  // namespace tabletd::model
