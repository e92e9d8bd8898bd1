// One window for all who send over one connection: in order, bounded, and given back.
#include "node/fe/byte_window.h"
#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tabletd {
namespace {

struct ByteWindow : ::testing::Test {
  std::unique_ptr<kj::AsyncIoContext> io = std::make_unique<kj::AsyncIoContext>(kj::setupAsyncIo());
  byte_window window{100};
  std::vector<int> entered;
  std::map<int, std::optional<byte_window::pass>> passes;

  kj::Promise<void> enter(int who, std::size_t bytes) {
    return window.enter(bytes)
      .then([this, who](byte_window::pass&& pass) {
        entered.push_back(who);
        passes[who].emplace(kj::mv(pass));
      })
      .eagerlyEvaluate(nullptr);
  }
  void settle() { kj::evalLast([] {}).wait(io->waitScope); }
};

TEST_F(ByteWindow, HoldsTheRestBackInTheOrderOfAsking) {
  auto a = enter(1, 60);
  auto b = enter(2, 60);
  auto c = enter(3, 10); // Would fit, but must not overtake.
  settle();
  EXPECT_EQ(entered, (std::vector{1}));
  EXPECT_EQ(window.bytes_open(), 60U);
  passes[1].reset();
  settle();
  EXPECT_EQ(entered, (std::vector{1, 2, 3}));
  EXPECT_EQ(window.bytes_open(), 70U);
}

TEST_F(ByteWindow, WhoNeedsMoreThanAllOfItGetsItAlone) {
  auto a = enter(1, 10);
  auto b = enter(2, 500);
  settle();
  EXPECT_EQ(entered, (std::vector{1}));
  passes[1].reset();
  settle();
  EXPECT_EQ(entered, (std::vector{1, 2}));
}

TEST_F(ByteWindow, WhoLeavesTheQueueIsForgotten) {
  auto a = enter(1, 100);
  auto b = enter(2, 100);
  auto c = enter(3, 100);
  settle();
  b = nullptr;
  passes[1].reset();
  settle();
  EXPECT_EQ(entered, (std::vector{1, 3}));
  a = nullptr;
  passes[3].reset();
  settle();
  EXPECT_EQ(window.bytes_open(), 0U);
}

} // namespace
} // namespace tabletd
