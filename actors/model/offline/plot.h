#pragma once
// The course of a simulation as a picture: how many tablets are healthy, how many copies run, how
// full the backends are.
#include "actors/model/offline/simulation.h"
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model::offline {

/// An SVG document; equal samples give equal bytes.  `title` may hold any text.
[[nodiscard]] std::string plot_svg(const std::vector<sim_sample>& samples, std::string_view title);

} // namespace tabletd::model::offline
