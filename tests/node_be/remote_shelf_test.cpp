// What a backend believes of where a remote store is.
#include "node/be/remote_shelf.h"

#include "tests/persistence/memory_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace tabletd {
namespace {

struct RemoteShelf : testing::Test {
  codec::resource_definition at(const std::string& place, std::uint64_t version) {
    std::filesystem::create_directories(scratch.path() / place);
    return {model::resource_id{9}, false, {{"root", (scratch.path() / place).string()}}, version};
  }
  bool is_at(const std::string& place) {
    return shelf.find(model::resource_id{9})->name().find(place) != std::string::npos;
  }
  test::memory_directory scratch;
  remote_shelf shelf;
};

TEST_F(RemoteShelf, FollowsAnAlteredResource) {
  shelf.know({at("first", 1)});
  EXPECT_TRUE(is_at("first"));
  shelf.know({at("second", 2)});
  EXPECT_TRUE(is_at("second"));
}

// An export that was planned before the resource was altered names it as it was.
TEST_F(RemoteShelf, AnOlderWordDoesNotBringAResourceBack) {
  shelf.know({at("second", 2)});
  shelf.know({at("first", 1)});
  EXPECT_TRUE(is_at("second"));
}

TEST_F(RemoteShelf, OfAnUnknownResourceItSaysWhatToDo) {
  try {
    (void)shelf.find(model::resource_id{9});
    FAIL() << "it was found";
  } catch (const remote_error& why) {
    EXPECT_EQ(why.fault(), remote_fault::unusable);
  }
}

}  // namespace
}  // namespace tabletd
