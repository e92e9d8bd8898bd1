// Three journals as a group, in a frozen world: the whole host (door, keeper, delivery) under
// loss, cuts, restarts and elections.  The network is a queue per direction.
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/journal/fake_catalog.h"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;
using failure = wire::EditOutcome::Failure;

constexpr std::size_t members = 3;

struct watcher_state {};
standing_listener_actor::behavior_type watcher(standing_listener_actor::stateful_pointer<watcher_state>, standing* to) {
  return {[to](const standing& now) { *to = now; }};
}

struct answer {
  failure why{};
  std::uint64_t index{};
};

struct JournalGroup : actor_world {
  struct member {
    std::shared_ptr<memory_log> log = std::make_shared<memory_log>();
    journal_stats_ptr stats;
    memory_stats_ptr memory;
    std::shared_ptr<next_transaction> inbox;
    journal_actor journal;
    fake_catalog_log folded;
    fake_catalog_shell catalog;
    standing_listener_actor watch;
    standing now;
    std::string fatal;
    std::map<std::uint64_t, std::vector<std::string>> images;  ///< On its disk: what was folded up to then.
    std::optional<model::image_to_install> wanted;
    std::size_t installed = 0;
  };
  std::array<member, members> all;
  std::map<std::pair<model::node_id, model::node_id>, std::deque<raft_mail>> links;
  std::set<std::pair<model::node_id, model::node_id>> cut;
  model::time_ms time{1'000};
  std::map<std::string, answer> answers;
  std::vector<caf::actor> proposers;
  std::size_t most_mails = 0;  ///< Requests with entries, to one member.
  std::size_t most_bytes = 0;  ///< Of one message.
  journal_limits limits;

  ~JournalGroup() override {
    for (model::node_id who = 1; who <= members; ++who)
      stop(who);
    for (auto& each : proposers)
      urgent_exit(each, caf::exit_reason::user_shutdown);
    settle();
  }

  member& at(model::node_id who) { return all.at(who - 1); }

  void start(model::node_id who) {
    auto& m = at(who);
    auto parts = parts_over(m.log);
    parts.core = std::make_shared<libraft_core>(libraft_options{.self = who, .seed = static_cast<std::uint32_t>(who)});
    parts.founders = {{1, "fe1:9010"}, {2, "fe2:9010"}, {3, "fe3:9010"}};
    parts.now = [this] { return time; };
    parts.limits = limits;
    parts.post = [this, who](raft_mail mail) {
      const auto to = mail.peer;
      most_bytes = std::max(most_bytes, static_cast<std::size_t>(bytes_of(mail)));
      mail.peer = who;
      links[{who, to}].push_back(std::move(mail));
    };
    parts.on_fatal = [&m](const std::string& why) { m.fatal = why; };
    for (const auto& point : m.log->points)
      if (m.images.contains(point.index))
        parts.from.image = {point.index, 0, 0};
    const auto begins_at = parts.from.image.id;
    parts.images.wanted = [&m](const model::image_to_install& what) { m.wanted = what; };
    parts.images.over = [this, who](std::uint64_t restarted_at) {
      if (restarted_at != 0)
        reload(who, restarted_at - 1);
    };
    m.stats = parts.stats;
    m.memory = parts.memory;
    auto opened = open_journal(std::move(parts));
    m.inbox = opened.inbox;
    m.journal = sys.spawn(tabletd::journal, std::move(opened));
    m.catalog = sys.spawn(fake_catalog, &m.folded);
    m.watch = sys.spawn(watcher, &m.now);
    caf::anon_send(m.journal, watch_standing{}, m.watch);
    begin_catalog(m, begins_at);
    settle();
  }
  /// From the image of entry `image`; 0: from nothing.
  void begin_catalog(member& m, std::uint64_t image) {
    m.folded = {};
    if (image != 0)
      m.folded.folded = m.images.at(image);
    m.folded.next = image + 1;
    caf::anon_send(m.journal, replay_from{image + 1}, caf::actor_cast<catalog_sink_actor>(m.catalog));
  }
  void reload(model::node_id who, std::uint64_t image) {
    begin_catalog(at(who), image);
    ++at(who).installed;
    reloaded(who);
  }
  virtual void reloaded(model::node_id) {}
  /// Of what its catalog has folded; the two newest are kept.
  void make_image(model::node_id who) {
    auto& m = at(who);
    const auto id = m.folded.folded.size();
    if (id == 0 || m.images.contains(id) || (!m.images.empty() && id < m.images.rbegin()->first))
      return;
    m.images.emplace(id, m.folded.folded);
    keep_two(m);
    say(who, image_kept{{id, 0, 0}, m.images.size() == 2 ? m.images.begin()->first : 0});
    settle();
  }
  static void keep_two(member& m) {
    while (m.images.size() > 2)
      m.images.erase(m.images.begin());
  }
  /// What a leader offered arrives, or does not.
  void fetch(model::node_id who, bool is_lost) {
    auto& m = at(who);
    if (!m.wanted)
      return;
    const auto what = *std::exchange(m.wanted, std::nullopt);
    const auto& there = at(what.from).images;
    const bool is_there = !is_lost && there.contains(what.upto.index);
    if (is_there) {
      m.images = {{what.upto.index, there.at(what.upto.index)}};
    }
    say(who, install_ended{what.upto, what.image, is_there});
    settle();
  }
  void stop(model::node_id who) {
    auto& m = at(who);
    urgent_exit(m.journal, caf::exit_reason::user_shutdown);
    urgent_exit(m.catalog, caf::exit_reason::user_shutdown);
    urgent_exit(m.watch, caf::exit_reason::user_shutdown);
    m.journal = nullptr;
    m.catalog = nullptr;
    m.watch = nullptr;
    settle();
    m.inbox = nullptr;
    m.now = {};
    for (auto& [link, mails] : links)
      if (link.first == who || link.second == who)
        mails.clear();
  }
  void start_all() {
    for (model::node_id who = 1; who <= members; ++who)
      start(who);
  }
  /// False: there is nothing that could arrive.
  bool deliver(model::node_id from, model::node_id to) {
    auto& queue = links[{from, to}];
    if (queue.empty())
      return false;
    auto mail = std::move(queue.front());
    queue.pop_front();
    if (!cut.contains({from, to}))
      say(to, std::move(mail));
    settle();
    return true;
  }
  /// To a member that runs.
  void say(model::node_id to, peer_word word) {
    if (at(to).inbox)
      static_cast<void>(at(to).inbox->add(std::move(word)));  // Full or not: the links would wait.
  }
  void deliver_all() {
    for (bool any = true; any;) {
      any = false;
      for (model::node_id from = 1; from <= members; ++from)
        for (model::node_id to = 1; to <= members; ++to)
          any |= deliver(from, to);
    }
  }
  void pass_time(model::time_ms span) {
    time += span;
    pass(span);
  }
  void run(model::time_ms span) {
    for (; span > model::time_ms{}; span -= 20ms) {
      pass_time(20ms);
      deliver_all();
      for (model::node_id who = 1; who <= members; ++who)
        fetch(who, false);
    }
  }
  void set_cut(model::node_id who, bool is_cut) {
    for (model::node_id other = 1; other <= members; ++other)
      for (const auto& way : {std::pair{who, other}, std::pair{other, who}}) {
        if (is_cut) {
          cut.insert(way);
          links[way].clear();
        } else if (cut.erase(way) > 0) {
          say(way.first, link_renewed{way.second});
        }
      }
    settle();
  }
  model::node_id leader() const {
    model::node_id found = 0;
    std::uint64_t term = 0;
    for (model::node_id who = 1; who <= members; ++who)
      if (const auto& now = all[who - 1].now; now.leads && now.term > term) {
        found = who;
        term = now.term;
      }
    return found;
  }
  model::node_id elect() {
    for (int round = 0; round < 200 && leader() == 0; ++round)
      run(100ms);
    EXPECT_NE(leader(), 0U) << "nobody leads";
    return leader();
  }
  void propose(model::node_id who, const std::string& name) {
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, who, name](caf::event_based_actor* self) {
      self->request(at(who).journal, caf::infinite, edit_named(name))
          .then([this, name](const edit_outcome& outcome) {
            EXPECT_FALSE(answers.contains(name)) << "answered twice";
            answers[name] = {outcome.get().getFailure(), outcome.get().getIndex()};
          });
    })));
    settle();
  }
  std::vector<std::string> edits(model::node_id who) {
    std::vector<std::string> names;
    for (const auto& name : at(who).folded.folded)
      if (name != "internal")
        names.push_back(name);
    return names;
  }
};

TEST_F(JournalGroup, WhatTheLeaderTakesAllOfThemFold) {
  start_all();
  const auto leads = elect();
  for (const auto* name : {"a", "b", "c"})
    propose(leads, name);
  EXPECT_TRUE(answers.empty()) << "one disk is no majority";
  run(200ms);
  EXPECT_EQ(answers.size(), 3U);
  for (model::node_id who = 1; who <= members; ++who) {
    EXPECT_EQ(edits(who), (std::vector<std::string>{"a", "b", "c"})) << who;
    EXPECT_EQ(at(who).now.leader, leads);
    EXPECT_EQ(at(who).stats->leader.load(), leads);
  }
}

TEST_F(JournalGroup, AFollowerRefusesAndNamesTheLeader) {
  start_all();
  const auto leads = elect();
  const model::node_id other = leads == 1 ? 2 : 1;
  propose(other, "x");
  EXPECT_EQ(answers.at("x").why, failure::NOT_LEADER);
  run(1s);
  EXPECT_TRUE(edits(leads).empty());
}

TEST_F(JournalGroup, ALeaderThatIsCutOffStopsLeadingAndItsTailIsReplaced) {
  start_all();
  const auto old = elect();
  set_cut(old, true);
  propose(old, "lost");
  run(5s);
  EXPECT_FALSE(at(old).now.leads);
  EXPECT_EQ(answers.at("lost").why, failure::LEADERSHIP_LOST);
  const auto next = elect();
  ASSERT_NE(next, old);
  propose(next, "kept");
  run(200ms);
  EXPECT_EQ(answers.at("kept").why, failure::NONE);
  EXPECT_TRUE(edits(old).empty());
  set_cut(old, false);
  run(2s);
  for (model::node_id who = 1; who <= members; ++who)
    EXPECT_EQ(edits(who), std::vector<std::string>{"kept"}) << who;
}

/// The log's owner may be told that it is over before it notices it: by the new leader's entries.
TEST_F(JournalGroup, WhatANewLeaderReplacesIsAnsweredAsUnknown) {
  start_all();
  const auto old = elect();
  const auto cut_at = at(old).now.term;
  set_cut(old, true);
  propose(old, "lost");
  // The clock of the cut member stands still: the others elect while it believes to lead.
  for (int i = 0; i < 100 && (leader() == old || at(leader()).now.term == cut_at); ++i) {
    time += 100ms;
    for (model::node_id who = 1; who <= members; ++who)
      if (who != old)
        say(who, link_renewed{old}); // Any word makes it look at the clock.
    settle();
    deliver_all();
  }
  const auto next = leader();
  ASSERT_NE(next, old);
  EXPECT_TRUE(at(old).now.leads);
  EXPECT_FALSE(answers.contains("lost"));
  set_cut(old, false);
  run(2s);
  EXPECT_EQ(answers.at("lost").why, failure::LEADERSHIP_LOST);
  propose(leader(), "kept");
  run(1s);
  for (model::node_id who = 1; who <= members; ++who)
    EXPECT_EQ(edits(who), std::vector<std::string>{"kept"}) << who;
}

TEST_F(JournalGroup, AMemberThatWasAwayIsSentWhatIsNoLongerInMemory) {
  limits.memory_bytes = 100 << 20; // Its followers' share is less than they lack.
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3;
  stop(away);
  for (int i = 0; i < 300; ++i)
    propose(leads, std::string(60'000, 'x') + std::to_string(i));
  run(200ms);
  EXPECT_EQ(answers.size(), 300U);
  most_bytes = 0;
  start(away);
  say(leads, link_renewed{away});
  run(5s);
  EXPECT_EQ(edits(away), edits(leads));
  EXPECT_EQ(edits(away).size(), 300U);
  EXPECT_GT(most_bytes, 900'000U) << "many entries to a message,";
  EXPECT_LT(most_bytes, 1'100'000U) << "but not too many";
}

/// design/journal.md 9.6: it keeps its place and its term, and takes the rest when it can.
TEST_F(JournalGroup, AFollowerWhoseCatalogIsBehindTakesNoMore) {
  limits.backlog_bytes = 20'000;
  start_all();
  const auto leads = elect();
  const model::node_id slow = leads == 3 ? 2 : 3;
  at(slow).folded.at_once = false;
  const auto term = at(leads).now.term;
  for (int i = 0; i < 100; ++i) {
    propose(leads, std::string(1'000, 'x') + std::to_string(i));
    run(20ms);
  }
  EXPECT_EQ(answers.size(), 100U) << "a slow minority holds nobody up";
  EXPECT_TRUE(at(slow).memory->is_refusing);
  EXPECT_GT(at(slow).memory->refused_appends.load(), 0U);
  EXPECT_LT(at(slow).log->rows.size(), 40U);
  EXPECT_LE(at(slow).memory->not_applied_bytes.load(), 22'000U);
  run(60s);
  EXPECT_EQ(at(leads).now.term, term) << "refusing is no reason for an election";
  at(slow).folded.at_once = true;
  caf::anon_send(at(slow).catalog, tick_due{});
  settle();
  run(200ms);
  EXPECT_FALSE(at(slow).memory->is_refusing);
  say(leads, link_renewed{slow}); // As the links do when a busy member is no longer busy.
  for (int i = 0; i < 20; ++i) {
    run(200ms);
    say(leads, link_renewed{slow});
  }
  EXPECT_EQ(edits(slow), edits(leads));
}

/// What commits the tail may be the very entry that a follower full of it would refuse.
TEST_F(JournalGroup, AFollowerThatHoldsALongUncommittedTailTakesWhatCommitsIt) {
  limits.backlog_bytes = 20'000;
  start_all();
  const auto old = elect();
  const model::node_id a = old == 1 ? 2 : 1, b = 6 - old - a;
  set_cut(b, true);
  for (int i = 0; i < 60; ++i) {
    propose(old, std::string(1'000, 'x') + std::to_string(i));
    run(20ms);
  }
  stop(old);
  stop(a);  // It has everything, and forgets what of it is committed.
  start(a);
  set_cut(b, false);
  say(a, link_renewed{b});
  for (int i = 0; i < 100 && leader() == 0; ++i)
    run(100ms);
  ASSERT_EQ(leader(), a) << "only it can lead";
  propose(a, "commits it");
  run(5s);
  EXPECT_EQ(answers["commits it"].why, failure::NONE);
  EXPECT_EQ(edits(b).size(), 61U);
}

TEST_F(JournalGroup, AFollowerRestartsWithItsLog) {
  start_all();
  const auto leads = elect();
  propose(leads, "a");
  run(200ms);
  const model::node_id other = leads == 1 ? 2 : 1;
  stop(other);
  propose(leads, "b");
  run(200ms);
  start(other);
  EXPECT_TRUE(edits(other).empty()) << "it cannot know what is committed";
  say(leads, link_renewed{other});
  run(1s);
  EXPECT_EQ(edits(other), (std::vector<std::string>{"a", "b"}));
}

TEST_F(JournalGroup, AFailingDiskEndsOnlyItsMember) {
  start_all();
  const auto leads = elect();
  at(leads).log->fail_in = 0;
  propose(leads, "x");
  EXPECT_EQ(answers.at("x").why, failure::STORAGE_FAILED);
  EXPECT_FALSE(at(leads).fatal.empty());
  const auto failed = leads;
  stop(failed);
  for (int i = 0; i < 50 && leader() == 0; ++i)
    run(100ms);
  ASSERT_NE(leader(), 0U);
  propose(leader(), "y");
  run(500ms);
  EXPECT_EQ(answers.at("y").why, failure::NONE);
}

TEST_F(JournalGroup, AMemberThatLacksWhatIsTrimmedStartsFromAnImage) {
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3, other = 6 - leads - away;
  stop(away);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50; ++i)
      propose(leads, "r" + std::to_string(round) + "e" + std::to_string(i));
    run(300ms);
    for (const auto who : {leads, other})
      make_image(who);
  }
  const auto older = at(leads).images.begin()->first;
  for (const auto who : {leads, other}) {
    say(who, trim_wanted{10'000});
    settle();
    EXPECT_EQ(at(who).log->first_index(), older + 1) << "no more than what the older image has";
  }
  start(away);
  say(leads, link_renewed{away});
  run(5s);
  EXPECT_EQ(at(away).installed, 1U);
  EXPECT_EQ(edits(away), edits(leads));
  EXPECT_EQ(edits(away).size(), 100U);
  propose(leads, "after");
  run(500ms);
  EXPECT_EQ(edits(away).back(), "after");
  // It has a log of its own again.
  stop(away);
  start(away);
  say(leads, link_renewed{away});
  run(1s);
  EXPECT_EQ(edits(away).back(), "after");
  EXPECT_EQ(at(away).installed, 1U);
}

TEST_F(JournalGroup, AnImageThatCannotBeHadIsOfferedAgain) {
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3;
  stop(away);
  for (int round = 0; round < 2; ++round) {
    propose(leads, "e" + std::to_string(round));
    run(300ms);
    make_image(leads);
  }
  say(leads, trim_wanted{10'000});
  settle();
  start(away);
  say(leads, link_renewed{away});
  for (int i = 0; i < 100 && !at(away).wanted; ++i) {
    pass_time(20ms);
    deliver_all();
  }
  ASSERT_TRUE(at(away).wanted);
  fetch(away, true);
  run(60s);
  EXPECT_EQ(edits(away), edits(leads));
}

/// One history: anything may happen, in any order.
struct walk : JournalGroup {
  void TestBody() override {}

  explicit walk(std::uint64_t seed) : rng(seed) { limits.memory_bytes = seed % 2 == 0 ? 20'000 : 64U << 20; }
  std::mt19937_64 rng;
  std::vector<std::string> truth;
  std::array<std::size_t, members> seen{};
  int names = 0;

  std::uint64_t dice(std::uint64_t sides) { return rng() % sides; }
  void check() {
    for (std::size_t i = 0; i < members; ++i) {
      auto& folded = all[i].folded.folded;
      if (seen[i] > folded.size())
        seen[i] = 0;  // A catalog that began anew.
      for (; seen[i] < folded.size(); ++seen[i]) {
        if (seen[i] == truth.size())
          truth.push_back(folded[seen[i]]);
        ASSERT_EQ(truth[seen[i]], folded[seen[i]]) << "catalogs differ at entry " << seen[i] + 1;
      }
    }
  }
  void something_happens() {
    const auto who = 1 + dice(members), other = 1 + dice(members);
    const auto what = dice(1'000);
    if (what < 600)
      deliver(who, other);
    else if (what < 700)
      pass_time(model::time_ms(10 + dice(120)));
    else if (what < 950 && at(who).journal)
      propose(dice(4) == 0 || leader() == 0 ? who : leader(), "e" + std::to_string(names++));
    else if (what < 960)
      set_cut(who, dice(2) == 0);
    else if (what < 966)
      at(who).journal ? stop(who) : restart(who);
    else if (what < 970)
      links[{who, other}].clear(), renew(who, other);
    else if (what < 980 && at(who).journal)
      make_image(who);
    else if (what < 985 && at(who).journal)
      say(who, trim_wanted{dice(at(who).folded.folded.size() + 1)}), settle();
    else if (what < 995 && at(who).journal)
      fetch(who, dice(3) == 0);
  }
  void reloaded(model::node_id who) override { seen[who - 1] = 0; }
  void renew(model::node_id from, model::node_id to) {
    say(from, link_renewed{to});
    settle();
  }
  void restart(model::node_id who) {
    start(who);
    seen[who - 1] = 0;
    for (model::node_id other = 1; other <= members; ++other)
      if (other != who)
        renew(other, who);
  }
  void heal() {
    for (model::node_id who = 1; who <= members; ++who)
      set_cut(who, false);
    for (model::node_id who = 1; who <= members; ++who)
      if (!at(who).journal)
        restart(who);
    for (int i = 0; i < 100 && !is_settled(); ++i) {
      run(100ms);
      check();
    }
  }
  std::string standings() {
    std::string text = "truth " + std::to_string(truth.size());
    for (model::node_id who = 1; who <= members; ++who)
      text += "; " + std::to_string(who) + " term " + std::to_string(at(who).now.term) + " leader "
              + std::to_string(at(who).now.leader) + " log " + std::to_string(at(who).log->last_index()) + " folded "
              + std::to_string(at(who).folded.folded.size()) + ' ' + at(who).fatal;
    return text;
  }
  bool is_settled() {
    if (leader() == 0 || at(leader()).log->last_index() != truth.size())
      return false;
    for (model::node_id who = 1; who <= members; ++who)
      if (at(who).folded.folded.size() != truth.size())  // Its log may have a tail that nothing has replaced yet.
        return false;
    return true;
  }
};

TEST(JournalGroupWalk, CatalogsNeverDifferAndAnswersAreTrue) {
  std::size_t acknowledged = 0, refused = 0, unknown = 0, installed = 0;
  for (std::uint64_t seed = 1; seed <= 500 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    walk history(seed);
    history.start_all();
    for (int i = 0; i < 1'500 && !testing::Test::HasFailure(); ++i) {
      history.something_happens();
      history.check();
    }
    history.heal();
    EXPECT_TRUE(history.is_settled()) << history.standings();
    const std::set<std::string> kept(history.truth.begin(), history.truth.end());
    for (const auto& [name, got] : history.answers) {
      if (got.why == failure::NONE) {
        EXPECT_TRUE(kept.contains(name)) << name << " was acknowledged and lost";
        ++acknowledged;
      } else if (got.why == failure::NOT_LEADER || got.why == failure::OVERLOADED) {
        EXPECT_FALSE(kept.contains(name)) << name << " was refused and applied";
        ++refused;
      } else {
        ++unknown;
      }
    }
    for (const auto& each : history.all)
      installed += each.installed;
    EXPECT_EQ(history.answers.size(), static_cast<std::size_t>(history.names)) << "somebody waits for ever";
  }
  EXPECT_GT(acknowledged, 5'000U);
  EXPECT_GT(refused, 2'000U);
  EXPECT_GT(unknown, 200U);
  EXPECT_GT(installed, 30U);
}

}  // namespace
}  // namespace tabletd
