// The slots of the copies that run, and how many a path has: what slot_pace concludes from the copies
// that end is put into the ledger, and whoever waits is heard.
#include "actors/model/repair_scheduler.h"
#include <algorithm>
#include <cassert>

namespace tabletd::model {

slot_ledger& repair_scheduler::slots_of(const remedy& move) { return is_balance(move) ? balance_slots_ : slots_; }

void repair_scheduler::occupy(running_ctx& ctx, time_ms now) {
  const auto& clone = std::get<clone_move>(ctx.move);
  const slot_claim claim{clone.source, clone.target, clone.bytes};
  auto& ledger = slots_of(ctx.move);
  ctx.slots = ctx.adopted ? ledger.adopt(claim) : ledger.take(claim);
  assert(ctx.slots && "decide() promised free slots");
  ctx.at_source = pace_.begin(clone.source, now);
  ctx.at_target = pace_.begin(clone.target, now);
}

void repair_scheduler::vacate(running_ctx& ctx, const ctx_report& e, round& r) {
  const auto& clone = std::get<clone_move>(ctx.move);
  paced_end copy{.began = ctx.at_source, .bytes = e.copied_bytes};
  if (!ctx.adopted && e.result == ctx_result::finished)
    copy.result = paced_end::how::measured;
  else if (!ctx.adopted && e.result == ctx_result::timed_out)
    copy.result = paced_end::how::timed_out;
  copy.path_full = slots_.available(clone.source) == 0;
  auto at_target = copy;
  at_target.began = ctx.at_target;
  // Nobody knows which end was slow: the one with more company is taken to be it, or the target.
  if (copy.result == paced_end::how::timed_out)
    (slots_.used(clone.source) > slots_.used(clone.target) ? at_target : copy).result = paced_end::how::untold;
  at_target.path_full = slots_.available(clone.target) == 0;
  slots_of(ctx.move).give_back(*std::exchange(ctx.slots, std::nullopt));
  pace_.end(clone.source, copy, r.now);
  pace_.end(clone.target, at_target, r.now);
  follow_pace(clone.source);
  follow_pace(clone.target);
  // If one of them has grown, so many more are woken: places are crossed off when they are full.
  r.freed = {any_path, clone.source, clone.target};
  r.freed_target = clone.target;
}

void repair_scheduler::follow_pace(const place& at) {
  const auto wanted = pace_.own_total(at);
  if (wanted.value_or(slots_.total()) != slots_.total(at))
    slots_.set_own_total(at, wanted);
}

void repair_scheduler::set_pace(pace_limits limits, time_ms now) {
  const auto before = pace_.own_totals();
  pace_.configure(limits, now);
  slots_.set_total(pace_.usual_total());
  for (const auto& own : before)
    slots_.set_own_total(own.at, pace_.own_total(own.at));
  for (const auto& own : pace_.own_totals()) // A lower limit may have made others of the usual ones.
    slots_.set_own_total(own.at, own.total);
}

void repair_scheduler::note_waiting(const queue_entry& entry, const round& r) {
  if (r.freed.empty())
    return;
  for (const auto& at : entry.waits_for)
    if (at == any_path)
      pace_.note_waiting(r.freed_target);
    else if (at != drop_gate && std::find(r.freed.begin(), r.freed.end(), at) != r.freed.end())
      pace_.note_waiting(at);
}

void repair_scheduler::forget_idle_paths(time_ms now) {
  if (now - paced_at_ < pace_spacing)
    return;
  paced_at_ = now;
  for (const auto& at : pace_.forget_idle(now))
    follow_pace(at);
}

} // namespace tabletd::model
