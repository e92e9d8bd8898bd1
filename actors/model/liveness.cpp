#include "actors/model/liveness.h"
#include <algorithm>

namespace tabletd::model {

std::vector<path_seen> paths_serving(const std::vector<path_view>& paths) {
  std::vector<path_seen> serving;
  for (const auto& p : paths)
    if (p.online)
      serving.push_back({p.hash, p.root, p.medium});
  std::sort(serving.begin(), serving.end(),
            [](const path_seen& a, const path_seen& b) { return a.hash < b.hash; });
  return serving;
}

namespace {

void judge(liveness& l, const backend& b, time_ms now, liveness_effects& effects) {
  auto& heart = l.hearts.at(b.id);
  if (heart.asked)
    return;
  const bool silent = now - heart.last > l.options.interval * l.options.missed_max;
  if (b.alive && silent) {
    heart.in_a_row = 0;
    heart.asked = true;
    effects.push_back(propose_died{b.id});
    return;
  }
  // A backend that never had a path has never lived: nothing depends on how steady it is.
  const std::uint32_t needed = b.paths.empty() ? 1 : l.options.steady_beats;
  const bool back = !b.alive && !silent && heart.in_a_row >= needed;
  const bool moved = b.alive && heart.in_a_row > 0 && heart.paths != b.paths;
  if (back || moved) {
    heart.asked = true;
    effects.push_back(propose_returned{b.id, heart.paths});
  }
}

/// If we ourselves slept (a paused process, a busy machine), the beats that came meanwhile are
/// still in our mailbox: nobody is silent because we did not listen.
void forgive_own_sleep(liveness& l, time_ms now) {
  const auto slept = l.ticked.count() == 0 ? time_ms{} : now - l.ticked - l.options.interval;
  if (slept > time_ms{})
    for (auto& [id, heart] : l.hearts)
      heart.last += slept;
  l.ticked = now;
}

/// One heart per backend of the catalog, no more.
void follow(liveness& l, const catalog& cat, time_ms now) {
  std::erase_if(l.hearts, [&](const auto& entry) { return !cat.backends.contains(entry.first); });
  cat.backends.for_each([&](backend_id id, const backend&) {
    l.hearts.try_emplace(id, liveness::heart{now, 0, {}, false});
  });
}

} // namespace

liveness_effects step(liveness& l, const catalog& cat, const liveness_event& event, time_ms now) {
  liveness_effects effects;
  std::visit(
      overloaded{
          [&](const heart_beat& e) {
            const auto* b = cat.backends.find(e.backend);
            if (!b)
              return;
            auto& heart
                = l.hearts.try_emplace(e.backend, liveness::heart{now, 0, {}, false}).first->second;
            const bool late = now - heart.last > l.options.interval * 2;
            heart.in_a_row = late ? 1 : heart.in_a_row + 1;
            heart.last = now;
            heart.paths = e.paths;
            judge(l, *b, now, effects);
          },
          [&](const proposal_ended& e) {
            if (const auto at = l.hearts.find(e.backend); at != l.hearts.end())
              at->second.asked = false;
          },
          [&](const liveness_ticked&) {
            forgive_own_sleep(l, now);
            follow(l, cat, now);
            cat.backends.for_each([&](backend_id, const backend& b) { judge(l, b, now, effects); });
          },
      },
      event);
  return effects;
}

} // namespace tabletd::model
