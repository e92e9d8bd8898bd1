#pragma once
// Which object of a remote store a cached block belongs to, and the arithmetic of blocks.  Pure.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace tabletd {

/// An object is immutable and its key is never used twice (spec/jobs.md B6), so what was read once is right forever.
struct remote_object {
  std::uint64_t resource = 0;  ///< Id of the resource in the catalog.
  std::string key;
  std::uint64_t size_bytes = 0;

  /// xxh3-64 of resource and key: the same in every process and on every path, so nobody hands out numbers.  Two
  /// objects may have the same one; the cache then keeps only the first of them.
  [[nodiscard]] std::uint64_t id() const;
  friend bool operator==(const remote_object&, const remote_object&) = default;
};

/// One past the number of the last block.
[[nodiscard]] constexpr std::uint32_t blocks_of(std::uint64_t size_bytes, std::uint32_t block_bytes) {
  return static_cast<std::uint32_t>((size_bytes + block_bytes - 1) / block_bytes);
}

/// The last block of an object is shorter.
[[nodiscard]] constexpr std::uint32_t length_of_block(std::uint64_t size_bytes, std::uint32_t block_bytes,
                                                      std::uint32_t number) {
  const auto begin = std::uint64_t{number} * block_bytes;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(block_bytes, size_bytes - begin));
}

}  // namespace tabletd
