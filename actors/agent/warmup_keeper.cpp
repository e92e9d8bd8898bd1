// See warmup_keeper.h.
#include "actors/agent/warmup_keeper.h"

#include <algorithm>
#include <utility>

namespace tabletd {

namespace {

using self_ptr = warmup_keeper_actor::stateful_pointer<warmup_keeper_state>;

/// However long a leader would have its GET wait: the lease is longer.
constexpr model::time_ms wait_max{60'000};

sealed<wire::WarmupReply> sealed_reply(const model::slot_reply& reply) {
  return seal<wire::WarmupReply>([&](auto to) { codec::encode(reply, to); }, 24 + reply.named_tablets.size());
}

void carry_out(self_ptr self, std::vector<model::slot_effect> effects, codec::warmup_request* request) {
  auto& st = self->state;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                   [&](const model::stop_batch& e) { st.ports.transport->stop(e.generation); },
                   [&](const model::begin_batch& e) {
                     // Its tablets are those of the request that is being answered, which has their metas.
                     warm_batch batch{e.generation, e.batch, std::move(request->sources.tablets), request->forced};
                     st.generation = e.generation;
                     st.bytes_done = batch.bytes_done;
                     st.ports.transport->begin(std::move(batch), warmup_keeper_actor{self});
                   },
               },
               effect);
}

model::slot_answer step(self_ptr self, const model::slot_request& request) {
  auto& st = self->state;
  if (st.bytes_done)
    st.slot->note_progress(st.generation, st.bytes_done->load());
  return st.slot->step(request, st.ports.clock());
}

/// As things are now: it may have been cleared, or be another's, since it was asked.
void answer_now(self_ptr self, warmup_keeper_state::waiting_get get) {
  auto answer = step(self, get.request);
  carry_out(self, std::move(answer.effects), nullptr);
  get.promise.deliver(sealed_reply(answer.reply));
}

void answer_all(self_ptr self) {
  for (auto& [number, get] : std::exchange(self->state.waiting, {}))
    answer_now(self, std::move(get));
}

bool is_worth_waiting_for(const codec::warmup_request& request, const model::slot_reply& reply) {
  return std::holds_alternative<model::get_slot>(request.what.what) && request.wait.count() > 0
         && reply.verdict == model::slot_verdict::ok && reply.running && reply.job == request.what.fence.job
         && reply.run == request.what.fence.run;
}

caf::result<sealed<wire::WarmupReply>> on_request(self_ptr self, const sealed<wire::WarmupRequest>& mail) {
  auto& st = self->state;
  auto request = codec::decode(mail.get());
  auto answer = step(self, request.what);
  const bool has_changed = !answer.effects.empty();
  carry_out(self, std::move(answer.effects), &request);
  if (has_changed)
    answer_all(self);
  if (!is_worth_waiting_for(request, answer.reply))
    return sealed_reply(answer.reply);
  auto promise = self->make_response_promise<sealed<wire::WarmupReply>>();
  const auto number = ++st.gets_kept;
  st.waiting.try_emplace(number, warmup_keeper_state::waiting_get{request.what, promise});
  self->delayed_send(self, std::min(request.wait, wait_max), warmup_wait_over{number});
  return promise;
}

void on_wait_over(self_ptr self, std::uint64_t number) {
  if (auto get = self->state.waiting.extract(number))
    answer_now(self, std::move(get.mapped()));
}

}  // namespace

warmup_keeper_actor::behavior_type warmup_keeper(self_ptr self, warmup_keeper_ports ports) {
  self->state.slot.emplace(ports.boot, ports.options);
  self->state.ports = std::move(ports);
  return {
      [self](const sealed<wire::WarmupRequest>& request) { return on_request(self, request); },
      [self](const warmup_batch_ended& e) {
        if (self->state.slot->end_batch(e.result))
          answer_all(self);
      },
      [self](const warmup_wait_over& e) { on_wait_over(self, e.number); },
  };
}

}  // namespace tabletd
