#include "actors/console/load_keeper.h"
#include "actors/console/load_job.h"
#include "actors/spawn_child.h"
#include "actors/supervision/ports.h"
#include <caf/actor_cast.hpp>

namespace tabletd {

namespace {

using self_ptr = load_keeper_actor::stateful_pointer<load_keeper_state>;

void one_less(self_ptr self) {
  if (--self->state.starting == 0)
    self->quit();
}

} // namespace

load_keeper_actor::behavior_type load_keeper(self_ptr self, caf::actor jobs, console_job_ports ports) {
  self->send(self, begin_job{});
  return {
    [self, jobs, ports](begin_job) {
      auto& st = self->state;
      for (const auto txn : model::unfinished_loads(*ports.catalog->load())) {
        ++st.starting;
        child_spec spec;
        spec.id = "load/" + std::to_string(model::raw(txn));
        spec.start = spawner(load_job, load_origin{load_taken_over{txn}}, ports);
        spec.when = model::restart::temporary;
        self->request(jobs, caf::infinite, start_child{std::move(spec)})
          // Refused: this load has its job already (this very node led before).
          .then([self](const caf::actor&) { one_less(self); }, [self](const caf::error&) { one_less(self); });
      }
      if (st.starting == 0)
        self->quit();
    },
  };
}

} // namespace tabletd
