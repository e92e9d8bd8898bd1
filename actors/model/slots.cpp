#include "actors/model/slots.h"
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

std::uint32_t slot_ledger::used(const place& at) const {
  const auto found = used_.find(at);
  return found == used_.end() ? 0 : found->second.slots;
}

std::uint32_t slot_ledger::available(const place& at) const {
  const auto taken = used(at);
  return taken >= per_path_ ? 0 : per_path_ - taken;
}

std::uint64_t slot_ledger::incoming_bytes(const place& at) const {
  const auto found = used_.find(at);
  return found == used_.end() ? 0 : found->second.incoming_bytes;
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

void slot_ledger::add(const slot_claim& claim) {
  ++used_[claim.source].slots;
  auto& target = used_[claim.target];
  ++target.slots;
  target.incoming_bytes += claim.bytes;
}

void slot_ledger::remove_one(const place& at, std::uint64_t incoming_bytes) {
  const auto found = used_.find(at);
  assert(found != used_.end() && found->second.slots > 0);
  assert(found->second.incoming_bytes >= incoming_bytes);
  found->second.incoming_bytes -= incoming_bytes;
  if (--found->second.slots == 0)
    used_.erase(found);
}

} // namespace tabletd::model
