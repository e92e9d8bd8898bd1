#pragma once
// Stops a disk's thread at a chosen file call, so that a test can do something meanwhile; or
// lets the call fail.  Nothing sleeps: the test waits until the thread stands there.
#include "persistence/durable_file.h"
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd::test {

/// Takes over files() while it lives; make it before the backend.
class file_stop {
public:
  class point;
  using point_ptr = std::shared_ptr<point>;

  file_stop();
  ~file_stop();
  file_stop(const file_stop&) = delete;

  /// The thread that makes the `nth` call named `call` (empty: any that changes something) from
  /// now on, about a path that contains `where`, stops before it.
  point_ptr stop_at(std::string call, std::string where, int nth = 1);
  /// The same, but that call and every later one fail with `error`.
  point_ptr fail_at(std::string call, std::string where, int nth, int error);
  /// Returns when a thread stands there: "rename /b/tablets/..."
  std::string wait_until_stopped(const point_ptr& at);
  /// The thread goes on; `again`: and stops at the next such call.
  void release(const point_ptr& at, bool again = false);
  /// Nothing stops or fails any more.
  void clear();

private:
  struct hooks;
  /// 0: go on; else errno.
  int meet(const char* call, const std::string& path);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<point_ptr> points_;
};

class file_stop::point {
  friend class file_stop;
  std::string call, where;
  int left = 0;  ///< Calls until it stops or fails.
  int error = 0; ///< Fail instead of stopping.
  bool armed = true;
  bool stopped = false;
  std::string before; ///< The call it stopped before.
};

} // namespace tabletd::test
