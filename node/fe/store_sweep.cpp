#include "node/fe/store_sweep.h"

#include "actors/model/resource_rules.h"
#include "node/cluster_hex.h"
#include "persistence/remote/remote_resource.h"
#include "persistence/remote/remote_sweep.h"

namespace tabletd {

remote_sweep_result sweep_stores(const remote_sweep_task& task, const std::atomic<bool>& over) {
  using std::chrono::milliseconds;
  const auto until = std::chrono::steady_clock::now() + sweep_patience;
  const auto left = [&] {
    return over ? milliseconds::zero()
                : std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
  };
  remote_sweep_result done;
  const auto cluster = to_hex(task.cluster);
  for (const auto& [type, properties] : task.stores) {
    // Of several stores that fail the first one's reason is told; the others are swept all the same.
    try {
      const auto store = open_remote_store(model::name(type), properties);
      auto why = why_not_owned(*store, cluster, left);
      for (auto tablet = task.tablets.begin(); why.empty() && tablet != task.tablets.end(); ++tablet)
        done.objects += delete_objects_of(*store, model::raw(*tablet), left);
      if (done.why.empty())
        done.why = std::move(why);
    } catch (const std::exception& error) {
      if (done.why.empty())
        done.why = error.what();
    }
  }
  return done;
}

}  // namespace tabletd
