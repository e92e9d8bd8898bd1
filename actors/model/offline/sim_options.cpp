#include "actors/model/offline/sim_options.h"
#include <algorithm>
#include <array>

namespace tabletd::model::offline {

namespace {

using unit = option_unit;

template <time_ms sim_options::*Field>
void span(sim_options& of, std::uint64_t ms) {
  of.*Field = time_ms{static_cast<std::int64_t>(ms)};
}
template <auto Field>
void scheduler_span(sim_options& of, std::uint64_t ms) {
  of.scheduler.*Field = time_ms{static_cast<std::int64_t>(ms)};
}
double ratio(std::uint64_t percent) { return static_cast<double>(percent) / 100; }

constexpr std::array options{
  option_row{"seed", unit::number, "of sizes and of what is corrupted",
             [](sim_options& o, std::uint64_t v) { o.seed = v; }},
  option_row{"slots_per_path", unit::number, "copies that may touch a path at a time, at first",
             [](sim_options& o, std::uint64_t v) { o.scheduler.slots_per_path = static_cast<std::uint32_t>(v); }, 1},
  option_row{"repair_delay_factor", unit::span, "HIGH, NORMAL, LOW wait 1, 2, 3 of it",
             scheduler_span<&scheduler_options::repair_delay_factor>},
  option_row{"be_down_tolerance", unit::span, "so long a dead backend may take to return",
             scheduler_span<&scheduler_options::be_down_tolerance>},
  option_row{"relocate_delay", unit::span, "so long a colocation group waits for a dead backend",
             [](sim_options& o, std::uint64_t ms) {
               o.scheduler.colocate.relocate_delay = time_ms{static_cast<std::int64_t>(ms)};
             }},
  option_row{"colocate_balance", unit::number, "1: groups move their buckets, 0: they do not",
             [](sim_options& o, std::uint64_t v) { o.scheduler.colocate.enabled = v != 0; }},
  option_row{"balance", unit::number, "1: replicas move so that all is evenly loaded, 0: only repair moves them",
             [](sim_options& o, std::uint64_t v) { o.scheduler.balance.rules.enabled = v != 0; }},
  option_row{"high_watermark", unit::percent, "a fuller path takes no replica",
             [](sim_options& o, std::uint64_t v) { o.scheduler.fit.high_watermark = ratio(v); }},
  option_row{"flood_stage", unit::percent, "the same for a tablet that lacks a replica",
             [](sim_options& o, std::uint64_t v) { o.scheduler.fit.flood_stage = ratio(v); }},
  option_row{"path_rate", unit::mib_per_s, "of one path, shared by its copies",
             [](sim_options& o, std::uint64_t v) { o.path_rate_bytes_per_s = v << 20U; }, 1},
  option_row{"tick", unit::span, "of checker and scheduler", span<&sim_options::tick>, 1},
  option_row{"heartbeat", unit::span, "how often the leader learns how full paths are", span<&sim_options::heartbeat>,
             1},
  option_row{"dead_after", unit::span, "silence until a backend is dead", span<&sim_options::dead_after>},
  option_row{"back_after", unit::span, "answers until a dead one is taken back", span<&sim_options::back_after>},
  option_row{"link_after", unit::span, "from its start until a backend is linked", span<&sim_options::link_after>},
  option_row{"report_after", unit::span, "from then, or from damage, until its report",
             span<&sim_options::report_after>},
  option_row{"report_every", unit::span, "between two full reports", span<&sim_options::report_every>, 1},
  option_row{"edit_takes", unit::span, "from a proposal to its answer", span<&sim_options::edit_takes>},
  option_row{"task_takes", unit::span, "a task that moves no bytes", span<&sim_options::task_takes>},
  option_row{"load_takes", unit::span, "a load, from its label to its commit", span<&sim_options::load_takes>},
  option_row{"sample_every", unit::span, "between two points of the picture", span<&sim_options::sample_every>, 1},
};

} // namespace

std::span<const option_row> option_table() { return options; }

const option_row* find_option(std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(), [&](const option_row& o) { return o.name == name; });
  return found == options.end() ? nullptr : &*found;
}

} // namespace tabletd::model::offline
