// See group_keeper.h.
#include "actors/journal/group_keeper.h"

#include "actors/error_text.h"

#include <caf/typed_response_promise.hpp>

#include <utility>

namespace tabletd {

namespace {

using self_ptr = group_keeper_actor::stateful_pointer<group_keeper_state>;
using answer_promise = caf::typed_response_promise<group_answer>;

group_answer no(model::statement_error error) { return {{}, std::move(error)}; }

/// What it was that failed is unknown to those who know why.
group_answer answer_of(const group_outcome& outcome, const std::string& doing, const std::string& done) {
  if (outcome.ok())
    return {done, {}};
  if (outcome.why != model::consensus_refusal::none)
    return no(model::explain(outcome.why, doing));
  model::statement_error error;
  error.code = model::error_code::unavailable;
  error.message = doing + " failed: " + outcome.failure;
  error.hint = "look with SHOW FRONTENDS before you repeat it";
  error.outcome_unknown = true;
  return no(std::move(error));
}

/// `order`: change_members or hand_over.
template <class Order>
answer_promise carry_out(self_ptr self, Order order, std::string doing, std::string done) {
  auto answer = self->make_response_promise<group_answer>();
  self->request(self->state.ports.journal, caf::infinite, std::move(order))
      .then(
          [answer, doing, done](const group_outcome& outcome) mutable {
            answer.deliver(answer_of(outcome, doing, done));
          },
          [self, answer, doing, done](const caf::error& why) mutable {
            answer.deliver(answer_of({{}, text_of(self->system(), why)}, doing, done));
          });
  return answer;
}

answer_promise carry_out(self_ptr self, model::group_decision decision, std::string doing) {
  if (auto* plan = std::get_if<model::group_plan>(&decision))
    return carry_out(self, change_members{std::move(plan->members)}, std::move(doing), std::move(plan->done));
  auto answer = self->make_response_promise<group_answer>();
  answer.deliver(no(std::move(std::get<model::statement_error>(decision))));
  return answer;
}

answer_promise transfer(self_ptr self, const std::string& name) {
  const auto group = self->state.ports.look();
  auto found = model::find_successor(group, name);
  const auto* to = std::get_if<model::node_id>(&found);
  if (to && *to != group.self)
    return carry_out(self, hand_over{*to}, "handing over to " + name,
                     "this front end no longer leads: " + name + " stands for election");
  auto answer = self->make_response_promise<group_answer>();
  answer.deliver(to ? group_answer{name + " leads already", {}} : no(std::get<model::statement_error>(std::move(found))));
  return answer;
}

/// Takes the first of them that is not refused; refused is as good as not yet.
void take_one(self_ptr self, std::vector<model::group_step> steps) {
  self->state.is_stepping = false;
  if (steps.empty())
    return;
  self->state.is_stepping = true;
  auto first = std::move(steps.front());
  steps.erase(steps.begin());
  const auto begin = [&](auto order) {
    self->request(self->state.ports.journal, caf::infinite, std::move(order))
        .then(
            [self, rest = std::move(steps)](const group_outcome& outcome) mutable {
              if (!model::concerns_the_step(outcome.why))
                rest.clear();
              take_one(self, std::move(rest));
            },
            [self](const caf::error&) { self->state.is_stepping = false; });
  };
  if (auto* plan = std::get_if<model::group_plan>(&first))
    begin(change_members{std::move(plan->members)});
  else
    begin(hand_over{});
}

void step(self_ptr self) {
  auto& st = self->state;
  self->delayed_send(group_keeper_actor{self}, st.ports.tick, tick_due{});
  if (!st.is_stepping)
    take_one(self, model::next_steps(st.ports.look()));
}

}  // namespace

group_keeper_actor::behavior_type group_keeper(self_ptr self, group_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->delayed_send(group_keeper_actor{self}, self->state.ports.tick, tick_due{});
  return {
      [self](const member_wanted& wanted) {
        return carry_out(self, model::plan_addition(self->state.ports.look(), wanted.address, wanted.votes),
                         "adding " + wanted.address);
      },
      [self](const member_unwanted& unwanted) {
        return carry_out(self, model::plan_removal(self->state.ports.look(), unwanted.address, unwanted.votes),
                         "dropping " + unwanted.address);
      },
      [self](const leader_wanted& wanted) { return transfer(self, wanted.name); },
      [self](tick_due) { step(self); },
  };
}

}  // namespace tabletd
