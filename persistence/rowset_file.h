#pragma once
// The segment file of one rowset: blocks of rows, then a footer that carries every
// block's checksum and its own.  Immutable once its writer has sealed it.
//
//   [magic+format 16 B] [block 0] [block 1] ... [footer] [footer length u32 | footer xxh3-64 | end magic]
//
// A block is whole rows, each ended by '\n'; a row itself holds no '\n'.  Numbers are
// little endian.  Written to <final>.tmp.<random>, fsynced, renamed, directory fsynced
// (design/testing.md 4.3).
#include "persistence/durable_file.h"
#include "persistence/space_quota.h"
#include "persistence/storage_error.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

using byte_span = std::span<const std::byte>;

/// One block's place and checksum (xxh3-64 of its bytes), as the footer lists it.
struct block_entry {
  std::uint64_t offset{};
  std::uint32_t length{};
  std::uint32_t rows{};
  std::uint64_t checksum{};
  friend bool operator==(const block_entry&, const block_entry&) = default;
};

struct rowset_footer {
  std::uint64_t tablet{};
  std::uint64_t rows{};
  std::uint64_t bytes{};  ///< Sum of block lengths.
  std::vector<block_entry> blocks;
  friend bool operator==(const rowset_footer&, const rowset_footer&) = default;
  /// Encoded with its own checksum, exactly the tail of the file.
  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Throws storage_error(corrupt) naming `where`.  What it returns adds up: blocks follow
  /// each other without gaps, and their sums are `rows` and `bytes`.
  static rowset_footer decode(byte_span tail, const std::string& where);
};

/// Largest block a writer accepts: 1 MiB of rows plus one row of at most 1 MiB.
inline constexpr std::uint32_t block_bytes_max = 2U << 20;

/// Size of the whole segment file; 0 blocks: no file.
[[nodiscard]] std::uint64_t rowset_file_bytes(std::uint64_t bytes, std::uint32_t blocks);

/// Writes one segment file.  Dropping it before seal() deletes the temporary file.  A call
/// that threw leaves the writer unusable and its file deleted.  One thread at a time.
class rowset_writer {
public:
  /// `final_path`'s directory must exist.  `quota`: what the file's bytes count against.
  rowset_writer(std::filesystem::path final_path, std::uint64_t tablet, std::shared_ptr<space_quota> quota = nullptr);
  /// A copy of a sealed file elsewhere, whose footer is `source` (as decode() gave it).
  /// Keeps every block of `partial` that matches, cuts off the rest, and goes on at block
  /// blocks(); starts the file if it is not there.  append() refuses a block that is not
  /// the source's next one, and finish() anything that would not be byte for byte the
  /// source's file.  Dropping it keeps `partial` for the next attempt - so does a damaged
  /// block, but a failing disk (io, disk_full) deletes it.  Only seal_as() places it.
  static rowset_writer resume(const std::filesystem::path& partial, rowset_footer source,
                              std::shared_ptr<space_quota> quota = nullptr);
  rowset_writer(rowset_writer&&) noexcept;
  rowset_writer& operator=(rowset_writer&&) noexcept;
  ~rowset_writer();

  /// Appends one block after checking it against `checksum` and `rows` (a chunk that was
  /// damaged on its way is refused with storage_error(corrupt)).
  void append(byte_span block, std::uint32_t rows, std::uint64_t checksum);
  /// Appends every block of this file, read back and checked, to `other`.  Before the footer only.
  void copy_to(rowset_writer& other);
  [[nodiscard]] std::uint64_t tablet() const;
  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint32_t blocks() const;
  /// Where seal() puts it; of a resumed copy, the partial file itself.
  [[nodiscard]] const std::filesystem::path& final_path() const;
  /// Footer without fsync: starts writeback and returns, so that many files reach the disk
  /// together before the first finish() waits.  Optional.
  void write_footer();
  /// Footer and fsync, but no rename yet: many writers can share one directory fsync.
  /// Again: the same answer.
  rowset_footer finish();
  /// Renames into place (after finish(), if that was not called); the caller fsyncs the
  /// directory (sync_directory) before it tells anyone.
  void seal();
  /// The same under another name in the same file system.
  void seal_as(const std::filesystem::path& place);

private:
  struct state;
  explicit rowset_writer(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

/// Random access to the bytes of one sealed file, wherever it lies.  Any thread may use it.
class segment_bytes {
public:
  virtual ~segment_bytes() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;  ///< For sentences.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Exactly so many bytes, or it throws.
  virtual void read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// What has to happen if they are damaged.
  [[nodiscard]] virtual std::string_view remedy() const = 0;
  /// What was read from here is not the segment's.  True: it came from a copy that is gone now, so read again.
  [[nodiscard]] virtual bool distrust(std::uint64_t offset, std::uint64_t bytes) const {
    static_cast<void>(offset);
    static_cast<void>(bytes);
    return false;
  }
};

/// Reads a sealed file.  pread only: any thread may use it, and an unlinked file stays
/// readable while a reader is open.
class rowset_reader {
public:
  /// Checks length and footer.  What `from` throws comes through.
  static std::shared_ptr<rowset_reader> open(std::unique_ptr<segment_bytes> from);
  /// Opens and checks head, length and footer.  A missing file is storage_error(corrupt):
  /// whoever asks has metadata that names it.
  static std::shared_ptr<rowset_reader> open(const std::filesystem::path& path);
  /// Of a rowset without rows, which has no file: no blocks.
  static std::shared_ptr<rowset_reader> empty(std::uint64_t tablet);
  [[nodiscard]] const rowset_footer& footer() const { return footer_; }
  /// Reads block `index` into `into` (exactly as long) and verifies its checksum; throws
  /// storage_error(corrupt) with file and offset if it does not match.
  void read(std::uint32_t index, std::span<std::byte> into) const;
  /// The same, and makes it as long.
  void read(std::uint32_t index, std::vector<std::byte>& into) const {
    into.resize(footer_.blocks.at(index).length);
    read(index, std::span{into});
  }
  /// Blocks first..end, `end` not included, in one read; each as read() would have it.
  void read_run(std::uint32_t first, std::uint32_t end, std::vector<std::byte>& into) const;

private:
  rowset_reader() = default;
  void check(std::uint32_t index, std::span<std::byte> block) const;
  std::unique_ptr<segment_bytes> from_;  ///< Null: no blocks.
  rowset_footer footer_;
};

[[nodiscard]] std::uint64_t checksum_of(byte_span bytes);  ///< xxh3-64.

}  // namespace tabletd
