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
  const auto& paths = found->second.paths;
  const auto hit = std::find_if(paths.begin(), paths.end(), [&](const usage& u) { return u.path == at.path; });
  return hit == paths.end() ? nullptr : &*hit;
}

std::uint32_t slot_ledger::used(const place& at) const {
  const auto* u = find(at);
  return u ? u->slots : 0;
}

std::uint32_t slot_ledger::total(const place& at) const {
  const auto* u = find(at);
  return u ? total_of(*u) : per_path_;
}

std::uint32_t slot_ledger::available(const place& at) const {
  const auto* u = find(at);
  if (!u)
    return per_path_;
  const auto total = total_of(*u);
  return u->slots >= total ? 0 : total - u->slots;
}

std::uint64_t slot_ledger::incoming_bytes(const place& at) const {
  const auto* u = find(at);
  return u ? u->incoming_bytes : 0;
}

bool slot_ledger::any_available(backend_id backend, std::size_t paths) const {
  const auto found = used_.find(backend);
  return found == used_.end() ? paths > 0 && per_path_ > 0 : found->second.full < paths;
}

std::optional<slot_token> slot_ledger::take(const slot_claim& claim) {
  const std::uint32_t needed_at_source = claim.source == claim.target ? 2 : 1;
  if (available(claim.source) < needed_at_source || available(claim.target) < 1)
    return std::nullopt;
  return adopt(claim);
}

void slot_ledger::set_total(std::uint32_t per_path) {
  per_path_ = per_path;
  for (auto& [backend, of] : used_)
    of.full = static_cast<std::size_t>(
      std::count_if(of.paths.begin(), of.paths.end(), [&](const usage& u) { return is_full(u); }));
}

void slot_ledger::set_own_total(const place& at, std::optional<std::uint32_t> total) {
  assert((!total || *total > 0) && "a path without a slot would never be measured again");
  if (!total && !find(at))
    return;
  const auto found = used_.try_emplace(at.backend).first;
  auto& of = found->second;
  auto& u = entry(of, at.path);
  of.full -= is_full(u) ? 1 : 0;
  u.own_total = total.value_or(0);
  of.full += is_full(u) ? 1 : 0;
  tidy(found, at.path);
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

slot_ledger slot_ledger::derived(std::uint32_t per_path, std::span<const slot_claim> running,
                                 std::span<const slot_total> own) {
  slot_ledger ledger{per_path};
  for (const auto& of : own)
    ledger.set_own_total(of.at, of.total);
  for (const auto& claim : running)
    ledger.add(claim);
  return ledger;
}

slot_ledger::usage& slot_ledger::entry(backend_usage& of, path_hash path) {
  auto u = std::lower_bound(of.paths.begin(), of.paths.end(), path,
                            [](const usage& x, path_hash wanted) { return x.path < wanted; });
  if (u == of.paths.end() || u->path != path)
    u = of.paths.insert(u, usage{path, 0, 0, 0});
  return *u;
}

void slot_ledger::use(const place& at, std::uint64_t incoming_bytes) {
  auto& of = used_[at.backend];
  auto& u = entry(of, at.path);
  u.incoming_bytes += incoming_bytes;
  if (++u.slots == total_of(u))
    ++of.full;
}

void slot_ledger::add(const slot_claim& claim) {
  use(claim.source, 0);
  use(claim.target, claim.bytes);
}

void slot_ledger::remove_one(const place& at, std::uint64_t incoming_bytes) {
  const auto found = used_.find(at.backend);
  assert(found != used_.end());
  auto& of = found->second;
  const auto u = std::find_if(of.paths.begin(), of.paths.end(), [&](const usage& x) { return x.path == at.path; });
  assert(u != of.paths.end() && u->slots > 0 && u->incoming_bytes >= incoming_bytes);
  u->incoming_bytes -= incoming_bytes;
  if (u->slots-- == total_of(*u))
    --of.full;
  if (u->slots == 0)
    tidy(found, at.path);
}

void slot_ledger::tidy(backends::iterator of, path_hash path) {
  auto& paths = of->second.paths;
  const auto u = std::find_if(paths.begin(), paths.end(), [&](const usage& x) { return x.path == path; });
  if (u->slots == 0 && u->own_total == 0)
    paths.erase(u);
  if (paths.empty())
    used_.erase(of);
}

} // namespace tabletd::model
