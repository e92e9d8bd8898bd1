// See log_tail.h.
#include "actors/journal/log_tail.h"

namespace tabletd {

namespace {

/// Handle, header and place in the queue (design/journal.md 9.4).
constexpr std::uint64_t overhead_bytes = 96;

std::uint64_t cost_of(const tail_entry& entry) {
  return overhead_bytes + entry.header.membership.size() + entry.edit.words().asBytes().size();
}

}  // namespace

void log_tail::restart(std::uint64_t next) {
  entries_.clear();
  bytes_ = 0;
  first_ = next;
}

void log_tail::cut(std::uint64_t index) {
  if (index <= first_)
    return restart(index);
  while (end() > index) {
    bytes_ -= cost_of(entries_.back());
    entries_.pop_back();
  }
}

void log_tail::add(tail_entry entry) {
  bytes_ += cost_of(entry);
  entries_.push_back(std::move(entry));
}

void log_tail::shrink(std::uint64_t bytes_max, std::uint64_t durable_upto) {
  while (bytes_ > bytes_max && first_ <= durable_upto && !entries_.empty()) {
    bytes_ -= cost_of(entries_.front());
    entries_.pop_front();
    ++first_;
  }
}

}  // namespace tabletd
