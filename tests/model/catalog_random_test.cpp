// Random logs: whatever is proposed, in whatever order, the catalog stays whole, a replay
// gives the same catalog, a refusal changes nothing, and an old snapshot never moves.
#include "tests/model/edit_dice.h"

namespace tabletd::test {
namespace {

/// How many complete replicas on live backends each of `tablets` has.
std::vector<std::size_t> copies(const catalog& cat, const std::vector<tablet_id>& tablets) {
  std::vector<std::size_t> counts;
  for (const auto id : tablets)
    counts.push_back(cat.tablets.contains(id) ? complete_alive(cat, *cat.tablets.find(id)) : 0);
  return counts;
}

template <class Edit>
bool is(const edit& e) {
  return std::holds_alternative<Edit>(e.body);
}

TEST(CatalogRandom, StaysWholeReplaysAlikeAndSnapshotsAreFrozen) {
  std::size_t accepted = 0, refused = 0, drops = 0, adopted = 0, clones = 0, commits = 0;
  std::size_t applied = 0, moved = 0, skipped = 0, done = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    catalog_world w;
    found(w);
    edit_dice dice{seed, w.cat};
    std::vector<std::pair<catalog, std::string>> snapshots;
    for (int step = 0; step < 500; ++step) {
      w.now += std::chrono::milliseconds(dice.below(10'000))
               + (dice.chance(1) ? std::chrono::hours(30) : 0h);
      const catalog before = w.cat;
      const auto body = dice.next();
      const auto judged = w(body);
      ASSERT_FALSE(HasFailure()) << "seed " << seed << " step " << step;
      if (!judged.ok()) {
        ++refused;
        ASSERT_EQ(text_of(before), text_of(w.cat))
            << "a refused edit changed something: seed " << seed << " step " << step;
        continue;
      }
      ++accepted;
      drops += is<replica_dropped>(w.log.back()) ? 1 : 0;
      adopted += is<replica_readopted>(w.log.back()) ? 1 : 0;
      clones += is<clone_ended>(w.log.back()) ? 1 : 0;
      commits += is<load_committed>(w.log.back()) ? 1 : 0;
      applied += is<plan_applied>(w.log.back()) ? 1 : 0;
      if (const auto [name, plan] = plan_under_way(before); plan)
        if (const auto* now = w.cat.plans.find(name)) {
          moved += now->done - plan->done;
          skipped += now->skipped() - plan->skipped();
          done += now->state == plan_state::done ? 1 : 0;
        }
      if (is<replica_dropped>(w.log.back())
          && std::get<replica_dropped>(w.log.back().body).reason != drop_reason::lost) {
        const auto was = copies(before, judged.touched), now = copies(w.cat, judged.touched);
        for (std::size_t i = 0; i < was.size(); ++i)
          ASSERT_TRUE(was[i] == 0 || now[i] > 0)
              << "the last copy was dropped: seed " << seed << " step " << step;
      }
      if (dice.chance(5))
        snapshots.emplace_back(w.cat, text_of(w.cat));
    }
    for (const auto& [frozen, text] : snapshots)
      ASSERT_EQ(text_of(frozen), text) << "a snapshot moved: seed " << seed;
    catalog replayed;
    for (std::size_t i = 0; i < w.log.size(); ++i) {
      const auto again = apply(replayed, w.log[i], log_index{i + 1});
      ASSERT_EQ(again.why, w.verdicts[i].why);
      ASSERT_EQ(again.id, w.verdicts[i].id);
      ASSERT_EQ(again.touched, w.verdicts[i].touched);
    }
    ASSERT_EQ(text_of(replayed), text_of(w.cat)) << "seed " << seed;
  }
  // The walks must reach what they are meant to test.
  EXPECT_GT(accepted, 7'000u);
  EXPECT_GT(refused, 7'000u);
  EXPECT_GT(drops, 150u);
  EXPECT_GT(adopted, 30u);
  EXPECT_GT(clones, 150u);
  EXPECT_GT(commits, 150u);
  EXPECT_GT(applied, 60u);
  EXPECT_GT(moved, 10u);
  EXPECT_GT(skipped, 50u);
  EXPECT_GT(done, 30u);
}

TEST(CatalogRandom, TouchedNamesEveryTabletWhoseHealthyCopiesChanged) {
  for (std::uint64_t seed = 100; seed < 120; ++seed) {
    catalog_world w;
    found(w);
    edit_dice dice{seed, w.cat};
    for (int step = 0; step < 300; ++step) {
      const catalog before = w.cat;
      const auto judged = w(dice.next());
      if (raw(judged.touched_backend) != 0)
        continue;
      w.cat.tablets.for_each([&](tablet_id id, const tablet& t) {
        const auto* old = before.tablets.find(id);
        const bool named
            = std::find(judged.touched.begin(), judged.touched.end(), id) != judged.touched.end();
        const auto was = old ? complete_alive(before, *old) : 0;
        EXPECT_TRUE(named
                    || (old && was == complete_alive(w.cat, t)
                        && old->replicas.size() == t.replicas.size()))
            << "tablet " << raw(id) << " seed " << seed << " step " << step;
      });
      ASSERT_FALSE(HasFailure());
    }
  }
}

} // namespace
} // namespace tabletd::test
