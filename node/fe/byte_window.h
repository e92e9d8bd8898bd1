#pragma once
// How many bytes may be on their way over one connection, whoever sends them.  A backend stops
// reading a connection that owes it too many answers, heartbeats included (node/rpc_port.h), so
// all loads to it share one window.
#include <kj/async.h>
#include <cstddef>
#include <deque>
#include <utility>

namespace tabletd {

/// Loop thread only.  Must outlive its passes.
class byte_window {
public:
  explicit byte_window(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  byte_window(const byte_window&) = delete;

  /// The right to have so many bytes on their way, given back when it is destroyed.
  class pass {
  public:
    pass(byte_window& of, std::size_t bytes) : of_(&of), bytes_(bytes) {}
    pass(pass&& other) noexcept : of_(std::exchange(other.of_, nullptr)), bytes_(other.bytes_) {}
    pass& operator=(pass&&) = delete;
    ~pass() {
      if (of_)
        of_->leave(bytes_);
    }

  private:
    byte_window* of_;
    std::size_t bytes_;
  };

  /// In the order of asking, so what is sent when a pass arrives keeps its order.  More than the
  /// whole window gets it alone.  Dropping the promise withdraws the question.
  [[nodiscard]] kj::Promise<pass> enter(std::size_t bytes) {
    if (queue_.empty() && has_room(bytes)) {
      open_ += bytes;
      return pass{*this, bytes};
    }
    auto paf = kj::newPromiseAndFulfiller<pass>();
    queue_.push_back({bytes, kj::mv(paf.fulfiller)});
    return kj::mv(paf.promise);
  }
  [[nodiscard]] std::size_t bytes_open() const { return open_; }

private:
  struct waiting {
    std::size_t bytes;
    kj::Own<kj::PromiseFulfiller<pass>> fulfiller;
  };
  [[nodiscard]] bool has_room(std::size_t bytes) const { return open_ == 0 || open_ + bytes <= bytes_max_; }
  void leave(std::size_t bytes) {
    open_ -= bytes;
    while (!queue_.empty() && (!queue_.front().fulfiller->isWaiting() || has_room(queue_.front().bytes))) {
      auto next = kj::mv(queue_.front());
      queue_.pop_front();
      if (!next.fulfiller->isWaiting())
        continue;
      open_ += next.bytes;
      next.fulfiller->fulfill(pass{*this, next.bytes});
    }
  }

  std::size_t bytes_max_;
  std::size_t open_ = 0;
  std::deque<waiting> queue_;
};

} // namespace tabletd
