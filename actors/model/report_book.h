#pragma once
// What the leader has been told about this backend's tablets, and what it should be told
// next.  Every change of the tablet set enters here in the order it happened on its disk,
// gets a stamp, and is reported; so a report with stamp s says everything up to s, and the
// leader can drop whatever is older than what it knows (spec/replica.md 9.2, C2).  Pure.
#include "actors/model/agent_task.h"
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace tabletd::model {

struct report_pace {
  time_ms tick_ms{200};          ///< Changes between two ticks travel as one report.
  time_ms full_every_ms{60'000}; ///< spec/replica.md 1.5.
};

// -- events: what happened on one path, since its last event ----------------------------
struct disk_changed {
  path_hash path{};
  std::vector<held_replica> tablets;
  std::vector<held_ref> gone;
  /// All transactions that wait for a verdict on this path now; nothing: as before.
  std::optional<std::vector<txn_id>> prepared;
};
struct link_made {};
struct full_asked {};
struct book_ticked {}; ///< Every report_pace::tick_ms.
using report_event = std::variant<disk_changed, link_made, full_asked, book_ticked>;

// -- effects -----------------------------------------------------------------------------
/// Everything in the book; what is not listed is not here.
struct send_full {
  std::uint64_t stamp{};
  friend bool operator==(const send_full&, const send_full&) = default;
};
struct send_changes {
  std::uint64_t stamp{};
  std::vector<tablet_id> tablets;
  std::vector<held_ref> gone;
  friend bool operator==(const send_changes&, const send_changes&) = default;
};
using report_effect = std::variant<send_full, send_changes>;
using report_effects = std::vector<report_effect>;

struct report_book {
  report_pace pace;
  std::map<tablet_id, held_replica> tablets;
  std::map<path_hash, std::vector<txn_id>> prepared;
  std::uint64_t stamp{};       ///< Grows with every change of `tablets`.
  bool linked = false;
  bool full_due = false;       ///< The next report must be full.
  time_ms full_last{};
  std::set<tablet_id> changed; ///< Not reported yet.
  std::set<held_ref> gone;
};

[[nodiscard]] report_effects step(report_book& book, const report_event& event, time_ms now);
/// Transactions that wait for a verdict on any path, ascending.
[[nodiscard]] std::vector<txn_id> prepared_txns(const report_book& book);

} // namespace tabletd::model
