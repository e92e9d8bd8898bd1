#include "actors/model/table_birth.h"
#include "actors/model/name_lookup.h"
#include "actors/model/placement.h"
#include "actors/model/transfer_plan.h"

namespace tabletd::model {

namespace {

std::string counted(std::uint64_t n, std::string_view noun) {
  return std::to_string(n) + ' ' + std::string{noun} + (n == 1 ? "" : "s");
}

birth_effects refused(statement_error why) { return {answer_birth{std::move(why), {}}}; }

birth_effects not_placed(const table_birth& life, const std::string& why_not) {
  return refused({error_code::resource_exhausted, life.described() + " cannot be placed: " + why_not,
                  "see SHOW BACKENDS; ALTER SYSTEM ADD BACKEND adds one", {}, {}, {}, {}});
}

/// A new replica is empty: it needs no copy, so no slot.
std::variant<std::vector<placements>, std::string> places_for(const table_birth& life, const table_wish& wish,
                                                              const catalog& cat, const cluster_view& view) {
  const slot_ledger no_slots;
  return place_table({.cat = cat, .cluster = view, .slots = no_slots, .fit = life.fit}, wish);
}

/// Only equal tables can lie alike; the fold insists on it.
std::optional<statement_error> misfit(const table_birth& life, const create_table& what, const colocate_group& group) {
  if (group.sequence.size() == what.buckets && group.replication_num == what.replication_num)
    return std::nullopt;
  return statement_error{error_code::failed_precondition,
                         life.name + " does not fit colocation group " + group.name + ": that has "
                             + counted(group.sequence.size(), "bucket") + " and "
                             + counted(group.replication_num, "replica") + ", not " + std::to_string(what.buckets)
                             + " and " + std::to_string(what.replication_num),
                         "take the group's numbers, or another group; SHOW PROC '/colocation_group' shows them",
                         {},
                         {},
                         {},
                         {}};
}

birth_effects place_whole_table(const table_birth& life, const create_table& what, const catalog& cat,
                                const cluster_view& view, storage_policy_id policy) {
  const auto* group = what.colocate_with.empty() ? nullptr : cat.find_colocate_group(life.database, what.colocate_with);
  if (group)
    if (auto why = misfit(life, what, *group))
      return refused(std::move(*why));
  const auto names = what.partitions.empty() ? partition_names{what.table.table} : what.partitions;
  auto placed = places_for(life,
                           {.buckets = what.buckets,
                            .replication_num = what.replication_num,
                            .partitions = static_cast<std::uint32_t>(names.size()),
                            .medium = what.medium,
                            .cluster = what.cluster,
                            .group = group,
                            .alike = !what.colocate_with.empty()},
                           cat, view);
  if (const auto* why_not = std::get_if<std::string>(&placed))
    return not_placed(life, *why_not);
  table_created made{life.database, what.table.table, what.key_column, what.separator, what.replication_num, {}, {},
                     what.cluster, what.colocate_with, policy};
  for (std::size_t i = 0; i < names.size(); ++i)
    made.partitions.push_back({names[i], what.medium, std::move(std::get<std::vector<placements>>(placed)[i]), {}});
  return {propose_birth{std::move(made)}};
}

birth_effects place_partition(const table_birth& life, const add_partition& what, const catalog& cat,
                              const cluster_view& view, storage_policy_id policy) {
  const auto* owner = cat.find_table(life.database, what.table.table);
  if (!owner)
    return refused({error_code::not_found,
                    "there is no table " + life.name + " any more",
                    "it was dropped meanwhile",
                    {},
                    {},
                    {},
                    {}});
  if (owner->find(what.partition))
    return refused({error_code::already_exists, life.name + " has a partition " + what.partition + " already",
                    "take another name", {}, {}, {}, {}});
  auto placed = places_for(life,
                           {.buckets = owner->partitions.front().buckets,
                            .replication_num = owner->replication_num,
                            .medium = what.medium,
                            .cluster = owner->cluster,
                            .group = cat.colocate_groups.find(owner->colocate_group)},
                           cat, view);
  if (const auto* why_not = std::get_if<std::string>(&placed))
    return not_placed(life, *why_not);
  return {propose_birth{partition_added{
      owner->id, {what.partition, what.medium, std::move(std::get<std::vector<placements>>(placed).front()), policy}}}};
}

birth_effects find_places(table_birth& life, const catalog& cat, const cluster_view& view) {
  ++life.placed;
  const auto found
    = std::visit([&](const auto& what) { return storage_policy_named(cat, what.storage_policy); }, life.what);
  if (const auto* error = std::get_if<statement_error>(&found))
    return refused(*error);
  const auto policy = std::get<storage_policy_id>(found);
  return std::visit(overloaded{
    [&](const create_table& what) { return place_whole_table(life, what, cat, view, policy); },
    [&](const add_partition& what) { return place_partition(life, what, cat, view, policy); },
  }, life.what);
}

/// One warning per backend: what it has not created, and why as far as it said so.
std::vector<statement_error> late_ones(const table_birth& life, const catalog& cat) {
  struct late {
    std::uint64_t replicas{};
    tablet_id first{};
    std::string why;
  };
  std::map<backend_id, late> by_backend;
  for (const auto& [backend, failures] : life.failed)
    by_backend[backend] = {failures.size(), failures.front().first, failures.front().second};
  for (const auto& [backend, tablet] : life.waiting) {
    auto& one = by_backend[backend];
    if (one.replicas++ == 0)
      one = {1, tablet, "no answer in " + std::to_string(birth_patience.count() / 1'000) + " seconds"};
  }
  std::vector<statement_error> warnings;
  for (const auto& [backend, one] : by_backend)
    warnings.push_back({error_code::unavailable,
                        "backend " + described(cat, backend) + " has not created " + counted(one.replicas, "replica")
                          + " (tablet " + std::to_string(raw(one.first)) + (one.replicas > 1 ? ", ..." : "") + "): " + one.why,
                        "they are created when that backend next reports; SHOW TABLETS FROM " + life.name + " shows them",
                        {}, {}, {}, {}});
  return warnings;
}

birth_effects answered(const table_birth& life, const catalog& cat) {
  return {answer_birth{statement_done{"created " + life.described() + ": " + counted(life.tablets, "tablet") + ", "
                                        + counted(life.replicas, "replica"),
                                      1},
                       late_ones(life, cat)}};
}

void collect_orders(table_birth& life, const partition& part, log_index fence, const catalog& cat,
                    order_replicas& into) {
  for_each_tablet(part, [&](tablet_id id) {
    ++life.tablets;
    for (const auto& r : cat.tablets.find(id)->replicas) {
      into.orders.push_back({r.backend, id, r.id, r.path, fence});
      life.waiting.emplace(r.backend, id);
    }
  });
}

birth_effects created(table_birth& life, const edit_answer& answer, const catalog& cat) {
  order_replicas orders;
  if (std::holds_alternative<create_table>(life.what)) {
    if (const auto* t = cat.tables.find(table_id{answer.id})) // Else it was dropped again already.
      for (const auto& part : t->partitions)
        collect_orders(life, part, answer.index, cat, orders);
  } else if (const auto* t = cat.find_table(life.database, std::get<add_partition>(life.what).table.table)) {
    if (const auto* part = t->find(partition_id{answer.id}))
      collect_orders(life, *part, answer.index, cat, orders);
  }
  life.replicas = orders.orders.size();
  if (life.waiting.empty())
    return answered(life, cat);
  return {std::move(orders), arm_birth_due{birth_patience}};
}

birth_effects exists_already(const table_birth& life) {
  return {answer_birth{statement_done{life.name + " exists already: nothing to do", 0}, {}}};
}

/// The group may have come into being, or moved, since the places were found.
bool placement_is_stale(refusal why) { return why == refusal::placement_stale || why == refusal::colocate_mismatch; }

bool if_not_exists(const table_birth& life) {
  const auto* table = std::get_if<create_table>(&life.what);
  return table && table->if_not_exists;
}

} // namespace

std::string table_birth::described() const {
  const auto* part = std::get_if<add_partition>(&what);
  return part ? "partition " + part->partition + " of " + name : name;
}

birth_effects begin(table_birth& life, const catalog& cat, const cluster_view& view) {
  if (if_not_exists(life) && cat.find_table(life.database, std::get<create_table>(life.what).table.table))
    return exists_already(life);
  return find_places(life, cat, view);
}

birth_effects step(table_birth& life, const birth_event& event, const catalog& cat, const cluster_view& view,
                   std::string_view leader) {
  return std::visit(overloaded{
    [&](const edit_answer& answer) -> birth_effects {
      if (answer.ok())
        return created(life, answer, cat);
      if (answer.failure == journal_failure::none && answer.why == refusal::table_already_exists && if_not_exists(life))
        return exists_already(life);
      if (answer.failure == journal_failure::none && placement_is_stale(answer.why) && life.placed < placements_max)
        return find_places(life, cat, view);
      return {answer_birth{error_of(answer, "creating " + life.described(), leader), {}}};
    },
    [&](const replica_create_ended& end) -> birth_effects {
      if (life.waiting.erase({end.backend, end.tablet}) == 0)
        return {};
      if (!end.failure.empty())
        life.failed[end.backend].emplace_back(end.tablet, end.failure);
      return life.waiting.empty() ? answered(life, cat) : birth_effects{};
    },
    [&](const birth_due&) -> birth_effects { return answered(life, cat); },
  }, event);
}

} // namespace tabletd::model
