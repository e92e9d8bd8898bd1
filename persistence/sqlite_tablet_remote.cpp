// The tablet store: following what lies in the remote store, and taking it back (spec/jobs.md B8).
#include "persistence/sqlite_tablet_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace tabletd {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& root, std::uint64_t tablet, const std::string& why) {
  throw storage_error(storage_fault::unusable, root.string(),
                      fmt::format("tablet {} on {} cannot take over its remote rowsets: {}", tablet, root.string(), why));
}

/// Where the set ends, if it is one.
std::uint64_t end_of(const std::filesystem::path& root, std::uint64_t tablet, const std::vector<rowset_meta>& rowsets) {
  std::uint64_t end = 1;
  for (const auto& rowset : rowsets) {
    if (rowset.first_version != end + 1 || rowset.last_version < rowset.first_version || !rowset.is_remote()
        || rowset.object->empty() != (rowset.blocks == 0))
      refuse(root, tablet,
             fmt::format("their list has versions {}..{} after {}, or one that names no object", rowset.first_version,
                         rowset.last_version, end));
    end = rowset.last_version;
  }
  return end;
}

/// B8 3 and 4: never back, and no local rowset across the end.
void check_alignment(const std::filesystem::path& root, std::uint64_t tablet, const std::vector<rowset_meta>& visible,
                     std::uint64_t end) {
  for (const auto& rowset : visible) {
    if (rowset.is_remote() && rowset.last_version > end)
      refuse(root, tablet,
             fmt::format("they end at version {}, those it has at {} or later", end, rowset.last_version));
    if (rowset.first_version <= end && rowset.last_version > end)
      refuse(root, tablet,
             fmt::format("its versions {}..{} are one rowset, not aligned with version {}", rowset.first_version,
                         rowset.last_version, end));
  }
}

/// By object name, not by version: what was compacted has the same versions under another name.
bool is_same(const rowset_meta& a, const rowset_meta& b) {
  return a.object == b.object && a.first_version == b.first_version && a.last_version == b.last_version
         && a.rows == b.rows && a.bytes == b.bytes && a.blocks == b.blocks;
}

/// The set is for this replica, and takes the place of an older one.
void check_newer(const std::filesystem::path& root, std::uint64_t tablet, std::uint64_t here, std::uint64_t replica,
                 const remote_set& own, const remote_set& set) {
  if (here != replica)
    refuse(root, tablet, fmt::format("it is replica {}, not {}", here, replica));
  if (!is_newer(set, own))
    refuse(root, tablet,
           fmt::format("set {}.{} is not newer than its own {}.{}", set.term, set.seq, own.term, own.seq));
}

/// Lists of remote rowsets do not say when their rows were written; those here that they take the place of do.
std::int64_t newest_write(const std::vector<rowset_meta>& visible, const rowset_meta& of) {
  std::int64_t newest = 0;
  for (const auto& rowset : visible)
    if (rowset.first_version <= of.last_version && rowset.last_version >= of.first_version)
      newest = std::max(newest, rowset.written_ms);
  return newest;
}

}  // namespace

std::optional<asked_publication> sqlite_tablet_store::asked(std::uint64_t tablet) const {
  const auto* entry = index_.find(tablet);
  return entry ? entry->asked : std::nullopt;
}

void sqlite_tablet_store::save_asked(std::uint64_t tablet, std::uint64_t replica,
                                     const std::optional<asked_publication>& what) {
  auto& entry = existing(tablet);
  if (entry.replica() != replica)
    refuse(root(), tablet, fmt::format("it is replica {}, not {}", entry.replica(), replica));
  commit([&] { rows_.set_asked(tablet, what); });
  entry.asked = what;
}

/// What following changes, decided before anything is touched.
struct sqlite_tablet_store::follow_plan {
  std::vector<rowset_meta> after;    ///< All that are visible then.
  std::vector<rowset_meta> fresh;    ///< Of those the new ones.
  std::vector<rowset_meta> dropped;  ///< Visible before.
  std::vector<rowset_meta> retired;  ///< Prepared, and now visible as remote ones.
};

sqlite_tablet_store::follow_plan sqlite_tablet_store::plan_follow(std::uint64_t tablet, const replica_entry& entry,
                                                                  std::vector<rowset_meta> rowsets) {
  const auto end = end_of(root(), tablet, rowsets);
  check_alignment(root(), tablet, entry.visible(), end);
  follow_plan plan;
  std::unordered_set<std::uint64_t> stay;
  for (auto& rowset : rowsets) {
    const auto* known = entry.covering(rowset.first_version, rowset.last_version);
    const bool is_known = known && is_same(*known, rowset);
    rowset.tablet = tablet;
    rowset.id = is_known ? known->id : next_id();
    rowset.written_ms = newest_write(entry.visible(), rowset);
    if (is_known)
      stay.insert(rowset.id);
    else
      plan.fresh.push_back(rowset);
    if (const auto* waiting = index_.prepared(rowset.txn, tablet))
      plan.retired.push_back(*waiting);
  }
  plan.after = std::move(rowsets);
  for (const auto& rowset : entry.visible())
    if (rowset.first_version > end)
      plan.after.push_back(rowset);
    else if (!stay.contains(rowset.id))
      plan.dropped.push_back(rowset);
  return plan;
}

void sqlite_tablet_store::follow(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
                                 std::vector<rowset_meta> rowsets) {
  refuse_if_offline();
  auto& entry = existing(tablet);
  check_newer(root(), tablet, entry.replica(), replica, entry.remote, set);
  auto plan = plan_follow(tablet, entry, std::move(rowsets));
  commit([&] {
    for (const auto* gone : {&plan.dropped, &plan.retired})
      for (const auto& rowset : *gone)
        rows_.delete_rowset(rowset.id);
    for (const auto& rowset : plan.fresh)
      rows_.insert_rowset(rowset);
    rows_.set_remote(tablet, set);
  });

  entry.set_visible(std::move(plan.after));
  entry.remote = set;
  for (const auto& rowset : plan.retired)
    index_.remove_prepared(rowset.txn, tablet);
  discard(plan.dropped);
  discard(plan.retired);
}

// -- a recall ---------------------------------------------------------------------------

/// The local rowset that takes the place of each remote one.
std::vector<sqlite_tablet_store::incoming> sqlite_tablet_store::plan_home(std::uint64_t tablet, const replica_entry& entry,
                                                                         std::vector<homecoming_rowset> files) {
  std::map<std::string, std::unique_ptr<rowset_writer>> by_object;
  for (auto& one : files)
    by_object[one.object] = std::move(one.file);
  std::vector<incoming> fresh;
  for (auto local : entry.visible()) {
    if (!local.is_remote())
      continue;
    std::unique_ptr<rowset_writer> file;
    if (local.blocks > 0) {
      if (const auto at = by_object.find(*local.object); at != by_object.end())
        file = std::move(by_object.extract(at).mapped());
      if (!file || file->tablet() != tablet || file->rows() != local.rows || file->bytes() != local.bytes
          || file->blocks() != local.blocks)
        refuse(root(), tablet,
               fmt::format("there is no copy of {} with its {} rows and {} bytes", *local.object, local.rows, local.bytes));
    }
    local.object.reset();
    local.id = file ? files_.segment_id(tablet, file->final_path()).value_or(next_id()) : next_id();
    fresh.push_back({std::move(local), std::move(file)});
  }
  if (!by_object.empty())
    refuse(root(), tablet, fmt::format("object {} is none of them any more", by_object.begin()->first));
  return fresh;
}

void sqlite_tablet_store::come_home(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
                                    std::vector<homecoming_rowset> files) {
  refuse_if_offline();
  auto& entry = existing(tablet);
  check_newer(root(), tablet, entry.replica(), replica, entry.remote, set);
  auto fresh = plan_home(tablet, entry, std::move(files));
  const bool settles = entry.asked && !is_newer(entry.asked->set, set);
  placement placed(*this, fresh);
  try {
    commit([&] {
      for (const auto& rowset : entry.visible())
        if (rowset.is_remote())
          rows_.delete_rowset(rowset.id);
      for (const auto& rowset : fresh)
        rows_.insert_rowset(rowset.meta);
      rows_.set_remote(tablet, set);
      if (settles)
        rows_.set_asked(tablet, std::nullopt);
    });
  } catch (...) {
    placed.leave_unsettled();
    try_to_settle();
    throw;
  }
  placed.keep();

  std::vector<rowset_meta> visible;
  for (const auto& rowset : entry.visible())
    if (!rowset.is_remote())
      visible.push_back(rowset);
  for (const auto& rowset : fresh)
    visible.push_back(rowset.meta);
  entry.set_visible(std::move(visible));
  entry.remote = set;
  if (settles)
    entry.asked.reset();
}

}  // namespace tabletd
