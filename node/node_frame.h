#pragma once
// What every node process needs around its role: an actor system, a KJ loop with the network,
// signals, and the word to whoever started it that it is ready.
#include "node/kj_loop.h"
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <kj/async-io.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tabletd {

inline constexpr std::string_view node_version = "0.1.0";

/// Before any thread exists: blocks SIGTERM and SIGINT (wait_for_end() takes them), ignores
/// SIGPIPE, raises the limit of open files as far as it may, and sets malloc up for blocks of
/// 1 MiB (design/actors.md 6).
void prepare_process();

class node_frame {
public:
  node_frame();
  ~node_frame();
  node_frame(const node_frame&) = delete;

  [[nodiscard]] caf::actor_system& sys() { return *sys_; }
  [[nodiscard]] const kj_loop_ptr& loop() const { return loop_; }
  [[nodiscard]] kj::Network& network() const { return *network_; } ///< Use in the loop only.
  [[nodiscard]] kj::Timer& timer() const { return loop_->timer(); }

  /// Any thread: the process must end and say why.  The first reason counts; one that comes while
  /// it ends is only logged.
  void give_up(const std::string& why);
  [[nodiscard]] std::function<void(const std::string&)> on_fatal() {
    return [this](const std::string& why) { give_up(why); };
  }

  /// Any thread: wakes wait_for_word().
  static void wake();

  /// Writes <data_dir>/endpoints and tells `ready_fd` (-1: nobody).
  static void announce(const std::filesystem::path& data_dir, const std::string& rpc, const std::string& http,
                       int ready_fd);
  /// Waits for wake() (true) or for the end (false: wait_for_end() then returns at once).
  [[nodiscard]] bool wait_for_word();
  /// Waits for SIGTERM, SIGINT or give_up().  From here on a second signal ends the process at
  /// once.  Returns the exit code: 0, or 1 after give_up().
  [[nodiscard]] int wait_for_end();

private:
  struct actors_config;
  std::mutex end_mutex_; ///< These outlive the actors, which may still call give_up().
  std::string reason_;
  bool ending_ = false;  ///< wait_for_end() has returned, or is about to.
  std::unique_ptr<actors_config> config_;
  std::unique_ptr<caf::actor_system> sys_;
  kj_loop_ptr loop_;
  kj::Network* network_ = nullptr;
  int ending_signal_ = 0;
};

} // namespace tabletd
