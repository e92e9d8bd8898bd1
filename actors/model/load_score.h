#pragma once
// How loaded a backend is, as the seed scores it: disk fill and number of replicas, the
// former weighing more the fuller the disks are (spec/replica.md 5.1, S21).  One score for
// placement, for the view and for balance; it is taken per medium, and a backend's mix score
// is the mean over the media it has.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/slots.h"
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace tabletd::model {

inline constexpr std::array media{medium::hdd, medium::ssd};
[[nodiscard]] std::string_view name(medium which); ///< "HDD"

/// What one backend holds on one medium, online paths only.
struct medium_load {
  double used_bytes{};
  double total_bytes{}; ///< 0: the backend has no such medium, or has not said how big it is.
  double replicas{};
  [[nodiscard]] double fill() const { return total_bytes > 0 ? used_bytes / total_bytes : 0; }
};

/// What "average" means when one backend is judged; 0 where nothing is known.
struct load_average {
  double fill{};     ///< Sum of used / sum of total.
  double replicas{}; ///< Per backend that counts.
};

/// Weight of the disk fill against the replica count: 0.5 below half full, 1 above 75 %.
[[nodiscard]] double capacity_coefficient(double used_ratio);
/// 1.0 is average, higher is more loaded.
[[nodiscard]] double load_score(const medium_load& load, const load_average& average);

/// One backend on one medium.
struct load_line {
  backend_id backend{};
  bool available = false; ///< Alive and not being decommissioned.
  medium_load load;
  /// Dead and leaving backends stay out of the averages, or one that is being emptied would
  /// look LOW and be filled again (spec/replica.md 5.1: D24, doris#6826).
  [[nodiscard]] bool counts() const { return available && load.total_bytes > 0; }
};
[[nodiscard]] load_average average_of(std::span<const load_line> lines);

/// One score per backend of the catalog.
class load_scores {
public:
  /// Counts what running clones bring in as if it were there already.
  load_scores(const catalog& cat, const cluster_view& cluster, const slot_ledger& slots);
  /// The mix score; 0 for a backend that the catalog does not know.
  [[nodiscard]] double of(backend_id backend) const;
  [[nodiscard]] std::size_t size() const { return mix_.size(); } ///< Backends.
  /// visit(backend_id, its mix score) from the least loaded on, equals by id, until it returns false.
  template <class Visit>
  void from_least_loaded(Visit&& visit) const {
    for (const auto& [score, backend] : order_)
      if (!visit(backend, score))
        return;
  }
  /// A replica of this size is going there too; the averages stay.  On a backend without the
  /// medium it counts for the one it has.
  void add(backend_id backend, std::uint64_t bytes, medium on = medium::hdd);
  /// Every backend, ascending by id.  The catalog counts replicas per backend, not per medium:
  /// where a backend has both, they are split as its paths report them.
  [[nodiscard]] std::span<const load_line> lines(medium which) const { return lines_[static_cast<std::size_t>(which)]; }

private:
  [[nodiscard]] std::size_t find(backend_id backend) const; ///< mix_.size(): unknown.
  [[nodiscard]] double mix(std::size_t row) const;

  std::array<std::vector<load_line>, media.size()> lines_; ///< Same backends in each.
  std::array<load_average, media.size()> average_;
  std::vector<double> mix_; ///< Kept: a placement asks for it again and again.
  std::vector<std::pair<double, backend_id>> order_; ///< Of mix_, ascending.
};

} // namespace tabletd::model
