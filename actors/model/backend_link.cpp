#include "actors/model/backend_link.h"
#include <algorithm>
#include <utility>

namespace tabletd::model {

namespace {

/// Delay before the next attempt, after `failures` in a row (at least one).
time_ms retry_delay(const link_options& options, std::uint32_t failures) {
  const std::uint32_t doublings = std::min(failures - 1, 20U);
  return std::min(options.retry_max, options.retry_first * (std::int64_t{1} << doublings));
}

void start_dialling(backend_link& link, time_ms now, link_effects& effects) {
  link.phase = link_dialling{now};
  effects.push_back(dial{});
}

/// The link is down: keep every order, try again after `delay`.
void wait(backend_link& link, std::string why, time_ms delay, time_ms now, link_effects& effects) {
  const bool news = link.linked() || link.error != why;
  link.phase = link_waiting{now + delay};
  link.error = std::move(why);
  link.reported = false;
  link.ask_report_at.reset();
  for (auto& [seq, p] : link.publishes)
    p.sent = false;
  if (news)
    effects.push_back(link_changed{});
}

void lose(backend_link& link, std::string why, time_ms now, link_effects& effects) {
  ++link.failures;
  wait(link, std::move(why), retry_delay(link.options, link.failures), now, effects);
}

void send_publishes(backend_link& link, link_effects& effects) {
  for (auto& [seq, p] : link.publishes)
    if (!std::exchange(p.sent, true))
      effects.push_back(send_publish{seq});
}

/// A new link knows nothing of the old one's orders: submit all of them again.  They are
/// idempotent by fence.
void come_up(backend_link& link, time_ms now, link_effects& effects) {
  link.phase = link_up{now, now, now + link.options.heartbeat_every};
  link.error.clear();
  link.ask_report_at = now + link.options.report_max;
  effects.push_back(link_changed{});
  effects.push_back(send_beat{++link.beats});
  if (!link.tasks.empty())
    effects.push_back(submit_tasks{{link.tasks.begin(), link.tasks.end()}});
  link.batch.clear();
  send_publishes(link, effects);
}

void fail_orders(backend_link& link, const std::string& why, link_effects& effects) {
  for (const auto& key : link.tasks)
    effects.push_back(fail_task{key, why});
  for (const auto& [seq, p] : link.publishes)
    effects.push_back(fail_publish{seq, why});
  link.tasks.clear();
  link.batch.clear();
  link.publishes.clear();
}

void tick_up(backend_link& link, link_up& up, time_ms now, link_effects& effects) {
  if (now - up.answered > link.options.silence_max) {
    effects.push_back(hang_up{});
    return lose(
        link,
        "no heartbeat was answered for " + std::to_string((now - up.answered).count()) + " ms", now,
        effects);
  }
  if (now >= up.beat_due) {
    up.beat_due = now + link.options.heartbeat_every;
    effects.push_back(send_beat{++link.beats});
  }
  if (link.ask_report_at && now >= *link.ask_report_at) {
    link.ask_report_at = now + link.options.report_max; // Until one is folded.
    effects.push_back(ask_full_report{});
  }
  send_publishes(link, effects); // Those whose call failed while the link stayed up.
}

void tick(backend_link& link, time_ms now, link_effects& effects) {
  std::visit(overloaded{
                 [](link_idle&) {},
                 [&](link_dialling& s) {
                   if (now - s.since <= link.options.dial_max)
                     return;
                   effects.push_back(hang_up{});
                   lose(link, "dialling got no answer", now, effects);
                 },
                 [&](link_up& s) { tick_up(link, s, now, effects); },
                 [&](link_waiting& s) {
                   if (now >= s.until)
                     start_dialling(link, now, effects);
                 },
             },
             link.phase);
  for (auto at = link.publishes.begin(); at != link.publishes.end();) {
    if (now < at->second.deadline) {
      ++at;
      continue;
    }
    effects.push_back(fail_publish{at->first, "the backend did not answer in time"
                                                  + (link.error.empty() ? "" : ": " + link.error)});
    at = link.publishes.erase(at);
  }
}

void judge(backend_link& link, const backend_judged& e, time_ms now, link_effects& effects) {
  if (!e.known) {
    fail_orders(link, "the backend was dropped from the cluster", effects);
    if (!std::holds_alternative<link_idle>(link.phase))
      effects.push_back(hang_up{});
    link.phase = link_idle{};
    link.alive = false;
    return;
  }
  if (std::holds_alternative<link_idle>(link.phase))
    start_dialling(link, now, effects);
  const bool was_alive = std::exchange(link.alive, e.alive);
  if (was_alive && !e.alive)
    fail_orders(link, "the backend was declared dead", effects);
  if (!was_alive && e.alive && link.linked())
    link.ask_report_at = now; // What it reported while the log held it dead was not believed.
}

void order_task(backend_link& link, task_key key, link_effects& effects) {
  if (!link.alive) {
    effects.push_back(
        fail_task{key, "the backend is not alive" + (link.error.empty() ? "" : ": " + link.error)});
    return;
  }
  const bool joined = !link.tasks.insert(key).second;
  if (joined || !link.linked())
    return; // Submitted with the others when the link comes up.
  if (link.batch.empty())
    effects.push_back(close_batch{});
  link.batch.push_back(key);
}

/// An end that names no tablet speaks for everything of that fence.
void hear_end(backend_link& link, task_key key, link_effects& effects) {
  std::vector<task_key> ended;
  for (auto at = link.tasks.lower_bound({key.fence, {}});
       at != link.tasks.end() && at->fence == key.fence; ++at)
    if (raw(key.tablet) == 0 || at->tablet == key.tablet || raw(at->tablet) == 0)
      ended.push_back(*at);
  for (const auto& k : ended) {
    link.tasks.erase(k);
    std::erase(link.batch, k);
    effects.push_back(answer_task{k});
  }
}

void order_publish(backend_link& link, std::uint64_t seq, time_ms now, link_effects& effects) {
  if (!link.alive) {
    effects.push_back(fail_publish{
        seq, "the backend is not alive" + (link.error.empty() ? "" : ": " + link.error)});
    return;
  }
  link.publishes[seq] = {now + link.options.publish_max, link.linked()};
  if (link.linked())
    effects.push_back(send_publish{seq});
}

void hear_publish(backend_link& link, const publish_heard& e, link_effects& effects) {
  const auto at = link.publishes.find(e.seq);
  if (at == link.publishes.end())
    return; // Late.
  if (!e.delivered) {
    at->second.sent = false; // Publishing is idempotent: again with the next tick or the next link.
    return;
  }
  link.publishes.erase(at);
  effects.push_back(answer_publish{e.seq});
}

} // namespace

link_effects step(backend_link& link, const link_event& event, time_ms now) {
  link_effects effects;
  const bool dialling = std::holds_alternative<link_dialling>(link.phase);
  const auto on = overloaded{
      [&](const link_attached&) {
        if (dialling)
          come_up(link, now, effects);
      },
      [&](const link_refused& e) {
        if (dialling)
          wait(link, e.why, link.options.refused_retry, now, effects);
      },
      [&](const link_lost& e) {
        if (dialling || link.linked())
          lose(link, e.why, now, effects);
      },
      [&](const link_answered&) {
        if (auto* up = std::get_if<link_up>(&link.phase)) {
          up->answered = now;
          link.failures = 0;
        }
      },
      [&](const link_ticked&) { tick(link, now, effects); },
      [&](const backend_judged& e) { judge(link, e, now, effects); },
      [&](const full_wanted& e) {
        if (link.linked())
          link.ask_report_at = std::min(link.ask_report_at.value_or(e.at), e.at);
      },
      [&](const full_folded&) {
        link.ask_report_at.reset();
        if (link.linked() && !std::exchange(link.reported, true))
          effects.push_back(link_changed{});
      },
      [&](const task_ordered& e) { order_task(link, e.key, effects); },
      [&](const task_end_heard& e) { hear_end(link, e.key, effects); },
      [&](const batch_closed&) {
        if (link.linked() && !link.batch.empty())
          effects.push_back(submit_tasks{std::exchange(link.batch, {})});
      },
      [&](const publish_ordered& e) { order_publish(link, e.seq, now, effects); },
      [&](const publish_heard& e) { hear_publish(link, e, effects); },
  };
  std::visit(on, event);
  return effects;
}

} // namespace tabletd::model
