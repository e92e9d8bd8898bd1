#pragma once
// How loaded a backend is, as the seed scores it: disk fill and number of replicas, the
// former weighing more the fuller the disks are (spec/replica.md 5.1, S21).
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/slots.h"
#include <utility>
#include <vector>

namespace tabletd::model {

/// One score per backend of the catalog; 1.0 is average, higher is more loaded.
class load_scores {
public:
  /// Counts what running clones bring in as if it were there already.
  load_scores(const catalog& cat, const cluster_view& cluster, const slot_ledger& slots);
  [[nodiscard]] double of(backend_id backend) const; ///< 0 for one the catalog does not know.
  [[nodiscard]] std::size_t size() const { return rows_.size(); } ///< Backends.
  /// visit(backend_id, its score) from the least loaded on, equals by id, until it returns false.
  template <class Visit>
  void from_least_loaded(Visit&& visit) const {
    for (const auto& [score, backend] : order_)
      if (!visit(backend, score))
        return;
  }
  /// A replica of this size is going there too; the averages stay.
  void add(backend_id backend, std::uint64_t bytes);

private:
  struct row {
    backend_id backend{};
    double used{};
    double total{};
    double replicas{};
    double score{};
  };
  [[nodiscard]] double score(const row& r) const;
  [[nodiscard]] const row* find(backend_id backend) const;

  std::vector<row> rows_; ///< Ascending by id.
  std::vector<std::pair<double, backend_id>> order_; ///< Of rows_, ascending.
  double average_fill_{};
  double average_replicas_{};
};

/// Weight of the disk fill against the replica count: 0.5 below half full, 1 above 75 %.
[[nodiscard]] double capacity_coefficient(double used_ratio);

} // namespace tabletd::model
