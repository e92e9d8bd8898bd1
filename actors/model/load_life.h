#pragma once
// The life of one LOAD, from its label to the last replica that serves it.  Pure.
//
//   beginning --begun--> loading --rows prepared--> committing --committed--> publishing --> over
//                           |  given up, doomed          | refused
//                           +------> aborting <----------+  --> over
//
// The log is the truth: nothing is answered before its edit is folded, and a load whose
// commit nobody knows is left alone (its label tells the client what became of it).  A life
// whose last edit the log did not take is over all the same: the load is open and without an
// actor then, and load_watch has it taken over.
#include "actors/model/edit_answer.h"
#include "actors/model/load_txn.h"
#include "actors/model/transfer_plan.h"
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

struct load_request {
  table_id table{};
  partition_id partition{};
  std::string table_name; ///< "shop.orders", for sentences.
  std::string path;
  std::string label;
};

// -- events ----------------------------------------------------------------------------
struct rows_prepared {
  std::vector<tablet_loaded> tablets;
  std::vector<backend_failure> failures;
};
/// The client, its session or its connection is gone.
struct load_given_up { std::string why; };
struct tablet_refused { tablet_id tablet{}; std::string message; };
struct publish_answered {
  backend_id backend{};
  std::vector<tablet_refused> failed; ///< Tablets of the load that this backend could not serve.
  std::string error;                  ///< The order did not arrive; try again.
};
struct load_tick {};
using load_event = std::variant<edit_answer, rows_prepared, load_given_up, publish_answered, load_tick>;

// -- effects, carried out in order -----------------------------------------------------
struct propose_edit { edit_body body; };
/// Answers the statement: here is the plan, send the rows.
struct answer_plan { load_plan plan; };
/// Answers the statement at once: it is already loaded, or it cannot begin.
struct answer_statement { std::variant<statement_error, statement_done> body; };
/// Answers rows_prepared.
struct answer_load {
  std::variant<statement_error, statement_done> body;
  std::vector<statement_error> warnings;
};
/// version 0: delete what was prepared.  `wait`: its answer is an event; else nobody listens.
struct publish_load {
  backend_id backend{};
  model::version version{};
  bool wait{};
  std::vector<tablet_id> tablets; ///< Each is answered for; empty: whatever it holds of this load.
};
struct arm_load_tick { time_ms in{}; };
struct load_over {};
using load_effect
  = std::variant<propose_edit, answer_plan, answer_statement, answer_load, publish_load, arm_load_tick, load_over>;
using load_effects = std::vector<load_effect>;

/// How often a committed load looks at replicas that have not confirmed.
inline constexpr time_ms publish_retry{2'000};
/// A client is told after this long that its load is committed but not yet served everywhere it
/// should be.
inline constexpr time_ms publish_patience{30'000};

enum class load_phase : std::uint8_t { unbegun, beginning, loading, committing, aborting, publishing, closing, over };

struct load_life {
  load_request request;
  load_phase phase = load_phase::unbegun;
  txn_id txn{};
  std::vector<backend_id> backends;     ///< Who took part.
  std::vector<tablet_loaded> prepared;  ///< What the commit says.
  std::vector<backend_failure> failures;
  statement_error rollback;             ///< aborting: what the client will hear.
  bool statement_waits = true;          ///< The statement is unanswered.
  bool client_waits = false;            ///< rows_prepared is unanswered.
  bool given_up = false;
  model::version version{};
  model::term term{};                   ///< Of the commit: a later leader finishes it.
  time_ms committed_at{};
  std::set<backend_id> asked;           ///< publish orders without an answer.
  std::set<backend_id> serving;         ///< Confirmed, but for what it refused:
  std::set<std::pair<backend_id, tablet_id>> refused;
};

/// May rows_prepared come now?  Otherwise it is late, or a second one.
[[nodiscard]] inline bool takes_rows(const load_life& life) { return life.phase == load_phase::loading; }

/// Refuses at once, or proposes load_begun.
[[nodiscard]] load_effects begin(load_life& life, const catalog& cat);
/// Takes over a load that lost its actor (load_watch): one that has only begun is aborted, a
/// committed one is published.  Nobody waits for it.
[[nodiscard]] load_effects resume(load_life& life, txn_id txn, const catalog& cat, time_ms now);
/// `cat`: the newest snapshot; it has folded every edit whose answer is an event.
[[nodiscard]] load_effects step(load_life& life, const load_event& event, const catalog& cat, time_ms now,
                                std::string_view leader);

} // namespace tabletd::model
