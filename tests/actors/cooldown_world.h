#pragma once
// The overseer of cooldown in a frozen world: a journal that folds at once, holds back, is full, or has lost its
// leadership; links that take notes; and one table of one tablet with replicas A, B, C as in spec/jobs.md D-B.
#include "actors/codec/edit_codec.h"
#include "actors/cooldown/cooldown_overseer.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/model/catalog_world.h"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace tabletd::model {

inline void PrintTo(const cooldown_granted& e, std::ostream* out) {
  *out << "granted";
  for (const auto& g : e.grants)
    *out << " tablet " << raw(g.tablet) << " to " << raw(g.replica) << " term " << g.term;
}

} // namespace tabletd::model

namespace tabletd::test {

/// What a backend was told of a replica.
struct told {
  replica_id replica{};
  cooldown_conf conf;
  resource_id resource{};
  std::string rule; ///< "never", "ttl 3600000 through 7", "datetime 5", "never recall"
  std::string stores; ///< Ids and properties that came along: "1 root=/mnt/cold"
  std::uint64_t lease_ms{};
};

class noting_links final : public cooldown_links {
public:
  cooldown_overseer_actor overseer;
  std::map<backend_id, std::vector<told>> orders;
  std::vector<backend_id> linked; ///< Pushes to others are dropped.
  int calls = 0;

  void serve(cooldown_overseer_actor who) override {
    overseer = std::move(who);
    for (const auto b : linked)
      caf::anon_send(overseer, backend_linked{b});
  }
  void leave(caf::actor_id who) override {
    if (overseer && overseer.id() == who)
      overseer = nullptr;
  }
  void push(backend_id to, sealed<wire::CooldownOrders> what) override {
    if (std::ranges::find(linked, to) == linked.end())
      return;
    ++calls;
    std::string stores;
    for (const auto store : what.get().getResources()) {
      stores += (stores.empty() ? "" : "; ") + std::to_string(store.getId());
      for (const auto p : store.getProperties())
        stores += std::string{" "} + p.getKey().cStr() + "=" + p.getValue().cStr();
    }
    for (const auto order : what.get().getTablets())
      orders[to].push_back({replica_id{order.getReplica()}, conf_of(order.getConf()), resource_id{order.getResource()},
                            rule_of(order), stores, what.get().getLeaseMs()});
  }

private:
  static cooldown_conf conf_of(wire::CooldownConf::Reader from) {
    cooldown_conf conf{replica_id{from.getUploader()}, from.getTerm(), std::nullopt};
    if (from.getPublished().isMeta()) {
      const auto meta = from.getPublished().getMeta();
      conf.published = published_meta{{meta.getId().getTerm(), meta.getId().getSeq()},
                                      resource_id{meta.getResource()},
                                      meta.getObject().cStr(),
                                      meta.getCrc32c(),
                                      meta.getLastVersion(),
                                      meta.getBytes()};
    }
    conf.recalled = {from.getRecalled().getTerm(), from.getRecalled().getSeq()};
    return conf;
  }
  static std::string rule_of(wire::CooldownOrder::Reader order) {
    const auto from = order.getRule();
    const std::string rule = from.isTtlMs()        ? "ttl " + std::to_string(from.getTtlMs())
                             : from.isDatetimeMs() ? "datetime " + std::to_string(from.getDatetimeMs())
                                                   : "never";
    return rule + (order.getCoolThrough() > 0 ? " through " + std::to_string(order.getCoolThrough()) : "")
           + (order.getRecall() ? " recall" : "");
  }
};

struct cooldown_world : actor_world {
  catalog_world w;
  backend_id b1 = w.live_backend(1), b2 = w.live_backend(2), b3 = w.live_backend(3), b4 = w.live_backend(4);
  database_id db = w.make_database();
  resource_id cold{w(resource_created{"cold", resource_type::file, {{"root", "/mnt/cold"}}}).id};
  storage_policy_id policy{w(storage_policy_created{"p", cold, cooldown_ttl{3'600}}).id};
  table_id t = w.make_table(db, {b1, b2, b3});
  tablet_id tablet = w.bucket(t).id;
  replica_id A = w.on(t, b1).id, B = w.on(t, b2).id, C = w.on(t, b3).id;

  catalog_cell_ptr cell = std::make_shared<catalog_cell>();
  std::shared_ptr<noting_links> links = std::make_shared<noting_links>();
  cooldown_board_ptr board = std::make_shared<cooldown_board>();
  std::vector<edit_body> proposed;
  std::vector<caf::strong_actor_ptr> to_stop;
  time_ms wall{1'700'000'000'000};

  // -- the journal, the catalog and the leader check, in one actor ---------------------------
  wire::EditOutcome::Failure journal_fails = wire::EditOutcome::Failure::NONE;
  bool journal_applies_and_fails = false; ///< The edit commits, but under a later leader: the answer says nothing.
  bool journal_holds_back = false;
  bool reads_wait = false;
  bool leads = true;
  int confirmations = 0;
  std::function<void()> before_confirming = [] {}; ///< What the log had, and this catalog had not folded yet.
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
        [this, self](confirm_leading) {
          auto promise = self->make_response_promise<leading_confirmed>();
          ++confirmations;
          const auto answer = [this, promise]() mutable {
            before_confirming();
            promise.deliver(leading_confirmed{leads, 0});
          };
          if (reads_wait)
            held_back.emplace_back(answer);
          else
            std::function<void()>{answer}();
          return promise;
        },
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
    EXPECT_EQ(edit.at, wall);
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
  /// A committed edit, announced as the catalog would.
  verdict change(edit_body body) {
    auto judged = w(std::move(body));
    cell->store(std::make_shared<const catalog>(w.cat));
    const auto news = seal<wire::CatalogAdvanced>([&](auto to) {
      to.setIndex(w.index);
      auto touched = to.initTouched(static_cast<unsigned>(judged.touched.size()));
      for (unsigned i = 0; i < touched.size(); ++i)
        touched.set(i, raw(judged.touched[i]));
    });
    for (const auto& listener : listeners)
      caf::anon_send(listener, news);
    return judged;
  }
  void happen(edit_body body) {
    EXPECT_TRUE(change(std::move(body)).ok());
    settle();
  }
  /// Without what an overseer that follows another one begins with.
  std::vector<edit_body> take_proposed() {
    auto all = std::exchange(proposed, {});
    std::erase_if(all, [](const edit_body& e) { return e == edit_body{cooldown_granted{}}; });
    return all;
  }
  edit_body grant(replica_id to, term in) const { return cooldown_granted{{{tablet, to, in}}}; }

  // -- the overseer --------------------------------------------------------------------------
  cooldown_overseer_life_actor subject;
  void under_policy() { EXPECT_TRUE(w(storage_policy_set{t, {}, policy}).ok()); }
  void start() {
    cell->store(std::make_shared<const catalog>(w.cat));
    cooldown_overseer_ports ports;
    ports.journal = stage;
    ports.leader_check = stage;
    ports.catalog_news = stage;
    ports.catalog = cell;
    ports.links = links;
    ports.board = board;
    ports.wall_clock = [this] { return wall; };
    subject = sys.spawn(cooldown_overseer, ports);
    to_stop.push_back(caf::actor_cast<caf::strong_actor_ptr>(subject));
    settle();
  }
  /// As a crash or the end of the term would; nothing of it is left.
  void stop() {
    urgent_exit(subject, caf::exit_reason::kill);
    subject = nullptr;
    listeners.clear();
    settle();
  }
  /// Only the tablet's handler, as a failure inside it would.
  void kill_handler() {
    auto* overseer = dynamic_cast<cooldown_overseer_life_actor::stateful_pointer<cooldown_overseer_state>>(
      caf::actor_cast<caf::abstract_actor*>(subject));
    ASSERT_NE(overseer, nullptr);
    urgent_exit(overseer->state.tablets.at(tablet).handler, caf::exit_reason::kill);
    settle();
  }
  void TearDown() override {
    for (const auto& who : to_stop)
      urgent_exit(who, caf::exit_reason::user_shutdown);
    settle();
    to_stop.clear();
    listeners.clear();
    held_back.clear();
    links->overseer = nullptr;
  }
  void link(backend_id b) {
    links->linked.push_back(b);
    if (links->overseer)
      caf::anon_send(links->overseer, backend_linked{b});
    settle();
  }
  void link_all() {
    for (const auto b : {b1, b2, b3, b4})
      link(b);
    links->orders.clear();
  }
  /// Ages of seconds, tick by tick.
  void pass_seconds(int n) {
    for (int i = 0; i < n; ++i)
      pass(1s);
  }

  // -- what backends say ---------------------------------------------------------------------
  template <class Answer>
  struct inbox {
    std::vector<Answer> answers;
    std::vector<std::string> errors;
  };
  template <class Answer, class Message>
  void ask(const Message& message, inbox<Answer>& into) {
    sys.spawn(
      [whom = links->overseer, message, &into](caf::event_based_actor* self, int) {
        self->request(whom, caf::infinite, message)
          .then([&into](const Answer& answer) { into.answers.push_back(answer); },
                [&into, self](const caf::error& why) { into.errors.push_back(tabletd::text_of(self->system(), why)); });
      },
      0);
    settle();
  }

  struct said {
    replica_id replica{};
    term in{};
    std::uint64_t number = 1;
    remote_meta_id published{};
    remote_meta_id id{};
    cooldown_phase phase = cooldown_phase::waiting;
  };
  backend_id home_of(replica_id r) const { return r == B ? b2 : r == C ? b3 : b1; }
  inbox<cooldown_acks> acks;
  void report(const std::vector<said>& all) {
    const auto message = seal<wire::CooldownReports>([&](auto to) {
      to.setBackend(raw(home_of(all.front().replica)));
      auto list = to.initReports(static_cast<unsigned>(all.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setTablet(raw(tablet));
        list[i].setReplica(raw(all[i].replica));
        list[i].setReport(all[i].number);
        list[i].setTerm(all[i].in);
        list[i].initPublished().setTerm(all[i].published.term);
        list[i].getPublished().setSeq(all[i].published.seq);
        list[i].initId().setTerm(all[i].id.term);
        list[i].getId().setSeq(all[i].id.seq);
        list[i].setRemoteLast(version_initial);
        list[i].setPhase(static_cast<std::uint8_t>(all[i].phase));
      }
    });
    ask(message, acks);
  }
  /// "replica#report@term ..." of the only answer since the last take, "error: ..." or "nothing yet".
  std::string take_acks() {
    const auto got = std::exchange(acks, {});
    if (!got.errors.empty())
      return "error: " + got.errors.front();
    if (got.answers.empty())
      return "nothing yet";
    EXPECT_EQ(got.answers.size(), 1u);
    std::string text;
    for (const auto ack : got.answers.front().get().getAcknowledged())
      text += (text.empty() ? "" : " ") + name_of(replica_id{ack.getReplica()}) + "#" + std::to_string(ack.getReport()) + "@"
              + std::to_string(ack.getTerm());
    return text;
  }
  std::string name_of(replica_id r) const { return r == A ? "A" : r == B ? "B" : r == C ? "C" : std::to_string(raw(r)); }

  /// What the replicas were told since the last take: "A@1 ..." conf (uploader@term), by backend.
  std::string take_told() {
    std::string text;
    for (const auto& [backend, list] : std::exchange(links->orders, {}))
      for (const auto& one : list)
        text += (text.empty() ? "" : ", ") + name_of(one.replica) + ":" + (raw(one.conf.uploader) == 0 ? "-" : name_of(one.conf.uploader))
                + "@" + std::to_string(one.conf.term)
                + (one.conf.published ? "/" + std::to_string(one.conf.published->id.seq) : "") + " " + one.rule;
    return text;
  }

  published_meta meta(term in, std::uint64_t seq) const { return {{in, seq}, cold, "m" + std::to_string(seq), 7, 1, 100}; }
  inbox<publication_answer> verdicts;
  void publish(replica_id by, term in, const published_meta& what) {
    ask(seal<wire::PublicationAsked>([&](auto to) {
          to.setTablet(raw(tablet));
          to.setReplica(raw(by));
          to.setTerm(in);
          auto m = to.initMeta();
          m.initId().setTerm(what.id.term);
          m.getId().setSeq(what.id.seq);
          m.setResource(raw(what.resource));
          m.setObject(what.object.c_str());
          m.setCrc32c(what.crc32c);
          m.setLastVersion(what.last_version);
          m.setBytes(what.bytes);
        }),
        verdicts);
  }
  std::string take_verdict() {
    const auto got = std::exchange(verdicts, {});
    if (!got.errors.empty())
      return "error: " + got.errors.front();
    if (got.answers.empty())
      return "nothing yet";
    constexpr const char* words[] = {"accepted", "notUploader", "notGreater", "termUnknown"};
    return words[static_cast<std::size_t>(got.answers.front().get().getVerdict())];
  }
  inbox<deletion_answer> deletions;
  void confirm(replica_id by, term in, remote_meta_id id) {
    ask(seal<wire::DeletionAsked>([&](auto to) {
          to.setTablet(raw(tablet));
          to.setReplica(raw(by));
          to.setTerm(in);
          to.initId().setTerm(id.term);
          to.getId().setSeq(id.seq);
        }),
        deletions);
  }
  std::string take_deletion() {
    const auto got = std::exchange(deletions, {});
    if (!got.errors.empty())
      return "error: " + got.errors.front();
    if (got.answers.empty())
      return "nothing yet";
    const auto answer = got.answers.front().get();
    return answer.getConfirmed() ? "yes" : std::string{"no: "} + answer.getWhy().cStr();
  }
  /// A is in office at term 1; everybody knows; nobody has been told anything since.
  void appoint_A() {
    under_policy();
    start();
    link_all();
    report({{B, 0}});
    EXPECT_EQ(take_proposed(), (std::vector<edit_body>{grant(A, 1)}));
    take_acks();
    take_told();
  }
};

} // namespace tabletd::test
