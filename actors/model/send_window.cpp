// See send_window.h.
#include "actors/model/send_window.h"

#include <algorithm>
#include <cassert>

namespace tabletd::model {

using enum memory_category;

send_window::send_window(memory_governor& governor, log_facts& log, const send_limits& limits)
    : governor_(governor), log_(log), limits_(limits) {}

send_window::~send_window() { forget_flights(); }

void send_window::land(const flight& done) {
  in_flight_bytes_ -= done.bytes;
  if (done.from_disk)
    governor_.release(sending, done.bytes);
  else
    log_.unpin(done.entries);
}

void send_window::forget_flights() {
  for (const auto& each : flights_)
    land(each);
  flights_.clear();
  stale_sequence_ = sequence_;
}

void send_window::restart_at(std::uint64_t next, send_state state) {
  forget_flights();
  next_ = next;
  state_ = state;
}

void send_window::connected(std::uint64_t match, std::uint64_t next) {
  match_ = match;
  restart_at(next, send_state::probing);
}

void send_window::disconnected() { restart_at(match_ + 1, send_state::disconnected); }

void send_window::snapshot_ended() {
  if (state_ == send_state::snapshot)
    restart_at(match_ + 1, send_state::probing);
}

void send_window::land_durable() {
  while (!flights_.empty() && flights_.front().entries.last <= match_) {
    land(flights_.front());
    flights_.pop_front();
  }
}

/// Goes on behind what it took of the flights under way.
void send_window::give_up_after(std::uint64_t taken) {
  while (!flights_.empty() && flights_.back().entries.first > taken) {
    land(flights_.back());
    flights_.pop_back();
  }
  if (!flights_.empty() && flights_.back().entries.last > taken) {
    auto& part = flights_.back();
    // A buffer that was read from the disk stays whole until its first part has landed.
    flight rest{part.sequence, {taken + 1, part.entries.last}, 0, part.from_disk};
    if (!part.from_disk)
      for (auto i = rest.entries.first; i <= rest.entries.last; ++i)
        rest.bytes += wire_bytes(i);
    part.entries.last = taken;
    part.bytes -= rest.bytes;
    land(rest);
    land_durable();
  }
  next_ = flights_.empty() ? std::max(match_, taken) + 1 : flights_.back().entries.last + 1;
  stale_sequence_ = sequence_;
}

void send_window::throttle(std::uint64_t room_bytes, time_ms now) {
  state_ = send_state::throttled;
  room_bytes_ = room_bytes;
  retry_at_ = now + 2 * limits_.heartbeat;
}

void send_window::give_way(time_ms now) {
  if (state_ == send_state::disconnected || state_ == send_state::snapshot)
    return;
  restart_at(match_ + 1, send_state::throttled);
  throttle(limits_.message_bytes_max, now);
}

void send_window::answered(const append_answer& answer, time_ms now) {
  if (state_ == send_state::disconnected)
    return;
  match_ = std::max(match_, answer.match);
  land_durable();
  next_ = std::max(next_, match_ + 1);
  if (state_ == send_state::snapshot)
    return;
  if (answer.resume) {
    if (state_ == send_state::throttled)
      state_ = send_state::streaming;
    return;
  }
  if (answer.sequence <= stale_sequence_)
    return;
  if (answer.mismatch) {
    // Going on where it says its log ends; a hint may be wrong, so each one goes back by one at least.
    const auto first = flights_.empty() ? next_ : flights_.front().entries.first;
    const auto before = std::max<std::uint64_t>(first, 2) - 1;
    return restart_at(std::max(match_ + 1, std::min(answer.taken + 1, before)), send_state::probing);
  }
  if (answer.busy) {
    give_up_after(answer.taken);
    return throttle(answer.room_bytes, now);
  }
  state_ = send_state::streaming;
}

bool send_window::may_send(time_ms now) const {
  switch (state_) {
    case send_state::disconnected:
    case send_state::snapshot:
      return false;
    case send_state::probing:
      return flights_.empty();
    case send_state::throttled:
      return flights_.empty() && now >= retry_at_;
    case send_state::streaming:
      return flights_.size() < limits_.messages_max;
  }
  return false;
}

std::uint64_t send_window::message_limit() const {
  const auto window_left = limits_.window_bytes - std::min(limits_.window_bytes, in_flight_bytes_);
  auto limit = std::min(limits_.message_bytes_max, window_left);
  if (state_ == send_state::throttled)
    limit = std::min(limit, room_bytes_);
  return limit;
}

send_decision send_window::next(time_ms now) {
  if (!may_send(now) || next_ > log_.last_index())
    return send_nothing{};
  if (next_ >= log_.first_index())
    return send();
  if (!flights_.empty())
    return send_nothing{};
  state_ = send_state::snapshot;
  return send_snapshot{};
}

send_decision send_window::send() {
  const auto limit = message_limit();
  const bool from_disk = !log_.in_memory(next_);
  assert((!from_disk || next_ <= log_.durable()) && "only what is durable leaves memory");
  auto bytes = wire_bytes(next_);
  if (bytes > limit && !flights_.empty())
    return send_nothing{};  // One entry always fits an empty window.
  auto last = next_;
  // The whole message from one place: whichever has the first entry.
  while (last < log_.last_index() && log_.in_memory(last + 1) != from_disk && bytes + wire_bytes(last + 1) <= limit)
    bytes += wire_bytes(++last);
  if (from_disk) {
    while (!governor_.try_charge(sending, bytes)) {
      // As much as there is room for, by halves; the last try is one entry.
      if (last == next_)
        return send_nothing{};
      last = next_ + (last - next_) / 2;
      bytes = 0;
      for (auto i = next_; i <= last; ++i)
        bytes += wire_bytes(i);
    }
  } else {
    log_.pin({next_, last});
  }
  const entry_range entries{next_, last};
  flights_.push_back({++sequence_, entries, bytes, from_disk});
  in_flight_bytes_ += bytes;
  next_ = last + 1;
  return send_entries{sequence_, entries, from_disk};
}

std::optional<time_ms> send_window::next_retry() const {
  return state_ == send_state::throttled && flights_.empty() ? std::optional{retry_at_} : std::nullopt;
}

bool outside_quorum(std::uint64_t match, std::span<const std::uint64_t> other_followers) {
  const auto group = other_followers.size() + 2;
  const auto ahead = 1 + static_cast<std::size_t>(std::ranges::count_if(other_followers, [match](std::uint64_t other) {
                       return other >= match;
                     }));
  return ahead > group / 2;
}

}  // namespace tabletd::model
