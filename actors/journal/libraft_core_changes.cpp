// See libraft_core.h.  Here: images, members, and the hand-over of leadership.
#include "actors/journal/libraft_core_feed.h"
#include "actors/journal/libraft_membership.h"

#include <algorithm>

namespace tabletd {

using namespace model;

int libraft_core::handle(const snapshot_taken& event, update& out) {
  const auto& upto = event.upto;
  if (log_.snapshot() && upto.index <= log_.snapshot()->index)
    return 0;
  const auto here = snapshot_at(upto.index);
  if (!here || *here != upto) {
    out.fault = "an image of everything up to entry " + std::to_string(upto.index)
                + " is of another log than this node's, or ahead of it; remove it, or rebuild the node from its peers";
    return 0;
  }
  // The image is durable, so what it covers is, although the log may not say so yet.
  if (upto.index > raft_shim_last_stored(raft_.get()))
    if (const int code = feed(
            out,
            [&](raft_shim_update* update) { return raft_shim_persisted(raft_.get(), now_ms(), upto.index, update); });
        code != 0)
      return code;
  const auto first_kept = std::clamp(event.first_kept, log_.first(), upto.index + 1);
  const raft_shim_snapshot raw{upto.index, upto.term, upto.membership_index, upto.membership.data(),
                               upto.membership.size()};
  const int code = feed(out, [&](raft_shim_update* update) {
    return raft_shim_snapshot_taken(raft_.get(), now_ms(), &raw,
                                    static_cast<std::uint32_t>(upto.index + 1 - first_kept), update);
  });
  if (code == 0)
    log_.trim(upto, first_kept);
  return code;
}

int libraft_core::handle(const snapshot_installed& event, update& out) {
  if (!installing_ || installing_->upto.index != event.index || installing_->upto.term != event.term)
    return 0;
  const auto upto = std::move(installing_->upto);
  installing_.reset();
  // Meanwhile the log may have got there by itself; then it goes on.
  if (leads() || upto.index <= committed() || log_.term_at(upto.index) == upto.term)
    return 0;
  log_.restart(upto);
  out.log_restarts_at = log_.first();
  return begin({term(), raft_shim_vote(raft_.get())}, out);
}

int libraft_core::handle(const install_failed& event, update&) {
  if (installing_ && installing_->upto.index == event.index && installing_->upto.term == event.term)
    installing_.reset();
  return 0;
}

/// Tells the library of changes up to `upto` that are committed now.
int libraft_core::settle_changes(std::uint64_t upto, update& out) {
  for (const auto& change : log_.changes()) {
    if (change.index <= settled_change_)
      continue;
    if (change.index > upto)
      break;
    const int code = feed(out, [&](raft_shim_update* update) {
      return raft_shim_change_committed(raft_.get(), now_ms(), change.index, change.membership.data(),
                                        change.membership.size(), update);
    });
    if (code != 0)
      return code;
    settled_change_ = change.index;
  }
  return 0;
}

bool libraft_core::change_is_open() const { return log_.newest_change().index > settled_change_; }

bool libraft_core::answers(node_id peer) const {
  const auto heard = heard_.find(peer);
  return heard != heard_.end() && now_ - heard->second < options_.election_timeout;
}

std::uint64_t libraft_core::match_of(node_id peer) const {
  std::uint64_t match = 0;
  return raft_shim_match(raft_.get(), peer, &match) ? match : 0;
}

/// It knows that it is a member, and lacks no more than what may be under way to any follower.
bool libraft_core::is_near(node_id peer) const {
  const auto match = match_of(peer);
  return answers(peer) && match >= log_.newest_change().index && match + options_.inflight_entries_max >= log_.last();
}

/// A majority of these voters is near: who is not might be needed next, and have nothing to vote with.
bool libraft_core::can_be_carried(const std::vector<member>& group) const {
  const auto voters = std::ranges::count(group, true, &member::voter);
  const auto near = std::ranges::count_if(
      group, [this](const member& each) { return each.voter && (each.id == options_.self || is_near(each.id)); });
  return near > voters / 2;
}

int libraft_core::handle(const change_membership& event, update& out) {
  auto plan = plan_change(members(), event.members);
  if (!leads())
    plan.why = consensus_refusal::not_leader;
  else if (transfer_)
    plan.why = consensus_refusal::transferring;
  else if (change_is_open())
    plan.why = consensus_refusal::change_open;
  else if (log_.term_at(committed()) != term())
    plan.why
        = consensus_refusal::term_not_settled;  // Two leaders' changes could each find a majority that knows no other.
  else if (plan.why == consensus_refusal::none && plan.deposed == options_.self)
    plan.why = consensus_refusal::would_strand;
  else if (plan.why == consensus_refusal::none
           && ((plan.promoted != 0 && !is_near(plan.promoted)) || !can_be_carried(plan.members)))
    plan.why = consensus_refusal::not_caught_up;
  if (plan.why != consensus_refusal::none) {
    refuse(out, plan.why);
    return 0;
  }
  const auto membership = encode_membership(plan.members);
  const int code = feed(out, [&](raft_shim_update* update) {
    return raft_shim_submit_change(raft_.get(), now_ms(), membership.data(), membership.size(), update);
  });
  if (!raft_shim_is_not_leader(code))
    return code;
  refuse(out, consensus_refusal::transferring);
  return 0;
}

/// Of the voters that answer and stay, the one with most of the log; 0: none does.
node_id libraft_core::best_successor() const {
  node_id best = 0;
  for (const auto& each : members())
    if (each.voter && !each.leaves && each.id != options_.self && answers(each.id) && (best == 0 || match_of(each.id) > match_of(best)))
      best = each.id;
  return best;
}

int libraft_core::handle(const transfer_leadership& event, update& out) {
  const auto to = event.to == 0 ? best_successor() : event.to;
  auto why = consensus_refusal::none;
  if (!leads())
    why = consensus_refusal::not_leader;
  else if (transfer_)
    why = consensus_refusal::transferring;
  else if (change_is_open())
    why = consensus_refusal::change_open;
  else if (to == options_.self || !is_voter(members(), to))
    why = consensus_refusal::no_such_member;
  else if (event.to == 0 && !is_near(to))
    why = consensus_refusal::not_caught_up;  // Nothing could be proposed meanwhile, most likely for nothing.
  if (why != consensus_refusal::none)
    refuse(out, why);
  else
    transfer_ = transfer{to, now_ + options_.election_timeout};
  return 0;  // The rest of the step continues it.
}

/// P14: the library tells the successor to stand as soon as it makes any progress, once, and the
/// successor, which lacks the rest, does not listen.  So it hears of it when all is there.
int libraft_core::continue_transfer(update& out) {
  if (!leads() || !transfer_ || transfer_->told || match_of(transfer_->to) != log_.last())
    return 0;
  transfer_->told = true;
  transfer_->deadline = now_ + options_.election_timeout;
  const int code = feed(
      out, [&](raft_shim_update* update) { return raft_shim_transfer(raft_.get(), now_ms(), transfer_->to, update); });
  if (!raft_shim_is_not_leader(code))
    return code;
  transfer_->told = false;  // The hand-over before this one is not given up yet.
  return 0;
}

}  // namespace tabletd
