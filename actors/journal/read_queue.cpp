// See read_queue.h.
#include "actors/journal/read_queue.h"

#include <utility>

namespace tabletd {

model::confirm_leader read_queue::open(read_promise promise) {
  asked_.push_back({++tickets_, std::move(promise)});
  return {tickets_};
}

void read_queue::take(const model::confirmed_reads& confirmed) {
  for (; !asked_.empty() && asked_.front().number <= confirmed.ticket; asked_.pop_front())
    confirmed_.push_back({confirmed.index, std::move(asked_.front().promise)});
}

void read_queue::applied(std::uint64_t index) {
  for (; !confirmed_.empty() && confirmed_.front().number <= index; confirmed_.pop_front())
    confirmed_.front().promise.deliver(leading_confirmed{true, 0});
}

void read_queue::end(std::uint64_t leader) {
  for (auto* queue : {&asked_, &confirmed_})
    for (auto& each : std::exchange(*queue, {}))
      each.promise.deliver(leading_confirmed{false, leader});
}

}  // namespace tabletd
