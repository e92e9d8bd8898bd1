#include "actors/model/warmup_placement.h"

namespace tabletd::model {

namespace {

/// splitmix64's finalizer: every bit of the input moves half of the output's.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebULL;
  return x ^ (x >> 31);
}

}  // namespace

backend_id caching_backend(tablet_id tablet, std::span<const backend_id> backends) {
  backend_id best{};
  std::uint64_t best_draw = 0;
  for (const auto b : backends) {
    // The odd constant keeps small ids of tablets and backends apart.
    const auto draw = mixed(mixed(raw(tablet) + 0x9e37'79b9'7f4a'7c15ULL) ^ mixed(raw(b)));
    if (raw(best) == 0 || draw > best_draw || (draw == best_draw && b < best)) {
      best = b;
      best_draw = draw;
    }
  }
  return best;
}

}  // namespace tabletd::model
