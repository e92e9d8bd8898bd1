#pragma once
// Where words about checkpoints go: to the right actor of this front end, or by a link to another one.  A
// word for an actor that does not live now is lost, like one on a broken link.
#include "actors/checkpoint/ports.h"

#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>

namespace tabletd {

class checkpoint_exchange {
public:
  explicit checkpoint_exchange(model::node_id self) : self_(self) {}

  [[nodiscard]] model::node_id self() const { return self_; }
  /// How mail leaves for another front end; before anything is posted.
  void connect(std::function<void(model::checkpoint_mail)> links) { links_ = std::move(links); }

  // -- any thread --
  void post(model::node_id to, model::checkpoint_word what) {
    if (to == self_)
      deliver({self_, std::move(what)});
    else if (links_)
      links_({to, std::move(what)});
  }
  /// Mail that arrived; its `peer` is who sent it.
  void deliver(model::checkpoint_mail mail) {
    const auto is_one_of = [&]<class... Words>(std::type_identity<std::variant<Words...>>) {
      return (std::holds_alternative<Words>(mail.what) || ...);
    };
    const std::lock_guard guard{mutex_};
    if (is_one_of(std::type_identity<std::variant<model::chunk_asked, model::chunk_given>>{}))
      give(keeper_, std::move(mail));
    else if (is_one_of(std::type_identity<std::variant<model::facts_told, model::worker_said, model::push_acked,
                                                       model::push_refused, model::push_progressed>>{}))
      give(controller_, std::move(mail));
    else
      give(worker_, std::move(mail));
  }
  template <class Message>
  void tell_keeper(Message message) {
    const std::lock_guard guard{mutex_};
    give(keeper_, std::move(message));
  }
  void tell_worker(job_word word) {
    const std::lock_guard guard{mutex_};
    give(worker_, std::move(word));
  }
  void tell_controller(fetch_word word) {
    const std::lock_guard guard{mutex_};
    give(controller_, std::move(word));
  }
  /// The journal waits for it until install_over, so a keeper that starts again is asked again.
  void install(model::image_to_install what) {
    const std::lock_guard guard{mutex_};
    wanted_ = std::move(what);
    ask_for_install();
  }
  void install_is_over(std::uint64_t restarted_at) {
    const std::lock_guard guard{mutex_};
    wanted_.reset();
    give(keeper_, install_over{restarted_at});
  }

  void set(image_keeper_actor keeper) {
    const std::lock_guard guard{mutex_};
    keeper_ = std::move(keeper);
    ask_for_install();
  }
  void set(checkpoint_worker_actor worker) {
    const std::lock_guard guard{mutex_};
    worker_ = std::move(worker);
  }
  void set(checkpoint_controller_actor controller) {
    const std::lock_guard guard{mutex_};
    controller_ = std::move(controller);
  }
  /// Before the actor system ends.
  void close() {
    const std::lock_guard guard{mutex_};
    keeper_ = nullptr;
    worker_ = nullptr;
    controller_ = nullptr;
  }

private:
  template <class Actor, class Message>
  static void give(const Actor& to, Message message) {
    if (to)
      caf::anon_send(to, std::move(message));
  }
  void ask_for_install() {
    if (wanted_)
      give(keeper_, fetch_order{wanted_->from, {wanted_->image.id, wanted_->image.bytes, wanted_->image.crc32c},
                                fetch_order::install{*wanted_}});
  }
  const model::node_id self_;
  std::function<void(model::checkpoint_mail)> links_;
  std::mutex mutex_;
  image_keeper_actor keeper_;
  checkpoint_worker_actor worker_;
  checkpoint_controller_actor controller_;
  std::optional<model::image_to_install> wanted_;
};
using checkpoint_exchange_ptr = std::shared_ptr<checkpoint_exchange>;

} // namespace tabletd
