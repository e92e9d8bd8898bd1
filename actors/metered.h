#pragma once
// Numbers about actors, by type: CAF 0.17 has none, and Debian's build leaves its profiler
// hooks out (design/actors.md 9).  metered<Base> is an actor base that counts; it also bounds
// the mailbox and gives exceptions a text.  Nobody names it: spawn_child puts it underneath.
#include "actors/error_text.h"
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/local_actor.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduled_actor.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

/// Seconds; the `fast` bucket set of design/ecosystem.md 1.5.
inline constexpr std::array<double, 12> fast_bounds{.00001, .00005, .0001, .0005, .001, .005,
                                                    .01,    .05,    .1,    .5,    1,    5};

struct histogram_counts {
  std::vector<std::uint64_t> buckets; ///< Not cumulative; one more than there are bounds.
  double sum = 0;
};

/// Written from any thread without a lock.
template <std::size_t N>
class atomic_histogram {
public:
  explicit constexpr atomic_histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}
  void observe(double value) {
    std::size_t i = 0;
    while (i < N && value > bounds_[i])
      ++i;
    buckets_[i].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }
  [[nodiscard]] histogram_counts counts() const {
    histogram_counts out;
    for (const auto& bucket : buckets_)
      out.buckets.push_back(bucket.load(std::memory_order_relaxed));
    out.sum = sum_.load(std::memory_order_relaxed);
    return out;
  }

private:
  const std::array<double, N>& bounds_;
  std::array<std::atomic<std::uint64_t>, N + 1> buckets_{};
  std::atomic<double> sum_{0};
};

/// Why actors end, and why messages are not delivered; label values of the metric families.
enum class term_reason : std::uint8_t { normal, error, killed, down, shutdown };
enum class undelivered : std::uint8_t { mailbox_full, dead_receiver, expired, undecodable };

/// One actor type; lives as long as the process.
struct actor_type_stats {
  std::atomic<std::int64_t> alive{0};
  std::atomic<std::uint64_t> spawned{0};
  std::array<std::atomic<std::uint64_t>, 5> terminated{}; ///< Index: term_reason.
  std::atomic<std::uint64_t> messages{0};                 ///< Handled.
  std::atomic<std::int64_t> waiting{0};                   ///< In mailboxes.
  std::atomic<std::uint64_t> slow_turns{0};
  atomic_histogram<fast_bounds.size()> handling{fast_bounds};
  atomic_histogram<fast_bounds.size()> mailbox_wait{fast_bounds}; ///< At most one sample per actor in flight.
};

/// All types that ever lived here.
class actor_meter {
public:
  /// A handler that ran longer than this is a slow turn (design/ecosystem.md 1.4).
  static constexpr std::chrono::milliseconds slow_turn{50};

  [[nodiscard]] actor_type_stats& of(std::string_view type) {
    const std::lock_guard guard{mutex_};
    auto at = types_.find(type);
    if (at == types_.end())
      at = types_.emplace(type, std::make_unique<actor_type_stats>()).first;
    return *at->second;
  }
  /// f(const std::string& type, const actor_type_stats&)
  template <class F>
  void each(F f) const {
    const std::lock_guard guard{mutex_};
    for (const auto& [type, stats] : types_)
      f(type, *stats);
  }

  /// Time one message in `n` for the histograms; counters always count.
  void sample_one_in(std::uint32_t n) { one_in_.store(n == 0 ? 1 : n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t one_in() const { return one_in_.load(std::memory_order_relaxed); }

  /// Called on the slow actor's thread.  Set once, before the first actor.
  void on_slow_turn(std::function<void(const char* type, std::chrono::nanoseconds took)> listener) {
    slow_turn_listener_ = std::move(listener);
  }
  void tell_slow_turn(const char* type, std::chrono::nanoseconds took) const {
    if (slow_turn_listener_)
      slow_turn_listener_(type, took);
  }

  std::array<std::atomic<std::uint64_t>, 4> dropped{}; ///< Index: undelivered.

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<actor_type_stats>, std::less<>> types_;
  std::atomic<std::uint32_t> one_in_{1};
  std::function<void(const char*, std::chrono::nanoseconds)> slow_turn_listener_;
};

inline actor_meter& actor_metrics() {
  static actor_meter meter;
  return meter;
}

[[nodiscard]] inline term_reason classify(const caf::error& why) {
  if (!why || why == caf::exit_reason::normal)
    return term_reason::normal;
  if (why == caf::exit_reason::kill)
    return term_reason::killed;
  if (why == caf::exit_reason::user_shutdown)
    return term_reason::shutdown;
  if (why == caf::exit_reason::unreachable || why == caf::exit_reason::remote_link_unreachable)
    return term_reason::down;
  return term_reason::error;
}

template <class Base>
class metered : public Base {
public:
  template <class... Xs>
  explicit metered(caf::actor_config& cfg, Xs&&... xs)
    : Base(cfg, std::forward<Xs>(xs)...), stats_(&actor_metrics().of(this->name())) {
    this->set_exception_handler(error_of_exception);
    this->set_default_handler([](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
      count_drop(undelivered::undecodable);
      return caf::sec::unexpected_message;
    });
    stats_->spawned.fetch_add(1, std::memory_order_relaxed);
    stats_->alive.fetch_add(1, std::memory_order_relaxed);
    this->attach_functor([stats = stats_](const caf::error& why) {
      stats->alive.fetch_sub(1, std::memory_order_relaxed);
      stats->terminated[static_cast<std::size_t>(classify(why))].fetch_add(1, std::memory_order_relaxed);
    });
  }
  ~metered() override { close(); }

  /// More messages than this are refused: requests are answered with an error, others are
  /// dropped and counted.  System messages always pass.  0: unbounded.
  void bound_mailbox(std::uint64_t messages_max) { bound_.store(messages_max, std::memory_order_relaxed); }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* where) override {
    if (is_full() && !is_system(*element))
      return refuse(std::move(element), where);
    if (!closed_.load(std::memory_order_acquire)) {
      const auto number = enqueued_.fetch_add(1, std::memory_order_relaxed) + 1;
      stats_->waiting.fetch_add(1, std::memory_order_relaxed);
      begin_sample(number);
    }
    Base::enqueue(std::move(element), where);
  }

  /// One message at a time, so that each can be timed.  While Base::resume answers
  /// resume_later this thread owns the actor; afterwards only our atomics may be touched.
  caf::resumable::resume_result resume(caf::execution_unit* where, std::size_t messages_max) override {
    for (std::size_t turn = 1;; ++turn) {
      const auto enqueued = enqueued_.load(std::memory_order_relaxed);
      const auto size = this->mailbox().size();
      handled_upto(enqueued - std::min<std::uint64_t>(size, enqueued));
      if (size > 0)
        end_sample();
      const auto begun = clock::now();
      const auto result = Base::resume(where, 1);
      if (size > 0)
        timed(clock::now() - begun);
      if (result == caf::resumable::awaiting_message)
        handled_upto(enqueued); // The mailbox was empty, so all of these were handled.
      if (result == caf::resumable::done) {
        handled_upto(std::min(enqueued, counted_.load(std::memory_order_relaxed) + 1));
        close();
      }
      if (result != caf::resumable::resume_later || turn >= messages_max)
        return result;
    }
  }

private:
  using clock = std::chrono::steady_clock;
  static constexpr std::uint64_t being_written = ~std::uint64_t{0};

  static void count_drop(undelivered why) {
    actor_metrics().dropped[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  }

  static bool is_system(const caf::mailbox_element& element) {
    const auto& content = element.content();
    return element.mid.is_response()
           || (content.size() == 1
               && (content.match_element<caf::exit_msg>(0) || content.match_element<caf::down_msg>(0)
                   || content.match_element<caf::error>(0)));
  }

  bool is_full() const {
    const auto bound = bound_.load(std::memory_order_relaxed);
    return bound != 0 && enqueued_.load(std::memory_order_relaxed) - counted_.load(std::memory_order_relaxed) >= bound;
  }

  static void refuse(caf::mailbox_element_ptr element, caf::execution_unit* where) {
    count_drop(undelivered::mailbox_full);
    if (element->mid.is_request() && element->sender)
      element->sender->enqueue(nullptr, element->mid.response_id(),
                               caf::make_message(failure("its mailbox is full; try again later")), where);
  }

  /// Raises the count of handled messages; two workers may race, so it only goes up.
  void handled_upto(std::uint64_t number) {
    auto counted = counted_.load(std::memory_order_relaxed);
    while (counted < number && !counted_.compare_exchange_weak(counted, number, std::memory_order_relaxed)) {
    }
    if (counted >= number)
      return;
    stats_->messages.fetch_add(number - counted, std::memory_order_relaxed);
    stats_->waiting.fetch_sub(static_cast<std::int64_t>(number - counted), std::memory_order_relaxed);
  }

  /// Whatever is still in the mailbox will not be handled.
  void close() {
    closed_.store(true, std::memory_order_release);
    const auto enqueued = enqueued_.load(std::memory_order_relaxed);
    const auto counted = counted_.exchange(enqueued, std::memory_order_relaxed);
    stats_->waiting.fetch_sub(static_cast<std::int64_t>(enqueued - counted), std::memory_order_relaxed);
  }

  void timed(clock::duration took) {
    if (++turns_ % actor_metrics().one_in() == 0)
      stats_->handling.observe(std::chrono::duration<double>(took).count());
    if (took < actor_meter::slow_turn)
      return;
    stats_->slow_turns.fetch_add(1, std::memory_order_relaxed);
    actor_metrics().tell_slow_turn(this->name(), took);
  }

  /// The enqueuing side: one message of this actor at a time carries a time stamp.
  void begin_sample(std::uint64_t number) {
    std::uint64_t none = 0;
    if (sample_.load(std::memory_order_relaxed) != 0
        || !sample_.compare_exchange_strong(none, being_written, std::memory_order_acquire))
      return;
    sampled_at_ = clock::now();
    sample_.store(number, std::memory_order_release);
  }
  /// The handling side: counted_ + 1 is about to be handled.
  void end_sample() {
    const auto number = sample_.load(std::memory_order_acquire);
    if (number == 0 || number == being_written || number > counted_.load(std::memory_order_relaxed) + 1)
      return;
    stats_->mailbox_wait.observe(std::chrono::duration<double>(clock::now() - sampled_at_).count());
    sample_.store(0, std::memory_order_release);
  }

  actor_type_stats* stats_;
  std::atomic<std::uint64_t> enqueued_{0};
  std::atomic<std::uint64_t> counted_{0};
  std::atomic<std::uint64_t> bound_{0};
  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> sample_{0}; ///< Number of the stamped message; 0: none.
  clock::time_point sampled_at_{};
  std::uint32_t turns_ = 0; ///< Owner's thread only.
};

} // namespace tabletd
