// The tablet store: bringing in a copy from another backend, and re-reading what is here.
#include "persistence/durable_file.h"
#include "persistence/sqlite_tablet_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

namespace tabletd {

std::filesystem::path sqlite_tablet_store::clone_directory(std::uint64_t fence) {
  const auto directory = files_.clone(fence);
  make_directory(directory);
  return directory;
}

std::unique_ptr<rowset_writer> sqlite_tablet_store::continue_copy(std::uint64_t fence, std::uint64_t source_rowset,
                                                                  byte_span footer) {
  refuse_if_offline();
  auto source = rowset_footer::decode(footer, fmt::format("rowset {} in the source's manifest", source_rowset));
  clone_directory(fence);
  return std::make_unique<rowset_writer>(
      rowset_writer::resume(files_.partial(fence, source_rowset), std::move(source), quota_));
}

/// What an install will change, decided before anything is touched.
struct sqlite_tablet_store::install_plan {
  bool creates = false;              ///< The replica was not here.
  remote_set remote;                 ///< Which its remote rowsets then are.
  std::vector<incoming> fresh;       ///< To be added.
  std::vector<rowset_meta> kept;     ///< Visible, and stay so.
  std::vector<rowset_meta> dropped;  ///< Visible, replaced.
  std::vector<rowset_meta> retired;  ///< Prepared, and now visible as a copy.
};

namespace {

[[noreturn]] void refuse(const std::filesystem::path& root, std::uint64_t tablet, std::string why) {
  throw storage_error(storage_fault::unusable, root.string(),
                      fmt::format("cannot install the copy of tablet {} on {}: {}", tablet, root.string(), why));
}

/// Refuses a copy that is not what its manifest says.
void check_copy(const copied_rowset& rowset, const std::filesystem::path& root, std::uint64_t tablet) {
  if (rowset.object) {
    if (rowset.object->empty() != (rowset.blocks == 0) || rowset.file)
      refuse(root, tablet, fmt::format("version {} is remote but names no object; ask the source again", rowset.last_version));
    return;
  }
  const auto rows = rowset.file ? rowset.file->rows() : 0;
  const auto bytes = rowset.file ? rowset.file->bytes() : 0;
  if (rows != rowset.rows || bytes != rowset.bytes || (rowset.file && rowset.file->tablet() != tablet))
    refuse(root, tablet,
           fmt::format("the copy of version {} has {} rows and {} bytes instead of {} and {}, or "
                       "is another tablet's; fetch it again",
                       rowset.last_version, rows, bytes, rowset.rows, rowset.bytes));
}

/// Since a recall a newer set may reach less far than an older one: then the copy's local rowsets must.
void check_no_gap(const std::vector<rowset_meta>& dropped, const std::vector<copied_rowset>& copied,
                  const std::filesystem::path& root, std::uint64_t tablet) {
  std::uint64_t reached = 1;
  for (const auto& rowset : copied)  // Ascending.
    if (rowset.first_version <= reached + 1)
      reached = rowset.last_version;
  for (const auto& rowset : dropped)
    if (rowset.is_remote() && rowset.last_version > reached)
      refuse(root, tablet,
             fmt::format("the source ends at version {}, and what is remote here at {}; it has to be brought up to date first",
                         reached, rowset.last_version));
}

/// The copies in version order, if they are what a source may send: every range is real, none
/// overlaps another, and the remote ones come first, without a gap.
void check_copies(std::vector<copied_rowset>& copied, const std::filesystem::path& root, std::uint64_t tablet) {
  std::ranges::sort(copied, {}, &copied_rowset::first_version);
  std::uint64_t above = 1;
  bool was_remote = true;
  for (const auto& rowset : copied) {
    if (rowset.first_version <= above || rowset.last_version < rowset.first_version)
      refuse(root, tablet,
             fmt::format("its manifest has versions {}..{} after {}; ask the source again", rowset.first_version,
                         rowset.last_version, above));
    if (rowset.object && (!was_remote || rowset.first_version != above + 1))
      refuse(root, tablet,
             fmt::format("version {} is remote but not those before it; ask the source again", rowset.first_version));
    was_remote = rowset.object.has_value();
    above = rowset.last_version;
    check_copy(rowset, root, tablet);
  }
}

}  // namespace

sqlite_tablet_store::incoming sqlite_tablet_store::arrival(std::uint64_t tablet, copied_rowset rowset) {
  const auto blocks = rowset.file ? rowset.file->blocks() : rowset.blocks;
  rowset_meta meta{next_id(),   tablet,       rowset.txn, rowset.first_version, rowset.last_version,
                   rowset.rows, rowset.bytes, blocks,     std::move(rowset.object), rowset.written_ms};
  return {std::move(meta), blocks ? std::move(rowset.file) : nullptr};
}

sqlite_tablet_store::install_plan sqlite_tablet_store::plan_install(std::uint64_t tablet, std::uint64_t replica,
                                                                    bool full, std::vector<copied_rowset> copied,
                                                                    const remote_set& remote) {
  const auto* entry = index_.find(tablet);
  if (entry && entry->replica() != replica)
    refuse(root(), tablet, fmt::format("it holds replica {}, not {}; drop that one first", entry->replica(), replica));
  if (!entry && !full)
    refuse(root(), tablet, "only a full clone can create it; ask the source for one");
  check_copies(copied, root(), tablet);
  if (!full && std::ranges::any_of(copied, [](const copied_rowset& rowset) { return rowset.object.has_value(); }))
    refuse(root(), tablet, "remote rowsets come with a full clone only; ask the source for one");

  install_plan plan;
  plan.creates = !entry;
  // Its own remote rowsets are no worse than the source's, which may have been told less.
  const bool keeps_remote = entry && (!full || is_newer(entry->remote, remote));
  plan.remote = keeps_remote ? entry->remote : remote;
  const auto cloned_to = copied.empty() ? 1 : copied.back().last_version;
  replica_entry after(replica);
  for (const auto& rowset : entry ? entry->visible() : std::vector<rowset_meta>{}) {
    // What a load published while the clone ran was acknowledged: a full clone of an earlier
    // version must not take it away.
    const bool stays = rowset.is_remote() ? keeps_remote
                                          : !full || (rowset.first_version > cloned_to && (!entry->bad || is_sound(rowset)));
    (stays ? plan.kept : plan.dropped).push_back(rowset);
  }
  check_no_gap(plan.dropped, copied, root(), tablet);
  after.set_visible(plan.kept);
  for (auto& rowset : copied) {
    if (const auto* waiting = index_.prepared(rowset.txn, tablet))
      plan.retired.push_back(*waiting);
    if (after.covering(rowset.first_version, rowset.last_version))
      continue;
    if (rowset.object && keeps_remote)
      refuse(root(), tablet, fmt::format("the source has not brought version {} home from the remote store yet, which is not remote here any more; "
                                         "it is tried again", rowset.first_version));
    plan.fresh.push_back(arrival(tablet, std::move(rowset)));
  }
  return plan;
}

void sqlite_tablet_store::install(std::uint64_t tablet, std::uint64_t replica, bool full,
                                  std::vector<copied_rowset> rowsets, const remote_set& remote) {
  refuse_if_offline();
  auto plan = plan_install(tablet, replica, full, std::move(rowsets), remote);
  if (std::ranges::any_of(plan.fresh, [](const incoming& rowset) { return rowset.file != nullptr; }))
    files_.make_tablet_directory(tablet);
  placement placed(*this, plan.fresh);
  try {
    commit([&] {
      if (plan.creates)
        rows_.insert_replica(tablet, replica);
      for (const auto* gone : {&plan.dropped, &plan.retired})
        for (const auto& rowset : *gone)
          rows_.delete_rowset(rowset.id);
      for (const auto& rowset : plan.fresh)
        rows_.insert_rowset(rowset.meta);
      if (full)
        rows_.set_bad(tablet, false);
      rows_.set_remote(tablet, plan.remote);
    });
  } catch (...) {
    placed.leave_unsettled();
    try_to_settle();
    throw;
  }
  placed.keep();

  auto& entry = plan.creates ? index_.add_replica(tablet, replica) : existing(tablet);
  for (const auto& rowset : plan.fresh)
    plan.kept.push_back(rowset.meta);
  entry.set_visible(std::move(plan.kept));
  entry.bad = entry.bad && !full;
  entry.remote = plan.remote;
  for (const auto& rowset : plan.retired)
    index_.remove_prepared(rowset.txn, tablet);
  discard(plan.dropped);
  discard(plan.retired);
}

// -- move -------------------------------------------------------------------------------

namespace {

bool is_prepared(const copied_rowset& rowset) { return rowset.first_version == 0 && rowset.last_version == 0; }

/// The visible ones as check_copies() wants them, then the prepared ones, each of its own txn.
void check_moved(std::vector<copied_rowset>& moved, const std::filesystem::path& root, std::uint64_t tablet) {
  const auto first_prepared = std::stable_partition(moved.begin(), moved.end(), std::not_fn(is_prepared));
  std::vector<copied_rowset> prepared(std::make_move_iterator(first_prepared), std::make_move_iterator(moved.end()));
  moved.erase(first_prepared, moved.end());
  check_copies(moved, root, tablet);
  std::set<std::uint64_t> txns;
  for (auto& rowset : prepared) {
    check_copy(rowset, root, tablet);
    if (!txns.insert(rowset.txn).second)
      refuse(root, tablet, fmt::format("it has two prepared rowsets of txn {}", rowset.txn));
    moved.push_back(std::move(rowset));
  }
}

}  // namespace

void sqlite_tablet_store::adopt(std::uint64_t tablet, std::uint64_t replica, std::uint32_t moves,
                                std::vector<copied_rowset> rowsets, const remote_set& remote,
                                const std::optional<asked_publication>& asked) {
  refuse_if_offline();
  const auto* entry = index_.find(tablet);
  if (entry && entry->replica() != replica)
    refuse(root(), tablet, fmt::format("it holds replica {}, not {}; drop that one first", entry->replica(), replica));
  check_moved(rowsets, root(), tablet);
  std::vector<incoming> fresh;
  for (auto& rowset : rowsets)
    fresh.push_back(arrival(tablet, std::move(rowset)));
  const auto prepared_before = index_.prepared_of(tablet);
  auto replaced = entry ? entry->visible() : std::vector<rowset_meta>{};
  replaced.insert(replaced.end(), prepared_before.begin(), prepared_before.end());

  if (std::ranges::any_of(fresh, [](const incoming& rowset) { return rowset.file != nullptr; }))
    files_.make_tablet_directory(tablet);
  placement placed(*this, fresh);
  try {
    commit([&] {
      for (const auto& rowset : replaced)
        rows_.delete_rowset(rowset.id);
      rows_.delete_replica(tablet);
      rows_.insert_replica(tablet, replica);
      rows_.set_moves(tablet, moves);
      rows_.set_remote(tablet, remote);
      rows_.set_asked(tablet, asked);
      for (const auto& rowset : fresh)
        rows_.insert_rowset(rowset.meta);
    });
  } catch (...) {
    placed.leave_unsettled();
    try_to_settle();
    throw;
  }
  placed.keep();

  for (const auto& rowset : prepared_before)
    index_.remove_prepared(rowset.txn, tablet);
  auto& now = index_.add_replica(tablet, replica);
  now.moves = moves;
  now.remote = remote;
  now.asked = asked;
  std::vector<rowset_meta> visible;
  for (const auto& rowset : fresh)
    if (rowset.meta.first_version)
      visible.push_back(rowset.meta);
    else
      index_.add_prepared(rowset.meta);
  now.set_visible(std::move(visible));
  discard(replaced);
}

// -- verify -----------------------------------------------------------------------------

/// Of a remote one every reader finds out by itself.
bool sqlite_tablet_store::is_sound(const rowset_meta& rowset) const {
  if (rowset.is_remote())
    return true;
  try {
    const auto reader = open_rowset(rowset);
    std::vector<std::byte> block;
    for (std::uint32_t i = 0; i < reader->footer().blocks.size(); ++i)
      reader->read(i, block);
    return true;
  } catch (const storage_error& e) {
    // A lack of descriptors or of permission says nothing about the bytes.
    if (e.fault() != storage_fault::corrupt && e.fault() != storage_fault::io)
      throw;
    return false;
  }
}

bool sqlite_tablet_store::verify(std::uint64_t tablet) {
  const auto& visible = existing(tablet).visible();
  const bool sound = std::ranges::all_of(visible, [this](const rowset_meta& rowset) { return is_sound(rowset); });
  if (!sound)
    mark_bad(tablet, true);
  return sound;
}

}  // namespace tabletd
