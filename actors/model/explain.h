#pragma once
// EXPLAIN TABLET as a value: what decide() says about a tablet now, with what the scheduler
// knows of it.  The same function over the same facts, and no logic beside it.
#include "actors/model/placement.h"
#include "actors/model/scheduler_view.h"
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::model {

/// Where a tablet stands with the scheduler, as far as its view tells.
struct queue_place {
  enum class kind : std::uint8_t { nowhere, pending, running, maybe_beyond };
  kind is = kind::nowhere; ///< maybe_beyond: the view lists only the first of a longer queue.
  std::size_t position{};  ///< pending: 1 is next.
  std::size_t total{};     ///< Of all pending.
  std::optional<ctx_row> row;
};

struct tablet_explanation {
  decision what;
  queue_place queue;
  std::optional<open_order> order; ///< Under way already: then nothing else is decided.
  std::string order_why;           ///< Why it was ordered.
};

[[nodiscard]] tablet_explanation explain(const catalog& cat, const cluster_view& cluster,
                                         const scheduler_view& scheduler, const fit_limits& limits, tablet_id tablet);
/// The slots that are in use by what runs.
[[nodiscard]] slot_ledger slots_of(const scheduler_view& scheduler);

[[nodiscard]] std::string_view name(path_code code); ///< "HOLDS_REPLICA"
[[nodiscard]] std::string_view name(blocker why);    ///< "NO_PATH"
/// One line: "place 3 of 17 in the queue, ..."
[[nodiscard]] std::string sentence(const queue_place& at);

} // namespace tabletd::model
