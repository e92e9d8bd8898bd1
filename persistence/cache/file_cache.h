#pragma once
// The cache of remote segments on a backend's own disks (docs/file_cache.md): blocks of objects that never change, so
// a block is right forever or damaged, and its checksum says which.  What is not here, or no good, comes from the
// store; nothing that is wrong with the cache becomes wrong bytes or a reader's error.
//
// Any thread may call anything.  No lock is held while a disk or the store is asked.
#include "persistence/cache/byte_rate.h"
#include "persistence/cache/cache_counters.h"
#include "persistence/cache/cache_path.h"
#include "persistence/cache/cache_policy.h"
#include "persistence/cache/partition_heat.h"
#include "persistence/cache/space_reserve.h"
#include "persistence/remote/remote_store.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tabletd {

struct cache_path_options {
  std::filesystem::path directory;  ///< Its own, on the path's file system.
  std::uint64_t capacity_bytes = 0;
  std::function<disk_space()> space = nullptr;   ///< Asked by maintain(); null: as much as there is capacity.
  std::shared_ptr<space_quota> quota = nullptr;  ///< What the files count against; may be null.
};

struct file_cache_options {
  std::vector<cache_path_options> paths;
  std::uint64_t capacity_bytes = ~std::uint64_t{0};  ///< Of all paths together.
  cache_rules rules;
  space_reserve reserve;
  std::function<epoch_seconds()> now;  ///< Null: the system's clock.
  std::size_t index_batch = 4'096;     ///< So many changes are written down by whoever makes the last of them.
  std::string sqlite_vfs;              ///< Empty: the operating system's.
};

/// Who reads, for how long, and for which partition's heat.
struct cache_reader {
  time_left_fn time_left = unhurried;
  std::uint64_t partition = 0;  ///< 0: not counted.
};

struct fill_options {
  bool forced = false;  ///< May hold more than its share, at the expense of what reads brought.
  /// Asked by several threads at once.
  time_left_fn time_left = unhurried;
  /// Range requests in flight; each has a block in memory.
  std::uint32_t requests_max = 4;
  byte_rate* rate = nullptr;  ///< Shared with others; null: no limit.
  /// Told of each block that is in place, by the thread that brought it.
  std::function<void(std::uint64_t bytes)> progress = nullptr;
  /// Told of each block that came from the store, placed or not; the same.
  std::function<void()> heard = nullptr;
};

/// Without a fault the bytes add up to the object's size.
struct fill_result {
  std::uint64_t bytes_fetched = 0;
  std::uint64_t bytes_present = 0;  ///< Were there already; their time begins anew if the share allows it.
  std::uint64_t bytes_skipped = 0;  ///< No room, or a disk that did not take them.
  std::uint32_t blocks_skipped = 0;
  std::optional<remote_fault> fault;  ///< What ended it early; `stopped`: the caller.
  std::string why;
};

/// Adds up to the object's size unless the caller stopped it.
struct cache_verdict {
  std::uint64_t bytes_sound = 0;
  std::uint64_t bytes_damaged = 0;  ///< And dropped.
  std::uint64_t bytes_missing = 0;  ///< Or could not be read for want of a descriptor.
};

struct cache_path_status {
  std::filesystem::path directory;
  path_holdings holdings;
  std::string fault;  ///< Why it is out of use or takes no blocks; empty: it is well.
};

struct cache_room {
  std::uint64_t for_warmups_bytes = 0;  ///< What they may hold without being forced to, as things are now.
  std::uint64_t held_bytes = 0;         ///< By whatever brought it.
};

class file_cache {
public:
  /// Reads the indexes and sweeps the folders, which takes seconds for a million blocks.  A path that cannot be
  /// opened is left out: status() says why.
  explicit file_cache(file_cache_options options);
  file_cache(const file_cache&) = delete;
  file_cache& operator=(const file_cache&) = delete;
  /// Writes down what has changed.  Nobody may be using it.
  ~file_cache();

  /// Fills `into` from `offset` of the object.  remote_error, or storage_error(corrupt) if the object ends early.
  void read(remote_store& store, const remote_object& object, std::uint64_t offset, std::span<std::byte> into,
            const cache_reader& reader);
  /// Brings every block of the object, as a warm-up.  Blocks that find no room are not downloaded.
  [[nodiscard]] fill_result fill(remote_store& store, const remote_object& object, const fill_options& options);
  /// By the index alone.
  [[nodiscard]] std::uint64_t bytes_present(const remote_object& object) const;
  /// Re-reads every block of the object from the disk and drops what is damaged.
  [[nodiscard]] cache_verdict verify(const remote_object& object, const time_left_fn& time_left);
  /// Drops the blocks that hold bytes [offset, offset + bytes): the reader has found that they are not the segment's,
  /// though they are what the store sent.
  void distrust(const remote_object& object, std::uint64_t offset, std::uint64_t bytes);

  /// What is published names it no longer, though somebody may still read it: it holds no room against others now.
  void abandon(const remote_object& object);

  /// To be called every second or so: looks how much the disks have to spare, sends away what is too much, and writes
  /// the indexes.
  void maintain();
  /// What is here now is found again if the process is killed: the indexes know it when this returns.  A power cut may
  /// still cost blocks, for their files are not synced.  Returns why a path's index does not know all; empty: all do.
  [[nodiscard]] std::string write_down();
  /// Of bytes_present(), those on paths whose index could be written when it was last tried.
  [[nodiscard]] std::uint64_t bytes_written_down(const remote_object& object) const;
  [[nodiscard]] const cache_counters& counters() const { return counters_; }
  [[nodiscard]] std::vector<cache_path_status> status() const;
  [[nodiscard]] cache_room room() const;
  [[nodiscard]] std::vector<heat_of_partition> hottest(std::size_t count) const;
  [[nodiscard]] std::uint32_t block_bytes() const { return options_.rules.block_bytes; }

private:
  using block_memory = std::shared_ptr<const std::vector<std::byte>>;
  using block_id = std::pair<std::uint64_t, std::uint32_t>;  ///< Object's id, number.

  struct path_entry {
    cache_path_options options;
    std::unique_ptr<cache_path> folder;  ///< Null: could not be opened.
    std::string fault;
    bool is_failed = false;         ///< Takes no more blocks until the next start.
    bool is_index_resting = false;  ///< A batch failed; maintain() tries again.
    bool is_index_behind = false;   ///< A batch failed, and none was written since.
    std::vector<block_id> dirty;    ///< What the index does not know yet.
  };
  /// Why a download failed, for those who did not ask themselves: each throws an exception of his own.
  struct download_failure {
    std::optional<remote_fault> remote;  ///< Nothing: the object is damaged, a storage_error.
    std::string subject;
    std::string sentence;
    /// Says nothing of the store: the leader's time was over.
    [[nodiscard]] bool is_stop() const { return remote == remote_fault::stopped; }
  };
  /// One download that others may wait for.
  struct flight {
    remote_object object;
    std::condition_variable settled;
    block_memory bytes;                       ///< Set when they have come.
    std::optional<download_failure> failure;  ///< Or this.
    bool is_over = false;                     ///< And it is known whether the block is in the cache.
  };
  enum class fill_step { fetched, present, skipped };
  /// Holds lock_ where it is handed over and where it comes back.
  using held_lock = std::unique_lock<std::mutex>;

  // file_cache.cpp: one block for one reader.
  void load(std::size_t path);
  [[nodiscard]] epoch_seconds now() const { return options_.now(); }
  /// False: it is not here.
  [[nodiscard]] bool read_here(held_lock& lock, const remote_object& object, std::uint32_t number, std::uint32_t offset,
                               std::span<std::byte> into);
  /// False: look again.
  [[nodiscard]] bool read_there(held_lock& lock, remote_store& store, const remote_object& object, std::uint32_t number,
                                std::uint32_t offset, std::span<std::byte> into, const time_left_fn& time_left);
  [[nodiscard]] block_outcome read_slot(held_lock& lock, block_slot slot, std::uint32_t offset,
                                        std::span<std::byte> into);
  void download(remote_store& store, const remote_object& object, std::uint64_t offset, std::span<std::byte> into,
                const time_left_fn& time_left);

  // cache_flight.cpp: one download for all who want it.
  [[nodiscard]] std::shared_ptr<flight> flight_of(const remote_object& object, std::uint32_t number) const;
  /// Null: the leader was stopped, which is no failure of the store.
  [[nodiscard]] block_memory join(held_lock& lock, flight& under_way, const time_left_fn& time_left);
  struct flown {
    block_memory bytes;
    bool is_placed = false;
  };
  [[nodiscard]] flown lead(held_lock& lock, remote_store& store, const remote_object& object, std::uint32_t number,
                           block_queue queue, bool forced, const time_left_fn& time_left);
  [[nodiscard]] bool place(const remote_object& object, std::uint32_t number, std::span<const std::byte> bytes,
                           block_queue queue, bool forced);
  void land(block_id id, flight& mine);
  void fail_flight(held_lock& lock, block_id id, flight& mine, download_failure why);
  void note_failed_write(std::size_t path, const storage_error& why);
  template <class Reached>
  void wait_until(held_lock& lock, flight& under_way, const time_left_fn& time_left, const Reached& reached);

  // cache_fill.cpp: warm-ups.
  struct fill_state;
  void fill_blocks(fill_state& state);
  [[nodiscard]] fill_step fill_block(fill_state& state, std::uint32_t number);
  /// Nothing: it has to be brought, and there is room.
  [[nodiscard]] std::optional<fill_step> settled_already(held_lock& lock, fill_state& state, std::uint32_t number);

  // cache_upkeep.cpp: what leaves, and what the indexes learn of it.
  /// Unlinks without the lock.
  void discard(held_lock& lock, const std::vector<eviction>& evicted);
  void mark_dirty(block_slot slot);
  void measure(std::size_t path);
  enum class if_busy { wait, leave };
  void write_index(std::size_t path, if_busy rule);
  void write_index_if_due(std::size_t path);
  void note_failed_index(std::size_t path, std::vector<block_id> dirty, const storage_error& why);
  [[nodiscard]] index_batch changes_of(std::size_t path, const std::vector<block_id>& dirty) const;

  file_cache_options options_;
  mutable std::mutex lock_;  ///< Of all below but the counters and the heat.
  std::vector<path_entry> paths_;
  cache_policy policy_;
  std::map<block_id, std::shared_ptr<flight>> flights_;
  cache_counters counters_;
  mutable std::mutex heat_lock_;
  partition_heat heat_;
};

}  // namespace tabletd
