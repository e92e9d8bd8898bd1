#pragma once
// The newest entries of the log, in memory: those that are not on the disk yet, and as many
// durable ones as followers are likely to be sent.  Knows no disk.
#include "actors/journal/ports.h"
#include "actors/model/consensus_core.h"

#include <deque>

namespace tabletd {

struct tail_entry {
  model::entry_header header;
  edit_message edit;  ///< Empty: an entry of consensus itself.
};

class log_tail {
public:
  /// Forgets everything: the next entry is `next`.
  void restart(std::uint64_t next);
  /// Replaces everything from `index` on by what is added next; `index` <= end().
  void cut(std::uint64_t index);
  void add(tail_entry entry);
  /// Forgets durable entries, oldest first, until at most `bytes_max` remain.
  void shrink(std::uint64_t bytes_max, std::uint64_t durable_upto);

  [[nodiscard]] std::uint64_t begin() const { return first_; }                  ///< Index of the oldest one.
  [[nodiscard]] std::uint64_t end() const { return first_ + entries_.size(); }  ///< Index after the newest one.
  [[nodiscard]] const tail_entry& at(std::uint64_t index) const { return entries_.at(index - first_); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
  std::uint64_t first_ = 1;
  std::deque<tail_entry> entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace tabletd
