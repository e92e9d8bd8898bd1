#include "actors/model/clone_life.h"
#include <algorithm>

namespace tabletd::model {

namespace {

clone_effects finish(clone_life& life, std::variant<held_replica, task_failed> outcome, time_ms now,
                     bool keep_partial = false) {
  const auto& order = life.order;
  life.state = clone_over{};
  return {let_go{keep_partial},
          end_clone{{order.fence, order.tablet, order.replica, std::move(outcome), life.copied_bytes,
                     static_cast<std::uint64_t>(std::max<std::int64_t>((now - life.started).count(), 0)), 0}}};
}

clone_effects fail(clone_life& life, task_failure kind, std::string message, time_ms now) {
  return finish(life, task_failed{kind, std::move(message)}, now);
}

std::string tablet_text(const clone_life& life) {
  return "tablet " + std::to_string(raw(life.order.tablet));
}

clone_effects ask(clone_life& life) {
  life.state = clone_asking{};
  return {ask_source{++life.attempt, life.full_wanted ? version_ranges{} : life.have}};
}

/// Why nothing may be cloned onto what is here; empty: go on.
std::string misfit(const clone_life& life, const held_replica& here) {
  const auto& order = life.order;
  if (here.replica != order.replica)
    return "this backend holds replica " + std::to_string(raw(here.replica)) + " of "
           + tablet_text(life) + ", not " + std::to_string(raw(order.replica))
           + "; drop that one first";
  if (raw(order.path) != 0 && here.path != order.path)
    return "replica " + std::to_string(raw(here.replica)) + " of " + tablet_text(life)
           + " is on another path of this backend than the one ordered";
  return {};
}

clone_effects looked(clone_life& life, const clone_looked& e, time_ms now) {
  if (!e.here) {
    if (raw(life.order.path) == 0)
      return fail(life, task_failure::path_unknown,
                  tablet_text(life) + " is not here and the order names no path", now);
    life.have.clear();
    return ask(life);
  }
  if (auto why = misfit(life, *e.here); !why.empty())
    return fail(life, task_failure::stale, std::move(why), now);
  if (!e.here->bad && e.here->version >= life.order.version && !life.full_wanted)
    return finish(life, *e.here, now); // Done before, or published meanwhile.
  life.have = e.have;
  life.have.push_back({version_initial, version_initial});
  if (e.here->bad)
    life.full_wanted = true; // Nothing of it can be trusted.
  return ask(life);
}

clone_effects opened(clone_life& life, const clone_snapshot& e, time_ms now) {
  const auto& have = life.full_wanted ? version_ranges{} : life.have;
  if (!e.full && have.empty())
    return fail(life, task_failure::unknown,
                "the source answered with an incremental snapshot although nothing is here", now);
  auto after = e.full ? version_ranges{} : have;
  after.insert(after.end(), e.rowsets.begin(), e.rowsets.end());
  if (const auto end = reach(after); end < life.order.version)
    return fail(life, task_failure::stale,
                "the source's copy of " + tablet_text(life) + " would reach version "
                  + std::to_string(end) + ", version " + std::to_string(life.order.version)
                  + " was ordered; clone from another replica",
                now);
  life.state = clone_copying{e.full};
  return {copy_blocks{life.attempt}};
}

clone_effects link_broke(clone_life& life, const clone_link_broke& e, time_ms now) {
  if (++life.fruitless >= life.pace.fruitless_max)
    return fail(life, task_failure::source_gone,
                "the link to " + life.order.source_host + ":" + std::to_string(life.order.source_port)
                  + " broke " + std::to_string(life.fruitless)
                  + " times in a row without bringing a block: " + e.why,
                now);
  life.state = clone_waiting{};
  const auto doublings = std::min<std::uint32_t>(life.fruitless - 1, 16);
  return {retry_in{std::min(life.pace.retry_first_ms * (1 << doublings), life.pace.retry_max_ms)}};
}

clone_effects install_failed(clone_life& life, bool full, const task_failed& why, time_ms now) {
  if (full || why.kind != task_failure::stale)
    return fail(life, why.kind, why.message, now);
  // What is here changed under an incremental copy: look again, take everything.
  life.full_wanted = true;
  life.state = clone_looking{};
  return {let_go{false}, look_here{}};
}

clone_effects installed(clone_life& life, const held_replica& here, time_ms now) {
  if (here.version < life.order.version)
    return fail(life, task_failure::stale,
                "the installed copy of " + tablet_text(life) + " reaches version "
                  + std::to_string(here.version) + ", version " + std::to_string(life.order.version)
                  + " was ordered",
                now);
  return finish(life, here, now);
}

struct transition {
  clone_life& life;
  time_ms now;

  bool current(std::uint32_t attempt) const { return attempt == life.attempt; }

  clone_effects operator()(const clone_looking&, const clone_looked& e) { return looked(life, e, now); }
  clone_effects operator()(const clone_looking&, const clone_step_failed& e) {
    return fail(life, e.why.kind, e.why.message, now);
  }
  clone_effects operator()(const clone_asking&, const clone_snapshot& e) {
    return current(e.attempt) ? opened(life, e, now) : clone_effects{};
  }
  clone_effects operator()(const clone_asking&, const clone_step_failed& e) {
    return current(e.attempt) ? fail(life, e.why.kind, e.why.message, now) : clone_effects{};
  }
  clone_effects operator()(const clone_asking&, const clone_link_broke& e) {
    return current(e.attempt) ? link_broke(life, e, now) : clone_effects{};
  }
  clone_effects operator()(const clone_copying&, const clone_progressed& e) {
    if (!current(e.attempt))
      return {};
    life.copied_bytes += e.bytes;
    life.fruitless = 0;
    return {};
  }
  clone_effects operator()(const clone_copying& s, const clone_copied& e) {
    if (!current(e.attempt))
      return {};
    const bool full = s.full;
    life.state = clone_installing{full};
    return {install_copy{full}};
  }
  clone_effects operator()(const clone_copying&, const clone_step_failed& e) {
    return current(e.attempt) ? fail(life, e.why.kind, e.why.message, now) : clone_effects{};
  }
  clone_effects operator()(const clone_copying&, const clone_link_broke& e) {
    return current(e.attempt) ? link_broke(life, e, now) : clone_effects{};
  }
  clone_effects operator()(const clone_installing&, const clone_installed& e) {
    return installed(life, e.here, now);
  }
  clone_effects operator()(const clone_installing& s, const clone_step_failed& e) {
    return current(e.attempt) ? install_failed(life, s.full, e.why, now) : clone_effects{};
  }
  clone_effects operator()(const clone_waiting&, const clone_retry_due&) { return ask(life); }

  // An install is atomic and its outcome the only truth: files and answer must agree.
  clone_effects operator()(const clone_installing&, const clone_cancelled&) { return {}; }
  clone_effects operator()(const clone_over&, const clone_cancelled&) { return {}; }
  template <class State>
  clone_effects operator()(const State&, const clone_cancelled& e) {
    return finish(life, task_failed{task_failure::cancelled, e.why}, now, e.keep_partial);
  }

  // Everything else arrived too late to matter.
  template <class State, class Event>
  clone_effects operator()(const State&, const Event&) {
    return {};
  }
};

} // namespace

clone_effects begin(clone_life& life, time_ms now) {
  life.started = now;
  life.state = clone_looking{};
  return {look_here{}};
}

clone_effects step(clone_life& life, const clone_event& event, time_ms now) {
  return std::visit(transition{life, now}, life.state, event);
}

} // namespace tabletd::model
