#pragma once
// What others see of the catalog: an immutable snapshot in a cell, and a signal when
// there is a newer one.  Reading never enters a mailbox.
#include "actors/journal/ports.h"
#include "actors/model/catalog.h"
#include <atomic>
#include <memory>

namespace tabletd {

using catalog_snapshot = std::shared_ptr<const model::catalog>;

/// Holds the newest snapshot.  Shared by everybody, written by the catalog actor.
class catalog_cell {
public:
  /// Never null.
  [[nodiscard]] catalog_snapshot load() const { return snapshot_.load(std::memory_order_acquire); }
  void store(catalog_snapshot next) { snapshot_.store(std::move(next), std::memory_order_release); }

private:
  std::atomic<catalog_snapshot> snapshot_{std::make_shared<const model::catalog>()};
};
using catalog_cell_ptr = std::shared_ptr<catalog_cell>;

using catalog_advanced = sealed<wire::CatalogAdvanced>;
using catalog_listener_actor = caf::typed_actor<caf::reacts_to<catalog_advanced>>;

/// Registers a listener; it hears of every later advance (and at once of the present one).
struct subscribe {};
template <class I>
typename I::result_type inspect(I& f, subscribe&) {
  return f(caf::meta::type_name("subscribe"));
}

using catalog_actor = catalog_sink_actor::extend<caf::reacts_to<subscribe, catalog_listener_actor>>;

/// An image of another leader took the place of this node's log: the catalog is this one from now on.
struct catalog_replaced {
  catalog_snapshot by;
};
using replaceable_catalog_actor = catalog_actor::extend<caf::reacts_to<catalog_replaced>>;

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::catalog_replaced)
