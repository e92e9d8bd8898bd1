#include "node/be/warmup_mover.h"

#include "node/log.h"

#include <caf/send.hpp>

namespace tabletd {

namespace {

/// A slow limit is no reason to give a store up.
std::chrono::milliseconds patience_of(const warming_limits& limits, std::uint64_t block_bytes) {
  if (limits.bytes_per_s == 0)
    return limits.patience;
  return limits.patience + std::chrono::milliseconds(2'000 * limits.requests_max * block_bytes / limits.bytes_per_s);
}

}  // namespace

warmup_mover::warmup_mover(std::shared_ptr<cold_reader> cold, std::shared_ptr<be_stats> stats, warming_limits limits)
    : cold_(std::move(cold)), stats_(std::move(stats)), limits_(limits), rate_(limits.bytes_per_s) {}

void warmup_mover::stop() {
  warmer_.stop();
  verifier_.stop();
}

warming_options warmup_mover::options_until(const stop_mark& stopped) {
  warming_options how;
  how.requests_max = limits_.requests_max;
  how.rate = limits_.bytes_per_s == 0 ? nullptr : &rate_;
  how.patience = patience_of(limits_, cold_->cache() ? cold_->cache()->block_bytes() : 1U << 20U);
  how.is_stopped = [this, stopped] { return warmer_.is_stopping() || *stopped; };
  return how;
}

warmed warmup_mover::warm(const std::vector<codec::warm_tablet>& tablets, const warming_options& options) {
  auto how = warm_tablets(*cold_, tablets, options);
  stats_->warmup.bytes += how.bytes_done;
  stats_->warmup.tablets_failed += how.failed_tablets;
  return how;
}

// -- the slot's batches ------------------------------------------------------------------

void warmup_mover::begin(warm_batch what, warmup_keeper_actor keeper) {
  const auto stopped = std::make_shared<std::atomic<bool>>(false);
  {
    const std::lock_guard guard(mutex_);
    newest_ = {what.generation, stopped};
  }
  // Of batches only the newest is not stopped, so that none of them overtakes another.
  warmer_.post_first([self = shared_from_this(), what = std::move(what), stopped, keeper = std::move(keeper)] {
    self->run(what, stopped, keeper);
  });
}

void warmup_mover::stop(std::uint64_t generation) {
  const std::lock_guard guard(mutex_);
  if (newest_.first == generation && newest_.second)
    *newest_.second = true;
}

void warmup_mover::run(const warm_batch& batch, const stop_mark& stopped, const warmup_keeper_actor& keeper) {
  if (*stopped)
    return;
  auto options = options_until(stopped);
  options.forced = batch.forced;
  options.progress = [to = batch.bytes_done](std::uint64_t bytes) { *to += bytes; };
  auto how = warm(batch.tablets, options);
  if (options.is_stopped())
    return;
  ++(how.failed_tablets == 0 ? stats_->warmup.batches_whole : stats_->warmup.batches_lacking);
  if (how.failed_tablets > 0)
    log_warn("a batch of a warm-up lacks tablets",
             {{"batch", batch.batch}, {"failed_tablets", how.failed_tablets}, {"first", how.why}});
  caf::anon_send(keeper, warmup_batch_ended{{batch.generation, batch.batch, how.bytes_done, how.failed_tablets,
                                             std::move(how.named_tablets)}});
}

// -- beside the slot ---------------------------------------------------------------------

void warmup_mover::note(const stop_mark& asked) {
  const std::lock_guard guard(mutex_);
  std::erase_if(asked_, [](const auto& mark) { return mark.expired(); });
  asked_.push_back(asked);
}

void warmup_mover::another_leader() {
  const std::lock_guard guard(mutex_);
  for (const auto& each : std::exchange(asked_, {}))
    if (const auto mark = each.lock())
      *mark = true;
}

bool warmup_mover::push(std::vector<codec::warm_tablet> tablets, stop_mark stopped, std::function<void(warmed)> done) {
  note(stopped);
  return warmer_.post([self = shared_from_this(), tablets = std::move(tablets), stopped = std::move(stopped),
                       done = std::move(done)] {
    auto how = *stopped ? warmed{} : self->warm(tablets, self->options_until(stopped));
    if (!self->warmer_.is_stopping())
      done(std::move(how));
  });
}

bool warmup_mover::verify(std::vector<codec::warm_tablet> tablets, stop_mark stopped,
                          std::function<void(codec::cache_share)> done) {
  note(stopped);
  return verifier_.post([self = shared_from_this(), tablets = std::move(tablets), stopped = std::move(stopped),
                         done = std::move(done)] {
    const auto is_over = [&] { return self->verifier_.is_stopping() || *stopped; };
    auto share = is_over() ? codec::cache_share{} : verify_tablets(*self->cold_, tablets, [&] {
      return is_over() ? std::chrono::milliseconds(0) : std::chrono::milliseconds(60'000);
    });
    if (!self->verifier_.is_stopping())
      done(share);
  });
}

}  // namespace tabletd
