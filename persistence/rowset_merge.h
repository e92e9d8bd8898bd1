#pragma once
// Several segment files as one that is nowhere yet: a head, the blocks of all of them in order, a footer that lists them.
//
// Blocks are copied as they are, neither decoded nor written anew: rows are opaque, a block is whole rows in the order
// of their load, and versions follow each other, so the blocks in version order are the merged rowset.  A block's
// checksum is then still the one of its load: what was damaged on the way is noticed by whoever reads it, and here too.
#include "persistence/rowset_file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tabletd {

/// Read in order it reads every block once, in pieces of merge_window_bytes, and compares its checksum.  In memory are one
/// such piece and the footers.  One thread at a time.  What its inputs throw comes through.
class merged_segment final : public segment_bytes {
public:
  /// At least one of the inputs has blocks.  std::logic_error if they are of different tablets.
  merged_segment(std::string name, std::vector<std::shared_ptr<rowset_reader>> inputs);
  [[nodiscard]] const rowset_footer& footer() const { return footer_; }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t size() const override { return size_bytes_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override;
  [[nodiscard]] std::string_view remedy() const override { return "what it is made of has to be looked at"; }

private:
  /// Blocks of one input, next to each other.
  struct window {
    std::uint64_t offset{};  ///< In the merged file.
    std::vector<std::byte> bytes;
    [[nodiscard]] bool holds(std::uint64_t at) const { return at >= offset && at - offset < bytes.size(); }
  };
  void load_window(std::uint64_t offset) const;
  [[nodiscard]] std::span<const std::byte> bytes_at(std::uint64_t offset) const;

  std::string name_;
  std::vector<std::shared_ptr<rowset_reader>> inputs_;
  std::vector<std::size_t> first_block_;  ///< Of each input, in the merged file.
  rowset_footer footer_;
  std::vector<std::byte> tail_;
  std::uint64_t size_bytes_ = 0;
  mutable window window_;
};

/// Of one read of an input; a single block may be larger.
inline constexpr std::uint64_t merge_window_bytes = 4U << 20;

}  // namespace tabletd
