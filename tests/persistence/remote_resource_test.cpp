// From properties to a store, and what is said of one that will not do.
#include "persistence/remote/remote_resource.h"

#include "remote_rig.h"
#include "s3_server.h"
#include "temporary_directory.h"

#include <fstream>
#include <sys/stat.h>
#include <vector>

using namespace tabletd;
using namespace tabletd::test;

namespace {

using properties = std::vector<std::pair<std::string, std::string>>;

std::string fault_of_store(std::string_view type, const properties& of) {
  return fault_of_remote_store(type, of, "ours", 1, unhurried);
}
bool says(const std::string& sentence, std::string_view part) { return sentence.find(part) != std::string::npos; }

/// What read_credentials() of the server's own keys would want.
void write_credentials(const std::filesystem::path& file, mode_t mode) {
  const auto keys = s3_server::credentials();
  std::ofstream(file) << "aws_access_key_id = " << keys.access_key_id
                      << "\naws_secret_access_key = " << keys.secret_access_key
                      << "\naws_session_token = " << keys.session_token << '\n';
  ASSERT_EQ(::chmod(file.c_str(), mode), 0);
}

TEST(RemoteResource, ADirectoryIsAStore) {
  temporary_directory root;
  const properties of{{"root", root.path().string()}};
  const auto store = open_remote_store("file", of);
  store->put("a", source_of("bytes"), unhurried);
  EXPECT_EQ(read_all(*store, "a"), "bytes");
  EXPECT_EQ(store->name(), "file://" + root.path().string());
  EXPECT_EQ(fault_of_store("file", of), "");
  EXPECT_TRUE(store->list("tabletd-probe/", "", 10, unhurried).entries.empty()) << "the probe leaves nothing behind";
}

TEST(RemoteResource, ADirectoryThatIsNotThereIsSaid) {
  temporary_directory root;
  const auto fault = fault_of_store("file", {{"root", (root.path() / "away").string()}});
  EXPECT_TRUE(says(fault, "mount the share")) << fault;
}

TEST(RemoteResource, ABucketIsAStoreBelowItsRootPath) {
  s3_server server;
  temporary_directory dir;
  const auto keys = dir.path() / "keys";
  write_credentials(keys, 0600);
  const properties of{{"bucket", std::string(s3_server::bucket)},
                      {"credentials_file", keys.string()},
                      {"endpoint", server.endpoint()},
                      {"root_path", "tabletd/prod"}};
  EXPECT_EQ(fault_of_store("s3", of), "");
  const auto store = open_remote_store("s3", of);
  store->put("a", source_of("bytes"), unhurried);
  EXPECT_EQ(store->name(), "s3://" + std::string(s3_server::bucket) + "/tabletd/prod at " + server.endpoint());
  properties above = of;
  above.back().second = "tabletd";
  EXPECT_EQ(read_all(*open_remote_store("s3", above), "prod/a"), "bytes");
}

TEST(RemoteResource, CredentialsThatOthersMayReadAreRefusedAndNotShown) {
  s3_server server;
  temporary_directory dir;
  const auto keys = dir.path() / "keys";
  write_credentials(keys, 0644);
  const auto fault = fault_of_store("s3", {{"bucket", std::string(s3_server::bucket)},
                                           {"credentials_file", keys.string()},
                                           {"endpoint", server.endpoint()},
                                           {"root_path", "r"}});
  EXPECT_TRUE(says(fault, keys.string())) << fault;
  EXPECT_FALSE(says(fault, s3_server::credentials().secret_access_key)) << fault;
}

TEST(RemoteResource, AStoreWithoutConditionalCreateWillNotDo) {
  s3_server server;
  temporary_directory dir;
  const auto keys = dir.path() / "keys";
  write_credentials(keys, 0600);
  server.ignore_conditions();
  const auto fault = fault_of_store("s3", {{"bucket", std::string(s3_server::bucket)},
                                           {"credentials_file", keys.string()},
                                           {"endpoint", server.endpoint()},
                                           {"root_path", "r"}});
  EXPECT_TRUE(says(fault, "let a second object replace one")) << fault;
}

TEST(RemoteResource, TheTimeOfATrialIsTheCallers) {
  s3_server server;
  temporary_directory dir;
  const auto keys = dir.path() / "keys";
  write_credentials(keys, 0600);
  const auto fault = fault_of_remote_store("s3",
                                           properties{{"bucket", std::string(s3_server::bucket)},
                                                      {"credentials_file", keys.string()},
                                                      {"endpoint", server.endpoint()},
                                                      {"root_path", "r"}},
                                           "ours", 1, [] { return std::chrono::milliseconds::zero(); });
  EXPECT_FALSE(fault.empty());
  EXPECT_TRUE(server.requests().empty()) << "nothing was asked";
}

TEST(RemoteResource, APlaceIsOneClustersForGood) {
  temporary_directory root;
  const properties of{{"root", root.path().string()}};
  EXPECT_EQ(fault_of_store("file", of), "");
  EXPECT_EQ(fault_of_store("file", of), "") << "it was ours before";
  const auto fault = fault_of_remote_store("file", of, "theirs", 2, unhurried);
  EXPECT_TRUE(says(fault, "belongs to another cluster")) << fault;
  EXPECT_EQ(read_all(*open_remote_store("file", of), cluster_mark), "ours");
}

TEST(RemoteResource, WhatIsMissingOrUnknownIsNamed) {
  EXPECT_TRUE(says(fault_of_store("file", {}), "its property root is missing"));
  EXPECT_TRUE(
      says(fault_of_store("s3", {{"bucket", "b"}, {"endpoint", "http://h"}}), "its property root_path is missing"));
  EXPECT_TRUE(says(fault_of_store("hdfs", {}), "its type hdfs is none this version knows"));
}

}  // namespace
