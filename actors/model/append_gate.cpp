// See append_gate.h.
#include "actors/model/append_gate.h"

#include <algorithm>

namespace tabletd::model {

using enum memory_category;

append_gate::append_gate(memory_governor& governor, log_facts& log) : governor_(governor), log_(log) {}

bool append_gate::receive(std::uint64_t message_bytes) {
  if (const auto missing = governor_.missing_bytes(message_bytes); missing > 0)
    log_.relieve(missing);
  // One message always gets in: the heartbeat behind it must not wait for memory.
  if (governor_.bytes(receiving) == 0)
    return governor_.try_charge_one(receiving, message_bytes);
  return governor_.bytes(receiving) + message_bytes <= governor_.limits().receiving_bytes
         && governor_.try_charge(receiving, message_bytes);
}

/// Uncommitted entries count: what is uncommitted now will be unapplied soon.
std::uint64_t append_gate::waiting_bytes() const { return governor_.bytes(uncommitted) + log_.unapplied_bytes(); }

/// What is not durable or not committed cannot leave memory, however long the log may grow on the disk.
std::uint64_t append_gate::in_memory_bytes() const { return governor_.bytes(uncommitted) + governor_.bytes(unapplied); }
std::uint64_t append_gate::in_memory_limit() const {
  return governor_.limits().uncommitted_bytes + governor_.limits().unapplied_bytes;
}

std::uint64_t append_gate::room_bytes() const {
  const auto left = [](std::uint64_t limit, std::uint64_t held) { return limit > held ? limit - held : 0; };
  const auto charge = std::min({left(governor_.limits().backlog_bytes, waiting_bytes()),
                                left(in_memory_limit(), in_memory_bytes()), governor_.room_bytes()});
  return governor_.payload_within(charge);
}

/// Room comes by itself, through apply.
bool append_gate::drains() const { return log_.unapplied_bytes() > 0; }

void append_gate::make_room(std::uint64_t charge_bytes) {
  if (const auto missing = governor_.missing_bytes(charge_bytes); missing > 0)
    log_.relieve(missing);
  if (const auto missing = governor_.missing_bytes(charge_bytes); missing > 0 && !drains())
    log_.shed_uncommitted(missing);
}

bool append_gate::take_one(std::uint64_t charge_bytes) {
  if (waiting_bytes() == 0)
    return governor_.try_charge_one(uncommitted, charge_bytes);
  if (drains()) {
    if (waiting_bytes() + charge_bytes > governor_.limits().backlog_bytes)
      return false;
    if (const auto after = in_memory_bytes() + charge_bytes; after > in_memory_limit())
      log_.shed_unapplied(after - in_memory_limit());
    if (in_memory_bytes() + charge_bytes > in_memory_limit())
      return false;
  }
  make_room(charge_bytes);
  return governor_.try_charge(uncommitted, charge_bytes);
}

gate_answer append_gate::accept(std::uint64_t message_bytes, std::span<const std::uint64_t> entries_bytes) {
  // Its payloads go from the message to the log: charged once.
  governor_.release(receiving, message_bytes);
  gate_answer answer;
  for (const auto entry_bytes : entries_bytes) {
    const auto charge = governor_.charge_of(entry_bytes);
    if (!take_one(charge)) {
      refused_charge_ = charge;
      break;
    }
    answer.charges_bytes.push_back(charge);
  }
  const bool left_out = answer.charges_bytes.size() < entries_bytes.size();
  refusing_ = refusing_ || left_out;
  refusals_ += left_out;
  answer.busy = refusing_;
  answer.room_bytes = room_bytes();
  return answer;
}

std::optional<std::uint64_t> append_gate::resumed() {
  if (!refusing_)
    return std::nullopt;
  if (drains()) {
    if (waiting_bytes() > governor_.limits().backlog_bytes / 2 || governor_.pressure() == memory_pressure::refuse)
      return std::nullopt;
  } else if (waiting_bytes() > 0) {
    make_room(refused_charge_);
    if (governor_.missing_bytes(refused_charge_) > 0)
      return std::nullopt;
  }
  refusing_ = false;
  return room_bytes();
}

}  // namespace tabletd::model
