#pragma once
// What may become of the group of front ends: from what its leader sees and somebody wants to the
// next membership, or to the sentence that says why not.  Pure.
//
// One member at a time, and who is to vote gets the log first: an addition is an observer that wants
// a vote, and the leader makes it a voter when the core says that it has caught up
// (consensus_core.h, change_membership).
#include "actors/model/consensus_core.h"
#include "actors/model/statement_result.h"

#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

/// A member as its leader sees it.
struct member_sight {
  node_id id{};
  std::string name;  ///< As SHOW FRONTENDS shows it.
  bool is_up = false;
};
/// A front end that asks to be taken in.
struct applicant {
  member as;
  std::string name;
  std::string why_not;  ///< Not empty: it cannot be, and why.
};
struct group_sight {
  node_id self{};           ///< The leader.
  std::string own_address;  ///< Of its edit log port, as configured; empty: it has none.
  std::vector<member> members;
  std::vector<member_sight> seen;  ///< The leader itself included.
  std::vector<applicant> applicants;
};

/// What to propose, and what to say when it is committed.
struct group_plan {
  std::vector<member> members;
  std::string done;
};
using group_decision = std::variant<group_plan, statement_error>;
/// Somebody else is to lead.
struct step_down {};
using group_step = std::variant<group_plan, step_down>;

/// ALTER SYSTEM ADD FOLLOWER | OBSERVER.
[[nodiscard]] group_decision plan_addition(const group_sight& group, const std::string& address, bool votes);
/// ALTER SYSTEM DROP FOLLOWER | OBSERVER.  A leader is only marked: the next one drops it.
[[nodiscard]] group_decision plan_removal(const group_sight& group, const std::string& address, bool votes);
/// ADMIN TRANSFER LEADERSHIP TO.  `self`: nothing is to be done.
[[nodiscard]] std::variant<node_id, statement_error> find_successor(const group_sight& group, const std::string& name);

/// What the leader would do by itself, what matters most first: put its own address right; drop who leaves; hand over
/// if it leaves itself; give members the vote they wait for.  One of them at a time: they are all steps from the
/// present members.  Who leaves is dropped before a leader that leaves hands over, or two of them would hand
/// over to each other for ever.
[[nodiscard]] std::vector<group_step> next_steps(const group_sight& group);
/// Refused for what the step is, so that another may well be taken: not for the state of the leader.
[[nodiscard]] bool concerns_the_step(consensus_refusal why);

/// "<doing> failed: <why>", with the next step.
[[nodiscard]] statement_error explain(consensus_refusal why, const std::string& doing);

}  // namespace tabletd::model
