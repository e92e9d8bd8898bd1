#pragma once
// A front end that follows a script instead of a cluster: schemas/console.capnp on loopback,
// in a thread with its own KJ loop.  What it does depends on the statement's first word:
//
//   ROWS n        n rows                       DONE          a message
//   SYNTAX        an error with a position     SLOW          the error `timeout`
//   HANG          no answer, ever              CRASH         the connection breaks
//   MOVED         notLeader, pointing at `leader`
//   WHO           a message with the server's name
//   SHOW          one row: the server's name and the session's database
//   USE           a message
//   LOAD, EXPORT  an offer for the path after FILE or TO, or for `other_path`
#include "schemas/console.capnp.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tabletd::fake {

struct script {
  std::string name = "fake";
  std::string leader{};            ///< For MOVED and info.
  std::string other_path{};        ///< Offered instead of the statement's.
  std::uint64_t export_chunks = 4; ///< Of one MiB.
  std::uint64_t fail_at_chunk = 0; ///< > 0: that read fails.
  std::int64_t rows_off = 0;       ///< Added to the number of rows the offer promises.
  bool refuse_login = false;
  bool refuse_write = false; ///< The second Upload.write answers an error.
  int refuse_open = 0;       ///< That many sessions are refused: no leader yet.
  std::vector<std::string> consoles{}; ///< Of the group, for info.
  int crash_first = 0;       ///< That many statements break the connection instead of being answered.
  int lose_leader = 0;       ///< That many statements are answered "the leader was lost".
  int crash_at_write = 0;    ///< > 0: that Upload.write breaks the connection, once.
  bool loaded_before = false; ///< A LOAD hears that its label is loaded.
  int busy_loads = 0;        ///< That many LOADs hear that one with this label is under way.
  api::HealthState health = api::HealthState::GREEN;
};

/// A number the server's thread counts up and a test waits for.
class counter {
public:
  void add(std::uint64_t more) {
    {
      const std::lock_guard lock{mutex_};
      value_ += more;
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::uint64_t value() const {
    const std::lock_guard lock{mutex_};
    return value_;
  }
  /// False if it is still lower after 20 s: whoever should have counted is gone.
  [[nodiscard]] bool reaches(std::uint64_t wanted) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return value_ >= wanted; });
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t value_ = 0;
};

class server {
public:
  explicit server(script what);
  ~server();
  [[nodiscard]] std::string address() const;

  counter executed;
  counter cancelled;   ///< Executions dropped before they answered.
  counter rolled_back; ///< Uploads dropped before finish.
  counter uploaded;    ///< Bytes.
  counter connections;
  std::string last_request_id();
  std::vector<std::string> request_ids(); ///< Of all statements.
  void remember_request_id(std::string id);
  std::string uploaded_text(); ///< The first 64 KiB.
  void append_uploaded(std::string_view text);

  script what; ///< Read by the server's thread; change it only between statements.

private:
  std::mutex mutex_;
  std::vector<std::string> request_ids_;
  std::string text_;
  std::atomic<std::uint16_t> port_{0};
  int wake_fd_ = -1;
  std::thread thread_;
};

/// One row of the EXPORT: what every chunk of `bytes` holds, whole lines.
[[nodiscard]] std::string lines_of(std::size_t bytes);

} // namespace tabletd::fake
