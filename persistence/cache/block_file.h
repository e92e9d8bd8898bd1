#pragma once
// The file of one cached block: its bytes, then the xxh3-64 of every 64 KiB of them.  The block's own checksum, which
// the index keeps, is that of these sums; so a read of a few KiB checks 64 KiB and not the whole block.
//
// Nothing here is synced.  After a power cut a file may be missing, short, or full of zeros under its final name; the
// checksum finds that, and what it costs is a download.  An fsync per block would cost more on every block.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace tabletd {

inline constexpr std::uint32_t sum_span_bytes = 64U << 10U;

/// Size of the file of a block of so many bytes.
[[nodiscard]] constexpr std::uint64_t block_file_bytes(std::uint32_t bytes) {
  return bytes + std::uint64_t{8} * ((bytes + sum_span_bytes - 1) / sum_span_bytes);
}

/// Writes a temporary file and renames it; returns the block's checksum.  storage_error, and then there is no file.
std::uint64_t write_block_file(const std::filesystem::path& file, std::span<const std::byte> bytes);

struct block_to_read {
  std::filesystem::path file;
  std::uint32_t bytes = 0;
  std::uint64_t checksum = 0;
};

enum class block_outcome {
  served,
  missing,     ///< There is no such file.
  damaged,     ///< Short, or other bytes than were written.
  unreadable,  ///< The disk says no.
  refused,     ///< No descriptor or no permission: says nothing of the file.
};

/// Fills `into` from `offset` of the block, and only `served` means that it holds the block's bytes.
[[nodiscard]] block_outcome read_block_file(const block_to_read& block, std::uint32_t offset,
                                            std::span<std::byte> into) noexcept;

}  // namespace tabletd
