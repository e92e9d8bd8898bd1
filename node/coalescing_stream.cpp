#include "node/coalescing_stream.h"
#include <kj/debug.h>
#include <algorithm>
#include <cstring>

namespace tabletd {

coalescing_stream::coalescing_stream(kj::Own<kj::AsyncIoStream> inner, limits how)
  : inner_(kj::mv(inner)), how_(how), read_(kj::heapArray<kj::byte>(how.read_bytes)) {}

kj::Promise<std::size_t> coalescing_stream::tryRead(void* to, std::size_t bytes_min, std::size_t bytes_max) {
  const auto have = std::min(read_end_ - read_at_, bytes_max);
  if (have > 0)
    std::memcpy(to, read_.begin() + read_at_, have);
  read_at_ += have;
  if (have >= bytes_min)
    return have;
  auto* rest = static_cast<kj::byte*>(to) + have;
  const auto wanted = bytes_min - have;
  const auto room = bytes_max - have;
  if (room >= read_.size())
    return inner_->tryRead(rest, wanted, room).then([have](std::size_t got) { return have + got; });
  return inner_->tryRead(read_.begin(), wanted, read_.size()).then([this, rest, have, room](std::size_t got) {
    const auto taken = std::min(got, room);
    std::memcpy(rest, read_.begin(), taken);
    read_at_ = taken;
    read_end_ = got;
    return have + taken;
  });
}

// -- writing: callers append segments, one pump writes them -------------------------------

kj::Promise<void> coalescing_stream::write(const void* from, std::size_t bytes) {
  KJ_IF_MAYBE(why, failure_)
    return kj::cp(*why);
  if (bytes > how_.small_bytes)
    return write_large([this, from, bytes] { return inner_->write(from, bytes); });
  small_segment().bytes.addAll(kj::arrayPtr(static_cast<const kj::byte*>(from), bytes));
  return appended_small(bytes);
}

kj::Promise<void> coalescing_stream::write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) {
  KJ_IF_MAYBE(why, failure_)
    return kj::cp(*why);
  std::size_t bytes = 0;
  for (const auto& piece : pieces)
    bytes += piece.size();
  if (bytes > how_.small_bytes)
    return write_large([this, pieces] { return inner_->write(pieces); });
  auto& into = small_segment().bytes;
  for (const auto& piece : pieces)
    into.addAll(piece);
  return appended_small(bytes);
}

kj::Promise<void> coalescing_stream::flush() {
  KJ_IF_MAYBE(why, failure_)
    return kj::cp(*why);
  auto done = written(small_segment());
  start();
  return done;
}

void coalescing_stream::shutdownWrite() {
  append(segment::kind::shutdown);
  start();
}

coalescing_stream::segment& coalescing_stream::append(segment::kind what) {
  auto& made = queue_.emplace_back();
  made.what = what;
  made.number = ++segments_made_;
  return made;
}

/// The last segment if bytes can still be added to it: the front one may be on its way.
coalescing_stream::segment& coalescing_stream::small_segment() {
  const std::size_t written_ones = is_pumping_ ? 1 : 0;
  if (queue_.size() > written_ones && queue_.back().what == segment::kind::small)
    return queue_.back();
  return append(segment::kind::small);
}

kj::Promise<void> coalescing_stream::appended_small(std::size_t bytes) {
  held_ += bytes;
  if (held_ > how_.held_bytes) {
    auto done = written(queue_.back());
    start();
    return done;
  }
  if (!is_pumping_ && !is_start_due_) {
    is_start_due_ = true;
    // When the loop has nothing else to do: until then more may come.
    due_ = kj::evalLast([this] {
             is_start_due_ = false;
             start();
           }).eagerlyEvaluate(nullptr);
  }
  return kj::READY_NOW;
}

kj::Promise<void> coalescing_stream::write_large(kj::Function<kj::Promise<void>()> write) {
  auto& made = append(segment::kind::large);
  made.large = kj::mv(write);
  const auto number = made.number;
  auto done = written(made);
  start();
  // The caller's bytes are only good for as long as it holds the promise.
  return done.attach(kj::defer([this, number] { cancel_large(number); }));
}

kj::Promise<void> coalescing_stream::written(segment& which) {
  auto done = kj::newPromiseAndFulfiller<void>();
  which.waiting.push_back(kj::mv(done.fulfiller));
  return kj::mv(done.promise);
}

void coalescing_stream::start() {
  if (is_pumping_ || queue_.empty())
    return;
  is_pumping_ = true;
  pump_ = kj::evalNow([this] { return pump(); }).eagerlyEvaluate([this](kj::Exception&& why) { fail(why); });
}

kj::Promise<void> coalescing_stream::pump() {
  return write_segment(queue_.front()).then([this]() -> kj::Promise<void> {
    auto done = kj::mv(queue_.front());
    queue_.pop_front();
    held_ -= done.bytes.size();
    for (auto& waiting : done.waiting)
      waiting->fulfill();
    if (!queue_.empty())
      return pump();
    is_pumping_ = false;
    return kj::READY_NOW;
  });
}

kj::Promise<void> coalescing_stream::write_segment(segment& which) {
  switch (which.what) {
    case segment::kind::small:
      if (which.bytes.size() == 0)
        break;
      return inner_->write(which.bytes.begin(), which.bytes.size());
    case segment::kind::large:
      return large_in_flight_.wrap(KJ_ASSERT_NONNULL(which.large)());
    case segment::kind::shutdown:
      inner_->shutdownWrite();
      break;
  }
  return kj::READY_NOW;
}

void coalescing_stream::cancel_large(std::uint64_t number) {
  for (auto at = queue_.begin(); at != queue_.end(); ++at) {
    if (at->number != number)
      continue;
    if (at == queue_.begin() && is_pumping_)
      large_in_flight_.cancel("a write was given up half-way; the stream cannot go on");
    else
      queue_.erase(at); // Nothing of it has left.
    return;
  }
}

void coalescing_stream::fail(const kj::Exception& why) {
  failure_ = kj::cp(why);
  is_pumping_ = false;
  held_ = 0;
  auto dropped = kj::mv(queue_);
  queue_.clear();
  for (auto& each : dropped)
    for (auto& waiting : each.waiting)
      waiting->reject(kj::cp(why));
}

} // namespace tabletd
