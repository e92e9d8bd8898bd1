// fork, exec, signals and waiting for them; see node_process.h.
#include "node/play/node_process.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <vector>

namespace tabletd::play {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::size_t tail_lines = 15;

void close_fd(int& fd) {
  if (fd >= 0)
    ::close(fd);
  fd = -1;
}

/// False if nothing came before `until`.
bool wait_readable(int fd, steady::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
    pollfd one{fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max(left, 0ms).count()));
    if (ready > 0)
      return true;
    if (ready == 0 || errno != EINTR)
      return false;
  }
}

/// glibc 2.36's <sys/pidfd.h> forgets extern "C".
int open_pid(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct child_plan {
  const char* binary;
  std::vector<char*> argv;
  int log_fd;
  int ready_fd;
  bool outlives;
  pid_t parent;
};

/// Between fork and exec: system calls only.
[[noreturn]] void become_node(const child_plan& plan) {
  // A group of its own: Ctrl-C in the console is not meant for the nodes.
  ::setpgid(0, 0);
  if (!plan.outlives) {
    // A paused one hears it too: the kernel wakes a stopped group whose parent is gone.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != plan.parent)
      ::_exit(1); // The parent died before the line above.
  } else {
    ::setsid();
  }
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, STDIN_FILENO);
  ::dup2(plan.log_fd, STDOUT_FILENO);
  ::dup2(plan.log_fd, STDERR_FILENO);
  ::fcntl(plan.ready_fd, F_SETFD, 0); // The one descriptor the node inherits on purpose.
  // The console blocks SIGINT and ignores SIGPIPE; neither is the node's business.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::execv(plan.binary, plan.argv.data());
  ::_exit(127);
}

} // namespace

std::string_view name(process_state state) {
  switch (state) {
    case process_state::stopped: return "stopped";
    case process_state::running: return "running";
    case process_state::paused: return "paused";
    case process_state::dead: return "dead";
  }
  return "?";
}

node_process::~node_process() {
  if (pid_ > 0 && !outlives_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_fd(pid_fd_);
  close_fd(ready_fd_);
}

void node_process::write_config() const {
  std::filesystem::create_directories(place_.home);
  for (const auto& disk : place_.disk_dirs())
    std::filesystem::create_directories(disk);
  std::filesystem::create_directories(place_.data_dir());
  std::ofstream out(place_.config_file(), std::ios::trunc);
  out << node_config(place_);
  if (!out.flush())
    throw play_failure(fmt::format("{} could not be written: {}", place_.config_file().string(),
                                   std::strerror(errno)));
}

void node_process::start(const std::string& binary) {
  if (state() == process_state::running || state() == process_state::paused)
    throw play_failure(fmt::format("{} is {} already", place_.name, play::name(state_)));
  write_config();
  std::filesystem::remove(place_.endpoints_file()); // One from before a kill -9 would lie.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw play_failure(fmt::format("no pipe for {}: {}", place_.name, std::strerror(errno)));
  const int log_fd
    = ::open(place_.log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log_fd < 0) {
    const int why = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw play_failure(
      fmt::format("{} could not be opened: {}", place_.log_file().string(), std::strerror(why)));
  }
  std::vector<std::string> words{"tabletd",
                                 "--role",
                                 std::string{play::name(place_.role)},
                                 "--config",
                                 place_.config_file().string(),
                                 "--ready-fd",
                                 fmt::format("{}", ends[1])};
  child_plan plan{binary.c_str(), {}, log_fd, ends[1], outlives_, ::getpid()};
  for (auto& word : words)
    plan.argv.push_back(word.data());
  plan.argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0)
    become_node(plan);
  const int why = errno;
  ::close(log_fd);
  ::close(ends[1]);
  close_fd(ready_fd_);
  ready_fd_ = ends[0];
  if (pid_ < 0)
    throw play_failure(fmt::format("{} could not be started: {}", place_.name, std::strerror(why)));
  close_fd(pid_fd_);
  pid_fd_ = open_pid(pid_);
  if (pid_fd_ < 0)
    throw play_failure(fmt::format("{} cannot be watched: {}; Linux 5.3 or later is needed",
                                   place_.name, std::strerror(errno)));
  state_ = process_state::running;
}

void node_process::wait_ready(std::chrono::milliseconds limit) {
  // The pipe closes when the node dies, so this waits for whichever comes first.
  const bool spoke = wait_readable(ready_fd_, steady::now() + limit);
  char line[64];
  const auto n = spoke ? ::read(ready_fd_, line, sizeof line) : -1;
  close_fd(ready_fd_);
  if (!spoke)
    fail(fmt::format("was not ready after {} s", limit.count() / 1000));
  if (n <= 0) {
    (void)wait_ended(1s);
    fail(fmt::format("ended while it started ({})",
                     ended_how_.empty() ? "no reason known" : ended_how_));
  }
  const auto said = parse_endpoints(read_file(place_.endpoints_file()));
  if (!said)
    fail(
      fmt::format("says it is ready, but {} names no addresses", place_.endpoints_file().string()));
  where_ = *said;
  // The catalog knows a backend by its port: it must be the same after a restart.
  place_.rpc_listen = where_.rpc;
  place_.http_listen = where_.http;
}

void node_process::kill() {
  if (pid_ <= 0)
    throw play_failure(fmt::format("{} does not run", place_.name));
  ::kill(pid_, SIGKILL);
  (void)wait_ended(10s);
}

void node_process::stop(std::chrono::milliseconds limit) {
  if (pid_ <= 0)
    return;
  ::kill(pid_, SIGCONT); // A paused process takes no SIGTERM.
  ::kill(pid_, SIGTERM);
  if (!wait_ended(limit)) {
    ::kill(pid_, SIGKILL);
    (void)wait_ended(10s);
  }
  state_ = process_state::stopped;
}

void node_process::pause() {
  if (state() != process_state::running)
    throw play_failure(
      fmt::format("{} is {}; only a running node can be paused", place_.name, play::name(state_)));
  ::kill(pid_, SIGSTOP);
  state_ = process_state::paused;
}

void node_process::resume() {
  if (state() != process_state::paused)
    throw play_failure(fmt::format("{} is {}, not paused", place_.name, play::name(state_)));
  ::kill(pid_, SIGCONT);
  state_ = process_state::running;
}

process_state node_process::state() {
  if (pid_ > 0)
    (void)wait_ended(0ms);
  return state_;
}

bool node_process::wait_ended(std::chrono::milliseconds limit) {
  if (pid_ <= 0)
    return true;
  if (!wait_readable(pid_fd_, steady::now() + limit))
    return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_)
    reaped(status);
  return pid_ <= 0;
}

void node_process::reaped(int status) {
  ended_how_ = WIFSIGNALED(status) ? fmt::format("signal {}", ::strsignal(WTERMSIG(status)))
                                   : fmt::format("exit code {}", WEXITSTATUS(status));
  pid_ = -1;
  close_fd(pid_fd_);
  state_ = process_state::dead;
}

std::string node_process::log_tail(std::size_t lines) const {
  std::ifstream in(place_.log_file());
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(std::move(line));
    if (last.size() > lines)
      last.pop_front();
  }
  std::string out;
  for (const auto& line : last)
    out += "  " + line + "\n";
  return out;
}

void node_process::fail(const std::string& what) const {
  const auto tail = log_tail(tail_lines);
  throw play_failure(fmt::format("{} {}; its log, {}{}{}", place_.name, what,
                                 place_.log_file().string(),
                                 tail.empty() ? ", is empty" : ", ends with:\n", tail));
}

} // namespace tabletd::play
