// See group_change.h.
#include "actors/model/group_change.h"

#include <algorithm>
#include <utility>

namespace tabletd::model {

namespace {

statement_error refusal(error_code code, std::string message, std::string hint) {
  statement_error error;
  error.code = code;
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

const member_sight* sight_of(const group_sight& group, node_id id) {
  const auto at = std::ranges::find(group.seen, id, &member_sight::id);
  return at == group.seen.end() ? nullptr : &*at;
}

std::string name_of(const group_sight& group, node_id id) {
  const auto* seen = sight_of(group, id);
  return seen && !seen->name.empty() ? seen->name : "fe" + std::to_string(id);
}

/// "fe3 (id 3)"
std::string described(const group_sight& group, node_id id) {
  return name_of(group, id) + " (id " + std::to_string(id) + ')';
}

bool is_up(const group_sight& group, node_id id) {
  const auto* seen = sight_of(group, id);
  return id == group.self || (seen && seen->is_up);
}

bool counts_as_follower(const member& one) { return one.voter || one.wants_vote; }

std::string statement(const char* verb, bool votes, const std::string& address) {
  return std::string("ALTER SYSTEM ") + verb + (votes ? " FOLLOWER \"" : " OBSERVER \"") + address + '"';
}

std::string list(const std::vector<applicant>& applicants) {
  std::string text;
  for (const auto& each : applicants)
    text += (text.empty() ? "" : ", ") + each.name + " at " + each.as.address;
  return text.empty() ? "nobody does now" : "those that do now: " + text;
}

group_decision already_there(const group_sight& group, member& there, bool votes) {
  const auto who = described(group, there.id);
  if (votes && std::exchange(there.leaves, false))
    return group_plan{group.members, who + " stays"};
  if (there.voter || there.wants_vote == votes)
    return refusal(error_code::already_exists,
                   who + " is " + (there.voter ? "a follower" : "an observer") + " of this group already",
                   there.voter && !votes ? "to take its vote, drop it and add it anew under another node.id"
                                         : "SHOW FRONTENDS lists them");
  there.wants_vote = votes;
  return group_plan{group.members, who + (votes ? " becomes a follower as soon as it has caught up"
                                                : " stays an observer")};
}

}  // namespace

group_decision plan_addition(const group_sight& group, const std::string& address, bool votes) {
  if (group.own_address.empty())
    return refusal(error_code::failed_precondition,
                   "this front end has no edit log port, so nobody can be sent its log",
                   "name it, with its address, in node.frontends and restart it");
  auto grown = group;
  if (const auto there = std::ranges::find(grown.members, address, &member::address); there != grown.members.end())
    return already_there(grown, *there, votes);
  const auto asks = std::ranges::find_if(group.applicants, [&](const applicant& each) { return each.as.address == address; });
  if (asks == group.applicants.end())
    return refusal(error_code::failed_precondition,
                   "no front end at " + address + " asks to be taken in; " + list(group.applicants),
                   "start it there with an empty directory, node.join = true, a new node.id, and node.frontends naming it "
                   "and this group");
  if (!asks->why_not.empty())
    return refusal(error_code::failed_precondition, asks->name + " at " + address + " cannot be taken in: " + asks->why_not,
                   "empty its directory and start it under another node.id");
  const auto id = asks->as.id;
  if (std::ranges::find(group.members, id, &member::id) != group.members.end())
    return refusal(error_code::already_exists, "id " + std::to_string(id) + " is that of another front end of this group",
                   "start the one at " + address + " with a node.id that nobody had before");
  grown.members.push_back({id, address, false, asks->as.birth, votes});
  return group_plan{std::move(grown.members),
                    "added " + asks->name + " (id " + std::to_string(id) + ") at " + address + " as an observer"
                      + (votes ? "; it becomes a follower by itself when it has caught up, see SHOW FRONTENDS" : "")};
}

group_decision plan_removal(const group_sight& group, const std::string& address, bool votes) {
  auto left = group.members;
  const auto gone = std::ranges::find(left, address, &member::address);
  if (gone == left.end())
    return refusal(error_code::not_found, "no front end of this group has the edit log address " + address,
                   "SHOW FRONTENDS lists them: EditLogAddress");
  const auto one = *gone;
  const auto who = described(group, one.id);
  if (counts_as_follower(one) != votes)
    return refusal(error_code::invalid_argument, who + (votes ? " is an observer" : " is a follower"),
                   statement("DROP", !votes, address) + " drops it");
  left.erase(gone);
  const auto stays = [](const member& each) { return each.voter && !each.leaves; };
  const auto voters = std::ranges::count_if(left, stays);
  if (one.voter && voters == 0)
    return refusal(error_code::failed_precondition, who + " is the last follower: without it there is no log",
                   "add another one first: ALTER SYSTEM ADD FOLLOWER");
  const auto up = std::ranges::count_if(left, [&](const member& each) { return stays(each) && is_up(group, each.id); });
  if (one.voter && up <= voters / 2)
    return refusal(error_code::failed_precondition,
                   "without " + who + " " + std::to_string(up) + " of " + std::to_string(voters)
                     + " followers would be up, which is no majority: nothing could be written",
                   "start the others first");
  if (one.id != group.self)
    return group_plan{std::move(left), "dropped " + who + " at " + address};
  // Who is elected next must know of it, and the leader cannot see to that once it is gone.
  auto marked = group.members;
  std::ranges::find(marked, one.id, &member::id)->leaves = true;
  return group_plan{std::move(marked), who + " at " + address + " hands over its leadership; the next leader drops it"};
}

std::variant<node_id, statement_error> find_successor(const group_sight& group, const std::string& name) {
  const auto found = std::ranges::find_if(group.members,
                                          [&](const member& each) { return name_of(group, each.id) == name; });
  if (found == group.members.end())
    return refusal(error_code::not_found, "there is no front end called " + name, "SHOW FRONTENDS lists them");
  if (found->id == group.self)
    return found->id;
  if (!found->voter)
    return refusal(error_code::failed_precondition, name + " is an observer, and only a follower can lead",
                   found->wants_vote ? "wait until it has caught up, see SHOW FRONTENDS"
                                     : statement("ADD", true, found->address) + " makes it a follower");
  if (!is_up(group, found->id))
    return refusal(error_code::failed_precondition, name + " is not up", "SHOW FRONTENDS says why");
  return found->id;
}

std::vector<group_step> next_steps(const group_sight& group) {
  std::vector<group_step> steps;
  const auto& now = group.members;
  const auto own = std::ranges::find(now, group.self, &member::id);
  if (own != now.end() && !group.own_address.empty() && own->address != group.own_address) {
    auto next = now;
    std::ranges::find(next, group.self, &member::id)->address = group.own_address;
    steps.push_back(group_plan{std::move(next), "its own address is " + group.own_address + " now"});
  }
  for (const auto& gone : now)
    if (gone.leaves && gone.id != group.self) {
      auto next = now;
      std::erase_if(next, [&](const member& each) { return each.id == gone.id; });
      steps.push_back(group_plan{std::move(next), "dropped " + described(group, gone.id)});
    }
  if (own != now.end() && own->leaves)
    steps.push_back(step_down{});
  for (const auto& waits : now)
    if (waits.wants_vote && is_up(group, waits.id)) {
      auto next = now;
      auto& one = *std::ranges::find(next, waits.id, &member::id);
      one.voter = true;
      one.wants_vote = false;
      steps.push_back(group_plan{std::move(next), described(group, waits.id) + " has caught up and is a follower now"});
    }
  return steps;
}

bool concerns_the_step(consensus_refusal why) {
  switch (why) {
    case consensus_refusal::not_caught_up:
    case consensus_refusal::no_such_member:
    case consensus_refusal::would_strand:
    case consensus_refusal::not_single:
    case consensus_refusal::not_a_membership:
      return true;
    case consensus_refusal::none:
    case consensus_refusal::not_leader:
    case consensus_refusal::transferring:
    case consensus_refusal::change_open:
    case consensus_refusal::term_not_settled:
      break;
  }
  return false;
}

statement_error explain(consensus_refusal why, const std::string& doing) {
  const auto failed = [&](error_code code, const char* because, const char* hint) {
    return refusal(code, doing + " failed: " + because, hint);
  };
  switch (why) {
    case consensus_refusal::not_leader:
      return failed(error_code::not_leader, "this front end leads no longer", "connect to the leader");
    case consensus_refusal::transferring:
      return failed(error_code::conflict, "leadership is being handed over", "try again in a second, at the new leader");
    case consensus_refusal::change_open:
      return failed(error_code::conflict, "another change of the group is under way", "try again in a second");
    case consensus_refusal::term_not_settled:
      return failed(error_code::conflict, "this front end has only just begun to lead", "try again in a second");
    case consensus_refusal::not_caught_up:
      return failed(error_code::failed_precondition, "it lacks too much of the log, or is silent", "see SHOW FRONTENDS");
    case consensus_refusal::no_such_member:
      return failed(error_code::failed_precondition, "no other follower is up", "SHOW FRONTENDS says why");
    case consensus_refusal::would_strand:
      return failed(error_code::failed_precondition, "those that remain might never learn of it", "drop it instead");
    case consensus_refusal::not_single:
    case consensus_refusal::not_a_membership:
    case consensus_refusal::none:
      break;
  }
  return failed(error_code::conflict, "the group changed while the statement ran", "look with SHOW FRONTENDS and try again");
}

}  // namespace tabletd::model
