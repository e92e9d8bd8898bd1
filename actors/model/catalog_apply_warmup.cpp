// Folds of warm-up: the ledger judges (warmup_records.h), its words become the catalog's.
#include "actors/model/catalog_fold.h"

namespace tabletd::model::fold {

namespace {

refusal word_of(warmup_refusal why) {
  switch (why) {
    case warmup_refusal::none: return refusal::none;
    case warmup_refusal::definition_unsound:
    case warmup_refusal::plan_unsound:
    case warmup_refusal::plan_misplaced: return refusal::warmup_unsound;
    case warmup_refusal::destination_busy: return refusal::warmup_destination_busy;
    case warmup_refusal::twin_exists: return refusal::warmup_twin_exists;
    case warmup_refusal::job_unknown: return refusal::warmup_job_unknown;
    case warmup_refusal::job_over: return refusal::warmup_job_over;
    case warmup_refusal::job_not_over: return refusal::warmup_job_not_over;
    case warmup_refusal::is_paused: return refusal::warmup_is_paused;
    case warmup_refusal::not_paused: return refusal::warmup_not_paused;
    case warmup_refusal::not_pending:
    case warmup_refusal::not_running:
    case warmup_refusal::run_differs:
    case warmup_refusal::lane_unknown:
    case warmup_refusal::batch_unknown:
    case warmup_refusal::batch_out_of_order:
    case warmup_refusal::bytes_exceed_plan:
    case warmup_refusal::failures_unsound:
    case warmup_refusal::lane_unfinished:
    case warmup_refusal::state_unsound: break;
  }
  return refusal::warmup_stale;
}

verdict fold_record(catalog& cat, const warmup_record& record, moment now) {
  const auto judged = apply(cat.warmup, record, {now.index, now.at});
  return judged.accepted() ? accept(judged.id) : refuse(word_of(judged.why), judged.id);
}

/// Names what the catalog has, so that a job is refused before it plans in vain.
bool knows_targets(const catalog& cat, const warmup_definition& what) {
  for (const auto& target : what.targets) {
    const auto* t = cat.tables.find(target.table);
    if (!t || (raw(target.partition) != 0 && !t->find(target.partition)))
      return false;
  }
  return true;
}

}  // namespace

verdict fold(catalog& cat, const warmup_created& e, moment now) {
  if (!knows_targets(cat, e.what))
    return refuse(refusal::table_unknown);
  return fold_record(cat, e, now);
}
verdict fold(catalog& cat, const warmup_begun& e, moment now) { return fold_record(cat, e, now); }
verdict fold(catalog& cat, const batch_warmed& e, moment now) { return fold_record(cat, e, now); }
verdict fold(catalog& cat, const warmup_ended& e, moment now) { return fold_record(cat, e, now); }
verdict fold(catalog& cat, const warmup_paused& e, moment now) { return fold_record(cat, e, now); }
verdict fold(catalog& cat, const warmup_resumed& e, moment now) { return fold_record(cat, e, now); }
verdict fold(catalog& cat, const warmup_forgotten& e, moment now) { return fold_record(cat, e, now); }

}  // namespace tabletd::model::fold
