// See journal_pacing.h.
#include "actors/model/journal_pacing.h"

#include <algorithm>

namespace tabletd::model {

namespace {

/// Each observation moves an estimate by a tenth: tens of milliseconds under load.
constexpr double kept = 0.9;
/// What an edit of a few hundred bytes costs in SQLite, believed until sizes differ by more than a
/// fifth of their mean.
constexpr double prior_us_per_edit = 1;
constexpr double prior_weight = 0.04;
/// Waiting leaves the disk idle and both numbers are rough.  Measured with 16 and 256 proposers on
/// a disk that syncs in 100 us: 1 waits too often for the many, 2 too seldom for the few.
constexpr double margin = 1.5;

}  // namespace

void transaction_cost::observe(std::size_t edits, double us) {
  const auto n = static_cast<double>(edits);
  const auto add = [](double& sum, double value) { sum = sum * kept + value; };
  add(weight_, 1);
  add(edits_, n);
  add(us_, us);
  add(edits_squared_, n * n);
  add(product_, n * us);
}

double transaction_cost::fixed_us() const {
  if (weight_ == 0)
    return 0;
  const auto mean_us = us_ / weight_;
  const auto mean_edits = edits_ / weight_;
  // Sizes that hardly differ say more of the disk's whims than of the slope.
  const auto faith = mean_edits * mean_edits * prior_weight;
  const auto variance = edits_squared_ / weight_ - mean_edits * mean_edits;
  const auto covariance = product_ / weight_ - mean_edits * mean_us;
  const auto per_edit = (covariance + faith * prior_us_per_edit) / (variance + faith);
  return std::clamp(mean_us - per_edit * mean_edits, 0.0, mean_us);
}

void journal_pacing::proposers_returned(std::size_t proposals, double us) {
  return_us_ = return_us_ * kept + us / static_cast<double>(proposals) * (1 - kept);
}

double journal_pacing::patience_us(std::size_t waiting, std::size_t written) const {
  const auto saved_us = cost_.fixed_us();
  const auto expected_us = return_us_ * static_cast<double>(written);
  return waiting > written || margin * expected_us > saved_us ? 0 : saved_us;
}

}  // namespace tabletd::model
