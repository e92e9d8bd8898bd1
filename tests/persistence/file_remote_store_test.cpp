// What only the shared directory has: links, directories in the way, and what is synced before a put returns.
#include "persistence/remote/file_remote_store.h"

#include "remote_rig.h"
#include "temporary_directory.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace tabletd;
using namespace tabletd::test;

namespace {

namespace fs = std::filesystem;

struct FileRemoteStore : ::testing::Test {
  temporary_directory root, elsewhere;
  file_remote_store store{root.path()};
  ~FileRemoteStore() override { files() = system_file_ops; }
};

TEST_F(FileRemoteStore, ARootThatIsNotThereIsNotMade) {
  const auto missing = root.path() / "not_mounted";
  const auto end = ending_of([&] { file_remote_store nobody(missing); });
  EXPECT_EQ(end.fault, remote_fault::unusable);
  EXPECT_NE(end.sentence.find("mount the share"), std::string::npos) << end.sentence;
  EXPECT_FALSE(fs::exists(missing));
}

/// What a prefix names is opened without a look at what is beside it; the answer is the same.
TEST_F(FileRemoteStore, AListingLooksOnlyWhereItsPrefixLeads) {
  for (const auto* key : {"data/1/a", "data/12/b", "data/12/c/d", "data/2/e", "data/12.x"})
    store.put(key, source_of("x"), unhurried);
  fs::create_directory_symlink(root.path() / "data/12", root.path() / "data/3");
  const auto keys = [&](std::string_view prefix) {
    std::string all;
    for (const auto& entry : store.list(prefix, {}, 10, unhurried).entries)
      all += entry.key + " ";
    return all;
  };
  EXPECT_EQ(keys("data/12/"), "data/12/b data/12/c/d ");
  EXPECT_EQ(keys("data/12"), "data/12.x data/12/b data/12/c/d ");
  EXPECT_EQ(keys("data/12/c/"), "data/12/c/d ");
  for (const auto* nothing : {"data/3/", "data/1/a/", "data/9/", "nowhere/1/"})
    EXPECT_EQ(keys(nothing), "") << nothing;
}

TEST_F(FileRemoteStore, NoLinkLeadsOutOfTheRoot) {
  std::ofstream(elsewhere.path() / "secret") << "theirs";
  fs::create_directory_symlink(elsewhere.path(), root.path() / "way");
  fs::create_symlink(elsewhere.path() / "secret", root.path() / "secret");
  for (const auto* key : {"way/secret", "secret"}) {
    EXPECT_TRUE(fault_of([&] { (void)read_range(store, key, 0, 6); })) << key;
    EXPECT_TRUE(fault_of([&] { (void)store.head(key, unhurried); })) << key;
  }
  EXPECT_TRUE(fault_of([&] { store.put("way/new", source_of("x"), unhurried); }));
  EXPECT_TRUE(fault_of([&] { store.put("way/secret", source_of("x"), unhurried); }));
  EXPECT_TRUE(fault_of([&] { store.remove("way/secret", unhurried); }));
  EXPECT_TRUE(store.list("", "", 10, unhurried).entries.empty());
  store.put("secret", source_of("ours"), unhurried);  // Takes the place of the link.
  std::ifstream file(elsewhere.path() / "secret");
  EXPECT_EQ(std::string(std::istreambuf_iterator(file), {}), "theirs");
  EXPECT_FALSE(fs::exists(elsewhere.path() / "new"));
}

TEST_F(FileRemoteStore, AnObjectAndADirectoryCannotShareAName) {
  store.put("a/b", source_of("x"), unhurried);
  EXPECT_EQ(fault_of([&] { store.put("a", source_of("x"), unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { store.put("a/b/c", source_of("x"), unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { (void)read_range(store, "a", 0, 1); }), remote_fault::not_found);
  EXPECT_EQ(fault_of([&] { (void)store.head("a", unhurried); }), remote_fault::not_found);
  ASSERT_EQ(::mkfifo((root.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(fault_of([&] { (void)read_range(store, "pipe", 0, 1); }), remote_fault::unusable);
}

TEST_F(FileRemoteStore, NothingUnfinishedStaysAndNoneIsListed) {
  store.put("a", source_of("1"), unhurried);
  store.put("a", source_of("2"), unhurried);
  store.put_if_absent("b", source_of("3"), unhurried);
  EXPECT_TRUE(fault_of([&] { store.put_if_absent("b", source_of("4"), unhurried); }));
  EXPECT_TRUE(fs::is_empty(root.path() / ".tabletd-tmp"));
  std::ofstream(root.path() / ".tabletd-tmp" / "left_by_a_crash") << "x";
  EXPECT_EQ(store.list("", "", 10, unhurried).entries.size(), 2U);
}

/// What was synced, as device and inode, in order.
std::vector<::ino_t> synced;
int fsyncs_until_failure = 0;

int noting_fsync(int fd) {
  struct ::stat found {};
  if (::fstat(fd, &found) == 0)
    synced.push_back(found.st_ino);
  if (fsyncs_until_failure > 0 && --fsyncs_until_failure == 0)
    return errno = EIO, -1;
  return ::fsync(fd);
}

::ino_t inode_of(const fs::path& path) {
  struct ::stat found {};
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

TEST_F(FileRemoteStore, ThePathFromTheFileToTheRootIsSynced) {
  files().fsync = noting_fsync;
  for (const bool conditional : {true, false}) {
    synced.clear();
    if (conditional)
      store.put_if_absent("a/b/c", source_of("x"), unhurried);
    else
      store.put("a/b/c", source_of("x"), unhurried);
    EXPECT_EQ(synced, (std::vector{inode_of(root.path() / "a/b/c"), inode_of(root.path() / "a/b"),
                                   inode_of(root.path() / "a"), inode_of(root.path())}));
  }
  synced.clear();
  store.remove("a/b/c", unhurried);
  EXPECT_EQ(synced, std::vector{inode_of(root.path() / "a/b")});
}

TEST_F(FileRemoteStore, APutThatCouldNotBeSyncedFails) {
  files().fsync = noting_fsync;
  for (int nth = 1; nth <= 3; ++nth) {
    fsyncs_until_failure = nth;
    EXPECT_EQ(fault_of([&] { store.put("a/b", source_of("x"), unhurried); }), remote_fault::network) << nth;
    EXPECT_TRUE(fs::is_empty(root.path() / ".tabletd-tmp")) << nth;
  }
  fsyncs_until_failure = 0;
  store.put("a/b", source_of("y"), unhurried);
  EXPECT_EQ(read_all(store, "a/b"), "y");
}

TEST_F(FileRemoteStore, AFullShareIsNamed) {
  files().pwrite = [](int, const void*, std::size_t, ::off_t) -> ::ssize_t { return errno = ENOSPC, -1; };
  const auto end = ending_of([&] { store.put("a", source_of("x"), unhurried); });
  EXPECT_EQ(end.fault, remote_fault::full);
  EXPECT_NE(end.sentence.find("free space on the share"), std::string::npos) << end.sentence;
  EXPECT_TRUE(store.list("", "", 10, unhurried).entries.empty());
}

}  // namespace
