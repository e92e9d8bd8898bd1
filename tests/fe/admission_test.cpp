// Who may log in, and where clients are sent.
#include "tests/fe/fe_world.h"
#include <fmt/format.h>

namespace tabletd::test {
namespace {

TEST_F(fe_world, AdmitsFromOtherMachinesOnlyIfItWasAllowedTo) {
  auto options = front_end_options();
  options.listen = "0.0.0.0:0";
  {
    front_end fe{sys, options};
    console me{io, "127.0.0.1", fe.port()};
    EXPECT_EQ(me.login().code, api::ErrorCode::UNAUTHENTICATED);
  }
  options.allow_insecure = true;
  options.advertise_host = "fe1.example";
  front_end fe{sys, options};
  console me{io, "127.0.0.1", fe.port()};
  const auto admitted = me.login();
  EXPECT_TRUE(admitted.ok()) << admitted;
  EXPECT_EQ(me.leader(), fmt::format("fe1.example:{}", fe.port()));
}

} // namespace
} // namespace tabletd::test
