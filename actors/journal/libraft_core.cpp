// See libraft_core.h.  Here: one step as a whole; events and messages are in libraft_core_events.cpp.
#include "actors/journal/libraft_core.h"

#include "actors/journal/libraft_core_feed.h"
#include "actors/journal/libraft_membership.h"
#include "actors/journal/libraft_messages.h"

#include <algorithm>
#include <iterator>
#include <new>

namespace tabletd {

using namespace model;

namespace {

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

raft_shim_snapshot to_shim(const std::optional<snapshot_point>& from) {
  if (!from)
    return {};
  return {from->index, from->term, from->membership_index, from->membership.data(), from->membership.size()};
}

}  // namespace

void libraft_core::destroyer::operator()(raft_shim* shim) const { raft_shim_destroy(shim); }

libraft_core::libraft_core(const libraft_options& options) : options_(options) { create(); }

void libraft_core::create() {
  const raft_shim_options raw{options_.self, options_.seed + starts_++,
                              static_cast<std::uint32_t>(options_.election_timeout.count()),
                              static_cast<std::uint32_t>(options_.heartbeat.count()), options_.inflight_entries_max};
  raft_.reset(raft_shim_create(&raw));
  if (!raft_)
    throw std::bad_alloc{};
}

libraft_core::~libraft_core() = default;

update libraft_core::step(const consensus_event& event, time_ms now) {
  now_ = now;
  update out;
  int code = std::visit([&](const auto& what) { return handle(what, out); }, event);
  if (code == 0)
    code = settle_changes(committed(), out);
  if (code == 0)
    code = continue_transfer(out);
  if (code == 0)
    continue_round(out);
  if (out.entries)
    attribute(*out.entries, event);
  if (code != 0 && out.fault.empty())
    out.fault = std::string("consensus stopped: ") + raft_shim_error(code)
                + "; this node's log contradicts the group's, rebuild the node from its peers";
  describe(out);
  if (out.leader != 0)
    lost_leader_ = 0;
  if (!leads()) {
    heard_.clear();
    transfer_.reset();
    round_ = {.number = round_.number, .done = reads_wanted_};
  }
  return out;
}

/// The parts of an update that do not depend on the event.
void libraft_core::describe(update& out) const {
  out.committed_upto = committed();
  out.role = to_role(raft_shim_state(raft_.get()));
  out.term = term();
  out.leader = raft_shim_leader_id(raft_.get());
  out.next_tick = time_ms(raft_shim_deadline_ms(raft_.get()));
  out.transferring = leads() && transfer_;
  if (out.transferring)
    out.next_tick = std::min(out.next_tick, transfer_->deadline);
  if (leads() && round_.ticket != 0)
    out.next_tick = std::min(out.next_tick, round_.ask_again);
}

void libraft_core::refuse(update& out, consensus_refusal why) const {
  out.refused = true;
  out.why = why;
}

/// The library anew, over what log_ says is on the disk.
int libraft_core::begin(ballot held, update& out) {
  if (has_begun_)
    create();
  has_begun_ = true;
  std::vector<raft_shim_entry> entries;
  for (const auto& run : log_.runs())
    entries.resize(run.last - log_.first() + 1,
                   {run.term, static_cast<std::uint16_t>(entry_type::command), nullptr, 0});
  for (const auto& change : log_.changes()) {
    auto& entry = entries.at(change.index - log_.first());
    entry.type = static_cast<std::uint16_t>(entry_type::change);
    entry.bytes = change.membership.data();
    entry.size = change.membership.size();
  }
  // P11: the library lets a sole voter lead in the term it has, where another may have led; a term of
  // its own, exactly as if it had held an election.
  if (is_sole_voter(members(), options_.self)) {
    held = {held.term + 1, options_.self};
    out.ballot = held;
  }
  // The founding entry counts as committed; what the image covers is.
  settled_change_ = log_.snapshot() ? log_.snapshot()->membership_index : log_.is_empty() ? 0 : 1;
  const auto snapshot = to_shim(log_.snapshot());
  return feed(out, [&](raft_shim_update* update) {
    return raft_shim_start(raft_.get(), now_ms(), held.term, held.vote, &snapshot, log_.first(), entries.data(),
                           entries.size(), update);
  });
}

void libraft_core::take(const raft_shim_update& raw, update& out) {
  if (raw.ballot_changed)
    out.ballot = ballot{term(), raft_shim_vote(raft_.get())};
  for (std::size_t i = 0; i < raw.message_count; ++i)
    if (auto what = from_shim(raw.messages[i]); what && raw.messages[i].peer != 0)
      out.messages.push_back({raw.messages[i].peer, put_right(std::move(*what))});
  if (raw.first != 0)
    take_entries(raw, out);
}

/// One step of ours may be several of the library's; their entries follow each other.
void libraft_core::take_entries(const raft_shim_update& raw, update& out) {
  std::vector<entry_header> headers;
  headers.reserve(raw.entry_count);
  for (std::size_t i = 0; i < raw.entry_count; ++i) {
    const auto& from = raw.entries[i];
    headers.push_back({from.term, static_cast<entry_type>(from.type),
                       from.size == 0 ? std::string() : std::string(static_cast<const char*>(from.bytes), from.size)});
  }
  log_.append(raw.first, headers);
  if (!out.entries) {
    out.entries = entries_to_persist{raw.first, std::move(headers)};
    return;
  }
  std::ranges::move(headers, std::back_inserter(out.entries->headers));
}

/// What an offer of an image lacks when it comes from the library.
message libraft_core::put_right(message offer) const {
  if (auto* snapshot = std::get_if<install_snapshot>(&offer); snapshot && log_.snapshot()) {
    snapshot->membership_index = log_.snapshot()->membership_index;
    snapshot->membership = log_.snapshot()->membership;
  }
  return offer;
}

bool libraft_core::leads() const { return raft_shim_state(raft_.get()) == raft_shim_leader; }
bool libraft_core::all_is_stored() const { return raft_shim_last_stored(raft_.get()) == log_.last(); }
term libraft_core::term() const { return raft_shim_term(raft_.get()); }
std::uint64_t libraft_core::committed() const { return raft_shim_commit(raft_.get()); }

entry_header libraft_core::founding_entry(const std::vector<member>& members) const {
  return {1, entry_type::change, encode_membership(members)};
}

std::optional<snapshot_point> libraft_core::snapshot_at(std::uint64_t index) const {
  // P15: with an image of entry 1 alone and the entry gone, the library sends who has nothing neither.
  const auto term_there = index < 2 || index > committed() ? 0 : log_.term_at(index);
  if (term_there == 0 || (log_.snapshot() && index < log_.snapshot()->index))
    return std::nullopt;
  auto change = log_.change_at(index);
  return snapshot_point{index, term_there, change.index, std::move(change.membership)};
}

std::vector<member> libraft_core::members() const {
  return tabletd::decode_membership(log_.newest_change().membership).value_or(std::vector<member>{});
}

std::optional<std::vector<member>> libraft_core::decode_membership(std::string_view membership) const {
  return tabletd::decode_membership(membership);
}

}  // namespace tabletd
