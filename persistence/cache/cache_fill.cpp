// Warm-ups: a whole object into the cache, with so many requests in flight and no more blocks in memory than these.
#include "persistence/cache/file_cache.h"

#include <fmt/format.h>

#include <atomic>
#include <system_error>
#include <thread>

namespace tabletd {

using namespace std::chrono_literals;

struct file_cache::fill_state {
  remote_store& store;
  const remote_object& object;
  const fill_options& options;
  std::uint32_t blocks = 0;
  std::atomic<std::uint32_t> next{0};
  std::atomic<bool> is_over{false};
  std::mutex lock{};
  fill_result result{};

  void end(remote_fault fault, const char* why) {
    is_over = true;
    const std::lock_guard guard(lock);
    if (!result.fault) {
      result.fault = fault;
      result.why = why;
    }
  }
  void count(fill_step step, std::uint32_t bytes) {
    const std::lock_guard guard(lock);
    switch (step) {
      case fill_step::fetched:
        result.bytes_fetched += bytes;
        break;
      case fill_step::present:
        result.bytes_present += bytes;
        break;
      case fill_step::skipped:
        result.bytes_skipped += bytes;
        ++result.blocks_skipped;
    }
  }
};

fill_result file_cache::fill(remote_store& store, const remote_object& object, const fill_options& options) {
  fill_state state{
      .store = store, .object = object, .options = options, .blocks = blocks_of(object.size_bytes, block_bytes())};
  {
    std::vector<std::jthread> helpers;
    const auto wanted = std::min(std::max(options.requests_max, 1U), std::max(state.blocks, 1U));
    try {
      while (helpers.size() + 1 < wanted)
        helpers.emplace_back([&] { fill_blocks(state); });
    } catch (const std::system_error&) {
      // Fewer threads than wanted bring the same blocks.
    }
    fill_blocks(state);
  }
  return std::move(state.result);
}

void file_cache::fill_blocks(fill_state& state) {
  try {
    while (!state.is_over) {
      const auto number = state.next++;
      if (number >= state.blocks)
        return;
      const auto bytes = length_of_block(state.object.size_bytes, block_bytes(), number);
      const auto step = fill_block(state, number);
      state.count(step, bytes);
      if (step != fill_step::skipped && state.options.progress)
        state.options.progress(bytes);
    }
  } catch (const remote_error& why) {
    state.end(why.fault(), why.what());
  } catch (const storage_error& why) {
    state.end(remote_fault::corrupt, why.what());
  } catch (const std::exception& why) {
    state.end(remote_fault::unusable, why.what());
  }
}

file_cache::fill_step file_cache::fill_block(fill_state& state, std::uint32_t number) {
  held_lock lock(lock_);
  if (const auto step = settled_already(lock, state, number))
    return *step;
  const auto bytes = length_of_block(state.object.size_bytes, block_bytes(), number);
  if (auto* rate = state.options.rate) {
    lock.unlock();
    const auto time_left = [&] { return state.is_over ? 0ms : state.options.time_left(); };
    if (!rate->pass(bytes, time_left))
      throw remote_error(remote_fault::stopped, state.object.key,
                         fmt::format("stopped filling the cache with {}; begin again to go on", state.object.key));
    lock.lock();
    if (const auto step = settled_already(lock, state, number)) {
      rate->give_back(bytes);
      return *step;
    }
  }
  const auto brought
      = lead(lock, state.store, state.object, number, block_queue::warm, state.options.forced, state.options.time_left);
  if (lock.owns_lock())
    lock.unlock();
  if (state.options.heard)
    state.options.heard();
  return brought.is_placed ? fill_step::fetched : fill_step::skipped;
}

std::optional<file_cache::fill_step> file_cache::settled_already(held_lock& lock, fill_state& state,
                                                                 std::uint32_t number) {
  for (;;) {
    if (const auto slot = policy_.find(state.object, number)) {
      if (policy_.warm_again(*slot, state.options.forced, now()))
        mark_dirty(*slot);
      return fill_step::present;
    }
    const auto under_way = flight_of(state.object, number);
    if (!under_way)
      break;
    if (!join(lock, *under_way, state.options.time_left) || under_way->is_over)
      continue;
    // Its bytes have come; whether they stay is not known yet.
    while (!under_way->is_over)
      under_way->settled.wait(lock);
  }
  if (!policy_.has_room(state.object, number, block_queue::warm, state.options.forced, now())
      || flights_.contains({state.object.id(), number}))
    return fill_step::skipped;
  return std::nullopt;
}

}  // namespace tabletd
