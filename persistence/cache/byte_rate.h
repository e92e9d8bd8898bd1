#pragma once
// A token_bucket that threads share, and wait at.
#include "persistence/cache/token_bucket.h"
#include "persistence/remote/remote_store.h"

#include <condition_variable>
#include <mutex>

namespace tabletd {

class byte_rate {
public:
  /// 0: no limit.
  explicit byte_rate(std::uint64_t bytes_per_s) : bucket_(bytes_per_s) {}
  /// Those who wait already go on at the pace they were told.
  void set(std::uint64_t bytes_per_s);
  /// Waits until `bytes` may pass; false: the caller's time was over first.
  [[nodiscard]] bool pass(std::uint64_t bytes, const time_left_fn& time_left);

  /// What passed and was not needed.
  void give_back(std::uint64_t bytes);

private:
  std::mutex mutex_;
  std::condition_variable never_;  ///< Only time ends a wait.
  token_bucket bucket_;
};

}  // namespace tabletd
