#pragma once
// CRC-32C (Castagnoli): the checksum of spec/jobs.md K1.  Processors of our time compute it in one
// instruction; the others use a table.
#include <cstddef>
#include <cstdint>
#include <span>

namespace tabletd {

/// Of `so_far`'s bytes followed by these: crc32c(b, crc32c(a)) is the one of a and b together.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t so_far = 0);

/// The one of two pieces from that of each, when the second was computed first.
[[nodiscard]] std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);

namespace detail {
/// What a processor without the instruction does; for the test that both agree.
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t so_far);
}  // namespace detail

}  // namespace tabletd
