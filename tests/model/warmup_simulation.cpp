// Trouble and users.  The rest: warmup_simulation_checks.cpp, _leader.cpp and _backend.cpp.
#include "tests/model/warmup_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t backend_count = 6, cluster_count = 3, jobs_max = 14;

backend_id backend_of(std::uint64_t cluster, std::uint64_t place) { return backend_id{1 + 2 * cluster + place}; }

}  // namespace

const char* name_of(warmup_mutant mutant) {
  static constexpr std::array names{"none",
                                    "idle_means_finished",
                                    "done_moves_on_accept",
                                    "no_lease",
                                    "no_tombstones",
                                    "results_of_any_generation",
                                    "epoch_ignored",
                                    "runs_ignored",
                                    "anybody_renews",
                                    "sends_before_logged",
                                    "clears_before_logged",
                                    "resumes_too_far",
                                    "takes_late_replies",
                                    "does_not_wait_for_the_log",
                                    "forgets_refused_records",
                                    "waits_forever",
                                    "busy_is_a_failure",
                                    "one_failure_is_enough",
                                    "hides_failed_tablets",
                                    "names_nobody_skipped",
                                    "finishes_with_the_first",
                                    "pause_ignored",
                                    "youngest_first",
                                    "no_limit",
                                    "forgets_who_holds_what",
                                    "failure_ends_periodic",
                                    "fold_takes_anything",
                                    "judged_by_outcome"};
  static_assert(names.size() == static_cast<std::size_t>(warmup_mutant::count));
  return names[static_cast<std::size_t>(mutant)];
}

warmup_simulation_counts& warmup_simulation_counts::operator+=(const warmup_simulation_counts& other) {
  using counts = warmup_simulation_counts;
  for (const auto field :
       {&counts::events, &counts::leaders, &counts::deposed_requests, &counts::restarts, &counts::jobs, &counts::rounds,
        &counts::batches, &counts::executions, &counts::finished, &counts::skipped, &counts::failed, &counts::cancelled,
        &counts::pauses, &counts::silences, &counts::lost_records, &counts::refused_records, &counts::late_replies,
        &counts::dropped_results, &counts::step_downs})
    this->*field += other.*field;
  for (std::size_t i = 0; i < rules.size(); ++i)
    rules[i] += other.rules[i];
  return *this;
}

warmup_simulation::warmup_simulation(std::uint64_t seed, warmup_mutants broken) : broken_(broken), dice_(seed) {
  draw_faults();
  for (std::uint64_t b = 1; b <= backend_count; ++b) {
    auto& one = backends_.emplace_back();
    one.id = backend_id{b};
    start(one);
  }
}

/// Each kind of trouble is there or not, and then more or less of it.
void warmup_simulation::draw_faults() {
  const auto draw = [this](std::uint64_t most) { return below(2) == 0 ? 0 : below(most) + 1; };
  odds_ = {.lost = draw(2'000),
           .twice = draw(3'000),
           .slow = draw(3'000),
           .elect = draw(200),
           .elect_step = draw(120),
           .restart = draw(400),
           .proposal = draw(1'500),
           .tablet = draw(150),
           .cancel = draw(120),
           .pause = draw(200),
           .create = 400 + draw(400),
           .long_tablet = draw(2'000)};
}

time_ms warmup_simulation::message_delay() { return chance(odds_.slow) ? within(60s) : within(300ms); }

std::string warmup_simulation::run() {
  try {
    elect();
    for (int i = 0; i < 3; ++i)
      create_job();
    later(0s, [this] { beat(); });
    run_until(now_ + 15min + within(25min));
    heal();
    for (int i = 0; i < 60; ++i) {
      run_until(now_ + 3min);
      if (why_not_done().empty())
        return {};
    }
    return "it does not end: " + why_not_done();
  } catch (const std::logic_error& broken) {
    return "at " + std::to_string(now_.count()) + " ms: " + broken.what();
  }
}

void warmup_simulation::run_until(time_ms end) {
  while (!queue_.empty() && queue_.top().at <= end) {
    auto act = queue_.top().act;
    now_ = queue_.top().at;
    queue_.pop();
    ++counts_.events;
    act();
  }
  now_ = end;
}

/// Every two seconds: trouble, users, and what leaders do of themselves.
void warmup_simulation::beat() {
  if (chance(odds_.elect))
    elect();
  if (auto& b = backends_[below(backend_count)]; b.up && chance(odds_.restart))
    restart(b);
  users();
  auto leaders = deposed_;
  if (leader_)
    leaders.push_back(leader_);
  for (const auto& l : leaders)
    look(l);
  std::erase_if(deposed_, [](const leader_ptr& l) { return l->gone; });
  later(2s, [this] { beat(); });
}

void warmup_simulation::heal() {
  say("all is healed");
  faulty_ = false;
  healed_at_ = now_;
  for (auto& b : backends_)
    if (!b.up)
      start(b);
  for (const auto& l : deposed_)
    later(within(1min), [l] { l->gone = true; });
  if (!leader_)
    elect();
}

// -- users ---------------------------------------------------------------------------------

void warmup_simulation::create_job() {
  if (!leader_ || counts_.jobs >= jobs_max)
    return;
  warmup_definition what;
  const auto dst = below(cluster_count);
  what.dst = "d" + std::to_string(dst);
  const auto kind = below(10);
  what.type = kind < 5 ? warmup_type::table : warmup_type::cluster;
  if (what.type == warmup_type::table)
    what.targets = {{table_id{1 + below(3)}, {}}};
  else
    what.src = "s" + std::to_string(below(3));
  if (kind >= 9)
    what.sync = sync_on_event{};
  else if (kind >= 7)
    what.sync = sync_periodic{30s + within(4min)};
  what.on_error = below(2) == 0 ? warmup_on_error::skip : warmup_on_error::cancel;
  what.when_busy = below(5) == 0 ? warmup_when_busy::reject : warmup_when_busy::queue;
  const bool planned = what.type == warmup_type::table && std::holds_alternative<sync_once>(what.sync);
  auto plan = planned ? draw_plan(what.dst) : std::vector<warmup_lane_plan>{};
  ++counts_.jobs;
  propose(leader_, warmup_created{std::move(what), std::move(plan)}, nullptr);
}

std::vector<warmup_lane_plan> warmup_simulation::draw_plan(const std::string& dst) {
  std::vector<warmup_lane_plan> plan;
  std::uint64_t tablet = 0;
  for (std::uint64_t place = 0; place < 2; ++place) {
    if (below(8) == 0)
      continue;
    auto& l = plan.emplace_back(warmup_lane_plan{backend_of(std::stoull(dst.substr(1)), place), {}});
    for (auto batches = below(5); batches > 0; --batches) {
      warmup_batch batch;
      for (auto tablets = 1 + below(3); tablets > 0; --tablets) {
        batch.tablets.push_back(tablet_id{++tablet});
        batch.bytes += 1;
      }
      l.batches.push_back(std::move(batch));
    }
  }
  return plan;
}

void warmup_simulation::users() {
  if (!leader_)
    return;
  if (chance(odds_.create))
    create_job();
  const bool winds_up = !faulty_ && now_ - healed_at_ > 5min;
  std::vector<warmup_record> said;
  ledger_.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (is_final(job.state))
      return;
    const bool lasts = !std::holds_alternative<sync_once>(job.what.sync);
    if (chance(odds_.cancel) || (winds_up && lasts))
      said.push_back(std::get<warmup_ended>(cancel_of(ledger_, id)));
    else if (job.paused && (!faulty_ || below(20) == 0))
      said.push_back(warmup_resumed{id});
    else if (!job.paused && chance(odds_.pause))
      said.push_back(warmup_paused{id});
  });
  for (const auto& record : said) {
    const auto* end = std::get_if<warmup_ended>(&record);
    if (leader_ && end && leader_->ending.insert(end->job).second)
      propose(leader_, record, [l = leader_, job = end->job](bool) { l->ending.erase(job); });
    else if (leader_ && !end)
      propose(leader_, record, nullptr);
  }
}

bool warmup_simulation::is_quiet() const {
  return std::ranges::all_of(backends_, [this](const backend& b) { return raw(b.slot->holder(now_)) == 0; });
}

std::string warmup_simulation::why_not_done() const {
  std::string why;
  ledger_.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (!is_final(job.state))
      why = "job " + std::to_string(raw(id)) + " is " + word_of(job.state);
  });
  if (why.empty() && !is_quiet())
    why = "a slot is held";
  return why;
}

}  // namespace tabletd::test
