#pragma once
// What the tests of files, rowsets and stores share: rows, a source of clones that needs no
// second store, and one way to expect a storage_error.
#include "persistence/tablet_store.h"
#include "tests/persistence/memory_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace tabletd::test {

namespace fs = std::filesystem;

inline byte_span bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

inline std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_text(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

inline std::uint32_t rows_in(const std::string& block) {
  return static_cast<std::uint32_t>(std::count(block.begin(), block.end(), '\n'));
}

/// `rows` rows that no other `name` has.
inline std::string block_of(const std::string& name, int rows) {
  std::string block;
  for (int i = 0; i < rows; ++i)
    block += "key-" + std::to_string(i) + "," + name + std::string(static_cast<std::size_t>(i % 5), '*') + "\n";
  return block;
}

inline void append(rowset_writer& writer, const std::string& block) {
  writer.append(bytes_of(block), rows_in(block), checksum_of(bytes_of(block)));
}

/// A sealed file's contents as a source would describe and send them.
struct source_rowset {
  rowset_footer footer;
  std::vector<std::string> blocks;

  source_rowset(std::uint64_t tablet, std::vector<std::string> from) : blocks(std::move(from)) {
    footer.tablet = tablet;
    std::uint64_t end = 16;
    for (const auto& block : blocks) {
      footer.blocks.push_back(
          {end, static_cast<std::uint32_t>(block.size()), rows_in(block), checksum_of(bytes_of(block))});
      end += block.size();
      footer.rows += rows_in(block);
      footer.bytes += block.size();
    }
  }
  /// Sends what `writer` still lacks, at most `most` blocks.
  void send(rowset_writer& writer, std::size_t most = SIZE_MAX) const {
    for (; most > 0 && writer.blocks() < blocks.size(); --most)
      append(writer, blocks[writer.blocks()]);
  }
  [[nodiscard]] std::string content() const {
    std::string all;
    for (const auto& block : blocks)
      all += block;
    return all;
  }
};

/// All rows of one rowset, every block verified.
inline std::string content_of(const tablet_store& store, const rowset_meta& rowset) {
  const auto reader = store.open_rowset(rowset);
  std::string all;
  std::vector<std::byte> block;
  for (std::uint32_t i = 0; i < reader->footer().blocks.size(); ++i) {
    reader->read(i, block);
    all.append(reinterpret_cast<const char*>(block.data()), block.size());
  }
  return all;
}

/// Runs `what`, which must throw a storage_error of this fault; returns its sentence.
template <class F>
std::string refused(storage_fault fault, F&& what) {
  try {
    what();
  } catch (const storage_error& e) {
    EXPECT_EQ(e.fault(), fault) << e.what();
    EXPECT_FALSE(e.path().empty());
    return e.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// Every regular file under `directory`, relative to it.
inline std::vector<std::string> files_under(const fs::path& directory) {
  std::vector<std::string> names;
  if (fs::exists(directory))
    for (const auto& entry : fs::recursive_directory_iterator(directory))
      if (entry.is_regular_file())
        names.push_back(fs::relative(entry.path(), directory).string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace tabletd::test
