#pragma once
// Loads nobody carries any more: their job crashed, or it went down with an earlier leader.  Pure.
#include "actors/model/catalog.h"
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::model {

/// What a job is known by before its load has a number.
using load_name = std::pair<table_id, std::string>; ///< Table and label.

struct load_watch {
  std::set<txn_id> suspects;            ///< Open and without a job at the last look.
  std::map<txn_id, unsigned> inherited; ///< Of an earlier term: looks since it was named.
};

/// A take-over that did not start, or died, is named again after so many looks.
inline constexpr unsigned looks_before_again = 5;

/// The loads to take over.  One of an earlier term: at once, for whoever carried it went down with its
/// leader; that somebody of this term uses the label again says nothing (a client that tries until the
/// label is free would otherwise keep it from ever becoming so).  One of this term: open, and
/// without a job at two looks in a row; a job says who it is before it proposes, but that mail
/// may still lie behind the look that sees its load.  `carried`: the loads of all live jobs.
[[nodiscard]] std::vector<txn_id> look(load_watch& watch, const catalog& cat, const std::set<load_name>& carried);

} // namespace tabletd::model
