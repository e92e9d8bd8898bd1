#pragma once
// The one seam between actors and KJ.  One thread runs the KJ event loop; no KJ object
// ever leaves it.  Into the loop: kj_loop::post().  Out of it: ask().
//
// Only files of node/ may name both kj:: and caf::.
#include "actors/error_text.h"
#include "actors/urgent_exit.h"
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/typed_actor.hpp>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <kj/timer.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <vector>

namespace tabletd {

/// A KJ loop in a thread of its own.  Whoever started it calls stop() before letting go of it.
class kj_loop : public std::enable_shared_from_this<kj_loop> {
public:
  /// Starts the thread and runs `setup` in it; what setup returns is destroyed in the loop's
  /// thread when the loop stops.  Throws what setup throws.
  using setup_fn = std::function<std::shared_ptr<void>(kj::AsyncIoContext& io, kj_loop& self)>;
  static std::shared_ptr<kj_loop> start(setup_fn setup);
  ~kj_loop();
  kj_loop(const kj_loop&) = delete;
  kj_loop& operator=(const kj_loop&) = delete;

  /// Runs `todo` in the loop, in the order of posting; any thread.  False (and not run) once
  /// stop() was called.  What `todo` throws is logged.
  bool post(std::function<void()> todo);
  /// Runs what was posted before, then stops and joins; idempotent; not from the loop's own
  /// thread.
  void stop();
  [[nodiscard]] bool in_loop() const { return std::this_thread::get_id() == thread_id_.load(); }

  // -- loop thread --
  [[nodiscard]] kj::Timer& timer() { return *timer_; }

  /// Something that waits for a word from outside the loop, under a number that may leave it.
  struct slot {
    virtual ~slot() noexcept(false) = default;
  };
  [[nodiscard]] std::uint64_t keep(std::unique_ptr<slot> what);
  /// Null if it was taken already or the loop is stopping.
  [[nodiscard]] std::unique_ptr<slot> take(std::uint64_t number);
  [[nodiscard]] std::size_t kept() const { return slots_.size(); }

private:
  kj_loop();
  void run(const setup_fn& setup, std::promise<void>& is_up);
  void drain();
  void wake() const;
  kj::Promise<void> pump(kj::UnixEventPort::FdObserver& wakeups);

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool open_ = true;
  int wake_fd_ = -1;
  std::atomic<std::thread::id> thread_id_{};
  std::mutex join_mutex_;
  std::thread thread_;

  // Loop thread only.
  kj::PromiseFulfiller<void>* stop_ = nullptr;
  kj::Timer* timer_ = nullptr;
  std::unordered_map<std::uint64_t, std::unique_ptr<slot>> slots_;
  std::uint64_t slots_made_ = 0;
};
using kj_loop_ptr = std::shared_ptr<kj_loop>;

namespace detail {

template <class Answer>
struct pending_answer final : kj_loop::slot {
  explicit pending_answer(kj::Own<kj::PromiseFulfiller<Answer>> f) : fulfiller(kj::mv(f)) {}
  kj::Own<kj::PromiseFulfiller<Answer>> fulfiller;
};

[[nodiscard]] kj::Exception failed_ask(const std::string& why, kj::Exception::Type type = kj::Exception::Type::FAILED);

/// Where the answer goes; any thread, copyable.
template <class Answer>
class answer_slot {
public:
  using fulfiller = kj::PromiseFulfiller<Answer>;
  answer_slot(kj_loop_ptr loop, std::uint64_t number) : loop_(std::move(loop)), number_(number) {}
  /// `how(fulfiller&)` runs in the loop, unless the asker has lost interest.
  template <class How>
  void settle(How how) const {
    loop_->post([loop = loop_.get(), number = number_, how = std::move(how)]() mutable {
      if (auto waiting = loop->take(number))
        how(*static_cast<pending_answer<Answer>&>(*waiting).fulfiller);
    });
  }
  void fail(std::string why, kj::Exception::Type type = kj::Exception::Type::FAILED) const {
    settle([why = std::move(why), type](fulfiller& to) { to.reject(failed_ask(why, type)); });
  }

private:
  kj_loop_ptr loop_;
  std::uint64_t number_;
};

/// One question's actor.  It watches the one it asks: an actor that dies while it holds the
/// promise never answers (design/actors.md 2).
template <class Answer, class Handle, class Request>
void asker(caf::event_based_actor* self, Handle whom, Request request, answer_slot<Answer> to) {
  self->monitor(whom);
  self->set_down_handler([self, to](caf::down_msg& down) {
    to.fail("the actor ended before it answered: " + text_of(self->system(), down.reason),
            kj::Exception::Type::DISCONNECTED);
    self->quit();
  });
  const auto done = [self, whom] {
    self->demonitor(whom.address()); // A monitor that is left behind costs 1.2 KB until `whom` ends.
    self->quit();
  };
  const auto failed = [self, to, done](const caf::error& why) {
    to.fail(text_of(self->system(), why));
    done();
  };
  auto asked = self->request(whom, caf::infinite, std::move(request));
  if constexpr (std::is_void_v<Answer>)
    asked.then([to, done] {
      to.settle([](kj::PromiseFulfiller<void>& waiting) { waiting.fulfill(); });
      done();
    }, failed);
  else
    asked.then([to, done](Answer& answer) {
      to.settle([answer = std::move(answer)](kj::PromiseFulfiller<Answer>& waiting) mutable {
        waiting.fulfill(kj::mv(answer));
      });
      done();
    }, failed);
}

} // namespace detail

/// KJ -> CAF: sends `request` to `whom` and promises the answer.  Loop thread only.  If the
/// actor fails, ends (DISCONNECTED: nobody knows how far it got), or takes longer than `limit`,
/// the promise is rejected and says so.
/// Dropping the promise forgets the question; the actor is not told.
template <class Answer, class Handle, class Request>
kj::Promise<Answer> ask(kj_loop& loop, caf::actor_system& sys, const Handle& whom, Request request,
                        std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  KJ_REQUIRE(loop.in_loop(), "ask() belongs to the loop's thread");
  if (!whom)
    return detail::failed_ask("there is no actor to ask");
  auto paf = kj::newPromiseAndFulfiller<Answer>();
  const auto number = loop.keep(std::make_unique<detail::pending_answer<Answer>>(kj::mv(paf.fulfiller)));
  auto asker = sys.spawn(detail::asker<Answer, Handle, Request>, whom, std::move(request),
                         detail::answer_slot<Answer>{loop.shared_from_this(), number});
  // The limit is a KJ timer: it can be cancelled, which a CAF one cannot.
  auto late = loop.timer().afterDelay(limit.count() * kj::MILLISECONDS).then([limit]() -> kj::Promise<Answer> {
    return detail::failed_ask("no answer within " + std::to_string(limit.count()) + " ms");
  });
  return paf.promise.exclusiveJoin(kj::mv(late))
    .attach(kj::defer([&loop, number, asker = std::move(asker)] {
      if (loop.take(number))
        urgent_exit(asker, caf::exit_reason::user_shutdown);
    }));
}

} // namespace tabletd

namespace caf {
template <class Answer>
struct allowed_unsafe_message_type<tabletd::detail::answer_slot<Answer>> {
  static constexpr bool value = true;
};
} // namespace caf
