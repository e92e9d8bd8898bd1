#pragma once
// A store on a healthy disk, and the few sentences in which its tests are told.
#include "persistence/tablet_store.h"
#include "tests/persistence/store_rig.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::test {

struct TabletStore : testing::Test {
  memory_directory scratch;
  fs::path root = scratch.path() / "disk0";
  tablet_store_options options;
  std::unique_ptr<tablet_store> store = tablet_store::open(root, options);

  void reopen() {
    store.reset();
    store = tablet_store::open(root, options);
  }
  std::unique_ptr<rowset_writer> written(std::uint64_t tablet, const std::vector<std::string>& blocks) {
    auto writer = store->begin_rowset(tablet);
    for (const auto& block : blocks)
      append(*writer, block);
    return writer;
  }
  void prepare(std::uint64_t txn, std::uint64_t tablet, const std::vector<std::string>& blocks) {
    std::vector<tablet_store::to_prepare> rowsets;
    rowsets.push_back({tablet, blocks.empty() ? nullptr : written(tablet, blocks)});
    store->prepare(txn, std::move(rowsets));
  }
  void load(std::uint64_t txn, std::uint64_t version, std::uint64_t tablet, const std::vector<std::string>& blocks) {
    prepare(txn, tablet, blocks);
    EXPECT_EQ(store->publish(txn, version, {tablet}), none);
  }
  copied_rowset copied(const source_rowset& source, std::uint64_t txn, std::uint64_t first, std::uint64_t last,
                       std::uint64_t fence = 77) {
    auto writer = store->continue_copy(fence, txn, source.footer.encode());
    source.send(*writer);
    (void)writer->finish();
    return {txn, first, last, source.footer.rows, source.footer.bytes, std::move(writer)};
  }
  template <class... Copies>
  void install(std::uint64_t tablet, std::uint64_t replica, bool full, Copies... copies) {
    std::vector<copied_rowset> all;
    (all.push_back(std::move(copies)), ...);
    store->install(tablet, replica, full, std::move(all), {});
  }
  std::string content(std::uint64_t tablet) {
    std::string all;
    for (const auto& rowset : store->rowsets(tablet))
      all += content_of(*store, rowset);
    return all;
  }
  std::size_t segments() { return files_under(root / "tablets").size(); }
  fs::path segment_of(const rowset_meta& rowset) {
    for (const auto& name : files_under(root / "tablets"))
      if (name.ends_with("/" + std::to_string(rowset.tablet) + "/" + std::to_string(rowset.id) + ".seg"))
        return root / "tablets" / name;
    throw std::runtime_error("no segment");
  }

  const std::vector<std::uint64_t> none;
  const std::string a = block_of("a", 3), b = block_of("b", 2), c = block_of("c", 4);
};

}  // namespace tabletd::test
