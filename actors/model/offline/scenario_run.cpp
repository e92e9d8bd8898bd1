#include "actors/model/offline/scenario_run.h"
#include <cmath>
#include <optional>

namespace tabletd::model::offline {

namespace {

std::string text_of(const assertion& a, std::uint64_t value) {
  switch (a.what) {
    case measure::thrash:
    case measure::balanced: {
      auto rest = std::to_string(value % 1'000);
      rest.insert(0, 3 - rest.size(), '0');
      return std::to_string(value / 1'000) + "." + rest;
    }
    case measure::time_to_healthy: return std::to_string(value) + " ms";
    default: return std::to_string(value);
  }
}

class runner {
public:
  explicit runner(const std::function<void(const printed&)>& print) : print_(print) {}

  run_summary run(const scenario& what) {
    for (const auto& one : what) {
      auto failure = std::visit([this](const auto& c) { return carry_out(c); }, one.body);
      if (sim_ && sim_->broken().empty())
        sim_->check_all();
      if (sim_ && !sim_->broken().empty())
        failure = "an invariant broke " + sim_->broken();
      if (!failure.empty())
        return sum_up(one.text + ": " + failure, one.line);
    }
    return sum_up("", 0);
  }

private:
  std::string carry_out(const set_option& c) {
    find_option(c.name)->set(options_, c.value);
    return "";
  }
  std::string carry_out(const print_row& c) {
    print_({sim().facts(), c.backends ? sim().facts_by_backend() : std::vector<backend_facts>{}});
    return "";
  }
  std::string carry_out(const assertion& a) {
    ++summary_.assertions;
    if (a.what == measure::healthy)
      return sim().healthy() ? "" : "it is not";
    if (a.what == measure::replicas_on && !sim().find(a.backend))
      return "there is no backend " + std::to_string(a.backend);
    const auto value = measured(a);
    const bool holds = a.how == relation::equal     ? value == a.wanted
                       : a.how == relation::at_most ? value <= a.wanted
                                                    : value >= a.wanted;
    return holds ? "" : "it is " + text_of(a, value);
  }
  template <class Command>
  std::string carry_out(const Command& c) {
    return sim().carry_out(c);
  }

  std::uint64_t measured(const assertion& a) {
    const auto seen = sim().facts();
    switch (a.what) {
      case measure::healthy: return sim().healthy();
      case measure::status: return seen.by_health[static_cast<std::size_t>(a.status)];
      case measure::replicas_on: return sim().replicas_on(*sim().find(a.backend));
      case measure::max_skew: return seen.replicas_max - seen.replicas_min;
      case measure::moves: return sim().copies().orders();
      case measure::reverted: return sim().copies().reverted();
      case measure::thrash: return sim().copies().thrash_thousandths();
      case measure::time_to_healthy: return static_cast<std::uint64_t>(sim().ill().longest().count());
      case measure::balanced: return static_cast<std::uint64_t>(std::llround(seen.score_distance * 1'000));
    }
    return 0;
  }

  run_summary sum_up(std::string failure, std::uint32_t line) {
    sim().take_sample();
    const auto& copies = sim().copies();
    summary_.end = sim().facts();
    summary_.orders = copies.orders();
    summary_.copies = copies.copies();
    summary_.failures = copies.failures();
    summary_.reverted = copies.reverted();
    summary_.needed_bytes = copies.needed_bytes();
    summary_.thrash_thousandths = copies.thrash_thousandths();
    summary_.loads_refused = sim().loads_refused();
    summary_.longest_illness = sim().ill().longest();
    summary_.healthy = sim().healthy();
    summary_.samples = sim().samples();
    summary_.failure = std::move(failure);
    summary_.failed_line = line;
    return std::move(summary_);
  }

  /// Its front end starts with the options of the first lines.
  simulation& sim() {
    if (!sim_)
      sim_.emplace(options_);
    return *sim_;
  }

  const std::function<void(const printed&)>& print_;
  sim_options options_;
  std::optional<simulation> sim_;
  run_summary summary_;
};

} // namespace

run_summary run_scenario(const scenario& what, const std::function<void(const printed&)>& print) {
  return runner{print}.run(what);
}

} // namespace tabletd::model::offline
