// LOAD and EXPORT through a real front end, with backends that go away in the middle.
#include "tests/fe/fe_world.h"
#include <fmt/format.h>
#include <sys/socket.h>
#include <netinet/in.h>

namespace tabletd::test {
namespace {

constexpr auto one_replica = "CREATE TABLE d.t (KEY 1) BUCKETS 1 PROPERTIES(\"replication_num\"=\"1\")";
constexpr auto three_replicas = "CREATE TABLE d.t (KEY 1) BUCKETS 4 PROPERTIES(\"replication_num\"=\"3\")";

std::string rows(std::uint32_t count, std::uint64_t seed) { return make_rows(count, 100, seed).rows; }

struct FrontEnd : fe_world {
  void make_table(console& by, const std::string& create) {
    for (const auto& statement : {std::string("CREATE DATABASE d"), create}) {
      const auto made = by.run(statement);
      ASSERT_TRUE(made.ok()) << made;
    }
  }
  static void load(console& by, const std::string& chunk, const std::string& into = "d.t") {
    auto upload = by.begin_load(into);
    const auto wrote = by.wait(console::write(upload, 0, chunk));
    ASSERT_TRUE(wrote.ok()) << wrote;
    const auto done = by.wait(console::finish(upload));
    ASSERT_TRUE(done.ok()) << done;
  }
  /// Everything the table or its named partitions hold, lines sorted.
  static std::string exported(console& by, const std::string& from = "d.t") {
    auto download = by.begin_export(from);
    std::vector<std::string> lines;
    for (;;) {
      std::string chunk;
      const auto got = by.wait(console::read(download, chunk));
      EXPECT_TRUE(got.ok()) << got;
      if (!got.ok() || chunk.empty())
        return sorted(lines);
      lines.push_back(std::move(chunk));
    }
  }
  static std::string sorted(const std::vector<std::string>& chunks) {
    std::vector<std::string> lines;
    for (const auto& chunk : chunks) {
      std::istringstream in(chunk);
      for (std::string line; std::getline(in, line);)
        lines.push_back(line + '\n');
    }
    std::ranges::sort(lines);
    std::string all;
    for (const auto& line : lines)
      all += line;
    return all;
  }
};

TEST_F(FrontEnd, LoadsAndExports) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(me, one_replica));
  const auto sent = rows(1'000, 1);
  ASSERT_NO_FATAL_FAILURE(load(me, sent));
  EXPECT_EQ(exported(me), sorted({sent}));
}

TEST_F(FrontEnd, PartitionsAreLoadedAndExportedEach) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(
    me, "CREATE TABLE d.t (KEY 1) PARTITION (old, new) BUCKETS 2 PROPERTIES(\"replication_num\"=\"1\")"));
  const auto first = rows(500, 11);
  const auto second = rows(700, 12);
  ASSERT_NO_FATAL_FAILURE(load(me, first, "d.t PARTITION (old)"));
  ASSERT_NO_FATAL_FAILURE(load(me, second, "d.t PARTITION (new)"));
  const auto unnamed = me.run("LOAD FILE '/f' INTO d.t");
  EXPECT_EQ(unnamed.code, api::ErrorCode::INVALID_ARGUMENT) << unnamed;
  EXPECT_EQ(exported(me, "d.t PARTITION (old)"), sorted({first}));
  EXPECT_EQ(exported(me), sorted({first, second}));

  const auto added = me.run("ALTER TABLE d.t ADD PARTITION newer");
  EXPECT_TRUE(added.ok() && added.warnings.empty()) << added;
  const auto third = rows(300, 13);
  ASSERT_NO_FATAL_FAILURE(load(me, third, "d.t PARTITION (newer)"));
  ASSERT_TRUE(me.run("ALTER TABLE d.t DROP PARTITION old").ok());
  EXPECT_EQ(exported(me), sorted({second, third}));
}

TEST_F(FrontEnd, AnExportThatFailedAnswersEveryLaterReadTheSame) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(me, one_replica));
  ASSERT_NO_FATAL_FAILURE(load(me, rows(1'000, 2)));
  for (const auto& file : segments(dir / "a"))
    std::filesystem::remove(file);

  auto download = me.begin_export("d.t");
  std::string nothing;
  kj::Vector<kj::Promise<told>> reads;
  for (unsigned i = 0; i < api::WINDOW_CALLS; ++i)
    reads.add(console::read(download, nothing));
  const auto first = me.wait(kj::mv(reads[0]));
  EXPECT_EQ(first.code, api::ErrorCode::DATA_LOSS) << first;
  for (unsigned i = 1; i < api::WINDOW_CALLS; ++i) {
    const auto later = me.wait(kj::mv(reads[i]));
    EXPECT_EQ(later.code, first.code) << later;
    EXPECT_EQ(later.message, first.message);
  }
  EXPECT_EQ(nothing, "");
}

TEST_F(FrontEnd, ALoadEndsWithoutABackendThatFallsSilent) {
  front_end fe{sys, front_end_options()};
  backend a{sys, backend_options("a")};
  backend b{sys, backend_options("b")};
  backend c{sys, backend_options("c")};
  cable to_c{io, c.port()};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {a.port(), b.port(), to_c.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(me, three_replicas));

  auto upload = me.begin_load("d.t");
  const auto first = rows(10'000, 3);
  ASSERT_TRUE(me.wait(console::write(upload, 0, first)).ok());
  to_c.go_silent(); // Its connections stay open: as a machine that hangs.
  const auto second = rows(10'000, 4);
  ASSERT_TRUE(me.wait(console::write(upload, first.size(), second)).ok());
  const auto done = me.wait(console::finish(upload));
  EXPECT_TRUE(done.ok()) << done;
  ASSERT_EQ(done.warnings.size(), 1U) << done;
  EXPECT_NE(done.warnings[0].find(fmt::format("(127.0.0.1:{}) missed", to_c.port())), std::string::npos) << done;
  EXPECT_EQ(exported(me), sorted({first, second}));
}

TEST_F(FrontEnd, AnExportGoesOnWithoutABackendThatFallsSilent) {
  front_end fe{sys, front_end_options()};
  backend a{sys, backend_options("a")};
  backend b{sys, backend_options("b")};
  cable to_a{io, a.port()};
  cable to_b{io, b.port()};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {to_a.port(), to_b.port()}));
  ASSERT_NO_FATAL_FAILURE(
    make_table(me, "CREATE TABLE d.t (KEY 1) BUCKETS 1 PROPERTIES(\"replication_num\"=\"2\")"));
  const auto sent = rows(60'000, 5);
  ASSERT_NO_FATAL_FAILURE(load(me, sent));

  auto download = me.begin_export("d.t");
  std::vector<std::string> chunks(1);
  ASSERT_TRUE(me.wait(console::read(download, chunks[0])).ok());
  // Whichever is read from: neither answers, and then the other one does again.
  to_a.go_silent();
  auto second = console::read(download, chunks.emplace_back());
  for (;;) {
    auto& chunk = chunks.back();
    const auto got = me.wait(kj::mv(second));
    ASSERT_TRUE(got.ok()) << got;
    if (chunk.empty())
      break;
    second = console::read(download, chunks.emplace_back());
  }
  EXPECT_EQ(sorted(chunks), sorted({sent}));
}

TEST_F(FrontEnd, ARefusedChunkEndsTheLoad) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(me, one_replica));

  auto upload = me.begin_load("d.t");
  ASSERT_TRUE(me.wait(console::write(upload, 0, "1\ta\n")).ok());
  const std::string long_line((1U << 20) + 1, 'x');
  const auto refused = me.wait(console::write(upload, 4, long_line));
  EXPECT_EQ(refused.code, api::ErrorCode::INVALID_ARGUMENT) << refused;
  // The stream has a hole now: nothing that follows may make it whole again.
  const auto later = me.wait(console::write(upload, 4 + long_line.size(), "\n2\tb\n"));
  EXPECT_EQ(later.code, refused.code);
  EXPECT_EQ(later.message, refused.message);
  const auto end = me.wait(console::finish(upload));
  EXPECT_EQ(end.code, refused.code);
  EXPECT_EQ(end.message, refused.message);
  EXPECT_EQ(exported(me), "");
}

TEST_F(FrontEnd, NothingIsWrittenAfterFinish) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_NO_FATAL_FAILURE(make_table(me, one_replica));

  auto upload = me.begin_load("d.t");
  ASSERT_TRUE(me.wait(console::write(upload, 0, "1\ta\n")).ok());
  auto finishing = console::finish(upload);
  const auto late = me.wait(console::write(upload, 4, "2\tb\n"));
  EXPECT_EQ(late.code, api::ErrorCode::FAILED_PRECONDITION) << late;
  const auto done = me.wait(kj::mv(finishing));
  EXPECT_TRUE(done.ok()) << done;
  const auto again = me.wait(console::finish(upload));
  EXPECT_EQ(again.code, api::ErrorCode::FAILED_PRECONDITION) << again;
  EXPECT_EQ(exported(me), "1\ta\n");
}

/// Every socket of this process whose peer listens at `port`.
std::vector<int> sockets_to(std::uint16_t port) {
  std::vector<int> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    ::sockaddr_in peer{};
    ::socklen_t length = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<::sockaddr*>(&peer), &length) == 0 && peer.sin_family == AF_INET
        && ntohs(peer.sin_port) == port)
      found.push_back(fd);
  }
  return found;
}

TEST_F(FrontEnd, NoticesABackendWhoseMachineIsGone) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  console me{io, "127.0.0.1", fe.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  const auto dialled = sockets_to(be.port());
  ASSERT_FALSE(dialled.empty());
  for (const int fd : dialled) {
    int on = 0;
    ::socklen_t length = sizeof on;
    ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &length), 0);
    EXPECT_EQ(on, 1);
  }
}

} // namespace
} // namespace tabletd::test
