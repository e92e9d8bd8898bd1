#include "node/be/block_window.h"

namespace tabletd {

void block_window::begin(source_snapshot snapshot, std::vector<std::uint32_t> next) {
  snapshot_ = std::move(snapshot);
  next_ = std::move(next);
  rowset_ = 0;
  unwritten_ = 0;
  for (std::size_t i = 0; i < snapshot_->rowsets.size(); ++i)
    unwritten_ += snapshot_->rowsets[i].footer.blocks.size() - next_[i];
}

std::optional<block_window::block> block_window::take() {
  if (bytes_ >= limits_.bytes || blocks_ >= limits_.blocks)
    return std::nullopt;
  while (rowset_ < snapshot_->rowsets.size() && next_[rowset_] == snapshot_->rowsets[rowset_].footer.blocks.size())
    ++rowset_;
  if (rowset_ == snapshot_->rowsets.size())
    return std::nullopt;
  const block taken{rowset_, next_[rowset_]++};
  bytes_ += entry(taken).length;
  ++blocks_;
  return taken;
}

void block_window::written(std::size_t bytes) {
  bytes_ -= bytes;
  --blocks_;
  --unwritten_;
}

} // namespace tabletd
