// The tablet store: a load's way in, and reading.
#include "persistence/sqlite_tablet_store.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>
#include <set>

namespace tabletd {

std::unique_ptr<rowset_writer> sqlite_tablet_store::begin_rowset(std::uint64_t tablet) {
  refuse_if_offline();
  static_cast<void>(existing(tablet));
  return begin_stray(tablet);
}

std::unique_ptr<rowset_writer> sqlite_tablet_store::begin_stray(std::uint64_t tablet) {
  refuse_if_offline();
  files_.make_tablet_directory(tablet);
  return std::make_unique<rowset_writer>(files_.segment(tablet, next_id()), tablet, quota_);
}

void sqlite_tablet_store::prepare(std::uint64_t txn, std::vector<to_prepare> rowsets) {
  refuse_if_offline();
  std::vector<incoming> fresh;
  std::set<std::uint64_t> seen;
  for (auto& [tablet, file] : rowsets) {
    const auto& entry = existing(tablet);
    const auto is_of_txn = [txn](const rowset_meta& rowset) { return rowset.txn == txn; };
    if (index_.prepared(txn, tablet) || std::ranges::any_of(entry.visible(), is_of_txn))
      continue;  // The first call's answer was lost; its rowset is the one.
    if (!seen.insert(tablet).second || (file && file->tablet() != tablet))
      throw storage_error(storage_fault::unusable, root().string(),
                          fmt::format("txn {} has two rowsets for tablet {}, or another tablet's "
                                      "file; abort it",
                                      txn, tablet));
    rowset_meta meta{.id = 0, .tablet = tablet, .txn = txn, .written_ms = wall_ms_()};
    if (file && file->blocks() == 0)
      file.reset();
    if (file) {
      meta.rows = file->rows();
      meta.bytes = file->bytes();
      meta.blocks = file->blocks();
    }
    meta.id = file ? files_.segment_id(tablet, file->final_path()).value_or(next_id()) : next_id();
    fresh.push_back({meta, std::move(file)});
  }
  if (fresh.empty())
    return;

  placement placed(*this, fresh);
  try {
    commit([&] {
      for (const auto& rowset : fresh)
        rows_.insert_rowset(rowset.meta);
    });
  } catch (...) {
    placed.leave_unsettled();
    try_to_settle();
    throw;
  }
  placed.keep();
  for (const auto& rowset : fresh)
    index_.add_prepared(rowset.meta);
}

std::vector<std::uint64_t> sqlite_tablet_store::publish(std::uint64_t txn, std::uint64_t version,
                                                        const std::vector<std::uint64_t>& tablets) {
  std::set<std::uint64_t> wanted(tablets.begin(), tablets.end());
  if (wanted.empty())
    for (const auto& rowset : index_.prepared_by(txn))
      wanted.insert(rowset.tablet);

  std::vector<std::uint64_t> failed;
  std::vector<rowset_meta> shown;
  std::vector<rowset_meta> outrun;  ///< A clone brought the version first.
  for (const auto tablet : wanted) {
    const auto* entry = index_.find(tablet);
    const auto* waiting = index_.prepared(txn, tablet);
    const auto* held = entry ? entry->covering(version, version) : nullptr;
    const bool is_of_txn = held && (held->txn == txn || held->first_version != held->last_version);
    if (!entry || version < 2 || (held ? !is_of_txn : !waiting))
      failed.push_back(tablet);
    else if (waiting)
      (held ? outrun : shown).push_back(*waiting);
  }
  if (shown.empty() && outrun.empty())
    return failed;

  commit([&] {
    for (const auto& rowset : shown)
      rows_.publish_rowset(rowset.id, version);
    for (const auto& rowset : outrun)
      rows_.delete_rowset(rowset.id);
  });
  for (auto& rowset : shown) {
    index_.remove_prepared(txn, rowset.tablet);
    rowset.first_version = rowset.last_version = version;
    index_.find(rowset.tablet)->add(rowset);
  }
  for (const auto& rowset : outrun)
    index_.remove_prepared(txn, rowset.tablet);
  discard(outrun);
  return failed;
}

std::vector<std::uint64_t> sqlite_tablet_store::prepared_tablets(std::uint64_t txn) const {
  std::vector<std::uint64_t> tablets;
  for (const auto& rowset : index_.prepared_by(txn))
    tablets.push_back(rowset.tablet);
  return tablets;
}

void sqlite_tablet_store::abort(std::uint64_t txn, const std::vector<std::uint64_t>& tablets) {
  auto aborted = index_.prepared_by(txn);
  if (!tablets.empty())
    std::erase_if(aborted, [wanted = std::set(tablets.begin(), tablets.end())](const rowset_meta& rowset) {
      return !wanted.contains(rowset.tablet);
    });
  if (aborted.empty())
    return;
  commit([&] {
    for (const auto& rowset : aborted)
      rows_.delete_rowset(rowset.id);
  });
  for (const auto& rowset : aborted)
    index_.remove_prepared(txn, rowset.tablet);
  discard(aborted);
}

// -- read -------------------------------------------------------------------------------

std::vector<rowset_meta> sqlite_tablet_store::rowsets(std::uint64_t tablet) const {
  const auto* entry = index_.find(tablet);
  return entry ? entry->visible() : std::vector<rowset_meta>{};
}

std::shared_ptr<rowset_reader> sqlite_tablet_store::open_rowset(const rowset_meta& rowset) const {
  if (rowset.blocks == 0)
    return rowset_reader::empty(rowset.tablet);
  const auto path = files_.segment(rowset.tablet, rowset.id);
  auto reader = rowset_reader::open(path);
  const auto& is = reader->footer();
  if (is.tablet != rowset.tablet || is.rows != rowset.rows || is.bytes != rowset.bytes
      || is.blocks.size() != rowset.blocks)
    throw storage_error(
        storage_fault::corrupt, path.string(),
        fmt::format("{} is whole but not the file that was recorded: tablet {}, {} "
                    "rows, {} bytes instead of {}, {}, {}; another replica has to "
                    "repair this one",
                    path.string(), is.tablet, is.rows, is.bytes, rowset.tablet, rowset.rows, rowset.bytes));
  return reader;
}

open_file sqlite_tablet_store::open_segment(const rowset_meta& rowset) const {
  static_cast<void>(open_rowset(rowset));
  return {files_.segment(rowset.tablet, rowset.id), O_RDONLY};
}

}  // namespace tabletd
