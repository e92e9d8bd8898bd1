// See libraft_core.h.
#include "actors/journal/libraft_core.h"

#include "actors/journal/raft_shim.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace tabletd {

namespace {

using namespace model;

raft_shim_entry to_shim(const entry_header& header) {
  return {header.term, static_cast<std::uint16_t>(header.type), header.membership.data(), header.membership.size()};
}

/// `entries` backs the pointer in the result.
raft_shim_message to_shim(const message& what, node_id from, std::vector<raft_shim_entry>& entries) {
  raft_shim_message to{};
  to.peer = from;
  std::visit(overloaded{
                 [&](const append_request& m) {
                   for (const auto& header : m.entries)
                     entries.push_back(to_shim(header));
                   to.kind = raft_shim_append_request;
                   to.term = m.term;
                   to.prev_index = m.prev_index;
                   to.prev_term = m.prev_term;
                   to.leader_commit = m.leader_commit;
                   to.entries = entries.data();
                   to.count = static_cast<std::uint32_t>(entries.size());
                 },
                 [&](const append_result& m) {
                   to.kind = raft_shim_append_result;
                   to.term = m.term;
                   to.rejected = m.rejected;
                   to.last_index = m.last_index;
                 },
                 [&](const vote_request& m) {
                   to.kind = raft_shim_vote_request;
                   to.term = m.term;
                   to.candidate = m.candidate;
                   to.last_index = m.last_index;
                   to.last_term = m.last_term;
                   to.disrupt_leader = m.disrupt_leader;
                   to.pre_vote = m.pre_vote;
                 },
                 [&](const vote_result& m) {
                   to.kind = raft_shim_vote_result;
                   to.term = m.term;
                   to.granted = m.granted;
                   to.pre_vote = m.pre_vote;
                 },
             },
             what);
  return to;
}

std::optional<message> from_shim(const raft_shim_message& m) {
  switch (m.kind) {
    case raft_shim_append_request:
      return append_request{m.term, m.prev_index, m.prev_term, m.leader_commit, m.count, {}};
    case raft_shim_append_result:
      return append_result{m.term, m.rejected, m.last_index};
    case raft_shim_vote_request:
      return vote_request{m.term, m.candidate, m.last_index, m.last_term, m.disrupt_leader, m.pre_vote};
    case raft_shim_vote_result:
      return vote_result{m.term, m.granted, m.pre_vote};
    case raft_shim_other:
      break;
  }
  return std::nullopt;
}

consensus_role to_role(raft_shim_role role) {
  switch (role) {
    case raft_shim_leader:
      return consensus_role::leader;
    case raft_shim_candidate:
      return consensus_role::candidate;
    case raft_shim_follower:
      break;
  }
  return consensus_role::follower;
}

/// Where the payloads of `entries` are: only two events bring any.
void attribute(entries_to_persist& entries, const consensus_event& event) {
  entries.source = payload_source::core;
  if (std::holds_alternative<proposed>(event))
    entries.source = payload_source::proposal;
  if (const auto* incoming = std::get_if<received>(&event))
    if (const auto* request = std::get_if<append_request>(&incoming->what)) {
      entries.source = payload_source::request;
      entries.skip = entries.first - request->prev_index - 1;
    }
}

}  // namespace

void libraft_core::destroyer::operator()(raft_shim* shim) const { raft_shim_destroy(shim); }

libraft_core::libraft_core(const libraft_options& options) : self_(options.self) {
  const raft_shim_options raw{options.self, options.seed, static_cast<std::uint32_t>(options.election_timeout.count()),
                              static_cast<std::uint32_t>(options.heartbeat.count()), options.inflight_entries_max};
  raft_.reset(raft_shim_create(&raw));
  if (!raft_)
    throw std::bad_alloc{};
}

libraft_core::~libraft_core() = default;

update libraft_core::step(const consensus_event& event, time_ms now) {
  now_ = now;
  update out;
  raft_shim_update raw{};
  const int code = std::visit([&](const auto& what) { return handle(what, raw, out); }, event);
  if (code == 0) {
    take(raw, out);
    if (const auto* incoming = std::get_if<received>(&event))
      put_right(incoming->what, out);
    if (out.entries) {
      attribute(*out.entries, event);
      remember(*out.entries);
    }
  }
  if (raft_shim_is_not_leader(code))
    out.refused = true;
  else if (code != 0)
    out.fault = std::string("consensus stopped: ") + raft_shim_error(code)
                + "; this node's log contradicts the group's, rebuild the node from its peers";
  out.committed_upto = raft_shim_commit(raft_.get());
  out.role = to_role(raft_shim_state(raft_.get()));
  if (out.role != consensus_role::leader)
    heard_.clear();
  out.term = raft_shim_term(raft_.get());
  out.leader = raft_shim_leader_id(raft_.get());
  out.next_tick = time_ms(raft_shim_deadline_ms(raft_.get()));
  return out;
}

int libraft_core::handle(const started& event, raft_shim_update& raw, update& out) {
  runs_ = event.runs;
  std::vector<raft_shim_entry> entries;
  entries.reserve(runs_.empty() ? 0 : runs_.back().last);
  for (const auto& run : runs_)
    entries.resize(run.last, {run.term, static_cast<std::uint16_t>(entry_type::command), nullptr, 0});
  for (const auto& change : event.changes) {
    auto& entry = entries.at(change.index - 1);
    entry.type = static_cast<std::uint16_t>(entry_type::change);
    entry.bytes = change.membership.data();
    entry.size = change.membership.size();
  }
  auto held = event.ballot;
  // The core lets a sole voter lead again in its old term; a process of its own gets a term of
  // its own, exactly as if it had held an election.
  if (!event.changes.empty()
      && raft_shim_is_sole_voter(event.changes.back().membership.data(), event.changes.back().membership.size(),
                                 self_)) {
    held = {event.ballot.term + 1, self_};
    out.ballot = held;
  }
  return raft_shim_start(raft_.get(), now_ms(), held.term, held.vote, entries.data(), entries.size(), &raw);
}

int libraft_core::handle(const proposed& event, raft_shim_update& raw, update&) {
  return raft_shim_submit(raft_.get(), now_ms(), event.commands, &raw);
}

int libraft_core::handle(const persisted& event, raft_shim_update& raw, update&) {
  // P6: a write that a truncation has overtaken says nothing about the entry that is there now.
  // Whatever replaced it will be reported in its turn, because writes complete in order.
  if (event.index <= raft_shim_last_stored(raft_.get()) || term_at(event.index) != event.term)
    return 0;
  return raft_shim_persisted(raft_.get(), now_ms(), event.index, &raw);
}

int libraft_core::handle(const received& event, raft_shim_update& raw, update&) {
  if (const auto* answer = std::get_if<append_result>(&event.what);
      answer && leads() && answer->term == raft_shim_term(raft_.get()))
    heard_[event.from] = now_;
  std::vector<raft_shim_entry> entries;
  const auto incoming = to_shim(event.what, event.from, entries);
  return raft_shim_receive(raft_.get(), now_ms(), &incoming, &raw);
}

/// Answers this version of libraft gets wrong.
void libraft_core::put_right(const message& asked, update& out) const {
  const auto term = raft_shim_term(raft_.get());
  const auto* append = std::get_if<append_request>(&asked);
  const auto* vote = std::get_if<vote_request>(&asked);
  for (auto& sent : out.messages) {
    // P2: the answer to a leader of an older term carries an index nobody set; a later leader
    // would take it for an acknowledgement.  Say no, and nothing else.
    if (auto* answer = std::get_if<append_result>(&sent.what); answer && append && append->term < term) {
      answer->rejected = 1;
      answer->last_index = 0;
    }
    // P8: a pre-vote that is denied is answered with the term that was asked for, so a candidate
    // with the best log and the lowest term never learns why, and with nobody else electable the
    // group is without a leader for good.  Say which term this is.
    if (auto* answer = std::get_if<vote_result>(&sent.what); answer && vote && vote->pre_vote && !answer->granted)
      answer->term = std::max(answer->term, term);
  }
}

int libraft_core::handle(const ticked&, raft_shim_update& raw, update&) {
  if (now_ms() < raft_shim_deadline_ms(raft_.get()))
    return 0;
  return raft_shim_timeout(raft_.get(), now_ms(), &raw);
}

int libraft_core::handle(const unreachable& event, raft_shim_update& raw, update&) {
  const auto heard = heard_.find(event.peer);
  if (!leads() || heard == heard_.end())
    return 0;  // Who never answered is being probed: one message per heartbeat, until it does.
  // P3: the core streams ahead and trusts the link.  A refusal of the first entry the peer is not
  // known to hold takes it back to there.  The peer did not say so now: a leader that takes this
  // for contact would never find out that it is alone.  So it is told at the time of the last answer.
  std::uint64_t match = 0;
  if (!raft_shim_match(raft_.get(), event.peer, &match))
    return 0;
  std::vector<raft_shim_entry> none;
  const auto refusal = to_shim(append_result{raft_shim_term(raft_.get()), match + 1, match}, event.peer, none);
  return raft_shim_receive(raft_.get(), static_cast<std::uint64_t>(heard->second.count()), &refusal, &raw);
}

bool libraft_core::leads() const { return raft_shim_state(raft_.get()) == raft_shim_leader; }

void libraft_core::take(const raft_shim_update& raw, update& out) {
  if (raw.ballot_changed)
    out.ballot = ballot{raft_shim_term(raft_.get()), raft_shim_vote(raft_.get())};
  for (std::size_t i = 0; i < raw.message_count; ++i)
    if (auto what = from_shim(raw.messages[i]))
      out.messages.push_back({raw.messages[i].peer, std::move(*what)});
  if (raw.first == 0)
    return;
  entries_to_persist entries;
  entries.first = raw.first;
  entries.headers.reserve(raw.entry_count);
  for (std::size_t i = 0; i < raw.entry_count; ++i) {
    const auto& from = raw.entries[i];
    entries.headers.push_back(
        {from.term, static_cast<entry_type>(from.type),
         from.size == 0 ? std::string() : std::string(static_cast<const char*>(from.bytes), from.size)});
  }
  out.entries = std::move(entries);
}

/// Follows the log: a truncation, then the new entries.
void libraft_core::remember(const entries_to_persist& entries) {
  while (!runs_.empty() && (runs_.size() > 1 ? runs_[runs_.size() - 2].last : 0) + 1 >= entries.first)
    runs_.pop_back();
  if (!runs_.empty())
    runs_.back().last = std::min(runs_.back().last, entries.first - 1);
  auto index = entries.first;
  for (const auto& header : entries.headers) {
    if (runs_.empty() || runs_.back().term != header.term)
      runs_.push_back({header.term, index});
    runs_.back().last = index++;
  }
}

term libraft_core::term_at(std::uint64_t index) const {
  const auto run = std::ranges::lower_bound(runs_, index, {}, &term_run::last);
  return run == runs_.end() ? 0 : run->term;
}

entry_header libraft_core::founding_entry(const std::vector<member>& members) const {
  const std::unique_ptr<raft_shim_membership, void (*)(raft_shim_membership*)> group(raft_shim_membership_create(),
                                                                                     raft_shim_membership_destroy);
  if (!group)
    throw std::bad_alloc{};
  for (const auto& each : members)
    if (const int code = raft_shim_membership_add(group.get(), each.id, each.address.c_str(), each.voter);
        code != 0 || each.id == 0)
      throw std::invalid_argument("member " + std::to_string(each.id) + " at " + each.address
                                  + " cannot be in the group: "
                                  + (each.id == 0 ? "0 is no id" : raft_shim_error(code)));
  void* bytes = nullptr;
  std::size_t size = 0;
  if (raft_shim_membership_encode(group.get(), &bytes, &size) != 0)
    throw std::bad_alloc{};
  entry_header founding{1, entry_type::change, std::string(static_cast<const char*>(bytes), size)};
  raft_shim_free(bytes);
  return founding;
}

}  // namespace tabletd
