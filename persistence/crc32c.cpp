// See crc32c.h.  A CRC is the remainder of the bytes, read as a polynomial over GF(2), divided by a
// fixed one; here all are reflected: bit 31 is the coefficient of x^0.
#include "persistence/crc32c.h"

#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tabletd {

namespace {

constexpr std::uint32_t polynomial = 0x82F6'3B78;
constexpr std::uint32_t one = 0x8000'0000;

constexpr std::uint32_t times_x(std::uint32_t a) { return a & 1U ? a >> 1U ^ polynomial : a >> 1U; }

/// tables[k][b]: what byte b does to the remainder when k more bytes follow it.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> made{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = times_x(rest);
    made[0][byte] = rest;
  }
  for (std::size_t k = 1; k < made.size(); ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      made[k][byte] = made[k - 1][byte] >> 8U ^ made[0][made[k - 1][byte] & 0xffU];
  return made;
}();

std::uint64_t eight_bytes(const std::byte* from) {
  std::uint64_t word = 0;
  for (int i = 7; i >= 0; --i)
    word = word << 8U | static_cast<std::uint64_t>(from[i]);
  return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::span<const std::byte> bytes,
                                                                      std::uint32_t so_far) {
  std::uint64_t rest = ~so_far;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    rest = _mm_crc32_u64(rest, word);
  }
  auto last = static_cast<std::uint32_t>(rest);
  for (; left > 0; ++at, --left)
    last = _mm_crc32_u8(last, static_cast<std::uint8_t>(*at));
  return ~last;
}
#endif

std::uint32_t product(std::uint32_t a, std::uint32_t b) {
  std::uint32_t sum = 0;
  for (auto bit = one; bit != 0; bit >>= 1U, b = times_x(b))
    if (a & bit)
      sum ^= b;
  return sum;
}

}  // namespace

std::uint32_t detail::crc32c_by_table(std::span<const std::byte> bytes, std::uint32_t so_far) {
  auto rest = ~so_far;
  const auto* at = bytes.data();
  auto left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const auto word = eight_bytes(at) ^ rest;
    rest = 0;
    for (std::size_t k = 0; k < 8; ++k)
      rest ^= tables[7 - k][word >> 8 * k & 0xffU];
  }
  for (; left > 0; ++at, --left)
    rest = rest >> 8U ^ tables[0][(rest ^ static_cast<std::uint32_t>(*at)) & 0xffU];
  return ~rest;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t so_far) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction)
    return crc32c_by_instruction(bytes, so_far);
#endif
  return detail::crc32c_by_table(bytes, so_far);
}

std::uint32_t crc32c_joined(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
  // The first piece moves up by the length of the second: times x^(8 * length), by squares.
  auto power = one;
  for (int bit = 0; bit < 8; ++bit)
    power = times_x(power);
  auto shift = one;
  for (auto left = second_bytes; left != 0; left >>= 1U, power = product(power, power))
    if (left & 1U)
      shift = product(shift, power);
  return product(shift, first) ^ second;
}

}  // namespace tabletd
