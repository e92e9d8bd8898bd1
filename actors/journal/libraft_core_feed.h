#pragma once
// The one way into the library, for libraft_core's own files.
#include "actors/journal/libraft_core.h"
#include "actors/journal/raft_shim.h"

namespace tabletd {

/// What the library hands out is only valid until its next step.
template <class Call>
int libraft_core::feed(model::update& out, Call&& call) {
  raft_shim_update raw{};
  const int code = call(&raw);
  if (code == 0)
    take(raw, out);
  return code;
}

}  // namespace tabletd
