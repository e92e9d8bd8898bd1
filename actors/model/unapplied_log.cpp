// See unapplied_log.h.
#include "actors/model/unapplied_log.h"

#include <algorithm>

namespace tabletd::model {

/// Out of whatever it is charged to.
void unapplied_log::let_go(std::uint64_t index) {
  if (index < in_memory_from_)
    backlog_bytes_ -= charge(index);
  else
    governor_.release(category_of(index), charge(index));
}

void unapplied_log::restart(std::uint64_t next) {
  for (auto index = first_; index < end(); ++index)
    let_go(index);
  charges_.clear();
  first_ = in_memory_from_ = next;
  committed_ = next - 1;
}

void unapplied_log::add_received(std::uint64_t charge_bytes) {
  while (!governor_.try_charge(memory_category::uncommitted, charge_bytes))
    if (!evict_oldest()) {
      add(charge_bytes);
      backlog_bytes_ += charge_bytes;
      in_memory_from_ = end();
      return;
    }
  add(charge_bytes);
}

void unapplied_log::commit(std::uint64_t upto) {
  for (auto index = std::max(committed_ + 1, in_memory_from_); index <= upto && index < end(); ++index)
    governor_.move(memory_category::uncommitted, memory_category::unapplied, charge(index));
  committed_ = std::max(committed_, std::min(upto, end() - 1));
}

void unapplied_log::apply(std::uint64_t upto) {
  for (; first_ <= upto && !charges_.empty(); ++first_) {
    let_go(first_);
    charges_.pop_front();
    in_memory_from_ = std::max(in_memory_from_, first_ + 1);
  }
}

void unapplied_log::replace(std::uint64_t from) {
  if (from < first_) {  // Of what was on the disk before anything was known here.
    restart(from);
    return;
  }
  while (end() > std::max(from, first_)) {
    let_go(end() - 1);
    charges_.pop_back();
  }
  in_memory_from_ = std::min(in_memory_from_, end());
}

bool unapplied_log::evict_oldest() {
  if (in_memory_from_ >= end())
    return false;
  governor_.release(category_of(in_memory_from_), charge(in_memory_from_));
  backlog_bytes_ += charge(in_memory_from_++);
  return true;
}

}  // namespace tabletd::model
