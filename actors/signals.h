#pragma once
// Bare signals every subsystem may use.  Anything with more to say is a sealed message.
#include <caf/meta/type_name.hpp>
#include <cstdint>

namespace tabletd {

struct tick_due {};
template <class I>
typename I::result_type inspect(I& f, tick_due&) {
  return f(caf::meta::type_name("tick_due"));
}

/// Something observable changed; look at the published value again.
struct view_changed {};
template <class I>
typename I::result_type inspect(I& f, view_changed&) {
  return f(caf::meta::type_name("view_changed"));
}

} // namespace tabletd
