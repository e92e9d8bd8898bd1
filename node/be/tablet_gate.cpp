#include "node/be/tablet_gate.h"
#include <algorithm>
#include <utility>

namespace tabletd {

namespace {

kj::Promise<void> wait_in(kj::Own<kj::PromiseFulfiller<void>>& waiter, bool is_free) {
  if (is_free)
    return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiter = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

void wake(kj::Own<kj::PromiseFulfiller<void>>& waiter) {
  if (waiter.get() != nullptr)
    waiter->fulfill();
}

} // namespace

tablet_gate::pass_ptr tablet_gate::enter(std::vector<std::uint64_t> tablets) {
  pass_ptr entering{new pass{shared_from_this(), std::move(tablets)}};
  step();
  return entering;
}

tablet_gate::closure_ptr tablet_gate::shut(std::uint64_t tablet) {
  closure_ptr shutting{new closure{shared_from_this(), tablet}};
  step();
  return shutting;
}

void tablet_gate::step() {
  for (auto* entering : passes_) {
    const auto stops = [&](const closure* shut) { return entering->concerns(shut->tablet_); };
    if (entering->inside_ || std::ranges::any_of(closures_, stops))
      continue;
    entering->inside_ = true;
    wake(entering->waiter_);
  }
  for (auto at = closures_.begin(); at != closures_.end(); ++at) {
    auto& shut = **at;
    const bool is_first
      = std::none_of(closures_.begin(), at, [&](const closure* other) { return other->tablet_ == shut.tablet_; });
    const bool is_busy = std::ranges::any_of(
      passes_, [&](const pass* other) { return other->inside_ && other->concerns(shut.tablet_); });
    if (shut.alone_ || !is_first || is_busy)
      continue;
    shut.alone_ = true;
    wake(shut.waiter_);
  }
}

// -- pass --------------------------------------------------------------------------------

tablet_gate::pass::pass(std::shared_ptr<tablet_gate> gate, std::vector<std::uint64_t> tablets)
  : gate_(std::move(gate)), tablets_(std::move(tablets)) {
  gate_->passes_.push_back(this);
}

tablet_gate::pass::~pass() {
  gate_->passes_.remove(this);
  gate_->step();
}

kj::Promise<void> tablet_gate::pass::admitted() { return wait_in(waiter_, inside_); }

bool tablet_gate::pass::concerns(std::uint64_t tablet) const {
  return tablets_.empty() || std::ranges::find(tablets_, tablet) != tablets_.end();
}

// -- closure -----------------------------------------------------------------------------

tablet_gate::closure::closure(std::shared_ptr<tablet_gate> gate, std::uint64_t tablet)
  : gate_(std::move(gate)), tablet_(tablet) {
  gate_->closures_.push_back(this);
}

tablet_gate::closure::~closure() {
  gate_->closures_.remove(this);
  gate_->step();
}

kj::Promise<void> tablet_gate::closure::alone() { return wait_in(waiter_, alone_); }

} // namespace tabletd
