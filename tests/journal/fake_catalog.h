#pragma once
// A catalog that keeps names, and answers at once, later, wrongly or never.
#include "actors/signals.h"
#include "tests/journal/memory_log.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <string>
#include <vector>

namespace tabletd::test {

struct fake_catalog_state {
  std::vector<committed_batch> unanswered;
  std::vector<caf::typed_response_promise<batch_outcomes>> promises;
};
struct fake_catalog_log {
  std::vector<std::string> folded;  ///< Everything since this catalog began.
  std::vector<std::size_t> batches;
  std::uint64_t next = 0;  ///< Index it expects.
  bool at_once = true;
};

inline batch_outcomes fold(fake_catalog_log& log, const committed_batch& batch) {
  EXPECT_EQ(batch.first_index, log.next) << "a gap or a repetition";
  EXPECT_FALSE(batch.edits.empty());
  batch_outcomes answer;
  log.batches.push_back(batch.edits.size());
  for (const auto& edit : batch.edits) {
    log.folded.push_back(name_of(edit));
    answer.outcomes.push_back(seal<wire::EditOutcome>([&](auto outcome) {
      outcome.setIndex(log.next);
      outcome.setId(batch.term);
    }));
    ++log.next;
  }
  return answer;
}

using fake_catalog_shell = catalog_sink_actor::extend<caf::reacts_to<tick_due>>;

/// tick_due: answer the oldest batch.
inline fake_catalog_shell::behavior_type fake_catalog(fake_catalog_shell::stateful_pointer<fake_catalog_state> self,
                                                      fake_catalog_log* log) {
  return {
      [self, log](const committed_batch& batch) {
        auto promise = self->make_response_promise<batch_outcomes>();
        if (log->at_once) {
          promise.deliver(fold(*log, batch));
        } else {
          self->state.unanswered.push_back(batch);
          self->state.promises.push_back(promise);
        }
        return promise;
      },
      [self, log](tick_due) {
        if (self->state.promises.empty())
          return;
        self->state.promises.front().deliver(fold(*log, self->state.unanswered.front()));
        self->state.promises.erase(self->state.promises.begin());
        self->state.unanswered.erase(self->state.unanswered.begin());
      },
  };
}

}  // namespace tabletd::test
