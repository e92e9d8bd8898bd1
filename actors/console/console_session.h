#pragma once
// One console session: parses a statement, checks the authority it came with, answers what
// can be read at once, proposes what changes state, and starts a job for what takes longer.
#include "actors/checkpoint/ports.h"
#include "actors/console/console_facts.h"
#include "actors/console/console_jobs.h"
#include "actors/console/statistic_cache.h"
#include "actors/model/completion.h"
#include "actors/model/warmup_split.h"
#include "actors/warmup/ports.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <string>

namespace tabletd {

struct console_session_ports {
  console_job_ports job;
  scheduler_view_cell_ptr scheduler;
  /// A supervisor (one_for_one) of the leader's term: takes start_child.  Its end ends every job.
  caf::actor jobs;
  console_facts facts;
  statistic_cache_ptr statistics;
  checkpoint_controller_actor checkpoint; ///< Of the leader's term, too.
  group_keeper_actor group{};             ///< The same.
  warmup_desk_actor warmup{};             ///< The same; null: nobody looks after warm-up.
  std::uint64_t warmup_batch_bytes = model::warmup_batch_bytes; ///< At most so many in a batch.
  leader_check_actor leader{};            ///< Asked before every statement that reads; null: nobody else can lead.
};

struct console_session_state {
  console_session_state() = default;
  console_session_state(const console_session_state&) = delete;
  /// However this session ends, no client is left waiting.
  ~console_session_state();

  console_session_ports ports;
  std::string database;                             ///< Set by USE; empty: none.
  std::map<std::uint64_t, load_job_actor> loads;    ///< By txn: offered to the client, not ended.
  std::uint64_t jobs_started = 0;
  std::map<std::uint64_t, caf::typed_response_promise<statement_outcome>> waiting; ///< Statements under way.
  std::uint64_t statements = 0;
  static inline const char* name = "console_session";
};

/// `database`: what USE would have set; need not exist.  A session belongs to the term in which it was
/// opened (its handles die with it).
console_session_actor::behavior_type
console_session(console_session_actor::stateful_pointer<console_session_state> self, std::string database,
                console_session_ports ports);

/// For api.Session.complete: needs no session actor.
[[nodiscard]] model::completion complete_statement(const catalog_cell& catalog, std::string_view text,
                                                   std::size_t cursor, std::string_view database = {});

} // namespace tabletd
