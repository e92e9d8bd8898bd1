// A front end alone and its images: made when asked, started from, fallen back to.  Real files.
#include "tests/fe/fe_world.h"

#include <fmt/format.h>

#include <fstream>
#include <future>

namespace tabletd::test {
namespace {

struct Checkpoint : fe_world {
  fe_options options() {
    auto options = front_end_options();
    options.checkpoint.settle = options.checkpoint.round_interval = std::chrono::milliseconds(50);
    options.checkpoint_beat.beat = std::chrono::milliseconds(20);
    return options;
  }
  /// One more thing in the catalog and an image of it, whose id is returned.
  std::uint64_t make_image(front_end& fe, const std::string& database) {
    console by(io, "127.0.0.1", fe.port());
    EXPECT_TRUE(by.login().ok());
    EXPECT_TRUE(by.run("CREATE DATABASE " + database).ok());
    const auto told = by.run("ADMIN CHECKPOINT");
    EXPECT_TRUE(told.ok()) << told;
    const auto id = fe.node().checkpoints().images().front().id;
    EXPECT_EQ(told.message, fmt::format("image {} made by fe 1", id));
    return id;
  }
  static bool has(front_end& fe, const std::string& database) {
    return fe.node().catalog()->load()->find_database(database) != nullptr;
  }
  std::filesystem::path image(std::uint64_t id) { return options().log_directory / "images" / fmt::format("image.{}", id); }
};

TEST_F(Checkpoint, TheNodeStartsFromItsImageAndWhatCameAfterIt) {
  std::uint64_t older = 0;
  {
    front_end fe(sys, options());
    older = make_image(fe, "first");
    EXPECT_EQ(fe.node().journal()->first_index, 1U);
    make_image(fe, "second");
    wait_until("the log is shorter", [&] { return fe.node().journal()->first_index > 1; });
    EXPECT_EQ(fe.node().journal()->first_index, older + 1) << "the older image needs what is behind it";
    console by(io, "127.0.0.1", fe.port());
    ASSERT_TRUE(by.login().ok());
    ASSERT_TRUE(by.run("CREATE DATABASE third").ok());
  }
  front_end fe(sys, options());
  EXPECT_EQ(fe.node().journal()->first_index, older + 1);
  for (const auto* database : {"first", "second", "third"})
    EXPECT_TRUE(has(fe, database)) << database;
  EXPECT_EQ(fe.node().checkpoints().images().size(), 2U);
  make_image(fe, "fourth");  // And goes on.
}

TEST_F(Checkpoint, ADamagedNewestImageIsPassedOverForTheOlder) {
  std::uint64_t older = 0, newest = 0;
  {
    front_end fe(sys, options());
    older = make_image(fe, "first");
    newest = make_image(fe, "second");
    wait_until("the log is shorter", [&] { return fe.node().journal()->first_index > 1; });
  }
  {
    std::fstream file(image(newest), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(image(newest)) / 2));
    file.put('\xff').put('\x5a');
  }
  front_end fe(sys, options());
  ASSERT_EQ(fe.node().checkpoints().images().size(), 1U);
  EXPECT_EQ(fe.node().checkpoints().images().front().id, older);
  EXPECT_TRUE(has(fe, "first"));
  EXPECT_TRUE(has(fe, "second")) << "from the log";
}

TEST_F(Checkpoint, WithoutAnImageOfWhatIsGoneTheNodeSaysSo) {
  {
    front_end fe(sys, options());
    make_image(fe, "first");
    make_image(fe, "second");
    wait_until("the log is shorter", [&] { return fe.node().journal()->first_index > 1; });
  }
  std::filesystem::remove_all(options().log_directory / "images");
  try {
    front_end fe(sys, options());
    FAIL() << "it started";
  } catch (const storage_error& error) {
    EXPECT_NE(std::string(error.what()).find("there is no sound image"), std::string::npos) << error.what();
  }
}

} // namespace
} // namespace tabletd::test
