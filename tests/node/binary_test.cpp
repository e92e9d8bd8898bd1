// The binary as an operator and a service manager meet it: exit codes, sentences on stderr,
// the ready word, the endpoints file, signals.
#include <toml++/toml.h>
#include <gtest/gtest.h>
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace tabletd {

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// A tabletd process; its output goes to files.
class process {
public:
  process(const fs::path& home, std::vector<std::string> words) : home_(home) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ready_ = ends[0];
    words.insert(words.begin(), "tabletd");
    for (auto& word : words)
      if (word == "READY_FD")
        word = "9";
    pid_ = ::fork();
    if (pid_ == 0)
      become(words, ends[1]);
    ::close(ends[1]);
  }
  ~process() {
    ::close(ready_);
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  process(const process&) = delete;

  /// What it wrote to --ready-fd; empty if it ended without a word.
  std::string wait_ready() {
    std::string word(64, 0);
    const auto got = ::read(ready_, word.data(), word.size());
    word.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return word;
  }
  void signal(int number) const { ::kill(pid_, number); }
  /// Exit code, or -signal.
  int wait_end() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::string out() const { return read_file(home_ / "out"); }
  std::string err() const { return read_file(home_ / "err"); }

private:
  [[noreturn]] void become(const std::vector<std::string>& words, int ready_end) const {
    ::dup2(ready_end, 9);
    ::dup2(::open((home_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 1);
    ::dup2(::open((home_ / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 2);
    std::vector<char*> argv;
    for (const auto& word : words)
      argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ::execv(TABLETD_BINARY, argv.data());
    ::_exit(127);
  }
  fs::path home_;
  int ready_ = -1;
  pid_t pid_ = -1;
};

std::string http_get(const std::string& address, const std::string& target) {
  const auto colon = address.rfind(':');
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  EXPECT_EQ(::connect(fd, reinterpret_cast<::sockaddr*>(&to), sizeof to), 0) << address;
  const auto request = "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_EQ(::write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string all;
  for (char byte = 0; !all.ends_with("\r\n\r\n") && ::read(fd, &byte, 1) == 1;)
    all += byte;
  const std::string field = "Content-Length: ";
  auto left = std::stoul(all.substr(all.find(field) + field.size()));
  for (char buffer[4'096]; left > 0;) {
    const auto got = ::read(fd, buffer, std::min(left, sizeof buffer));
    if (got <= 0)
      break;
    all.append(buffer, static_cast<std::size_t>(got));
    left -= static_cast<std::size_t>(got);
  }
  ::close(fd);
  return all;
}

struct BinaryTest : ::testing::Test {
  fs::path home = [] {
    std::string name = fs::temp_directory_path() / "tabletd-binary-XXXXXX";
    return fs::path(::mkdtemp(name.data()));
  }();
  void TearDown() override { fs::remove_all(home); }

  std::vector<std::string> node(const std::string& role) const {
    return {"--role", role, "--ready-fd", "READY_FD", "--set", "node.data_dir=" + (home / role).string(),
            "--set", "rpc.listen=127.0.0.1:0", "--set", "http.listen=127.0.0.1:0"};
  }
  struct ended {
    int code;
    std::string out, err;
  };
  ended run(std::vector<std::string> words) const {
    process p{home, std::move(words)};
    const int code = p.wait_end();
    return {code, p.out(), p.err()};
  }
};

TEST_F(BinaryTest, UsageErrorsExitWithTwo) {
  EXPECT_EQ(run({}).code, 2);
  EXPECT_NE(run({}).err.find("--role"), std::string::npos);
  EXPECT_EQ(run({"--role", "cook"}).code, 2);
  EXPECT_EQ(run({"--role", "be", "--set", "node.nmae=x"}).code, 2);
  EXPECT_NE(run({"--role", "be", "--set", "node.nmae=x"}).err.find("did you mean node.name?"), std::string::npos);
}

TEST_F(BinaryTest, VersionAndDefaultConfiguration) {
  EXPECT_EQ(run({"--version"}).out.substr(0, 8), "tabletd ");
  for (const auto* role : {"fe", "be"}) {
    const auto defaults = run({"config", "default", "--role", role});
    EXPECT_EQ(defaults.code, 0);
    std::ofstream(home / "c.toml") << defaults.out;
    EXPECT_EQ(run({"config", "check", "--role", role, "--config", (home / "c.toml").string()}).code, 0);
    EXPECT_EQ(run({"config", "show", "--role", role, "--config", (home / "c.toml").string()}).out, defaults.out);
  }
}

class BinaryRoleTest : public BinaryTest, public testing::WithParamInterface<std::string> {};

TEST_P(BinaryRoleTest, ServesUntilItIsToldToStop) {
  process p{home, node(GetParam())};
  ASSERT_EQ(p.wait_ready(), "ready\n") << p.err();
  const auto endpoints = toml::parse_file((home / GetParam() / "endpoints").string());
  const auto http = endpoints["http"].value_or(std::string{});
  EXPECT_NE(endpoints["rpc"].value_or(std::string{}).find("127.0.0.1:"), std::string::npos);
  EXPECT_EQ(http_get(http, "/healthz").substr(0, 15), "HTTP/1.1 200 OK");
  EXPECT_EQ(http_get(http, "/readyz").substr(0, 15), "HTTP/1.1 200 OK") << http_get(http, "/readyz");
  const auto metrics = http_get(http, "/metrics");
  EXPECT_NE(metrics.find("\ntabletd_ready 1\n"), std::string::npos);
  EXPECT_NE(metrics.find(GetParam() == "fe" ? "\ntabletd_fe_is_leader 1\n" : "\ntabletd_be_disk_online{"), std::string::npos);
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait_end(), 0) << p.err();
  EXPECT_NE(p.err().find(R"("msg":"stopped")"), std::string::npos) << "stderr is no terminal, so the log is JSON";
}

TEST_P(BinaryRoleTest, ASecondProcessOnTheSameDirectoryIsRefused) {
  process first{home, node(GetParam())};
  ASSERT_EQ(first.wait_ready(), "ready\n");
  fs::create_directories(home / "second");
  process second{home / "second", node(GetParam())};
  EXPECT_EQ(second.wait_ready(), "");
  EXPECT_EQ(second.wait_end(), 1);
  EXPECT_NE(second.err().find((home / GetParam()).string()), std::string::npos) << second.err();
}

TEST_P(BinaryRoleTest, EndsInOrderIfItCannotSayThatItIsReady) {
  fs::create_directories(home / GetParam() / "endpoints"); // Where the file should be.
  fs::permissions(home / GetParam(), fs::perms::owner_all);
  const auto end = run(node(GetParam()));
  EXPECT_EQ(end.code, 1) << end.err;
  EXPECT_NE(end.err.find("cannot start"), std::string::npos) << end.err;
}

TEST_P(BinaryRoleTest, StartsAgainAfterAKill) {
  {
    process p{home, node(GetParam())};
    ASSERT_EQ(p.wait_ready(), "ready\n");
    p.signal(SIGKILL);
    EXPECT_EQ(p.wait_end(), -SIGKILL);
  }
  process again{home, node(GetParam())};
  EXPECT_EQ(again.wait_ready(), "ready\n") << again.err();
  again.signal(SIGINT);
  EXPECT_EQ(again.wait_end(), 0);
}

INSTANTIATE_TEST_SUITE_P(Roles, BinaryRoleTest, testing::Values("fe", "be"), [](const auto& at) { return at.param; });

TEST_F(BinaryTest, ADirectoryOfTheOtherRoleIsRefused) {
  {
    process p{home, node("be")};
    ASSERT_EQ(p.wait_ready(), "ready\n");
    p.signal(SIGTERM);
    EXPECT_EQ(p.wait_end(), 0);
  }
  auto words = node("fe");
  for (auto& word : words)
    if (word.starts_with("node.data_dir="))
      word = "node.data_dir=" + (home / "be").string();
  const auto refused = run(words);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("cannot start"), std::string::npos) << refused.err;
}

} // namespace

} // namespace tabletd
