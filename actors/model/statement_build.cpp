// What a matched form means: one builder per statement, in the order of the variant.
#include "actors/model/statement_slots.h"
#include <algorithm>
#include <array>

namespace tabletd::model {

namespace {

create_table build_create_table(slot_reader& in) {
  create_table out;
  out.if_not_exists = in.took("IF");
  out.table = in.table();
  out.key_column = static_cast<std::uint32_t>(in.number("column number", 1, UINT32_MAX));
  out.partitions = in.partitions();
  out.buckets = static_cast<std::uint32_t>(in.number("number of buckets", 1, buckets_max));
  in.at_most(std::uint64_t{out.buckets} * std::max<std::size_t>(out.partitions.size(), 1), tablets_created_max, "tablets",
             "take fewer buckets, or add partitions one by one: ALTER TABLE ... ADD PARTITION");
  for (const auto& p : in.properties(slot::table_property)) {
    if (p.key == "replication_num")
      out.replication_num = static_cast<std::uint32_t>(in.number_in(p, "number of replicas", 1, replication_num_max));
    else if (p.key == "column_separator")
      out.separator = in.separator_in(p);
    else if (p.key == "storage_medium")
      out.medium = in.medium_in(p, false);
    else if (p.key == "cluster")
      out.cluster = in.name_in(p, "cluster name");
    else if (p.key == "colocate_with")
      out.colocate_with = in.name_in(p, "group name");
    else
      out.storage_policy = in.policy_in(p);
  }
  return out;
}

add_partition build_add_partition(slot_reader& in) {
  add_partition out;
  out.table = in.table();
  out.partition = in.name();
  for (const auto& p : in.properties(slot::partition_property))
    if (p.key == "storage_medium")
      out.medium = in.medium_in(p, false);
    else
      out.storage_policy = in.policy_in(p);
  return out;
}

drop_partition build_drop_partition(slot_reader& in) {
  auto table = in.table();
  return {std::move(table), in.name()};
}

modify_partition build_modify_partition(slot_reader& in) {
  modify_partition out;
  out.table = in.table();
  out.partition = in.name();
  for (const auto& p : in.properties(slot::partition_property))
    if (p.key == "storage_medium")
      out.medium = in.medium_in(p, true);
    else
      out.storage_policy = in.policy_in(p);
  return out;
}

set_table_policy build_set_table_policy(slot_reader& in) {
  set_table_policy out;
  out.table = in.table();
  for (const auto& p : in.properties(slot::table_setting))
    out.storage_policy = in.policy_in(p);
  return out;
}

// -- resources and storage policies --------------------------------------------------------

create_resource build_create_resource(slot_reader& in) {
  create_resource out;
  out.if_not_exists = in.took("IF");
  out.name = in.name();
  const auto given = in.properties(slot::resource_property);
  std::optional<resource_type> type;
  for (const auto& p : given)
    if (p.key == "type")
      type = in.resource_type_in(p);
    else
      set_property(out.properties, p.key, p.value->text);
  in.need(type.has_value(), "type", R"(it must be "file" or "s3")");
  out.type = type.value_or(resource_type::file);
  if (const auto fault = fault_of(out.type, out.properties))
    in.refuse_fault(given, *fault);
  return out;
}

/// Whether the keys fit its type is known when it is looked up.
alter_resource build_alter_resource(slot_reader& in) {
  alter_resource out{in.name(), {}};
  const auto given = in.properties(slot::resource_property);
  for (const auto& p : given) {
    const auto& value = p.value->text;
    if (p.key == "type")
      in.refuse_key(p, "the type of a resource cannot be changed", "CREATE RESOURCE another one");
    else if (const auto fault = fault_of(p.key, value); fault && !value.empty())
      in.refuse_fault(given, *fault);
    out.changes.emplace_back(p.key, value);
  }
  std::sort(out.changes.begin(), out.changes.end());
  return out;
}

struct policy_words {
  std::optional<std::string> resource;
  std::optional<cooldown_due> due;
};
policy_words build_policy_words(slot_reader& in) {
  policy_words out;
  for (const auto& p : in.properties(slot::policy_property)) {
    if (p.key == "storage_resource") {
      out.resource = in.name_in(p, "resource name");
      continue;
    }
    if (out.due)
      in.refuse_key(p, R"("cooldown_ttl" and "cooldown_datetime" cannot be set together)", "keep one of them");
    if (p.key == "cooldown_ttl")
      out.due = in.ttl_in(p);
    else
      out.due = in.datetime_in(p);
  }
  return out;
}

create_storage_policy build_create_storage_policy(slot_reader& in) {
  create_storage_policy out;
  out.if_not_exists = in.took("IF");
  out.name = in.name();
  const auto words = build_policy_words(in);
  in.need(words.resource.has_value(), "storage_resource",
          "it names the resource that data cools to; SHOW RESOURCES lists them");
  in.need(words.due.has_value(), "cooldown_ttl", R"("cooldown_ttl" or "cooldown_datetime" must be set)");
  out.resource = words.resource.value_or("");
  out.due = words.due.value_or(cooldown_due{});
  return out;
}

alter_storage_policy build_alter_storage_policy(slot_reader& in) {
  auto name = in.name();
  auto words = build_policy_words(in);
  return {std::move(name), std::move(words.resource), words.due};
}

add_backends build_add_backends(slot_reader& in) {
  add_backends out;
  out.addresses = in.addresses();
  for (const auto& p : in.properties(slot::backend_property))
    if (p.key == "cluster")
      out.cluster = in.name_in(p, "cluster name");
    else
      out.location = in.location_in(p, false);
  return out;
}

modify_backend build_modify_backend(slot_reader& in) {
  modify_backend out;
  out.address = in.address();
  for (const auto& p : in.properties(slot::backend_property))
    if (p.key == "cluster")
      out.cluster = in.name_in(p, "cluster name");
    else
      out.location = in.location_in(p, true);
  return out;
}

load_file build_load(slot_reader& in) {
  load_file out;
  out.path = in.path();
  out.table = in.table();
  out.partition = in.only_partition("a load goes into one partition: load each with a statement of its own");
  if (in.took("LABEL"))
    out.label = in.label();
  return out;
}

export_table build_export(slot_reader& in) {
  export_table out;
  out.table = in.table();
  out.partitions = in.partitions();
  out.path = in.path();
  if (in.took("USING"))
    out.cluster = in.name();
  return out;
}

/// A table and some of its partitions, as several statements begin.
template <class Statement>
Statement with_partitions(slot_reader& in) {
  Statement out;
  out.table = in.table();
  out.partitions = in.partitions();
  return out;
}

show_replica_status build_show_replica_status(slot_reader& in) {
  auto out = with_partitions<show_replica_status>(in);
  if (in.took("WHERE"))
    out.where = replica_status_filter{in.status(), in.took("!=")};
  return out;
}

repair_table build_repair_table(slot_reader& in) {
  auto out = with_partitions<repair_table>(in);
  out.on = !in.took("CANCEL");
  return out;
}

set_replica_status build_set_replica_status(slot_reader& in) {
  set_replica_status out;
  bool said = false;
  for (const auto& p : in.properties(slot::replica_property)) {
    if (p.key == "tablet_id") {
      out.tablet = in.number_in(p, "tablet id", 1, UINT64_MAX);
    } else if (p.key == "backend_id") {
      out.backend = in.number_in(p, "backend id", 1, UINT64_MAX);
    } else {
      out.bad = in.bad_in(p);
      said = true;
    }
  }
  in.need(out.tablet != 0, "tablet_id");
  in.need(out.backend != 0, "backend_id");
  in.need(said, "status");
  return out;
}

set_config build_set_config(slot_reader& in) {
  set_config out;
  for (const auto& p : in.properties(slot::config))
    out.values.emplace_back(p.key, in.config_in(p));
  return out;
}

balance_scope build_scope(slot_reader& in) {
  if (in.took("TABLE"))
    return in.table();
  if (in.took("BACKEND"))
    return in.address();
  return {};
}

pause_balance build_pause(slot_reader& in) {
  pause_balance out;
  out.scope = build_scope(in);
  out.duration = in.duration();
  if (in.took("REASON"))
    out.reason = in.reason();
  return out;
}

save_plan build_save_plan(slot_reader& in) {
  save_plan out;
  if (!in.took("REBALANCE")) {
    out.kind = in.took("LOSE") ? plan_kind::loss : plan_kind::decommission;
    out.address = in.address();
  }
  out.name = in.plan();
  return out;
}

check_tablets build_check(slot_reader& in) {
  check_tablets out{in.tablets()};
  in.at_most(out.tablets.size(), tablets_checked_max, "tablets", "check them in turns");
  for (const auto& p : in.properties(slot::check_property))
    in.check_type_in(p);
  return out;
}

using builder = statement (*)(slot_reader&);
constexpr std::array<builder, std::variant_size_v<statement>> builders{
  [](slot_reader& in) -> statement { return create_database{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return drop_database{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return build_create_table(in); },
  [](slot_reader& in) -> statement { return drop_table{in.table(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return build_add_partition(in); },
  [](slot_reader& in) -> statement { return build_drop_partition(in); },
  [](slot_reader& in) -> statement { return build_modify_partition(in); },
  [](slot_reader& in) -> statement { return build_set_table_policy(in); },
  [](slot_reader& in) -> statement { return use_database{in.name()}; },
  [](slot_reader& in) -> statement { return build_add_backends(in); },
  [](slot_reader& in) -> statement { return drop_backend{in.address()}; },
  [](slot_reader& in) -> statement { return build_modify_backend(in); },
  [](slot_reader& in) -> statement { return decommission_backend{in.address(), !in.took("CANCEL")}; },
  [](slot_reader& in) -> statement { return add_frontend{in.member(), in.took("FOLLOWER")}; },
  [](slot_reader& in) -> statement { return drop_frontend{in.member(), in.took("FOLLOWER")}; },
  [](slot_reader& in) -> statement { return hand_over_leadership{in.frontend()}; },
  [](slot_reader& in) -> statement { return build_create_resource(in); },
  [](slot_reader& in) -> statement { return build_alter_resource(in); },
  [](slot_reader& in) -> statement { return drop_resource{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return build_create_storage_policy(in); },
  [](slot_reader& in) -> statement { return build_alter_storage_policy(in); },
  [](slot_reader& in) -> statement { return drop_storage_policy{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return with_partitions<cooldown_table>(in); },
  [](slot_reader& in) -> statement { return with_partitions<recall_table>(in); },
  [](slot_reader& in) -> statement { return build_warm_up_cluster(in); },
  [](slot_reader& in) -> statement { return build_warm_up_tables(in); },
  [](slot_reader& in) -> statement { return cancel_warm_up{in.warmup_job()}; },
  [](slot_reader& in) -> statement { return pause_warm_up{in.warmup_job()}; },
  [](slot_reader& in) -> statement { return resume_warm_up{in.warmup_job()}; },
  [](slot_reader& in) -> statement { return verify_warm_up{in.warmup_job()}; },
  [](slot_reader& in) -> statement { return build_load(in); },
  [](slot_reader& in) -> statement { return build_export(in); },
  [](slot_reader&) -> statement { return show_databases{}; },
  [](slot_reader& in) -> statement { return show_tables{in.took("FROM") ? in.name() : std::string{}}; },
  [](slot_reader&) -> statement { return show_backends{}; },
  [](slot_reader&) -> statement { return show_frontends{}; },
  [](slot_reader&) -> statement { return show_resources{}; },
  [](slot_reader&) -> statement { return show_storage_policies{}; },
  [](slot_reader& in) -> statement { return show_policy_users{in.took("FOR") ? in.name() : std::string{}}; },
  [](slot_reader& in) -> statement { return show_warm_up{in.took("WHERE") ? in.warmup_job() : 0}; },
  [](slot_reader& in) -> statement { return show_tablet{in.tablet()}; },
  [](slot_reader& in) -> statement { return with_partitions<show_tablets>(in); },
  [](slot_reader& in) -> statement { return show_proc{in.path()}; },
  [](slot_reader& in) -> statement { return explain_tablet{in.tablet()}; },
  [](slot_reader&) -> statement { return plan_of_balance{}; },
  [](slot_reader& in) -> statement { return plan_of_decommission{in.address()}; },
  [](slot_reader& in) -> statement { return plan_of_loss{in.address()}; },
  [](slot_reader& in) -> statement { return build_save_plan(in); },
  [](slot_reader& in) -> statement { return apply_plan{in.plan()}; },
  [](slot_reader& in) -> statement { return drop_plan{in.plan()}; },
  [](slot_reader&) -> statement { return show_plans{}; },
  [](slot_reader& in) -> statement { return show_plan{in.plan()}; },
  [](slot_reader& in) -> statement { return diagnose_tablet{in.tablet()}; },
  [](slot_reader& in) -> statement { return show_repair_history{in.took("FOR") ? in.tablet() : 0}; },
  [](slot_reader& in) -> statement { return build_show_replica_status(in); },
  [](slot_reader& in) -> statement { return with_partitions<show_replica_distribution>(in); },
  [](slot_reader& in) -> statement { return build_repair_table(in); },
  [](slot_reader& in) -> statement { return build_set_replica_status(in); },
  [](slot_reader& in) -> statement { return build_set_config(in); },
  [](slot_reader& in) -> statement { return show_config{in.took("LIKE") ? in.text() : std::string{}}; },
  [](slot_reader& in) -> statement { return build_pause(in); },
  [](slot_reader& in) -> statement { return resume_balance{build_scope(in)}; },
  [](slot_reader& in) -> statement { return rebalance_disk{in.addresses(), !in.took("CANCEL")}; },
  [](slot_reader& in) -> statement { return build_check(in); },
  [](slot_reader& in) -> statement { return make_checkpoint{in.took("ON") ? in.frontend() : std::string{}}; },
  [](slot_reader& in) -> statement {
    return help_words{in.took("") ? in.words() : std::vector<std::string>{}};
  },
};

} // namespace

statement build_statement(std::size_t which, slot_reader& in) {
  return builders[which](in);
}

} // namespace tabletd::model
