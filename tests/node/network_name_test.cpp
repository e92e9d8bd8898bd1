// Which addresses only this machine can reach, and which nobody can.
#include "node/network_name.h"
#include <gtest/gtest.h>

namespace tabletd {
namespace {

TEST(NetworkName, OnlyNumbersAndLocalhostAreLoopback) {
  for (const auto* here : {"127.0.0.1:0", "127.8.9.1:5", "localhost:9020", "[::1]:9020", "[::ffff:127.0.0.1]:1"})
    EXPECT_TRUE(is_loopback(here)) << here;
  for (const auto* elsewhere : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "*:1", "127.example.org:1",
                                "127.0.0.1.example.org:1", "localhost.example.org:1", "[::ffff:10.0.0.1]:1", ":1"})
    EXPECT_FALSE(is_loopback(elsewhere)) << elsewhere;
}

TEST(NetworkName, NobodyConnectsToAWildcard) {
  for (const auto* any : {"0.0.0.0", "[::]", "::", "*", "", "::ffff:0.0.0.0"})
    EXPECT_TRUE(is_wildcard(any)) << any;
  for (const auto* one : {"10.0.0.1", "127.0.0.1", "[::1]", "fe1.example.org", "0.0.0.1"})
    EXPECT_FALSE(is_wildcard(one)) << one;
}

} // namespace
} // namespace tabletd
