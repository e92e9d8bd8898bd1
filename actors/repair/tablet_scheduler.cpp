#include "actors/repair/tablet_scheduler.h"
#include "actors/actor_clock.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

namespace tabletd {

namespace {

using self_ptr = tablet_scheduler_actor::stateful_pointer<tablet_scheduler_state>;

struct snapshots {
  catalog_snapshot cat;
  cluster_view_snapshot cluster;
  model::time_ms wall{};
  [[nodiscard]] model::sched_world world() const { return {*cat, *cluster, wall}; }
};

snapshots look(self_ptr self) {
  const auto& ports = self->state.ports;
  return {ports.catalog->load(), ports.cluster->load(), ports.wall_clock()};
}

// -- children ----------------------------------------------------------------------------

void spawn_ctx(self_ptr self, const model::sched_ctx& ctx) {
  auto& st = self->state;
  ctx_ports ports{st.ports.journal, st.ports.membership, caf::actor_cast<tablet_scheduler_actor>(self),
                  st.ports.wall_clock};
  const auto child = spawn_child(self, tablet_sched_ctx, ctx, std::move(ports));
  // Normal priority: the down_msg must stay behind the ctx_ended it follows.
  self->monitor(child);
  st.children[ctx.tablet] = child;
  st.tablets[child.address()] = ctx.tablet;
}

void release_child(tablet_scheduler_state& st, model::tablet_id tablet) {
  const auto child = st.children.extract(tablet);
  if (!child.empty())
    st.tablets.erase(child.mapped().address());
}

// -- decode, step, carry_out, feed -------------------------------------------------------

void carry_out(self_ptr self, const model::sched_effects& effects, const snapshots& seen) {
  auto& st = self->state;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::spawn_ctx& e) { spawn_ctx(self, e.ctx); },
                 [&](const model::withdraw_ctx& e) {
                   if (const auto child = st.children.find(e.tablet); child != st.children.end())
                     self->send(child->second, withdrawal{e.why});
                 },
                 [&](const model::propose_order& e) {
                   // Whatever becomes of it shows in the catalog; what has not is proposed again.
                   caf::anon_send(st.ports.journal, codec::encode({st.ports.wall_clock(), e.body}));
                 },
                 [&](const model::step_again&) { self->send(self, view_changed{}); },
                 [&](const model::publish_view&) {
                   st.ports.view->store(
                     std::make_shared<const model::scheduler_view>(st.scheduler->view(seen.world(), now(self))));
                 },
               },
               effect);
}

void feed(self_ptr self, const model::sched_event& event) {
  auto& st = self->state;
  const auto seen = look(self);
  carry_out(self, st.scheduler->step(event, seen.world(), now(self)), seen);
}

void on_ended(self_ptr self, const ctx_ended& ended) {
  auto report = codec::decode_ended(ended.get());
  release_child(self->state, report.tablet);
  feed(self, report);
}

/// Of a child that said nothing: its work is unknown, so its tablet is looked at again.
void on_child_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  const auto found = st.tablets.find(down.source);
  if (found == st.tablets.end())
    return;
  const auto tablet = found->second;
  release_child(st, tablet);
  feed(self, model::ctx_report{tablet, model::ctx_result::unexpected,
                               "its actor died: " + self->home_system().render(down.reason), 0, 0});
}

} // namespace

tablet_scheduler_state::~tablet_scheduler_state() {
  for (const auto& [tablet, child] : children)
    urgent_exit(child, caf::exit_reason::user_shutdown);
}

tablet_scheduler_actor::behavior_type tablet_scheduler(self_ptr self, scheduler_ports ports,
                                                       model::scheduler_options options) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.scheduler.emplace(options);
  self->set_down_handler([self](caf::down_msg& down) { on_child_down(self, down); });
  feed(self, model::sched_started{});
  self->delayed_send(self, st.ports.tick, tick_due{});
  return {
    [self](const sealed<wire::SickTablets>& sick) { feed(self, codec::decode_sick(sick.get())); },
    [self](const ctx_ended& ended) { on_ended(self, ended); },
    [self](view_changed) { feed(self, model::cluster_moved{}); },
    [self](tick_due) {
      feed(self, model::sched_tick{});
      self->delayed_send(self, self->state.ports.tick, tick_due{});
    },
  };
}

} // namespace tabletd
