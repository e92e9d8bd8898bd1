#pragma once
// One node of the play cluster as a real child process, so that kill -9 means kill -9.
#include "node/play/play_config.h"
#include <chrono>
#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace tabletd::play {

/// A node or the cluster did not do what it should; what() says which, what and why.
class play_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

enum class process_state { stopped, running, paused, dead };
[[nodiscard]] std::string_view name(process_state state);

class node_process {
public:
  /// `outlives`: the child goes on when play ends (--keep).
  node_process(node_place place, bool outlives) : place_(std::move(place)), outlives_(outlives) {}
  node_process(const node_process&) = delete;
  ~node_process(); ///< SIGKILL unless it outlives us.

  /// Writes the configuration, forks and executes `binary`; does not wait.
  void start(const std::string& binary);
  /// Waits for the node's own word that it is ready, then keeps its ports for ever.  Throws
  /// play_failure with the end of the log if the node ends or says nothing in time.
  void wait_ready(std::chrono::milliseconds limit);
  /// kill -9.
  void kill();
  /// SIGTERM; SIGKILL if it has not ended after `limit`.
  void stop(std::chrono::milliseconds limit);
  void pause();
  void resume();

  [[nodiscard]] process_state state(); ///< Notices a child that ended by itself.
  [[nodiscard]] const node_place& place() const { return place_; }
  [[nodiscard]] const std::string& name() const { return place_.name; }
  [[nodiscard]] const endpoints& where() const { return where_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string log_tail(std::size_t lines) const;

private:
  void write_config() const;
  [[nodiscard]] bool wait_ended(std::chrono::milliseconds limit);
  void reaped(int status);
  [[noreturn]] void fail(const std::string& what) const;

  node_place place_;
  bool outlives_;
  endpoints where_;
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int ready_fd_ = -1; ///< Read end of the pipe the node writes one line to.
  process_state state_ = process_state::stopped;
  std::string ended_how_;
};

} // namespace tabletd::play
