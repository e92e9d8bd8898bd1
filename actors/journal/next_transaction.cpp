// See next_transaction.h.
#include "actors/journal/next_transaction.h"

#include <algorithm>
#include <iterator>
#include <thread>

namespace tabletd {

namespace {

using clock = std::chrono::steady_clock;

/// Most answers bring the next proposal sooner than a thread falls asleep and is woken; never longer
/// than the wait is worth.
constexpr next_transaction::span look_before_sleeping{200};

}  // namespace

bool next_transaction::add(edit_message edit) {
  const std::lock_guard guard{mutex_};
  edits_.push_back(std::move(edit));
  size_ = edits_.size();
  if (++returned_ == written_)
    note_return();
  if (edits_.size() == wanted_)
    grew_.notify_one();
  return !std::exchange(awake_, true);
}

std::vector<edit_message> next_transaction::take() {
  const std::lock_guard guard{mutex_};
  const auto taken = edits_.begin() + static_cast<std::ptrdiff_t>(fitting());
  std::vector<edit_message> edits(std::make_move_iterator(edits_.begin()), std::make_move_iterator(taken));
  edits_.erase(edits_.begin(), taken);
  size_ = edits_.size();
  return edits;
}

/// However many are back: when a transaction overtakes its predecessor's, the rate must do.
void next_transaction::note_return() {
  if (returned_ > 0)
    pacing_.proposers_returned(returned_, span(clock::now() - announced_).count());
}

bool next_transaction::follow(std::size_t written, span took) {
  std::unique_lock guard{mutex_};
  pacing_.transaction_took(written, took.count());
  if (returned_ < written_)
    note_return();
  announced_ = clock::now();
  returned_ = 0;
  written_ = written;
  if (const span patience{pacing_.patience_us(edits_.size(), written)}; patience.count() > 0) {
    const auto begun = announced_;
    wanted_ = edits_.size() + written;  // Everybody, or the last one back is left behind for ever.
    const auto enough = [this] { return size_ >= wanted_; };
    guard.unlock();
    while (!enough() && clock::now() - begun < std::min(patience, look_before_sleeping))
      std::this_thread::yield();
    guard.lock();
    grew_.wait_until(guard, begun + std::chrono::duration_cast<clock::duration>(patience), enough);
    wanted_ = 0;
  }
  awake_ = !edits_.empty();
  return awake_;
}

bool next_transaction::keeper_is_awake() const {
  const std::lock_guard guard{mutex_};
  return awake_;
}

std::size_t next_transaction::fitting() const {
  std::size_t entries = 0, bytes = 0;
  for (const auto& edit : edits_) {
    bytes += edit.words().asBytes().size();
    if (entries > 0 && (entries >= limits_.entries || bytes > limits_.bytes))
      break;
    ++entries;
  }
  return entries;
}

}  // namespace tabletd
