// One download for all who want the same block, and how it gets to a disk.
#include "persistence/cache/file_cache.h"

#include <fmt/format.h>

#include <utility>

namespace tabletd {

using namespace std::chrono_literals;

namespace {

/// time_left has to be asked again and again: it has no way to call out.
constexpr auto ask_again = 50ms;

}  // namespace

std::shared_ptr<file_cache::flight> file_cache::flight_of(const remote_object& object, std::uint32_t number) const {
  const auto at = flights_.find({object.id(), number});
  return at != flights_.end() && at->second->object == object ? at->second : nullptr;
}

template <class Reached>
void file_cache::wait_until(held_lock& lock, flight& under_way, const time_left_fn& time_left, const Reached& reached) {
  while (!reached()) {
    lock.unlock();
    const auto left = time_left();
    if (left <= 0ms)
      throw remote_error(
          remote_fault::stopped, under_way.object.key,
          fmt::format("stopped waiting for another reader's download of {}; try again", under_way.object.key));
    lock.lock();
    under_way.settled.wait_for(lock, std::min<std::chrono::milliseconds>(left, ask_again), reached);
  }
}

file_cache::block_memory file_cache::join(held_lock& lock, flight& under_way, const time_left_fn& time_left) {
  wait_until(lock, under_way, time_left, [&] { return under_way.bytes || under_way.failure; });
  if (const auto& why = under_way.failure; why && !why->is_stop()) {
    if (!why->remote)
      throw storage_error(storage_fault::corrupt, why->subject, why->sentence);
    throw remote_error(*why->remote, why->subject, why->sentence);
  }
  return under_way.bytes;
}

file_cache::flown file_cache::lead(held_lock& lock, remote_store& store, const remote_object& object,
                                   std::uint32_t number, block_queue queue, bool forced,
                                   const time_left_fn& time_left) {
  const block_id id{object.id(), number};
  const auto bytes
      = std::make_shared<std::vector<std::byte>>(length_of_block(object.size_bytes, block_bytes(), number));
  const auto mine = std::make_shared<flight>();
  mine->object = object;
  flights_.emplace(id, mine);
  lock.unlock();
  try {
    download(store, object, std::uint64_t{number} * block_bytes(), *bytes, time_left);
  } catch (const remote_error& why) {
    fail_flight(lock, id, *mine, {why.fault(), why.key(), why.what()});
    throw;
  } catch (const storage_error& why) {
    fail_flight(lock, id, *mine, {std::nullopt, why.path(), why.what()});
    throw;
  } catch (...) {  // Whatever it is, the next one may have more luck.
    fail_flight(lock, id, *mine, {remote_fault::stopped, object.key, {}});
    throw;
  }
  lock.lock();
  mine->bytes = bytes;
  mine->settled.notify_all();
  lock.unlock();
  const bool is_placed = place(object, number, *bytes, queue, forced);
  lock.lock();
  land(id, *mine);
  return {bytes, is_placed};
}

void file_cache::land(block_id id, flight& mine) {
  mine.is_over = true;
  flights_.erase(id);
  mine.settled.notify_all();
}

void file_cache::fail_flight(held_lock& lock, block_id id, flight& mine, download_failure why) {
  lock.lock();
  if (!why.is_stop())
    ++counters_.failed_downloads;
  mine.failure = std::move(why);
  land(id, mine);
}

bool file_cache::place(const remote_object& object, std::uint32_t number, std::span<const std::byte> bytes,
                       block_queue queue, bool forced) {
  held_lock lock(lock_);
  const auto admitted = policy_.admit(object, number, queue, forced, now());
  if (!admitted.slot)
    return false;
  const auto slot = *admitted.slot;
  const std::size_t path = policy_.block(slot).path;
  discard(lock, admitted.evicted);
  lock.unlock();
  std::uint64_t checksum = 0;
  try {
    checksum = paths_[path].folder->write(object, number, bytes);
  } catch (const storage_error& why) {
    lock.lock();
    policy_.gave_up(slot);
    ++counters_.failed_writes;
    note_failed_write(path, why);
    return false;
  }
  lock.lock();
  policy_.arrived(slot, checksum, now());
  mark_dirty(slot);
  lock.unlock();
  write_index_if_due(path);
  return true;
}

void file_cache::note_failed_write(std::size_t path, const storage_error& why) {
  auto& entry = paths_[path];
  switch (why.fault()) {
    case storage_fault::denied:  // No descriptor: the disk is well.
      return;
    case storage_fault::disk_full:
      // Until the disk is measured again a block comes only in place of another one.
      entry.fault = why.what();
      static_cast<void>(policy_.set_capacity(path, policy_.holdings(path).bytes_held()));
      return;
    default:
      entry.fault = why.what();
      entry.is_failed = true;
      policy_.set_admits(path, false);
  }
}

}  // namespace tabletd
