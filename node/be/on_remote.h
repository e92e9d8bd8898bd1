#pragma once
// KJ -> remote store -> KJ: work for a remote thread becomes a promise in the loop.
#include "node/be/remote_workers.h"
#include "node/kj_loop.h"
#include "persistence/remote/remote_error.h"
#include "persistence/storage_error.h"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace tabletd {

/// What work on a store returned, or why it did not.
template <class Result>
struct remote_result {
  std::optional<Result> value{};
  std::string why{};
  bool not_found = false;  ///< An object it needed is not there.
};

/// Runs `work()` in a remote thread and promises what it returned or threw.  Loop thread only.  The workers must stop before
/// the loop.
template <class Work>
auto on_remote(kj_loop& loop, remote_workers& workers, Work work) {
  using result_type = std::invoke_result_t<Work&>;
  using outcome = std::shared_ptr<remote_result<result_type>>;
  auto paf = kj::newPromiseAndFulfiller<outcome>();
  const auto number = loop.keep(std::make_unique<detail::pending_answer<outcome>>(kj::mv(paf.fulfiller)));
  const detail::answer_slot<outcome> slot{loop.shared_from_this(), number};
  const bool posted = workers.post([slot, work = std::make_shared<Work>(std::move(work))] {
    auto result = std::make_shared<remote_result<result_type>>();
    try {
      result->value = (*work)();
    } catch (const remote_error& why) {
      result->why = why.what();
      result->not_found = why.fault() == remote_fault::not_found;
    } catch (const std::exception& why) {
      result->why = why.what();
    }
    slot.settle([result](kj::PromiseFulfiller<outcome>& waiting) { waiting.fulfill(outcome{result}); });
  });
  if (!posted)
    slot.settle([](kj::PromiseFulfiller<outcome>& waiting) {
      auto closed = std::make_shared<remote_result<result_type>>();
      closed->why = "this backend is shutting down";
      waiting.fulfill(kj::mv(closed));
    });
  return kj::mv(paf.promise);
}

}  // namespace tabletd
