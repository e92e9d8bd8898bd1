#include "node/be/partial_copy.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd {

std::vector<std::uint32_t> partial_copy::open(tablet_store& store, const source_snapshot& snapshot) {
  snapshot_ = snapshot;
  std::map<std::uint64_t, part> kept;
  std::vector<std::uint32_t> begun;
  std::uint64_t missing_bytes = 0;
  for (const auto& rowset : snapshot->rowsets) {
    begun.push_back(0);
    if (rowset.encoded_footer.empty())
      continue;
    const auto [at, is_new] = kept.try_emplace(rowset.id);
    if (!is_new) // Its file could not be a copy of both.
      throw storage_error(storage_fault::corrupt, store.root().string(),
                          fmt::format("rowset {} is listed twice in one snapshot; ask another source", rowset.id));
    auto& now = at->second;
    if (auto before = files_.extract(rowset.id); before && before.mapped().footer == rowset.footer)
      now = std::move(before.mapped());
    if (!now.file)
      now = {store.continue_copy(fence_, rowset.id, rowset.encoded_footer), rowset.footer};
    begun.back() = now.file->blocks();
    missing_bytes += rowset.bytes - now.file->bytes();
  }
  files_ = std::move(kept);
  if (const auto room = store.usage().available_bytes; room < missing_bytes)
    throw storage_error(storage_fault::disk_full, store.root().string(),
                        fmt::format("path {} has {} bytes left, the copy needs {} more; free space there or "
                                    "choose another path",
                                    store.root().string(), room, missing_bytes));
  return begun;
}

void partial_copy::append(std::size_t index, byte_span block, std::uint32_t rows, std::uint64_t checksum) {
  auto& file = files_.at(snapshot_->rowsets[index].id).file;
  if (!file)
    throw storage_error(storage_fault::corrupt, {}, "a block before this one was refused");
  try {
    file->append(block, rows, checksum);
  } catch (...) {
    file.reset(); // Unusable; the good blocks stay in their file.
    throw;
  }
}

void partial_copy::finish() {
  // Every file on its way to the disk before the first one is waited for.
  for (auto& [id, copy] : files_)
    copy.file->write_footer();
  for (auto& [id, copy] : files_)
    copy.file->finish();
}

std::vector<copied_rowset> partial_copy::take() {
  std::vector<copied_rowset> copied;
  for (const auto& rowset : snapshot_->rowsets) {
    const auto at = files_.find(rowset.id);
    copied.push_back({rowset.txn, rowset.version.first, rowset.version.last, rowset.rows, rowset.bytes,
                      at == files_.end() ? nullptr : std::move(at->second.file), rowset.object, rowset.blocks, rowset.written_ms});
  }
  files_.clear();
  return copied;
}

} // namespace tabletd
