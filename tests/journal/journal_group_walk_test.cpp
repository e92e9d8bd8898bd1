// Three journals as a group, and anything that may happen to them, in any order.
#include "tests/journal/journal_group.h"

namespace tabletd {
namespace {

using namespace test;

/// One history: anything may happen, in any order.
struct walk : JournalGroup {
  void TestBody() override {}

  explicit walk(std::uint64_t seed) : rng(seed) { limits.memory_bytes = seed % 2 == 0 ? 20'000 : 64U << 20; }
  std::mt19937_64 rng;
  std::vector<std::string> truth;
  std::array<std::size_t, group_members> seen{};
  int names = 0;

  std::uint64_t dice(std::uint64_t sides) { return rng() % sides; }
  void check() {
    for (std::size_t i = 0; i < group_members; ++i) {
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
    const auto who = 1 + dice(group_members), other = 1 + dice(group_members);
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
    for (model::node_id other = 1; other <= group_members; ++other)
      if (other != who)
        renew(other, who);
  }
  void heal() {
    for (model::node_id who = 1; who <= group_members; ++who)
      set_cut(who, false);
    for (model::node_id who = 1; who <= group_members; ++who)
      if (!at(who).journal)
        restart(who);
    for (int i = 0; i < 100 && !is_settled(); ++i) {
      run(100ms);
      check();
    }
  }
  std::string standings() {
    std::string text = "truth " + std::to_string(truth.size());
    for (model::node_id who = 1; who <= group_members; ++who)
      text += "; " + std::to_string(who) + " term " + std::to_string(at(who).now.term) + " leader "
              + std::to_string(at(who).now.leader) + " log " + std::to_string(at(who).log->last_index()) + " folded "
              + std::to_string(at(who).folded.folded.size()) + ' ' + at(who).fatal;
    return text;
  }
  bool is_settled() {
    if (leader() == 0 || at(leader()).log->last_index() != truth.size())
      return false;
    for (model::node_id who = 1; who <= group_members; ++who)
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
