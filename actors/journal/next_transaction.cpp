// See next_transaction.h.
#include "actors/journal/next_transaction.h"

#include <algorithm>
#include <iterator>
#include <thread>

namespace tabletd {

namespace {

using clock = std::chrono::steady_clock;

/// Most answers bring the next proposal sooner than a thread falls asleep and is woken.
constexpr next_transaction::span look_before_sleeping{40};

}  // namespace

bool next_transaction::add(edit_message edit) {
  const std::lock_guard guard{mutex_};
  edits_.push_back(std::move(edit));
  if (edits_.size() == wanted_)
    grew_.notify_one();
  return !std::exchange(awake_, true);
}

std::vector<edit_message> next_transaction::take() {
  const std::lock_guard guard{mutex_};
  const auto taken = edits_.begin() + static_cast<std::ptrdiff_t>(fitting());
  std::vector<edit_message> edits(std::make_move_iterator(edits_.begin()), std::make_move_iterator(taken));
  edits_.erase(edits_.begin(), taken);
  return edits;
}

void next_transaction::answers_took(std::size_t edits, span time) {
  const std::lock_guard guard{mutex_};
  pacing_.answers_took(edits, time.count());
}

bool next_transaction::follow(std::size_t written, span took) {
  std::unique_lock guard{mutex_};
  pacing_.transaction_took(written, took.count());
  if (const span patience{pacing_.patience_us(edits_.size(), written)}; patience.count() > 0) {
    const auto begun = clock::now();
    const auto enough = [&] { return edits_.size() >= written; };
    while (!enough() && clock::now() - begun < std::min(patience, look_before_sleeping)) {
      guard.unlock();
      std::this_thread::yield();
      guard.lock();
    }
    wanted_ = written;
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
