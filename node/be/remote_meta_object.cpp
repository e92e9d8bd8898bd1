#include "node/be/remote_meta_object.h"

#include "persistence/crc32c.h"
#include "persistence/remote/remote_segment.h"

#include <fmt/format.h>

namespace tabletd {

namespace {

/// A list of a million rowsets is smaller.
constexpr std::uint64_t meta_bytes_max = 256U << 20;

}  // namespace

std::string meta_object_key(model::tablet_id tablet, const model::published_meta& meta) {
  return tablet_folder(model::raw(tablet)) + meta.object;
}

std::vector<std::byte> download_meta(remote_store& store, model::tablet_id tablet, const model::published_meta& meta,
                                     const time_left_fn& time_left) {
  const auto key = meta_object_key(tablet, meta);
  const auto size = store.head(key, time_left).size_bytes;
  if (size > meta_bytes_max)
    throw remote_error(remote_fault::corrupt, key, fmt::format("{} has {} bytes, which no list of rowsets has", key, size));
  std::vector<std::byte> object(size);
  object.resize(store.get(key, 0, object, time_left));
  if (const auto is = crc32c(object); is != meta.crc32c)
    throw remote_error(remote_fault::corrupt, key,
                       fmt::format("{} in {} has checksum {:08x}, the log says {:08x}; look whether the store has "
                                   "an older version of it",
                                   key, store.name(), is, meta.crc32c));
  return object;
}

}  // namespace tabletd
