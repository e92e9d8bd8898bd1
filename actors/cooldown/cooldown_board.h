#pragma once
// What is to be seen of the leader's cooldown: the rows of SHOW PROC '/cooldown' and the numbers of the metrics.  Written
// by the overseer of the present term, read from any thread; it never blocks for longer than one answer takes to copy.
#include "actors/model/cooldown_upkeep.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tabletd {

class cooldown_board {
public:
  using row = std::pair<model::tablet_id, model::cooldown_standing>;
  static constexpr std::size_t phase_count = model::cooldown_phase_count; ///< Index: model::cooldown_phase.

  void show(model::tablet_id tablet, const model::cooldown_standing& how);
  void take_down(model::tablet_id tablet);
  /// A term has ended: nobody knows any more.
  void clear();

  /// Ascending by tablet.
  [[nodiscard]] std::vector<row> rows(std::size_t rows_max) const;
  [[nodiscard]] std::array<std::uint64_t, phase_count> tablets_by_phase() const;

  /// Grants that became true, since the process began; index: model::reassignment.
  std::array<std::atomic<std::uint64_t>, model::reassignment_words.size()> assignments{};
  /// Reports of a replica that uploads while the log has another one in office.
  std::atomic<std::uint64_t> conflicts{0};

  /// The term in which an overseer of this process began last: one that follows it in the same term is careful.
  static constexpr model::term no_term = ~model::term{};
  std::atomic<model::term> begun_in{no_term};

private:
  mutable std::mutex mutex_;
  std::map<model::tablet_id, model::cooldown_standing> rows_;
  std::array<std::uint64_t, phase_count> tablets_{};
};
using cooldown_board_ptr = std::shared_ptr<cooldown_board>;

}  // namespace tabletd
