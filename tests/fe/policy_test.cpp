// Resources and storage policies through a real front end, with a directory as the store.
#include "tests/fe/fe_world.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace tabletd::test {
namespace {

struct FrontEndPolicy : fe_world {
  std::filesystem::path cold = dir / "cold";
  FrontEndPolicy() { std::filesystem::create_directory(cold); }
  std::string file_resource(const std::string& name, const std::filesystem::path& root) {
    return fmt::format(R"(CREATE RESOURCE {} PROPERTIES("type"="file", "root"="{}"))", name, root.string());
  }
  static void expect_done(console& by, const std::string& statement, const std::string& message) {
    const auto told = by.run(statement);
    EXPECT_TRUE(told.ok()) << told;
    EXPECT_EQ(told.message, message);
  }
  static void expect_refused(console& by, const std::string& statement, const std::string& why) {
    const auto told = by.run(statement);
    EXPECT_FALSE(told.ok()) << statement;
    EXPECT_NE(told.message.find(why), std::string::npos) << told;
  }
};

TEST_F(FrontEndPolicy, AStoreIsReallyTried) {
  front_end fe(sys, front_end_options());
  console by(io, "127.0.0.1", fe.port());
  ASSERT_TRUE(by.login().ok());
  expect_done(by, file_resource("cold", cold), "created resource cold");
  EXPECT_TRUE(std::filesystem::exists(cold / "tabletd-probe")) << "it was asked";
  EXPECT_TRUE(std::filesystem::is_empty(cold / "tabletd-probe")) << "and nothing is left of it";
  EXPECT_TRUE(std::filesystem::exists(cold / "tabletd-cluster")) << "it is this cluster's now";
  std::filesystem::create_directory(dir / "theirs");
  std::ofstream(dir / "theirs" / "tabletd-cluster") << "another cluster";
  expect_refused(by, file_resource("theirs", dir / "theirs"), "belongs to another cluster");
  expect_refused(by, file_resource("away", dir / "not_mounted"),
                 "creating resource away failed: cannot open the root in file://");
  std::ofstream(dir / "a_file") << "x";
  expect_refused(by, fmt::format(R"(ALTER RESOURCE cold PROPERTIES("root"="{}"))", (dir / "a_file").string()),
                 "changing resource cold failed");
  const auto& cat = *fe.node().catalog()->load();
  EXPECT_EQ(cat.resources.size(), 1U);
  EXPECT_EQ(cat.find_resource("cold")->version, 1U);
  expect_refused(by, R"(CREATE RESOURCE s PROPERTIES("type"="s3", "secret_key"="hunter2"))",
                 "would put a credential into the edit log");
  // The credentials are asked for before the network is.
  const auto keys = (dir / "keys").string();
  const auto s3 = fmt::format(R"(CREATE RESOURCE s PROPERTIES("type"="s3", "endpoint"="http://127.0.0.1:1", "bucket"="cold", )"
                              R"("root_path"="r", "credentials_file"="{}"))",
                              keys);
  expect_refused(by, s3, keys);
}

TEST_F(FrontEndPolicy, ARestartKeepsAllWithAnImageAndWithout) {
  const auto check = [](front_end& fe) {
    const auto cat = fe.node().catalog()->load();
    const auto* policy = cat->find_storage_policy("p");
    ASSERT_NE(policy, nullptr);
    EXPECT_EQ(policy->version, 2U);
    EXPECT_EQ(policy->due, (model::cooldown_due{model::cooldown_ttl{7'200}}));
    EXPECT_EQ(policy->resource, cat->find_resource("cold")->id);
    EXPECT_EQ(model::broken_invariant(*cat), "");
  };
  {
    front_end fe(sys, front_end_options());
    console by(io, "127.0.0.1", fe.port());
    ASSERT_TRUE(by.login().ok());
    expect_done(by, file_resource("cold", cold), "created resource cold");
    expect_done(by, R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))",
                "created storage policy p");
    expect_done(by, R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="2h"))", "changed storage policy p");
    expect_refused(by, "DROP RESOURCE cold", "storage policy p names it");
    check(fe);
  }
  {
    front_end fe(sys, front_end_options());
    check(fe);
    console by(io, "127.0.0.1", fe.port());
    ASSERT_TRUE(by.login().ok());
    ASSERT_TRUE(by.run("ADMIN CHECKPOINT").ok());
    expect_done(by,
                R"(CREATE STORAGE POLICY IF NOT EXISTS p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))",
                "storage policy p exists already: nothing to do");
  }
  front_end fe(sys, front_end_options());
  check(fe);
  console by(io, "127.0.0.1", fe.port());
  ASSERT_TRUE(by.login().ok());
  expect_done(by, "DROP STORAGE POLICY p", "dropped storage policy p");
  expect_done(by, "DROP RESOURCE cold", "dropped resource cold");
  EXPECT_TRUE(fe.node().catalog()->load()->resources.empty());
}

TEST_F(FrontEndPolicy, TablesAreBornUnderAPolicy) {
  front_end fe(sys, front_end_options());
  console by(io, "127.0.0.1", fe.port());
  ASSERT_TRUE(by.login().ok());
  backend be(sys, backend_options("one"));
  add_backends(fe, by, {be.port()});
  expect_done(by, file_resource("cold", cold), "created resource cold");
  expect_done(by, R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))",
              "created storage policy p");
  ASSERT_TRUE(by.run("CREATE DATABASE shop").ok());
  const auto made
      = by.run(R"(CREATE TABLE shop.t (KEY 1) BUCKETS 2 PROPERTIES("replication_num"="1", "storage_policy"="p"))");
  ASSERT_TRUE(made.ok()) << made;
  const auto cat = fe.node().catalog()->load();
  cat->tablets.for_each(
      [&](model::tablet_id, const model::tablet& t) { EXPECT_EQ(model::policy_of(*cat, t)->name, "p"); });
  EXPECT_EQ(cat->tablets.size(), 2U);
  expect_refused(by, "DROP STORAGE POLICY p", "shop.t is under it");
  expect_done(by, R"(ALTER TABLE shop.t SET ("storage_policy"=""))", "table shop.t is under no storage policy now");
  expect_done(by, "DROP STORAGE POLICY p", "dropped storage policy p");
}

}  // namespace
}  // namespace tabletd::test
