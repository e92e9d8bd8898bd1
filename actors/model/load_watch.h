#pragma once
// Loads nobody carries any more: their job crashed, or it went down with an earlier leader.  Pure.
#include "actors/model/catalog.h"
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::model {

/// What a job is known by before its load has a number.
using load_name = std::pair<table_id, std::string>; ///< Table and label.

struct load_watch {
  std::set<txn_id> suspects; ///< Open and without a job at the last look.
};

/// The loads to take over: open, and without a job at two looks in a row.  A job says who it is
/// before it proposes, but that mail may still lie behind the look that sees its load.
/// `carried`: the loads of all live jobs.
[[nodiscard]] std::vector<txn_id> look(load_watch& watch, const catalog& cat, const std::set<load_name>& carried);

} // namespace tabletd::model
