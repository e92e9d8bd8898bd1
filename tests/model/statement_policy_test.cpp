// Statements about what cools, when and where to: what they mean, and how their mistakes are pointed at.
#include "actors/model/cooldown_due_text.h"
#include "actors/model/resource_rules.h"
#include "actors/model/statement.h"
#include "tests/model/statement_words.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

/// Message, the piece of the text it points at, and hint.
std::string complaint(std::string_view text) {
  const auto outcome = parse(text);
  const auto* error = std::get_if<statement_error>(&outcome);
  if (!error)
    return "it parsed";
  return error->message + "\n" + std::string{text.substr(error->at.offset, error->at.length)} + "\n" + error->hint;
}

TEST(StatementPolicy, ParsesResources) {
  EXPECT_EQ(parsed(R"(CREATE RESOURCE cold PROPERTIES("root"="/mnt/cold", "type"="FILE"))"),
            (statement{create_resource{"cold", false, resource_type::file, {{"root", "/mnt/cold"}}}}));
  EXPECT_EQ(
      parsed(
          R"(create resource if not exists s PROPERTIES("type"="s3", "root_path"="a/b", "bucket"="cold", "endpoint"="https://h:9000"))"),
      (statement{create_resource{
          "s", true, resource_type::s3, {{"bucket", "cold"}, {"endpoint", "https://h:9000"}, {"root_path", "a/b"}}}}))
      << "in order, whatever order they were written in";
  EXPECT_EQ(parsed(R"(ALTER RESOURCE s PROPERTIES("region"="", "endpoint"="http://h"))"),
            (statement{alter_resource{"s", {{"endpoint", "http://h"}, {"region", ""}}}}));
  EXPECT_EQ(parsed("DROP RESOURCE IF EXISTS s"), (statement{drop_resource{"s", true}}));
  EXPECT_EQ(parsed("SHOW RESOURCE"), (statement{show_resources{}}));
  EXPECT_EQ(parsed("SHOW RESOURCES"), (statement{show_resources{}}));
}

TEST(StatementPolicy, ParsesStoragePolicies) {
  EXPECT_EQ(parsed(R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="r", "cooldown_ttl"="1d"))"),
            (statement{create_storage_policy{"p", false, "r", cooldown_ttl{86'400}}}));
  EXPECT_EQ(
      parsed(
          R"(CREATE STORAGE POLICY IF NOT EXISTS p PROPERTIES("cooldown_datetime"="2030-01-31 01:02:03", "storage_resource"="r"))"),
      (statement{create_storage_policy{"p", true, "r", cooldown_datetime{time_ms{1'896'051'723'000}}}}));
  EXPECT_EQ(parsed(R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="2week"))"),
            (statement{alter_storage_policy{"p", {}, cooldown_ttl{14 * 86'400}}}))
      << "as CREATE understands it";
  EXPECT_EQ(parsed(R"(ALTER STORAGE POLICY p PROPERTIES("storage_resource"="r"))"),
            (statement{alter_storage_policy{"p", "r", {}}}));
  EXPECT_EQ(parsed("ADMIN COOLDOWN TABLE shop.t"), (statement{cooldown_table{{"shop", "t"}, {}}}));
  EXPECT_EQ(parsed("admin cooldown table t partition (p, q)"), (statement{cooldown_table{{"", "t"}, {"p", "q"}}}));
  EXPECT_EQ(parsed("RECALL TABLE shop.t PARTITION (p);"), (statement{recall_table{{"shop", "t"}, {"p"}}}));
  EXPECT_EQ(parsed("recall table t"), (statement{recall_table{{"", "t"}, {}}}));
  EXPECT_EQ(parsed("DROP STORAGE POLICY p"), (statement{drop_storage_policy{"p", false}}));
  EXPECT_EQ(parsed("SHOW STORAGE POLICY"), (statement{show_storage_policies{}}));
  EXPECT_EQ(parsed("SHOW STORAGE POLICY USING"), (statement{show_policy_users{}}));
  EXPECT_EQ(parsed("SHOW STORAGE POLICY USING FOR p"), (statement{show_policy_users{"p"}}));
}

TEST(StatementPolicy, TablesAndPartitionsNameAPolicy) {
  create_table under{{"", "t"}, false, 1, 1, 3, '\t'};
  under.storage_policy = "p";
  EXPECT_EQ(parsed(R"(CREATE TABLE t (KEY 1) BUCKETS 1 PROPERTIES("storage_policy"="p"))"), statement{under});
  EXPECT_EQ(parsed(R"(ALTER TABLE t SET ("storage_policy"="p"))"), (statement{set_table_policy{{"", "t"}, "p"}}));
  EXPECT_EQ(parsed(R"(ALTER TABLE d.t SET ("storage_policy"=""))"), (statement{set_table_policy{{"d", "t"}, ""}}));
  EXPECT_EQ(parsed(R"(ALTER TABLE t ADD PARTITION x PROPERTIES("storage_policy"="p"))"),
            (statement{add_partition{{"", "t"}, "x", {}, "p"}}));
  EXPECT_EQ(parsed(R"(ALTER TABLE t MODIFY PARTITION x SET ("storage_policy"=""))"),
            (statement{modify_partition{{"", "t"}, "x", {}, ""}}))
      << "the medium stays";
  EXPECT_EQ(parsed(R"(ALTER TABLE t MODIFY PARTITION x SET ("storage_policy"="p", "storage_medium"="ANY"))"),
            (statement{modify_partition{{"", "t"}, "x", std::optional<medium>{}, "p"}}));
}

TEST(StatementPolicy, MistakesArePointedAt) {
  const char* const ttl_hint = R"(it must be a number of seconds, or like "1d", "12h" or "1week"; at most "36500d")";
  const char* const datetime_hint = R"(write "yyyy-MM-dd HH:mm:ss", UTC, from 1970 on)";
  const struct {
    const char* text;
    std::string complaint;
  } table[] = {
      {R"(CREATE RESOURCE r PROPERTIES("root"="/x"))",
       "the property \"type\" is missing\n\nit must be \"file\" or \"s3\""},
      {R"(CREATE RESOURCE r PROPERTIES("type"="hdfs"))",
       "\"hdfs\" is no type of resource\n\"hdfs\"\nit must be \"file\" or \"s3\""},
      {R"(CREATE RESOURCE r PROPERTIES("type"="file"))",
       "the property \"root\" is missing\n\na resource of type \"file\" needs it: it must be the path of a directory "
       "that every node mounts, "
       "from / on, like \"/mnt/cold\""},
      {R"(CREATE RESOURCE r PROPERTIES("type"="file", "root"="/x", "bucket"="bbb"))",
       "a resource of type \"file\" has no property \"bucket\"\n\"bucket\"\nthere are \"root\""},
      {R"(CREATE RESOURCE r PROPERTIES("type"="file", "root"="/x/../etc"))",
       "this cannot be the value of \"root\"\n\"/x/../etc\"\nit must be the path of a directory that every node "
       "mounts, from / on, like \"/mnt/cold\""},
      {R"(CREATE RESOURCE r PROPERTIES("type"="s3", "endpoint"="https://key:word@h"))",
       "this cannot be the value of \"endpoint\"\n\"https://key:word@h\"\nit must be \"https://host:port\" or "
       "\"http://host:port\" and no more"},
      {R"(CREATE RESOURCE r PROPERTIES("type"="s3", "s3.access_key"="AKIA"))",
       "the property \"s3.access_key\" would put a credential into the edit log\n\"s3.access_key\"\n"
           + std::string{where_credentials_are}},
      {R"(ALTER RESOURCE r PROPERTIES("SECRET_KEY"="x"))",
       "the property \"SECRET_KEY\" would put a credential into the edit log\n\"SECRET_KEY\"\n"
           + std::string{where_credentials_are}},
      {R"(ALTER RESOURCE r PROPERTIES("type"="s3"))",
       "the type of a resource cannot be changed\n\"type\"\nCREATE RESOURCE another one"},
      {R"(ALTER RESOURCE r PROPERTIES("bucket"="B"))",
       "this cannot be the value of \"bucket\"\n\"B\"\na bucket has 3 to 63 of a-z 0-9 - ."},
      {R"(CREATE STORAGE POLICY p PROPERTIES("cooldown_ttl"="1d"))",
       "the property \"storage_resource\" is missing\n\nit names the resource that data cools to; SHOW RESOURCES lists "
       "them"},
      {R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="r"))",
       "the property \"cooldown_ttl\" is missing\n\n\"cooldown_ttl\" or \"cooldown_datetime\" must be set"},
      {R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="r", "cooldown_ttl"="1d", "cooldown_datetime"="2030-01-01 00:00:00"))",
       "\"cooldown_ttl\" and \"cooldown_datetime\" cannot be set together\n\"cooldown_datetime\"\nkeep one of them"},
      {R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_datetime"="2030-01-01 00:00:00", "cooldown_ttl"="1d"))",
       "\"cooldown_ttl\" and \"cooldown_datetime\" cannot be set together\n\"cooldown_ttl\"\nkeep one of them"},
      {R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="-1d"))",
       std::string{"a time to live of \"-1d\" is below zero\n\"-1d\"\n"} + ttl_hint},
      {R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="1m"))",
       std::string{"\"1m\" is no time to live\n\"1m\"\n"} + ttl_hint},
      {R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_datetime"="2030-02-30 00:00:00"))",
       std::string{"\"2030-02-30 00:00:00\" is no date and time\n\"2030-02-30 00:00:00\"\n"} + datetime_hint},
      {R"(ALTER STORAGE POLICY p PROPERTIES("ttl"="1d"))",
       "no storage policy has the property \"ttl\"\n\"ttl\"\nthere are \"storage_resource\", \"cooldown_ttl\" and "
       "\"cooldown_datetime\""},
      {R"(ALTER TABLE t SET ("storage_polcy"="p"))",
       "no table has the property \"storage_polcy\"\n\"storage_polcy\"\ndid you mean \"storage_policy\"?"},
      {R"(ALTER TABLE t SET ("storage_policy"="a b"))",
       "\"a b\" is no valid storage policy name\n\"a b\"\na name has 1 to 64 of A-Z a-z 0-9 _ - and begins with a "
       "letter or _"},
  };
  for (const auto& row : table)
    EXPECT_EQ(complaint(row.text), row.complaint) << row.text;
}

// -- when -------------------------------------------------------------------------------

TEST(CooldownDue, TimesToLiveAreReadInEveryForm) {
  const struct {
    const char* text;
    std::uint64_t seconds;
    const char* again;
  } table[] = {{"0", 0, "0"},
               {"90", 90, "90"},
               {"3600", 3'600, "1h"},
               {"1h", 3'600, "1h"},
               {"36Hour", 129'600, "36h"},
               {"1d", 86'400, "1d"},
               {"2DAY", 172'800, "2d"},
               {"1week", 604'800, "7d"},
               {"24h", 86'400, "1d"},
               {"36500d", cooldown_ttl_max_s, "36500d"}};
  for (const auto& row : table) {
    const auto ttl = ttl_in(row.text);
    ASSERT_TRUE(ttl) << row.text;
    EXPECT_EQ(ttl->seconds, row.seconds) << row.text;
    EXPECT_EQ(to_text(*ttl), row.again) << row.text;
  }
  for (const char* text : {"", "d", "-1", "-1d", "1 d", "1m", "1days", "1.5d", "0x1", "36501d", "99999999999999999999",
                           "9999999999999999999week"})
    EXPECT_FALSE(ttl_in(text)) << text;
}

TEST(CooldownDue, DatesAreThoseOfTheCalendar) {
  for (const char* text :
       {"1970-01-01 00:00:00", "2000-02-29 23:59:59", "2030-12-31 01:02:03", "9999-12-31 23:59:59"}) {
    const auto datetime = datetime_in(text);
    ASSERT_TRUE(datetime) << text;
    EXPECT_EQ(to_text(*datetime), text);
  }
  EXPECT_EQ(datetime_in("1970-01-02 00:00:01")->at, time_ms{86'401'000});
  for (const char* text : {"", "2030-01-01", "2030-01-01T00:00:00", "2030-1-1 00:00:00", "1969-12-31 23:59:59",
                           "2100-02-29 00:00:00", "2030-13-01 00:00:00", "2030-00-01 00:00:00", "2030-01-00 00:00:00",
                           "2030-01-01 24:00:00", "2030-01-01 00:60:00", "2030-01-01 00:00:60", "2030-01-01 00:00:00 "})
    EXPECT_FALSE(datetime_in(text)) << text;
}

// -- what a resource may be ---------------------------------------------------------------

TEST(ResourceRules, KeysThatMeanACredentialAreKnown) {
  for (const char* key : {"access_key", "AWS_ACCESS_KEY", "s3.access_key", "access_key_id", "secret_key",
                          "s3.secret_key", "AWS_SECRET_KEY", "aws_secret_access_key", "token", "AWS_TOKEN",
                          "session_token", "password", "ak", "SK", "credentials", "s3.access.key"})
    EXPECT_TRUE(looks_secret(key)) << key;
  for (const char* key : {"type", "root", "endpoint", "region", "bucket", "root_path", "ca_file", "credentials_file"})
    EXPECT_FALSE(looks_secret(key)) << key;
}

TEST(ResourceRules, ValuesAreCheckedOneByOne) {
  const struct {
    const char* key;
    std::vector<const char*> good, bad;
  } table[] = {
      {"root", {"/mnt/cold", "/a b"}, {"/", "mnt", "/mnt/", "/../x", "/x/..", "/x\n"}},
      {"endpoint",
       {"https://s3.example", "http://10.0.0.1:9000", "https://[::1]:9000"},
       {"s3.example", "https://", "ftp://h", "https://h/path", "https://h?x", "https://k@h"}},
      {"bucket", {"cold", "a.b-1"}, {"ab", "Cold", ".cold", "cold.", "a/b", "a_b"}},
      {"root_path", {"a", "tabletd/prod", "A=1/b.c"}, {"/a", "a/", "a//b", ".a", "a/.b", "a b", "s3://a"}},
      {"region", {"us-east-1"}, {"US", "a b"}},
      {"ca_file", {"/etc/ca.pem"}, {"ca.pem"}},
      {"credentials_file", {"/etc/tabletd/s3"}, {"s3"}},
  };
  for (const auto& row : table) {
    for (const auto* value : row.good)
      EXPECT_FALSE(fault_of(row.key, value)) << row.key << ' ' << value;
    for (const auto* value : row.bad)
      EXPECT_TRUE(fault_of(row.key, value)) << row.key << ' ' << value;
  }
}

TEST(ResourceRules, APlaceIsTheDirectoryOrTheBucketAndItsPath) {
  const resource_properties s3{{"bucket", "b"}, {"endpoint", "https://a"}, {"root_path", "r"}};
  auto moved = s3;
  set_property(moved, "endpoint", "https://b");
  set_property(moved, "region", "eu");
  EXPECT_EQ(listed(moved), R"("bucket" = "b", "endpoint" = "https://b", "region" = "eu", "root_path" = "r")");
  EXPECT_TRUE(same_place(resource_type::s3, s3, moved));
  set_property(moved, "root_path", "");
  EXPECT_FALSE(same_place(resource_type::s3, s3, moved));
  EXPECT_FALSE(same_place(resource_type::file, {{"root", "/a"}}, {{"root", "/b"}}));
}

}  // namespace
}  // namespace tabletd::model
