#pragma once
// Treats a tablet of any state until nothing is left to do, and says what must be true on the way
// and at the end: it gets well if that is possible at all, never in circles, never by risking data.
#include "actors/model/assessment.h"
#include "tests/model/repair_world.h"
#include <set>

namespace tabletd::test {

struct walk_count {
  std::size_t tablets = 0;
  std::size_t steps = 0;
  std::size_t cured = 0;
  std::size_t stuck = 0;
};

/// How many complete replicas the tablet could have: the available backends where it belongs, or
/// their hosts where those are kept apart.
inline std::size_t holders(const catalog& cat, const tablet& t) {
  const auto a = assess(cat, t);
  std::set<std::string> distinct;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    if (b.available() && belongs(a, b))
      distinct.insert(a.host_anti_affinity ? b.host : std::to_string(raw(id)));
  });
  return distinct.size();
}

/// Holders of complete replicas that are available and where they belong.
inline std::size_t held(const catalog& cat, const tablet& t) {
  const auto a = assess(cat, t);
  std::set<std::string> distinct;
  for (const auto& s : a.replicas)
    if (s.complete && s.available && belongs(a, *s.home))
      distinct.insert(a.host_anti_affinity ? s.home->host : std::to_string(raw(s.home->id)));
  return distinct.size();
}

inline void treat(repair_world& world, tablet_id id, std::uint32_t wanted, walk_count& count) {
  constexpr int steps_max = 20;
  const auto start = assess(world.cat, world.at(id));
  // A 5; a colocated tablet gets all its replicas at home before one goes that is elsewhere (2.4).
  const auto had = world.at(id).replicas.size();
  const auto replicas_max = start.home ? had + wanted : std::max<std::size_t>(had, wanted + 1);
  for (int step = 0;; ++step) {
    ASSERT_LT(step, steps_max) << "going round in circles";
    const auto before = assess(world.cat, world.at(id));
    const auto d = world.decide(id);
    if (std::holds_alternative<leave_alone>(d.move))
      break;
    ++count.steps;
    world.carry_out(id, d);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    const auto after = assess(world.cat, world.at(id));
    // Appendix A 3, stronger: no remedy ever lowers the hosts with a complete copy below
    // the wanted number, forced or not.
    ASSERT_GE(after.complete, std::min(before.complete, wanted)) << world.text(d, id);
    ASSERT_GE(after.sources, 1U) << world.text(d, id);
    ASSERT_LE(world.at(id).replicas.size(), replicas_max) << world.text(d, id);
  }
  const auto end = diagnose(world.cat, world.at(id));
  const auto places = holders(world.cat, world.at(id));
  ++count.tablets;
  if (start.sources == 0) {
    ASSERT_EQ(end.health, tablet_health::unrecoverable);
  } else if (places >= wanted) {
    ASSERT_EQ(name(end.health), name(tablet_health::healthy));
    ASSERT_GE(held(world.cat, world.at(id)), wanted);
    ++count.cured;
  } else {
    // Not enough places: then every place there is holds a complete copy.
    ASSERT_EQ(held(world.cat, world.at(id)), places);
    ++count.stuck;
  }
}

inline std::size_t codes(std::size_t backends) {
  std::size_t all = 1;
  while (backends-- > 0)
    all *= 12;
  return all;
}

/// `code` in base 12: per backend, alive / dead / leaving times none / complete / behind / bad.
inline std::string set_up(repair_world& world, std::size_t backends, std::size_t code) {
  std::string notation;
  for (std::size_t n = 1; n <= backends; ++n, code /= 12) {
    if (code % 3 == 1)
      world.die(n);
    if (code % 3 == 2)
      world.leave(n);
    if (const char how = " +-!"[code % 12 / 3]; how != ' ')
      notation += std::to_string(n) + how + " ";
  }
  return notation;
}

/// Treats the tablet in every state a tablet of that many backends can have; change(world) may change
/// more of it, or return false to pass it over.
template <class Change>
void walk(const repair_world& ready, tablet_id id, std::size_t backends, std::uint32_t wanted, walk_count& count, Change&& change) {
  for (std::size_t code = 0; code < codes(backends); ++code) {
    auto world = ready;
    world.checked = false;
    const auto notation = set_up(world, backends, code);
    if (notation.empty())
      continue;
    world.fill(id, notation);
    if (!change(world))
      continue;
    treat(world, id, wanted, count);
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "wanted " << wanted << " code " << code << ": " << notation;
  }
}

} // namespace tabletd::test
