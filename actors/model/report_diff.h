#pragma once
// A backend's report against the catalog: who is right, and what follows.  Pure.
// Rules: spec/replica.md 1.5, without its two data-loss races (9.2: C1, C2).
//
//   report says                         catalog says           what follows
//   ----------------------------------  ---------------------  ----------------------------
//   older than what is known            -                      ignored, asked again
//   behind, missing rows are prepared   committed them         publish
//   behind                              has more               twice in a row: observed
//   ahead                               has a hole             observed
//   bad                                 good                   observed (bad)
//   on another path                     -                      observed (path)
//   good                                bad                    nothing; observed if no
//                                                              complete one is left anywhere
//   lacks it                            empty partition        create
//   lacks it                            normal                 dropped (lost)
//   holds it                            not here, or other id  readopted if the tablet is in
//                                                              need, else that very replica
//                                                              is dropped
//   holds it                            nothing complete left  left alone: may be all there is
//   anything                            a clone goes there     nothing until it has ended
//   txn prepared                        committed, published   publish
//   txn prepared                        aborted, unknown       abort
//   txn prepared                        begun                  nothing
#include "actors/model/backend_report.h"
#include "actors/model/catalog.h"
#include <map>
#include <optional>
#include <vector>

namespace tabletd::model {

struct report_options {
  /// A replica behind without a reason is only believed when a report that came this much later
  /// says so again: the first may have been on its way while the version was made.
  time_ms confirm_after{3'000};
};

/// What is known of one link's reports; see attach().
struct report_memory {
  struct suspicion {
    model::version expected{}; ///< What the catalog had when the replica was first seen behind.
    time_ms since{};
  };
  report_options options;
  std::uint64_t boot{};     ///< Of the process that attached.
  std::uint64_t stamp{};    ///< Newest one seen in a report or in the end of a task.
  std::uint64_t keeper{};   ///< Whose memory this is, unique within a term; with `folded`, ...
  std::uint64_t folded = 0; ///< ... reports so far, it makes fences of tasks unique: never begun anew.
  std::map<tablet_id, suspicion> behind;
};

enum class report_fate : std::uint8_t {
  folded,
  other_boot,       ///< From a process that is gone.
  older_than_known, ///< Its stamp is lower than one already seen: what it says may be undone.
  not_alive,        ///< The log has not taken the backend back yet; ask again when it has.
};
[[nodiscard]] std::string_view name(report_fate fate);

struct report_findings {
  report_fate fate = report_fate::folded;
  std::vector<edit_body> edits;
  std::vector<agent_task>
      tasks; ///< create and drop.  Fences have the top bit set: no log entry ordered them.
  std::vector<txn_verdict> verdicts;
  std::optional<time_ms> full_wanted; ///< Ask for a full report at this time.
};

/// A new link: what the old one said is forgotten.
void attach(report_memory& memory, std::uint64_t boot);
/// The end of a task carries a stamp too: whatever is older does not know of it yet.
void note_stamp(report_memory& memory, std::uint64_t stamp);
/// A heartbeat's answer says where the stamps really are.  Messages keep their order, so a lower
/// one than we remember means that ours came from elsewhere (a task of the process before).
void note_status(report_memory& memory, const backend_status& status);

[[nodiscard]] report_findings diff(const catalog& cat, backend_id from,
                                   const backend_report& report, report_memory& memory,
                                   time_ms now);

} // namespace tabletd::model
