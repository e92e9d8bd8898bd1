// What is left of dropped tablets is found and deleted, and nothing else; another cluster's store is left alone.
#include "persistence/remote/file_remote_store.h"
#include "persistence/remote/remote_resource.h"
#include "persistence/remote/remote_sweep.h"
#include "remote_rig.h"
#include "temporary_directory.h"

#include <filesystem>

using namespace tabletd;
using namespace tabletd::test;

namespace {

struct RemoteSweep : ::testing::Test {
  temporary_directory root;
  file_remote_store store{root.path()};
};

TEST_F(RemoteSweep, EverythingOfATabletGoesWhateverItsNameAndNothingOfAnother) {
  for (int i = 0; i < 20; ++i)
    store.put("data/12/101.1." + std::to_string(i) + ".seg", source_of("x"), unhurried);
  for (const auto* other : {"data/12/note.txt", "data/1/a.seg", "data/123/a.seg", "data2/12/a", "tabletd-cluster"})
    store.put(other, source_of("x"), unhurried);
  EXPECT_EQ(delete_objects_of(store, 12, unhurried), 21u);
  EXPECT_EQ(delete_objects_of(store, 12, unhurried), 0u) << "again";
  EXPECT_EQ(store.list("data/", {}, 10, unhurried).entries.size(), 2u);
  EXPECT_EQ(store.list("data2/", {}, 10, unhurried).entries.size(), 1u);
}

TEST_F(RemoteSweep, ItStopsWhenItsTimeIsOver) {
  for (int i = 0; i < 10; ++i)
    store.put("data/1/" + std::to_string(i), source_of("x"), unhurried);
  int asked = 0;
  const auto left = [&] { return std::chrono::milliseconds(++asked > 5 ? 0 : 1'000); };
  EXPECT_EQ(fault_of([&] { delete_objects_of(store, 1, left); }), remote_fault::stopped);
  EXPECT_FALSE(any_object_of(store, unhurried).empty());
  EXPECT_GT(delete_objects_of(store, 1, unhurried), 0u);
  EXPECT_EQ(any_object_of(store, unhurried), "");
}

TEST_F(RemoteSweep, OnlyInAStoreThatIsMarkedAsTheClusters) {
  EXPECT_NE(why_not_owned(store, "c1", unhurried).find("no object tabletd-cluster"), std::string::npos);
  const std::vector<std::pair<std::string, std::string>> properties{{"root", root.path().string()}};
  ASSERT_EQ(fault_of_remote_store("file", properties, "c1", 7, unhurried), "");
  EXPECT_EQ(why_not_owned(store, "c1", unhurried), "");
  EXPECT_NE(why_not_owned(store, "c2", unhurried).find("another cluster"), std::string::npos);
}

}  // namespace
