#pragma once
// A cluster that exists on paper only (schemas/offline.capnp), as the model sees one.
#include "actors/model/placement.h"
#include "schemas/offline.capnp.h"

namespace tabletd::ctl {

struct paper_cluster {
  model::catalog cat;
  model::cluster_view cluster;
  model::slot_ledger slots;
  model::fit_limits fit;
  [[nodiscard]] model::placement_view view() const {
    return {.cat = cat, .cluster = cluster, .slots = slots, .fit = fit};
  }
};

/// What can be reached by edits is folded; tablets in the middle of something are written into the
/// maps of the fold, and the whole must then be sound (model::broken_invariant).  Throws json_failure
/// with the field that does not fit.
[[nodiscard]] paper_cluster build(wire::OfflineCluster::Reader from);

} // namespace tabletd::ctl
