#pragma once
// The edits of the next transaction: the journal adds, the log_keeper takes them all when
// it gets to it.  Not a mailbox, because what arrives while the keeper's thread wakes up
// must still join.
#include "actors/journal/ports.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <vector>

namespace tabletd {

struct transaction_limits {
  std::size_t entries = 4'096;
  std::size_t bytes = 8U << 20;  ///< One edit always fits.
};

class next_transaction {
public:
  explicit next_transaction(transaction_limits limits) : limits_(limits) {}

  void add(edit_message edit) {
    const std::lock_guard guard{mutex_};
    edits_.push_back(std::move(edit));
  }
  /// In the order they were added, as many as fit into one transaction.
  [[nodiscard]] std::vector<edit_message> take() {
    const std::lock_guard guard{mutex_};
    const auto taken = edits_.begin() + static_cast<std::ptrdiff_t>(fitting());
    std::vector<edit_message> edits(std::make_move_iterator(edits_.begin()), std::make_move_iterator(taken));
    edits_.erase(edits_.begin(), taken);
    return edits;
  }

private:
  std::size_t fitting() const {
    std::size_t entries = 0, bytes = 0;
    for (const auto& edit : edits_) {
      bytes += edit.words().asBytes().size();
      if (entries > 0 && (entries >= limits_.entries || bytes > limits_.bytes))
        break;
      ++entries;
    }
    return entries;
  }

  transaction_limits limits_;
  std::mutex mutex_;
  std::deque<edit_message> edits_;
};

}  // namespace tabletd
