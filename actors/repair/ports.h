#pragma once
// The repair room's mail: checker -> scheduler -> one tablet_sched_ctx per running tablet.
#include "actors/membership/ports.h"
#include "actors/model/scheduler_view.h"

namespace tabletd {

/// The scheduler's published self-portrait; never null.
class scheduler_view_cell {
public:
  [[nodiscard]] std::shared_ptr<const model::scheduler_view> load() const { return view_.load(std::memory_order_acquire); }
  void store(std::shared_ptr<const model::scheduler_view> next) { view_.store(std::move(next), std::memory_order_release); }

private:
  std::atomic<std::shared_ptr<const model::scheduler_view>> view_{std::make_shared<const model::scheduler_view>()};
};
using scheduler_view_cell_ptr = std::shared_ptr<scheduler_view_cell>;

using ctx_ended = sealed<wire::CtxEnded>;

/// Finds sick tablets: on catalog events at once, by a slow sweep as the safety net.
using tablet_checker_actor = caf::typed_actor<caf::reacts_to<catalog_advanced>, caf::reacts_to<tick_due>>;

/// Queue, slots, children.  view_changed: the cluster view moved (a backend linked, a disk
/// filled up): what was parked may be possible now.
using tablet_scheduler_actor = caf::typed_actor<caf::reacts_to<sealed<wire::SickTablets>>,
                                                caf::reacts_to<ctx_ended>,
                                                caf::reacts_to<view_changed>,
                                                caf::reacts_to<tick_due>>;

/// The scheduler has changed its mind about a copy.
struct withdrawal {
  std::string why;
};
template <class I>
typename I::result_type inspect(I& f, withdrawal& x) {
  return f(caf::meta::type_name("withdrawal"), x.why);
}

/// The life of one remedy of one tablet.
using tablet_sched_ctx_actor = caf::typed_actor<caf::reacts_to<tick_due>, caf::reacts_to<withdrawal>>;

} // namespace tabletd
