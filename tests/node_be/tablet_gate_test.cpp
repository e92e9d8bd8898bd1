// The gate that keeps a tablet still while it switches paths.
#include "node/be/tablet_gate.h"
#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

struct TabletGate : ::testing::Test {
  std::unique_ptr<kj::EventLoop> loop = std::make_unique<kj::EventLoop>(); // Theirs may throw on destruction.
  std::unique_ptr<kj::WaitScope> scope = std::make_unique<kj::WaitScope>(*loop);
  std::shared_ptr<tablet_gate> gate = std::make_shared<tablet_gate>();

  /// Whether `promise` is kept by now.
  bool is_kept(kj::Promise<void>& promise) { return promise.poll(*scope); }
};

TEST_F(TabletGate, ShutsOneTabletAndWhatMeansAny) {
  const auto shut = gate->shut(1);
  const auto same = gate->enter({2, 1});
  const auto other = gate->enter({2, 3});
  const auto any = gate->enter({});
  auto same_in = same->admitted();
  auto other_in = other->admitted();
  auto any_in = any->admitted();
  EXPECT_FALSE(is_kept(same_in));
  EXPECT_TRUE(is_kept(other_in));
  EXPECT_FALSE(is_kept(any_in));
}

TEST_F(TabletGate, WaitsForWhatIsInsideAndLetsTheRestInAfterwards) {
  auto inside = gate->enter({1});
  auto unconcerned = gate->enter({2});
  auto shut = gate->shut(1);
  auto alone = shut->alone();
  const auto late = gate->enter({1});
  auto late_in = late->admitted();
  EXPECT_FALSE(is_kept(alone));
  inside = nullptr;
  EXPECT_TRUE(is_kept(alone));
  EXPECT_FALSE(is_kept(late_in));
  shut = nullptr;
  EXPECT_TRUE(is_kept(late_in));
}

TEST_F(TabletGate, WhoeverGivesUpIsNotWaitedFor) {
  auto inside = gate->enter({});
  auto first = gate->shut(1);
  auto second = gate->shut(1);
  auto second_alone = second->alone();
  auto waiting = gate->enter({1});
  waiting = nullptr;
  inside = nullptr;
  EXPECT_FALSE(is_kept(second_alone)) << "one at a time";
  first = nullptr;
  EXPECT_TRUE(is_kept(second_alone));
}

} // namespace
} // namespace tabletd::test
