// The tablet store: opening, replicas, and the commit that everything else goes through.
#include "persistence/sqlite_tablet_store.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <sys/statvfs.h>

namespace tabletd {

namespace {

const char* const path_key = "path";

std::filesystem::path identity_path(const std::filesystem::path& root) { return root / ".tabletd-path"; }

/// The directories that hold everything.
void make_own_directories(const std::filesystem::path& root) {
  for (const char* name : {"tablets", "tmp"})
    make_directory(root / name);
  sync_directory(root);
}

}  // namespace

std::int64_t wall_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::unique_ptr<tablet_store> tablet_store::open(const std::filesystem::path& root,
                                                 const tablet_store_options& options) {
  make_directories_durably(std::filesystem::absolute(root));
  demand_private_directory(root);
  std::error_code failed;
  const auto real = std::filesystem::canonical(root, failed);
  if (failed)
    throw_errno(failed.value(), root, "find");
  make_own_directories(real);
  return std::make_unique<sqlite_tablet_store>(real, options);
}

sqlite_tablet_store::sqlite_tablet_store(const std::filesystem::path& root, const tablet_store_options& options)
    : quota_(options.quota_bytes ? std::make_shared<space_quota>(options.quota_bytes) : nullptr),
      files_(root, quota_),
      lock_(root),
      identity_(read_identity(identity_path(root)).value_or(identity{})),
      rows_(root / "meta.db", options.sqlite_vfs),
      wall_ms_(options.wall_ms) {
  if (rows_.created() && files_.any_segment())
    throw storage_error(storage_fault::corrupt, root.string(),
                        fmt::format("{} holds segment files but its meta.db was lost; restore it "
                                    "from a copy, or move tablets/ away and let the replicas be "
                                    "cloned again",
                                    root.string()));
  id_max_ = rows_.load(index_);
  adopt_identity();
  rowsets_by_id known;
  index_.each_rowset([&](const rowset_meta& rowset) {
    if (rowset.blocks == 0 || rowset.is_remote())
      return;
    known.emplace(rowset.id, rowset);
    files_.known_durable(rowset.tablet);
  });
  judge_damage(files_.sweep(known, index_, findings_), known);
}

void sqlite_tablet_store::adopt_identity() {
  if (!identity_.contains(path_key)) {
    if (!index_.replicas().empty())
      throw storage_error(storage_fault::corrupt, identity_path(root()).string(),
                          fmt::format("{} is gone, yet the path holds {} replicas; restore it from "
                                      "a copy, or empty the path and let them be cloned again",
                                      identity_path(root()).string(), index_.replicas().size()));
    sync_own_name(root());
    auto made = identity_;
    made[path_key] = hex(random_number());
    write_identity_durably(identity_path(root()), made);
    identity_ = std::move(made);
  }
  const auto& text = identity_[path_key];
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), path_hash_, 16);
  if (failed != std::errc{} || end != text.data() + text.size() || path_hash_ == 0)
    throw storage_error(storage_fault::corrupt, identity_path(root()).string(),
                        fmt::format("{} names no path hash; restore it from a copy", identity_path(root()).string()));
}

/// A visible rowset without its file makes the replica bad.  A prepared one is forgotten:
/// its publish then fails here, and the replica is repaired as one that missed a version.
void sqlite_tablet_store::judge_damage(const std::vector<std::uint64_t>& damaged, const rowsets_by_id& known) {
  std::vector<rowset_meta> lost;
  for (const auto id : damaged) {
    const auto& rowset = known.at(id);
    if (rowset.first_version == 0) {
      lost.push_back(rowset);
    } else {
      index_.find(rowset.tablet)->bad = true;
      ++findings_.rowsets_damaged;
    }
  }
  findings_.prepared_lost = lost.size();
  if (lost.empty())
    return;
  commit([&] {
    for (const auto& rowset : lost)
      rows_.delete_rowset(rowset.id);
  });
  for (const auto& rowset : lost)
    index_.remove_prepared(rowset.txn, rowset.tablet);
  discard(lost);
}

void sqlite_tablet_store::bind(const std::string& cluster, std::uint64_t backend) {
  auto bound = identity_;
  if (!bind_identity(bound, cluster, "backend", backend, root()))
    return;
  refuse_if_offline();
  on_disk([&] { write_identity_durably(identity_path(root()), bound); });
  identity_ = std::move(bound);
}

path_usage sqlite_tablet_store::usage() const {
  path_usage used{.capacity_bytes = 0,
                  .available_bytes = 0,
                  .data_bytes = index_.file_bytes(),
                  .tablets = index_.replicas().size()};
  if (quota_) {
    used.capacity_bytes = quota_->limit_bytes();
    used.available_bytes = quota_->limit_bytes() - std::min(quota_->used_bytes(), quota_->limit_bytes());
    return used;
  }
  struct ::statvfs disk {};
  if (::statvfs(root().c_str(), &disk) != 0)
    throw_errno(errno, root(), "measure the file system of");
  used.capacity_bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  used.available_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  return used;
}

// -- replicas ---------------------------------------------------------------------------

replica_entry& sqlite_tablet_store::existing(std::uint64_t tablet) {
  auto* entry = index_.find(tablet);
  if (!entry)
    throw storage_error(
        storage_fault::unusable, root().string(),
        fmt::format("{} holds no replica of tablet {}; create or clone it first", root().string(), tablet));
  return *entry;
}

void sqlite_tablet_store::create_replica(std::uint64_t tablet, std::uint64_t replica) {
  if (const auto* entry = index_.find(tablet)) {
    if (entry->replica() == replica)
      return;
    throw storage_error(storage_fault::unusable, root().string(),
                        fmt::format("{} holds replica {} of tablet {}, not {}; drop that one first", root().string(),
                                    entry->replica(), tablet, replica));
  }
  commit([&] { rows_.insert_replica(tablet, replica); });
  index_.add_replica(tablet, replica);
}

bool sqlite_tablet_store::drop_replica(std::uint64_t tablet, std::uint64_t replica) {
  const auto* entry = index_.find(tablet);
  if (!entry || entry->replica() != replica)
    return false;
  const auto prepared = index_.prepared_of(tablet);
  auto dropped = entry->visible();
  dropped.insert(dropped.end(), prepared.begin(), prepared.end());
  commit([&] {
    for (const auto& rowset : dropped)
      rows_.delete_rowset(rowset.id);
    rows_.delete_replica(tablet);
  });
  for (const auto& rowset : prepared)
    index_.remove_prepared(rowset.txn, tablet);
  index_.remove_replica(tablet);
  discard(dropped);
  files_.discard_tablet_directory(tablet);
  return true;
}

std::optional<replica_status> sqlite_tablet_store::status(std::uint64_t tablet) const {
  const auto* entry = index_.find(tablet);
  return entry ? std::optional(entry->status(tablet)) : std::nullopt;
}

std::vector<replica_status> sqlite_tablet_store::list() const {
  std::vector<replica_status> all;
  all.reserve(index_.replicas().size());
  for (const auto& [tablet, entry] : index_.replicas())
    all.push_back(entry.status(tablet));
  return all;
}

void sqlite_tablet_store::mark_bad(std::uint64_t tablet, bool bad) {
  auto* entry = index_.find(tablet);
  if (!entry || entry->bad == bad)
    return;
  entry->bad = entry->bad || bad;  // Never serve damage because a disk also refuses the note.
  commit([&] { rows_.set_bad(tablet, bad); });
  entry->bad = bad;
}

// -- commit -----------------------------------------------------------------------------

void sqlite_tablet_store::commit(const std::function<void()>& work) {
  refuse_if_offline();
  try {
    sqlite::transaction change(rows_.db());
    work();
    change.commit();
  } catch (const storage_error& e) {
    if (e.fault() == storage_fault::io || e.fault() == storage_fault::corrupt)
      go_offline(e);
    throw;
  }
  discard(std::exchange(unsettled_, {}));
}

void sqlite_tablet_store::on_disk(const std::function<void()>& work) {
  try {
    work();
  } catch (const storage_error& e) {
    if (e.fault() == storage_fault::io)
      go_offline(e);
    throw;
  }
}

void sqlite_tablet_store::refuse_if_offline() const {
  if (!offline_.empty())
    throw storage_error(storage_fault::io, root().string(),
                        fmt::format("{} takes no more writes since: {}", root().string(), offline_));
}

void sqlite_tablet_store::try_to_settle() noexcept {
  if (!offline_.empty())
    return;
  try {
    commit([this] { rows_.touch(); });
  } catch (const std::exception&) {
    // Still unsettled; the next commit or the next open sees to it.
  }
}

void sqlite_tablet_store::go_offline(const storage_error& reason) { offline_ = reason.what(); }

void sqlite_tablet_store::discard(const std::vector<rowset_meta>& rowsets) {
  for (const auto& rowset : rowsets)
    files_.discard(rowset);
}

// -- placement --------------------------------------------------------------------------

sqlite_tablet_store::placement::placement(sqlite_tablet_store& store, std::vector<incoming>& rowsets) : store_(store) {
  store.on_disk([&] {
    std::vector<std::uint64_t> tablets;
    for (auto& [meta, file] : rowsets)
      if (file)
        file->write_footer();  // All of them start towards the disk before the first one waits.
    for (auto& [meta, file] : rowsets)
      if (file)
        file->finish();
    try {
      for (auto& [meta, file] : rowsets) {
        if (!file)
          continue;
        file->seal_as(store.files_.segment(meta.tablet, meta.id));
        placed_.push_back(meta);
        tablets.push_back(meta.tablet);
      }
      store.files_.sync(tablets);
    } catch (...) {
      store.discard(placed_);  // No destructor runs for an object that was never complete.
      throw;
    }
  });
}

sqlite_tablet_store::placement::~placement() { store_.discard(placed_); }

void sqlite_tablet_store::placement::leave_unsettled() {
  auto& unsettled = store_.unsettled_;
  unsettled.insert(unsettled.end(), placed_.begin(), placed_.end());
  placed_.clear();
}

}  // namespace tabletd
