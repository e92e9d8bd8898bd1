// See group_orders.h.
#include "actors/journal/group_orders.h"

#include <utility>

namespace tabletd {

namespace {

using model::consensus_refusal;

template <class Order>
bool open_in(std::optional<Order>& slot, group_promise& promise, consensus_refusal why) {
  if (slot) {
    promise.deliver(group_outcome{why, {}});
    return false;
  }
  slot.emplace();
  slot->promise = std::move(promise);
  return true;
}

template <class Order>
void answer(std::optional<Order>& slot, group_outcome outcome) {
  auto promise = std::move(slot->promise);
  slot.reset();
  promise.deliver(std::move(outcome));
}

}  // namespace

bool group_orders::open(const change_members&, group_promise promise) {
  return open_in(change_, promise, consensus_refusal::change_open);
}

bool group_orders::open(const hand_over&, group_promise promise) {
  return open_in(transfer_, promise, consensus_refusal::transferring);
}

void group_orders::take(const order_verdict& verdict) {
  auto& slot = verdict.is_change ? change_ : transfer_;
  if (!slot)
    return;
  if (verdict.why != consensus_refusal::none)
    return answer(slot, {verdict.why, {}});
  slot->is_accepted = true;
  slot->index = verdict.index;
}

void group_orders::look_at_change(const written& result) {
  if (!change_ || !change_->is_accepted)
    return;
  const auto& done = result.done;
  if (done.restarted_at != 0 || (done.replaced_from != 0 && done.replaced_from <= change_->index))
    answer(change_, {{}, "another node leads by now and its log replaced the change"});
  else if (result.committed_upto >= change_->index)
    answer(change_, {});
  else if (!result.now.leads)
    answer(change_, {{}, "this node stopped leading before it heard that the change is committed; the next leader may "
                         "have it or not"});
}

void group_orders::look_at_transfer(const written& result) {
  if (!transfer_ || !transfer_->is_accepted)
    return;
  if (!result.now.leads)
    answer(transfer_, {});
  else if (!result.transferring)
    answer(transfer_, {{}, "the other node did not take over in time; this one goes on leading"});
}

void group_orders::take(const written& result) {
  for (const auto& verdict : result.done.orders)
    take(verdict);
  look_at_change(result);
  look_at_transfer(result);
}

void group_orders::end(const std::string& why) {
  for (auto* slot : {&change_, &transfer_})
    if (*slot)
      answer(*slot, {{}, why + "; look whether it took effect"});
}

}  // namespace tabletd
