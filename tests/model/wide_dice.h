#pragma once
// Random edits of every kind, for walks whose catalog must have some of everything.
#include "tests/model/edit_dice.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

/// The edits that edit_dice leaves out, too.
class wide_dice : public edit_dice {
public:
  using edit_dice::edit_dice;

  edit_body next_of_all() {
    if (!chance(30))
      return next();
    switch (below(36)) {
      case 0: return cluster_founded{{1, 2, 3}, "blue"};
      case 1: return backend_modified{some_backend(), "c" + std::to_string(below(2)), "rack:" + std::to_string(below(3))};
      case 2: return with_partition();
      case 3: return partition_dropped{some_table(), some_partition()};
      case 4: return partition_modified{some_table(), some_partition(), chance(50) ? std::optional(medium::ssd) : std::nullopt};
      case 5:
      case 6: return status();
      case 7:
      case 8: return repair_hinted{some_table(), {some_partition()}, time_ms{static_cast<std::int64_t>(below(9'999'999))}};
      case 9: return repair_unhinted{some_table(), {some_partition()}};
      case 10: return config_set{"key" + std::to_string(below(3)), chance(70) ? "value" : ""};
      case 11: return colocated_table();
      case 12: return colocate_relocated{pick<colocate_group_id>(cat_.colocate_groups), 0, {some_backend(), some_backend()}, "why"};
      case 13: return balance_paused{"table:" + std::to_string(below(3)), "ann", "because", time_ms{5}};
      case 14: return balance_resumed{"table:" + std::to_string(below(3))};
      case 15: return decided();
      case 16: return resource_created{"r" + std::to_string(below(3)), chance(50) ? resource_type::file : resource_type::s3, root()};
      case 17: return chance(60) ? edit_body{resource_altered{some_resource(), root()}} : edit_body{resource_dropped{some_resource()}};
      case 18: return storage_policy_created{"p" + std::to_string(below(3)), some_resource(), due()};
      case 19:
        return chance(60) ? edit_body{storage_policy_altered{some_policy(), some_resource(), due()}}
                          : edit_body{storage_policy_dropped{some_policy()}};
      case 20: return storage_policy_set{some_table(), chance(50) ? some_partition() : partition_id{}, chance(80) ? some_policy() : storage_policy_id{}};
      case 21: return granted();
      case 22:
      case 23: return published();
      case 24: return cooldown_hurried{some_table(), {some_partition()}};
      case 25: return storage_policy_set{some_table(), {}, {}};
      case 26: return cooldown_recalled{some_table(), {some_partition()}};
      case 27: return recall_published();
      case 28: return table_that_cooled_dropped();
      case 29: return remote_purged{{pick<tablet_id>(cat_.tombstones)}};
      case 30: return warmup_created{job_asked(), {}};
      case 31: return begun();
      case 32: return batch();
      case 33: return job_ended();
      case 34:
        return chance(50)   ? edit_body{warmup_paused{some_job()}}
               : chance(70) ? edit_body{warmup_resumed{some_job()}}
                            : edit_body{warmup_forgotten{some_job()}};
      default: return balance_clone();
    }
  }

private:
  warmup_job_id some_job() { return pick<warmup_job_id>(cat_.warmup.jobs); }
  warmup_definition job_asked() {
    warmup_definition what{warmup_type::cluster, "c0", "c" + std::to_string(1 + below(2)), {}, chance(50), sync_once{}, {}, {}};
    if (chance(30))
      what.sync = sync_periodic{time_ms{1'000}};
    if (chance(20))
      what.sync = sync_on_event{chance(50) ? warmup_event::load : warmup_event::query};
    what.on_error = chance(50) ? warmup_on_error::skip : warmup_on_error::cancel;
    return what;
  }
  warmup_begun begun() {
    const auto id = some_job();
    const auto* job = cat_.warmup.jobs.find(id);
    if (!job || is_event_driven(job->what.sync))
      return {id, 0, std::nullopt};
    std::vector<warmup_lane_plan> lanes;
    for (std::uint64_t b = 1; b <= 1 + below(3); ++b)
      lanes.push_back({backend_id{b}, {{{tablet_id{1}, tablet_id{b}}, 100}, {{tablet_id{2}}, 50}}});
    return {id, job->run, std::move(lanes)};
  }
  batch_warmed batch() {
    const auto id = some_job();
    const auto* job = cat_.warmup.jobs.find(id);
    if (!job || job->lanes.empty())
      return {id, 0, backend_id{1}, 0, 1, 0, {}};
    const auto& lane = job->lanes[below(job->lanes.size())];
    return {id, job->run, lane.backend, lane.warmed, below(51), 1, {tablet_id{1}}};
  }
  warmup_ended job_ended() {
    const auto id = some_job();
    const auto* job = cat_.warmup.jobs.find(id);
    warmup_ended e{id, job ? job->run : 0, static_cast<warmup_state>(below(4)), chance(50) ? "it failed" : "", {}};
    if (job && !job->lanes.empty() && chance(70))
      for (const auto& lane : job->lanes)
        e.skipped.push_back({lane.backend, "away"});
    return e;
  }
  resource_properties root() { return {{"root", "/mnt/" + std::to_string(below(3))}}; }
  cooldown_due due() {
    return chance(50) ? cooldown_due{cooldown_ttl{below(100)}} : cooldown_due{cooldown_datetime{time_ms{static_cast<std::int64_t>(below(100))}}};
  }
  resource_id some_resource() { return pick<resource_id>(cat_.resources); }
  storage_policy_id some_policy() { return pick<storage_policy_id>(cat_.storage_policies); }
  cooldown_granted granted() {
    const auto* t = some_tablet();
    const auto id = t ? t->id : tablet_id{};
    const auto* conf = cat_.cooldowns.find(id);
    const auto now = conf ? conf->term : 0;
    return {{chance(20) ? cooldown_grant{id, {}, now} : cooldown_grant{id, some_replica(t), now + (chance(90) ? 1 : 0)}}};
  }
  cooldown_published published() {
    const auto id = pick<tablet_id>(cat_.cooldowns);
    const auto* conf = cat_.cooldowns.find(id);
    if (!conf)
      return {id, replica_id{1}, {}};
    const auto before = conf->published.value_or(published_meta{});
    return {id, conf->uploader,
            {{conf->term, before.id.seq + below(3)}, some_resource(), "object", 5, std::max(version{1}, before.last_version) + below(2), below(99)}};
  }
  cooldown_published recall_published() {
    auto e = published();
    e.meta = nothing_remote(e.meta.id);
    return e;
  }
  table_dropped table_that_cooled_dropped() {
    const auto* t = cat_.tablets.find(pick<tablet_id>(cat_.cooldowns));
    return {t ? t->table : table_id{}};
  }
  checkpoint_decided decided() {
    const auto what = static_cast<checkpoint_decision>(below(checkpoint_decision_count));
    return {what, frontend_id{is_about_member(what) ? 1 + below(3) : 0}, "because"};
  }
  table_id some_table() { return table_ = pick<table_id>(cat_.tables); }
  partition_id some_partition() {
    const auto* t = cat_.tables.find(table_);
    return t ? t->partitions[below(t->partitions.size())].id : partition_id{1};
  }
  std::vector<place> places(std::uint64_t n) {
    std::vector<place> on;
    for (; n > 0; --n)
      on.push_back(some_place());
    return on;
  }
  partition_added with_partition() {
    const auto* t = cat_.tables.find(some_table());
    partition_added e{table_, {"p" + std::to_string(below(4)), medium::hdd, {}, {}}};
    for (std::uint32_t b = 0; t && b < t->partitions.front().buckets; ++b)
      e.what.placements.push_back(places(t->replication_num));
    return e;
  }
  table_created colocated_table() {
    table_created e;
    e.database = pick<database_id>(cat_.databases);
    e.name = "g" + std::to_string(below(6));
    e.replication_num = 2;
    e.cluster = chance(50) ? "default_cluster" : "";
    e.colocate_with = "group";
    const auto* group = cat_.colocate_groups.empty() ? nullptr : cat_.colocate_groups.find(pick<colocate_group_id>(cat_.colocate_groups));
    for (std::uint64_t bucket = 0; bucket < 2; ++bucket) {
      auto on = places(2);
      if (group && group->sequence.size() == 2)
        for (std::size_t i = 0; i < 2; ++i)
          if (const auto* b = cat_.backends.find(group->sequence[bucket][i]); b && !b->paths.empty())
            on[i] = {b->id, b->paths.front().hash};
      e.placements.push_back(on);
    }
    return e;
  }
  replica_status_set status() {
    const auto* t = some_tablet();
    return {t ? t->id : tablet_id{}, some_replica(t), chance(60)};
  }
  clone_ordered balance_clone() {
    auto e = clone();
    const auto* t = cat_.tablets.find(e.tablet);
    e.purpose = order_purpose::balance;
    e.health = 1;
    e.priority = 2;
    e.why = "less loaded";
    e.replica = {};
    e.replaces = some_replica(t);
    return e;
  }
  table_id table_{};
};

} // namespace tabletd::test
