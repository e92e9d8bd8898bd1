#pragma once
// Which blocks of a snapshot are still to come, and how many of them are on their way: what a clone
// and a move between paths have in common.
#include "node/be/partial_copy.h"
#include <optional>

namespace tabletd {

class block_window {
public:
  struct limits {
    std::size_t bytes{};  ///< On their way at once; one block always may.
    std::size_t blocks{};
  };
  struct block {
    std::size_t rowset{};  ///< Of the snapshot.
    std::uint32_t index{};
  };
  explicit block_window(limits at_once) : limits_(at_once) {}

  /// `next`: per rowset the first block that is wanted; as many as it has: none.
  void begin(source_snapshot snapshot, std::vector<std::uint32_t> next);
  /// The next block, which is on its way from now on.  Nothing: enough are, or all have been.
  [[nodiscard]] std::optional<block> take();
  /// A block of so many bytes is on the disk.
  void written(std::size_t bytes);
  /// Everything wanted is on the disk.
  [[nodiscard]] bool done() const { return unwritten_ == 0; }
  [[nodiscard]] const block_entry& entry(const block& of) const { return snapshot_->rowsets[of.rowset].footer.blocks[of.index]; }

private:
  limits limits_;
  source_snapshot snapshot_;
  std::vector<std::uint32_t> next_;
  std::size_t rowset_ = 0;       ///< The first one that has blocks to take.
  std::uint64_t unwritten_ = 0;  ///< Blocks.
  std::size_t bytes_ = 0;        ///< On their way.
  std::size_t blocks_ = 0;
};

} // namespace tabletd
