#pragma once
// What the keeper's next turn is about: edits of the journal and words of the other members.
// The keeper takes all there are when it gets to them.  Not a mailbox, because what arrives while
// the keeper's thread wakes up must still join, and because a keeper that has something to do
// need not be woken at all.
#include "actors/journal/memory_stats.h"
#include "actors/journal/ports.h"
#include "actors/journal/raft_mail.h"
#include "actors/model/journal_pacing.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace tabletd {

struct transaction_limits {
  std::size_t entries = 4'096;
  std::size_t bytes = 8U << 20;  ///< One edit always fits.
  /// Of words that wait to be taken; beyond it their links are not read (design/journal.md 9.4, R).
  std::size_t word_bytes = 8U << 20;
};

class next_transaction {
public:
  using span = std::chrono::duration<double, std::micro>;
  explicit next_transaction(transaction_limits limits, memory_stats_ptr memory = std::make_shared<memory_stats>())
      : limits_(limits), memory_(std::move(memory)) {}

  /// True: the keeper sleeps, and whoever added must send it a write_due.
  [[nodiscard]] bool add(edit_message edit);
  /// Wakes a keeper that sleeps.  False: there are enough words; add no more before `when_roomy`.
  [[nodiscard]] bool add(peer_word word);
  /// Called, in the keeper's thread, once there is room again for words.
  void when_roomy(std::function<void()> call);
  /// How add(peer_word) wakes the keeper; empty: there is none (any more).
  void when_due(std::function<void()> call);
  /// All there are, in the order they were added.
  [[nodiscard]] std::vector<peer_word> take_words();
  /// In the order they were added, as many as fit into one transaction.
  [[nodiscard]] std::vector<edit_message> take_edits();
  /// Enough of them are under way: until take_edits() the keeper is not woken for edits.
  void hold_edits();
  /// A transaction of so many edits is durable and its end is announced.  Gives the answers the
  /// time to bring back more, as far as that pays.  True: the next one is to follow; false:
  /// there is nothing, and the keeper sleeps until the next write_due.
  [[nodiscard]] bool follow(std::size_t written, span took);
  /// The same after a turn whose edits are not committed by it: nobody is back soon.
  [[nodiscard]] bool follow();
  /// The keeper wakes by itself.  False: it is awake, so a turn is under way or due.
  [[nodiscard]] bool wake();
  /// Some of what was added may be on its way to the disk.
  [[nodiscard]] bool keeper_is_awake() const;

private:
  [[nodiscard]] std::size_t fitting() const;
  [[nodiscard]] bool has_work() const;
  void note_return();

  const transaction_limits limits_;
  const memory_stats_ptr memory_;
  mutable std::mutex mutex_;
  std::condition_variable grew_;
  std::deque<edit_message> edits_;
  std::vector<peer_word> words_;
  std::size_t word_bytes_ = 0;
  bool was_full_ = false;
  std::function<void()> when_roomy_;
  std::function<void()> when_due_;
  std::atomic<std::size_t> size_ = 0;  ///< Of edits_; looked at without the lock.
  model::journal_pacing pacing_;
  std::size_t wanted_ = 0;  ///< Of edits_, by a keeper that waits for them; 0: it does not wait.
  bool awake_ = false;
  bool holds_ = false;
  std::chrono::steady_clock::time_point announced_;  ///< The end of the last transaction,
  std::size_t written_ = 0;                          ///< which was of so many edits,
  std::size_t returned_ = 0;                         ///< and so many were added since.
};

}  // namespace tabletd
