// The metrics page: the format as a strict reader takes it, the names the vocabulary pins,
// and the numbers against snapshots made by hand.
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "node/role_metrics.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace tabletd {

namespace {

using namespace std::chrono_literals;

/// Reads exposition text 0.0.4 and refuses what Prometheus or its naming rules would.
class strict_reader {
public:
  explicit strict_reader(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      take(line);
    for (const auto& [name, type] : types_)
      if (!sampled_.contains(name))
        error(name + " has no sample");
    check_histograms();
  }
  std::vector<std::string> errors;
  std::map<std::string, std::string> types_;       ///< family -> type
  std::map<std::string, double> samples;           ///< "name{labels}" -> value

  [[nodiscard]] double at(const std::string& series) const {
    const auto found = samples.find(series);
    EXPECT_NE(found, samples.end()) << "no series " << series;
    return found == samples.end() ? -1 : found->second;
  }
  [[nodiscard]] bool has_family(const std::string& name) const { return types_.contains(name); }

private:
  void error(const std::string& what) { errors.push_back(what); }

  void take(const std::string& line) {
    static const std::regex help(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
    static const std::regex type(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram))");
    static const std::regex sample(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([^}]*)\})? (\S+))");
    std::smatch m;
    if (std::regex_match(line, m, help)) {
      if (!helped_.insert(m[1]).second)
        error("two HELP lines for " + m[1].str());
      if (m[2].str().back() != '.')
        error("the help of " + m[1].str() + " does not end in a full stop");
    } else if (std::regex_match(line, m, type)) {
      if (!helped_.contains(m[1]))
        error(m[1].str() + " has no HELP before its TYPE");
      if (!types_.emplace(m[1], m[2]).second)
        error("two TYPE lines for " + m[1].str());
      if ((m[2] == "counter") != m[1].str().ends_with("_total"))
        error(m[1].str() + ": counters, and only they, end in _total");
      current_ = m[1];
    } else if (std::regex_match(line, m, sample)) {
      take_sample(m[1], m[3], m[4], line);
    } else {
      error("not exposition format: " + line);
    }
  }

  void take_sample(const std::string& name, const std::string& labels, const std::string& value, const std::string& line) {
    auto family = name;
    for (const std::string suffix : {"_bucket", "_sum", "_count"})
      if (types_[current_] == "histogram" && name == current_ + suffix)
        family = current_;
    if (family != current_)
      return error(line + " stands in the family " + current_);
    sampled_.insert(family);
    static const std::regex label(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)")re");
    std::set<std::string> names;
    for (std::sregex_iterator at(labels.begin(), labels.end(), label), end; at != end; ++at)
      if (!names.insert((*at)[1]).second)
        error("a label twice: " + line);
    if (labels.empty() != names.empty())
      error("labels that cannot be read: " + line);
    char* stop = nullptr;
    const double number = std::strtod(value.c_str(), &stop);
    if (*stop != 0)
      error("not a number: " + line);
    if (types_[family] == "counter" && number < 0)
      error("a negative counter: " + line);
    if (!samples.emplace(labels.empty() ? name : name + "{" + labels + "}", number).second)
      error("a series twice: " + line);
  }

  void check_histograms() {
    for (const auto& [series, value] : samples) {
      const auto at = series.find("_bucket{");
      if (at == std::string::npos || series.find("le=\"+Inf\"") == std::string::npos)
        continue;
      auto labels = series.substr(at + 8, series.size() - at - 9);
      labels = std::regex_replace(labels, std::regex(",?le=\"\\+Inf\""), "");
      const auto count = series.substr(0, at) + "_count" + (labels.empty() ? "" : "{" + labels + "}");
      if (!samples.contains(count) || samples.at(count) != value)
        error(series + " differs from " + count);
    }
  }

  std::set<std::string> helped_, sampled_;
  std::string current_;
};

struct pinned {
  std::string type, role, labels;
};
std::map<std::string, pinned> pinned_names() {
  std::ifstream file(TABLETD_VOCABULARY);
  std::map<std::string, pinned> names;
  for (std::string name, type, role, labels; file >> name >> type >> role >> labels;)
    names[name] = {type, role, labels};
  return names;
}

// -- the table -----------------------------------------------------------------------------

TEST(MetricTable, EveryFamilyIsPinnedWithItsTypeRoleAndLabels) {
  const auto names = pinned_names();
  ASSERT_GT(names.size(), 100U);
  std::set<std::string_view> seen;
  for (const auto* family : families::all) {
    EXPECT_TRUE(seen.insert(family->name).second) << family->name << " stands twice in the table";
    const auto at = names.find(std::string(family->name));
    ASSERT_NE(at, names.end()) << family->name << " is not in the vocabulary";
    constexpr const char* types[] = {"counter", "gauge", "histogram"};
    constexpr const char* roles[] = {"both", "fe", "fe-leader", "be"};
    EXPECT_EQ(types[static_cast<int>(family->type)], at->second.type) << family->name;
    EXPECT_EQ(roles[static_cast<int>(family->role)], at->second.role) << family->name;
    // Fewer labels than pinned where the numbers are not kept apart; never other ones.
    for (const auto label : family->labels)
      EXPECT_TRUE(label.empty() || ("," + at->second.labels + ",").find(fmt::format(",{},", label)) != std::string::npos)
        << family->name << " has the label " << label;
  }
}

TEST(MetricTable, TheReaderItselfHasTeeth) {
  const std::string good = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n";
  EXPECT_TRUE(strict_reader(good).errors.empty());
  for (const auto& bad : {
         std::string{"# HELP a_total Things\n# TYPE a_total counter\na_total 2\n"}, // No full stop.
         std::string{"# HELP a Things.\n# TYPE a counter\na 2\n"},                  // No _total.
         std::string{"# HELP a_total Things.\n# TYPE a_total gauge\na_total 2\n"},
         std::string{"# TYPE a_total counter\na_total 2\n"},
         good + "a_total{x=\"1\"} 3\n",
         good + "b_total 3\n",
         good + "# HELP b Things.\n# TYPE b gauge\n",
         good + "a_total{x=1} 3\n",
         std::string{"# HELP h Things.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 4\n"},
       })
    EXPECT_FALSE(strict_reader(bad).errors.empty()) << bad;
}

// -- the counters --------------------------------------------------------------------------

TEST(MetricRegistry, EveryCombinationIsThereFromTheStart) {
  metric_registry registry;
  auto http = registry.counters(families::http_requests, {vocabulary::http_handler, vocabulary::http_code});
  http.count({"metrics", "2xx"});
  http.count({"metrics", "2xx"});
  http.count({"no such page", "4xx"});
  const strict_reader page(exposition(registry.collect()));
  EXPECT_EQ(page.errors, std::vector<std::string>{});
  EXPECT_EQ(page.samples.size(), std::size(vocabulary::http_handler) * std::size(vocabulary::http_code));
  EXPECT_EQ(page.at(R"(tabletd_http_requests_total{code="2xx",handler="metrics"})"), 2);
  EXPECT_EQ(page.at(R"(tabletd_http_requests_total{code="5xx",handler="readyz"})"), 0);
  EXPECT_EQ(page.at(R"(tabletd_http_requests_total{code="4xx",handler="status"})"), 1) << "folded into the last value";
}

// -- the process ---------------------------------------------------------------------------

TEST(ProcessMetrics, AreThoseOfThisProcess) {
  metric_page page;
  add_process_metrics(page);
  const strict_reader read(exposition(page.take()));
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_GT(read.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(read.at("process_virtual_memory_bytes"), read.at("process_resident_memory_bytes"));
  EXPECT_GE(read.at("process_open_fds"), 3);
  EXPECT_GE(read.at("process_max_fds"), read.at("process_open_fds"));
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(read.at("process_start_time_seconds"), now, 600) << "it has not been running for long";
}

TEST(ActorMetrics, KnownTypesAreAlwaysThereAndUnknownOnesAreSummedUp) {
  auto& catalog = actor_metrics().of("catalog");
  catalog.alive = 1;
  catalog.messages = 41;
  catalog.handling.observe(0.002);
  actor_metrics().of("from_a_test").messages = 2;
  actor_metrics().of("from_another_test").messages = 3;
  metric_page page;
  add_actor_metrics(page);
  const strict_reader read(exposition(page.take()));
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_EQ(read.at(R"(tabletd_actors{type="catalog"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_actor_messages_total{type="catalog"})"), 41);
  EXPECT_EQ(read.at(R"(tabletd_actor_messages_total{type="other"})"), 5);
  EXPECT_EQ(read.at(R"(tabletd_actor_messages_total{type="clone_worker"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_actor_terminated_total{type="journal",reason="killed"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_actor_processing_duration_seconds_bucket{type="catalog",le="0.001"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_actor_processing_duration_seconds_bucket{type="catalog",le="0.005"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_actor_messages_dropped_total{reason="mailbox_full"})"), 0);
}

TEST(SupervisionMetrics, CountChildrenByState) {
  supervision_registry::section jobs{supervision_tree(), "jobs"};
  supervision_registry::section stranger{supervision_tree(), "from a test"};
  jobs.update(model::child_key{1}, {.child = "a", .state = child_state::running});
  jobs.update(model::child_key{2}, {.child = "b", .state = child_state::backoff});
  jobs.restarted();
  stranger.update(model::child_key{1}, {.child = "c", .state = child_state::failed});
  metric_page page;
  add_supervision_metrics(page);
  const strict_reader read(exposition(page.take()));
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_EQ(read.at(R"(tabletd_supervisor_children{supervisor="jobs",state="running"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_supervisor_children{supervisor="jobs",state="backoff"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_supervisor_restarts_total{supervisor="jobs"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_supervisor_children{supervisor="other",state="failed"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_supervisor_escalations_total{supervisor="root"})"), 0);
}

// -- the roles -----------------------------------------------------------------------------

struct FeMetricsTest : ::testing::Test {
  model::catalog cat;
  model::cluster_view cluster;
  model::scheduler_view view;
  journal_stats journal;
  memory_stats memory;
  cooldown_board cooldown;
  warmup_board warmup;
  checkpoint_progress checkpoint;

  FeMetricsTest() {
    model::backend b;
    b.id = model::backend_id{10'001};
    b.alive = true;
    b.paths = {{model::path_hash{7}, "/d7", model::medium::ssd}};
    cat.backends.put(b.id, b);
    b.id = model::backend_id{10'002};
    b.alive = false;
    cat.backends.put(b.id, b);
    for (std::uint64_t i = 1; i <= 5; ++i) {
      model::tablet t;
      t.id = model::tablet_id{i};
      cat.tablets.put(t.id, t);
    }
    cat.replicas = 15;

    auto& seen = cluster.backends[model::backend_id{10'001}];
    seen.id = model::backend_id{10'001};
    seen.linked = true;
    seen.last_heartbeat = 98'500ms;
    model::path_view path;
    path.hash = model::path_hash{7};
    path.medium = model::medium::ssd;
    path.capacity_bytes = 1'000;
    path.available_bytes = 400;
    path.tablets = 5;
    seen.paths = {path};

    view.tablets_by_health[1] = 2;
    view.counters.finished = 9;
    view.counters.submitted_by_health[1] = 11;
    view.slots = {{model::backend_id{10'001}, model::path_hash{7}, 1, 4, 2, 0}};
    model::ctx_row row;
    row.dynamic_priority = model::repair_priority::very_high;
    row.created = 90'000ms;
    view.pending = {row};
    row.dynamic_priority = model::repair_priority::high;
    view.pending.push_back(row);
    view.pending_total = 12;
    view.running_total = 3;
    view.balance_running = 1;
    view.balance_slots_per_path = 3;
    view.counters.balance_scheduled = 8;
    view.counters.balance_finished = 4;
    view.counters.cancelled = 3;
    view.counters.balance_cancelled = 2;
    view.counters.path_moves_scheduled = 5;
    view.counters.copied_bytes = {{{100, 0}, {20, 7}}};
    view.pause.cause = model::pause_cause::by_operator;
    for (const double score : {0.75, 1.5, 1.0})
      view.load[1].rows.emplace_back().score = score;
    cat.pauses.put("all", {"ann", "night", 1'000ms, 200'000ms});
    cat.pauses.put("table:7", {"ann", "load", 1'000ms, 200'000ms});
    cat.pauses.put("table:8", {"ann", "is over", 1'000ms, 99'000ms});

    checkpoint.done = 3;
    checkpoint.failed = 1;
    checkpoint.pushed = 6;
    checkpoint.last_done_ms = 90'000;
    checkpoint.attempt_seconds.observe(0.4);
    journal.entries = 100;
    journal.commit_index = 90;
    journal.applied_index = 80;
    journal.overloaded = 4;
    journal.too_large = 1;
    journal.commit_seconds.observe(0.002);
    journal.last_index = 95;
    memory.set(model::memory_category::sending, 512);
    memory.refused_appends = 6;
    ++memory.stalls[0];
    cooldown.show(model::tablet_id{20'001}, {model::cooldown_phase::stuck, "the store is full", 4});
    cooldown.show(model::tablet_id{20'002}, {model::cooldown_phase::cooled, "", 0});
    cooldown.show(model::tablet_id{20'003}, {model::cooldown_phase::cooled, "", 0});
    cooldown.assignments[static_cast<std::size_t>(model::reassignment::report_timeout)] = 6;
    cooldown.conflicts = 2;
    model::warmup_job job;
    job.id = model::warmup_job_id{70};
    job.state = model::warmup_state::running;
    job.plan = std::make_shared<const std::vector<model::warmup_lane_plan>>(std::vector<model::warmup_lane_plan>{
      {model::backend_id{10'001}, {{{model::tablet_id{1}}, 100}, {{model::tablet_id{2}}, 50}}}, {model::backend_id{10'002}, {{{model::tablet_id{3}}, 7}}}});
    job.lanes = {{model::backend_id{10'001}, 1, 100, 0, {}}, {model::backend_id{10'002}, 0, 0, 0, {}}};
    cat.warmup.jobs.put(job.id, job);
    job.id = model::warmup_job_id{71};
    job.state = model::warmup_state::pending;
    cat.warmup.jobs.put(job.id, job);
    warmup.show(model::warmup_job_id{70}, model::backend_id{10'001}, {20, 0, {}, true, ""});
    warmup.jobs_failed = 4;
    warmup.batches_failed = 1;
    warmup.finished_bytes = 900;
    warmup.pushes = 6;
    warmup.pushed_bytes = 77;
  }
  strict_reader scrape(bool leads) {
    metric_page page;
    add_fe_metrics(page, {.leads = leads, .sessions = 2, .catalog = cat, .cluster = cluster, .scheduler = view,
                          .journal = journal, .memory = memory, .memory_limit_bytes = 64 << 20, .peers = {{2, 40, 1'000}},
                          .cooldown = cooldown, .warmup = warmup, .checkpoint = checkpoint, .newest_image = {42, 1'000, 7}, .now = 100'000ms});
    strict_reader read(exposition(page.take()));
    EXPECT_EQ(read.errors, std::vector<std::string>{});
    return read;
  }
};

TEST_F(FeMetricsTest, ALeaderTellsWhatItsSnapshotsSay) {
  const auto read = scrape(true);
  EXPECT_EQ(read.at("tabletd_fe_is_leader"), 1);
  EXPECT_EQ(read.at("tabletd_console_sessions"), 2);
  EXPECT_EQ(read.at(R"(tabletd_raft_log_cache_bytes{stage="sending"})"), 512);
  EXPECT_EQ(read.at("tabletd_raft_log_cache_limit_bytes"), 64 << 20);
  EXPECT_EQ(read.at(R"(tabletd_raft_write_stalls_total{reason="uncommitted"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_raft_append_rejections_total{reason="unapplied"})"), 6);
  EXPECT_EQ(read.at(R"(tabletd_raft_peer_lag_entries{peer="2"})"), 55);
  EXPECT_EQ(read.at(R"(tabletd_raft_peer_queue_bytes{peer="2"})"), 1'000);
  EXPECT_EQ(read.at(R"(tabletd_checkpoints_total{result="ok"})"), 3);
  EXPECT_EQ(read.at(R"(tabletd_checkpoints_total{result="error"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_checkpoint_image_pushes_total{result="ok"})"), 6);
  EXPECT_EQ(read.at("tabletd_checkpoint_last_success_timestamp_seconds"), 90);
  EXPECT_EQ(read.at("tabletd_checkpoint_image_index"), 42);
  EXPECT_EQ(read.at("tabletd_checkpoint_image_bytes"), 1'000);
  EXPECT_EQ(read.at(R"(tabletd_checkpoint_phase_duration_seconds_count{phase="image"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_cooldown_tablets{phase="stuck"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_cooldown_tablets{phase="cooled"})"), 2);
  EXPECT_EQ(read.at(R"(tabletd_cooldown_uploader_assignments_total{reason="report_timeout"})"), 6);
  EXPECT_EQ(read.at(R"(tabletd_cooldown_conflicts_total)"), 2);
  EXPECT_EQ(read.at(R"(tabletd_warmup_jobs{state="running"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_warmup_jobs{state="pending"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_warmup_backends{state="running"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_warmup_backends{state="pending"})"), 1);
  EXPECT_EQ(read.at("tabletd_warmup_remaining_bytes"), 37) << "50 and 7, of which 20 are there already";
  EXPECT_EQ(read.at(R"(tabletd_warmup_jobs_ended_total{result="failed"})"), 4);
  EXPECT_EQ(read.at(R"(tabletd_warmup_batches_total{result="error"})"), 1);
  EXPECT_EQ(read.at("tabletd_warmup_finished_bytes_total"), 900);
  EXPECT_EQ(read.at("tabletd_warmup_pushes_total"), 6);
  EXPECT_EQ(read.at("tabletd_warmup_pushed_bytes_total"), 77);
  EXPECT_EQ(read.at(R"(tabletd_catalog_objects{type="tablet"})"), 5);
  EXPECT_EQ(read.at(R"(tabletd_catalog_objects{type="replica"})"), 15);
  EXPECT_EQ(read.at(R"(tabletd_backends{state="alive"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_backends{state="dead"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_backend_up{backend="10001"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_backend_up{backend="10002"})"), 0) << "never seen";
  EXPECT_EQ(read.at(R"(tabletd_backend_heartbeat_age_seconds{backend="10001"})"), 1.5);
  EXPECT_EQ(read.at(R"(tabletd_backend_disk_used_bytes{backend="10001",medium="ssd"})"), 600);
  EXPECT_EQ(read.at(R"(tabletd_backend_replicas{backend="10001",medium="ssd"})"), 5);
  EXPECT_EQ(read.at(R"(tabletd_tablets{health="replica_missing"})"), 2);
  EXPECT_EQ(read.at(R"(tabletd_tablets{health="healthy"})"), 3);
  EXPECT_EQ(read.at(R"(tabletd_tablets{health="unrecoverable"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_sched_pending_tablets{type="repair",priority="very_high"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_sched_pending_tablets{type="repair",priority="high"})"), 11) << "10 are not listed";
  EXPECT_EQ(read.at(R"(tabletd_sched_oldest_pending_age_seconds{priority="high"})"), 10);
  EXPECT_EQ(read.at(R"(tabletd_sched_oldest_pending_age_seconds{priority="low"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_sched_submitted_total{type="repair",health="replica_missing"})"), 11);
  EXPECT_EQ(read.at(R"(tabletd_sched_running_tablets{type="repair"})"), 2);
  EXPECT_EQ(read.at(R"(tabletd_sched_running_tablets{type="balance"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_sched_submitted_total{type="balance",health="healthy"})"), 8);
  EXPECT_EQ(read.at(R"(tabletd_sched_finished_total{type="repair",result="finished"})"), 5);
  EXPECT_EQ(read.at(R"(tabletd_sched_finished_total{type="balance",result="finished"})"), 4);
  EXPECT_EQ(read.at(R"(tabletd_sched_finished_total{type="repair",result="cancelled"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_sched_finished_total{type="balance",result="cancelled"})"), 2);
  EXPECT_EQ(read.at(R"(tabletd_clone_bytes_total{type="repair",scope="inter_node"})"), 100);
  EXPECT_EQ(read.at(R"(tabletd_clone_bytes_total{type="balance",scope="inter_node"})"), 20);
  EXPECT_EQ(read.at(R"(tabletd_clone_bytes_total{type="balance",scope="intra_node"})"), 7);
  EXPECT_EQ(read.at("tabletd_balancer_enabled"), 1) << "a pause is not the switch";
  EXPECT_EQ(read.at("tabletd_balancer_path_moves_total"), 5);
  EXPECT_EQ(read.at(R"(tabletd_balancer_skew{medium="ssd"})"), 0.75);
  EXPECT_EQ(read.at(R"(tabletd_balancer_skew{medium="hdd"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_balancer_pauses{target="all"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_balancer_pauses{target="table"})"), 1) << "the other is over";
  EXPECT_EQ(read.at(R"(tabletd_balancer_pauses{target="backend"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_slots{backend="10001",medium="ssd",kind="balance"})"), 3);
  EXPECT_EQ(read.at(R"(tabletd_slots_in_use{backend="10001",medium="ssd",kind="balance"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_slots{backend="10001",medium="ssd",kind="repair"})"), 4);
  EXPECT_EQ(read.at(R"(tabletd_slots_in_use{backend="10001",medium="ssd",kind="repair"})"), 3);
  EXPECT_EQ(read.at("tabletd_journal_replay_lag_entries"), 10);
  EXPECT_EQ(read.at(R"(tabletd_raft_proposals_total{result="dropped"})"), 5);
  EXPECT_EQ(read.at("tabletd_journal_commit_duration_seconds_count"), 1);
}

TEST_F(FeMetricsTest, WhatOnlyALeaderKnowsIsAbsentElsewhere) {
  const auto leader = scrape(true);
  const auto follower = scrape(false);
  EXPECT_EQ(follower.at("tabletd_fe_is_leader"), 0);
  for (const auto* family : families::all) {
    const std::string name(family->name);
    if (family->role == metric_role::fe_leader) {
      EXPECT_TRUE(leader.has_family(name)) << name << " is in the table but never exported";
      EXPECT_FALSE(follower.has_family(name)) << name;
    } else if (family->role == metric_role::fe && family != &families::console_statements) {
      EXPECT_TRUE(follower.has_family(name)) << name << " is in the table but never exported";
    }
  }
}

TEST(BeMetrics, TellWhatDisksAndTasksSay) {
  be_stats stats;
  stats.tasks_ended[1][0] = 7; // Clones that were done.
  stats.tasks_ended[1][1 + static_cast<std::size_t>(model::task_failure::disk_full)] = 2;
  stats.tasks_ended[1][1 + static_cast<std::size_t>(model::task_failure::io)] = 1;
  stats.copy_bytes_in = 1 << 20;
  stats.move_bytes = 5;
  stats.requests_fenced = 3;
  stats.warmup.batches_whole = 4;
  stats.warmup.tablets_failed = 2;
  stats.warmup.bytes = 900;
  cache_counters counters;
  counters.hits = 8;
  counters.bytes_from_store = 70;
  counters.dropped_corrupt = 1;
  path_holdings holds{.capacity_bytes = 1'000, .bytes = {}, .admits = true};
  holds.bytes[static_cast<std::size_t>(block_queue::warm)] = 300;
  disk_status disk;
  disk.root = "/data/\"d0\"";
  disk.ssd = true;
  disk.usage = {.capacity_bytes = 100, .available_bytes = 30, .data_bytes = 50, .tablets = 4};
  disk_status broken;
  broken.root = "/data/d1";
  broken.online = false;
  broken.usage.tablets = 2;
  metric_page page;
  add_be_metrics(page, {{disk, broken}, stats, {&counters, {holds, holds}}});
  const strict_reader read(exposition(page.take()));
  EXPECT_EQ(read.errors, std::vector<std::string>{});
  EXPECT_EQ(read.at(R"(tabletd_be_disk_used_bytes{path="/data/\"d0\"",medium="ssd"})"), 70);
  EXPECT_EQ(read.at(R"(tabletd_be_disk_online{path="/data/d1"})"), 0);
  EXPECT_EQ(read.at("tabletd_be_tablets"), 6);
  EXPECT_EQ(read.at(R"(tabletd_be_tasks_ended_total{task="clone",result="ok"})"), 7);
  EXPECT_EQ(read.at(R"(tabletd_be_tasks_ended_total{task="clone",result="error"})"), 3);
  EXPECT_EQ(read.at(R"(tabletd_be_tasks_ended_total{task="verify",result="ok"})"), 0);
  EXPECT_EQ(read.at(R"(tabletd_be_copy_bytes_total{direction="in"})"), 1 << 20);
  EXPECT_EQ(read.at(R"(tabletd_be_copy_bytes_total{direction="moved"})"), 5);
  EXPECT_EQ(read.at(R"(tabletd_be_fenced_requests_total{reason="stale_term"})"), 3);
  EXPECT_EQ(read.at(R"(tabletd_be_file_cache_reads_total{result="hit"})"), 8);
  EXPECT_EQ(read.at(R"(tabletd_be_file_cache_read_bytes_total{source="store"})"), 70);
  EXPECT_EQ(read.at(R"(tabletd_be_file_cache_evicted_blocks_total{reason="corrupt"})"), 1);
  EXPECT_EQ(read.at(R"(tabletd_be_file_cache_bytes{queue="warm"})"), 600);
  EXPECT_EQ(read.at("tabletd_be_file_cache_capacity_bytes"), 2'000);
  EXPECT_EQ(read.at(R"(tabletd_be_warmup_batches_total{result="ok"})"), 4);
  EXPECT_EQ(read.at("tabletd_be_warmup_failed_tablets_total"), 2);
  EXPECT_EQ(read.at("tabletd_be_warmup_bytes_total"), 900);
  for (const auto* family : families::all)
    if (family->role == metric_role::be) {
      EXPECT_TRUE(read.has_family(std::string(family->name))) << family->name << " is in the table but never exported";
    }
}

} // namespace

} // namespace tabletd
