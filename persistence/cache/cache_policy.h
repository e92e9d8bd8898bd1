#pragma once
// Which blocks the cache holds, in memory, and every decision about them: what is let in, what has to go for it, how
// long a warm-up lasts.  Pure: no IO, no clock, no lock; the file_cache carries out what is said here.
//
// A block's life: admit() makes it `arriving` (its room is taken before a byte is written), arrived() puts it into a
// queue, an eviction makes it `leaving` (its room is still taken, for the file is still there), left() forgets it.
// So the files of a path never hold more than its capacity, whatever the threads around this class are doing.
#include "persistence/cache/remote_object.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tabletd {

/// A block's place in cache_policy; free to be used again after left().
using block_slot = std::uint32_t;
/// Seconds since 1970: enough for lives of hours, and half as long as a time_point.
using epoch_seconds = std::uint32_t;

enum class block_queue : std::uint8_t { arriving, normal, warm, leaving };
inline constexpr std::size_t block_queues = 4;

/// Why a block goes.
enum class eviction_reason : std::uint8_t {
  capacity,  ///< For another one.
  unused,    ///< For another one; a warm-up brought it and nobody had read it when its time was over.
  pressure,  ///< The disk is needed for replicas.
  corrupt,   ///< Its file is missing or damaged.
};

struct cache_rules {
  std::uint32_t block_bytes = 1U << 20U;
  /// Of a path's capacity: more than this a warm-up may hold only if it is forced to.
  double warm_share = 0.5;
  /// So long no read takes the place of what a warm-up brought.
  std::uint32_t warm_ttl_s = 24 * 3'600;
  /// A read younger than this is not worth a row in the index: the order of a restart is as exact as this.
  std::uint32_t touch_granularity_s = 600;
};

/// 40 bytes; a block costs these and the 4 of its object's list.
struct cached_block {
  std::uint64_t checksum = 0;
  std::uint32_t object = 0;  ///< Place of its object in cache_policy.
  std::uint32_t number = 0;
  std::uint32_t bytes = 0;
  block_slot older = 0, younger = 0;  ///< Neighbours in the queue.
  epoch_seconds read_at = 0;          ///< As last written down; 0: a warm-up brought it and nobody has read it.
  epoch_seconds warm_until = 0;
  std::uint8_t path = 0;
  block_queue queue = block_queue::arriving;
};

struct cached_object {
  remote_object is;
  std::uint64_t id = 0;
  std::uint32_t held = 0;          ///< Blocks that have a slot.
  std::vector<block_slot> blocks;  ///< By number; no_block: none.
};

struct path_holdings {
  std::uint64_t capacity_bytes = 0;  ///< Now; see set_capacity().
  std::uint64_t bytes[block_queues] = {};
  bool admits = true;
  [[nodiscard]] std::uint64_t bytes_in(block_queue queue) const { return bytes[static_cast<std::size_t>(queue)]; }
  [[nodiscard]] std::uint64_t bytes_held() const { return bytes[0] + bytes[1] + bytes[2] + bytes[3]; }
};

struct eviction {
  block_slot slot;
  eviction_reason reason;
};

struct admission {
  std::optional<block_slot> slot;  ///< Nothing: there is no room for it, and nothing has changed.
  std::vector<eviction> evicted;   ///< Their files first, then this one's.
};

/// What a restart knows of a block.
struct known_block {
  std::uint32_t number = 0;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
  epoch_seconds read_at = 0;
  epoch_seconds warm_until = 0;  ///< 0: not in the warm-up queue.
};

class cache_policy {
public:
  static constexpr block_slot no_block = ~block_slot{0};
  static constexpr std::size_t paths_max = 255;

  /// If the paths together exceed `capacity_bytes`, each gets its share of it.
  cache_policy(std::vector<std::uint64_t> path_capacities_bytes, std::uint64_t capacity_bytes, cache_rules rules);

  /// A whole block, or nothing.
  [[nodiscard]] std::optional<block_slot> find(const remote_object& object, std::uint32_t number) const;
  [[nodiscard]] const cached_block& block(block_slot slot) const { return blocks_[slot]; }
  /// Whoever has this id, or null.
  [[nodiscard]] const cached_object* object_by_id(std::uint64_t id) const;
  [[nodiscard]] const cached_object& object_of(block_slot slot) const { return objects_[blocks_[slot].object]; }
  [[nodiscard]] const path_holdings& holdings(std::size_t path) const { return paths_[path].holdings; }
  [[nodiscard]] std::size_t paths() const { return paths_.size(); }
  [[nodiscard]] const cache_rules& rules() const { return rules_; }
  /// Bytes of the object's whole blocks.
  [[nodiscard]] std::uint64_t bytes_present(const remote_object& object) const;

  /// True: worth writing down.
  bool read(block_slot slot, epoch_seconds now);
  /// Whether admit() would find room now.  An unforced warm-up that has its share has none, and no warm-up, forced
  /// or not, takes the place of another whose time is not over: a batch larger than the cache ends partial instead
  /// of chasing its own tail (design/testing.md W-09).
  [[nodiscard]] bool has_room(const remote_object& object, std::uint32_t number, block_queue queue, bool forced,
                              epoch_seconds now);
  /// `queue`: normal or warm, where arrived() will put it.
  [[nodiscard]] admission admit(const remote_object& object, std::uint32_t number, block_queue queue, bool forced,
                                epoch_seconds now);
  void arrived(block_slot slot, std::uint64_t checksum, epoch_seconds now);
  void gave_up(block_slot slot);
  /// A warm-up wants what is there already: its time begins anew.  False: its share does not allow that, the block
  /// stays where it is.
  bool warm_again(block_slot slot, bool forced, epoch_seconds now);
  /// Nobody will ask for it any more: no warm-up holds it, and it is the next to go.  False: it is not whole.
  bool abandon(block_slot slot);
  /// The file of this block is no good.  Does nothing unless the block is whole.
  std::optional<eviction> drop(block_slot slot);
  /// Until the blocks of `path` hold so many bytes less, or there are none: what was read longest ago first, then
  /// what warm-ups brought, oldest first.
  [[nodiscard]] std::vector<eviction> shrink(std::size_t path, std::uint64_t bytes);
  /// How much the path may hold now: what it was given, or less while its disk has less to spare.  Sends away what
  /// is too much.
  [[nodiscard]] std::vector<eviction> set_capacity(std::size_t path, std::uint64_t bytes);
  void left(block_slot slot);
  /// Ends the warm-ups whose time is over; has_room() and admit() do so first.  A block somebody has read joins the
  /// others as the youngest; one that nobody has read in all that time is the next to go.  Returns how many.
  std::size_t expire(epoch_seconds now);
  /// No more blocks come to this path: its disk fails.
  void set_admits(std::size_t path, bool admits) { paths_[path].holdings.admits = admits; }

  /// At start: oldest first, each queue by itself.  False: it is there already, or another object has its id.
  bool restore(const remote_object& object, std::size_t path, const known_block& known, epoch_seconds now);

private:
  struct queue_ends {
    block_slot oldest = no_block, youngest = no_block;
  };
  struct path_state {
    path_holdings holdings;
    queue_ends queues[block_queues];  ///< normal and warm.
    std::uint64_t capacity_given_bytes = 0;
    std::uint64_t arriving_warm_bytes = 0;
  };

  [[nodiscard]] const cached_object* find_object(const remote_object& object) const;
  cached_object* make_object(const remote_object& object);
  block_slot take_slot(cached_object& object, std::uint32_t number, std::uint32_t bytes, std::size_t path);
  void release_slot(block_slot slot);
  [[nodiscard]] std::uint32_t length_of(const remote_object& object, std::uint32_t number) const {
    return length_of_block(object.size_bytes, rules_.block_bytes, number);
  }
  [[nodiscard]] std::optional<std::size_t> choose_path(std::uint64_t id, std::uint32_t number, std::uint32_t bytes,
                                                       block_queue queue, bool forced) const;
  [[nodiscard]] bool path_has_room(const path_state& path, std::uint32_t bytes, block_queue queue, bool forced) const;
  [[nodiscard]] bool share_allows(const path_state& path, std::uint32_t bytes) const;
  [[nodiscard]] block_slot next_to_go(const path_state& path) const;
  eviction evict(block_slot slot, eviction_reason reason);
  void move_to(block_slot slot, block_queue queue, bool as_oldest = false);
  void unlink(block_slot slot);

  cache_rules rules_;
  std::vector<path_state> paths_;
  // A deque does not move what it holds, nor does it keep half of itself free.
  std::deque<cached_block> blocks_;
  std::vector<block_slot> free_blocks_;
  std::deque<cached_object> objects_;
  std::vector<std::uint32_t> free_objects_;
  std::unordered_map<std::uint64_t, std::uint32_t> objects_by_id_;
};

}  // namespace tabletd
