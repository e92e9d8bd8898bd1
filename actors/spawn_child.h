#pragma once
// How actors are born in this house: spawn_child(parent, function, arguments...) is
// parent->spawn(...) with the metered base underneath.  The actor's own code stays plain.
#include "actors/metered.h"
#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/spawn_options.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <utility>

namespace tabletd {

/// For mailboxes that peers can fill.
struct mailbox_bound {
  std::uint64_t messages_max = 0; ///< 0: unbounded.
};

/// `parent`: an actor or an actor system.  `fun`: an actor function whose first parameter is
/// its stateful_actor pointer; every other parameter needs an argument (a function actor
/// without arguments aborts under _GLIBCXX_ASSERTIONS: design/actors.md 2).
template <caf::spawn_options Options = caf::no_spawn_options, class Parent, class R, class Self,
          class... As, class... Xs>
auto spawn_child(Parent* parent, mailbox_bound bound, R (*fun)(Self*, As...), Xs&&... xs) {
  static_assert(sizeof...(As) == sizeof...(Xs) && sizeof...(As) > 0, "one argument per parameter, and at least one");
  return parent->template spawn<Options>(
    [fun, bound](metered<Self>* self, As... as) -> R {
      self->bound_mailbox(bound.messages_max);
      return fun(self, std::forward<As>(as)...);
    },
    std::forward<Xs>(xs)...);
}

template <caf::spawn_options Options = caf::no_spawn_options, class Parent, class R, class Self,
          class... As, class... Xs>
auto spawn_child(Parent* parent, R (*fun)(Self*, As...), Xs&&... xs) {
  return spawn_child<Options>(parent, mailbox_bound{}, fun, std::forward<Xs>(xs)...);
}

/// child_spec{.id = "checker", .start = spawner(tablet_checker, ports)}: spawns a new
/// incarnation, with copies of the same arguments, each time it is called.
template <caf::spawn_options Options = caf::no_spawn_options, class R, class Self, class... As, class... Xs>
std::function<caf::actor(caf::event_based_actor*)> spawner(R (*fun)(Self*, As...), Xs&&... xs) {
  return [fun, ... xs = std::forward<Xs>(xs)](caf::event_based_actor* parent) {
    return caf::actor_cast<caf::actor>(spawn_child<Options>(parent, fun, xs...));
  };
}

} // namespace tabletd
