#pragma once
// Where cooled rowsets live: objects under keys, behind one small interface with two drivers, file:// and
// s3:// (spec/jobs.md section B).  Calls block; they belong on a worker thread, and several may share a store.
#include "persistence/durable_file.h"
#include "persistence/remote/remote_error.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

class segment_bytes;

/// How much longer a call may take; zero or less means stop.  Asked from the calling thread, before every
/// request to the store and between the parts of a long one.  No request is given more time than what was
/// left when it began, so that none outlives an uploader's lease (spec/jobs.md U1).
using time_left_fn = std::function<std::chrono::milliseconds()>;

/// For callers who are in no hurry.
[[nodiscard]] std::chrono::milliseconds unhurried();

/// What to put: bytes in memory, a range of an open file, or a segment that is made while it is read (rowset_merge.h), none
/// of which may change meanwhile.  Read in order, and what a request failed with is not read again.
class put_source {
public:
  explicit put_source(std::span<const std::byte> bytes) : bytes_(bytes), size_bytes_(bytes.size()) {}
  put_source(const open_file& file, std::uint64_t offset, std::uint64_t size_bytes)
      : file_(&file), offset_(offset), size_bytes_(size_bytes) {}
  explicit put_source(const segment_bytes& segment);
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  /// `offset` counts from the start of the source.  A file that cannot be read throws storage_error,
  /// a segment what it is made of.
  void read_at(std::uint64_t offset, std::span<std::byte> into) const;

private:
  std::span<const std::byte> bytes_;
  const open_file* file_ = nullptr;
  const segment_bytes* segment_ = nullptr;
  std::uint64_t offset_ = 0;
  std::uint64_t size_bytes_;
};

struct object_entry {
  std::string key;
  std::uint64_t size_bytes = 0;
  friend bool operator==(const object_entry&, const object_entry&) = default;
};

struct object_page {
  std::vector<object_entry> entries;
  std::string next;  ///< `after` of the next page; empty: this was the last.
};

/// Keys follow remote_key.h; others are remote_error(unusable).  A call that returns is durable at the store.
class remote_store {
public:
  static constexpr std::size_t page_keys_max = 1000;  ///< What S3 gives at most.

  virtual ~remote_store() = default;
  /// Replaces what is there.  Readers see the old bytes or the new ones, whole.
  virtual void put(std::string_view key, const put_source& source, const time_left_fn& time_left) = 0;
  /// exists_already if there is such an object; of several writers at once exactly one succeeds.
  virtual void put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) = 0;
  /// Fills `into` from `offset` on and returns how many bytes there were: fewer where the object ends.
  [[nodiscard]] virtual std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                        const time_left_fn& time_left)
      = 0;
  [[nodiscard]] virtual object_entry head(std::string_view key, const time_left_fn& time_left) = 0;
  /// Keys that begin with `prefix` and are greater than `after`, in byte order, at most `keys_max` (1 to
  /// page_keys_max).  Keys that do not follow the rules are left out: they are not ours.
  [[nodiscard]] virtual object_page list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                         const time_left_fn& time_left)
      = 0;
  /// Of a key that is not there: nothing happens.
  virtual void remove(std::string_view key, const time_left_fn& time_left) = 0;
  /// For sentences: file:///mnt/cold or s3://bucket/prefix at https://host.
  [[nodiscard]] virtual const std::string& name() const = 0;
};

/// Throws remote_error: "cannot <doing> <key> in <store>: <why>; <next step>".
[[noreturn]] void fail_remote(remote_fault fault, std::string_view store, std::string_view doing, std::string_view key,
                              std::string_view why, std::string_view next_step);
/// Throws remote_error(stopped) when no time is left; otherwise what is.
std::chrono::milliseconds require_time(const time_left_fn& time_left, std::string_view store, std::string_view doing,
                                       std::string_view key);
/// Throws remote_error(unusable) if `key` breaks the rules.
void require_key(std::string_view key, std::string_view store, std::string_view doing);
/// The same for a prefix, and for the number of keys.
void require_listing(std::string_view prefix, std::size_t keys_max, std::string_view store);

}  // namespace tabletd
