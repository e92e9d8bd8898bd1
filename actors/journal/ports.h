#pragma once
// The journal's mailbox: the only way anything becomes true.
#include "actors/journal/journal_stats.h"
#include "actors/model/consensus_core.h"
#include "actors/model/statement_result.h"
#include "actors/signals.h"
#include "schemas/edits.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>
#include <string>
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

/// The members as the newest change in this node's log says; they count from when it is logged.
struct logged_members {
  std::uint64_t index{};     ///< Of that change; 0: the log is empty.
  bool is_committed = false; ///< False: it may yet be replaced by another history.
  std::vector<model::member> members;
  friend bool operator==(const logged_members&, const logged_members&) = default;
};
/// To the leader: make this the membership (model::change_membership says which ones can follow which).
struct change_members {
  std::vector<model::member> members;
};
/// To the leader: have `to` lead; 0: the follower that is most up to date.
struct hand_over {
  model::node_id to{};
};
/// Of a change: it is committed; of a hand-over: this node no longer leads.
struct group_outcome {
  model::consensus_refusal why = model::consensus_refusal::none;  ///< Else: refused, nothing has changed.
  std::string failure;  ///< Not empty: what else went wrong; a change may become true nevertheless.
  [[nodiscard]] bool ok() const { return why == model::consensus_refusal::none && failure.empty(); }
};

/// To the leader, before a read: that nobody else leads, and that the catalog has folded everything that was
/// committed when this was asked.  Costs a message to the other voters and back, and no write.
struct confirm_leading {};
template <class I>
typename I::result_type inspect(I& f, confirm_leading&) {
  return f(caf::meta::type_name("confirm_leading"));
}
struct leading_confirmed {
  bool leads = false;      ///< False: nothing is known of what is true now.
  std::uint64_t leader{};  ///< Who leads instead; 0: not known.
};
template <class I>
typename I::result_type inspect(I& f, leading_confirmed& x) {
  return f(caf::meta::type_name("leading_confirmed"), x.leads, x.leader);
}

/// edit_message: commit it, fold it, then answer.  Answers are in log order.  A failure other
/// than storageFailed, shuttingDown and leadershipLost means: certainly not applied, now or later.
/// A catalog_sink_actor that sends replay_from gets every committed entry from there on as
/// batches, then the new ones as they commit.
using journal_actor = caf::typed_actor<caf::replies_to<edit_message>::with<edit_outcome>,
                                       caf::reacts_to<replay_from, catalog_sink_actor>,
                                       caf::reacts_to<watch_standing, standing_listener_actor>>;
/// The same one, for who reads ...
using leader_check_actor = caf::typed_actor<caf::replies_to<confirm_leading>::with<leading_confirmed>>;
/// ... and for who keeps the group.
using group_journal_actor = journal_actor::extend<caf::replies_to<change_members>::with<group_outcome>,
                                                  caf::replies_to<hand_over>::with<group_outcome>,
                                                  caf::replies_to<confirm_leading>::with<leading_confirmed>>;

// -- the group of front ends, on its leader ----------------------------------------------
struct member_wanted {
  std::string address;  ///< Of its edit log port.
  bool votes = true;
};
struct member_unwanted {
  std::string address;
  bool votes = true;  ///< As the client thinks of it.
};
struct leader_wanted {
  std::string name;  ///< As SHOW FRONTENDS shows it.
};
/// What the client is told.
struct group_answer {
  std::string done;
  model::statement_error error;  ///< If `done` is empty.
};
using group_keeper_actor = caf::typed_actor<caf::replies_to<member_wanted>::with<group_answer>,
                                            caf::replies_to<member_unwanted>::with<group_answer>,
                                            caf::replies_to<leader_wanted>::with<group_answer>, caf::reacts_to<tick_due>>;

} // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::committed_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::batch_outcomes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::change_members)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::hand_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::group_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::member_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::member_unwanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::leader_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::group_answer)
