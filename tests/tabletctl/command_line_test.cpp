// tabletctl as the shell sees it: exit codes, what goes to which stream, a terminal.
#include "tests/tabletctl/fake_server.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace tabletd::fake {
namespace {

namespace fs = std::filesystem;
using strings = std::vector<std::string>;

struct ended {
  int code = -1;
  std::string out;
  std::string err;
};

/// A child process whose three streams are ours.
class process {
public:
  process(const strings& arguments, bool terminal) {
    int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
    if (!terminal && (::pipe(in) != 0 || ::pipe(out) != 0 || ::pipe(err) != 0))
      throw std::runtime_error("no pipes");
    winsize size{24, 100, 0, 0};
    pid_ = terminal ? ::forkpty(&out_, nullptr, nullptr, &size) : ::fork();
    if (pid_ < 0)
      throw std::runtime_error("no process");
    if (pid_ == 0) {
      if (!terminal) {
        ::dup2(in[0], 0);
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        for (const int fd : {in[0], in[1], out[0], out[1], err[0], err[1]})
          ::close(fd);
      }
      std::vector<char*> argv{const_cast<char*>("tabletctl")};
      for (const auto& one : arguments)
        argv.push_back(const_cast<char*>(one.c_str()));
      argv.push_back(nullptr);
      ::execv(TABLETCTL_BINARY, argv.data());
      ::_exit(127);
    }
    if (terminal) {
      in_ = out_;
      return;
    }
    in_ = in[1];
    out_ = out[0];
    err_ = err[0];
    ::close(in[0]);
    ::close(out[1]);
    ::close(err[1]);
  }
  ~process() {
    if (!reaped_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    close_input();
    ::close(out_);
    if (err_ >= 0)
      ::close(err_);
  }
  void type(std::string_view text) {
    ASSERT_EQ(::write(in_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_input() {
    if (in_ >= 0 && in_ != out_)
      ::close(in_);
    in_ = -1;
  }
  void signal(int number) {
    if (!reaped_)
      ::kill(pid_, number);
  }
  void close_output() { ::close(std::exchange(out_, ::dup(err_))); }

  /// Reads the terminal until `text` has appeared since the last call.
  void expect(const std::string& text) {
    while (screen_.find(text) == std::string::npos) {
      pollfd one{out_, POLLIN, 0};
      char buffer[4096];
      ASSERT_GT(::poll(&one, 1, 20'000), 0) << "no '" << text << "' in:\n" << screen_;
      const auto n = ::read(out_, buffer, sizeof buffer);
      ASSERT_GT(n, 0) << "ended without '" << text << "' in:\n" << screen_;
      screen_.append(buffer, static_cast<std::size_t>(n));
    }
    screen_.erase(0, screen_.find(text) + text.size());
  }
  ended finish() {
    close_input();
    ended got;
    std::thread errors;
    if (err_ >= 0)
      errors = std::thread([&] { got.err = drain(err_); });
    got.out = drain(out_);
    if (errors.joinable())
      errors.join();
    int status = 0;
    ::waitpid(pid_, &status, 0);
    reaped_ = true;
    got.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return got;
  }

private:
  static std::string drain(int fd) {
    std::string all;
    char buffer[4096];
    while (true) {
      const auto n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0)
        return all; // A terminal whose other side closed says EIO.
      all.append(buffer, static_cast<std::size_t>(n));
    }
  }
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  std::string screen_;
  bool reaped_ = false;
};

ended run(const strings& arguments, std::string_view input = {}) {
  process child{arguments, false};
  child.type(input);
  return child.finish();
}

struct CommandLine : ::testing::Test {
  server front{{}};
  std::string at = front.address();
  fs::path dir = fs::temp_directory_path() / fmt::format("tabletctl-cli-{}", ::getpid());
  void SetUp() override {
    fs::create_directories(dir);
    ::setenv("XDG_STATE_HOME", dir.c_str(), 1);
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("TABLETCTL_ADDRESS");
  }
  void TearDown() override { fs::remove_all(dir); }
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(dir / name) << text;
    return (dir / name).string();
  }
};

TEST_F(CommandLine, ExitCodes) {
  server refusing{{.refuse_login = true}};
  std::string nobody;
  {
    server gone{{}};
    nobody = gone.address();
  }
  const struct {
    strings arguments;
    int code;
  } table[] = {
    {{at, "-e", "DONE"}, 0},
    {{at, "-e", "DONE; ROWS 1;"}, 0},
    {{at, "-e", "FOO"}, 1},
    {{at, "-e", "LOAD FILE '/no/such' INTO t"}, 1},
    {{at, "-e", "FOO", "-e", "DONE", "--keep-going"}, 1},
    {{at, "-e", "SLOW", "-e", "FOO", "--keep-going"}, 4},
    {{at, "-e", "SLOW"}, 4},
    {{at, "-e", "HANG", "--timeout", "20ms"}, 4},
    {{at, "-e", "CRASH"}, 3},
    {{at, "-e", "CRASH", "-e", "DONE", "--keep-going"}, 3},
    {{"--server", at, "-e", "DONE"}, 0},
    {{"--server", nobody + "," + at, "-e", "DONE"}, 0},
    {{at, "--server", at, "-e", "DONE"}, 2},
    {{"--server", "a:b:c", "-e", "DONE"}, 2},
    {{nobody, "-e", "DONE"}, 3},
    {{refusing.address(), "-e", "DONE"}, 3},
    {{at, "--no-such-option"}, 2},
    {{"a:b:c", "-e", "DONE"}, 2},
    {{at, "-e", "DONE", "--format", "xml"}, 2},
    {{at, "-e", "DONE", "--timeout", "soon"}, 2},
    {{at, "-f", "/no/such/file"}, 2},
    {{at, "-e", "\\nonsense"}, 2},
    {{"--version"}, 0},
    {{"--help"}, 0},
    {{at, "health"}, 0},
    {{nobody, "health"}, 3},
    {{nobody, "health", "--wait", "--timeout", "20ms"}, 4},
    {{at, "status"}, 0},
  };
  for (const auto& row : table) {
    const auto got = run(row.arguments);
    EXPECT_EQ(got.code, row.code) << fmt::format("{}", fmt::join(row.arguments, " ")) << "\n"
                                  << got.out << got.err;
  }
}

TEST_F(CommandLine, HealthTellsColoursApart) {
  server sick{{.health = api::HealthState::RED}};
  const auto got = run({sick.address(), "health"});
  EXPECT_EQ(got.code, 10);
  EXPECT_EQ(got.out,
            "red: 2 of 3 backends alive, 16 tablets, 0 unhealthy, 0 unrecoverable\n  backend 10002 "
            "is dead\n");
  EXPECT_EQ(run({sick.address(), "health", "--wait", "--timeout", "50ms"}).code, 4);
  process waiting{{sick.address(), "health", "--wait"}, false};
  ASSERT_TRUE(sick.connections.reaches(3));
  sick.what.health = api::HealthState::GREEN;
  EXPECT_EQ(waiting.finish().code, 0);
}

TEST_F(CommandLine, RowsGoToStdoutAndEverythingElseToStderr) {
  const auto got = run({at}, "DONE;\nROWS 2;\nFOO;\nROWS 1;\n");
  EXPECT_EQ(got.out, "Id\tName\n1\tname 1\n2\tname 2\n");
  EXPECT_EQ(got.err,
            "database shop created\n"
            "error [syntax] line 1, column 1: expected SHOW or HELP, found FOO\n  FOO;\n  ^~~\n");
  EXPECT_EQ(got.code, 1);
}

TEST_F(CommandLine, KeepGoingRunsWhatFollows) {
  const auto got = run({at, "--keep-going", "--no-header", "--format", "csv"}, "FOO; ROWS 1;");
  EXPECT_EQ(got.out, "1,name 1\n");
  EXPECT_EQ(got.code, 1);
}

TEST_F(CommandLine, AFileIsNamedInErrors) {
  const auto file = write("script.sql", "-- comment\nDONE;\n  FOO 'x';\n");
  const auto got = run({at, "-f", file});
  EXPECT_EQ(
    got.err,
    fmt::format("database shop created\n{}:3:3: error [syntax]: expected SHOW or HELP, found FOO\n"
                "  FOO 'x';\n  ^~~\n",
                file));
}

TEST_F(CommandLine, TheEnvironmentNamesTheServer) {
  ::setenv("TABLETCTL_ADDRESS", at.c_str(), 1);
  EXPECT_EQ(run({"-e", "ROWS 1", "--format", "json"}).out,
            "[\n  {\"Id\": 1, \"Name\": \"name 1\"}\n]\n");
  ::unsetenv("TABLETCTL_ADDRESS");
  ::setenv("TABLETCTL_SERVER", at.c_str(), 1);
  EXPECT_EQ(run({"-e", "ROWS 1", "--no-header"}).out, "1\tname 1\n");
  ::unsetenv("TABLETCTL_SERVER");
}

TEST_F(CommandLine, AChangeOfServerIsANoteAndTheScriptGoesOn) {
  server dying{{.name = "dying", .crash_first = 1}};
  server other{{.name = "other", .leader = "10.0.0.9:9020"}};
  dying.what.consoles = {dying.address(), other.address()};
  process child{{dying.address(), "--no-header"}, false};
  child.type("USE shop;\nSHOW DATABASES;\n");
  child.expect("dying\t\n"); // This session had USE itself.
  dying.what.crash_first = 1;
  dying.what.refuse_open = 1'000;
  child.type("SHOW DATABASES;\n");
  const auto got = child.finish();
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(got.out, "other\tshop\n");
  EXPECT_EQ(got.err, fmt::format("note: lost the connection to {0} while the statement ran; asking again\ndatabase shop created\n"
                                 "note: lost the connection to {0} while the statement ran; asking again\n"
                                 "note: connected to {1}; 10.0.0.9:9020 leads\n",
                                 dying.address(), other.address()));
}

TEST_F(CommandLine, StatusListsTheGroup) {
  front.what.consoles = {at, "10.0.0.9:9020"};
  EXPECT_NE(run({at, "status"}).out.find("group     " + at + ", 10.0.0.9:9020\n"), std::string::npos);
}

TEST_F(CommandLine, CtrlCCancelsAndExits130) {
  process child{{at, "-e", "HANG; DONE;"}, false};
  ASSERT_TRUE(front.executed.reaches(1));
  child.signal(SIGINT);
  EXPECT_EQ(child.finish().code, 130);
  ASSERT_TRUE(front.cancelled.reaches(1));
  EXPECT_EQ(front.executed.value(), 1U);
}

TEST_F(CommandLine, CtrlCEndsTheWaitForInput) {
  process child{{at}, false};
  child.type("DONE;\n");
  ASSERT_TRUE(front.executed.reaches(1));
  child.signal(SIGINT);
  EXPECT_EQ(child.finish().code, 130);
}

TEST_F(CommandLine, AReaderThatLeavesEndsItQuietly) {
  process child{{at, "-e", "ROWS 200000"}, false};
  child.close_output();
  const auto got = child.finish();
  EXPECT_EQ(got.code, 1);
  EXPECT_EQ(got.err, "");
}

TEST_F(CommandLine, ManyRowsStreamOut) {
  const auto got = run({at, "-e", "ROWS 50000", "--no-header"});
  EXPECT_EQ(std::count(got.out.begin(), got.out.end(), '\n'), 50'000);
  EXPECT_TRUE(got.out.ends_with("50000\tname 50000\n"));
}

TEST_F(CommandLine, ClientCommandsWork) {
  const auto file = (dir / "rows").string();
  const auto got = run({at, "--format", "table"},
                       fmt::format("\\o {}\nROWS 1;\n\\o\n\\x on\nROWS 1;\n\\x off\n\\format "
                                   "csv\n\\timing\nROWS 1;\n\\q\nFOO;\n",
                                   file));
  EXPECT_EQ(got.code, 0);
  std::string written;
  std::getline(std::ifstream{file}, written, '\0');
  EXPECT_EQ(
    written,
    "+----+--------+\n| Id | Name   |\n+----+--------+\n|  1 | name 1 |\n+----+--------+\n");
  EXPECT_EQ(got.out,
            "**************************** row 1 *****************************\n  Id: 1\nName: name "
            "1\nId,Name\n1,name 1\n");
  EXPECT_TRUE(got.err.starts_with("1 row (0.")) << got.err;
}

TEST_F(CommandLine, ATerminalGetsPromptsTablesAndHistory) {
  process child{{at}, true};
  child.expect("tabletd:play> ");
  child.type("ROWS\n");
  child.expect("-> ");
  child.type("2;\n");
  child.expect("|  2 | name 2 |");
  child.expect("2 rows (0.");
  child.expect("tabletd:play> ");
  child.type("ROWS '");
  child.type("\x03");
  child.expect("tabletd:play> ");
  child.type("ROWS 1\\G\n");
  child.expect("Name: name 1");
  child.expect("tabletd:play> ");
  child.type("FOO;\n");
  child.expect("^~~");
  child.expect("tabletd:play> ");
  child.type("HANG;\n");
  ASSERT_TRUE(front.executed.reaches(4));
  child.type("\x03");
  child.expect("given up");
  child.expect("tabletd:play> ");
  child.type("\\\t");
  child.expect("\\watch");
  child.type("\x03");
  child.expect("tabletd:play> ");
  child.type("SHOW T\t");
  child.expect("ABLETS ");
  child.type("\x03");
  child.expect("tabletd:play> ");
  child.type("CRASH;\n");
  child.expect("lost the connection");
  child.expect("> ");
  child.type("DONE;\n");
  child.expect("database shop created");
  child.expect("tabletd:play> ");
  child.type("\x04");
  EXPECT_EQ(child.finish().code, 0);
  const auto history = dir / "tabletctl" / "history";
  EXPECT_EQ(fs::status(history).permissions(), fs::perms{0600});
  std::string text;
  std::getline(std::ifstream{history}, text, '\0');
  EXPECT_NE(text.find("ROWS\\0402;"), std::string::npos) << text;
}

TEST_F(CommandLine, WatchRepeatsUntilCtrlC) {
  process child{{at}, true};
  child.expect("tabletd:play> ");
  child.type("\\watch 0.1 ROWS 1;\n");
  child.expect("every 100 ms");
  child.expect("every 100 ms");
  child.expect("every 100 ms");
  child.type("\x03");
  child.expect("tabletd:play> ");
  child.type("\\q\n");
  EXPECT_EQ(child.finish().code, 0);
  EXPECT_GE(front.executed.value(), 3U);
}

} // namespace
} // namespace tabletd::fake
