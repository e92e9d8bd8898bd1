// See rowset_merge.h.
#include "persistence/rowset_merge.h"

#include "persistence/rowset_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tabletd {

merged_segment::merged_segment(std::string name, std::vector<std::shared_ptr<rowset_reader>> inputs)
    : name_(std::move(name)), inputs_(std::move(inputs)) {
  std::erase_if(inputs_, [](const auto& input) { return input->footer().blocks.empty(); });
  if (inputs_.empty())
    throw std::logic_error(fmt::format("{}: nothing that is to be merged has rows", name_));
  footer_.tablet = inputs_.front()->footer().tablet;
  auto end = static_cast<std::uint64_t>(format::head.size());
  for (const auto& input : inputs_) {
    const auto& part = input->footer();
    if (part.tablet != footer_.tablet)
      throw std::logic_error(fmt::format("{}: rows of tablets {} and {}", name_, footer_.tablet, part.tablet));
    first_block_.push_back(footer_.blocks.size());
    for (auto block : part.blocks) {
      block.offset = end;
      end += block.length;
      footer_.blocks.push_back(block);
    }
    footer_.rows += part.rows;
    footer_.bytes += part.bytes;
  }
  tail_ = footer_.encode();
  size_bytes_ = end + tail_.size();
}

void merged_segment::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset > size_bytes_ || into.size() > size_bytes_ - offset)
    throw std::logic_error(fmt::format("{} bytes at {} of {}, which has {}", into.size(), offset, name_, size_bytes_));
  while (!into.empty()) {
    const auto from = bytes_at(offset);
    const auto some = std::min(from.size(), into.size());
    std::ranges::copy(from.first(some), into.begin());
    into = into.subspan(some);
    offset += some;
  }
}

/// Some of them from there on, at least one.
std::span<const std::byte> merged_segment::bytes_at(std::uint64_t offset) const {
  if (offset < format::head.size())
    return std::span{format::head}.subspan(offset);
  if (const auto tail_at = size_bytes_ - tail_.size(); offset >= tail_at)
    return std::span{tail_}.subspan(offset - tail_at);
  if (!window_.holds(offset))
    load_window(offset);
  return std::span{window_.bytes}.subspan(offset - window_.offset);
}

void merged_segment::load_window(std::uint64_t offset) const {
  const auto& blocks = footer_.blocks;
  const auto at = static_cast<std::size_t>(
      std::ranges::upper_bound(blocks, offset, {}, &block_entry::offset) - blocks.begin() - 1);
  const auto owner = static_cast<std::size_t>(
      std::ranges::upper_bound(first_block_, at) - first_block_.begin() - 1);
  const auto owner_end = owner + 1 < first_block_.size() ? first_block_[owner + 1] : blocks.size();
  auto end = at + 1;
  while (end < owner_end && blocks[end].offset + blocks[end].length - blocks[at].offset <= merge_window_bytes)
    ++end;
  window_.bytes.clear();  // Should the read fail, nothing of it may pass for what was wanted.
  std::vector<std::byte> bytes;
  inputs_[owner]->read_run(static_cast<std::uint32_t>(at - first_block_[owner]),
                           static_cast<std::uint32_t>(end - first_block_[owner]), bytes);
  window_ = {blocks[at].offset, std::move(bytes)};
}

}  // namespace tabletd
