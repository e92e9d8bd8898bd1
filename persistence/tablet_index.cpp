// See tablet_index.h.
#include "persistence/tablet_index.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace tabletd {

namespace {

bool older(const rowset_meta& a, const rowset_meta& b) { return a.first_version < b.first_version; }

}  // namespace

// -- replica_entry ----------------------------------------------------------------------

replica_status replica_entry::status(std::uint64_t tablet) const {
  return {.tablet = tablet,
          .replica = replica_,
          .version = version_,
          .max_version = visible_.empty() ? 1 : std::max(version_, visible_.back().last_version),
          .bad = bad,
          .rows = rows_,
          .bytes = bytes_,
          .rowsets = static_cast<std::uint32_t>(visible_.size()),
          .prepared = prepared,
          .moves = moves,
          .remote = remote,
          .remote_version = remote_version_,
          .remote_bytes = remote_bytes_};
}

const rowset_meta* replica_entry::covering(std::uint64_t first, std::uint64_t last) const {
  const auto at = std::partition_point(visible_.begin(), visible_.end(),
                                       [&](const rowset_meta& rowset) { return rowset.last_version < first; });
  return at == visible_.end() || at->first_version > last ? nullptr : &*at;
}

void replica_entry::add(const rowset_meta& rowset) {
  visible_.insert(std::upper_bound(visible_.begin(), visible_.end(), rowset, older), rowset);
  count();
}

void replica_entry::set_visible(std::vector<rowset_meta> rowsets) {
  std::sort(rowsets.begin(), rowsets.end(), older);
  visible_ = std::move(rowsets);
  count();
}

void replica_entry::count() {
  version_ = remote_version_ = 1;
  rows_ = bytes_ = file_bytes_ = remote_bytes_ = 0;
  for (const auto& rowset : visible_) {
    if (rowset.first_version <= version_ + 1)
      version_ = std::max(version_, rowset.last_version);
    rows_ += rowset.rows;
    bytes_ += rowset.bytes;
    file_bytes_ += file_bytes_of(rowset);
    if (rowset.is_remote()) {
      remote_version_ = rowset.last_version;
      remote_bytes_ += rowset.bytes;
    }
  }
}

// -- tablet_index -----------------------------------------------------------------------

replica_entry* tablet_index::find(std::uint64_t tablet) {
  const auto at = replicas_.find(tablet);
  return at == replicas_.end() ? nullptr : &at->second;
}

const replica_entry* tablet_index::find(std::uint64_t tablet) const {
  const auto at = replicas_.find(tablet);
  return at == replicas_.end() ? nullptr : &at->second;
}

replica_entry& tablet_index::add_replica(std::uint64_t tablet, std::uint64_t replica) {
  return replicas_.insert_or_assign(tablet, replica_entry(replica)).first->second;
}

const rowset_meta* tablet_index::prepared(std::uint64_t txn, std::uint64_t tablet) const {
  const auto by_txn = prepared_.find(txn);
  if (by_txn == prepared_.end())
    return nullptr;
  const auto at = by_txn->second.find(tablet);
  return at == by_txn->second.end() ? nullptr : &at->second;
}

std::vector<rowset_meta> tablet_index::prepared_by(std::uint64_t txn) const {
  std::vector<rowset_meta> found;
  if (const auto by_txn = prepared_.find(txn); by_txn != prepared_.end())
    for (const auto& [tablet, rowset] : by_txn->second)
      found.push_back(rowset);
  return found;
}

std::vector<rowset_meta> tablet_index::prepared_of(std::uint64_t tablet) const {
  std::vector<rowset_meta> found;
  for (const auto& [txn, tablets] : prepared_)
    if (const auto at = tablets.find(tablet); at != tablets.end())
      found.push_back(at->second);
  return found;
}

std::uint64_t tablet_index::file_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [tablet, entry] : replicas_)
    sum += entry.file_bytes();
  for (const auto& [txn, tablets] : prepared_)
    for (const auto& [tablet, rowset] : tablets)
      sum += file_bytes_of(rowset);
  return sum;
}

std::vector<std::uint64_t> tablet_index::prepared_txns() const {
  std::vector<std::uint64_t> txns;
  for (const auto& [txn, tablets] : prepared_)
    txns.push_back(txn);
  return txns;
}

void tablet_index::add_prepared(const rowset_meta& rowset) {
  assert(rowset.first_version == 0);
  const bool is_new = prepared_[rowset.txn].insert_or_assign(rowset.tablet, rowset).second;
  if (auto* entry = find(rowset.tablet); entry && is_new)
    ++entry->prepared;
}

void tablet_index::remove_prepared(std::uint64_t txn, std::uint64_t tablet) {
  const auto by_txn = prepared_.find(txn);
  if (by_txn == prepared_.end())
    return;
  if (auto* entry = find(tablet); by_txn->second.erase(tablet) > 0 && entry)
    --entry->prepared;
  if (by_txn->second.empty())
    prepared_.erase(by_txn);
}

}  // namespace tabletd
