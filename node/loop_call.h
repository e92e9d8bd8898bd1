#pragma once
// Running something in the KJ loop from a plain thread, and waiting for it.
#include "node/kj_loop.h"
#include <kj/async.h>
#include <exception>
#include <functional>
#include <future>

namespace tabletd {

/// Runs `todo` in the loop and waits for the promise it returns; throws what it threw.  Not
/// from the loop's own thread.  Nothing happens once the loop has stopped.
inline void call_in_loop(kj_loop& loop, std::function<kj::Promise<void>()> todo) {
  struct running final : kj_loop::slot {
    kj::Promise<void> promise = nullptr;
  };
  auto done = std::make_shared<std::promise<void>>();
  const bool posted = loop.post([&loop, todo = std::move(todo), done] {
    auto slot = std::make_unique<running>();
    auto* kept = slot.get();
    const auto number = loop.keep(std::move(slot));
    // A promise may not be destroyed by its own continuation: a posted closure lets it go.
    const auto finish = [&loop, number] { loop.post([&loop, number] { (void)loop.take(number); }); };
    kept->promise = kj::evalNow(todo)
                      .then(
                        [done, finish] {
                          done->set_value();
                          finish();
                        },
                        [done, finish](kj::Exception&& why) {
                          done->set_exception(std::make_exception_ptr(why));
                          finish();
                        })
                      .eagerlyEvaluate(nullptr);
  });
  if (posted)
    done->get_future().get();
}

} // namespace tabletd
