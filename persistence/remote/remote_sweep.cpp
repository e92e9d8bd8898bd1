// See remote_sweep.h.
#include "persistence/remote/remote_sweep.h"

#include "persistence/remote/remote_resource.h"
#include "persistence/remote/remote_segment.h"

#include <fmt/format.h>

#include <span>

namespace tabletd {

std::string any_object_of(remote_store& store, const time_left_fn& time_left) {
  const auto page = store.list("data/", {}, 1, time_left);
  return page.entries.empty() ? "" : page.entries.front().key;
}

std::uint64_t delete_objects_of(remote_store& store, std::uint64_t tablet, const time_left_fn& time_left) {
  std::uint64_t deleted = 0;
  for (;;) {
    // From the beginning each time: what a page began behind may have come meanwhile.
    const auto page = store.list(tablet_folder(tablet), {}, remote_store::page_keys_max, time_left);
    if (page.entries.empty())
      return deleted;
    for (const auto& entry : page.entries) {
      store.remove(entry.key, time_left);
      ++deleted;
    }
  }
}

std::string why_not_owned(remote_store& store, std::string_view cluster, const time_left_fn& time_left) {
  std::string owner(256, '\0');
  try {
    owner.resize(store.get(cluster_mark, 0, std::as_writable_bytes(std::span(owner)), time_left));
  } catch (const remote_error& error) {
    if (error.fault() != remote_fault::not_found)
      throw;
    return fmt::format("{} has no object {} that says whose it is; see that the right place is mounted there; a "
                       "CREATE RESOURCE of the same place marks it again",
                       store.name(), cluster_mark);
  }
  if (owner == cluster)
    return {};
  return fmt::format("{} belongs to another cluster, says its object {}; see that the right place is mounted there",
                     store.name(), cluster_mark);
}

}  // namespace tabletd
