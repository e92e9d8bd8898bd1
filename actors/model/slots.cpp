#include "actors/model/slots.h"
#include <algorithm>
#include <cassert>
#include <utility>

namespace tabletd::model {

slot_token::slot_token(slot_token&& other) noexcept : claim_(std::exchange(other.claim_, std::nullopt)) {}

slot_token& slot_token::operator=(slot_token&& other) noexcept {
  assert(!claim_ && "overwriting a slot token that was not given back");
  claim_ = std::exchange(other.claim_, std::nullopt);
  return *this;
}

slot_token::~slot_token() {
  assert(!claim_ && "a slot token must be given back to its ledger");
}

const slot_ledger::usage* slot_ledger::find(const place& at) const {
  const auto found = used_.find(at.backend);
  if (found == used_.end())
    return nullptr;
  const auto hit = std::find_if(found->second.begin(), found->second.end(),
                                [&](const usage& u) { return u.path == at.path; });
  return hit == found->second.end() ? nullptr : &*hit;
}

std::uint32_t slot_ledger::used(const place& at) const {
  const auto* u = find(at);
  return u ? u->slots : 0;
}

std::uint32_t slot_ledger::available(const place& at) const {
  const auto taken = used(at);
  return taken >= per_path_ ? 0 : per_path_ - taken;
}

std::uint64_t slot_ledger::incoming_bytes(const place& at) const {
  const auto* u = find(at);
  return u ? u->incoming_bytes : 0;
}

bool slot_ledger::any_available(backend_id backend, std::span<const path_seen> paths) const {
  const auto found = used_.find(backend);
  const auto full = [this](const usage& u) { return u.slots >= per_path_; };
  if (found == used_.end() || std::count_if(found->second.begin(), found->second.end(), full) < std::ssize(paths))
    return !paths.empty() && per_path_ > 0;
  // As many paths are full as there are, but one of those may have left the backend.
  return std::any_of(paths.begin(), paths.end(), [&](const path_seen& path) {
    return std::none_of(found->second.begin(), found->second.end(),
                        [&](const usage& u) { return u.path == path.hash && full(u); });
  });
}

std::optional<slot_token> slot_ledger::take(const slot_claim& claim) {
  const std::uint32_t needed_at_source = claim.source == claim.target ? 2 : 1;
  if (available(claim.source) < needed_at_source || available(claim.target) < 1)
    return std::nullopt;
  return adopt(claim);
}

slot_token slot_ledger::adopt(const slot_claim& claim) {
  add(claim);
  return slot_token{claim};
}

void slot_ledger::give_back(slot_token token) {
  const auto claim = *std::exchange(token.claim_, std::nullopt);
  remove_one(claim.source, 0);
  remove_one(claim.target, claim.bytes);
}

slot_ledger slot_ledger::derived(std::uint32_t per_path, std::span<const slot_claim> running) {
  slot_ledger ledger{per_path};
  for (const auto& claim : running)
    ledger.add(claim);
  return ledger;
}

slot_ledger::usage& slot_ledger::use(const place& at) {
  auto& of = used_[at.backend];
  const auto where = std::lower_bound(of.begin(), of.end(), at.path,
                                      [](const usage& u, path_hash path) { return u.path < path; });
  return where != of.end() && where->path == at.path ? *where : *of.insert(where, usage{at.path, 0, 0});
}

void slot_ledger::add(const slot_claim& claim) {
  ++use(claim.source).slots;
  auto& target = use(claim.target);
  ++target.slots;
  target.incoming_bytes += claim.bytes;
}

void slot_ledger::remove_one(const place& at, std::uint64_t incoming_bytes) {
  const auto found = used_.find(at.backend);
  assert(found != used_.end());
  auto& of = found->second;
  const auto u = std::find_if(of.begin(), of.end(), [&](const usage& x) { return x.path == at.path; });
  assert(u != of.end() && u->slots > 0 && u->incoming_bytes >= incoming_bytes);
  u->incoming_bytes -= incoming_bytes;
  if (--u->slots > 0)
    return;
  of.erase(u);
  if (of.empty())
    used_.erase(found);
}

} // namespace tabletd::model
