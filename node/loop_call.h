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
  auto done = std::make_shared<std::promise<void>>();
  auto outcome = done->get_future();
  const bool posted = loop.post([todo = std::move(todo), done] {
    kj::evalNow([&] { return todo(); })
      .then([done] { done->set_value(); },
            [done](kj::Exception&& why) { done->set_exception(std::make_exception_ptr(why)); })
      .detach([](kj::Exception&&) {});
  });
  if (posted)
    outcome.get();
}

} // namespace tabletd
