#include "node/kj_loop.h"
#include "actors/error_text.h"
#include "node/kj_text.h"
#include "node/log.h"
#include <caf/actor_config.hpp>
#include <caf/default_attachable.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>
#include <cerrno>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <unistd.h>

namespace tabletd {

namespace {

/// What KJ itself has to say goes into our log, not to stderr as it pleases.  Lives on the
/// stack of the thread it speaks for.
class kj_voice final : public kj::ExceptionCallback {
public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int, kj::String&& text) override {
    const auto where = std::string(file) + ":" + std::to_string(line);
    const std::string what = text.cStr();
    const auto level = severity == kj::LogSeverity::FATAL ? log_level::error : log_level::warn;
    // A misbehaving peer can make it say the same thing a thousand times.
    log_once(where, severity == kj::LogSeverity::INFO ? log_level::debug : level, "kj",
             {{"where", where}, {"what", what.substr(0, what.find("\nstack:"))}});
  }
};

} // namespace

/// Takes what actors say in their threads over to the loop's.
class kj_loop::mailbox final : public caf::monitorable_actor {
public:
  mailbox(caf::actor_config& config, std::weak_ptr<kj_loop> loop)
    : caf::monitorable_actor(config), loop_(std::move(loop)) {}
  void enqueue(caf::mailbox_element_ptr mail, caf::execution_unit*) override {
    if (const auto loop = loop_.lock())
      loop->put_in(std::move(mail));
  }
  [[nodiscard]] const char* name() const override { return "kj_loop"; }

private:
  std::weak_ptr<kj_loop> loop_;
};

kj_loop::kj_loop() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_fd_ < 0)
    throw std::runtime_error(std::string("no eventfd for the event loop: ") + std::strerror(errno));
}

kj_loop_ptr kj_loop::start(setup_fn setup) {
  kj_loop_ptr loop{new kj_loop};
  std::promise<void> is_up;
  auto outcome = is_up.get_future();
  loop->thread_ = std::thread([self = loop.get(), setup = std::move(setup), is_up = std::move(is_up)]() mutable {
    ::pthread_setname_np(::pthread_self(), "kj.loop");
    self->run(setup, is_up);
  });
  try {
    outcome.get();
  } catch (...) {
    loop->thread_.join();
    throw;
  }
  return loop;
}

kj_loop::~kj_loop() {
  stop();
  ::close(wake_fd_);
}

bool kj_loop::post(std::function<void()> todo) {
  {
    const std::lock_guard guard{mutex_};
    if (!open_)
      return false;
    posted_.push_back(std::move(todo));
    if (posted_.size() + mail_.size() > 1)
      return true; // Whoever came first has woken the loop.
  }
  wake();
  return true;
}

void kj_loop::put_in(caf::mailbox_element_ptr mail) {
  {
    const std::lock_guard guard{mutex_};
    if (!open_)
      return;
    mail_.push_back(std::move(mail));
    if (posted_.size() + mail_.size() > 1)
      return;
  }
  wake();
}

void kj_loop::stop() {
  {
    const std::lock_guard guard{mutex_};
    if (std::exchange(open_, false))
      posted_.emplace_back([this] { stop_->fulfill(); });
  }
  wake();
  const std::lock_guard guard{join_mutex_};
  if (thread_.joinable())
    thread_.join();
}

std::uint64_t kj_loop::keep(std::unique_ptr<slot> what) {
  slots_.emplace(++slots_made_, std::move(what));
  return slots_made_;
}

std::unique_ptr<kj_loop::slot> kj_loop::take(std::uint64_t number) {
  auto taken = slots_.extract(number);
  return taken ? std::move(taken.mapped()) : nullptr;
}

std::uint64_t kj_loop::note(std::unique_ptr<detail::question> what, const caf::strong_actor_ptr& whom,
                            caf::actor_system& sys) {
  if (!box_) {
    caf::actor_config config;
    box_ = caf::make_actor<mailbox, caf::strong_actor_ptr>(sys.next_actor_id(), sys.node(), &sys, config, weak_from_this());
  }
  KJ_REQUIRE(box_->home_system == &sys, "a loop asks the actors of one system");
  what->whom = whom->id();
  const auto [open, is_new] = asked_.try_emplace(whom->id());
  const auto number = keep(std::move(what));
  open->second.insert(number);
  if (is_new) // Once for all questions, until it ends.
    whom->get()->attach(caf::default_attachable::make_monitor(caf::actor_cast<caf::actor_addr>(whom),
                                                              caf::actor_cast<caf::actor_addr>(box_)));
  return number;
}

std::unique_ptr<detail::question> kj_loop::take_question(std::uint64_t number) {
  auto taken = take(number);
  if (!taken)
    return nullptr;
  std::unique_ptr<detail::question> question(static_cast<detail::question*>(taken.release()));
  if (const auto open = asked_.find(question->whom); open != asked_.end())
    open->second.erase(number);
  return question;
}

void kj_loop::forget(std::uint64_t number) { take_question(number); }

void kj_loop::read(caf::mailbox_element& mail) {
  auto content = mail.move_content_to_message();
  if (content.match_elements<caf::down_msg>())
    return read_obituary(content.get_as<caf::down_msg>(0));
  if (!mail.mid.is_response())
    return; // Nobody writes to a loop unasked.
  const auto question = take_question(mail.mid.request_id().integer_value());
  if (!question)
    return; // The asker has lost interest.
  if (!content.match_elements<caf::error>())
    return question->answered(std::move(content));
  const auto& why = content.get_as<caf::error>(0);
  const bool was_gone = why == caf::sec::request_receiver_down;
  question->failed(detail::failed_ask(text_of(*box_->home_system, why),
                                      was_gone ? kj::Exception::Type::DISCONNECTED : kj::Exception::Type::FAILED));
}

void kj_loop::read_obituary(const caf::down_msg& down) {
  const auto of = asked_.extract(down.source.id());
  if (!of)
    return;
  const auto why = "the actor ended before it answered: " + text_of(*box_->home_system, down.reason);
  for (const auto number : of.mapped())
    if (const auto question = take_question(number))
      question->failed(detail::failed_ask(why, kj::Exception::Type::DISCONNECTED));
}

void kj_loop::run(const setup_fn& setup, std::promise<void>& is_up) {
  thread_id_ = std::this_thread::get_id();
  const kj_voice voice;
  bool has_come_up = false;
  try {
    auto io = kj::setupAsyncIo();
    timer_ = &io.provider->getTimer();
    auto stopped = kj::newPromiseAndFulfiller<void>();
    stop_ = stopped.fulfiller.get();
    kj::UnixEventPort::FdObserver wakeups{io.unixEventPort, wake_fd_, kj::UnixEventPort::FdObserver::OBSERVE_READ};
    auto kept = setup(io, *this);
    has_come_up = true;
    is_up.set_value();
    const auto pumping = pump(wakeups).eagerlyEvaluate([](kj::Exception&& why) {
      log_error("the event loop's wake-up failed", {{"error", text_of(why)}});
    });
    stopped.promise.wait(io.waitScope);
    kept = nullptr; // While the loop still exists: KJ objects unregister themselves.
    slots_.clear();
    asked_.clear();
    box_ = nullptr; // Before the actors' system ends.
  } catch (...) {
    std::vector<std::function<void()>> dropped;
    std::vector<caf::mailbox_element_ptr> unread;
    {
      const std::lock_guard guard{mutex_};
      open_ = false;
      dropped.swap(posted_);
      unread.swap(mail_);
    }
    if (!has_come_up)
      return is_up.set_exception(std::current_exception());
    log_error("the event loop failed", {{"error", current_exception_text()}});
  }
}

void kj_loop::drain() {
  std::vector<std::function<void()>> todo;
  std::vector<caf::mailbox_element_ptr> mail;
  {
    const std::lock_guard guard{mutex_};
    todo.swap(posted_);
    mail.swap(mail_);
  }
  for (auto& each : todo) {
    try {
      std::exchange(each, nullptr)();
    } catch (...) {
      log_error("what was posted to the event loop failed", {{"error", current_exception_text()}});
    }
  }
  for (auto& each : mail) {
    try {
      read(*each);
    } catch (...) {
      log_error("an actor's answer could not be read", {{"error", current_exception_text()}});
    }
  }
}

void kj_loop::wake() const {
  const std::uint64_t one = 1;
  // EAGAIN would mean 2^64 - 1 wake-ups are waiting already: the loop will run.
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

kj::Promise<void> kj_loop::pump(kj::UnixEventPort::FdObserver& wakeups) {
  // Read before draining: a post in between leaves the descriptor readable.
  std::uint64_t count = 0;
  while (::read(wake_fd_, &count, sizeof count) > 0) {
  }
  drain();
  return wakeups.whenBecomesReadable().then([this, &wakeups] { return pump(wakeups); });
}

namespace detail {

kj::Exception failed_ask(const std::string& why, kj::Exception::Type type) {
  return {type, __FILE__, __LINE__, kj::heapString(why.data(), why.size())};
}

} // namespace detail

} // namespace tabletd
