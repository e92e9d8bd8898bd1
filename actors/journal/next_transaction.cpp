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
  return !holds_ && !std::exchange(awake_, true);
}

bool next_transaction::add(peer_word word) {
  const std::lock_guard guard{mutex_};
  const auto* mail = std::get_if<raft_mail>(&word);
  word_bytes_ += mail ? bytes_of(*mail) : 0;
  words_.push_back(std::move(word));
  memory_->set(model::memory_category::receiving, word_bytes_);
  was_full_ = word_bytes_ > limits_.word_bytes;
  if (when_due_ && !std::exchange(awake_, true))
    when_due_();
  return !was_full_;
}

void next_transaction::when_due(std::function<void()> call) {
  const std::lock_guard guard{mutex_};
  when_due_ = std::move(call);
  if (when_due_ && !words_.empty() && !std::exchange(awake_, true))
    when_due_();
}

void next_transaction::when_roomy(std::function<void()> call) {
  const std::lock_guard guard{mutex_};
  when_roomy_ = std::move(call);
}

std::vector<edit_message> next_transaction::take_edits() {
  const std::lock_guard guard{mutex_};
  holds_ = false;
  const auto upto = edits_.begin() + static_cast<std::ptrdiff_t>(fitting());
  std::vector<edit_message> taken(std::make_move_iterator(edits_.begin()), std::make_move_iterator(upto));
  edits_.erase(edits_.begin(), upto);
  size_ = edits_.size();
  return taken;
}

void next_transaction::hold_edits() {
  const std::lock_guard guard{mutex_};
  holds_ = true;
}

std::vector<peer_word> next_transaction::take_words() {
  std::vector<peer_word> all;
  std::function<void()> roomy;
  {
    const std::lock_guard guard{mutex_};
    all.swap(words_);
    word_bytes_ = 0;
    memory_->set(model::memory_category::receiving, 0);
    if (std::exchange(was_full_, false))
      roomy = when_roomy_;
  }
  if (roomy)
    roomy();
  return all;
}

/// However many are back: when a transaction overtakes its predecessor's, the rate must do.
void next_transaction::note_return() {
  if (returned_ > 0)
    pacing_.proposers_returned(returned_, span(clock::now() - announced_).count());
}

bool next_transaction::follow(std::size_t written, span took) {
  std::unique_lock guard{mutex_};
  if (written == 0) {
    awake_ = has_work();
    return awake_;  // A read, say: no answers are on their way, and nothing is learned about the disk.
  }
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
  awake_ = has_work();
  return awake_;
}

bool next_transaction::follow() {
  const std::lock_guard guard{mutex_};
  written_ = 0;  // Nothing is learned from what comes now about the next patience.
  awake_ = has_work();
  return awake_;
}

bool next_transaction::wake() {
  const std::lock_guard guard{mutex_};
  return !std::exchange(awake_, true);
}

bool next_transaction::keeper_is_awake() const {
  const std::lock_guard guard{mutex_};
  return awake_;
}

bool next_transaction::has_work() const { return (!edits_.empty() && !holds_) || !words_.empty(); }

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
