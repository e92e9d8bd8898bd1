#pragma once
// What consensus must remember of a log whose payloads it never sees: where terms begin, where the
// membership changes, and what stands for the part that is gone.
#include "actors/model/consensus_core.h"

namespace tabletd::model {

class log_outline {
public:
  /// As it was found on the disk.  False: it ends before the image or tells another story, nothing in
  /// it can have been committed beyond the image, and it is dropped.
  [[nodiscard]] bool start(const started& event);
  /// An image stands for everything; nothing follows.
  void restart(const snapshot_point& from);
  /// A truncation, then the new entries.
  void append(std::uint64_t first, const std::vector<entry_header>& headers);
  /// The image is newer than the present one and within the log.
  void trim(const snapshot_point& upto, std::uint64_t first_kept);

  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t last() const { return runs_.empty() ? first_ - 1 : runs_.back().last; }
  [[nodiscard]] bool is_empty() const { return runs_.empty(); }
  [[nodiscard]] const std::optional<snapshot_point>& snapshot() const { return snapshot_; }
  [[nodiscard]] const std::vector<term_run>& runs() const { return runs_; }
  /// 0: neither in the log nor the end of the image.
  [[nodiscard]] model::term term_at(std::uint64_t index) const;
  /// Changes the image does not cover, ascending.
  [[nodiscard]] const std::vector<logged_change>& changes() const { return changes_; }
  /// The newest change up to `index`; index 0: there is none.
  [[nodiscard]] logged_change change_at(std::uint64_t index) const;
  /// index 0: there is none.
  [[nodiscard]] logged_change newest_change() const { return change_at(last()); }

private:
  void truncate(std::uint64_t from);
  [[nodiscard]] bool agrees_with(const snapshot_point& image) const;

  std::uint64_t first_ = 1;
  std::vector<term_run> runs_;
  std::vector<logged_change> changes_;
  std::optional<snapshot_point> snapshot_;
};

}  // namespace tabletd::model
