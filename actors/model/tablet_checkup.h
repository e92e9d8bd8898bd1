#pragma once
// A tablet's replicas in the seed's words: the status of one, and ADMIN DIAGNOSE TABLET, which
// goes from level to level and stops at the first that is missing (spec/replica.md 1.3, 8.2).
#include "actors/model/catalog.h"
#include "actors/model/statement.h"
#include <string>
#include <vector>

namespace tabletd::model {

/// First match: DEAD, VERSION_ERROR, OK.  Never SCHEMA_ERROR (there are no schemas) nor MISSING
/// (that is a replica there is none of).
[[nodiscard]] replica_status status_of(const catalog& cat, const tablet& t, const replica& r);

struct checkup_item {
  std::string item;
  std::string info;
  std::string suggestion; ///< Empty: nothing is to be done.
};
[[nodiscard]] std::vector<checkup_item> check_up(const catalog& cat, tablet_id tablet);

} // namespace tabletd::model
