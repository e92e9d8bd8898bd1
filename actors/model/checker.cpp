#include "actors/model/checker.h"

namespace tabletd::model {

namespace {

/// One step under way: what it may still do and what it found.
struct check_step {
  tablet_checks& checks;
  const catalog& cat;
  check_effects effects;
  std::size_t left = checks_per_step;

  void check(tablet_id id) {
    --left;
    ++checks.tablets;
    const auto* t = cat.tablets.find(id);
    const auto what = t ? diagnose(cat, *t) : diagnosis{};
    if (what.health != tablet_health::healthy) {
      ++checks.unhealthy;
      checks.reported.insert(id);
      effects.sick.push_back({id, what});
    } else if (checks.reported.erase(id) > 0) {
      effects.healed.push_back(id);
    }
  }

  void touched() {
    for (; left > 0 && !checks.touched.empty(); checks.touched.pop_front())
      check(checks.touched.front());
  }

  void backends() {
    while (left > 0 && !checks.backends.empty()) {
      const auto* b = cat.backends.find(checks.backends.front());
      bool all = true;
      if (b)
        b->tablets.for_each_from(checks.backend_next, [&](tablet_id id, replica_id) {
          if (left == 0) {
            checks.backend_next = id;
            all = false;
            return false;
          }
          check(id);
          return true;
        });
      if (!all)
        return;
      checks.backends.pop_front();
      checks.backend_next = {};
    }
  }

  /// By id over the newest snapshot: a tablet that came or went meanwhile is an event, and an
  /// old snapshot held for a whole round would pin what it shares.
  void sweep() {
    bool all = true;
    cat.tablets.for_each_from(checks.sweep_next, [&](tablet_id id, const tablet&) {
      if (left == 0) {
        checks.sweep_next = id;
        all = false;
        return false;
      }
      check(id);
      return true;
    });
    if (!all)
      return;
    checks.sweep_next = {};
    checks.first_round = false;
    ++checks.rounds;
  }
};

} // namespace

check_effects step(tablet_checks& checks, const check_event& event, const catalog& cat, time_ms now) {
  check_step s{checks, cat, {}};
  if (const auto* moved = std::get_if<catalog_moved>(&event)) {
    checks.touched.insert(checks.touched.end(), moved->touched.begin(), moved->touched.end());
    checks.backends.insert(checks.backends.end(), moved->backends.begin(), moved->backends.end());
  }
  s.touched();
  s.backends();
  const bool under_way = raw(checks.sweep_next) != 0;
  const bool due = checks.first_round || now - checks.round_began >= sweep_period;
  // The first round goes on with every step; the later ones with the tick only: that is what makes them slow.
  const bool turn = std::holds_alternative<check_tick>(event) || (checks.first_round && under_way);
  if (turn && s.left > 0 && (under_way || due)) {
    if (!under_way)
      checks.round_began = now;
    s.sweep();
  }
  s.effects.again = !checks.touched.empty() || !checks.backends.empty()
                    || (checks.first_round && raw(checks.sweep_next) != 0);
  return std::move(s.effects);
}

} // namespace tabletd::model
