// Who may log in, and where clients are sent; and how many may found a group.
#include "node/config.h"
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

TEST_F(fe_world, TwoFoundNoGroup) {
  auto options = front_end_options();
  options.founders = {{.id = 1, .address = "127.0.0.1:1"}, {.id = 2, .address = "127.0.0.1:2"}};
  options.edit_log_listen = "127.0.0.1:0";
  try {
    front_end fe{sys, options};
    FAIL() << "it waits for the other";
  } catch (const config_error& error) {
    EXPECT_NE(std::string(error.what()).find("names 2 fe, and a group is founded by 1, 3 or 5"), std::string::npos)
      << error.what();
  }
}

} // namespace
} // namespace tabletd::test
