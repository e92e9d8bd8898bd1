#pragma once
// The one seam between actors and KJ.  One thread runs the KJ event loop; no KJ object
// ever leaves it.  Into the loop: kj_loop::post().  Out of it: ask().
//
// Only files of node/ may name both kj:: and caf::.
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/message.hpp>
#include <caf/message_id.hpp>
#include <caf/response_type.hpp>
#include <caf/system_messages.hpp>
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
#include <unordered_set>
#include <vector>

namespace tabletd {

namespace detail {
class question;
}

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

  // -- for ask() --
  /// Keeps `what` until `whom` answers, which is watched: an actor that dies while it holds the
  /// promise never answers (design/actors.md 2).  All questions of a loop go to one actor system.
  [[nodiscard]] std::uint64_t note(std::unique_ptr<detail::question> what, const caf::strong_actor_ptr& whom,
                                   caf::actor_system& sys);
  /// Nobody waits for that one any more.
  void forget(std::uint64_t number);
  /// The loop's address among actors, to which they answer.
  [[nodiscard]] const caf::strong_actor_ptr& answer_box() const { return box_; }

private:
  kj_loop();
  void run(const setup_fn& setup, std::promise<void>& is_up);
  void drain();
  void wake() const;
  kj::Promise<void> pump(kj::UnixEventPort::FdObserver& wakeups);
  class mailbox;
  void put_in(caf::mailbox_element_ptr mail);
  void read(caf::mailbox_element& mail);
  std::unique_ptr<detail::question> take_question(std::uint64_t number);
  void read_obituary(const caf::down_msg& down);

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<caf::mailbox_element_ptr> mail_; ///< From actors; read after what was posted before.
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
  caf::strong_actor_ptr box_;
  /// The numbers of open questions by the actor that is asked and watched.
  std::unordered_map<caf::actor_id, std::unordered_set<std::uint64_t>> asked_;
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

private:
  kj_loop_ptr loop_;
  std::uint64_t number_;
};

/// Waits for what an actor says.
class question : public kj_loop::slot {
public:
  virtual void answered(caf::message&& answer) = 0;
  virtual void failed(kj::Exception&& why) = 0;
  caf::actor_id whom{};
};

template <class Answer>
class typed_question final : public question {
public:
  explicit typed_question(kj::Own<kj::PromiseFulfiller<Answer>> f) : fulfiller_(kj::mv(f)) {}
  void answered(caf::message&& answer) override {
    if constexpr (std::is_void_v<Answer>)
      fulfiller_->fulfill();
    else if (answer.match_elements<Answer>())
      fulfiller_->fulfill(kj::mv(answer.get_mutable_as<Answer>(0)));
    else
      failed(failed_ask("the actor gave an answer of another kind"));
  }
  void failed(kj::Exception&& why) override { fulfiller_->reject(kj::mv(why)); }

private:
  kj::Own<kj::PromiseFulfiller<Answer>> fulfiller_;
};

/// The envelopes go past CAF's own check.
template <class Answer, class Signatures, class Request>
inline constexpr bool answers
  = std::is_same_v<caf::response_type_t<Signatures, Request>, caf::detail::type_list<Answer>>
    || std::is_same_v<Signatures, caf::none_t>; // caf::actor says nothing of itself.

} // namespace detail

/// KJ -> CAF: sends `request` to `whom` and promises the answer.  Loop thread only.  If the
/// actor fails, ends (DISCONNECTED: nobody knows how far it got), or takes longer than `limit`,
/// the promise is rejected and says so.
/// Dropping the promise forgets the question; the actor is not told.
template <class Answer, class Handle, class Request>
kj::Promise<Answer> ask(kj_loop& loop, caf::actor_system& sys, const Handle& whom, Request request,
                        std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  static_assert(detail::answers<Answer, typename Handle::signatures, Request>, "that actor does not answer that with this");
  KJ_REQUIRE(loop.in_loop(), "ask() belongs to the loop's thread");
  if (!whom)
    return detail::failed_ask("there is no actor to ask");
  auto paf = kj::newPromiseAndFulfiller<Answer>();
  const auto target = caf::actor_cast<caf::strong_actor_ptr>(whom);
  const auto number = loop.note(std::make_unique<detail::typed_question<Answer>>(kj::mv(paf.fulfiller)), target, sys);
  target->enqueue(caf::make_mailbox_element(loop.answer_box(), caf::message_id{number}.with_normal_priority(), {},
                                            std::move(request)), nullptr);
  // The limit is a KJ timer: it can be cancelled, which a CAF one cannot.
  auto late = loop.timer().afterDelay(limit.count() * kj::MILLISECONDS).then([limit]() -> kj::Promise<Answer> {
    return detail::failed_ask("no answer within " + std::to_string(limit.count()) + " ms");
  });
  return paf.promise.exclusiveJoin(kj::mv(late)).attach(kj::defer([&loop, number] { loop.forget(number); }));
}

} // namespace tabletd
