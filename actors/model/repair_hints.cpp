#include "actors/model/repair_hints.h"
#include "actors/model/health.h"

namespace tabletd::model {

namespace {

/// Nothing of it can be repaired any more, or nothing needs to be.
bool is_done(const catalog& cat, const partition& part) {
  for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
    const auto& t = *cat.tablets.find(tablet_id{raw(part.first_tablet) + bucket});
    const auto health = diagnose(cat, t).health;
    if (health != tablet_health::healthy && health != tablet_health::unrecoverable)
      return false;
  }
  return true;
}

} // namespace

std::vector<repair_unhinted> hints_to_end(const catalog& cat, time_ms wall) {
  std::vector<repair_unhinted> done;
  if (cat.hints.empty())
    return done;
  cat.tables.for_each([&](table_id id, const table& t) {
    repair_unhinted of{id, {}};
    for (const auto& part : t.partitions)
      if (const auto* until = cat.hints.find(part.id); until && (*until <= wall || is_done(cat, part)))
        of.partitions.push_back(part.id);
    if (!of.partitions.empty())
      done.push_back(std::move(of));
  });
  return done;
}

} // namespace tabletd::model
