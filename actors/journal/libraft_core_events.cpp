// See libraft_core.h.  Here: the disk, time, proposals and what other members say.
#include "actors/journal/libraft_core_feed.h"
#include "actors/journal/libraft_membership.h"
#include "actors/journal/libraft_messages.h"

#include <algorithm>

namespace tabletd {

using namespace model;

namespace {

bool is_change(const entry_header& header) { return header.type == entry_type::change; }

/// Its changes are memberships, and its terms are terms: the library does not look.
bool is_sound(const append_request& request) {
  return std::ranges::all_of(request.entries, [](const entry_header& header) {
    return header.term != 0 && (!is_change(header) || decode_membership(header.membership));
  });
}

append_request part_of(const append_request& whole, std::size_t from, std::size_t upto) {
  append_request part{whole.term, whole.prev_index + from, whole.prev_term, whole.leader_commit, 0, {}};
  if (from > 0)
    part.prev_term = whole.entries[from - 1].term;
  part.entries.assign(whole.entries.begin() + static_cast<std::ptrdiff_t>(from),
                      whole.entries.begin() + static_cast<std::ptrdiff_t>(upto));
  part.count = static_cast<std::uint32_t>(part.entries.size());
  return part;
}

/// The answer that the last step gave, if it gave one.
append_result* answer_in(update& out, std::size_t messages_before) {
  return out.messages.size() > messages_before ? std::get_if<append_result>(&out.messages.back().what) : nullptr;
}

}  // namespace

int libraft_core::handle(const started& event, update& out) {
  if (!event.snapshot && event.first_index != 1) {
    out.fault = "the log begins at entry " + std::to_string(event.first_index)
                + " and there is no image of what came before; rebuild the node from its peers";
    return 0;
  }
  // An image that was put in place just before an earlier process ended.
  if (!log_.start(event))
    out.log_restarts_at = log_.first();
  return begin(event.ballot, out);
}

int libraft_core::handle(const proposed& event, update& out) {
  if (transfer_) {
    refuse(out, consensus_refusal::transferring);
    return 0;
  }
  if (!leads()) {
    refuse(out, consensus_refusal::not_leader);
    return 0;
  }
  const int code = feed(
      out, [&](raft_shim_update* update) { return raft_shim_submit(raft_.get(), now_ms(), event.commands, update); });
  if (!raft_shim_is_not_leader(code))
    return code;
  refuse(out, consensus_refusal::transferring);  // The library gives a hand-over up at its next timeout.
  return 0;
}

int libraft_core::handle(const persisted& event, update& out) {
  // P6: a write that a truncation or an image has overtaken says nothing about the entry that is there
  // now.  Whatever replaced it will be reported in its turn, because writes complete in order.
  if (event.index <= raft_shim_last_stored(raft_.get()) || log_.term_at(event.index) != event.term)
    return 0;
  return feed(
      out, [&](raft_shim_update* update) { return raft_shim_persisted(raft_.get(), now_ms(), event.index, update); });
}

int libraft_core::handle(const ticked&, update& out) {
  if (transfer_ && now_ >= transfer_->deadline)
    transfer_.reset();
  if (now_ms() < raft_shim_deadline_ms(raft_.get()))
    return 0;
  const auto group = members();
  const bool follows = raft_shim_state(raft_.get()) == raft_shim_follower;
  if (follows && is_sole_voter(group, options_.self) && all_is_stored())
    return begin({term(), 0}, out);  // P11: the library would lead in the present term.
  const int code
      = feed(out, [&](raft_shim_update* update) { return raft_shim_timeout(raft_.get(), now_ms(), update); });
  // P12: who stands for no election never forgets its leader in the library, and then refuses every
  // candidate: but the last change that made it a voter may be what it has not got yet.
  if (follows && !is_voter(group, options_.self))
    raft_shim_forget_leader(raft_.get());
  return code;
}

int libraft_core::handle(const unreachable& event, update& out) {
  const auto heard = heard_.find(event.peer);
  if (!leads() || heard == heard_.end())
    return 0;  // Who never answered is being probed: one message per heartbeat, until it does.
  std::uint64_t match = 0;
  if (!raft_shim_match(raft_.get(), event.peer, &match))
    return 0;
  // P3: the library streams ahead and trusts the link.  A refusal of the first entry the peer is not
  // known to hold takes it back to there.  The peer did not say so now: a leader that takes this for
  // contact would never find out that it is alone.  So it is told at the time of the last answer.
  return deliver(event.peer, append_result{term(), match + 1, match}, out, heard->second);
}

int libraft_core::handle(const peer_gone& event, update&) {
  // Said again while nobody leads: who lost the first time, because the others had not noticed yet, tries again.
  const auto leader = raft_shim_leader_id(raft_.get());
  if (leads() || (leader != 0 ? leader : lost_leader_) != event.peer)
    return 0;
  lost_leader_ = event.peer;
  raft_shim_forget_leader(raft_.get());  // Or it would deny the others its pre-vote.
  raft_shim_time_out_by(raft_.get(), static_cast<std::uint64_t>((now_ + turn_after(event.peer)).count()));
  return 0;
}

/// When to stand for election after `gone` has ended.  The first voter waits until the others have
/// noticed as well; the next one until the first has won, or has lost because its log is shorter.
std::chrono::milliseconds libraft_core::turn_after(node_id gone) const {
  const auto group = members();
  const auto before = std::ranges::count_if(
      group, [&](const member& each) { return each.voter && each.id != gone && each.id < options_.self; });
  return options_.heartbeat / 4 + options_.heartbeat * before;
}

int libraft_core::handle(const received& event, update& out) {
  return std::visit([&](const auto& what) { return receive(event.from, what, out); }, event.what);
}

int libraft_core::deliver(node_id from, const message& what, update& out, time_ms at) {
  std::vector<raft_shim_entry> entries;
  const auto incoming = to_shim(what, from, entries);
  return feed(out, [&](raft_shim_update* update) {
    return raft_shim_receive(raft_.get(), static_cast<std::uint64_t>(at.count()), &incoming, update);
  });
}

int libraft_core::receive(node_id from, const append_result& answer, update& out) {
  if (leads() && answer.term == term())
    heard_[from] = now_;
  return deliver(from, answer, out, now_);
}

int libraft_core::receive(node_id from, const vote_result& answer, update& out) {
  return deliver(from, answer, out, now_);
}

int libraft_core::receive(node_id from, const timeout_now& wish, update& out) {
  if (is_sole_voter(members(), options_.self))
    return 0;  // P11: nobody to ask; it leads at its own next timeout, in a term of its own.
  return deliver(from, wish, out, now_);
}

int libraft_core::receive(node_id from, const vote_request& request, update& out) {
  const bool knows_leader = leads() || raft_shim_leader_id(raft_.get()) != 0;
  const auto before = out.messages.size();
  const int code = deliver(from, request, out, now_);
  auto* answer = out.messages.size() > before ? std::get_if<vote_result>(&out.messages.back().what) : nullptr;
  if (code != 0 || !answer || answer->granted)
    return code;
  if ((!knows_leader || request.disrupt_leader) && may_vote_for(request)) {
    answer->granted = true;
    if (!request.pre_vote) {
      raft_shim_vote_for(raft_.get(), now_ms(), request.candidate);
      out.ballot = ballot{term(), request.candidate};
    }
    return 0;
  }
  // P8: a pre-vote that is denied is answered with the term that was asked for, so a candidate with
  // the best log and the lowest term never learns why, and with nobody else electable the group is
  // without a leader for good.  Say which term this is.
  if (request.pre_vote)
    answer->term = std::max(answer->term, term());
  return 0;
}

/// P12: the library lets nobody vote whose own log does not say that it may.  Candidates count by theirs.
/// Only an observer that was promoted can be needed so; whoever has lost its log must not vote.
bool libraft_core::may_vote_for(const vote_request& request) const {
  const auto group = members();
  if (std::ranges::find(group, options_.self, &member::id) == group.end() || is_voter(group, options_.self)
      || raft_shim_state(raft_.get()) != raft_shim_follower)
    return false;
  const auto vote = raft_shim_vote(raft_.get());
  if (request.pre_vote ? request.term < term() : request.term != term() || (vote != 0 && vote != request.candidate))
    return false;
  const auto last_term = log_.last() == 0 ? 0 : log_.term_at(log_.last());
  return request.last_term > last_term || (request.last_term == last_term && request.last_index >= log_.last());
}

int libraft_core::receive(node_id from, const append_request& request, update& out) {
  if (!is_sound(request))
    return 0;
  const auto before = out.messages.size();
  // P2: the answer to a leader of an older term carries an index nobody set; a later leader would
  // take it for an acknowledgement.  Say no, and nothing else.
  if (request.term < term()) {
    const int code = deliver(from, request, out, now_);
    if (auto* answer = answer_in(out, before)) {
      answer->rejected = 1;
      answer->last_index = 0;
    }
    return code;
  }
  if (leads() && request.term == term()) {
    out.fault = "members " + std::to_string(options_.self) + " and " + std::to_string(from) + " both lead in term "
                + std::to_string(term()) + "; do not start this node before it is known how that can be";
    return 0;
  }
  const auto rebased = rebase(request);
  for (std::size_t start = 0, end = 0;; start = end) {
    // P9: the library notes a change at the index of the first new entry, wherever it stands.
    const auto& entries = rebased.entries;
    end = start;
    while (end < entries.size() && (end == start || !is_change(entries[end])))
      ++end;
    out.messages.resize(before);  // Only the last part is answered.
    if (const int code = receive_run(from, part_of(rebased, start, end), out); code != 0)
      return code;
    const auto* answer = answer_in(out, before);
    if (end == entries.size() || (answer && answer->rejected != 0))
      return 0;
  }
}

/// Entries with at most one change among them: the first.
int libraft_core::receive_run(node_id from, const append_request& run, update& out) {
  // P10: the library remembers one open change and returns to the last committed one when it is
  // truncated.  A leader logs a change when the one before is committed; so that one is, now.
  if (!run.entries.empty() && is_change(run.entries.front()) && run.prev_index > 0
      && log_.term_at(run.prev_index) == run.prev_term)
    if (const int code = settle_changes(run.prev_index, out); code != 0)
      return code;
  return deliver(from, run, out, now_);
}

/// P13: what lies before the image is committed and gone, and the library denies that it ever had it.
append_request libraft_core::rebase(const append_request& request) const {
  const auto& snapshot = log_.snapshot();
  if (!snapshot || request.prev_index >= std::min(snapshot->index, log_.first()))
    return request;
  const auto known = std::min<std::size_t>(snapshot->index - request.prev_index, request.entries.size());
  auto rest = part_of(request, known, request.entries.size());
  rest.prev_index = snapshot->index;
  rest.prev_term = snapshot->term;
  return rest;
}

int libraft_core::receive(node_id from, const install_snapshot& offer, update& out) {
  if (offer.last_index == 0 || offer.last_term == 0 || offer.membership_index > offer.last_index
      || !tabletd::decode_membership(offer.membership))
    return 0;
  // To the library an offer is a heartbeat behind the image: who has that entry says so.
  const auto before = out.messages.size();
  const append_request heartbeat{offer.term, offer.last_index, offer.last_term, 0, 0, {}};
  if (const int code = receive(from, heartbeat, out); code != 0)
    return code;
  const auto* answer = answer_in(out, before);
  if (offer.term < term() || !answer || answer->rejected == 0)
    return 0;
  out.messages.pop_back();  // A refusal would only bring the same offer, at once.
  if (!installing_) {
    installing_ = image_to_install{
        from, {offer.last_index, offer.last_term, offer.membership_index, offer.membership}, offer.image};
    out.install = installing_;
  }
  return 0;
}

}  // namespace tabletd
