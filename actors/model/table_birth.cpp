#include "actors/model/table_birth.h"
#include "actors/model/placement.h"
#include "actors/model/transfer_plan.h"

namespace tabletd::model {

namespace {

std::string counted(std::uint64_t n, std::string_view noun) {
  return std::to_string(n) + ' ' + std::string{noun} + (n == 1 ? "" : "s");
}

birth_effects find_places(table_birth& life, const catalog& cat, const cluster_view& view) {
  ++life.placed;
  const slot_ledger no_slots; // A new replica is empty: it needs no copy, so no slot.
  const placement_view where{cat, view, no_slots, {}, {}, 0};
  auto placed = place_table(where, life.what.buckets, life.what.replication_num);
  if (const auto* why_not = std::get_if<std::string>(&placed))
    return {answer_birth{statement_error{error_code::resource_exhausted, life.name + " cannot be placed: " + *why_not,
                                         "see SHOW BACKENDS; ALTER SYSTEM ADD BACKEND adds one", {}, {}, {}, {}},
                         {}}};
  return {propose_table{{life.database, life.what.table.table, life.what.key_column, life.what.separator,
                         life.what.replication_num, std::move(std::get<placements>(placed))}}};
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
  return {answer_birth{statement_done{"created " + life.name + ": " + counted(life.what.buckets, "tablet") + ", "
                                        + counted(life.replicas, "replica"),
                                      1},
                       late_ones(life, cat)}};
}

birth_effects created(table_birth& life, const edit_answer& answer, const catalog& cat) {
  life.table = table_id{answer.id};
  order_replicas orders;
  if (const auto* t = cat.tables.find(life.table)) { // Else it was dropped again already.
    for (const auto& part : t->partitions)
      for_each_tablet(part, [&](tablet_id id) {
        for (const auto& r : cat.tablets.find(id)->replicas) {
          orders.orders.push_back({r.backend, id, r.id, r.path, answer.index});
          life.waiting.emplace(r.backend, id);
        }
      });
  }
  life.replicas = orders.orders.size();
  if (life.waiting.empty())
    return answered(life, cat);
  return {std::move(orders), arm_birth_due{birth_patience}};
}

birth_effects exists_already(const table_birth& life) {
  return {answer_birth{statement_done{life.name + " exists already: nothing to do", 0}, {}}};
}

} // namespace

birth_effects begin(table_birth& life, const catalog& cat, const cluster_view& view) {
  if (life.what.if_not_exists && cat.find_table(life.database, life.what.table.table))
    return exists_already(life);
  return find_places(life, cat, view);
}

birth_effects step(table_birth& life, const birth_event& event, const catalog& cat, const cluster_view& view,
                   std::string_view leader) {
  return std::visit(overloaded{
    [&](const edit_answer& answer) -> birth_effects {
      if (answer.ok())
        return created(life, answer, cat);
      if (answer.failure == journal_failure::none && answer.why == refusal::table_already_exists && life.what.if_not_exists)
        return exists_already(life);
      if (answer.failure == journal_failure::none && answer.why == refusal::placement_stale && life.placed < placements_max)
        return find_places(life, cat, view);
      return {answer_birth{error_of(answer, "creating " + life.name, leader), {}}};
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
