// Folds of resources and storage policies: where data cools to, when, and whose data.
#include "actors/model/catalog_fold.h"
#include "actors/model/resource_rules.h"

namespace tabletd::model::fold {

namespace {

/// A policy that names the resource, or 0.
std::uint64_t policy_on(const catalog& cat, resource_id on) {
  std::uint64_t user = 0;
  cat.storage_policies.for_each([&](storage_policy_id id, const storage_policy& p) {
    user = p.resource == on ? raw(id) : 0;
    return user == 0;
  });
  return user;
}

/// Whether something lies there, or may: a dropped tablet's uploader may have written to any store it was told of.
verdict holds_data(const catalog& cat, const resource& of) {
  if (of.tablets > 0)
    return refuse(refusal::resource_holds_data, of.tablets);
  return cat.tombstones.empty() ? accept(0) : refuse(refusal::resource_to_be_purged, cat.tombstones.size());
}

/// A table that names the policy or has a partition that does, or 0.
std::uint64_t table_under(const catalog& cat, storage_policy_id policy) {
  std::uint64_t user = 0;
  cat.tables.for_each([&](table_id id, const table& t) {
    bool named = t.storage_policy == policy;
    for (const auto& part : t.partitions)
      named |= part.storage_policy == policy;
    user = named ? raw(id) : 0;
    return user == 0;
  });
  return user;
}

}  // namespace

// -- resources ---------------------------------------------------------------------------

verdict fold(catalog& cat, const resource_created& e, moment) {
  if (const auto* there = cat.find_resource(e.name))
    return refuse(refusal::resource_already_exists, raw(there->id));
  const resource_id id{cat.next_id++};
  cat.resources.put(id, {id, e.name, e.type, e.properties});
  return accept(raw(id));
}

/// Where published data lies, it stays: a resource that points elsewhere would lose it.
verdict fold(catalog& cat, const resource_altered& e, moment) {
  const auto* found = cat.resources.find(e.resource);
  if (!found)
    return refuse(refusal::resource_unknown);
  if (!same_place(found->type, found->properties, e.properties))
    if (const auto why = holds_data(cat, *found); !why.ok())
      return why;
  if (found->properties == e.properties)
    return accept(raw(e.resource));
  auto& altered = *cat.resources.edit(e.resource);
  altered.properties = e.properties;
  ++altered.version;
  return accept(raw(e.resource));
}

verdict fold(catalog& cat, const resource_dropped& e, moment) {
  const auto* found = cat.resources.find(e.resource);
  if (!found)
    return refuse(refusal::resource_unknown);
  if (const auto user = policy_on(cat, e.resource))
    return refuse(refusal::resource_in_use, user);
  if (const auto why = holds_data(cat, *found); !why.ok())
    return why;
  cat.resources.erase(e.resource);
  return accept(raw(e.resource));
}

// -- storage policies --------------------------------------------------------------------

verdict fold(catalog& cat, const storage_policy_created& e, moment) {
  if (const auto* there = cat.find_storage_policy(e.name))
    return refuse(refusal::storage_policy_already_exists, raw(there->id));
  if (!cat.resources.contains(e.resource))
    return refuse(refusal::resource_unknown);
  const storage_policy_id id{cat.next_id++};
  cat.storage_policies.put(id, {id, e.name, e.resource, e.due});
  return accept(raw(id));
}

verdict fold(catalog& cat, const storage_policy_altered& e, moment) {
  const auto* found = cat.storage_policies.find(e.policy);
  if (!found)
    return refuse(refusal::storage_policy_unknown);
  if (!cat.resources.contains(e.resource))
    return refuse(refusal::resource_unknown);
  if (found->resource == e.resource && found->due == e.due)
    return accept(raw(e.policy));
  auto& altered = *cat.storage_policies.edit(e.policy);
  altered.resource = e.resource;
  altered.due = e.due;
  ++altered.version;
  return accept(raw(e.policy));
}

verdict fold(catalog& cat, const storage_policy_dropped& e, moment) {
  if (!cat.storage_policies.contains(e.policy))
    return refuse(refusal::storage_policy_unknown);
  if (const auto user = table_under(cat, e.policy))
    return refuse(refusal::storage_policy_in_use, user);
  cat.storage_policies.erase(e.policy);
  return accept(raw(e.policy));
}

verdict fold(catalog& cat, const storage_policy_set& e, moment) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  if (raw(e.partition) != 0 && !owner->find(e.partition))
    return refuse(refusal::partition_unknown);
  if (!policy_may_be(cat, e.policy))
    return refuse(refusal::storage_policy_unknown);
  auto& set = *cat.tables.edit(e.table);
  if (raw(e.partition) == 0)
    set.storage_policy = e.policy;
  for (auto& part : set.partitions)
    if (part.id == e.partition)
      part.storage_policy = e.policy;
  // Who puts a partition under a policy takes a recall back; who takes the last one away, the hurry.
  for (auto& part : set.partitions)
    if (policy_of(cat, set, part))
      part.recalled = false;
    else
      part.cool_through = 0;
  return accept(raw(e.table));
}

}  // namespace tabletd::model::fold
