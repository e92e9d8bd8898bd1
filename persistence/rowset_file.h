#pragma once
// The segment file of one rowset: blocks of rows, then a footer that carries every
// block's checksum and its own.  Immutable once its writer has sealed it.
//
//   [magic+format 16 B] [block 0] [block 1] ... [footer] [footer length u32 | footer xxh3-64 | end magic]
//
// A block is whole rows, each ended by '\n'; a row itself holds no '\n'.  Written to
// <final>.tmp.<random>, fsynced, renamed, directory fsynced (design/testing.md 4.3).
#include "persistence/storage_error.h"
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tabletd {

using byte_span = std::span<const std::byte>;

/// One block's place and checksum (xxh3-64 of its bytes), as the footer lists it.
struct block_entry {
  std::uint64_t offset{};
  std::uint32_t length{};
  std::uint32_t rows{};
  std::uint64_t checksum{};
};

struct rowset_footer {
  std::uint64_t tablet{};
  std::uint64_t rows{};
  std::uint64_t bytes{}; ///< Sum of block lengths.
  std::vector<block_entry> blocks;
  /// Encoded with its own checksum, exactly the tail of the file.
  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Throws storage_error(corrupt) naming `where`.
  static rowset_footer decode(byte_span tail, const std::string& where);
};

/// Largest block a writer accepts: 1 MiB of rows plus one row of at most 1 MiB.
inline constexpr std::uint32_t block_bytes_max = 2U << 20;

/// Writes one segment file.  Dropping it before seal() deletes the temporary file.
class rowset_writer {
public:
  /// `final_path`'s directory must exist.
  rowset_writer(std::filesystem::path final_path, std::uint64_t tablet);
  rowset_writer(rowset_writer&&) noexcept;
  rowset_writer& operator=(rowset_writer&&) noexcept;
  ~rowset_writer();

  /// Appends one block after checking it against `checksum` (a chunk that was damaged on
  /// its way is refused with storage_error(corrupt)).
  void append(byte_span block, std::uint32_t rows, std::uint64_t checksum);
  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint32_t blocks() const;
  [[nodiscard]] const std::filesystem::path& final_path() const;
  /// Footer and fsync, but no rename yet: many writers can share one directory fsync.
  rowset_footer finish();
  /// Renames into place; the caller fsyncs the directory (sync_directory) before it tells anyone.
  void seal();

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads a sealed file.  pread only: any thread may use it, and an unlinked file stays
/// readable while a reader is open.
class rowset_reader {
public:
  /// Opens and checks head, length and footer.
  static std::shared_ptr<rowset_reader> open(const std::filesystem::path& path);
  ~rowset_reader();
  [[nodiscard]] const rowset_footer& footer() const { return footer_; }
  /// Reads block `index` into `into` (resized) and verifies its checksum; throws
  /// storage_error(corrupt) with file and offset if it does not match.
  void read(std::uint32_t index, std::vector<std::byte>& into) const;

private:
  rowset_reader() = default;
  int fd_ = -1;
  std::string path_;
  rowset_footer footer_;
};

[[nodiscard]] std::uint64_t checksum_of(byte_span bytes); ///< xxh3-64.

} // namespace tabletd
