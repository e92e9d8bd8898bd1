#include "actors/model/membership_rules.h"
#include "tests/model/catalog_world.h"

namespace tabletd::test {
namespace {

struct MembershipRulesTest : ::testing::Test {
  catalog_world w;
  backend_id b1 = w.live_backend(1), b2 = w.live_backend(2);
  table_id t = w.make_table(w.make_database(), {b1}, 1, 1);
};

TEST_F(MembershipRulesTest, ADecommissionedBackendIsEmptiedWhenItHoldsNothing) {
  EXPECT_TRUE(emptied_backends(w.cat).empty());
  w(backend_decommission{b1, true});
  w(backend_decommission{b2, true});
  EXPECT_EQ(emptied_backends(w.cat), (std::vector{b2}));
}

TEST_F(MembershipRulesTest, TheRosterFollowsTheCatalog) {
  const backend_id gone{5};
  EXPECT_EQ(compare_roster(w.cat, {b1, gone}), (roster_change{{b2}, {gone}}));
  EXPECT_EQ(compare_roster(w.cat, {b1, b2}), roster_change{});
}

} // namespace
} // namespace tabletd::test
