#include "node/be/cold_reader.h"

#include "actors/codec/remote_meta_codec.h"
#include "actors/model/cooldown_sets.h"
#include "node/be/late_store.h"
#include "node/be/remote_meta_object.h"
#include "node/kj_text.h"
#include "node/log.h"
#include "persistence/crc32c.h"
#include "persistence/remote/remote_segment.h"

#include <fmt/format.h>
#include <kj/exception.h>
#include <pthread.h>

#include <set>
#include <string>
#include <system_error>
#include <utility>

namespace tabletd {

namespace {

std::filesystem::path cache_directory(const disk_worker& disk) { return std::filesystem::path(disk.root()) / "cache"; }

/// Whoever turns the cache off wants its space back.
void discard_cache(const path_set& paths) {
  for (const auto& disk : paths.disks()) {
    std::error_code failed;
    std::filesystem::remove_all(cache_directory(*disk), failed);
    if (failed)
      log_warn("what is left of a path's cache could not be deleted",
               {{"path", disk->root()}, {"why", failed.message()}});
  }
}

meta_key key_of(model::tablet_id tablet, const model::published_meta& published) {
  return {model::raw(published.resource), meta_object_key(tablet, published), published.crc32c};
}

/// The bytes have the checksum of the log, so what is wrong with them was wrong when they were published.
model::remote_meta understood(std::span<const std::byte> object, model::tablet_id tablet,
                              const model::published_meta& published) {
  const auto key = meta_object_key(tablet, published);
  model::remote_meta meta;
  try {
    meta = codec::decode_remote_meta(object);
  } catch (const kj::Exception& why) {
    throw remote_error(remote_fault::corrupt, key, fmt::format("{} cannot be understood: {}", key, text_of(why)));
  }
  if (const auto defect = model::defect_of(meta, tablet, published); !defect.empty())
    throw remote_error(remote_fault::corrupt, key, defect);
  return meta;
}

}  // namespace

// -- start and stop ----------------------------------------------------------------------

cold_reader::cold_reader(cold_cache_options options, const path_set& paths, std::shared_ptr<remote_shelf> shelf)
    : options_(std::move(options)), shelf_(std::move(shelf)) {
  if (options_.capacity_bytes == 0)
    discard_cache(paths);
  else
    open_cache(paths);
  if (!cache_)
    return;
  open_metas();
  tell_faults();
  upkeep_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "cache");
    run_upkeep();
  });
}

void cold_reader::open_cache(const path_set& paths) {
  file_cache_options made;
  made.capacity_bytes = options_.capacity_bytes;
  made.rules = options_.rules;
  made.reserve = options_.reserve;
  for (const auto& disk : paths.disks())
    made.paths.push_back({.directory = cache_directory(*disk),
                          .capacity_bytes = disk->status().usage.capacity_bytes,
                          .space = [root = disk->root(), quota = disk->quota()] { return space_of(root, quota.get()); },
                          .quota = disk->quota()});
  try {
    cache_ = std::make_shared<file_cache>(std::move(made));
  } catch (const std::exception& why) {
    log_warn("this backend goes on without a file cache", {{"why", why.what()}});
  }
}

/// On the first path that can take them: they are few, and what is lost with it comes from the store again.
void cold_reader::open_metas() {
  std::string why_not = "no path has a cache";
  for (const auto& path : cache_->status()) {
    if (!path.fault.empty())
      continue;
    try {
      metas_ = std::make_unique<meta_cache>(meta_cache_options{
          .file = path.directory / "metas.db", .capacity_bytes = options_.meta_bytes, .now = nullptr, .sqlite_vfs = {}});
      return;
    } catch (const storage_error& why) {
      why_not = why.what();
    }
  }
  log_warn("lists of remote rowsets are not cached", {{"why", why_not}});
}

cold_reader::~cold_reader() { stop(); }

void cold_reader::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (upkeep_.joinable())
    upkeep_.join();
}

void cold_reader::run_upkeep() {
  for (std::unique_lock lock(mutex_);;) {
    if (wake_.wait_for(lock, options_.upkeep_interval, [this] { return stopping_; }))
      return;
    lock.unlock();
    try {
      cache_->maintain();
      tell_faults();
    } catch (const std::exception& why) {
      log_once("cache upkeep", log_level::error, "the file cache could not be looked after", {{"why", why.what()}});
    }
    lock.lock();
  }
}

void cold_reader::tell_faults() {
  const auto paths = cache_->status();
  told_.resize(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (auto& told = told_[i]; told != paths[i].fault) {
      told = paths[i].fault;
      if (!told.empty())
        log_warn("the cache of a path is out of use, or takes no blocks",
                 {{"directory", paths[i].directory.string()}, {"why", told}});
    }
}

// -- reading -----------------------------------------------------------------------------

std::shared_ptr<remote_store> cold_reader::store(model::resource_id resource) const {
  return std::make_shared<late_store>(shelf_, resource);
}

std::shared_ptr<rowset_reader> cold_reader::open(const cold_rowset& rowset, time_left_fn time_left) const {
  if (!cache_)
    return open_remote_rowset(shelf_->find(rowset.resource), rowset.tablet, rowset.object, rowset.size_bytes,
                              std::move(time_left));
  return open_cached_rowset(
      cache_, {store(rowset.resource), model::raw(rowset.resource), rowset.tablet, rowset.object, rowset.size_bytes},
      {.time_left = std::move(time_left), .partition = rowset.partition});
}

cold_meta cold_reader::meta(model::tablet_id tablet, const model::published_meta& published,
                            const time_left_fn& time_left) const {
  if (auto here = cached_meta(tablet, published)) {
    if (model::is_recall(published) && metas_)
      abandon_older(tablet, here->meta);
    return *std::move(here);
  }
  const auto object = download_meta(*shelf_->find(published.resource), tablet, published, time_left);
  auto meta = understood(object, tablet, published);
  bool is_kept = false;
  if (metas_) {
    abandon_older(tablet, meta);
    is_kept = metas_->keep(key_of(tablet, published), object);
  }
  return {std::move(meta), object.size(), is_kept, true};
}

void cold_reader::abandon_older(model::tablet_id tablet, const model::remote_meta& newest) const {
  std::set<std::string> named;
  for (const auto& rowset : newest.rowsets)
    named.insert(rowset.object);
  for (const auto& [key, bytes] : metas_->in_folder(tablet_folder(model::raw(tablet)))) {
    model::remote_meta older;
    if (crc32c(bytes) != key.crc32c) {
      metas_->forget(key);  // Nobody knows what a damaged row would say.
      continue;
    }
    try {
      older = codec::decode_remote_meta(bytes);
    } catch (const kj::Exception&) {
      metas_->forget(key);
      continue;
    }
    if (older.id >= newest.id)
      continue;
    for (const auto& rowset : older.rowsets)
      if (rowset.blocks > 0 && (older.resource != newest.resource || !named.contains(rowset.object)))
        cache_->abandon(object_of({nullptr, model::raw(older.resource), model::raw(tablet), rowset.object,
                                   rowset_file_bytes(rowset.bytes, rowset.blocks)}));
    metas_->forget(key);
  }
}

std::optional<cold_meta> cold_reader::cached_meta(model::tablet_id tablet,
                                                  const model::published_meta& published) const {
  if (model::is_recall(published))
    return cold_meta{model::remote_meta{tablet, {}, published.id, {}, {}}, 0, true, false};
  if (!metas_)
    return std::nullopt;
  const auto here = metas_->find(key_of(tablet, published));
  if (!here)
    return std::nullopt;
  return cold_meta{understood(*here, tablet, published), here->size(), true, false};
}

}  // namespace tabletd
