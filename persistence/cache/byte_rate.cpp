// See byte_rate.h.
#include "persistence/cache/byte_rate.h"

#include <algorithm>

namespace tabletd {

using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// time_left has to be asked again and again: it has no way to call out.
constexpr auto ask_again = 50ms;

}  // namespace

void byte_rate::set(std::uint64_t bytes_per_s) {
  const std::lock_guard guard(mutex_);
  bucket_.set_rate(bytes_per_s, now());
}

void byte_rate::give_back(std::uint64_t bytes) {
  const std::lock_guard guard(mutex_);
  bucket_.give_back(bytes);
}

bool byte_rate::pass(std::uint64_t bytes, const time_left_fn& time_left) {
  std::unique_lock lock(mutex_);
  const auto at = now() + bucket_.take(bytes, now());
  for (;;) {
    const auto wait = at - now();
    if (wait <= 0ns)
      return true;
    lock.unlock();
    const auto left = time_left();
    lock.lock();
    if (left <= 0ms) {
      bucket_.give_back(bytes);
      return false;
    }
    never_.wait_for(lock, std::min<std::chrono::nanoseconds>({wait, left, ask_again}));
  }
}

}  // namespace tabletd
