// ALTER SYSTEM and ADMIN about front ends: the leader's group_keeper decides.
#include "actors/console/session_steps.h"

namespace tabletd::session {

namespace {

template <class Wish>
void ask(session_ptr self, Wish wish, session_reply reply) {
  self->request(self->state.ports.group, caf::infinite, std::move(wish))
      .then(
          [reply](const group_answer& answer) mutable {
            if (answer.done.empty())
              reply.fail(answer.error);
            else
              reply.done(answer.done, 1);
          },
          [self, reply](const caf::error& why) mutable {
            reply.fail({model::error_code::unavailable,
                        "who keeps the group of front ends ended: " + text_of(self->system(), why),
                        "connect again and look with SHOW FRONTENDS: the change may have been made",
                        {}, {}, {}, 1'000, true});
          });
}

}  // namespace

void write(session_ptr self, const model::add_frontend& what, session_reply reply) {
  ask(self, member_wanted{model::to_string(what.address), what.votes}, reply);
}

void write(session_ptr self, const model::drop_frontend& what, session_reply reply) {
  ask(self, member_unwanted{model::to_string(what.address), what.votes}, reply);
}

void write(session_ptr self, const model::hand_over_leadership& what, session_reply reply) {
  ask(self, leader_wanted{what.name}, reply);
}

}  // namespace tabletd::session
