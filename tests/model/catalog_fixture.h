#pragma once
// Four live backends and a database: where most tests of the fold begin.
#include "tests/model/catalog_world.h"

namespace tabletd::test {

struct CatalogTest : ::testing::Test {
  catalog_world w;
  catalog& cat = w.cat;
  backend_id b1 = w.live_backend(1), b2 = w.live_backend(2), b3 = w.live_backend(3),
             b4 = w.live_backend(4);
  database_id db = w.make_database();

  refusal why(edit_body body) { return w(std::move(body)).why; }
  table_id orders() { return w.make_table(db, {b1, b2, b3}); }
  clone_ordered clone_to(table_id t, backend_id source, backend_id target, replica_id r = {}) {
    return {w.bucket(t).id, 1, 1, w.first_path(source), w.first_path(target), r, w.visible(t)};
  }
};

} // namespace tabletd::test
