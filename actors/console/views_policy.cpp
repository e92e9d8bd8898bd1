// Resources, storage policies, and who is under them.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/resource_rules.h"
#include "actors/model/view_columns.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tabletd::views {

namespace {

using namespace model;

template <class Id, class T>
std::vector<const T*> by_name_order(const cow_map<Id, T>& all) {
  std::vector<const T*> out;
  all.for_each([&](Id, const T& one) { out.push_back(&one); });
  std::sort(out.begin(), out.end(), [](const T* a, const T* b) { return a->name < b->name; });
  return out;
}

/// The partitions of a table by the policy they are under.
std::map<storage_policy_id, std::string> partitions_by_policy(const catalog& cat, const table& of) {
  std::map<storage_policy_id, std::string> names;
  std::map<storage_policy_id, std::size_t> counts;
  for (const auto& part : of.partitions)
    if (const auto* policy = policy_of(cat, of, part)) {
      auto& list = names[policy->id];
      list += (list.empty() ? "" : ", ") + part.name;
      ++counts[policy->id];
    }
  for (auto& [policy, list] : names)
    if (counts[policy] == of.partitions.size())
      list = "ALL";
  return names;
}

}  // namespace

table_value show_resources(const catalog& cat) {
  auto out = empty_table(columns::resources);
  for (const auto* r : by_name_order(cat.resources))
    out.rows.push_back({text(r->name), id(r->id), text(name(r->type)), text(listed(r->properties))});
  return out;
}

table_value show_storage_policies(const catalog& cat) {
  auto out = empty_table(columns::storage_policies);
  for (const auto* p : by_name_order(cat.storage_policies)) {
    const auto& to = *cat.resources.find(p->resource);
    const auto* ttl = std::get_if<cooldown_ttl>(&p->due);
    const auto* datetime = std::get_if<cooldown_datetime>(&p->due);
    out.rows.push_back({text(p->name), id(p->id), number(p->version), text("STORAGE"), text(to.name),
                        datetime ? time(datetime->at) : never,
                        ttl ? cell{static_cast<std::int64_t>(ttl->seconds)} : none, text(listed(to.properties))});
  }
  return out;
}

table_value show_policy_users(const catalog& cat, storage_policy_id only) {
  auto out = empty_table(columns::policy_users);
  cat.tables.for_each([&](table_id, const table& t) {
    for (const auto& [policy, partitions] : partitions_by_policy(cat, t))
      if (raw(only) == 0 || policy == only)
        out.rows.push_back({text(cat.storage_policies.find(policy)->name), text(cat.databases.find(t.database)->name),
                            text(t.name), text(partitions)});
  });
  const auto key = [](const cell_row& row) {
    return std::tie(std::get<std::string>(row[0]), std::get<std::string>(row[1]), std::get<std::string>(row[2]));
  };
  std::sort(out.rows.begin(), out.rows.end(), [&](const cell_row& a, const cell_row& b) { return key(a) < key(b); });
  return out;
}

table_value cooldown(const sources& from) {
  auto out = empty_table(columns::cooldown);
  if (!from.facts.cooldown)
    return out;
  const auto& cat = from.cat;
  for (const auto& [tablet, how] : from.facts.cooldown(replica_rows_max)) {
    const auto* t = cat.tablets.find(tablet);
    if (t == nullptr)
      continue; // Dropped meanwhile.
    const auto& owner = *cat.table_of(*t);
    const auto* conf = cat.cooldowns.find(tablet);
    const auto* meta = conf != nullptr && conf->published ? &*conf->published : nullptr;
    out.rows.push_back({id(tablet), text(cat.databases.find(owner.database)->name), text(owner.name),
                        conf != nullptr && raw(conf->uploader) != 0 ? cell{static_cast<std::int64_t>(raw(conf->uploader))} : none,
                        number(conf != nullptr ? conf->term : 0), text(word_of(how.phase)),
                        version_or_none(meta != nullptr ? meta->last_version : 0), version_or_none(cat.visible_version(*t)),
                        number(how.lag), number(meta != nullptr ? meta->bytes : 0), text(how.why)});
  }
  return out;
}

} // namespace tabletd::views
