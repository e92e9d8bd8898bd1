// See peer_links.h.  Here: who is who, and what is known of the others.
#include "node/fe/peer_outgoing.h"
#include "node/log.h"

#include <algorithm>
#include <utility>

namespace tabletd {

// -- who is who --------------------------------------------------------------------------

model::greeting_verdict peer_links::judge(const model::greeting& peer) {
  model::greeting_verdict verdict;
  {
    const std::lock_guard guard{mutex_};
    verdict = model::meet(options_.self, peer);
    if (verdict.ok())
      exclusion_.clear();
    else if (verdict.is_outsider && options_.self.is_founded)
      exclusion_ = verdict.refusal;
  }
  if (!verdict.fatal.empty()) {
    verdict.refusal = verdict.fatal;
    options_.on_fatal(verdict.fatal);
  } else if (!verdict.refusal.empty() && (peer.joins || options_.self.joins)) {
    log_once("peer_joins", log_level::info, "a front end waits to be taken into the group", {{"why", verdict.refusal}});
  } else if (!verdict.refusal.empty()) {
    log_once("peer_refused", log_level::error, "another front end was refused", {{"why", verdict.refusal}});
  }
  if (!verdict.ok())
    return verdict;
  if (verdict.has_learned && !keep()) {
    verdict.refusal = "this node cannot write down whom it has met";
    return verdict;
  }
  // Perhaps a leader that was taken in while this node was away: it wants answers.
  if (peer.members_index > options_.self.members_index)
    for (const auto& one : peer.members)
      if (!outgoing_.contains(one.id))
        add_peer(one);
  if (!options_.self.is_founded && (options_.self.joins || model::may_found(options_.self)))
    options_.all_met();
  return verdict;
}

/// False: what this node knows is not on its disk, so it must not act on it.
bool peer_links::keep() {
  try {
    options_.keep(options_.self);
    return true;
  } catch (const std::exception& error) {
    options_.on_fatal(error.what());
    return false;
  }
}

// -- where they are ----------------------------------------------------------------------

/// The log learns of a new address only when who moved leads.  So that it can, and even if all have moved, the
/// file counts too, and what a member that was judged to be one says of itself.
std::vector<std::string> peer_links::addresses_of(const outgoing& to) const {
  std::vector<std::string> all{to.address};
  const auto add = [&](const std::string& address) {
    if (!address.empty() && std::ranges::find(all, address) == all.end())
      all.push_back(address);
  };
  const auto& configured = options_.self.founders;
  if (const auto one = std::ranges::find(configured, to.node, &model::member::id); one != configured.end())
    add(one->address);
  add(to.said_address);
  return all;
}

/// One after the other.
std::string peer_links::next_address(const outgoing& to) const {
  const auto all = addresses_of(to);
  return all[to.attempts % all.size()];
}

// -- what is known of them ---------------------------------------------------------------

void peer_links::note_trouble(model::node_id node, const std::string& why) {
  const std::lock_guard guard{mutex_};
  if (const auto at = views_.find(node); at != views_.end())
    at->second.trouble = why;
}

void peer_links::note_face(const model::greeting& from, fe_face face) {
  const std::lock_guard guard{mutex_};
  const auto at = views_.find(from.node);
  if (at == views_.end())
    return;
  auto& view = at->second;
  view.face = std::move(face);
  view.last_heard = options_.wall_clock();
  const auto to = outgoing_.find(from.node);
  const auto own = std::ranges::find(from.founders, from.node, &model::member::id);
  if (to == outgoing_.end() || own == from.founders.end() || to->second->said_address == own->address)
    return;
  to->second->said_address = own->address;
  if (to->second->reached_at != own->address)
    to->second->reached_at.clear();  // It may have moved: that nobody listens where it was would not mean that it ended.
}

void peer_links::note_word(model::node_id from, wire::Mail::Reader said) {
  bool has_room_again = false;
  {
    const std::lock_guard guard{mutex_};
    const auto at = views_.find(from);
    if (at == views_.end())
      return;
    auto& view = at->second;
    view.last_heard = options_.wall_clock();
    view.applied = std::max(view.applied, said.getApplied());
    has_room_again = std::exchange(view.is_busy, said.getBusy()) && !said.getBusy();
  }
  if (has_room_again)
    static_cast<void>(inbox_->add(link_renewed{from}));  // What it did not take is sent again.
}

void peer_links::note_applicant(const model::greeting& from, const std::string& name) {
  const auto own = std::ranges::find(from.founders, from.node, &model::member::id);
  if (own == from.founders.end())
    return;
  const std::lock_guard guard{mutex_};
  // One listens there, the one that spoke last; ALTER SYSTEM ADD names it by nothing else.
  std::erase_if(applicants_, [&](const auto& each) {
    return each.first != from.node && each.second.as.address == own->address;
  });
  applicants_[from.node] = {{from.node, own->address, false, from.birth}, name, options_.wall_clock()};
}

std::vector<peer_applicant> peer_links::applicants() const {
  constexpr auto heard_within = std::chrono::seconds(10);  // They ask every second.
  const auto now = options_.wall_clock();
  const std::lock_guard guard{mutex_};
  std::vector<peer_applicant> all;
  for (const auto& [node, one] : applicants_)
    if (now - one.last_heard < heard_within)
      all.push_back(one);
  return all;
}

std::string peer_links::exclusion() const {
  const std::lock_guard guard{mutex_};
  return exclusion_;
}

std::string peer_links::why_not_to_add(const model::member& one) const {
  const std::lock_guard guard{mutex_};
  return model::why_not_to_add(options_.self, one);
}

/// Under the mutex.
void peer_links::divide_windows() { window_bytes_ = options_.window_bytes(outgoing_.size()); }

/// Under the mutex.
void peer_links::publish_queues() {
  std::uint64_t bytes = 0;
  for (const auto& [node, to] : outgoing_)
    bytes += to->bytes;
  options_.memory->set(model::memory_category::sending, bytes);
}

std::vector<peer_view> peer_links::peers() const {
  const std::lock_guard guard{mutex_};
  std::vector<peer_view> all;
  for (const auto& [node, view] : views_) {
    all.push_back(view);
    all.back().queued_bytes = outgoing_.at(node)->bytes;
  }
  return all;
}

}  // namespace tabletd
