#pragma once
// The checkpoint room's mail.  The rules are models (actors/model/checkpoint_*); here is who carries them out:
//
//   controller (leader's term) <-- mail between members --> worker (every front end)
//                                  image_keeper (every front end; the only one that blocks on image files)
#include "actors/catalog/ports.h"
#include "actors/model/checkpoint_mail.h"
#include "actors/signals.h"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd {

/// ADMIN CHECKPOINT; answered when its round has ended.
struct checkpoint_order {
  model::node_id on{};  ///< 0: whoever is due.
};
template <class I>
typename I::result_type inspect(I& f, checkpoint_order& x) {
  return f(caf::meta::type_name("checkpoint_order"), x.on);
}
struct checkpoint_outcome {
  bool done = false;
  std::string text;
};
template <class I>
typename I::result_type inspect(I& f, checkpoint_outcome& x) {
  return f(caf::meta::type_name("checkpoint_outcome"), x.done, x.text);
}

/// What the keeper says to the controller: image_received, image_refused, fetch_progressed.
struct fetch_word {
  model::checkpoint_event what;
};
/// What the keeper says to the worker: save_progressed, image_saved, job_failed, image_installed.  And the worker's own
/// clock: entries_overdue.
struct job_word {
  model::worker_event what;
};
/// Write what `snapshot` holds into an image.
struct save_order {
  model::attempt_id attempt;
  catalog_snapshot snapshot;
  std::shared_ptr<const std::atomic<bool>> abandoned;  ///< True: nobody wants it any more.
};
/// Get an image from a member that has it, and put it in place.
struct fetch_order {
  struct for_leader { model::attempt_id attempt; };  ///< The controller of this node waits for it.
  struct offered { model::image_offer offer; };      ///< `from` waits for an ack.
  struct install { model::image_to_install what; };  ///< The journal waits for it; the catalog becomes what it holds.
  model::node_id from{};
  model::image_mark image;
  std::variant<for_leader, offered, install> why;
};
struct fetch_stop {
  std::uint64_t image_id{};
};
/// See image_hooks::over.
struct install_over {
  std::uint64_t restarted_at{};
};

using checkpoint_controller_actor
  = caf::typed_actor<caf::replies_to<checkpoint_order>::with<checkpoint_outcome>, caf::reacts_to<model::checkpoint_mail>,
                     caf::reacts_to<fetch_word>, caf::reacts_to<tick_due>>;
using checkpoint_worker_actor
  = caf::typed_actor<caf::reacts_to<model::checkpoint_mail>, caf::reacts_to<job_word>, caf::reacts_to<tick_due>>;
using image_keeper_actor
  = caf::typed_actor<caf::reacts_to<model::checkpoint_mail>, caf::reacts_to<save_order>, caf::reacts_to<fetch_order>,
                     caf::reacts_to<fetch_stop>, caf::reacts_to<install_over>, caf::reacts_to<tick_due>>;

/// What this front end last knew: for SHOW PROC '/checkpoint' and the metrics.  Members and attempts only on the leader.
struct checkpoint_view {
  std::vector<std::pair<std::string, std::string>> rows;
};
class checkpoint_view_cell {
public:
  /// Never null.
  [[nodiscard]] std::shared_ptr<const checkpoint_view> load() const { return view_.load(std::memory_order_acquire); }
  void store(std::shared_ptr<const checkpoint_view> next) { view_.store(std::move(next), std::memory_order_release); }

private:
  std::atomic<std::shared_ptr<const checkpoint_view>> view_{std::make_shared<const checkpoint_view>()};
};
using checkpoint_view_cell_ptr = std::shared_ptr<checkpoint_view_cell>;

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::model::checkpoint_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::fetch_word)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::job_word)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::save_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::fetch_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::fetch_stop)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::install_over)
