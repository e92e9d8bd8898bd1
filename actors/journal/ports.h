#pragma once
// The journal's mailbox: the only way anything becomes true.
#include "actors/journal/journal_stats.h"
#include "actors/signals.h"
#include "schemas/edits.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <vector>

namespace tabletd {

using edit_message = sealed<wire::Edit>;
using edit_outcome = sealed<wire::EditOutcome>;

/// Committed entries in log order, first_index, first_index + 1, ..., all of one term.  An
/// entry of consensus itself (membership, barrier) is an empty message: it takes an index.
struct committed_batch {
  std::uint64_t first_index{};
  std::uint64_t term{};
  std::vector<edit_message> edits;
};
/// One outcome per edit of the batch, same order.
struct batch_outcomes {
  std::vector<edit_outcome> outcomes;
};

/// The catalog wants everything from this index on, again (it has just started).
struct replay_from {
  std::uint64_t index{};
};
template <class I>
typename I::result_type inspect(I& f, replay_from& x) {
  return f(caf::meta::type_name("replay_from"), x.index);
}

/// Folds batches; published by actors/catalog.
using catalog_sink_actor = caf::typed_actor<caf::replies_to<committed_batch>::with<batch_outcomes>>;

/// Where this node stands in the group.
struct standing {
  std::uint64_t term{};
  bool leads = false;
  std::uint64_t leader{};  ///< 0: not known.
  friend bool operator==(const standing&, const standing&) = default;
};
template <class I>
typename I::result_type inspect(I& f, standing& x) {
  return f(caf::meta::type_name("standing"), x.term, x.leads, x.leader);
}
using standing_listener_actor = caf::typed_actor<caf::reacts_to<standing>>;
/// The listener hears of the present standing at once, and of every change.
struct watch_standing {};
template <class I>
typename I::result_type inspect(I& f, watch_standing&) {
  return f(caf::meta::type_name("watch_standing"));
}

/// edit_message: commit it, fold it, then answer.  Answers are in log order.  A failure other
/// than storageFailed, shuttingDown and leadershipLost means: certainly not applied, now or later.
/// A catalog_sink_actor that sends replay_from gets every committed entry from there on as
/// batches, then the new ones as they commit.
using journal_actor = caf::typed_actor<caf::replies_to<edit_message>::with<edit_outcome>,
                                       caf::reacts_to<replay_from, catalog_sink_actor>,
                                       caf::reacts_to<watch_standing, standing_listener_actor>>;

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::committed_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::batch_outcomes)
