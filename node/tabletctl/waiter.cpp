// See waiter.h.
#include "node/tabletctl/waiter.h"
#include <csignal>

namespace tabletd::ctl {

using namespace std::chrono_literals;

namespace {

/// Set by the handler, which runs only while a wait for input lets the signal in.
volatile std::sig_atomic_t caught = 0;

} // namespace

bool waiter::sleep(std::chrono::milliseconds span) {
  limit(std::nullopt);
  try {
    wait(timer().afterDelay(span.count() * kj::MILLISECONDS));
    return true;
  } catch (const client_failure&) {
    return false;
  }
}

std::optional<std::chrono::milliseconds> waiter::check() const {
  if (interrupt_pending(true))
    throw stopped_by(trouble::interrupted);
  if (!deadline_)
    return std::nullopt;
  const auto left
    = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
  if (left <= 0ms)
    throw stopped_by(trouble::timed_out);
  return left;
}

client_failure waiter::stopped_by(trouble why) {
  return {why, why == trouble::interrupted ? "interrupted" : "the time limit is over"};
}

void capture_interrupts() {
  static_assert(KJ_USE_EPOLL,
                "with signalfd KJ needs no handler of its own, so the one below is free");
  kj::UnixEventPort::captureSignal(SIGINT);
  // Blocked except in waits for input (console.cpp), which it must end instead of the process.
  struct sigaction note {};
  note.sa_handler = [](int) { caught = 1; };
  ::sigaction(SIGINT, &note, nullptr);
}

bool interrupt_pending(bool forget) {
  if (caught) {
    caught = forget ? 0 : 1;
    return true;
  }
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGINT);
  if (forget) {
    const timespec at_once{};
    return ::sigtimedwait(&wanted, nullptr, &at_once) == SIGINT;
  }
  sigset_t pending;
  return ::sigpending(&pending) == 0 && sigismember(&pending, SIGINT) == 1;
}

} // namespace tabletd::ctl
