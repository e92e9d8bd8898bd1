#pragma once
// Warm-up in a world without trouble and in simulated time: one ledger, one leader, a slot per backend that warms at a
// steady rate, messages that cost nothing.  Tests make the trouble themselves.
#include "actors/model/warmup_jobs.h"
#include "actors/model/warmup_lane.h"
#include "actors/model/warmup_slot.h"
#include "actors/model/warmup_split.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tabletd::test {

using namespace model;
using namespace std::chrono_literals;

inline constexpr std::uint64_t gib = 1ULL << 30;

/// A lane of tablets with these sizes in GiB, at most 10 GiB in a batch; their ids are 1000 * backend + their place.
inline warmup_lane_plan lane_of(std::uint64_t backend, const std::vector<std::uint64_t>& sizes) {
  std::vector<warmup_tablet> tablets;
  for (const auto s : sizes)
    tablets.push_back({tablet_id{1'000 * backend + tablets.size()}, s * gib});
  return {backend_id{backend}, split_batches(tablets)};
}

inline warmup_definition tables_to(const std::string& dst, warmup_on_error on_error = warmup_on_error::cancel) {
  warmup_definition what;
  what.type = warmup_type::table;
  what.dst = dst;
  what.targets = {{table_id{1}, {}}};
  what.on_error = on_error;
  return what;
}

class warmup_world {
public:
  struct backend {
    warmup_slot slot;
    std::optional<begin_batch> work;
    time_ms ends{};
    std::uint64_t failed = 0;  ///< Tablets of the batch under way that will fail.
    bool answers = true;
    bool loses_clear = false;
  };
  struct lane {
    warmup_lane model;
    std::string failed;
  };
  using lane_key = std::pair<warmup_job_id, backend_id>;

  time_ms start{1'000'000s}, now = start;
  term epoch = 1;
  warmup_ledger ledger;
  std::map<backend_id, backend> backends;
  std::map<lane_key, lane> lanes;
  std::vector<std::string> log;      ///< "Wb(2,0,4)@4"
  std::vector<std::string> sent;     ///< "SET_BATCH(2,1)@4"
  std::map<std::string, int> begun;  ///< "7:2,1": batches that began to be warmed.
  bool drops_set_batch = false;
  std::function<bool(const batch_warmed&)> loses_record;  ///< The leader dies before it is in the log.
  std::uint64_t boots = 0, index = 6;

  backend& at(std::uint64_t id) {
    const auto found = backends.find(backend_id{id});
    return found != backends.end() ? found->second : reboot(id);
  }
  backend& reboot(std::uint64_t id) {
    backends.erase(backend_id{id});
    return backends.emplace(backend_id{id}, backend{warmup_slot(++boots), {}, {}, 0, true, false}).first->second;
  }
  void fail_over() {
    ++epoch;
    lanes.clear();
  }

  warmup_verdict commit(const warmup_record& record) {
    const auto verdict = apply(ledger, record, {log_index{index + 1}, now});
    if (verdict.accepted())
      ++index;
    return verdict;
  }
  warmup_job_id create(const warmup_definition& what, std::vector<warmup_lane_plan> plan) {
    for (const auto& l : plan)
      (void)at(raw(l.backend));
    const auto verdict = commit(warmup_created{what, std::move(plan)});
    EXPECT_TRUE(verdict.accepted());
    return warmup_job_id{verdict.id};
  }
  [[nodiscard]] const warmup_job& job(warmup_job_id id) const { return *ledger.jobs.find(id); }
  void cancel(warmup_job_id id) {
    (void)commit(std::get<warmup_ended>(cancel_of(ledger, id)));
    note("W!(CANCELLED)");
    tick_lanes();
  }

  /// One second: what ends now ends, then the leader looks.
  void second() {
    now += 1s;
    for (auto& [id, b] : backends)
      if (b.work && b.ends <= now)
        end_batch(b);
    look();
  }
  void run(time_ms until) {
    while (now < start + until)
      second();
  }
  void look() {
    for (const auto& begin : schedule(ledger, {}, now).begin)
      ASSERT_TRUE(commit(begin).accepted());
    ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& j) {
      if (j.state == warmup_state::running)
        for (const auto& l : j.lanes)
          lanes.try_emplace({id, l.backend}, lane{warmup_lane({epoch, id, j.run}, l.backend), {}});
    });
    tick_lanes();
    end_jobs();
  }

private:
  void note(const std::string& what) { log.push_back(what + "@" + std::to_string((now - start) / 1s)); }

  void end_batch(backend& b) {
    const auto work = *std::exchange(b.work, std::nullopt);
    std::vector<tablet_id> failed(work.tablets.begin(), work.tablets.begin() + static_cast<std::ptrdiff_t>(b.failed));
    (void)b.slot.end_batch({work.generation, work.batch, gib, b.failed, failed});
  }
  void tick_lanes() {
    for (auto& [key, l] : lanes)
      feed(l, lane_ticked{});
    std::erase_if(lanes, [](const auto& l) { return l.second.model.is_over(); });
  }
  void end_jobs() {
    std::vector<warmup_ended> ends;
    ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& j) {
      failed_lanes failed;
      for (const auto& [key, l] : lanes)
        if (key.first == id && !l.failed.empty())
          failed.emplace(key.second, l.failed);
      if (auto end = ending_of(j, failed, now))
        ends.push_back(*std::move(end));
    });
    for (const auto& end : ends) {
      ASSERT_TRUE(commit(end).accepted());
      note(std::string("W!(") + word_of(end.how) + ")");
    }
    if (!ends.empty())
      tick_lanes();
  }

  void feed(lane& l, const lane_event& event) {
    const auto facts = facts_of(ledger.jobs.find(l.model.fence().job), l.model.fence().run, l.model.backend());
    for (const auto& effect : l.model.step(facts, event, now))
      std::visit([&](const auto& e) { carry_out(l, e); }, effect);
  }
  void carry_out(lane& l, const send_get& e) { ask(l, e.request, get_slot{}); }
  void carry_out(lane& l, const send_set_job& e) {
    say_sent(l, "SET_JOB", e.resume_from);
    ask(l, e.request, set_job{e.resume_from});
  }
  void carry_out(lane& l, const send_set_batch& e) {
    if (drops_set_batch)
      return;  // The leader dies here; the test goes on with the next.
    say_sent(l, "SET_BATCH", e.batch);
    const auto& j = job(l.model.fence().job);
    ask(l, e.request, set_batch{e.batch, (*j.plan)[*lane_index(j, l.model.backend())].batches[e.batch].tablets});
  }
  void carry_out(lane&, const send_push&) { ADD_FAILURE() << "nothing changes here"; }
  void carry_out(lane& l, const send_clear& e) {
    if (at(raw(l.model.backend())).loses_clear)
      return feed(l, slot_silent{e.request});
    ask(l, e.request, clear_job{});
  }
  void carry_out(lane& l, const propose_batch& e) {
    if (loses_record && loses_record(e.what))
      return;
    ASSERT_TRUE(commit(e.what).accepted());
    note("Wb(" + std::to_string(raw(e.what.backend)) + "," + std::to_string(e.what.batch) + ","
         + std::to_string(e.what.bytes / gib) + ")");
    feed(l, batch_logged{e.what.batch});
  }
  void carry_out(lane& l, const lane_failed& e) { l.failed = e.why; }
  void carry_out(lane&, const lane_deposed&) { FAIL() << "nobody else leads"; }
  void carry_out(lane&, const raise_alarm& e) { FAIL() << e.what; }

  void say_sent(const lane& l, const char* what, std::uint32_t number) {
    sent.push_back(std::string(what) + "(" + std::to_string(raw(l.model.backend())) + "," + std::to_string(number)
                   + ")@" + std::to_string((now - start) / 1s));
  }
  void ask(lane& l, std::uint64_t request, const decltype(slot_request::what)& what) {
    auto& b = at(raw(l.model.backend()));
    if (!b.answers)
      return feed(l, slot_silent{request});
    const auto answer = b.slot.step({l.model.fence(), what}, now);
    for (const auto& effect : answer.effects) {
      if (const auto* begin = std::get_if<begin_batch>(&effect)) {
        ++begun[std::to_string(raw(begin->job)) + ":" + std::to_string(raw(l.model.backend())) + ","
                + std::to_string(begin->batch)];
        b.work = *begin;
        std::uint64_t bytes = 0;
        const auto& j = job(begin->job);
        bytes = (*j.plan)[*lane_index(j, l.model.backend())].batches[begin->batch].bytes;
        b.ends = now + 1s * static_cast<std::int64_t>(bytes / gib);
      } else {
        b.work.reset();
      }
    }
    feed(l, slot_replied{request, answer.reply});
  }
};

}  // namespace tabletd::test
