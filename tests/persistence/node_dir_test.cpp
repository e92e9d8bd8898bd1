// Whose directory is it: locks, labels, and the file protocol that keeps labels whole.
#include "persistence/node_dir.h"

#include "tests/persistence/fault_files.h"
#include "tests/persistence/store_rig.h"

#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace tabletd {
namespace {

using namespace test;

const std::string cluster_a(32, 'a');
const std::string cluster_b(32, 'b');

struct NodeDir : testing::Test {
  memory_directory scratch;
  fs::path root = scratch.path() / "deep" / "node";
};

TEST_F(NodeDir, NewDirectoryIsClaimedAndBoundForGood) {
  {
    node_dir dir(root);
    EXPECT_FALSE(dir.role() || dir.cluster() || dir.node());
    dir.claim(node_role::be);
    dir.claim(node_role::be);
    dir.bind(cluster_a, 3);
    dir.bind(cluster_a, 3);
  }
  node_dir dir(root);
  EXPECT_EQ(dir.role(), node_role::be);
  EXPECT_EQ(dir.cluster(), cluster_a);
  EXPECT_EQ(dir.node(), 3u);
  const auto role = refused(storage_fault::foreign, [&] { dir.claim(node_role::fe); });
  EXPECT_NE(role.find("role be"), std::string::npos) << role;
  const auto node = refused(storage_fault::foreign, [&] { dir.bind(cluster_a, 4); });
  EXPECT_NE(node.find("belongs to node 3 of cluster aaaa"), std::string::npos) << node;
  refused(storage_fault::foreign, [&] { dir.bind(cluster_b, 3); });
  refused(storage_fault::unusable, [&] { dir.bind("A0", 3); });
  dir.bind(cluster_a, 3);
}

TEST_F(NodeDir, SecondOpenerIsToldWhoHoldsIt) {
  {
    const node_dir first(root);
    const auto why = refused(storage_fault::locked, [&] { node_dir second(root); });
    EXPECT_NE(why.find("process " + std::to_string(::getpid())), std::string::npos) << why;
  }
  const node_dir again(root);
}

TEST_F(NodeDir, LockOfAnotherProcessNamesItAndEndsWithIt) {
  int held[2];
  int end[2];
  ASSERT_EQ(::pipe(held), 0);
  ASSERT_EQ(::pipe(end), 0);
  const auto child = ::fork();
  if (child == 0) {
    const node_dir mine(root);
    char byte = 'x';
    static_cast<void>(::write(held[1], &byte, 1));
    static_cast<void>(::read(end[0], &byte, 1));
    ::_exit(0);  // No destructor: the kernel must release it.
  }
  char byte = 0;
  ASSERT_EQ(::read(held[0], &byte, 1), 1);
  const auto why = refused(storage_fault::locked, [&] { node_dir second(root); });
  EXPECT_NE(why.find("process " + std::to_string(child)), std::string::npos) << why;
  ASSERT_EQ(::write(end[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  const node_dir mine(root);
}

TEST_F(NodeDir, UnfitDirectoriesAreNamedWithTheCommandThatHelps) {
  fs::create_directories(root);
  fs::permissions(root, fs::perms::others_write, fs::perm_options::add);
  const auto open_to_all = refused(storage_fault::unusable, [&] { node_dir dir(root); });
  EXPECT_NE(open_to_all.find("chmod o-w " + root.string()), std::string::npos) << open_to_all;

  put_text(scratch.path() / "file", "");
  refused(storage_fault::unusable, [&] { node_dir dir(scratch.path() / "file"); });
  refused(storage_fault::unusable, [&] { node_dir dir(scratch.path() / "file" / "below"); });
  refused(storage_fault::unusable, [&] { node_dir dir("/proc/tabletd"); });
}

TEST_F(NodeDir, EveryDamageToTheLabelIsNoticed) {
  {
    node_dir dir(root);
    dir.claim(node_role::fe);
    dir.bind(cluster_a, 1);
  }
  const auto label = root / "node.identity";
  const auto good = text_of(label);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    put_text(label, damaged);
    refused(storage_fault::corrupt, [&] { node_dir dir(root); });
    put_text(label, good.substr(0, i));
    refused(storage_fault::corrupt, [&] { node_dir dir(root); });
    ASSERT_FALSE(HasFailure()) << "byte " << i;
  }
}

TEST_F(NodeDir, PowerCutAtEveryCallLeavesTheOldLabelOrTheNew) {
  std::int64_t cuts = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    bool finished = false;
    for (std::int64_t at = 1; !finished; ++at) {
      const memory_directory place;
      const auto node = place.path() / "node";
      fs::create_directories(node);
      fault_files disk(node, seed * 1000 + static_cast<std::uint64_t>(at));
      bool bound = false;
      bool claimed = false;
      disk.cut_at = at;
      try {
        node_dir dir(node);
        dir.claim(node_role::be);
        claimed = true;
        dir.bind(cluster_a, 3);
        bound = true;
      } catch (const storage_error&) {
      }
      finished = bound;
      cuts += disk.dead();
      disk.restore_power(0.5);
      node_dir dir(node);
      ASSERT_TRUE(!claimed || dir.role() == node_role::be) << "seed " << seed << " cut " << at;
      ASSERT_TRUE(!bound || dir.node() == 3u) << "seed " << seed << " cut " << at;
      const auto there = files_under(node);
      ASSERT_LE(there.size(), 2u) << "a temporary file stayed";
    }
  }
  EXPECT_GE(cuts, 20 * 10);
}

TEST_F(NodeDir, ClaimOutlivesAProcessKilledWhileItMadeTheDirectory) {
  bool finished = false;
  for (std::int64_t at = 1; !finished; ++at) {
    const memory_directory place;
    fault_files disk(place.path(), static_cast<std::uint64_t>(at));
    const auto node = place.path() / "node";
    const auto claim = [&] {
      node_dir dir(node);
      dir.claim(node_role::be);
    };
    disk.cut_at = at;
    try {
      claim();
      finished = true;
    } catch (const storage_error&) {
    }
    disk.restart_process();
    claim();
    disk.restore_power(0);
    EXPECT_EQ(node_dir(node).role(), node_role::be) << "killed at call " << at;
  }
}

TEST(ThrowErrno, KnowsFullFromForbiddenFromBroken) {
  const auto fault_of = [](int error) {
    try {
      throw_errno(error, "/disk/file", "write");
    } catch (const storage_error& e) {
      EXPECT_NE(std::string(e.what()).find(std::strerror(error)), std::string::npos);
      return e.fault();
    }
  };
  EXPECT_EQ(fault_of(ENOSPC), storage_fault::disk_full);
  EXPECT_EQ(fault_of(EDQUOT), storage_fault::disk_full);
  EXPECT_EQ(fault_of(EROFS), storage_fault::io) << "a disk that the kernel gave up on";
  EXPECT_EQ(fault_of(EACCES), storage_fault::denied);
  EXPECT_EQ(fault_of(EMFILE), storage_fault::denied);
  EXPECT_EQ(fault_of(ENOENT), storage_fault::unusable);
  EXPECT_EQ(fault_of(EIO), storage_fault::io);
}

TEST(TemporaryName, IsRecognizedAndNothingElseIs) {
  const auto name = temporary_name("/d/1.seg").filename().string();
  EXPECT_TRUE(is_temporary_name(name)) << name;
  EXPECT_NE(name, temporary_name("/d/1.seg").filename().string());
  for (const char* other :
       {"1.seg", ".tmp.0123456789abcdef", "1.seg.tmp.0123456789abcdeg", "1.seg.tmp.123", "1.seg.tmp.0123456789abcdef0"})
    EXPECT_FALSE(is_temporary_name(other)) << other;
}

}  // namespace
}  // namespace tabletd
