// reporter, task_keeper, clone_worker and move_worker: that each decodes, steps, carries out and feeds.
// What they decide is tested in tests/model.
#include "actors/agent/clone_worker.h"
#include "actors/agent/reporter.h"
#include "actors/agent/task_keeper.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/move_codec.h"
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include <caf/send.hpp>
#include <deque>

namespace tabletd::test {
namespace {

constexpr std::uint64_t path = 0xa;

model::held_replica held(std::uint64_t tablet, std::uint64_t replica, model::version version) {
  model::held_replica out;
  out.tablet = model::tablet_id{tablet};
  out.replica = model::replica_id{replica};
  out.path = model::path_hash{path};
  out.version = out.max_version = version;
  return out;
}

struct recording_wire final : report_wire {
  void send(tablet_report report) override { reports.push_back(report); }
  void send(task_ended ended) override { ends.push_back(codec::decode(ended.get())); }
  std::vector<tablet_report> reports;
  std::vector<model::task_end> ends;
};

/// Remembers what it was told to do; the test answers.
struct scripted_disks final : replica_disks {
  model::path_hash path_of(model::tablet_id) const override { return model::path_hash{path}; }
  void carry_out(model::agent_task task, task_keeper_actor) override { tasks.push_back(std::move(task)); }
  std::vector<model::agent_task> tasks;
};

struct scripted_transport final : clone_transport {
  void look(model::clone_order order, clone_worker_actor who) override {
    calls.push_back("look " + std::to_string(model::raw(order.fence)));
    worker = std::move(who);
  }
  void ask(model::log_index, std::uint32_t attempt, model::version_ranges have) override {
    calls.push_back("ask " + std::to_string(attempt) + " having " + std::to_string(have.size()));
  }
  void copy(model::log_index) override { calls.emplace_back("copy"); }
  void install(model::log_index, bool full) override { calls.emplace_back(full ? "install full" : "install"); }
  void let_go(model::log_index, bool keep) override { calls.emplace_back(keep ? "let go, keep" : "let go"); }
  void end(model::log_index) override { calls.emplace_back("end"); }
  void tell(const model::clone_event& event) { caf::anon_send(worker, codec::seal_event(event)); }
  std::vector<std::string> calls;
  clone_worker_actor worker;
};

struct scripted_mover final : path_transport {
  void look(model::log_index fence, model::move_order order, move_worker_actor who) override {
    calls.push_back("look " + std::to_string(model::raw(fence)) + " to " + std::to_string(model::raw(order.path)));
    worker = std::move(who);
  }
  void list(model::log_index) override { calls.emplace_back("list"); }
  void copy(model::log_index) override { calls.emplace_back("copy"); }
  void shut_gate(model::log_index) override { calls.emplace_back("shut"); }
  void open_gate(model::log_index) override { calls.emplace_back("open"); }
  void switch_paths(model::log_index) override { calls.emplace_back("switch"); }
  void let_go(model::log_index, bool keep) override { calls.emplace_back(keep ? "let go, keep" : "let go"); }
  void end(model::log_index) override { calls.emplace_back("end"); }
  void tell(const model::move_event& event) { caf::anon_send(worker, codec::seal_event(event)); }
  std::vector<std::string> calls;
  move_worker_actor worker;
};

struct AgentActors : actor_world {
  std::shared_ptr<recording_wire> wire = std::make_shared<recording_wire>();
  std::shared_ptr<scripted_disks> disks = std::make_shared<scripted_disks>();
  std::shared_ptr<scripted_transport> transport = std::make_shared<scripted_transport>();
  std::shared_ptr<scripted_mover> mover = std::make_shared<scripted_mover>();
  std::shared_ptr<be_stats> stats = std::make_shared<be_stats>();
  reporter_actor reports;
  task_keeper_actor keeper;
  caf::actor root;

  void start() {
    supervisor_options rules;
    rules.name = "be";
    start(sys.spawn(supervisor, rules));
  }
  void start(caf::actor supervising) {
    root = std::move(supervising);
    reports = spawn_child(&sys, reporter, reporter_ports{wire, stats, {}, 99});
    task_keeper_ports ports{disks, transport, reports, wire, stats, {}, {}, root, mover, {}};
    keeper = spawn_child(&sys, task_keeper, ports);
    settle();
  }
  void TearDown() override {
    transport->worker = clone_worker_actor{};
    mover->worker = move_worker_actor{};
    urgent_exit(keeper, caf::exit_reason::user_shutdown);
    urgent_exit(reports, caf::exit_reason::user_shutdown);
    urgent_exit(root, caf::exit_reason::user_shutdown);
    settle();
  }
  void submit(const std::vector<model::agent_task>& tasks) {
    caf::anon_send(keeper, seal<wire::TaskBatch>([&](auto to) {
                     auto list = to.initTasks(static_cast<unsigned>(tasks.size()));
                     for (unsigned i = 0; i < list.size(); ++i)
                       codec::encode(tasks[i], list[i]);
                   }));
    settle();
  }
  void change(std::vector<model::held_replica> tablets) {
    caf::anon_send(reports, codec::seal_changes({model::path_hash{path}, std::move(tablets), {}, std::nullopt}));
    settle();
  }
  static model::agent_task create(std::uint64_t fence) {
    return {model::log_index{fence},
            model::create_order{model::tablet_id{1}, model::replica_id{10}, model::path_hash{path}}};
  }
  static model::agent_task clone(std::uint64_t fence) {
    return {model::log_index{fence}, model::clone_order{model::log_index{fence}, model::tablet_id{1},
                                                        model::replica_id{10}, model::path_hash{path}, 2, "be2", 7030,
                                                        model::replica_id{11}}};
  }
};

TEST_F(AgentActors, AMoveIsCarriedThroughItsSteps) {
  start();
  submit({{model::log_index{7}, model::move_order{model::tablet_id{1}, model::replica_id{10}, model::path_hash{0xb}}}});
  EXPECT_EQ(mover->calls, (std::vector<std::string>{"look 7 to 11"}));
  mover->calls.clear();
  for (const model::move_event& event :
       std::initializer_list<model::move_event>{model::move_looked{held(1, 10, 2)}, model::move_listed{2, 1U << 30},
                                                model::move_progressed{500}, model::move_copied{},
                                                model::move_listed{}, model::move_alone{}, model::move_listed{}})
    mover->tell(event);
  settle();
  EXPECT_EQ(mover->calls, (std::vector<std::string>{"list", "copy", "list", "shut", "list", "switch"}));
  mover->calls.clear();
  mover->tell(model::move_switched{held(1, 10, 2)});
  settle();
  EXPECT_EQ(mover->calls, (std::vector<std::string>{"let go", "end"}));
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_TRUE(wire->ends[0].done());
  EXPECT_EQ(wire->ends[0].copied_bytes, 500U);
  EXPECT_EQ(stats->tasks_ended[5][0], 1U);
}

TEST_F(AgentActors, AMoveIsStoppedByACancelAndSurvivedByTheKeeper) {
  start();
  const model::move_order order{model::tablet_id{1}, model::replica_id{10}, model::path_hash{0xb}};
  submit({{model::log_index{7}, order}});
  submit({{model::log_index{7}, model::cancel_order{model::log_index{7}}}});
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_EQ(std::get<model::task_failed>(wire->ends[0].outcome).kind, model::task_failure::cancelled);
  EXPECT_EQ(mover->calls, (std::vector<std::string>{"look 7 to 11", "let go", "end"}));
  submit({{model::log_index{8}, order}});
  urgent_exit(mover->worker, caf::exit_reason::kill);
  settle();
  ASSERT_EQ(wire->ends.size(), 2U);
  EXPECT_EQ(std::get<model::task_failed>(wire->ends[1].outcome).kind, model::task_failure::unknown);
  EXPECT_EQ(model::raw(wire->ends[1].tablet), 1U);
  EXPECT_EQ(mover->calls.back(), "end") << "no load waits for a worker that died";
}

TEST_F(AgentActors, ReporterSendsFullThenCoalescedChanges) {
  start();
  change({held(1, 10, 1)});
  pass(std::chrono::milliseconds(1'000));
  EXPECT_TRUE(wire->reports.empty()) << "nobody has attached";
  caf::anon_send(reports, link_up{});
  settle();
  ASSERT_EQ(wire->reports.size(), 1U);
  EXPECT_TRUE(wire->reports[0].get().getFull());
  EXPECT_EQ(wire->reports[0].get().getBootId(), 99U);
  EXPECT_EQ(wire->reports[0].get().getTablets().size(), 1U);
  change({held(1, 10, 2)});
  change({held(2, 20, 1)});
  EXPECT_EQ(wire->reports.size(), 1U) << "not before the tick";
  pass(std::chrono::milliseconds(200));
  ASSERT_EQ(wire->reports.size(), 2U);
  EXPECT_FALSE(wire->reports[1].get().getFull());
  EXPECT_EQ(wire->reports[1].get().getTablets().size(), 2U);
  EXPECT_EQ(wire->reports[1].get().getStamp(), 3U);
  EXPECT_EQ(stats->stamp, 3U);
  caf::anon_send(reports, report_wanted{});
  settle();
  EXPECT_TRUE(wire->reports.at(2).get().getFull());
}

TEST_F(AgentActors, AnEndIsStampedSentAndRemembered) {
  start();
  submit({create(5)});
  ASSERT_EQ(disks->tasks.size(), 1U);
  change({held(1, 10, 1)});
  model::task_end end{model::log_index{5}, model::tablet_id{1}, model::replica_id{10}, held(1, 10, 1), 0, 3, 0};
  caf::anon_send(keeper, codec::seal_end(end));
  settle();
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_EQ(wire->ends[0].stamp, 1U);
  submit({create(5)});
  EXPECT_EQ(disks->tasks.size(), 1U);
  ASSERT_EQ(wire->ends.size(), 2U);
  EXPECT_EQ(wire->ends[0], wire->ends[1]);
  EXPECT_EQ(stats->tasks_ended[0][0], 1U);
}

TEST_F(AgentActors, CloneWorkerCarriesOutItsLife) {
  start();
  submit({clone(7)});
  EXPECT_EQ(stats->tasks_open, 1U);
  transport->tell(model::clone_looked{});
  settle();
  transport->tell(model::clone_link_broke{1, "reset"});
  settle();
  pass(std::chrono::milliseconds(199));
  EXPECT_EQ(transport->calls, (std::vector<std::string>{"look 7", "ask 1 having 0"}));
  pass(std::chrono::milliseconds(1));
  transport->tell(model::clone_snapshot{2, true, {{2, 2}}});
  settle();
  transport->tell(model::clone_progressed{2, 1'000});
  transport->tell(model::clone_copied{2});
  settle();
  transport->tell(model::clone_installed{held(1, 10, 2)});
  settle();
  EXPECT_EQ(transport->calls, (std::vector<std::string>{"look 7", "ask 1 having 0", "ask 2 having 0", "copy",
                                                        "install full", "let go", "end"}));
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_TRUE(wire->ends[0].done());
  EXPECT_EQ(wire->ends[0].copied_bytes, 1'000U);
  EXPECT_EQ(wire->ends[0].elapsed_ms, 200U);
  EXPECT_EQ(stats->tasks_open, 0U);
}

TEST_F(AgentActors, ACloneWhoseActorDiesIsAnswered) {
  start();
  submit({clone(7)});
  urgent_exit(transport->worker, caf::exit_reason::kill);
  transport->worker = clone_worker_actor{};
  settle();
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_EQ(std::get<model::task_failed>(wire->ends[0].outcome).kind, model::task_failure::unknown);
  EXPECT_EQ(transport->calls.back(), "end") << "nobody goes on copying for it";
}

TEST_F(AgentActors, AnUnknownKindOfTaskIsAnsweredAndTheOthersAreDone) {
  start();
  caf::anon_send(keeper, seal<wire::TaskBatch>([&](auto to) {
                   auto list = to.initTasks(2);
                   list[0].setFence(4); // A union member of a later version reads as one nobody knows.
                   codec::encode(create(5), list[1]);
                 }));
  settle();
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_EQ(wire->ends[0].fence, model::log_index{4});
  EXPECT_EQ(model::raw(wire->ends[0].tablet), 0U) << "speaks for the whole fence";
  EXPECT_EQ(std::get<model::task_failed>(wire->ends[0].outcome).kind, model::task_failure::unknown);
  EXPECT_EQ(disks->tasks.size(), 1U);
}

TEST_F(AgentActors, AWorkerThatIsSlowToStartIsNotGivenUp) {
  caf::response_promise asked;
  start(sys.spawn([&asked](caf::event_based_actor* self, int) -> caf::behavior {
    return {[self, &asked](const start_child&) -> caf::result<caf::actor> { return asked = self->make_response_promise(); },
            [&asked](tick_due) { asked.deliver(caf::make_error(caf::sec::runtime_error, "no threads left")); }};
  }, 0));
  submit({clone(7)});
  pass(std::chrono::minutes(1));
  EXPECT_TRUE(wire->ends.empty()) << "it may start yet";
  caf::anon_send(root, tick_due{});
  settle();
  ASSERT_EQ(wire->ends.size(), 1U);
  EXPECT_EQ(std::get<model::task_failed>(wire->ends[0].outcome).kind, model::task_failure::unknown);
}

TEST_F(AgentActors, CloneWorkersAreChildrenOfTheSupervisor) {
  start();
  submit({clone(7)});
  ASSERT_EQ(transport->calls, (std::vector<std::string>{"look 7"}));
  transport->worker = clone_worker_actor{};
  urgent_exit(root, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(transport->calls.back(), "end");
  ASSERT_EQ(wire->ends.size(), 1U);
}

TEST_F(AgentActors, DrainIsAnsweredWhenTheLastCloneHasLetGo) {
  start();
  submit({clone(7)});
  bool quiet = false;
  auto asker = sys.spawn([&quiet, keeper = keeper](caf::event_based_actor* self) {
    self->request(keeper, caf::infinite, drain{}).then([&quiet](drained) { quiet = true; });
  });
  settle();
  EXPECT_TRUE(quiet);
  EXPECT_EQ(transport->calls, (std::vector<std::string>{"look 7", "let go, keep", "end"}));
  EXPECT_TRUE(wire->ends.empty()) << "the leader orders it again, and it resumes";
  submit({create(8)});
  EXPECT_TRUE(disks->tasks.empty());
}

TEST_F(AgentActors, CodecRoundTrips) {
  const std::vector<model::agent_task> tasks{
    create(5), clone(7), {model::log_index{8}, model::drop_order{model::tablet_id{1}, model::replica_id{2}}},
    {model::log_index{9}, model::verify_order{model::tablet_id{1}, model::replica_id{2}}},
    {model::log_index{9}, model::cancel_order{model::log_index{7}}},
    {model::log_index{10}, model::move_order{model::tablet_id{1}, model::replica_id{2}, model::path_hash{3}}}};
  for (const auto& task : tasks)
    EXPECT_EQ(codec::decode(seal<wire::Task>([&](auto to) { codec::encode(task, to); }).get()), task);
  const model::task_end ends[]{
    {model::log_index{5}, model::tablet_id{1}, model::replica_id{2}, held(1, 2, 3), 4, 5, 6},
    model::failed_end(model::log_index{5}, model::tablet_id{1}, model::replica_id{2}, model::task_failure::path_unknown,
                      "why")};
  for (const auto& end : ends)
    EXPECT_EQ(codec::decode(codec::seal_end(end).get()), end);
  EXPECT_THROW(std::ignore = codec::decode(sealed<wire::Task>{}.get()), kj::Exception);
  EXPECT_THROW(std::ignore = codec::decode(sealed<wire::MoveEvent>{}.get()), kj::Exception);
}

} // namespace
} // namespace tabletd::test
