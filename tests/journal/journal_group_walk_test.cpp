// Journals as a group, and anything that may happen to them, in any order; members come and go.
#include "tests/journal/journal_group.h"

namespace tabletd {
namespace {

using namespace test;

/// One history: anything may happen, in any order.
struct walk : JournalGroup {
  void TestBody() override {}

  walk(std::uint64_t seed, bool with_changes) : people(with_changes ? members : founders), rng(seed) { limits.memory_bytes = seed % 2 == 0 ? 20'000 : 64U << 20; }
  const model::node_id people;  ///< All of them: members come and go.
  std::mt19937_64 rng;
  std::vector<std::string> truth;
  std::array<std::size_t, members> seen{};
  int names = 0;
  std::size_t reads_asked = 0, reads_answered = 0, reads_confirmed = 0;

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
    const auto who = 1 + dice(people), other = 1 + dice(people);
    const auto what = dice(1'000);
    if (what < 600)
      deliver(who, other);
    else if (what < 700)
      pass_time(model::time_ms(10 + dice(120)));
    else if (what < 950 && at(who).journal)
      speak(dice(4) == 0 || leader() == 0 ? who : leader());
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
    else if (what < (people == members ? 990 : 995) && at(who).journal)
      fetch(who, dice(3) == 0);
    else if (people == members && what >= 990 && leader() != 0)
      change_something(leader());
  }
  void speak(model::node_id who) {
    if (dice(10) == 0)
      read(who);
    else
      propose(who, "e" + std::to_string(names++));
  }
  /// Whoever may read has everything that was acknowledged before it asked.
  void read(model::node_id who) {
    std::uint64_t acknowledged = 0;
    for (const auto& [name, got] : answers)
      if (got.why == failure::NONE)
        acknowledged = std::max(acknowledged, got.index);
    ++reads_asked;
    proposers.push_back(caf::actor_cast<caf::actor>(sys.spawn([this, who, acknowledged](caf::event_based_actor* self) {
      self->request(at(who).journal, caf::infinite, confirm_leading{}).then([this, who, acknowledged](const leading_confirmed& is) {
        ++reads_answered;
        reads_confirmed += is.leads ? 1 : 0;
        EXPECT_TRUE(!is.leads || at(who).folded.folded.size() >= acknowledged) << "a read misses what was acknowledged";
      });
    })));
    settle();
  }
  /// Who leads, and who is a member and of what kind.
  void change_something(model::node_id leads) {
    const auto who = 1 + dice(members);
    auto one = member_of(who);
    one.voter = dice(2) == 0 && is_member(leads, who);
    if (dice(4) == 0)
      order(leads, hand_over{dice(2) == 0 ? 0 : who});
    else if (is_member(leads, who) && dice(3) == 0)
      order(leads, change_members{group_without(leads, who)});
    else
      order(leads, change_members{group_with(leads, one)});
  }
  void reloaded(model::node_id who) override { seen[who - 1] = 0; }
  void renew(model::node_id from, model::node_id to) {
    say(from, link_renewed{to});
    settle();
  }
  void restart(model::node_id who) {
    start(who);
    seen[who - 1] = 0;
    for (model::node_id other = 1; other <= people; ++other)
      if (other != who)
        renew(other, who);
  }
  void heal() {
    for (model::node_id who = 1; who <= people; ++who)
      set_cut(who, false);
    for (model::node_id who = 1; who <= people; ++who)
      if (!at(who).journal)
        restart(who);
    for (int i = 0; i < 100 && !is_settled(); ++i) {
      run(100ms);
      check();
    }
  }
  /// "1v2o@7": the change at entry 7 left a voter and an observer; ? means that it is not known to be committed.
  std::string group_of(model::node_id who) {
    std::string text;
    for (const auto& each : at(who).group.members)
      text += std::to_string(each.id) + (each.voter ? 'v' : 'o');
    return text + '@' + std::to_string(at(who).group.index) + (at(who).group.is_committed ? "" : "?");
  }
  std::string standings() {
    std::string text = "truth " + std::to_string(truth.size());
    for (model::node_id who = 1; who <= people; ++who)
      text += "; " + std::to_string(who) + " term " + std::to_string(at(who).now.term) + " leader "
              + std::to_string(at(who).now.leader) + " log " + std::to_string(at(who).log->last_index()) + " folded "
              + std::to_string(at(who).folded.folded.size()) + " group " + group_of(who) + ' ' + at(who).fatal;
    return text;
  }
  bool is_settled() {
    if (leader() == 0 || at(leader()).log->last_index() != truth.size())
      return false;
    // A hand-over leaves nothing in the log, and who was dropped while it led has to notice first.
    if (outcomes.size() < orders || answers.size() < static_cast<std::size_t>(names) || reads_answered < reads_asked)
      return false;
    for (model::node_id who = 1; who <= members; ++who)
      if (is_member(leader(), who) && at(who).folded.folded.size() != truth.size())  // Its log may have a tail that nothing has replaced yet.
        return false;
    return true;
  }
};

struct tally {
  std::size_t acknowledged = 0, refused = 0, unknown = 0, installed = 0, carried_out = 0, reads = 0;
};

void check_answers(const walk& history, tally& all) {
  const std::set<std::string> kept(history.truth.begin(), history.truth.end());
  for (const auto& [name, got] : history.answers) {
    if (got.why == failure::NONE) {
      EXPECT_TRUE(kept.contains(name)) << name << " was acknowledged and lost";
      ++all.acknowledged;
    } else if (got.why == failure::NOT_LEADER || got.why == failure::OVERLOADED) {
      EXPECT_FALSE(kept.contains(name)) << name << " was refused and applied";
      ++all.refused;
    } else {
      ++all.unknown;
    }
  }
  EXPECT_EQ(history.answers.size(), static_cast<std::size_t>(history.names)) << "somebody waits for ever";
  EXPECT_EQ(history.outcomes.size(), history.orders) << "an order was not answered";
  EXPECT_EQ(history.reads_answered, history.reads_asked) << "somebody waits to read for ever";
  all.reads += history.reads_confirmed;
  for (const auto& [number, outcome] : history.outcomes)
    all.carried_out += outcome.ok() ? 1 : 0;
  for (const auto& each : history.all)
    all.installed += each.installed;
}

tally walk_all(std::uint64_t seeds, bool with_changes) {
  tally all;
  for (std::uint64_t seed = 1; seed <= seeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    walk history(seed, with_changes);
    history.start_all();
    for (int i = 0; i < 1'500 && !testing::Test::HasFailure(); ++i) {
      history.something_happens();
      history.check();
    }
    history.heal();
    EXPECT_TRUE(history.is_settled()) << history.standings();
    check_answers(history, all);
  }
  return all;
}

TEST(JournalGroupWalk, CatalogsNeverDifferAndAnswersAreTrue) {
  const auto all = walk_all(500, false);
  EXPECT_GT(all.acknowledged, 5'000U);
  EXPECT_GT(all.refused, 2'000U);
  EXPECT_GT(all.unknown, 200U);
  EXPECT_GT(all.installed, 30U);
}

TEST(JournalGroupWalk, NorWhileMembersComeAndGo) {
  const auto all = walk_all(1'000, true);
  EXPECT_GT(all.acknowledged, 1'000U);
  EXPECT_GT(all.carried_out, 100U);
  EXPECT_GT(all.reads, 500U);
}

}  // namespace
}  // namespace tabletd
