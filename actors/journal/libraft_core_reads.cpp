// See libraft_core.h.  Here: whether this node still leads, for reads (dissertation 6.4).  The library has
// nothing for it: its heartbeats carry no number by which an answer would tell what it answers.
#include "actors/journal/libraft_core.h"

#include <algorithm>
#include <utility>

namespace tabletd {

using namespace model;

int libraft_core::handle(const confirm_leader& event, update&) {
  if (leads())
    reads_wanted_ = std::max(reads_wanted_, event.ticket);
  return 0;  // The rest of the step continues it.
}

/// A term is on the disk before a vote in it leaves, so this holds for what was said before a crash, too.
int libraft_core::receive(node_id from, const leader_asked& question, update& out) {
  if (question.term >= term())
    out.messages.push_back({from, leader_confirmed{question.term, question.round}});
  return 0;
}

int libraft_core::receive(node_id from, const leader_confirmed& answer, update&) {
  if (leads() && answer.term == term() && answer.round == round_.number)
    round_.agreed.insert(from);
  return 0;
}

/// A later leader had a majority that overlaps with any of this one's, and everybody in it was in the later term
/// from then on.  So if a majority is in none after a read began, none was elected before that, and what is
/// committed here is all there is: from the first commit of the term on, which covers those before it.
void libraft_core::continue_round(update& out) {
  if (!leads())
    return;
  if (round_.ticket == 0 && reads_wanted_ > round_.done && log_.term_at(committed()) == term())
    round_ = {.number = round_.number + 1, .ticket = reads_wanted_, .index = committed(), .done = round_.done};
  if (round_.ticket == 0)
    return;
  const auto group = members();
  const auto agrees = [this](const member& each) { return each.id == options_.self || round_.agreed.contains(each.id); };
  const auto voters = std::ranges::count(group, true, &member::voter);
  const auto agree = std::ranges::count_if(group, [&](const member& each) { return each.voter && agrees(each); });
  if (agree > voters / 2) {
    out.confirmed = confirmed_reads{round_.ticket, round_.index};
    round_.done = std::exchange(round_.ticket, 0);
    return continue_round(out);  // Those that came meanwhile begin the next one.
  }
  if (now_ < round_.ask_again)
    return;
  round_.ask_again = now_ + options_.heartbeat;
  for (const auto& each : group)
    if (each.voter && !agrees(each))
      out.messages.push_back({each.id, leader_asked{term(), round_.number}});
}

}  // namespace tabletd
