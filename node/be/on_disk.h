#pragma once
// KJ -> disk -> KJ: work for a disk's thread becomes a promise in the loop.
#include "node/be/disk_worker.h"
#include "node/kj_loop.h"
#include <memory>
#include <optional>
#include <type_traits>

namespace tabletd {

/// For work that has nothing to say.
struct disk_done {};

/// What work on a disk returned, or the storage_error it threw.
template <class Result>
class disk_result {
public:
  static disk_result of(Result value) { return disk_result{std::make_unique<content>(content{std::move(value), {}})}; }
  static disk_result of_error(storage_error why) {
    return disk_result{std::make_unique<content>(content{std::nullopt, std::move(why)})};
  }
  /// Null: it went well.
  [[nodiscard]] const storage_error* error() const { return content_->why ? &*content_->why : nullptr; }
  [[nodiscard]] Result& value() { return *content_->value; }

private:
  struct content {
    std::optional<Result> value;
    std::optional<storage_error> why;
  };
  explicit disk_result(std::unique_ptr<content> c) : content_(std::move(c)) {}
  std::unique_ptr<content> content_; // Behind a pointer: gcc 12 warns of a kj::Maybe of anything richer.
};

namespace detail {

/// Runs `work`; an error is noted on the path and returned.
template <class Result, class Work>
disk_result<Result> attempt(disk_worker& worker, tablet_store& store, Work& work) {
  try {
    return disk_result<Result>::of(work(store));
  } catch (const storage_error& why) {
    worker.note(why);
    return disk_result<Result>::of_error(why);
  } catch (const std::exception& why) {
    return disk_result<Result>::of_error({storage_fault::unusable, worker.root(), why.what()});
  }
}

template <class Result, class Keep>
struct pending_disk_work final : kj_loop::slot {
  pending_disk_work(kj::Own<kj::PromiseFulfiller<disk_result<Result>>> f, Keep k)
    : fulfiller(kj::mv(f)), keep(kj::mv(k)) {}
  kj::Own<kj::PromiseFulfiller<disk_result<Result>>> fulfiller;
  Keep keep;
};

} // namespace detail

/// Runs `work(store)` in the disk's thread and promises what it returned or threw.  `keep` is
/// destroyed in the loop, not before `work` is done, even if the promise is dropped: put
/// there what `work` points into.  Loop thread only.  The worker must stop before the loop.
template <class Work, class Keep = disk_done>
auto on_disk(kj_loop& loop, disk_worker& worker, Work work, Keep keep = {}) {
  using result_type = std::invoke_result_t<Work&, tablet_store&>;
  using pending = detail::pending_disk_work<result_type, Keep>;
  auto paf = kj::newPromiseAndFulfiller<disk_result<result_type>>();
  const auto number = loop.keep(std::make_unique<pending>(kj::mv(paf.fulfiller), kj::mv(keep)));
  const bool posted = worker.post(
    [self = loop.shared_from_this(), number, &worker, work = std::move(work)](tablet_store& store) mutable {
      auto result = std::make_shared<disk_result<result_type>>(detail::attempt<result_type>(worker, store, work));
      self->post([loop = self.get(), number, result] {
        if (const auto waiting = loop->take(number))
          static_cast<pending&>(*waiting).fulfiller->fulfill(std::move(*result));
      });
    });
  if (!posted)
    static_cast<pending&>(*loop.take(number))
      .fulfiller->fulfill(disk_result<result_type>::of_error(
        {storage_fault::unusable, worker.root(), "this backend is shutting down"}));
  return kj::mv(paf.promise);
}

} // namespace tabletd
