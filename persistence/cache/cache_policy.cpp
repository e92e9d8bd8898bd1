// See cache_policy.h.
#include "persistence/cache/cache_policy.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <xxhash.h>

namespace tabletd {

static_assert(sizeof(cached_block) == 40);

std::uint64_t remote_object::id() const { return XXH3_64bits_withSeed(key.data(), key.size(), resource); }

namespace {

std::size_t index(block_queue queue) { return static_cast<std::size_t>(queue); }

bool is_whole(const cached_block& block) {
  return block.queue == block_queue::normal || block.queue == block_queue::warm;
}

/// Rendezvous hashing: a path's chance is its weight, and another path more or less moves nothing between the rest.
double distance(std::uint64_t id, std::uint32_t number, std::size_t path, std::uint64_t weight) {
  const std::uint64_t place[] = {id, number, path};
  const auto dice = static_cast<double>(XXH3_64bits(place, sizeof place)) + 1;
  return -std::log(dice / 0x1p64) / static_cast<double>(weight);
}

}  // namespace

cache_policy::cache_policy(std::vector<std::uint64_t> path_capacities_bytes, std::uint64_t capacity_bytes,
                           cache_rules rules)
    : rules_(rules) {
  assert(path_capacities_bytes.size() <= paths_max && rules.block_bytes > 0);
  const auto sum = std::accumulate(path_capacities_bytes.begin(), path_capacities_bytes.end(), 0.0);
  const auto scale = std::min(1.0, sum > 0 ? static_cast<double>(capacity_bytes) / sum : 1.0);
  for (const auto capacity : path_capacities_bytes) {
    path_state path;
    path.capacity_given_bytes
        = scale < 1 ? static_cast<std::uint64_t>(static_cast<double>(capacity) * scale) : capacity;
    path.holdings.capacity_bytes = path.capacity_given_bytes;
    paths_.push_back(path);
  }
}

// -- looking ----------------------------------------------------------------------------

const cached_object* cache_policy::object_by_id(std::uint64_t id) const {
  const auto found = objects_by_id_.find(id);
  return found == objects_by_id_.end() ? nullptr : &objects_[found->second];
}

const cached_object* cache_policy::find_object(const remote_object& object) const {
  const auto* known = object_by_id(object.id());
  return known && known->is == object ? known : nullptr;
}

std::optional<block_slot> cache_policy::find(const remote_object& object, std::uint32_t number) const {
  const auto* known = find_object(object);
  if (!known || number >= known->blocks.size())
    return std::nullopt;
  const auto slot = known->blocks[number];
  return slot != no_block && is_whole(blocks_[slot]) ? std::optional(slot) : std::nullopt;
}

std::uint64_t cache_policy::bytes_present(const remote_object& object) const {
  std::uint64_t bytes = 0;
  if (const auto* known = find_object(object))
    for (const auto slot : known->blocks)
      if (slot != no_block && is_whole(blocks_[slot]))
        bytes += blocks_[slot].bytes;
  return bytes;
}

bool cache_policy::read(block_slot slot, epoch_seconds now) {
  auto& block = blocks_[slot];
  if (block.queue == block_queue::normal)
    move_to(slot, block_queue::normal);
  if (block.read_at != 0 && now < block.read_at + rules_.touch_granularity_s)
    return false;
  block.read_at = std::max<epoch_seconds>(now, 1);
  return true;
}

// -- letting in -------------------------------------------------------------------------

bool cache_policy::share_allows(const path_state& path, std::uint32_t bytes) const {
  const auto share = static_cast<double>(path.holdings.capacity_bytes) * rules_.warm_share;
  return static_cast<double>(path.holdings.bytes_in(block_queue::warm) + path.arriving_warm_bytes + bytes) <= share;
}

bool cache_policy::path_has_room(const path_state& path, std::uint32_t bytes, block_queue queue, bool forced) const {
  if (!path.holdings.admits || (queue == block_queue::warm && !forced && !share_allows(path, bytes)))
    return false;
  const auto fixed = path.holdings.bytes_held() - path.holdings.bytes_in(block_queue::normal);
  return fixed + bytes <= path.holdings.capacity_bytes;
}

std::optional<std::size_t> cache_policy::choose_path(std::uint64_t id, std::uint32_t number, std::uint32_t bytes,
                                                     block_queue queue, bool forced) const {
  // The nearest path that has room: blocks are found by the index, so they may lie anywhere.
  std::optional<std::size_t> nearest;
  auto shortest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (!path_has_room(paths_[i], bytes, queue, forced))
      continue;
    const auto away = distance(id, number, i, paths_[i].holdings.capacity_bytes);
    if (away < shortest) {
      nearest = i;
      shortest = away;
    }
  }
  return nearest;
}

bool cache_policy::has_room(const remote_object& object, std::uint32_t number, block_queue queue, bool forced,
                            epoch_seconds now) {
  expire(now);
  return choose_path(object.id(), number, length_of(object, number), queue, forced).has_value();
}

admission cache_policy::admit(const remote_object& object, std::uint32_t number, block_queue queue, bool forced,
                              epoch_seconds now) {
  assert(queue == block_queue::normal || queue == block_queue::warm);
  expire(now);
  admission admitted;
  const auto bytes = length_of(object, number);
  const auto at = choose_path(object.id(), number, bytes, queue, forced);
  if (!at)
    return admitted;
  auto* owner = make_object(object);
  if (!owner || owner->blocks[number] != no_block)
    return admitted;
  admitted.slot = take_slot(*owner, number, bytes, *at);
  auto& path = paths_[*at];
  path.holdings.bytes[index(block_queue::arriving)] += bytes;
  if (queue == block_queue::warm) {
    blocks_[*admitted.slot].warm_until = now + std::max<epoch_seconds>(rules_.warm_ttl_s, 1);
    path.arriving_warm_bytes += bytes;
  } else {
    blocks_[*admitted.slot].read_at = std::max<epoch_seconds>(now, 1);
  }
  std::uint64_t goes = 0;
  while (path.holdings.bytes_held() - goes > path.holdings.capacity_bytes) {
    const auto slot = path.queues[index(block_queue::normal)].oldest;
    goes += blocks_[slot].bytes;
    admitted.evicted.push_back(
        evict(slot, blocks_[slot].read_at == 0 ? eviction_reason::unused : eviction_reason::capacity));
  }
  return admitted;
}

void cache_policy::arrived(block_slot slot, std::uint64_t checksum, epoch_seconds now) {
  auto& block = blocks_[slot];
  assert(block.queue == block_queue::arriving);
  block.checksum = checksum;
  if (block.warm_until == 0) {
    move_to(slot, block_queue::normal);
    return;
  }
  paths_[block.path].arriving_warm_bytes -= block.bytes;
  block.warm_until = now + std::max<epoch_seconds>(rules_.warm_ttl_s, 1);
  move_to(slot, block_queue::warm);
}

void cache_policy::gave_up(block_slot slot) {
  auto& block = blocks_[slot];
  assert(block.queue == block_queue::arriving);
  if (block.warm_until != 0)
    paths_[block.path].arriving_warm_bytes -= block.bytes;
  release_slot(slot);
}

bool cache_policy::warm_again(block_slot slot, bool forced, epoch_seconds now) {
  auto& block = blocks_[slot];
  if (block.queue == block_queue::normal && !forced && !share_allows(paths_[block.path], block.bytes))
    return false;
  block.warm_until = now + std::max<epoch_seconds>(rules_.warm_ttl_s, 1);
  move_to(slot, block_queue::warm);
  return true;
}

bool cache_policy::abandon(block_slot slot) {
  auto& block = blocks_[slot];
  if (!is_whole(block))
    return false;
  block.warm_until = 0;
  move_to(slot, block_queue::normal, true);
  return true;
}

// -- sending away -----------------------------------------------------------------------

eviction cache_policy::evict(block_slot slot, eviction_reason reason) {
  move_to(slot, block_queue::leaving);
  return {slot, reason};
}

std::optional<eviction> cache_policy::drop(block_slot slot) {
  if (!is_whole(blocks_[slot]))
    return std::nullopt;
  return evict(slot, eviction_reason::corrupt);
}

block_slot cache_policy::next_to_go(const path_state& path) const {
  const auto normal = path.queues[index(block_queue::normal)].oldest;
  return normal != no_block ? normal : path.queues[index(block_queue::warm)].oldest;
}

std::vector<eviction> cache_policy::shrink(std::size_t path, std::uint64_t bytes) {
  std::vector<eviction> evicted;
  for (std::uint64_t gone = 0; gone < bytes;) {
    const auto slot = next_to_go(paths_[path]);
    if (slot == no_block)
      break;
    gone += blocks_[slot].bytes;
    evicted.push_back(evict(slot, eviction_reason::pressure));
  }
  return evicted;
}

std::vector<eviction> cache_policy::set_capacity(std::size_t path, std::uint64_t bytes) {
  auto& holdings = paths_[path].holdings;
  holdings.capacity_bytes = std::min(bytes, paths_[path].capacity_given_bytes);
  const auto held = holdings.bytes_held() - holdings.bytes_in(block_queue::leaving);
  return held > holdings.capacity_bytes ? shrink(path, held - holdings.capacity_bytes) : std::vector<eviction>{};
}

void cache_policy::left(block_slot slot) {
  assert(blocks_[slot].queue == block_queue::leaving);
  release_slot(slot);
}

std::size_t cache_policy::expire(epoch_seconds now) {
  std::size_t expired = 0;
  for (auto& path : paths_)
    for (;;) {
      const auto slot = path.queues[index(block_queue::warm)].oldest;
      if (slot == no_block || blocks_[slot].warm_until > now)
        break;
      blocks_[slot].warm_until = 0;
      move_to(slot, block_queue::normal, blocks_[slot].read_at == 0);
      ++expired;
    }
  return expired;
}

bool cache_policy::restore(const remote_object& object, std::size_t path, const known_block& known, epoch_seconds now) {
  if (known.number >= blocks_of(object.size_bytes, rules_.block_bytes)
      || known.bytes != length_of(object, known.number))
    return false;
  auto* owner = make_object(object);
  if (!owner || owner->blocks[known.number] != no_block)
    return false;
  const auto slot = take_slot(*owner, known.number, known.bytes, path);
  auto& block = blocks_[slot];
  paths_[path].holdings.bytes[index(block_queue::arriving)] += known.bytes;
  block.checksum = known.checksum;
  block.read_at = known.read_at;
  if (known.warm_until > now) {
    // A clock that was wrong when this was written does not make it stay for years.
    block.warm_until = std::min(known.warm_until, now + rules_.warm_ttl_s);
    move_to(slot, block_queue::warm);
  } else {
    move_to(slot, block_queue::normal, known.read_at == 0);
  }
  return true;
}

// -- slots and queues -------------------------------------------------------------------

cached_object* cache_policy::make_object(const remote_object& object) {
  const auto id = object.id();
  if (objects_by_id_.contains(id))
    return const_cast<cached_object*>(find_object(object));
  std::uint32_t place = 0;
  if (free_objects_.empty()) {
    place = static_cast<std::uint32_t>(objects_.size());
    objects_.emplace_back();
  } else {
    place = free_objects_.back();
    free_objects_.pop_back();
  }
  auto& made = objects_[place];
  made.is = object;
  made.id = id;
  made.held = 0;
  made.blocks.assign(blocks_of(object.size_bytes, rules_.block_bytes), no_block);
  objects_by_id_.emplace(id, place);
  return &made;
}

block_slot cache_policy::take_slot(cached_object& object, std::uint32_t number, std::uint32_t bytes, std::size_t path) {
  block_slot slot = 0;
  if (free_blocks_.empty()) {
    slot = static_cast<block_slot>(blocks_.size());
    blocks_.emplace_back();
  } else {
    slot = free_blocks_.back();
    free_blocks_.pop_back();
  }
  blocks_[slot] = {.object = objects_by_id_.at(object.id),
                   .number = number,
                   .bytes = bytes,
                   .older = no_block,
                   .younger = no_block,
                   .path = static_cast<std::uint8_t>(path)};
  object.blocks[number] = slot;
  ++object.held;
  return slot;
}

void cache_policy::release_slot(block_slot slot) {
  auto& block = blocks_[slot];
  paths_[block.path].holdings.bytes[index(block.queue)] -= block.bytes;
  auto& object = objects_[block.object];
  object.blocks[block.number] = no_block;
  free_blocks_.push_back(slot);
  if (--object.held > 0)
    return;
  objects_by_id_.erase(object.id);
  free_objects_.push_back(block.object);
  object = {};
}

void cache_policy::unlink(block_slot slot) {
  auto& block = blocks_[slot];
  auto& ends = paths_[block.path].queues[index(block.queue)];
  (block.older == no_block ? ends.oldest : blocks_[block.older].younger) = block.younger;
  (block.younger == no_block ? ends.youngest : blocks_[block.younger].older) = block.older;
  block.older = block.younger = no_block;
}

void cache_policy::move_to(block_slot slot, block_queue queue, bool as_oldest) {
  auto& block = blocks_[slot];
  auto& path = paths_[block.path];
  if (is_whole(block))
    unlink(slot);
  path.holdings.bytes[index(block.queue)] -= block.bytes;
  path.holdings.bytes[index(queue)] += block.bytes;
  block.queue = queue;
  if (!is_whole(block))
    return;
  auto& ends = path.queues[index(queue)];
  if (as_oldest) {
    block.younger = ends.oldest;
    (ends.oldest == no_block ? ends.youngest : blocks_[ends.oldest].older) = slot;
    ends.oldest = slot;
  } else {
    block.older = ends.youngest;
    (ends.youngest == no_block ? ends.oldest : blocks_[ends.youngest].younger) = slot;
    ends.youngest = slot;
  }
}

}  // namespace tabletd
