#pragma once
// A frozen world with a journal that folds at once, a wire that only takes notes, and words
// for what backends say.
#include "actors/codec/agent_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/membership/membership.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/model/catalog_world.h"
#include <caf/event_based_actor.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tabletd::test {

/// Writes down every call; tests read and clear `notes`.
class noting_wire final : public backend_wire {
public:
  std::vector<std::string> notes;
  std::map<backend_id, backend_agent_actor> agents; ///< Who attached last.
  std::uint64_t publish_seq = 0;                    ///< Of the last publish call.

  void attach(hello who, std::string host, std::uint16_t port, backend_agent_actor agent) override {
    note(who.backend, "attach " + host + ":" + std::to_string(port) + " term "
                          + std::to_string(who.term) + " leader " + std::to_string(who.leader));
    agents[who.backend] = std::move(agent);
  }
  void detach(backend_id b) override { note(b, "detach"); }
  void heartbeat(backend_id b, std::uint64_t seq) override {
    note(b, "beat " + std::to_string(seq));
  }
  void submit(backend_id b, sealed<wire::TaskBatch> tasks) override {
    std::string text = "submit";
    for (const auto task : tasks.get().getTasks()) {
      const auto decoded = codec::decode(task);
      constexpr const char* kinds[] = {"create", "clone", "drop", "verify", "cancel"};
      const bool ordered = raw(decoded.fence) >> 63 == 0;
      text += std::string{" "} + kinds[decoded.what.index()]
              + (ordered ? "#" + std::to_string(raw(decoded.fence)) : "");
    }
    note(b, text);
  }
  void publish(backend_id b, std::uint64_t seq, publish_order order) override {
    publish_seq = seq;
    std::string text = "publish";
    for (const auto txn : order.get().getTxns())
      text += " " + std::to_string(txn.getTxn()) + "=" + std::to_string(txn.getVersion());
    note(b, text);
  }
  void request_report(backend_id b) override { note(b, "report?"); }

  /// What was called since the last take, heartbeats left out.
  std::string take() {
    std::string all;
    for (const auto& line : std::exchange(notes, {}))
      if (line.find("beat") == std::string::npos)
        all += (all.empty() ? "" : "; ") + line;
    return all;
  }

private:
  void note(backend_id b, const std::string& what) {
    notes.push_back(std::to_string(raw(b)) + " " + what);
  }
};

struct membership_world : actor_world {
  catalog_world w;
  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  std::shared_ptr<noting_wire> wire = std::make_shared<noting_wire>();
  std::vector<edit_body> proposed;
  bool journal_is_full = false;
  bool journal_holds_back = false;              ///< Keeps promises instead of answering.
  std::vector<std::function<void()>> held_back; ///< Run inside the journal: see release().
  std::vector<caf::strong_actor_ptr> to_stop;
  time_ms wall{1'700'000'000'000};

  using fake_journal_actor = journal_actor::extend<caf::reacts_to<tick_due>>;
  fake_journal_actor fake_journal = sys.spawn(
      [this](fake_journal_actor::pointer self, int) -> fake_journal_actor::behavior_type {
        return {
            [this, self](const edit_message& message) {
              auto promise = self->make_response_promise<edit_outcome>();
              auto answer
                  = [this, message, promise]() mutable { promise.deliver(commit(message)); };
              if (journal_holds_back)
                held_back.emplace_back(answer);
              else
                answer();
              return promise;
            },
            [](replay_from, const catalog_sink_actor&) {},
            [](watch_standing, const standing_listener_actor&) {},
            [this](tick_due) {
              for (auto& answer : std::exchange(held_back, {}))
                answer();
            },
        };
      },
      0);
  journal_actor journal = fake_journal;

  /// Answers what was held back until now.
  void release() {
    caf::anon_send(fake_journal, tick_due{});
    settle();
  }

  /// Folds it as a journal and a catalog would, unless the journal is full.
  edit_outcome commit(const edit_message& message) {
    const auto edit = codec::decode(message.get());
    EXPECT_EQ(edit.at, wall);
    proposed.push_back(edit.body);
    if (journal_is_full)
      return seal<wire::EditOutcome>(
          [](auto to) { to.setFailure(wire::EditOutcome::Failure::OVERLOADED); });
    const auto judged = w(edit.body);
    publish();
    return seal<wire::EditOutcome>([&](auto to) {
      to.setIndex(w.index);
      to.setRefusal(static_cast<std::uint8_t>(judged.why));
      to.setId(judged.id);
    });
  }
  /// The catalog as it is now becomes what everybody reads.
  void publish() { cell->store(std::make_shared<const catalog>(w.cat)); }

  std::vector<edit_body> take_proposed() { return std::exchange(proposed, {}); }

  void TearDown() override {
    for (const auto& who : to_stop)
      urgent_exit(who, caf::exit_reason::user_shutdown);
    settle();
    to_stop.clear();
    wire->agents.clear();
  }
  template <class Handle>
  Handle stop_later(Handle who) {
    to_stop.push_back(caf::actor_cast<caf::strong_actor_ptr>(who));
    return who;
  }

  /// Asks and collects; an error is counted.
  template <class Answer>
  struct inbox {
    std::vector<Answer> answers;
    int errors = 0;
  };
  template <class Answer, class Handle, class Message>
  void ask(const Handle& whom, const Message& message, inbox<Answer>& into) {
    sys.spawn(
        [whom, message, &into](caf::event_based_actor* self, int) {
          self->request(whom, caf::infinite, message)
              .then([&into](const Answer& answer) { into.answers.push_back(answer); },
                    [&into](const caf::error&) { ++into.errors; });
        },
        0);
    settle();
  }

  // -- what a backend says ---------------------------------------------------------------
  template <class Fill>
  static backend_event event(Fill&& fill) {
    return seal<wire::BackendEvent>(std::forward<Fill>(fill), 128);
  }
  static void fill_paths(capnp::List<wire::PathStatus>::Builder to, std::uint64_t n) {
    for (unsigned i = 0; i < to.size(); ++i) {
      to[i].setHash(n * 10 + i);
      to[i].setRoot(i == 0 ? "/p0" : "/p1");
      to[i].setSsd(i == 1);
      to[i].setOnline(true);
    }
  }
  /// `n`: paths n*10 and n*10+1, as catalog_world::returned.
  static backend_event attached(std::uint64_t boot, std::uint64_t n = 1) {
    return event([&](auto e) {
      auto facts = e.initAttached();
      facts.setBootId(boot);
      facts.setVersion("0.1.0");
      fill_paths(facts.initPaths(2), n);
    });
  }
  static backend_event status(std::uint64_t boot, std::uint64_t stamp = 100, std::uint64_t n = 1) {
    return event([&](auto e) {
      auto to = e.initStatus();
      to.setBootId(boot);
      to.setStamp(stamp);
      fill_paths(to.initPaths(2), n);
    });
  }
  static backend_event lost(const char* why) {
    return event([&](auto e) { e.setLost(why); });
  }
  static backend_event refused(const char* why) {
    return event([&](auto e) { e.setRefused(why); });
  }
  static backend_event report(std::uint64_t boot, std::uint64_t stamp,
                              const std::vector<held_replica>& held,
                              const std::vector<txn_id>& prepared = {}) {
    return event([&](auto e) {
      auto to = e.initReport();
      to.setBootId(boot);
      to.setStamp(stamp);
      to.setFull(true);
      auto tablets = to.initTablets(static_cast<unsigned>(held.size()));
      for (unsigned i = 0; i < tablets.size(); ++i)
        codec::encode(held[i], tablets[i]);
      auto txns = to.initPrepared(static_cast<unsigned>(prepared.size()));
      for (unsigned i = 0; i < txns.size(); ++i)
        txns.set(i, raw(prepared[i]));
    });
  }
  static backend_event ended(const task_end& end) {
    return event([&](auto e) { codec::encode(end, e.initEnded(1)[0]); });
  }
  backend_event published(const char* error = "") const {
    return event([&](auto e) {
      auto end = e.initPublished();
      end.setSeq(wire->publish_seq);
      end.setError(error);
    });
  }
  held_replica held(table_id t, backend_id b, version v) const {
    const auto& r = w.on(t, b);
    return {w.bucket(t).id, r.id, r.path, v, v, false, 0, 0, 1};
  }

  // -- orders ----------------------------------------------------------------------------
  static task_order order(backend_id b, const agent_task& task) {
    return seal<wire::TaskOrder>([&](auto to) {
      to.setBackend(raw(b));
      codec::encode(task, to.initTask());
    });
  }
  static task_order clone_order_for(backend_id b, std::uint64_t fence, std::uint64_t tablet) {
    agent_task task;
    task.fence = log_index{fence};
    model::clone_order what;
    what.fence = task.fence;
    what.tablet = tablet_id{tablet};
    what.replica = replica_id{tablet + 1'000};
    task.what = what;
    return order(b, task);
  }
  static task_end clone_done(std::uint64_t fence, std::uint64_t tablet, std::uint64_t stamp = 1) {
    task_end end;
    end.fence = log_index{fence};
    end.tablet = tablet_id{tablet};
    end.replica = replica_id{tablet + 1'000};
    end.stamp = stamp;
    return end;
  }
  static publish_order publish_of(backend_id b, std::uint64_t txn, std::uint64_t version) {
    return seal<wire::PublishOrder>([&](auto to) {
      to.setBackend(raw(b));
      auto one = to.initTxns(1)[0];
      one.setTxn(txn);
      one.setVersion(version);
    });
  }
  static std::string text(const task_ended& end) {
    const auto read = codec::decode(end.get());
    const auto* why = std::get_if<task_failed>(&read.outcome);
    return std::to_string(raw(read.fence)) + "/" + std::to_string(raw(read.tablet)) + " "
           + (why ? (why->kind == task_failure::unreachable ? "unreachable: " : "failed: ")
                        + why->message
                  : "done");
  }
};

} // namespace tabletd::test
