#pragma once
// The fold, edit by edit; private to catalog*.cpp.  Every overload either refuses and changes
// nothing, or makes the edit true and says what it touched.
#include "actors/model/catalog.h"

namespace tabletd::model::fold {

/// Where and when the edit was committed.
struct moment {
  log_index index{};
  time_ms at{};
};

verdict fold(catalog& cat, const cluster_founded& e, moment now);
verdict fold(catalog& cat, const term_began& e, moment now);
verdict fold(catalog& cat, const backend_added& e, moment now);
verdict fold(catalog& cat, const backend_dropped& e, moment now);
verdict fold(catalog& cat, const backend_decommission& e, moment now);
verdict fold(catalog& cat, const backend_died& e, moment now);
verdict fold(catalog& cat, const backend_returned& e, moment now);
verdict fold(catalog& cat, const database_created& e, moment now);
verdict fold(catalog& cat, const database_dropped& e, moment now);
verdict fold(catalog& cat, const table_created& e, moment now);
verdict fold(catalog& cat, const table_dropped& e, moment now);
verdict fold(catalog& cat, const load_begun& e, moment now);
verdict fold(catalog& cat, const load_committed& e, moment now);
verdict fold(catalog& cat, const load_aborted& e, moment now);
verdict fold(catalog& cat, const load_published& e, moment now);
verdict fold(catalog& cat, const clone_ordered& e, moment now);
verdict fold(catalog& cat, const clone_ended& e, moment now);
verdict fold(catalog& cat, const replica_dropped& e, moment now);
verdict fold(catalog& cat, const replica_observed& e, moment now);
verdict fold(catalog& cat, const replica_readopted& e, moment now);
verdict fold(catalog& cat, const backend_modified& e, moment now);
verdict fold(catalog& cat, const partition_added& e, moment now);
verdict fold(catalog& cat, const partition_dropped& e, moment now);
verdict fold(catalog& cat, const partition_modified& e, moment now);
verdict fold(catalog& cat, const replica_status_set& e, moment now);
verdict fold(catalog& cat, const repair_hinted& e, moment now);
verdict fold(catalog& cat, const repair_unhinted& e, moment now);
verdict fold(catalog& cat, const config_set& e, moment now);
verdict fold(catalog& cat, const colocate_relocated& e, moment now);
verdict fold(catalog& cat, const balance_paused& e, moment now);
verdict fold(catalog& cat, const balance_resumed& e, moment now);
verdict fold(catalog& cat, const plan_saved& e, moment now);
verdict fold(catalog& cat, const plan_applied& e, moment now);
verdict fold(catalog& cat, const plan_dropped& e, moment now);
verdict fold(catalog& cat, const plan_moves_skipped& e, moment now);
verdict fold(catalog& cat, const checkpoint_decided& e, moment now);
verdict fold(catalog& cat, const resource_created& e, moment now);
verdict fold(catalog& cat, const resource_altered& e, moment now);
verdict fold(catalog& cat, const resource_dropped& e, moment now);
verdict fold(catalog& cat, const storage_policy_created& e, moment now);
verdict fold(catalog& cat, const storage_policy_altered& e, moment now);
verdict fold(catalog& cat, const storage_policy_dropped& e, moment now);
verdict fold(catalog& cat, const storage_policy_set& e, moment now);
verdict fold(catalog& cat, const cooldown_granted& e, moment now);
verdict fold(catalog& cat, const cooldown_published& e, moment now);
verdict fold(catalog& cat, const cooldown_hurried& e, moment now);
verdict fold(catalog& cat, const cooldown_recalled& e, moment now);
verdict fold(catalog& cat, const cooldown_deletion_confirmed& e, moment now);
verdict fold(catalog& cat, const remote_purged& e, moment now);
verdict fold(catalog& cat, const warmup_created& e, moment now);
verdict fold(catalog& cat, const warmup_begun& e, moment now);
verdict fold(catalog& cat, const batch_warmed& e, moment now);
verdict fold(catalog& cat, const warmup_ended& e, moment now);
verdict fold(catalog& cat, const warmup_paused& e, moment now);
verdict fold(catalog& cat, const warmup_resumed& e, moment now);
verdict fold(catalog& cat, const warmup_forgotten& e, moment now);

// -- shared by the folds --

[[nodiscard]] inline verdict refuse(refusal why, std::uint64_t id = 0) { return {why, id, {}, {}}; }
[[nodiscard]] inline verdict accept(std::uint64_t id, std::vector<tablet_id> touched = {}) {
  return {refusal::none, id, std::move(touched), {}};
}
[[nodiscard]] inline verdict accept_backend(backend_id backend) {
  return {refusal::none, raw(backend), {}, backend};
}

/// The only two ways a replica enters and leaves: the tablet, its backend's index, the count and
/// the move it takes part in together.
void add_replica(catalog& cat, tablet_id tablet, replica r);
void remove_replica(catalog& cat, tablet_id tablet, replica_id r);

/// A policy of the catalog, or none.
[[nodiscard]] inline bool policy_may_be(const catalog& cat, storage_policy_id policy) {
  return raw(policy) == 0 || cat.storage_policies.contains(policy);
}

/// The tablet is gone, and what the log said of its cooldown.  A tombstone stays in its place: what it has in remote stores
/// has to be deleted.
void forget_cooldown(catalog& cat, tablet_id tablet, moment now);

/// The backends are not what they were: plans computed before are stale.
void note_layout(catalog& cat, const backend& of, std::string_view what, moment now);

/// A replica has left its place, or changed its path: moves of the plan being applied that were
/// about it are over.  Done if the tablet is where they wanted it by now, else skipped.
void settle_planned(catalog& cat, tablet_id tablet, replica_id r);
/// Whatever the plan being applied still had in mind is skipped: of a tablet, or all of it.
void skip_planned(catalog& cat, tablet_id tablet, std::string_view why);
void skip_all_planned(catalog& cat, std::string_view why);

/// Adds to the history, which forgets its oldest.
void record(catalog& cat, decision_record what);

/// Closes a load for good: out of the table's open loads, into the order of forgetting.
void end_load(catalog& cat, txn_id txn, load_state how, moment now);

} // namespace tabletd::model::fold
