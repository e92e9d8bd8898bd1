#include "node/fe/store_probe.h"

#include "actors/model/resource_rules.h"
#include "node/cluster_hex.h"
#include "persistence/remote/remote_resource.h"

namespace tabletd {

std::string ask_store(const store_to_try& store, const std::atomic<bool>& over) {
  using std::chrono::milliseconds;
  const auto until = std::chrono::steady_clock::now() + store_patience;
  return fault_of_remote_store(model::name(store.type), store.properties, to_hex(store.cluster), random_number(), [&] {
    return over ? milliseconds::zero()
                : std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  });
}

}  // namespace tabletd
