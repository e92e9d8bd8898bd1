// See remote_purger.h.
#include "actors/cooldown/remote_purger.h"

#include "actors/actor_clock.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/error_text.h"
#include "actors/spawn_child.h"

#include <caf/error.hpp>

namespace tabletd {

namespace {

using self_ptr = remote_purger_actor::stateful_pointer<remote_purger_state>;

// -- the thread ----------------------------------------------------------------------------

struct sweep_now {};
template <class I>
typename I::result_type inspect(I& f, sweep_now&) {
  return f(caf::meta::type_name("sweep_now"));
}
/// Answers once, with how many objects are gone and why not all, and ends.
using sweeper_actor = caf::typed_actor<caf::replies_to<sweep_now>::with<std::uint64_t, std::string>>;
struct sweeper_state {
  static inline const char* name = "remote_sweeper";
};

sweeper_actor::behavior_type sweeper(sweeper_actor::stateful_pointer<sweeper_state> self, remote_sweep how,
                                     remote_sweep_task task, std::shared_ptr<const std::atomic<bool>> over) {
  return {[self, how = std::move(how), task = std::move(task), over = std::move(over)](sweep_now) {
    self->quit();
    auto done = how.run(task, *over);
    return caf::result<std::uint64_t, std::string>(done.objects, std::move(done.why));
  }};
}

// -- batches -------------------------------------------------------------------------------

void forget_tombstones(self_ptr self, std::vector<model::tablet_id> tablets) {
  auto& ports = self->state.ports;
  // Refused or in doubt: the tombstones stay, and their turn comes again.
  self->request(ports.journal, caf::infinite,
                codec::encode(model::edit{ports.wall_clock(), model::remote_purged{std::move(tablets)}}))
    .then([](const edit_outcome&) {}, [](const caf::error&) {});
}

void on_swept(self_ptr self, std::vector<model::tablet_id> tablets, std::uint64_t objects, const std::string& why) {
  auto& st = self->state;
  const bool is_news = why != st.purge.why();
  st.purge.ended(why, now(self));
  const auto of = std::to_string(tablets.size()) + " dropped tablets";
  if (!why.empty()) {
    if (is_news)
      st.ports.tell("what " + of + " have in remote stores cannot be deleted yet: " + why, true);
    return;
  }
  if (objects > 0)
    st.ports.tell("deleted " + std::to_string(objects) + " objects of " + of + " from remote stores", false);
  forget_tombstones(self, std::move(tablets));
}

void look(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.ports.catalog->load();
  auto tablets = st.purge.next(cat->tombstones, now(self));
  if (tablets.empty())
    return;
  remote_sweep_task task{cat->cluster, {}, tablets};
  cat->resources.for_each([&](model::resource_id, const model::resource& r) { task.stores.emplace_back(r.type, r.properties); });
  const auto& how = st.ports.sweep;
  const std::shared_ptr<const std::atomic<bool>> over = st.over;
  const auto child = how.has_a_thread ? spawn_child<caf::detached>(self, sweeper, how, std::move(task), over)
                                      : spawn_child(self, sweeper, how, std::move(task), over);
  self->request(child, caf::infinite, sweep_now{})
    .then([self, tablets](std::uint64_t objects, const std::string& why) { on_swept(self, tablets, objects, why); },
          [self, tablets](const caf::error& why) { on_swept(self, tablets, 0, text_of(self->system(), why)); });
}

}  // namespace

remote_purger_actor::behavior_type remote_purger(self_ptr self, remote_purger_ports ports) {
  auto& st = self->state;
  st.purge = model::remote_purge({.patience = model::patience_for(ports.lease)});
  st.ports = std::move(ports);
  self->delayed_send(self, st.ports.tick, tick_due{});
  return {[self](tick_due) {
    look(self);
    self->delayed_send(self, self->state.ports.tick, tick_due{});
  }};
}

}  // namespace tabletd
