// The coalescing stream against a scripted socket and a real one: content and order, how many
// system calls, back-pressure, and what happens when the socket or the caller gives up.
#include "node/coalescing_stream.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <deque>
#include <random>

namespace tabletd {

namespace {

/// A socket whose writes the test completes by hand.
class scripted_socket final : public kj::AsyncIoStream {
public:
  struct shared {
    std::vector<std::string> writes; ///< One per system call.
    std::deque<kj::Own<kj::PromiseFulfiller<void>>> unfinished;
    bool completes_at_once = true;
    bool is_shut_down = false;
    kj::Maybe<kj::Exception> error;
    std::string to_read;
    std::vector<std::size_t> reads; ///< Room offered by each system call.
  };
  explicit scripted_socket(shared& s) : s_(s) {}

  kj::Promise<std::size_t> tryRead(void* to, std::size_t, std::size_t room) override {
    s_.reads.push_back(room);
    KJ_IF_MAYBE(why, s_.error)
      return kj::cp(*why);
    const auto got = std::min(room, s_.to_read.size());
    std::memcpy(to, s_.to_read.data(), got);
    s_.to_read.erase(0, got);
    return got;
  }
  kj::Promise<void> write(const void* from, std::size_t bytes) override {
    s_.writes.emplace_back(static_cast<const char*>(from), bytes);
    KJ_IF_MAYBE(why, s_.error)
      return kj::cp(*why);
    if (s_.completes_at_once)
      return kj::READY_NOW;
    auto done = kj::newPromiseAndFulfiller<void>();
    s_.unfinished.push_back(kj::mv(done.fulfiller));
    return kj::mv(done.promise);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    std::string all;
    for (const auto& piece : pieces)
      all.append(piece.asChars().begin(), piece.size());
    return write(all.data(), all.size());
  }
  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }
  void shutdownWrite() override { s_.is_shut_down = true; }

private:
  shared& s_;
};

struct CoalescingTest : ::testing::Test {
  ~CoalescingTest() noexcept override {} // KJ members may throw; nothing is left to save.
  kj::EventLoop events;
  kj::WaitScope scope{events};
  scripted_socket::shared socket;
  kj::Own<coalescing_stream> stream = kj::heap<coalescing_stream>(
    kj::heap<scripted_socket>(socket), coalescing_stream::limits{.read_bytes = 64, .small_bytes = 16, .held_bytes = 32});

  kj::Promise<void> write(const std::string& text) { return stream->write(text.data(), text.size()); }
  void turn() { scope.poll(); }
};

using lines = std::vector<std::string>;

TEST_F(CoalescingTest, SmallWritesOfOneTurnAreOneCall) {
  write("one ").wait(scope);
  write("two ").wait(scope);
  const kj::ArrayPtr<const kj::byte> pieces[] = {"thr"_kj.asBytes(), "ee"_kj.asBytes()};
  stream->write(kj::arrayPtr(pieces, 2)).wait(scope);
  turn();
  EXPECT_EQ(socket.writes, lines{"one two three"});
}

TEST_F(CoalescingTest, WhatComesDuringAWriteLeavesWithTheNext) {
  socket.completes_at_once = false;
  write("a").wait(scope);
  turn();
  write("b").wait(scope), turn();
  write("c").wait(scope), turn();
  EXPECT_EQ(socket.writes, lines{"a"});
  socket.unfinished.front()->fulfill();
  turn();
  EXPECT_EQ(socket.writes, (lines{"a", "bc"}));
}

TEST_F(CoalescingTest, LargeWritesKeepTheirPlaceBetweenSmallOnes) {
  socket.completes_at_once = false;
  const std::string large(20, 'L');
  write("before ").wait(scope);
  auto sent = write(large);
  write("after").wait(scope);
  for (int i = 0; i < 3; ++i) {
    turn();
    ASSERT_FALSE(socket.unfinished.empty());
    EXPECT_EQ(sent.poll(scope), false) << i;
    socket.unfinished.front()->fulfill();
    socket.unfinished.pop_front();
    if (i == 1)
      sent.wait(scope);
    if (i == 1)
      sent = kj::NEVER_DONE;
  }
  turn();
  EXPECT_EQ(socket.writes, (lines{"before ", large, "after"}));
}

TEST_F(CoalescingTest, WritersWaitWhenTooMuchIsHeld) {
  socket.completes_at_once = false;
  const std::string chunk(16, 'x');
  write(chunk).wait(scope);
  write(chunk).wait(scope);
  auto third = write(chunk);
  EXPECT_FALSE(third.poll(scope));
  socket.unfinished.front()->fulfill();
  third.wait(scope);
  EXPECT_EQ(socket.writes, lines{std::string(48, 'x')});
}

TEST_F(CoalescingTest, AnErrorReachesTheWaitingAndTheNextWrite) {
  socket.completes_at_once = false;
  write("small").wait(scope);
  auto flushed = stream->flush();
  const std::string large(20, 'L');
  auto sent = write(large);
  EXPECT_FALSE(flushed.poll(scope));
  socket.unfinished.front()->reject(KJ_EXCEPTION(DISCONNECTED, "reset by peer"));
  turn();
  EXPECT_THROW(flushed.wait(scope), kj::Exception);
  EXPECT_THROW(sent.wait(scope), kj::Exception);
  EXPECT_THROW(write("more").wait(scope), kj::Exception);
  EXPECT_THROW(write(large).wait(scope), kj::Exception);
  EXPECT_THROW(stream->flush().wait(scope), kj::Exception);
  EXPECT_EQ(socket.writes, lines{"small"}) << "nothing may follow a hole";
}

TEST_F(CoalescingTest, ALargeWriteGivenUpBeforeItStartedNeverHappens) {
  socket.completes_at_once = false;
  write("a").wait(scope), turn();
  {
    auto bytes = std::make_unique<std::string>(20, 'L');
    auto sent = write(*bytes);
    sent = nullptr;
    bytes.reset(); // AddressSanitizer watches.
  }
  write("b").wait(scope);
  socket.unfinished.front()->fulfill();
  turn();
  EXPECT_EQ(socket.writes, (lines{"a", "b"}));
}

TEST_F(CoalescingTest, ALargeWriteGivenUpHalfWayBreaksTheStream) {
  socket.completes_at_once = false;
  const std::string large(20, 'L');
  auto sent = write(large);
  turn();
  EXPECT_EQ(socket.writes, lines{large});
  write("after").wait(scope);
  sent = nullptr;
  turn();
  EXPECT_FALSE(socket.unfinished.front()->isWaiting()) << "the socket must not read freed memory";
  EXPECT_THROW(write("more").wait(scope), kj::Exception);
  EXPECT_EQ(socket.writes, lines{large});
}

TEST_F(CoalescingTest, ShutDownComesAfterWhatWasWritten) {
  socket.completes_at_once = false;
  write("last words").wait(scope);
  stream->shutdownWrite();
  turn();
  EXPECT_FALSE(socket.is_shut_down);
  socket.unfinished.front()->fulfill();
  turn();
  EXPECT_TRUE(socket.is_shut_down);
  EXPECT_EQ(socket.writes, lines{"last words"});
}

TEST_F(CoalescingTest, ReadsAreBufferedAndEndOfFileIsAShortRead) {
  socket.to_read = "abcdefghij";
  char buffer[64] = {};
  EXPECT_EQ(stream->tryRead(buffer, 4, 4).wait(scope), 4U);
  EXPECT_EQ(stream->tryRead(buffer + 4, 1, 4).wait(scope), 4U);
  EXPECT_EQ(socket.reads, std::vector<std::size_t>{64}) << "one system call for both";
  EXPECT_EQ(stream->tryRead(buffer + 8, 4, 8).wait(scope), 2U) << "the end";
  EXPECT_EQ(std::string(buffer, 10), "abcdefghij");
  EXPECT_EQ(stream->tryRead(buffer, 1, 1).wait(scope), 0U);
}

TEST_F(CoalescingTest, LargeReadsBypassTheBuffer) {
  socket.to_read = std::string(100, 'z');
  char buffer[128] = {};
  EXPECT_EQ(stream->tryRead(buffer, 1, 128).wait(scope), 100U);
  EXPECT_EQ(socket.reads, std::vector<std::size_t>{128});
}

TEST_F(CoalescingTest, AReadErrorReachesTheReader) {
  socket.error = KJ_EXCEPTION(DISCONNECTED, "reset by peer");
  char byte = 0;
  EXPECT_THROW(stream->tryRead(&byte, 1, 1).wait(scope), kj::Exception);
}

/// Both ends over a real socket pair: 400 writes of mixed sizes, read in mixed sizes.
TEST(CoalescingStream, CarriesMixedTrafficUnchanged) {
  auto io = kj::setupAsyncIo();
  auto pipe = io.provider->newTwoWayPipe();
  coalescing_stream near{kj::mv(pipe.ends[0])};
  coalescing_stream far{kj::mv(pipe.ends[1])};
  std::mt19937 dice{7};
  std::vector<std::string> pieces;
  std::string sent;
  for (int i = 0; i < 400; ++i) {
    const auto size = dice() % 10 == 0 ? dice() % 300'000 : dice() % 300;
    pieces.emplace_back(size, static_cast<char>('a' + i % 26));
    sent += pieces.back();
  }
  auto writing = kj::Promise<void>(kj::READY_NOW);
  for (const auto& piece : pieces)
    writing = writing.then([&] { return near.write(piece.data(), piece.size()); });
  auto all_written = writing.then([&] { near.shutdownWrite(); }).eagerlyEvaluate(nullptr);
  std::string received;
  for (;;) {
    std::string chunk(1 + dice() % 100'000, 0);
    const auto least = 1 + dice() % chunk.size();
    const auto got = far.tryRead(chunk.data(), least, chunk.size()).wait(io.waitScope);
    received.append(chunk, 0, got);
    if (got < least)
      break;
  }
  all_written.wait(io.waitScope);
  EXPECT_EQ(received.size(), sent.size());
  EXPECT_TRUE(received == sent);
}

} // namespace

} // namespace tabletd
