// What is hot where, and what is pushed: both are facts for actors/model/warmup_push.h, which decides.
#include "actors/warmup/warmup_steps.h"

namespace tabletd::warmup_steps {

using model::raw;

namespace {

// -- pushes --------------------------------------------------------------------------------

void push(self_ptr self);

void on_pushed(self_ptr self, const model::push_order& order, const warmup_answer& answer) {
  auto& st = self->state;
  const auto from = answer.get();
  model::push_ended end{order.backend, order.number, !from.isPushed(), 0, {}};
  std::string why;
  if (from.isPushed()) {
    auto done = codec::decode(from.getPushed());
    ++st.room->board->pushes;
    st.room->board->pushed_bytes += done.bytes_done;
    end.failed_tablets = done.failed_tablets;
    end.named_tablets = std::move(done.named_tablets);
    why = std::move(done.why);
  }
  const auto given_up = st.pusher.on(end, now(self));
  if (!given_up.empty())
    st.room->tell("backend " + std::to_string(raw(order.backend)) + " cannot warm " + std::to_string(given_up.size())
                    + " tablets, the first is " + std::to_string(raw(given_up.front()))
                    + "; they are left until they are published again: " + why,
                  true);
  push(self);
}

void push(self_ptr self) {
  auto& st = self->state;
  if (st.room->is_over())
    return;
  const auto cat = st.room->catalog->load();
  // No limit: 64 tablets may be terabytes, and wait for the batch in hand; what is asked for twice is queued twice there.
  for (const auto& order : st.pusher.next(now(self)))
    call(self, order.backend, codec::seal_push(*cat, order.tablets), std::nullopt,
         [self, order](const warmup_answer& answer) { on_pushed(self, order, answer); });
}

// -- heat ----------------------------------------------------------------------------------

/// By now all others of their clusters have said what is hot.
void welcome(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.room->catalog->load();
  for (const auto& [backend, cache_bytes] : std::exchange(st.joining, {}))
    st.pusher.joined(*cat, st.heat, backend, cache_bytes);
  push(self);
}

void ask_some(self_ptr self) {
  auto& st = self->state;
  const auto& pace = st.room->settings.pace;
  while (st.heat_open < pace.heat_questions_max && !st.heat_next.empty()) {
    const auto backend = st.heat_next.front();
    st.heat_next.pop_front();
    ++st.heat_open;
    call(self, backend, codec::seal_state_call(pace.heat_partitions), pace.answer_limit,
         [self, backend](const warmup_answer& answer) {
           --self->state.heat_open;
           if (answer.get().isState())
             note_state(self, backend, codec::decode(answer.get().getState()));
           ask_some(self);
         });
  }
  if (st.heat_open == 0)
    welcome(self);
}

/// It is new, or has begun anew.  Of those that were there before this leader nobody knows that, unless there is nothing
/// in their caches.
bool has_joined(warmup_overseer_state& st, model::backend_id backend, const codec::cache_state& state) {
  const auto [at, is_unknown] = st.boots.try_emplace(backend, state.boot);
  const auto before = std::exchange(at->second, state.boot);
  return is_unknown ? !st.present.contains(backend) || state.used_bytes == 0 : before != state.boot;
}

}  // namespace

void note_state(self_ptr self, model::backend_id backend, const codec::cache_state& state) {
  auto& st = self->state;
  const auto cat = st.room->catalog->load();
  const auto* b = cat->backends.find(backend);
  if (b == nullptr)
    return;
  std::vector<model::partition_heat> heat;
  for (const auto& h : state.hottest)
    heat.push_back({h.partition, h.bytes});
  if (const auto fresh = st.heat.note(b->cluster, backend, std::move(heat)); !fresh.empty()) {
    st.pusher.grew_hot(*cat, b->cluster, fresh);
    push(self);
  }
  if (has_joined(st, backend, state) && st.room->settings.on_join && state.capacity_bytes > 0)
    st.joining[backend] = state.capacity_bytes;
}

void ask_heat(self_ptr self) {
  auto& st = self->state;
  const auto at = now(self);
  if ((st.heat_asked && at - *st.heat_asked < st.room->settings.pace.heat_every) || st.heat_open > 0)
    return;
  st.heat_asked = at;
  st.room->catalog->load()->backends.for_each([&](model::backend_id id, const model::backend& b) {
    if (b.alive)
      st.heat_next.push_back(id);
  });
  ask_some(self);
}

void look_for_pushes(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.room->catalog->load();
  st.pusher.look(*st.pushed_for, *cat, st.heat);
  st.pushed_for = cat;
  push(self);
}

}  // namespace tabletd::warmup_steps
