#pragma once
// A session beside a table to talk about.
#include "tests/console/session_world.h"

namespace tabletd::test {

struct orders_world : session_world {
  /// shop.orders: 2 tablets of 3 replicas on 4 backends.
  model::table_id orders{};
  void with_orders() {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 2, 3);
    publish_world();
  }
  /// Second by second, so that timers armed meanwhile run too.
  void pass_seconds(int n) {
    for (int i = 0; i < n; ++i)
      pass(std::chrono::seconds(1));
  }
};

} // namespace tabletd::test
