#pragma once
// A console session in a frozen world: a journal that folds into a real catalog at once (or
// when told to, or not at all), and backends that do what they are asked (or nothing).
#include "actors/codec/console_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/console/console_session.h"
#include "actors/console/load_keeper.h"
#include "actors/model/resource_rules.h"
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/model/console_world.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

/// A result as a person would read it; also what proves that the codec lost nothing.
inline std::string cell_text(api::Value::Reader v) {
  switch (v.which()) {
    case api::Value::NULL_: return "-";
    case api::Value::BOOL: return v.getBool() ? "true" : "false";
    case api::Value::INT64: return std::to_string(v.getInt64());
    case api::Value::UINT64: return std::to_string(v.getUint64());
    case api::Value::FLOAT64: return fmt::format("{:.1f}", v.getFloat64());
    case api::Value::TEXT: return v.getText().cStr();
    case api::Value::TIMESTAMP_MS: return fmt::format("@{}", v.getTimestampMs());
  }
  return "?";
}
inline std::string error_line(api::Error::Reader e) {
  return fmt::format("[{}] {} | {}", static_cast<unsigned>(e.getCode()), e.getMessage().cStr(), e.getHint().cStr());
}
inline std::string shown(api::Result::Reader result) {
  std::string out;
  switch (result.which()) {
    case api::Result::ERROR: out = "error " + error_line(result.getError()) + '\n'; break;
    case api::Result::DONE:
      out = fmt::format("done {} ({})\n", result.getDone().getMessage().cStr(), result.getDone().getAffected());
      break;
    case api::Result::ROWS: {
      const auto table = result.getRows();
      for (unsigned i = 0; i < table.getColumns().size(); ++i)
        out += (i == 0 ? "" : "|") + std::string{table.getColumns()[i].getName().cStr()};
      out += '\n';
      for (const auto row : table.getRows()) {
        for (unsigned i = 0; i < row.getValues().size(); ++i)
          out += (i == 0 ? "" : "|") + cell_text(row.getValues()[i]);
        out += '\n';
      }
      break;
    }
    default: out = "?\n";
  }
  for (const auto warning : result.getWarnings())
    out += "warning " + error_line(warning) + '\n';
  return out;
}

/// A promise must be kept inside a turn of the actor that made it: tick_due says "now".
using held_journal_actor = journal_actor::extend<caf::reacts_to<tick_due>>;

struct session_world : actor_world {
  console_world world; ///< Its catalog is the truth; `cell` shows it.
  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  cluster_view_cell_ptr cluster = std::make_shared<cluster_view_cell>();
  scheduler_view_cell_ptr scheduler = std::make_shared<scheduler_view_cell>();
  std::string leader = "fe1:9020";

  // -- the journal --
  std::vector<model::edit> proposed;
  std::deque<wire::EditOutcome::Failure> failures;           ///< For the next proposals.
  bool journal_holds = false;
  std::deque<std::function<void()>> held;                    ///< Proposals that wait for release().

  // -- the backends --
  std::vector<task_order> tasks;
  std::vector<publish_order> publishes;
  std::function<std::optional<std::string>(model::backend_id)> backend_fails; ///< Text: fails; null: answers.
  std::set<model::backend_id> silent;                         ///< Answer nothing.
  std::vector<std::function<void()>> unanswered;

  held_journal_actor journal;
  membership_actor membership;
  caf::actor jobs;
  caf::actor jobs_observer;
  std::vector<caf::actor> jobs_born;
  checkpoint_controller_actor checkpoint;
  std::vector<model::node_id> checkpoints_asked; ///< On whom.
  checkpoint_outcome checkpoint_ends{true, "image 42 made by fe 1"};
  std::vector<std::string> stores_asked;         ///< "file \"root\" = ..."
  std::string leftovers;                         ///< What is said of a place that is to be left; empty: nothing lies there.
  std::string store_fault;                       ///< What is said of the next ones; empty: they will do.
  warmup_desk_actor warmup_desk;    ///< Null, unless a test gives one.
  /// Lanes of running rounds, SHOW WARM UP JOB.
  std::map<std::pair<model::warmup_job_id, model::backend_id>, model::warmup_lane_standing> warming;
  leader_check_actor leader_check;  ///< Null, unless a test gives one.
  load_keeper_actor keeper;
  console_session_actor session;

  void publish_world() {
    cell->store(std::make_shared<const model::catalog>(world.cat));
    cluster->store(std::make_shared<const model::cluster_view>(world.view));
  }

  void SetUp() override {
    backend_fails = [](model::backend_id) { return std::nullopt; };
    journal = sys.spawn([this](held_journal_actor::pointer self, int) { return journal_behavior(self); }, 0);
    membership = sys.spawn([this](membership_actor::pointer self, int) { return membership_behavior(self); }, 0);
    checkpoint = sys.spawn(
      [this](checkpoint_controller_actor::pointer, int) -> checkpoint_controller_actor::behavior_type {
        return {[this](const checkpoint_order& what) {
                  checkpoints_asked.push_back(what.on);
                  return checkpoint_ends;
                },
                [](const model::checkpoint_mail&) {}, [](const fetch_word&) {}, [](tick_due) {}};
      },
      0);
    jobs_observer = sys.spawn([this](caf::event_based_actor*, int) -> caf::behavior {
      return {[this](const child_up& up) { jobs_born.push_back(up.handle); }};
    }, 0);
    jobs = sys.spawn(supervisor, supervisor_options{"jobs", {}, {}, jobs_observer});
    publish_world();
    start_keeper();
    open();
  }

  std::vector<std::pair<model::tablet_id, model::cooldown_standing>> cooling; ///< SHOW PROC '/cooldown'

  console_job_ports job_ports() {
    resource_probe probe{[this](const store_to_try& store, const std::atomic<bool>&) {
                           stores_asked.push_back(std::string{model::name(store.type)} + ' ' + model::listed(store.properties));
                           return store_fault;
                         },
                         false, [this](const store_to_try& store, const std::atomic<bool>&) {
                           stores_asked.push_back("left " + model::listed(store.properties));
                           return leftovers;
                         }};
    return {journal, membership, keeper, cell, cluster, [this] { return world.now; }, [this] { return leader; }, {}, probe};
  }
  console_session_ports ports() {
    console_facts facts;
    facts.frontends = [this] {
      return frontend_facts{{{1, "fe1", "10.0.1.1", 9020, 8030, "LEADER", true, true, model::raw(world.cat.applied),
                              world.now, "", "0.1.0"}},
                            leader};
    };
    facts.actors = [this] {
      return std::vector<actor_row>{{"fe", "journal", "journal", "running", 2, world.now, "disk on fire"}};
    };
    facts.journal = [] {
      journal_facts j;
      j.node = j.leader = 1;
      j.leads = true;
      j.term = 1;
      j.last_index = j.commit_index = j.applied_index = 42;
      j.pending_bytes = 100;
      return j;
    };
    facts.checkpoint = [] { return std::vector<std::pair<std::string, std::string>>{{"Images of fe 1", "42"}}; };
    facts.cooldown = [this](std::size_t) { return cooling; };
    facts.warmup_lane = [this](model::warmup_job_id job, model::backend_id backend) {
      const auto at = warming.find({job, backend});
      return at == warming.end() ? std::nullopt : std::optional{at->second};
    };
    console_session_ports out{job_ports(), scheduler, jobs, facts, std::make_shared<statistic_cache>(), checkpoint};
    out.warmup = warmup_desk;
    out.leader = leader_check;
    return out;
  }
  void start_keeper() { keeper = sys.spawn(load_keeper, load_keeper_ports{jobs, job_ports(), std::chrono::seconds(1)}); }
  void kill_jobs() {
    for (const auto& job : std::exchange(jobs_born, {}))
      urgent_exit(job, caf::exit_reason::kill);
    settle();
  }
  void open(std::string database = {}) {
    session = caf::actor_cast<console_session_actor>(sys.spawn(console_session, std::move(database), ports()));
    settle();
  }
  void close() {
    urgent_exit(session, caf::exit_reason::user_shutdown);
    session = nullptr;
    settle();
  }

  held_journal_actor::behavior_type journal_behavior(held_journal_actor::pointer self) {
    return {
      [this, self](const edit_message& message) {
        auto asked = self->make_response_promise<edit_outcome>();
        const auto edit = codec::decode(message.get());
        proposed.push_back(edit);
        auto answer = [this, asked, edit]() mutable { asked.deliver(decide(edit)); };
        if (journal_holds)
          held.emplace_back(answer);
        else
          answer();
        return asked;
      },
      [](replay_from, const catalog_sink_actor&) {},
      [](watch_standing, const standing_listener_actor&) {},
      [this](tick_due) {
        for (auto& next : std::exchange(held, {}))
          next();
      },
    };
  }
  edit_outcome decide(const model::edit& edit) {
    return seal<wire::EditOutcome>([&](auto to) {
      if (!failures.empty()) {
        to.setFailure(failures.front());
        to.setMessage("as the test wants");
        failures.pop_front();
        return;
      }
      const auto verdict = world.try_fold(edit.body);
      to.setIndex(world.index);
      to.setRefusal(static_cast<std::uint8_t>(verdict.why));
      to.setId(verdict.id);
      publish_world();
    });
  }
  void release() {
    while (!held.empty()) {
      caf::anon_send(journal, tick_due{});
      settle();
    }
  }
  void answer_at_last() {
    silent.clear();
    caf::anon_send(membership, tick_due{});
    settle();
  }

  template <class Promise, class Answer>
  void answer_unless_silent(std::uint64_t backend, Promise asked, Answer answer) {
    if (silent.contains(model::backend_id{backend}))
      unanswered.emplace_back([asked, answer]() mutable { asked.deliver(answer()); });
    else
      asked.deliver(answer());
  }
  membership_actor::behavior_type membership_behavior(membership_actor::pointer self) {
    return {
      [](const catalog_advanced&) {},
      [this, self](const task_order& order) {
        auto asked = self->make_response_promise<task_ended>();
        tasks.push_back(order);
        const auto backend = order.get().getBackend();
        answer_unless_silent(backend, asked, [this, backend] {
          return seal<wire::TaskEnded>([&](auto end) {
            if (const auto why = backend_fails(model::backend_id{backend}))
              end.initFailed().setMessage(*why);
            else
              end.initDone();
          });
        });
        return asked;
      },
      [this, self](const publish_order& order) {
        auto asked = self->make_response_promise<publish_ended>();
        publishes.push_back(order);
        const auto backend = order.get().getBackend();
        answer_unless_silent(backend, asked, [this, backend] {
          return seal<wire::PublishEnded>([&](auto end) {
            end.setBackend(backend);
            if (const auto why = backend_fails(model::backend_id{backend}))
              end.setError(*why);
          });
        });
        return asked;
      },
      [this](tick_due) {
        for (auto& one : std::exchange(unanswered, {}))
          one();
      },
    };
  }

  // -- what a client does --
  template <class Answer, class Request>
  std::shared_ptr<std::optional<Answer>> ask(const Request& request) {
    auto slot = std::make_shared<std::optional<Answer>>();
    sys.spawn([slot, request, to = session](caf::event_based_actor* self, int) {
      self->request(to, caf::infinite, request)
        .then([slot](const Answer& answer) { *slot = answer; },
              [](const caf::error& why) { ADD_FAILURE() << "no answer: " << static_cast<int>(why.code()); });
    }, 0);
    settle();
    return slot;
  }
  std::shared_ptr<std::optional<statement_outcome>> send(const std::string& text, bool may_write = true,
                                                         const std::string& request_id = {}) {
    return ask<statement_outcome>(seal<wire::StatementText>([&](auto to) {
      to.setText(text);
      to.setMayWrite(may_write);
      to.setRequestId(kj::arrayPtr(reinterpret_cast<const kj::byte*>(request_id.data()), request_id.size()));
    }));
  }
  std::string run(const std::string& text, bool may_write = true) {
    const auto slot = send(text, may_write);
    return *slot ? shown((*slot)->get().getResult()) : "silence";
  }
  /// The plan of a LOAD; fails the test if there is none.
  statement_outcome plan_of(const std::string& text, const std::string& request_id = {}) {
    const auto slot = send(text, true, request_id);
    if (!*slot || !(*slot)->get().isLoad()) {
      ADD_FAILURE() << "no plan: " << (*slot ? shown((*slot)->get().getResult()) : "silence");
      return {};
    }
    return **slot;
  }
  /// "10001 (h1:9060)"
  std::string described(std::size_t backend) const {
    return fmt::format("{} (h{}:9060)", model::raw(world.order[backend]), backend + 1);
  }
  /// What the carrier reports after it has sent 5 rows to every tablet.
  static load_prepared prepared(const statement_outcome& plan, std::vector<model::backend_id> missing = {}) {
    const auto is_missing = [&](std::uint64_t b) {
      return std::find(missing.begin(), missing.end(), model::backend_id{b}) != missing.end();
    };
    return seal<wire::LoadPrepared>([&](auto to) {
      const auto load = plan.get().getLoad();
      to.setTxn(load.getTxn());
      auto tablets = to.initTablets(load.getTablets().size());
      for (unsigned i = 0; i < tablets.size(); ++i) {
        tablets[i].setTablet(load.getTablets()[i].getTablet());
        tablets[i].setRows(5);
        tablets[i].setBytes(50);
        std::vector<std::uint64_t> good;
        for (const auto r : load.getTablets()[i].getReplicas())
          if (!is_missing(r.getBackend()))
            good.push_back(r.getReplica());
        auto list = tablets[i].initPrepared(static_cast<unsigned>(good.size()));
        for (unsigned r = 0; r < list.size(); ++r)
          list.set(r, good[r]);
      }
      auto failed = to.initFailures(static_cast<unsigned>(missing.size()));
      for (unsigned i = 0; i < failed.size(); ++i) {
        failed[i].setBackend(model::raw(missing[i]));
        failed[i].setMessage("connection lost");
      }
    });
  }
  std::string finish(const load_prepared& rows) {
    const auto slot = ask<api_result>(rows);
    return *slot ? shown((*slot)->get()) : "silence";
  }

  template <class Edit>
  std::size_t proposals() const {
    return static_cast<std::size_t>(
      std::count_if(proposed.begin(), proposed.end(), [](const model::edit& e) { return std::holds_alternative<Edit>(e.body); }));
  }

  void TearDown() override {
    answer_at_last();
    journal_holds = false;
    release();
    urgent_exit(session, caf::exit_reason::user_shutdown);
    urgent_exit(keeper, caf::exit_reason::user_shutdown);
    urgent_exit(jobs, caf::exit_reason::user_shutdown);
    urgent_exit(jobs_observer, caf::exit_reason::user_shutdown);
    jobs_born.clear();
    settle();
    urgent_exit(journal, caf::exit_reason::user_shutdown);
    urgent_exit(membership, caf::exit_reason::user_shutdown);
    urgent_exit(checkpoint, caf::exit_reason::user_shutdown);
    checkpoint = nullptr;
    session = nullptr;
    keeper = nullptr;
    jobs = nullptr;
    jobs_observer = nullptr;
    journal = nullptr;
    membership = nullptr;
    settle();
    pass(std::chrono::minutes(2));
    EXPECT_EQ(sys.registry().running(), 0U) << "somebody was orphaned";
  }
};

} // namespace tabletd::test
