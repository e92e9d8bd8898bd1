#include "actors/scheduling.h"
#include "node/node_frame.h"
#include "actors/metered.h"
#include "actors/supervision/ports.h"
#include "node/log.h"
#include "persistence/durable_file.h"
#include <fmt/format.h>
#include <pthread.h>
#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

namespace tabletd {

namespace {

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1); // wake(): the main thread waits in sigwait and nowhere else.
  return set;
}

void log_supervision() {
  supervision_tree().listen([](const supervision_news& news) {
    using kind = supervision_news::kind;
    const std::string_view what = news.what == kind::crashed  ? "an actor crashed; its supervisor decides"
                                  : news.what == kind::killed ? "an actor did not stop in time and was killed"
                                                              : "a supervisor gave up";
    log(news.what == kind::escalated ? log_level::error : log_level::warn, what,
        {{"supervisor", news.supervisor}, {"child", news.child}, {"why", news.error}});
  });
  actor_metrics().on_slow_turn([](const char* type, std::chrono::nanoseconds took) {
    log_once(std::string("slow ") + type, log_level::warn, "a message took long to handle",
             {{"type", type}, {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
  });
}

/// A connection, a rowset and a clone's file each take a descriptor; the kernel's default of 1,024
/// is soon used up.
void raise_open_files() {
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace

void prepare_process() {
  const auto set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  raise_open_files();
}

struct node_frame::actors_config : caf::actor_system_config {
  actors_config() { set_scheduling(*this); }
};

node_frame::node_frame() : config_(std::make_unique<actors_config>()) {
  log_supervision();
  sys_ = std::make_unique<caf::actor_system>(*config_);
  loop_ = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
    network_ = &io.provider->getNetwork();
    return nullptr;
  });
}

node_frame::~node_frame() { loop_->stop(); }

void node_frame::give_up(const std::string& why) {
  const std::lock_guard lock{end_mutex_};
  if (ending_ || !reason_.empty()) {
    // It ends already.  A signal now would be the second one and cut that short.
    log_warn("another reason to end", {{"why", why}});
    return;
  }
  reason_ = why;
  ::kill(::getpid(), SIGTERM);
}

void node_frame::announce(const std::filesystem::path& data_dir, const std::string& rpc, const std::string& http,
                          int ready_fd) {
  const auto text = fmt::format("rpc = \"{}\"\nhttp = \"{}\"\npid = {}\n", rpc, http, ::getpid());
  write_file_durably(data_dir / "endpoints", std::as_bytes(std::span{text}));
  log_info("ready", {{"rpc", rpc}, {"http", http}, {"pid", ::getpid()}});
  if (ready_fd >= 0) {
    const std::string_view line = "ready\n";
    if (::write(ready_fd, line.data(), line.size()) < 0)
      log_warn("nobody listens to --ready-fd", {{"fd", ready_fd}});
    ::close(ready_fd);
  }
}

void node_frame::wake() { ::kill(::getpid(), SIGUSR1); }

bool node_frame::wait_for_word() {
  const auto set = awaited_signals();
  int got = 0;
  sigwait(&set, &got);
  if (got == SIGUSR1)
    return true;
  ending_signal_ = got;
  return false;
}

int node_frame::wait_for_end() {
  while (ending_signal_ == 0)
    (void)wait_for_word();
  const std::lock_guard lock{end_mutex_};
  ending_ = true;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  if (!reason_.empty()) {
    log_error("ends because it cannot go on", {{"why", reason_}});
    return 1;
  }
  log_info("stops", {{"signal", std::string_view{ending_signal_ == SIGINT ? "SIGINT" : "SIGTERM"}}});
  return 0;
}

} // namespace tabletd
