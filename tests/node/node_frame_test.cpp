// How a node process ends, and what it may use.  Each story runs in a process of its own.
#include "node/node_frame.h"
#include <gtest/gtest.h>
#include <csignal>
#include <sys/resource.h>
#include <unistd.h>

namespace tabletd {
namespace {

struct NodeFrameDeathTest : ::testing::Test {
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(NodeFrameDeathTest, ReasonsAfterTheFirstDoNotCutTheEndShort) {
  const auto story = [] {
    prepare_process();
    node_frame frame;
    frame.give_up("the log failed");
    frame.give_up("and so did the tree");
    const int code = frame.wait_for_end();
    frame.give_up("the rest fails while it stops");
    ::_exit(code);
  };
  EXPECT_EXIT(story(), testing::ExitedWithCode(1), "ends because it cannot go on.*the log failed");
}

TEST_F(NodeFrameDeathTest, AReasonWhileItStopsIsOnlyLogged) {
  const auto story = [] {
    prepare_process();
    node_frame frame;
    ::kill(::getpid(), SIGTERM);
    const int code = frame.wait_for_end();
    frame.give_up("the log failed");
    ::_exit(code);
  };
  EXPECT_EXIT(story(), testing::ExitedWithCode(0), "the log failed");
}

TEST_F(NodeFrameDeathTest, EveryRoleMayOpenAllTheFilesItIsAllowed) {
  const auto story = [] {
    ::rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    prepare_process();
    ::getrlimit(RLIMIT_NOFILE, &limit);
    ::_exit(limit.rlim_cur == limit.rlim_max ? 0 : 1);
  };
  EXPECT_EXIT(story(), testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace tabletd
