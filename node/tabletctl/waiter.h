#pragma once
// How the synchronous client waits for a promise: Ctrl-C and the statement's time limit end
// the wait by exception, and dropping the promise is what cancels the work.
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <signal.h>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

namespace tabletd::ctl {

enum class trouble {
  cannot_connect,
  login_refused,
  connection_lost, ///< While something was asked; whether it took effect is not known.
  timed_out,
  interrupted,
};

/// What ends a statement without a result.  what() says what happened and what to do.
class client_failure : public std::runtime_error {
public:
  client_failure(trouble why, const std::string& sentence)
    : std::runtime_error(sentence),
      why_(why) {}
  [[nodiscard]] trouble why() const { return why_; }

private:
  trouble why_;
};

/// SIGINT is delivered to waits from here on instead of ending the process.  Before any thread
/// and any client exists.
void capture_interrupts();
/// True if Ctrl-C was pressed while nothing waited; `forget` takes it back.
[[nodiscard]] bool interrupt_pending(bool forget = false);

class waiter {
public:
  explicit waiter(kj::AsyncIoContext& io) : io_(io) {}

  /// From now on; nothing means no limit.
  void limit(std::optional<std::chrono::milliseconds> span) {
    deadline_.reset();
    if (span)
      deadline_ = std::chrono::steady_clock::now() + *span;
  }

  /// Throws client_failure(interrupted | timed_out); the promise's own kj::Exception passes.
  template <class T>
  T wait(kj::Promise<T> promise) {
    stopped_ = false;
    const auto left = check();
    auto raced = promise.exclusiveJoin(io_.unixEventPort.onSignal(SIGINT).then(
      [this](siginfo_t&&) { return stop<T>(trouble::interrupted); }));
    if (left)
      raced = raced.exclusiveJoin(timer().afterDelay(left->count() * kj::MILLISECONDS).then([this] {
        return stop<T>(trouble::timed_out);
      }));
    try {
      return raced.wait(io_.waitScope);
    } catch (const kj::Exception&) {
      if (stopped_)
        throw stopped_by(why_);
      throw;
    }
  }
  /// False if it was interrupted.
  bool sleep(std::chrono::milliseconds span);
  /// Lets what is ready happen, without blocking: cancellations leave, a hang-up is noticed.
  void settle() { io_.waitScope.poll(); }

  [[nodiscard]] kj::AsyncIoContext& io() { return io_; }

private:
  kj::Timer& timer() { return io_.provider->getTimer(); }
  /// A peer that always has an answer ready would keep the loop from looking at signals and
  /// the clock, so every wait begins with a look.  What is left of the limit.
  std::optional<std::chrono::milliseconds> check() const;
  static client_failure stopped_by(trouble why);
  template <class T>
  kj::Promise<T> stop(trouble why) {
    stopped_ = true;
    why_ = why;
    return KJ_EXCEPTION(FAILED, "stopped");
  }

  kj::AsyncIoContext& io_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  bool stopped_ = false;
  trouble why_{};
};

} // namespace tabletd::ctl
