// A path on a disk that loses power, or whose process is killed, at random moments: what was
// acknowledged is there with its rows, and what was not is there whole or not at all.
#include "tests/persistence/faulty_path.h"

#include <utility>

namespace tabletd {
namespace {

using namespace test;

// -- power cuts and kills at random moments -----------------------------------------------

/// Changes that make sense on what the path holds.
class change_maker {
public:
  explicit change_maker(std::mt19937_64& rng) : rng_(rng) {}

  change next(const remembered_path& path) {
    for (;;)
      if (auto made = pick(path))
        return *made;
  }

private:
  std::uint64_t roll(std::uint64_t sides) { return rng_() % sides; }
  template <class Map>
  auto any_of(const Map& map) {
    return *std::next(map.begin(), static_cast<std::ptrdiff_t>(roll(map.size())));
  }
  std::vector<std::string> blocks() {
    std::vector<std::string> made;
    for (auto count = roll(4); made.size() < count;)
      made.push_back(block_of(fmt::format("row{}-", number_++), 1 + static_cast<int>(roll(20))));
    return made;
  }

  std::optional<change> pick(const remembered_path& path) {
    const auto tablet = 1 + roll(4);
    const auto here = path.replicas.find(tablet);
    const bool is_here = here != path.replicas.end();
    switch (roll(9)) {
      case 0:
        if (!is_here)
          return create(tablet, ++number_);
        break;
      case 1:
        if (is_here && roll(2) == 0)
          return drop(tablet, here->second.replica);
        break;
      case 2:
      case 3: {
        blocks_by_tablet rows;
        for (const auto& [each, replica] : path.replicas)
          if (roll(2))
            rows[each] = blocks();
        if (!rows.empty())
          return load(++number_, rows);
        break;
      }
      case 4:
      case 5:
        if (!path.prepared.empty())
          return publish(any_of(path.prepared).first, ++version_);
        break;
      case 6:
        if (!path.prepared.empty())
          return abort_txn(any_of(path.prepared).first);
        break;
      case 7:
        return some_clone(path, tablet);
      case 8:
        return some_move(path, tablet);
    }
    return std::nullopt;
  }
  change some_clone(const remembered_path& path, std::uint64_t tablet) {
    const auto here = path.replicas.find(tablet);
    const bool is_here = here != path.replicas.end();
    const bool full = !is_here || roll(2);
    std::map<std::uint64_t, std::vector<std::string>> rows;
    for (std::uint64_t version = 2; version <= version_; ++version)
      if (roll(2))
        rows[version] = blocks();
    const auto fence = ++number_;
    return clone(fence, tablet, is_here ? here->second.replica : fence, full, rows);
  }

  /// New here, or in place of what an earlier move left.
  change some_move(const remembered_path& path, std::uint64_t tablet) {
    const auto here = path.replicas.find(tablet);
    std::map<std::uint64_t, std::vector<std::string>> rows, waiting;
    for (std::uint64_t version = 2; version <= version_; ++version)
      if (roll(2))
        rows[version] = blocks();
    for (auto count = roll(3); waiting.size() < count;)
      waiting[++number_] = blocks();
    const auto fence = ++number_;
    return move_in(fence, tablet, here != path.replicas.end() ? here->second.replica : fence, rows, waiting);
  }

  std::mt19937_64& rng_;
  std::uint64_t number_ = 1000;
  std::uint64_t version_ = 1;
};

/// Boots, checks, and changes until the power goes or the process is killed; the last boot
/// only checks.
struct storm {
  directory_model directories = directory_model::strict;
  std::function<double(std::mt19937_64&)> keep = [](auto& rng) { return double(rng() % 3) / 2; };
  bool kills = true;
  std::int64_t changes = 0;  ///< Acknowledged, over all seeds.
  std::int64_t accidents = 0;
  std::int64_t resumed = 0;

  void run(std::uint64_t seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    faulty_path path(seed);
    path.database.directories = directories;
    change_maker maker(path.disk.rng);
    remembered_path acknowledged;
    std::optional<change> in_flight, again;
    for (int boot = 0; boot < 7; ++boot) {
      if (boot < 6)
        arm(path);
      live(path, maker, acknowledged, in_flight, again);
      if (testing::Test::HasFatalFailure())
        return;
      path.kill();
      ++accidents;
      if (kills && path.disk.rng() % 3 == 0)
        path.restart_process();
      else
        path.restore_power(keep(path.disk.rng));
    }
  }

private:
  static void arm(faulty_path& path) {
    auto& rng = path.disk.rng;
    if (rng() % 2)
      path.database.cut_at = 1 + static_cast<std::int64_t>(rng() % 300);
    else
      path.disk.cut_at = 1 + static_cast<std::int64_t>(rng() % 300);
  }
  void live(faulty_path& path, change_maker& maker, remembered_path& acknowledged, std::optional<change>& in_flight,
            std::optional<change>& again) {
    try {
      path.open();
      if (path.dead())
        return;  // The power went while it swept, which may fail: nothing can be said of this boot.
      const auto attempted = in_flight;
      path.expect_sound(acknowledged, in_flight);
      if (testing::Test::HasFatalFailure())
        return;
      // A clone order is repeated until it succeeds, and goes on with what it has.
      again = attempted && attempted->name.find("clone") != std::string::npos
                      && difference(*path.store, acknowledged).empty() && !done(acknowledged, *attempted)
                  ? attempted
                  : std::nullopt;
      resumed += again && !path.store->partial_clones().empty();
      if (!again)
        for (const auto fence : path.store->partial_clones())
          path.store->forget_clone(fence);
      for (int i = 0; i < 25; ++i) {
        in_flight = again ? *std::exchange(again, std::nullopt) : maker.next(acknowledged);
        in_flight->on_store(*path.store);
        in_flight->on_memory(acknowledged);
        in_flight.reset();
        ++changes;
      }
      ASSERT_EQ(difference(*path.store, acknowledged), "");
    } catch (const storage_error& e) {
      ASSERT_TRUE(path.dead()) << e.what();
    }
  }
  static bool done(const remembered_path& path, const change& what) {
    auto after = path;
    what.on_memory(after);
    return after == path;
  }
};

TEST(TabletStorePower, AcknowledgedChangesSurviveEveryAccident) {
  storm weather;
  for (std::uint64_t seed = 1; seed <= 150 && !testing::Test::HasFailure(); ++seed)
    weather.run(seed);
  EXPECT_GE(weather.changes, 150 * 20);
  EXPECT_GE(weather.resumed, 15);
  RecordProperty("changes", static_cast<int>(weather.changes));
  RecordProperty("accidents", static_cast<int>(weather.accidents));
}

// The injector's own controls: a disk that keeps everything, and one that keeps only what
// was synced, must both be survivable, or the model of the disk is wrong.
TEST(TabletStorePower, KeepAllAndKeepNothingLoseNothing) {
  for (const double keep : {0.0, 1.0})
    for (const auto directories : {directory_model::strict, directory_model::ordered}) {
      storm weather{.directories = directories, .keep = [=](auto&) { return keep; }, .kills = false};
      for (std::uint64_t seed = 1; seed <= 25 && !testing::Test::HasFailure(); ++seed)
        weather.run(seed);
    }
}

}  // namespace
}  // namespace tabletd
