#pragma once
// Ports that a node is told of before it starts: the front ends of a group must know each
// other's.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tabletd::play {

/// Different ones, below the range the kernel takes ports from by itself, so that no
/// connection sits on them by chance.  Throws play_failure if there are not enough.
[[nodiscard]] std::vector<std::uint16_t> free_ports(std::size_t count);

} // namespace tabletd::play
