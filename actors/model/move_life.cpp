#include "actors/model/move_life.h"
#include <algorithm>

namespace tabletd::model {

namespace {

move_effects finish(move_life& life, std::variant<held_replica, task_failed> outcome, time_ms now,
                    bool keep_partial = false) {
  const auto& order = life.order;
  life.state = move_over{};
  return {leave_move{keep_partial},
          end_move{{life.fence, order.tablet, order.replica, std::move(outcome), life.copied_bytes,
                    static_cast<std::uint64_t>(std::max<std::int64_t>((now - life.started).count(), 0)), 0}}};
}

move_effects fail(move_life& life, task_failure kind, std::string message, time_ms now) {
  return finish(life, task_failed{kind, std::move(message)}, now);
}

std::string replica_text(const move_life& life) {
  return "replica " + std::to_string(raw(life.order.replica)) + " of tablet " + std::to_string(raw(life.order.tablet));
}

move_effects looked(move_life& life, const move_looked& e, time_ms now) {
  if (!e.here)
    return fail(life, task_failure::stale, "this backend does not hold " + replica_text(life), now);
  if (e.here->replica != life.order.replica)
    return fail(life, task_failure::stale,
                "this backend holds replica " + std::to_string(raw(e.here->replica)) + " instead of "
                  + replica_text(life),
                now);
  if (e.here->path == life.order.path)
    return finish(life, *e.here, now); // Moved before.
  if (e.here->bad)
    return fail(life, task_failure::source_corrupt,
                replica_text(life) + " is damaged; repair it from another replica first", now);
  life.state = move_listing{};
  return {list_rest{}};
}

move_effects listed(move_life& life, bool alone, const move_listed& e) {
  if (alone && e.rowsets == 0) {
    life.state = move_switching{};
    return {switch_paths{}};
  }
  const bool little = e.bytes <= life.pace.rest_bytes_max || life.rounds >= life.pace.rounds_max;
  if (!alone && little) {
    life.state = move_shutting{};
    return {shut_gate{}};
  }
  life.state = move_copying{little};
  if (alone && !little)
    return {open_gate{}, copy_rest{}}; // Loads were faster than the gate.
  return {copy_rest{}};
}

move_effects copied(move_life& life, bool alone) {
  ++life.rounds;
  if (alone) {
    life.state = move_switching{};
    return {switch_paths{}};
  }
  life.state = move_listing{};
  return {list_rest{}};
}

struct transition {
  move_life& life;
  time_ms now;

  move_effects operator()(const move_looking&, const move_looked& e) { return looked(life, e, now); }
  move_effects operator()(const move_listing& s, const move_listed& e) { return listed(life, s.alone, e); }
  move_effects operator()(const move_copying&, const move_progressed& e) {
    life.copied_bytes += e.bytes;
    return {};
  }
  move_effects operator()(const move_copying& s, const move_copied&) { return copied(life, s.alone); }
  move_effects operator()(const move_shutting&, const move_alone&) {
    life.state = move_listing{true};
    return {list_rest{}};
  }
  move_effects operator()(const move_switching&, const move_switched& e) { return finish(life, e.here, now); }

  move_effects operator()(const move_over&, const move_failed&) { return {}; }
  template <class State>
  move_effects operator()(const State&, const move_failed& e) {
    return finish(life, e.why, now);
  }
  // A switch is atomic and its outcome the only truth: files and answer must agree.
  move_effects operator()(const move_switching&, const move_cancelled&) { return {}; }
  move_effects operator()(const move_over&, const move_cancelled&) { return {}; }
  template <class State>
  move_effects operator()(const State&, const move_cancelled& e) {
    return finish(life, task_failed{task_failure::cancelled, e.why}, now, e.keep_partial);
  }

  // Everything else arrived too late to matter.
  template <class State, class Event>
  move_effects operator()(const State&, const Event&) {
    return {};
  }
};

} // namespace

move_effects begin(move_life& life, time_ms now) {
  life.started = now;
  life.state = move_looking{};
  return {look_for_replica{}};
}

move_effects step(move_life& life, const move_event& event, time_ms now) {
  return std::visit(transition{life, now}, life.state, event);
}

} // namespace tabletd::model
