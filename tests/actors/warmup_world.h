#pragma once
// The leader's warm-up in a frozen world: a journal that folds at once, holds back, is full, or has lost its leadership;
// backends with a real slot (actors/model/warmup_slot.h) behind links that take notes; one table with its replicas in the
// cluster "east", every bucket cooled, and two backends of "west" to warm.
#include "actors/codec/agent_warmup_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/edit_words.h"
#include "actors/model/warmup_serving.h"
#include "actors/model/warmup_slot.h"
#include "actors/urgent_exit.h"
#include "actors/warmup/warmup_overseer.h"
#include "tests/actors/actor_world.h"
#include "tests/model/catalog_world.h"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

/// Backends as their leader sees them.
class fake_fleet final : public warmup_links {
public:
  struct member {
    std::optional<warmup_slot> slot{std::in_place, 1};
    std::uint64_t boot = 1;
    bool is_linked = true;
    bool is_mute = false;  ///< Takes everything and answers nothing.
    std::optional<begin_batch> in_hand;
    std::uint64_t capacity_bytes = 1'000'000, used_bytes = 1;
    std::vector<codec::partition_warmth> hottest;
    std::uint64_t failed_pushes = 0;  ///< So many of the next ones warm nothing.
    codec::cache_share share;
  };
  struct held {
    backend_id backend{};
    std::uint64_t number{};
    slot_request what;
    caf::actor caller;
  };
  struct held_push {
    backend_id backend{};
    std::uint64_t number{};
    std::size_t tablets = 0;
    caf::actor caller;
  };
  std::map<backend_id, member> members;
  std::map<backend_id, std::vector<std::string>> said;  ///< To each of them, in order; questions about caches left out.
  std::map<backend_id, std::vector<std::vector<tablet_id>>> pushed;
  std::vector<held> kept;  ///< Answers that wait for the end of a batch.
  std::vector<held_push> pushing;
  bool pushes_wait = false;
  int states_asked = 0;
  time_ms now{1};

  void call(backend_id to, std::uint64_t number, warmup_call what, caf::actor caller) override {
    auto& m = members[to];
    if (!m.is_linked)
      return answer(to, number, caller, [](auto a) { a.setSilent("it is not linked"); });
    const auto from = what.get();
    if (from.isRequest())
      return request(to, number, codec::decode(from.getRequest()), caller);
    if (from.isState())
      return state(to, number, caller);
    if (from.isPush()) {
      pushed[to].push_back(tablets_of(from.getPush()));
      pushing.push_back({to, number, pushed[to].back().size(), caller});
      return pushes_wait ? void() : end_pushes();
    }
    said[to].push_back("VERIFY " + std::to_string(from.getVerify().getTablets().size()));
    if (!m.is_mute)
      answer(to, number, caller, [&](auto a) { codec::encode(m.share, a.initShare()); });
  }
  void end_pushes() {
    for (const auto& p : std::exchange(pushing, {}))
      answer(p.backend, p.number, p.caller, [&](auto a) {
        auto done = a.initPushed();
        auto& m = members[p.backend];
        if (m.failed_pushes > 0) {
          --m.failed_pushes;
          done.setFailedTablets(p.tablets);
          done.setWhy("the store is gone");
        } else {
          done.setBytesDone(10 * p.tablets);
        }
      });
  }
  /// The batch in hand is done, `failed` could not be warmed.
  void end_batch(backend_id at, std::vector<tablet_id> failed = {}) {
    auto& m = members[at];
    ASSERT_TRUE(m.in_hand) << "backend " << raw(at) << " has nothing to do";
    const auto batch = *std::exchange(m.in_hand, std::nullopt);
    EXPECT_TRUE(m.slot->end_batch({batch.generation, batch.batch, 100 * (batch.tablets.size() - failed.size()), failed.size(), failed}));
    release(at);
  }
  /// Its process begins anew; what waited for it is not answered.
  void reboot(backend_id at) {
    auto& m = members[at];
    m.slot.emplace(++m.boot);
    m.in_hand.reset();
    for (const auto& k : std::exchange(kept, {}))
      if (k.backend == at)
        answer(at, k.number, k.caller, [](auto a) { a.setSilent("the link broke"); });
      else
        kept.push_back(k);
  }
  /// What waits has waited long enough.
  void release(std::optional<backend_id> at = {}) {
    for (const auto& k : std::exchange(kept, {}))
      if (!at || k.backend == *at)
        reply(k.backend, k.number, k.what, k.caller);
      else
        kept.push_back(k);
  }
  /// "GET; SET_JOB 0", since the last take.
  std::string take_said(backend_id to) {
    std::string text;
    for (const auto& one : std::exchange(said[to], {}))
      text += (text.empty() ? "" : "; ") + one;
    return text;
  }

private:
  template <class Fill>
  void answer(backend_id from, std::uint64_t number, const caf::actor& to, Fill fill) {
    caf::anon_send(to, seal<wire::WarmupAnswer>([&](auto a) {
                     a.setCall(number);
                     a.setBackend(raw(from));
                     fill(a);
                   }));
  }
  static std::vector<tablet_id> tablets_of(wire::WarmupSources::Reader from) {
    std::vector<tablet_id> ids;
    for (const auto t : from.getTablets())
      ids.push_back(tablet_id{t.getTablet()});
    return ids;
  }
  void request(backend_id to, std::uint64_t number, codec::warmup_request asked, const caf::actor& caller) {
    auto& m = members[to];
    std::visit(overloaded{[&](const get_slot&) { said[to].emplace_back("GET"); },
                          [&](const set_job& e) { said[to].push_back("SET_JOB " + std::to_string(e.resume_from)); },
                          [&](const set_batch& e) {
                            said[to].push_back("SET_BATCH " + std::to_string(e.batch) + (asked.forced ? " forced" : ""));
                            EXPECT_EQ(asked.sources.tablets.size(), e.tablets.size());
                            for (const auto& t : asked.sources.tablets)
                              EXPECT_FALSE(t.meta.object.empty()) << "the backend cannot know what to fetch";
                          },
                          [&](const clear_job&) { said[to].emplace_back("CLEAR"); }},
               asked.what.what);
    if (m.is_mute)
      return;
    if (std::holds_alternative<get_slot>(asked.what.what) && asked.wait.count() > 0 && m.in_hand)
      kept.push_back({to, number, asked.what, caller});
    else
      reply(to, number, asked.what, caller);
  }
  void reply(backend_id from, std::uint64_t number, const slot_request& what, const caf::actor& caller) {
    auto& m = members[from];
    const auto step = m.slot->step(what, now);
    for (const auto& effect : step.effects)
      if (const auto* begin = std::get_if<begin_batch>(&effect))
        m.in_hand = *begin;
      else
        m.in_hand.reset();
    answer(from, number, caller, [&](auto a) { codec::encode(step.reply, a.initReply()); });
  }
  void state(backend_id to, std::uint64_t number, const caf::actor& caller) {
    ++states_asked;
    const auto& m = members[to];
    if (m.is_mute)
      return;
    answer(to, number, caller, [&](auto a) {
      auto s = a.initState();
      s.setBoot(m.boot);
      s.setCapacityBytes(m.capacity_bytes);
      s.setUsedBytes(m.used_bytes);
      auto list = s.initHottest(static_cast<unsigned>(m.hottest.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setPartition(raw(m.hottest[i].partition));
        list[i].setBytes(m.hottest[i].bytes);
      }
    });
  }
};

struct warmup_overseer_world : actor_world {
  catalog_world w;
  backend_id e1 = join(1, "east"), e2 = join(2, "east"), w3 = join(3, "west"), w4 = join(4, "west");
  database_id db = w.make_database();
  resource_id cold{w(resource_created{"cold", resource_type::file, {{"root", "/mnt/cold"}}}).id};
  storage_policy_id policy{w(storage_policy_created{"p", cold, cooldown_ttl{3'600}}).id};
  table_id t = cooled_table("orders", 4);

  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  std::shared_ptr<fake_fleet> fleet = std::make_shared<fake_fleet>();
  warmup_board_ptr board = std::make_shared<warmup_board>();
  warmup_settings settings;
  std::vector<edit_body> proposed;
  std::vector<std::string> told, alarms;
  time_ms wall{1'700'000'000'000};

  backend_id join(std::uint64_t n, const std::string& cluster) {
    const backend_id id{w(backend_added{"h" + std::to_string(n), 9000, cluster}).id};
    EXPECT_TRUE(w(catalog_world::returned(id, n)).ok());
    return id;
  }
  /// Every bucket has one replica, on e1, and 100 bytes in the remote store.
  table_id cooled_table(const std::string& name, std::uint32_t buckets) {
    const auto made = w.make_table(db, {e1}, buckets, 1, name);
    EXPECT_TRUE(w(storage_policy_set{made, {}, policy}).ok());
    for (std::uint32_t b = 0; b < buckets; ++b) {
      const auto& tablet = w.bucket(made, b);
      EXPECT_TRUE(w(cooldown_granted{{{tablet.id, tablet.replicas[0].id, 1}}}).ok());
      EXPECT_TRUE(w(published(tablet.id, 1)).ok());
    }
    return made;
  }
  cooldown_published published(tablet_id tablet, std::uint64_t seq) const {
    return {tablet, w.cat.tablets.find(tablet)->replicas[0].id, published_meta{{1, seq}, cold, "m" + std::to_string(seq), 7, 1, 100}};
  }
  tablet_id bucket(std::uint32_t b) const { return w.bucket(t, b).id; }
  partition_id part() const { return w.cat.tables.find(t)->partitions.front().id; }

  // -- the journal, the catalog and the leader check, in one actor ---------------------------
  wire::EditOutcome::Failure journal_fails = wire::EditOutcome::Failure::NONE;
  bool journal_applies_and_fails = false;  ///< The edit commits all the same.
  bool journal_holds_back = false;
  bool leads = true;
  std::vector<std::function<void()>> held_back;
  std::vector<catalog_listener_actor> listeners;

  using stage_actor
    = journal_actor::extend<caf::replies_to<confirm_leading>::with<leading_confirmed>,
                            caf::replies_to<committed_batch>::with<batch_outcomes>,
                            caf::reacts_to<subscribe, catalog_listener_actor>, caf::reacts_to<tick_due>>;
  stage_actor stage = sys.spawn(
    [this](stage_actor::pointer self, int) -> stage_actor::behavior_type {
      return {
        [this, self](const edit_message& message) {
          auto promise = self->make_response_promise<edit_outcome>();
          const auto answer = [this, message, promise]() mutable { promise.deliver(commit(message)); };
          if (journal_holds_back)
            held_back.emplace_back(answer);
          else
            std::function<void()>{answer}();
          return promise;
        },
        [](replay_from, const catalog_sink_actor&) {},
        [](watch_standing, const standing_listener_actor&) {},
        [this](confirm_leading) { return leading_confirmed{leads, 0}; },
        [](const committed_batch&) { return batch_outcomes{}; },
        [this](subscribe, const catalog_listener_actor& who) { listeners.push_back(who); },
        [this](tick_due) {
          for (auto& answer : std::exchange(held_back, {}))
            answer();
        },
      };
    },
    0);

  void release() {
    caf::anon_send(stage, tick_due{});
    settle();
  }
  edit_outcome commit(const edit_message& message) {
    const auto edit = codec::decode(message.get());
    EXPECT_LE(edit.at, wall);
    proposed.push_back(edit.body);
    if (journal_fails != wire::EditOutcome::Failure::NONE) {
      if (journal_applies_and_fails)
        change(edit.body);
      return seal<wire::EditOutcome>([&](auto to) {
        to.setFailure(journal_fails);
        to.setMessage("it is said so");
      });
    }
    const auto judged = change(edit.body);
    return seal<wire::EditOutcome>([&](auto to) {
      to.setIndex(w.index);
      to.setRefusal(static_cast<std::uint8_t>(judged.why));
      to.setId(judged.id);
    });
  }
  verdict change(edit_body body) {
    w.now = wall;
    auto judged = w(std::move(body));
    cell->store(std::make_shared<const catalog>(w.cat));
    const auto news = seal<wire::CatalogAdvanced>([&](auto to) { to.setIndex(w.index); });
    for (const auto& listener : listeners)
      caf::anon_send(listener, news);
    return judged;
  }
  void happen(edit_body body) {
    EXPECT_TRUE(change(std::move(body)).ok());
    settle();
  }
  /// Of this kind, since the last take.
  template <class Edit>
  std::vector<Edit> take() {
    std::vector<Edit> found;
    std::erase_if(proposed, [&](const edit_body& e) {
      if (const auto* one = std::get_if<Edit>(&e))
        found.push_back(*one);
      return std::holds_alternative<Edit>(e);
    });
    return found;
  }

  // -- the overseer --------------------------------------------------------------------------
  warmup_overseer_actor subject;
  void start() {
    EXPECT_TRUE(w(term_began{w.cat.term + 1, 1}).ok());
    cell->store(std::make_shared<const catalog>(w.cat));
    for (const auto b : {e1, e2, w3, w4})
      fleet->members.try_emplace(b);
    subject = sys.spawn(warmup_overseer, warmup_room{.journal = stage,
                                                     .leader_check = stage,
                                                     .catalog_news = stage,
                                                     .catalog = cell,
                                                     .links = fleet,
                                                     .board = board,
                                                     .wall_clock = [this] { return wall; },
                                                     .tell = [this](const std::string& text, bool) { told.push_back(text); },
                                                     .alarm = [this](const std::string& text) { alarms.push_back(text); },
                                                     .settings = settings});
    settle();
  }
  void stop() {
    urgent_exit(subject, caf::exit_reason::kill);
    subject = nullptr;
    listeners.clear();
    settle();
  }
  void TearDown() override {
    stop();
    urgent_exit(stage, caf::exit_reason::user_shutdown);
    held_back.clear();
    fleet->kept.clear();
    fleet->pushing.clear();
    settle();
  }
  /// So many seconds, tick by tick; a backend keeps an answer for one of them.
  void seconds(int n) {
    for (int i = 0; i < n; ++i) {
      wall += 1s;
      fleet->now += 1s;
      fleet->release();
      settle();
      pass(1s);
    }
  }

  // -- jobs ----------------------------------------------------------------------------------
  static warmup_definition about(table_id table, const std::string& dst = "west") {
    warmup_definition what;
    what.type = warmup_type::table;
    what.dst = dst;
    what.targets = {{table, {}}};
    return what;
  }
  static warmup_definition after(const std::string& src, const std::string& dst = "west") {
    warmup_definition what;
    what.type = warmup_type::cluster;
    what.src = src;
    what.dst = dst;
    return what;
  }
  /// One batch for each tablet.
  static warmup_lane_plan lane(backend_id backend, const std::vector<tablet_id>& tablets) {
    warmup_lane_plan plan{backend, {}};
    for (const auto id : tablets)
      plan.batches.push_back({{id}, 100});
    return plan;
  }
  warmup_job_id create(warmup_definition what, std::vector<warmup_lane_plan> lanes = {}) {
    happen_quietly(warmup_created{std::move(what), std::move(lanes)});
    const warmup_job_id id{w.verdicts.back().id};
    settle();
    return id;
  }
  void happen_quietly(edit_body body) { EXPECT_TRUE(change(std::move(body)).ok()); }
  /// Two batches for w3, two for w4.
  warmup_job_id create_usual(warmup_definition what) {
    return create(std::move(what), {lane(w3, {bucket(0), bucket(1)}), lane(w4, {bucket(2), bucket(3)})});
  }
  const warmup_job& job(warmup_job_id id) const { return *w.cat.warmup.jobs.find(id); }
  std::string state(warmup_job_id id) const {
    const auto* j = w.cat.warmup.jobs.find(id);
    return j ? word_of(j->state) : "gone";
  }

  template <class Answer>
  struct inbox {
    std::vector<Answer> answers;
    std::vector<std::string> errors;
  };
  template <class Answer, class Message>
  void ask(const Message& message, inbox<Answer>& into) {
    sys.spawn(
      [whom = subject, message, &into](caf::event_based_actor* self, int) {
        self->request(whom, caf::infinite, message)
          .then([&into](const Answer& answer) { into.answers.push_back(answer); },
                [&into, self](const caf::error& why) { into.errors.push_back(tabletd::text_of(self->system(), why)); });
      },
      0);
    settle();
  }
  inbox<warmup_plan_answer> plans;
  void ask_plan(const warmup_definition& what) {
    plans = {};
    ask(seal<wire::WarmupPlanAsked>([&](auto to) { codec::edit_words::fill(to.initWhat(), what); }), plans);
  }
  /// The only answer: "refused: ...", or "backend:tablets/bytes ..."; or "nothing yet".
  std::string plan_text() {
    if (plans.answers.size() != 1)
      return plans.errors.empty() ? "nothing yet" : "error: " + plans.errors.front();
    const auto made = codec::decode_planned(plans.answers.front().get());
    if (const auto* no = std::get_if<warmup_not_planned>(&made))
      return "refused: " + no->text;
    std::string text;
    for (const auto& l : std::get<warmup_plan>(made).lanes)
      text += (text.empty() ? "" : " ") + std::to_string(raw(l.backend)) + ":" + std::to_string(l.tablets.size()) + "/"
              + std::to_string(l.bytes);
    return text;
  }
};

}  // namespace tabletd::test
