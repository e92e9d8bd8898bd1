#include "node/be/remote_shelf.h"

#include "persistence/remote/remote_resource.h"

#include <fmt/format.h>

namespace tabletd {

void remote_shelf::know(const std::vector<codec::resource_definition>& resources) {
  const std::lock_guard guard{mutex_};
  for (const auto& resource : resources)
    if (auto& known = known_[resource.id]; known.where != resource)
      known = {resource, nullptr};
}

std::shared_ptr<remote_store> remote_shelf::find(model::resource_id resource) {
  const std::lock_guard guard{mutex_};
  const auto at = known_.find(resource);
  if (at == known_.end())
    throw remote_error(remote_fault::unusable, {},
                       fmt::format("this backend has not been told where resource {} is; the leader says it when it "
                                   "attaches, try again",
                                   model::raw(resource)));
  auto& [where, store] = at->second;
  if (!store)
    store = open_remote_store(where.is_s3 ? "s3" : "file", where.properties);
  return store;
}

}  // namespace tabletd
