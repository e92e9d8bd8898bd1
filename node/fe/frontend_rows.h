#pragma once
// What is known of the front ends of the group, for SHOW FRONTENDS and for who keeps the group.
#include "actors/console/console_facts.h"
#include "actors/model/group_change.h"
#include "node/fe/fe_group.h"

namespace tabletd {

struct frontend_sources {
  const fe_group& group;
  fe_face face;  ///< Of this node.
  bool leads = false;
  std::uint64_t applied{};  ///< What its catalog has folded.
  model::time_ms now{};     ///< Wall clock.
};
/// This node first.
[[nodiscard]] frontend_facts frontends_of(const frontend_sources& from, std::string leader);

[[nodiscard]] model::group_sight sight_of(const fe_group& group, const fe_face& face, model::time_ms now);

}  // namespace tabletd
