// What leaves the cache, how much of its disks it may hold, and what the indexes learn of it.
#include "persistence/cache/file_cache.h"

#include <algorithm>
#include <utility>

namespace tabletd {

namespace {

known_block known(const cached_block& block) {
  return {.number = block.number,
          .bytes = block.bytes,
          .checksum = block.checksum,
          .read_at = block.read_at,
          .warm_until = block.warm_until};
}

bool is_whole(const cached_block& block) {
  return block.queue == block_queue::normal || block.queue == block_queue::warm;
}

}  // namespace

void file_cache::discard(held_lock& lock, const std::vector<eviction>& evicted) {
  if (evicted.empty())
    return;
  struct file {
    cache_path* folder;
    std::uint64_t object;
    std::uint32_t number, bytes;
  };
  std::vector<file> files;
  for (const auto& [slot, reason] : evicted) {
    const auto& block = policy_.block(slot);
    files.push_back({paths_[block.path].folder.get(), policy_.object_of(slot).id, block.number, block.bytes});
    ++counters_.evicted(reason);
  }
  // A reader that has such a file open reads on; one that comes now finds no block.
  lock.unlock();
  for (const auto& [folder, object, number, bytes] : files)
    folder->discard(object, number, bytes);
  lock.lock();
  for (const auto& each : evicted) {
    mark_dirty(each.slot);
    policy_.left(each.slot);
  }
}

void file_cache::mark_dirty(block_slot slot) {
  const auto& block = policy_.block(slot);
  if (auto& path = paths_[block.path]; !path.is_failed)
    path.dirty.emplace_back(policy_.object_of(slot).id, block.number);
}

void file_cache::maintain() {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (!paths_[i].folder)
      continue;
    measure(i);
    {
      const std::lock_guard guard(lock_);
      paths_[i].is_index_resting = false;
    }
    write_index(i, if_busy::wait);
  }
}

std::string file_cache::write_down() {
  for (std::size_t i = 0; i < paths_.size(); ++i)
    write_index(i, if_busy::wait);
  const std::lock_guard guard(lock_);
  for (const auto& path : paths_)
    if (path.is_index_behind)
      return path.fault.empty() ? "the index of a path could not be written" : path.fault;
  return {};
}

std::uint64_t file_cache::bytes_written_down(const remote_object& object) const {
  const std::lock_guard guard(lock_);
  const auto* known = policy_.object_by_id(object.id());
  if (!known || known->is != object)
    return 0;
  std::uint64_t bytes = 0;
  for (const auto slot : known->blocks)
    if (slot != cache_policy::no_block && is_whole(policy_.block(slot))
        && !paths_[policy_.block(slot).path].is_index_behind)
      bytes += policy_.block(slot).bytes;
  return bytes;
}

void file_cache::measure(std::size_t path) {
  std::optional<disk_space> disk;
  if (const auto& space = paths_[path].options.space) {
    try {
      disk = space();
    } catch (const storage_error&) {
      return;  // What was measured last holds.
    }
  }
  held_lock lock(lock_);
  auto& entry = paths_[path];
  policy_.expire(now());
  const auto allowed = disk ? options_.reserve.allowed_bytes(*disk, policy_.holdings(path).bytes_held())
                            : entry.options.capacity_bytes;
  if (!entry.is_failed)
    entry.fault.clear();
  discard(lock, policy_.set_capacity(path, allowed));
}

// -- indexes ----------------------------------------------------------------------------

index_batch file_cache::changes_of(std::size_t path, const std::vector<block_id>& dirty) const {
  index_batch batch;
  for (const auto& [id, number] : dirty) {
    index_change change{.object = id, .number = number, .is = std::nullopt};
    const auto* object = policy_.object_by_id(id);
    if (object && number < object->blocks.size() && object->blocks[number] != cache_policy::no_block) {
      const auto& block = policy_.block(object->blocks[number]);
      if (is_whole(block) && block.path == path) {
        change.is = known(block);
        batch.objects.emplace(id, object->is);
      }
    }
    batch.changes.push_back(change);
  }
  return batch;
}

void file_cache::write_index(std::size_t path, if_busy rule) {
  auto* folder = paths_[path].folder.get();
  if (!folder)
    return;
  std::unique_lock writing(folder->index_lock(), std::defer_lock);
  if (rule == if_busy::wait)
    writing.lock();
  else if (!writing.try_lock())
    return;
  held_lock lock(lock_);
  auto dirty = std::exchange(paths_[path].dirty, {});
  std::sort(dirty.begin(), dirty.end());
  dirty.erase(std::unique(dirty.begin(), dirty.end()), dirty.end());
  const auto batch = changes_of(path, dirty);
  lock.unlock();
  if (batch.changes.empty())
    return;
  try {
    folder->apply(batch);
  } catch (const storage_error& why) {
    lock.lock();
    return note_failed_index(path, std::move(dirty), why);
  }
  lock.lock();
  if (!paths_[path].is_failed)
    paths_[path].is_index_behind = false;
}

void file_cache::note_failed_index(std::size_t path, std::vector<block_id> dirty, const storage_error& why) {
  // Rows that are behind are harmless: the next start believes them only where a file agrees.  But the changes take
  // memory, so a path whose index stays unwritable takes no more blocks.
  constexpr std::size_t batches_max = 16;
  ++counters_.failed_index_writes;
  auto& entry = paths_[path];
  entry.fault = why.what();
  entry.is_index_resting = true;
  entry.is_index_behind = true;
  entry.dirty.insert(entry.dirty.end(), dirty.begin(), dirty.end());
  const bool may_pass = why.fault() == storage_fault::disk_full || why.fault() == storage_fault::locked;
  if (may_pass && entry.dirty.size() < batches_max * options_.index_batch)
    return;
  entry.is_failed = true;
  entry.dirty.clear();
  policy_.set_admits(path, false);
}

void file_cache::write_index_if_due(std::size_t path) {
  {
    const std::lock_guard guard(lock_);
    if (paths_[path].dirty.size() < options_.index_batch || paths_[path].is_index_resting)
      return;
  }
  write_index(path, if_busy::leave);
}

std::vector<cache_path_status> file_cache::status() const {
  const std::lock_guard guard(lock_);
  std::vector<cache_path_status> all;
  for (std::size_t i = 0; i < paths_.size(); ++i)
    all.push_back({paths_[i].options.directory, policy_.holdings(i), paths_[i].fault});
  return all;
}

cache_room file_cache::room() const {
  const std::lock_guard guard(lock_);
  cache_room room;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const auto& holdings = policy_.holdings(i);
    if (holdings.admits)
      room.for_warmups_bytes
          += static_cast<std::uint64_t>(static_cast<double>(holdings.capacity_bytes) * options_.rules.warm_share);
    room.held_bytes += holdings.bytes_held();
  }
  return room;
}

}  // namespace tabletd
