// Time, the log and what can be seen of a simulation.
#include "actors/model/offline/simulation.h"
#include "actors/model/assessment.h"
#include "actors/model/load_score.h"
#include "actors/model/membership_rules.h"
#include <algorithm>
#include <cmath>

namespace tabletd::model::offline {

namespace {

/// The machines are up since an hour, on some day: 0 means "never" to the model.
constexpr time_ms began{3'600'000};
constexpr time_ms wall_ahead{1'700'000'000'000};
constexpr std::size_t samples_max = 2'048;

} // namespace

simulation::simulation(const sim_options& options)
    : options_(options),
      now_(began),
      dice_{options.seed},
      transfers_(options.path_rate_bytes_per_s),
      sample_spacing_(options.sample_every) {
  append(cluster_founded{{}, "simulated"});
  lead();
  after({}, [this] { tick(); });
  after({}, [this] { sample(); });
  after(options_.heartbeat, [this] { beat(); });
}

time_ms simulation::wall() const { return now_ + wall_ahead; }

// -- time --------------------------------------------------------------------------------

std::optional<time_ms> simulation::next_moment() const {
  auto next = transfers_.next_end();
  if (!events_.empty() && (!next || events_.top().at < *next))
    next = events_.top().at;
  return next;
}

/// The next thing; copies that have arrived come before what is due in the same moment.
void simulation::happen() {
  if (const auto arrival = transfers_.next_end(); arrival && *arrival <= now_) {
    for (const auto fence : transfers_.take_ended(now_))
      if (auto* b = by_id(copying_at_.at(fence)))
        end_copy(*b, fence);
    return;
  }
  const auto run = events_.top().run;
  events_.pop();
  run();
}

void simulation::advance(time_ms end, bool until_well) {
  while (broken_.empty() && !(until_well && noticed() && healthy())) {
    const auto next = next_moment();
    if (!next || *next > end) {
      now_ = end;
      return;
    }
    now_ = std::max(now_, *next);
    do
      happen();
    while (broken_.empty() && next_moment() == now_);
  }
}

void simulation::tick() {
  for (const auto id : emptied_backends(cat_))
    append(backend_dropped{id});
  // On a real leader news takes microseconds, so it is hardly ever a tick that finds a change first.
  deliver_news();
  feed(check_event{check_tick{}});
  feed(sched_event{sched_tick{}});
  illness_.see(healthy(), now_);
  check_now_and_then();
  after(options_.tick, [this] { tick(); });
}

void simulation::beat() {
  for (auto& b : backends_)
    if (b.linked)
      refresh_view(b);
  after(options_.heartbeat, [this] { beat(); });
}

void simulation::take_sample() {
  const auto seen = facts();
  sim_sample point{seen.at,
                   seen.tablets == 0 ? 1 : static_cast<double>(seen.healthy()) / static_cast<double>(seen.tablets),
                   transfers_.size(),
                   {}};
  for (const auto& b : backends_)
    point.fill.push_back(b.fill());
  samples_.push_back(std::move(point));
}

void simulation::sample() {
  take_sample();
  if (samples_.size() >= samples_max) { // Every other one from now on.
    for (std::size_t at = 1; 2 * at < samples_.size(); ++at)
      samples_[at] = std::move(samples_[2 * at]);
    samples_.resize(samples_.size() / 2);
    sample_spacing_ *= 2;
  }
  after(sample_spacing_, [this] { sample(); });
}

std::string simulation::carry_out(const run_for& c) {
  advance(now_ + c.span, false);
  return "";
}

std::string simulation::carry_out(const run_until_healthy& c) {
  deliver_news();
  advance(now_ + c.within, true);
  illness_.see(healthy(), now_);
  if ((noticed() && healthy()) || !broken_.empty())
    return "";
  const auto seen = facts();
  return "it is not healthy after " + std::to_string(c.within.count() / 1'000) + " s: " + std::to_string(seen.healthy())
         + " of " + std::to_string(seen.tablets) + " tablets are, " + std::to_string(seen.queued) + " wait, "
         + std::to_string(seen.running) + " are being treated";
}

// -- the log -----------------------------------------------------------------------------

verdict simulation::append(edit_body body) {
  std::optional<tablet> before;
  if (const auto* e = std::get_if<replica_dropped>(&body))
    if (const auto* t = cat_.tablets.find(e->tablet))
      before = *t;
  index_ = log_index{raw(index_) + 1};
  const edit entry{wall(), std::move(body)};
  auto v = apply(cat_, entry, index_);
  if (v.ok())
    judge(entry.body, v, before);
  news(v);
  check_now_and_then();
  return v;
}

void simulation::news(const verdict& v) {
  health_.touch(v.touched);
  news_.touched.insert(news_.touched.end(), v.touched.begin(), v.touched.end());
  if (raw(v.touched_backend) != 0) {
    health_.touch_all();
    news_.backends.push_back(v.touched_backend);
  }
  if (news_due_ || (news_.touched.empty() && news_.backends.empty()))
    return;
  news_due_ = true;
  after({}, [this] { deliver_news(); });
}

void simulation::deliver_news() {
  if (std::exchange(news_due_, false))
    feed(check_event{catalog_moved{std::exchange(news_, {})}});
}

// -- what can be seen --------------------------------------------------------------------

bool simulation::healthy() {
  const auto& counted = health_.by_health(cat_);
  return counted[static_cast<std::size_t>(tablet_health::healthy)] == cat_.tablets.size() && contexts_.empty()
         && cat_.orders.empty();
}

bool simulation::noticed() const {
  return reports_due_ == 0 && std::all_of(backends_.begin(), backends_.end(), [this](const sim_backend& b) {
           const auto* known = cat_.backends.find(b.id);
           return !known || (known->alive == b.up && b.linked == b.up && b.reported == b.up);
         });
}

sim_facts simulation::facts() {
  sim_facts seen;
  seen.at = now_ - began;
  seen.tablets = cat_.tablets.size();
  seen.by_health = health_.by_health(cat_);
  seen.queued = scheduler_->queue().size();
  seen.running = contexts_.size();
  seen.copied_bytes = copies_.copied_bytes();
  const load_scores scores{cat_, cluster_, scheduler_->slots()};
  std::vector<double> of;
  double sum = 0;
  cat_.backends.for_each([&](backend_id id, const backend& b) {
    if (!b.available())
      return;
    const std::uint64_t replicas = b.tablets.size();
    seen.replicas_min = of.empty() ? replicas : std::min(seen.replicas_min, replicas);
    seen.replicas_max = std::max(seen.replicas_max, replicas);
    sum += static_cast<double>(replicas);
    of.push_back(scores.of(id));
  });
  if (of.empty())
    return seen;
  const auto count = static_cast<double>(of.size());
  seen.replicas_average = sum / count;
  double average = 0;
  for (const auto score : of)
    average += score / count;
  for (const auto score : of)
    if (average > 0)
      seen.score_distance = std::max(seen.score_distance, std::abs(score - average) / average);
  return seen;
}

std::vector<backend_facts> simulation::facts_by_backend() const {
  const load_scores scores{cat_, cluster_, scheduler_->slots()};
  std::vector<backend_facts> seen;
  for (const auto& b : backends_) {
    const auto* known = cat_.backends.find(b.id);
    const auto state = !known ? "gone" : !known->alive ? "dead" : known->decommissioned ? "leaving" : "up";
    seen.push_back({b.number, state, replicas_on(b), b.fill(), scores.of(b.id)});
  }
  return seen;
}

const sim_backend* simulation::find(backend_number number) const {
  return number >= 1 && number <= backends_.size() ? &backends_[number - 1] : nullptr;
}

std::uint64_t simulation::replicas_on(const sim_backend& b) const {
  const auto* known = cat_.backends.find(b.id);
  return known ? known->tablets.size() : 0;
}

// -- what must hold ----------------------------------------------------------------------

void simulation::fail(std::string what) {
  if (broken_.empty())
    broken_ = "at " + std::to_string((now_ - began).count()) + " ms, entry " + std::to_string(raw(index_)) + ": "
              + std::move(what);
}

void simulation::judge(const edit_body& body, const verdict&, const std::optional<tablet>& before) {
  if (const auto* e = std::get_if<clone_ordered>(&body)) {
    copies_.ordered();
    const auto& t = *cat_.tablets.find(e->tablet);
    if (t.replicas.size() > cat_.table_of(t)->replication_num + 1)
      fail("tablet " + std::to_string(raw(t.id)) + " has more than the wanted replicas and one"); // A 5.
    return;
  }
  const auto* e = std::get_if<replica_dropped>(&body);
  const auto* t = e ? cat_.tablets.find(e->tablet) : nullptr;
  const auto* gone = before ? before->find(e->replica) : nullptr;
  if (!t || !gone || t->find(e->replica))
    return;
  if (e->reason == drop_reason::lost)
    return;
  const auto* home = cat_.backends.find(gone->backend);
  copies_.dropped(e->tablet, e->replica, home && home->available());
  if (assess(cat_, *t).sources == 0)
    fail("the last complete replica of tablet " + std::to_string(raw(t->id)) + " was dropped"); // A 3.
}

void simulation::check_now_and_then() {
  if (catalog_budget_.due(cat_.replicas))
    if (auto broken = broken_invariant(cat_); !broken.empty())
      fail(std::move(broken));
  if (!scheduler_)
    return;
  if (scheduler_budget_.due(scheduler_->queue().size() + scheduler_->running()))
    if (auto broken = scheduler_->broken_invariant(); !broken.empty())
      fail(std::move(broken));
}

void simulation::check_all() {
  for (auto broken : {broken_invariant(cat_), scheduler_->broken_invariant(), broken_hosts()})
    if (!broken.empty())
      fail(std::move(broken));
  if (scheduler_->running() != contexts_.size())
    fail("the scheduler counts " + std::to_string(scheduler_->running()) + " contexts, there are "
         + std::to_string(contexts_.size())); // A 6.
}

/// A 4: once it is healthy, hosts are apart wherever the cluster has enough of them.
std::string simulation::broken_hosts() {
  if (!healthy())
    return "";
  std::string broken;
  cat_.tablets.for_each([&](tablet_id id, const tablet& t) {
    const auto& owner = *cat_.table_of(t);
    if (!host_anti_affinity(cat_, owner.replication_num, owner.cluster))
      return true;
    std::set<std::string> hosts;
    for (const auto& r : t.replicas)
      if (const auto* b = cat_.backends.find(r.backend); b && !r.damaged() && !hosts.insert(b->host).second)
        broken = "tablet " + std::to_string(raw(id)) + " is healthy with two replicas on host " + b->host;
    return broken.empty();
  });
  return broken;
}

} // namespace tabletd::model::offline
