// From a catalog to a file and back, and what is refused on the way.
#include "actors/checkpoint/catalog_image.h"
#include "persistence/image_store.h"
#include "tests/model/catalog_difference.h"
#include "tests/model/edit_dice.h"
#include "tests/persistence/memory_directory.h"

namespace tabletd {
namespace {

using namespace test;

struct CatalogImage : testing::Test {
  memory_directory scratch;
  image_store images{scratch.path()};
  catalog_world w;
  CatalogImage() { found(w); }

  image_writer begin(std::uint64_t journal_id) { return images.begin({image_format, journal_id, 3, 1'000, 0}); }
  std::uint64_t applied() const { return raw(w.cat.applied); }
  /// The fault and the sentence.
  std::pair<storage_fault, std::string> refusal(std::uint64_t journal_id) {
    try {
      (void)load_image(images.path_of(journal_id));
    } catch (const storage_error& why) {
      return {why.fault(), why.what()};
    }
    return {storage_fault::io, "it was loaded"};
  }
};

TEST_F(CatalogImage, ComesBackWithWhatIsCarried) {
  const std::vector<codec::carried_section> carried{{900, 2, {std::byte{5}}}};
  auto writer = begin(applied());
  std::vector<std::uint64_t> steps;
  write_image(w.cat, carried, writer, [&](std::uint64_t bytes) { steps.push_back(bytes); });
  const auto made = images.keep(std::move(writer));
  const auto loaded = load_image(images.path_of(applied()));
  EXPECT_EQ(difference(w.cat, loaded.content.cat), "");
  EXPECT_EQ(loaded.content.carried, carried);
  EXPECT_EQ(loaded.summary, made);
  EXPECT_EQ(loaded.header.epoch, 3u);
  EXPECT_EQ(loaded.header.sections, steps.size());
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
}

TEST_F(CatalogImage, IsGivenUpBetweenTwoSections) {
  {
    auto writer = begin(applied());
    EXPECT_THROW(write_image(w.cat, {}, writer, [](std::uint64_t) { throw std::runtime_error("another epoch"); }),
                 std::runtime_error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
}

TEST_F(CatalogImage, OfALaterVersionIsNotCalledDamage) {
  auto writer = begin(applied());
  write_image(w.cat, {{900, codec::image_required, {}}}, writer);
  images.keep(std::move(writer));
  const auto [fault, why] = refusal(applied());
  EXPECT_EQ(fault, storage_fault::unusable);
  EXPECT_NE(why.find("upgrade tabletd"), std::string::npos) << why;
}

TEST_F(CatalogImage, WhatMakesNoCatalogIsNamed) {
  // Every checksum is right.
  auto writer = begin(applied());
  write_image(w.cat, {}, writer);
  writer.append(6, codec::image_required, {});
  images.keep(std::move(writer));
  const auto [fault, why] = refusal(applied());
  EXPECT_EQ(fault, storage_fault::corrupt);
  EXPECT_NE(why.find("section tablets at offset"), std::string::npos) << why;
}

TEST_F(CatalogImage, UnderTheNumberOfAnotherEntryIsRefused) {
  auto writer = begin(applied() + 1);
  write_image(w.cat, {}, writer);
  images.keep(std::move(writer));
  EXPECT_EQ(refusal(applied() + 1).first, storage_fault::corrupt);
}

} // namespace
} // namespace tabletd
