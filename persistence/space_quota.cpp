// See space_quota.h.
#include "persistence/space_quota.h"

#include <fmt/format.h>

namespace tabletd {

void space_quota::take(std::uint64_t bytes, const std::filesystem::path& file) {
  auto used = used_bytes_.load();
  do {
    if (bytes > limit_bytes_ || used > limit_bytes_ - bytes)
      throw storage_error(storage_fault::disk_full, file.string(),
                          fmt::format("cannot write {}: {} of the path's quota of {} bytes are in "
                                      "use and {} more are needed; drop something or raise the quota",
                                      file.string(), used, limit_bytes_, bytes));
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes));
}

}  // namespace tabletd
