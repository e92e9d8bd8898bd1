#pragma once
// What the actors of the leader's warm-up share: whom they talk to, and how they keep time.
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/error_text.h"
#include "actors/model/warmup_jobs.h"
#include "actors/model/warmup_lane.h"
#include "actors/model/warmup_split.h"
#include "actors/warmup/ports.h"
#include "actors/warmup/warmup_board.h"

#include <caf/error.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace tabletd {

struct warmup_pacing {
  model::time_ms tick{1'000};
  model::time_ms wait{1'000};             ///< How long a backend may keep its answer while a batch is in hand.
  model::time_ms answer_limit{10'000};    ///< For everything that a backend has to look up only.
  model::time_ms work_limit{1'800'000};   ///< For what it has to read first; a link that breaks ends it sooner.
  model::time_ms heat_every{10'000};
  std::size_t heat_questions_max = 4;     ///< At once.
  std::uint32_t heat_partitions = 1'024;  ///< So many of its hottest a backend names.
  std::size_t verify_tablets = 256;       ///< In one question.
};

struct warmup_settings {
  model::warmup_options jobs;
  model::lane_options lanes;
  std::uint64_t batch_bytes = model::warmup_batch_bytes;
  bool on_join = true;  ///< A backend that is new, or has begun anew, gets what its cluster reads.
  warmup_pacing pace;
};

struct warmup_room {
  journal_actor journal;
  leader_check_actor leader_check;
  catalog_actor catalog_news;  ///< Asked once, at the overseer's birth, to announce every advance.
  catalog_cell_ptr catalog;
  warmup_links_ptr links;
  warmup_board_ptr board;
  std::function<model::time_ms()> wall_clock;                  ///< Stamps edits.
  std::function<void(const std::string&, bool is_bad)> tell;   ///< For the node's log.
  std::function<void(const std::string&)> alarm;               ///< The same, of what cannot be if all keep the rules.
  warmup_settings settings;
  model::term term{};  ///< Of the leadership it is about; the overseer notes it.

  /// Another leader has begun, though nobody has ended the actor yet.
  [[nodiscard]] bool is_over() const { return catalog->load()->term != term; }
};
using warmup_room_ptr = std::shared_ptr<const warmup_room>;

/// `then(model::edit_answer)`: the fold's verdict, or why there is none.  Whatever the fold takes it takes once, so who
/// does not know what became of an edit may look at the catalog, or propose it again.
template <class Self, class Then>
void propose(Self* self, const warmup_room& room, model::edit_body body, Then then) {
  self->request(room.journal, caf::infinite, codec::encode(model::edit{room.wall_clock(), std::move(body)}))
    .then([then](const edit_outcome& outcome) { then(codec::decode_answer(outcome.get())); },
          [self, then](const caf::error& why) {
            then(model::edit_answer{{}, {}, 0, model::journal_failure::shutting_down, text_of(self->system(), why), 0});
          });
}

}  // namespace tabletd
