#include "actors/cooldown/cooldown_board.h"

namespace tabletd {

namespace {

std::size_t index_of(const model::cooldown_standing& how) { return static_cast<std::size_t>(how.phase); }

}  // namespace

void cooldown_board::show(model::tablet_id tablet, const model::cooldown_standing& how) {
  const std::lock_guard guard{mutex_};
  const auto [at, is_new] = rows_.try_emplace(tablet, how);
  if (!is_new) {
    --tablets_[index_of(at->second)];
    at->second = how;
  }
  ++tablets_[index_of(how)];
}

void cooldown_board::take_down(model::tablet_id tablet) {
  const std::lock_guard guard{mutex_};
  const auto gone = rows_.extract(tablet);
  if (!gone.empty())
    --tablets_[index_of(gone.mapped())];
}

void cooldown_board::clear() {
  const std::lock_guard guard{mutex_};
  rows_.clear();
  tablets_ = {};
}

std::vector<cooldown_board::row> cooldown_board::rows(std::size_t rows_max) const {
  const std::lock_guard guard{mutex_};
  std::vector<row> out;
  for (auto at = rows_.begin(); at != rows_.end() && out.size() < rows_max; ++at)
    out.emplace_back(*at);
  return out;
}

std::array<std::uint64_t, cooldown_board::phase_count> cooldown_board::tablets_by_phase() const {
  const std::lock_guard guard{mutex_};
  return tablets_;
}

}  // namespace tabletd
