#include "node/be/remote_shelf.h"

#include "persistence/remote/remote_resource.h"

#include <fmt/format.h>

namespace tabletd {

void remote_shelf::know(const std::vector<codec::resource_definition>& resources) {
  const std::lock_guard guard{mutex_};
  for (const auto& resource : resources)
    if (auto& known = known_[resource.id]; known.where != resource && known.where.version <= resource.version)
      known = {resource, nullptr};
}

std::shared_ptr<remote_store> remote_shelf::find(model::resource_id resource) {
  codec::resource_definition where;
  {
    const std::lock_guard guard{mutex_};
    const auto at = known_.find(resource);
    if (at == known_.end())
      throw remote_error(remote_fault::unusable, {},
                         fmt::format("this backend has not been told where resource {} is; the leader says it when it "
                                     "attaches, try again",
                                     model::raw(resource)));
    if (at->second.store)
      return at->second.store;
    where = at->second.where;
  }
  // Without the lock: a share that hangs must not hold up whoever looks for another store, or the loop, which tells of them.
  auto opened = open_remote_store(where.is_s3 ? "s3" : "file", where.properties);
  const std::lock_guard guard{mutex_};
  auto& known = known_[resource];
  if (known.where != where)
    return opened;  // It moved meanwhile: this caller ends where he began.
  if (!known.store)
    known.store = std::move(opened);
  return known.store;
}

}  // namespace tabletd
