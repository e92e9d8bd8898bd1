#pragma once
// Every tablet of a paper cluster with what is wrong and what is done about it, as one JSON
// document (docs/offline.md).
#include "node/tabletctl/paper_cluster.h"
#include <string>

namespace tabletd::ctl {

struct diagnosis_options {
  bool why = false; ///< With the verdict on every path that was looked at.
};

/// Tablets by table, partition and bucket, keys in a fixed order: equal clusters give equal bytes.
[[nodiscard]] std::string diagnosis_json(const paper_cluster& of, diagnosis_options options);

} // namespace tabletd::ctl
