#pragma once
// Numbers as bytes of our files: little endian, whatever the processor likes.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tabletd {

template <class Number>
void put(std::vector<std::byte>& to, Number number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    to.push_back(static_cast<std::byte>(number >> (8 * i)));
}

/// Takes numbers off the front; the caller has checked the length.
class cursor {
public:
  explicit cursor(std::span<const std::byte> from) : left_(from) {}
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint64_t u64() { return take(8); }

private:
  std::uint64_t take(std::size_t size) {
    assert(left_.size() >= size);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size; ++i)
      number |= static_cast<std::uint64_t>(left_[i]) << (8 * i);
    left_ = left_.subspan(size);
    return number;
  }
  std::span<const std::byte> left_;
};

}  // namespace tabletd
