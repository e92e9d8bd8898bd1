#include "actors/model/edit_answer.h"
#include "actors/model/saved_plan.h"
#include <algorithm>
#include <array>

namespace tabletd::model {

namespace {

struct explanation {
  refusal why;
  error_code code;
  std::string_view sentence;
  std::string_view hint;
};

constexpr std::string_view try_again = "try again: the cluster changed while the statement ran";

static_assert(plan_moves_max == 10'000 && plans_max == 16, "the explanations say so");

constexpr std::array explanations{
  explanation{refusal::cluster_already_founded, error_code::failed_precondition, "the cluster exists already", ""},
  explanation{refusal::backend_unknown, error_code::not_found, "there is no such backend", "SHOW BACKENDS lists them"},
  explanation{refusal::backend_already_added, error_code::already_exists, "the backend is already in the cluster",
              "SHOW BACKENDS lists them"},
  explanation{refusal::backend_in_use, error_code::failed_precondition, "it still holds replicas",
              "ALTER SYSTEM DECOMMISSION BACKEND moves them away; drop it when its TabletNum is 0"},
  explanation{refusal::database_unknown, error_code::not_found, "there is no such database", "SHOW DATABASES lists them"},
  explanation{refusal::database_already_exists, error_code::already_exists, "a database of that name exists",
              "CREATE DATABASE IF NOT EXISTS accepts that"},
  explanation{refusal::database_not_empty, error_code::failed_precondition, "it still has tables",
              "SHOW TABLES FROM it, and DROP TABLE them first"},
  explanation{refusal::table_unknown, error_code::not_found, "there is no such table", "SHOW TABLES FROM its database lists them"},
  explanation{refusal::table_already_exists, error_code::already_exists, "a table of that name exists",
              "CREATE TABLE IF NOT EXISTS accepts that"},
  explanation{refusal::placement_stale, error_code::conflict, "a backend that was chosen is gone", try_again},
  explanation{refusal::label_committed, error_code::already_exists, "the label is already loaded", "nothing is to be done"},
  explanation{refusal::label_in_progress, error_code::conflict, "a load with this label is under way",
              "wait for it to end, or take another label"},
  explanation{refusal::txn_unknown, error_code::conflict, "the load is not known any more", "load again under the same label"},
  explanation{refusal::txn_ended, error_code::conflict, "the load was ended by a change of leader",
              "load again under the same label"},
  explanation{refusal::quorum_missing, error_code::unavailable,
              "a tablet lost its majority of complete replicas meanwhile", "see SHOW BACKENDS, then load again"},
  explanation{refusal::tablet_unknown, error_code::not_found, "there is no such tablet", ""},
  explanation{refusal::tablet_busy, error_code::conflict, "the tablet is being repaired", try_again},
  explanation{refusal::replica_unknown, error_code::not_found, "there is no such replica", ""},
  explanation{refusal::order_unknown, error_code::conflict, "the order has ended", ""},
  explanation{refusal::last_complete_replica, error_code::failed_precondition,
              "it is the last complete replica on a live backend", "wait until another one is complete"},
  explanation{refusal::loads_open, error_code::conflict, "loads that began before its successor was complete are under way",
              "it happens by itself when they have ended"},
  explanation{refusal::partition_unknown, error_code::not_found, "there is no such partition",
              "SHOW PROC '/dbs/<db>/<table>/partitions' lists them"},
  explanation{refusal::partition_already_exists, error_code::already_exists, "a partition of that name exists",
              "take another name"},
  explanation{refusal::last_partition, error_code::failed_precondition, "it is the table's only partition",
              "DROP TABLE drops the table"},
  explanation{refusal::partition_not_named, error_code::invalid_argument,
              "the table has several partitions, and a load goes into one", "name it: INTO <table> PARTITION (<partition>)"},
  explanation{refusal::colocate_mismatch, error_code::failed_precondition,
              "it does not fit its colocation group, whose tables have equal buckets, replication_num and places",
              "SHOW PROC '/colocation_group' shows the group"},
  explanation{refusal::colocate_group_unknown, error_code::conflict, "the colocation group is gone", try_again},
  explanation{refusal::pause_unknown, error_code::not_found, "nothing is paused there", "SHOW PROC '/cluster_balance/balance_pauses' lists pauses"},
  explanation{refusal::replica_not_wanted, error_code::conflict, "the replica is not wanted any more", ""},
  explanation{refusal::plan_unknown, error_code::not_found, "there is no such plan", "SHOW PLANS lists them"},
  explanation{refusal::plan_already_exists, error_code::already_exists, "a plan of that name is kept",
              "take another name, or DROP PLAN the old one first"},
  explanation{refusal::plan_unsound, error_code::invalid_argument, "it has no moves, or moves nobody can make", "plan again"},
  explanation{refusal::plan_too_large, error_code::resource_exhausted, "it has more than 10000 moves",
              "PLAN without SAVE AS shows it; balance and decommissions need no plan"},
  explanation{refusal::plans_too_many, error_code::resource_exhausted, "16 plans are kept already",
              "SHOW PLANS lists them; DROP PLAN one first"},
  explanation{refusal::plan_stale, error_code::failed_precondition,
              "backends or its tables have changed since it was computed", "plan again: PLAN ... SAVE AS another name"},
  explanation{refusal::plan_not_to_apply, error_code::failed_precondition, "a loss is not applied", "repair does it by itself"},
  explanation{refusal::plan_applied_before, error_code::failed_precondition, "it was applied before",
              "SHOW PLAN shows how far it is; plan again for what is left"},
  explanation{refusal::plan_under_way, error_code::conflict, "another plan is being applied",
              "wait until SHOW PLANS says DONE, or DROP PLAN that one"},
  explanation{refusal::backend_needed, error_code::failed_precondition, "too few other backends could hold its replicas",
              "ALTER SYSTEM ADD BACKEND adds one first"},
  explanation{refusal::resource_unknown, error_code::not_found, "there is no such resource", "SHOW RESOURCES lists them"},
  explanation{refusal::resource_already_exists, error_code::already_exists, "a resource of that name exists",
              "take another name, or ALTER RESOURCE that one"},
  explanation{refusal::resource_in_use, error_code::failed_precondition, "a storage policy names it",
              "SHOW STORAGE POLICY lists them; DROP STORAGE POLICY, or ALTER it to another resource, first"},
  explanation{refusal::resource_holds_data, error_code::failed_precondition, "cooled data lies there and nowhere else",
              "CREATE RESOURCE another one for what cools from now on"},
  explanation{refusal::resource_to_be_purged, error_code::failed_precondition,
              "objects of dropped tables in remote stores have not been deleted yet",
              "the leader deletes them when nobody can write there any more; its log says what is in the way"},
  explanation{refusal::storage_policy_unknown, error_code::not_found, "there is no such storage policy",
              "SHOW STORAGE POLICY lists them"},
  explanation{refusal::storage_policy_already_exists, error_code::already_exists, "a storage policy of that name exists",
              "CREATE STORAGE POLICY IF NOT EXISTS accepts that"},
  explanation{refusal::storage_policy_in_use, error_code::failed_precondition, "a table or partition is under it",
              R"(SHOW STORAGE POLICY USING lists them; ALTER TABLE ... SET ("storage_policy" = "") takes one away)"},
  explanation{refusal::cooldown_not_wanted, error_code::conflict, "the tablet has no storage policy any more", ""},
  explanation{refusal::cooldown_term_stale, error_code::conflict, "another grant was logged before", ""},
  explanation{refusal::uploader_unfit, error_code::conflict, "the replica is gone, damaged or not confirmed yet", ""},
  explanation{refusal::not_uploader, error_code::conflict, "the replica is not the uploader of the current term", ""},
  explanation{refusal::remote_meta_stale, error_code::conflict, "it is not the remote meta that comes next, or counts", ""},
  explanation{refusal::remote_meta_unsound, error_code::conflict,
              "it goes back, or names versions its uploader does not have", ""},
  explanation{refusal::cooldown_unsettled, error_code::conflict,
              "a replica is missing, not confirmed, or its backend is down", ""},
  explanation{refusal::partition_stays_hot, error_code::failed_precondition, "a partition is under no storage policy",
              R"(ALTER TABLE ... SET ("storage_policy" = "...") puts the table under one)"},
  explanation{refusal::partition_would_cool, error_code::failed_precondition,
              "a partition is under a storage policy, which would cool it again",
              R"(ALTER TABLE ... SET ("storage_policy" = "") takes it away from a table, MODIFY PARTITION from a partition)"},
  explanation{refusal::warmup_unsound, error_code::invalid_argument, "it is no job that could be, or does not fit its plan",
              "HELP WARM UP says what may be given"},
  explanation{refusal::warmup_destination_busy, error_code::failed_precondition, "another job warms that cluster",
              R"(SHOW WARM UP JOB lists them; PROPERTIES("when_busy" = "queue") waits for its turn)"},
  explanation{refusal::warmup_twin_exists, error_code::already_exists, "a job does that again and again already",
              "SHOW WARM UP JOB lists them; CANCEL WARM UP JOB ends one"},
  explanation{refusal::warmup_job_unknown, error_code::not_found, "there is no such warm-up job", "SHOW WARM UP JOB lists them"},
  explanation{refusal::warmup_job_over, error_code::failed_precondition, "the job is over", "SHOW WARM UP JOB shows how it ended"},
  explanation{refusal::warmup_job_not_over, error_code::conflict, "the job is not over", ""},
  explanation{refusal::warmup_is_paused, error_code::failed_precondition, "the job is paused", "RESUME WARM UP JOB lets it go on"},
  explanation{refusal::warmup_not_paused, error_code::failed_precondition, "the job is not paused", ""},
  explanation{refusal::warmup_stale, error_code::conflict, "the job has gone on, or ended, meanwhile", "SHOW WARM UP JOB shows it"},
};

statement_error failed(const edit_answer& answer, std::string_view doing, std::string_view leader) {
  statement_error error;
  const std::string detail = answer.message.empty() ? "" : " (" + answer.message + ')';
  const std::string start = std::string{doing} + " failed: ";
  switch (answer.failure) {
    case journal_failure::not_leader:
      error.code = error_code::not_leader;
      error.message = start + "this front end is not the leader" + detail;
      error.hint = leader.empty() ? "an election is under way: try again in a second"
                                  : "connect to the leader, " + std::string{leader};
      error.leader = leader;
      error.retry_after_ms = leader.empty() ? 1'000 : 0;
      return error;
    case journal_failure::overloaded:
      error.code = error_code::resource_exhausted;
      error.message = start + "the edit log cannot take more just now" + detail;
      error.hint = "try again in a moment; SHOW PROC '/journal' shows its backlog";
      error.retry_after_ms = answer.retry_after_ms == 0 ? 1'000 : answer.retry_after_ms;
      return error;
    case journal_failure::too_large:
      error.code = error_code::invalid_argument;
      error.message = start + "it is too large for one entry of the edit log" + detail;
      error.hint = "take fewer buckets or fewer replicas";
      return error;
    case journal_failure::leadership_lost:
      error.code = error_code::unavailable;
      error.message = "nobody knows whether " + std::string{doing} + " happened: this front end stopped leading" + detail;
      error.hint = "look at the new leader before you repeat it";
      error.retry_after_ms = 1'000;
      error.outcome_unknown = true;
      return error;
    default:
      error.code = error_code::unavailable;
      error.message = "nobody knows whether " + std::string{doing} + " happened: the edit log failed" + detail;
      error.hint = "look before you repeat it; another front end takes over";
      error.retry_after_ms = 1'000;
      error.outcome_unknown = true;
      return error;
  }
}

} // namespace

statement_error error_of(const edit_answer& answer, std::string_view doing, std::string_view leader) {
  if (answer.failure != journal_failure::none)
    return failed(answer, doing, leader);
  const auto* known = std::find_if(explanations.begin(), explanations.end(),
                                   [&](const explanation& e) { return e.why == answer.why; });
  if (known == explanations.end())
    return {error_code::internal, std::string{doing} + " was refused for a reason this front end does not know",
            "restart it with the version of the leader", {}, {}, {}, {}};
  return {known->code, std::string{doing} + " failed: " + std::string{known->sentence}, std::string{known->hint},
          {}, {}, {}, {}};
}

} // namespace tabletd::model
