// See log_admission.h.
#include "actors/model/log_admission.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tabletd::model {

using enum memory_category;

// -- byte_rate -----------------------------------------------------------------------------------

void byte_rate::count(std::uint64_t bytes, time_ms now) {
  if (since_ && now > *since_) {
    per_second_ = per_second(now);
    uncounted_bytes_ = 0;
    since_ = now;
  } else if (!since_) {
    since_ = now;
  }
  uncounted_bytes_ += bytes;
}

double byte_rate::per_second(time_ms now) const {
  if (!since_ || now <= *since_)
    return per_second_;
  const auto passed_s = static_cast<double>((now - *since_).count()) / 1'000;
  const auto weight = passed_s / (1 + passed_s);
  return per_second_ + (static_cast<double>(uncounted_bytes_) / passed_s - per_second_) * weight;
}

// -- log_admission -------------------------------------------------------------------------------

log_admission::log_admission(memory_governor& governor, const admission_times& times)
    : governor_(governor), times_(times) {}

bool log_admission::idle(std::uint64_t backlog_bytes) const {
  return governor_.bytes(uncommitted) == 0 && governor_.bytes(unapplied) == 0 && backlog_bytes == 0;
}

overload log_admission::obstacle(std::uint64_t charge_bytes, std::uint64_t backlog_bytes) const {
  const auto& limits = governor_.limits();
  const auto u = governor_.bytes(uncommitted);
  // What is uncommitted now will be unapplied soon, so it counts there, too.
  if (u + governor_.bytes(unapplied) + backlog_bytes + charge_bytes > limits.backlog_bytes)
    return overload::unapplied;
  if (u + charge_bytes > limits.uncommitted_bytes)
    return overload::uncommitted;
  return governor_.pressure() == memory_pressure::refuse ? overload::memory : overload::none;
}

bool log_admission::take_in(std::uint64_t charge_bytes, bool idle) {
  return idle ? governor_.try_charge_one(uncommitted, charge_bytes) : governor_.try_charge(uncommitted, charge_bytes);
}

admission_answer log_admission::propose(const proposal& what, std::uint64_t backlog_bytes, time_ms now) {
  if (what.entry_bytes > governor_.limits().entry_bytes_max)
    return {.outcome = admission_outcome::too_large, .ticket = what.ticket};
  const auto charge = governor_.charge_of(what.entry_bytes);
  const admission_answer admitted{admission_outcome::admitted, what.ticket, charge};
  const bool is_idle = idle(backlog_bytes);
  auto why = is_idle || what.priority == proposal_priority::unclog ? overload::none : obstacle(charge, backlog_bytes);
  if (!waiting_.empty() && what.priority == proposal_priority::normal) {
    if (why == overload::none)  // It would fit, but nobody overtakes: it waits for what the first one waits for.
      why = obstacle(waiting_.begin()->second.charge_bytes, backlog_bytes);
  } else if (why == overload::none && take_in(charge, is_idle)) {
    return admitted;
  }
  return wait_or_refuse(what, charge, why == overload::none ? overload::memory : why, backlog_bytes, now);
}

admission_answer log_admission::wait_or_refuse(const proposal& what, std::uint64_t charge_bytes, overload why,
                                               std::uint64_t backlog_bytes, time_ms now) {
  const auto latest = now + times_.block;
  const auto deadline = std::min(what.deadline.value_or(latest), latest);
  const bool fits = governor_.bytes(proposed) + charge_bytes <= governor_.limits().proposed_bytes;
  if (deadline <= now || !fits || !governor_.try_charge(proposed, charge_bytes))
    return refusal(what.ticket, why, charge_bytes, backlog_bytes, now);
  waiting_.emplace(++came_, waiter{what.ticket, charge_bytes, deadline});
  deadlines_.emplace(deadline, came_);
  return {.outcome = admission_outcome::waiting, .ticket = what.ticket, .why = why};
}

std::vector<admission_answer> log_admission::wake(std::uint64_t backlog_bytes, time_ms now) {
  std::vector<admission_answer> answers;
  refuse_overdue(answers, backlog_bytes, now);
  while (!waiting_.empty()) {
    const auto first = waiting_.begin()->second;
    if (!idle(backlog_bytes) && obstacle(first.charge_bytes, backlog_bytes) != overload::none)
      break;
    governor_.move(proposed, uncommitted, first.charge_bytes);
    leave(waiting_.begin());
    answers.push_back({admission_outcome::admitted, first.ticket, first.charge_bytes});
  }
  return answers;
}

void log_admission::refuse_overdue(std::vector<admission_answer>& answers, std::uint64_t backlog_bytes, time_ms now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto who = waiting_.find(deadlines_.begin()->second);
    const auto [ticket, charge_bytes, deadline] = who->second;
    const auto why = obstacle(charge_bytes, backlog_bytes);
    governor_.release(proposed, charge_bytes);
    leave(who);
    // With no obstacle of its own it waited behind another.
    answers.push_back(
        refusal(ticket, why == overload::none ? overload::uncommitted : why, charge_bytes, backlog_bytes, now));
  }
}

void log_admission::leave(std::map<std::uint64_t, waiter>::iterator who) {
  deadlines_.erase({who->second.deadline, who->first});
  waiting_.erase(who);
}

std::vector<std::uint64_t> log_admission::dismiss_all() {
  std::vector<std::uint64_t> tickets;
  for (const auto& [order, each] : waiting_) {
    tickets.push_back(each.ticket);
    governor_.release(proposed, each.charge_bytes);
  }
  waiting_.clear();
  deadlines_.clear();
  return tickets;
}

std::optional<time_ms> log_admission::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional{deadlines_.begin()->first};
}

admission_answer log_admission::refusal(std::uint64_t ticket, overload why, std::uint64_t charge_bytes,
                                        std::uint64_t backlog_bytes, time_ms now) const {
  const auto& limits = governor_.limits();
  const auto ahead = governor_.bytes(proposed) + charge_bytes + governor_.bytes(uncommitted);
  const auto log = governor_.total_bytes() - governor_.bytes(state_machine);
  const auto [held, limit]
      = why == overload::uncommitted ? std::pair{ahead, limits.uncommitted_bytes}
        : why == overload::unapplied
            ? std::pair{ahead + governor_.bytes(unapplied) + backlog_bytes, limits.backlog_bytes}
            : std::pair{log + charge_bytes, (limits.budget_bytes - governor_.bytes(state_machine)) / 2};
  const auto excess = static_cast<double>(held > limit ? held - limit : 0);
  const auto rate = (why == overload::uncommitted ? commit_rate_ : apply_rate_).per_second(now);
  const auto shortest = static_cast<double>(times_.retry_after_min.count());
  const auto longest = static_cast<double>(times_.retry_after_max.count());
  const auto wait_ms = rate > 0 ? std::clamp(1'000 * excess / rate, shortest, longest) : longest;
  return {admission_outcome::overloaded, ticket, 0, why, time_ms{static_cast<std::int64_t>(wait_ms)}};
}

}  // namespace tabletd::model
