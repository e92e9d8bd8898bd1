// See file_cache.h.
#include "persistence/cache/file_cache.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace tabletd {

namespace {

epoch_seconds system_seconds() {
  return static_cast<epoch_seconds>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

file_cache_options completed(file_cache_options options) {
  if (!options.now)
    options.now = system_seconds;
  return options;
}

std::vector<std::uint64_t> capacities_of(const file_cache_options& options) {
  std::vector<std::uint64_t> capacities;
  for (const auto& path : options.paths)
    capacities.push_back(path.capacity_bytes);
  return capacities;
}

}  // namespace

file_cache::file_cache(file_cache_options options)
    : options_(completed(std::move(options))),
      policy_(capacities_of(options_), options_.capacity_bytes, options_.rules) {
  for (std::size_t i = 0; i < options_.paths.size(); ++i) {
    paths_.emplace_back().options = options_.paths[i];
    try {
      load(i);
    } catch (const storage_error& why) {
      paths_[i].folder.reset();
      paths_[i].fault = why.what();
      paths_[i].is_failed = true;
      policy_.set_admits(i, false);
    }
  }
}

file_cache::~file_cache() {
  for (std::size_t i = 0; i < paths_.size(); ++i)
    write_index(i, if_busy::wait);
}

void file_cache::load(std::size_t path) {
  auto& entry = paths_[path];
  entry.folder = std::make_unique<cache_path>(entry.options.directory, options_.rules.block_bytes, entry.options.quota,
                                              options_.sqlite_vfs);
  const auto there = entry.folder->load(now());
  for (const auto& block : there.blocks)
    if (!policy_.restore(there.objects.at(block.object), path, block.is, now())) {
      entry.folder->discard(block.object, block.is.number, block.is.bytes);
      entry.dirty.emplace_back(block.object, block.is.number);
    }
  measure(path);
}

// -- reading ----------------------------------------------------------------------------

void file_cache::read(remote_store& store, const remote_object& object, std::uint64_t offset, std::span<std::byte> into,
                      const cache_reader& reader) {
  if (reader.partition != 0) {
    const std::lock_guard guard(heat_lock_);
    heat_.add(reader.partition, into.size(), std::chrono::seconds(now()));
  }
  if (offset > object.size_bytes || into.size() > object.size_bytes - offset)
    return download(store, object, offset, into, reader.time_left);  // Which says so.
  while (!into.empty()) {
    const auto number = static_cast<std::uint32_t>(offset / block_bytes());
    const auto in_block = static_cast<std::uint32_t>(offset % block_bytes());
    const auto here = into.first(std::min<std::size_t>(into.size(), block_bytes() - in_block));
    held_lock lock(lock_);
    while (!read_here(lock, object, number, in_block, here)
           && !read_there(lock, store, object, number, in_block, here, reader.time_left)) {
    }
    into = into.subspan(here.size());
    offset += here.size();
  }
}

bool file_cache::read_here(held_lock& lock, const remote_object& object, std::uint32_t number, std::uint32_t offset,
                           std::span<std::byte> into) {
  const auto slot = policy_.find(object, number);
  if (!slot)
    return false;
  if (policy_.read(*slot, now()))
    mark_dirty(*slot);
  if (read_slot(lock, *slot, offset, into) != block_outcome::served)
    return false;
  ++counters_.hits;
  counters_.bytes_from_cache += into.size();
  return true;
}

block_outcome file_cache::read_slot(held_lock& lock, block_slot slot, std::uint32_t offset, std::span<std::byte> into) {
  const auto block = policy_.block(slot);
  const auto object = policy_.object_of(slot).is;
  const block_to_read wanted{.file = paths_[block.path].folder->file_of(object.id(), block.number),
                             .bytes = block.bytes,
                             .checksum = block.checksum};
  lock.unlock();
  const auto outcome = read_block_file(wanted, offset, into);
  lock.lock();
  if (outcome == block_outcome::served || outcome == block_outcome::refused)
    return outcome;
  // Evicted meanwhile: then it is no damage that its file is not there.
  if (policy_.find(object, block.number) != slot)
    return block_outcome::missing;
  if (const auto gone = policy_.drop(slot))
    discard(lock, {*gone});
  return outcome;
}

bool file_cache::read_there(held_lock& lock, remote_store& store, const remote_object& object, std::uint32_t number,
                            std::uint32_t offset, std::span<std::byte> into, const time_left_fn& time_left) {
  block_memory bytes;
  if (const auto under_way = flight_of(object, number)) {
    bytes = join(lock, *under_way, time_left);
    if (!bytes)
      return false;
    ++counters_.joined;
  } else if (!policy_.has_room(object, number, block_queue::normal, false, now())
             || flights_.contains({object.id(), number})) {
    // Nobody could keep the rest of the block.
    lock.unlock();
    download(store, object, std::uint64_t{number} * block_bytes() + offset, into, time_left);
    ++counters_.bypassed;
  } else {
    bytes = lead(lock, store, object, number, block_queue::normal, false, time_left).bytes;
  }
  ++counters_.misses;
  if (lock.owns_lock())
    lock.unlock();
  if (bytes)
    std::memcpy(into.data(), bytes->data() + offset, into.size());
  return true;
}

void file_cache::download(remote_store& store, const remote_object& object, std::uint64_t offset,
                          std::span<std::byte> into, const time_left_fn& time_left) {
  const auto got = store.get(object.key, offset, into, time_left);
  counters_.bytes_from_store += got;
  if (got != into.size())
    throw storage_error(storage_fault::corrupt, object.key,
                        fmt::format("{}/{}: ends before offset {}; no other copy of it is kept; look whether the store "
                                    "has an older version of the object",
                                    store.name(), object.key, offset + into.size()));
}

// -- proof ------------------------------------------------------------------------------

std::uint64_t file_cache::bytes_present(const remote_object& object) const {
  const std::lock_guard guard(lock_);
  return policy_.bytes_present(object);
}

cache_verdict file_cache::verify(const remote_object& object, const time_left_fn& time_left) {
  cache_verdict verdict;
  std::vector<std::byte> whole(block_bytes());
  const auto blocks = blocks_of(object.size_bytes, block_bytes());
  for (std::uint32_t number = 0; number < blocks && time_left() > std::chrono::milliseconds(0); ++number) {
    const auto length = length_of_block(object.size_bytes, block_bytes(), number);
    held_lock lock(lock_);
    const auto slot = policy_.find(object, number);
    switch (slot ? read_slot(lock, *slot, 0, std::span(whole).first(length)) : block_outcome::missing) {
      case block_outcome::served:
        verdict.bytes_sound += length;
        break;
      case block_outcome::damaged:
      case block_outcome::unreadable:
        verdict.bytes_damaged += length;
        break;
      case block_outcome::missing:
      case block_outcome::refused:
        verdict.bytes_missing += length;
    }
  }
  return verdict;
}

void file_cache::distrust(const remote_object& object, std::uint64_t offset, std::uint64_t bytes) {
  held_lock lock(lock_);
  std::vector<eviction> dropped;
  for (auto number = offset / block_bytes(); number * block_bytes() < offset + bytes; ++number)
    if (const auto slot = policy_.find(object, static_cast<std::uint32_t>(number)))
      if (const auto gone = policy_.drop(*slot))
        dropped.push_back(*gone);
  discard(lock, dropped);
}

void file_cache::abandon(const remote_object& object) {
  const std::lock_guard guard(lock_);
  const auto* known = policy_.object_by_id(object.id());
  if (!known || known->is != object)
    return;
  for (const auto slot : known->blocks)
    if (slot != cache_policy::no_block && policy_.abandon(slot))
      mark_dirty(slot);
}

std::vector<heat_of_partition> file_cache::hottest(std::size_t count) const {
  const std::lock_guard guard(heat_lock_);
  return heat_.hottest(count, std::chrono::seconds(now()));
}

}  // namespace tabletd
