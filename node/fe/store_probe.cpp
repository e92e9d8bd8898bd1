#include "node/fe/store_probe.h"

#include "actors/model/resource_rules.h"
#include "node/cluster_hex.h"
#include "persistence/remote/remote_resource.h"
#include "persistence/remote/remote_sweep.h"

#include <fmt/format.h>

namespace tabletd {

namespace {

time_left_fn within_patience(const std::atomic<bool>& over) {
  using std::chrono::milliseconds;
  return [until = std::chrono::steady_clock::now() + store_patience, &over] {
    return over ? milliseconds::zero()
                : std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  };
}

}  // namespace

std::string ask_store(const store_to_try& store, const std::atomic<bool>& over) {
  return fault_of_remote_store(model::name(store.type), store.properties, to_hex(store.cluster), random_number(),
                               within_patience(over));
}

std::string leftovers_in(const store_to_try& store, const std::atomic<bool>& over) {
  try {
    const auto place = open_remote_store(model::name(store.type), store.properties);
    // An empty directory where a share is not mounted has nothing left either.
    if (auto why = why_not_owned(*place, to_hex(store.cluster), within_patience(over)); !why.empty())
      return why;
    const auto object = any_object_of(*place, within_patience(over));
    if (object.empty())
      return {};
    return fmt::format("{} still has objects of tablets, {} for one; uploaders delete what nobody needs any more within "
                       "hours: try again then",
                       place->name(), object);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace tabletd
