// Balance against a straightforward model of the reference's balancer (spec/replica.md 5.3,
// S21): how many bytes each moves for the evenness it reaches, how often it takes a move back,
// and how long it thinks.
//
// Both work on copies of the same cluster, on the same clock: a round a second, at most 100
// moves at a time, two per path, 100 MB/s per copy.  The reference measures the load every 20
// seconds, draws tablets of HIGH backends at random, takes the first LOW backend that
// isMoreBalanced() allows, and drops the replica on the most loaded backend afterwards.
// What the load goal needs at least: the bytes above (or below, whichever is more) the band
// around the average fill that the side itself aims at, and for us the replicas above an even
// number per table and backend.  One JSON line per case and measure; ratio above 1: ours is better.
//
//   balance_bench [replicas of the build case, millions]
#include "actors/model/placement.h"
#include "tests/model/balance_world.h"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unordered_map>

namespace tabletd {
namespace {

using namespace test;
using steady = std::chrono::steady_clock;

constexpr std::size_t moves_at_a_time = 100;
constexpr std::uint64_t copy_bytes_per_s = 100 * mega;
constexpr std::size_t moves_per_path = 2;
constexpr int rounds_max = 400'000;

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

struct roll {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t sides) {
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (state >> 33U) % sides;
  }
};

// -- what a run comes to -----------------------------------------------------------------

struct outcome {
  std::uint64_t moves{};
  std::uint64_t bytes{};
  std::uint64_t reverted{}; ///< Moves of a tablet to a backend that it had left.
  double seconds{};         ///< Of the simulated clock, until the last move.
  double thinking_s{};      ///< Of this machine.
  double score_deviation{};
  double path_deviation{};
  std::uint32_t skew{};
};

/// Counts bytes and ways back.
class odometer {
public:
  explicit odometer(outcome& into) : into_(into) {}
  void moved(tablet_id tablet, backend_id from, backend_id to, std::uint64_t bytes) {
    ++into_.moves;
    into_.bytes += bytes;
    into_.reverted += left_.contains({tablet, to});
    if (from != to)
      left_.insert({tablet, from});
  }

private:
  outcome& into_;
  std::set<std::pair<tablet_id, backend_id>> left_;
};

void measure_end(const balance_world& w, outcome& into) {
  const balance_state end{w.cat, w.cluster};
  const auto stat = measure(medium::hdd, end.lines(medium::hdd));
  for (const auto& row : stat.rows)
    into.score_deviation = std::max(into.score_deviation, std::abs(row.score - stat.average_score) / stat.average_score);
  for (const auto& path : end.paths())
    into.path_deviation = std::max(into.path_deviation,
                                   std::abs(path.used_ratio() - end.backend(path.backend).on(medium::hdd).fill()));
  for (balance_state::slot g = 0; g < end.group_count(); ++g)
    into.skew = std::max(into.skew, end.group(g).skew);
}

/// The least that brings every backend within `band` of the average fill.
double least_for_load(const balance_world& w, double band) {
  const balance_state s{w.cat, w.cluster};
  const auto lines = s.lines(medium::hdd);
  const auto average = average_of(lines).fill;
  double above = 0;
  double below = 0;
  for (const auto& line : lines) {
    above += std::max(0.0, line.load.used_bytes - average * (1 + band) * line.load.total_bytes);
    below += std::max(0.0, average * (1 - band) * line.load.total_bytes - line.load.used_bytes);
  }
  return std::max(above, below);
}

/// The least that makes every table even: the replicas above an even number, smallest first.
double least_for_tables(const balance_world& w) {
  const balance_state s{w.cat, w.cluster};
  double sum = 0;
  for (balance_state::slot g = 0; g < s.group_count(); ++g) {
    const auto& row = s.group(g);
    if (row.skew < 2)
      continue;
    std::vector<std::uint32_t> counts(s.endpoints(row.on) - row.counts.size(), 0);
    for (const auto& entry : row.counts)
      counts.push_back(entry.second);
    std::sort(counts.rbegin(), counts.rend());
    std::size_t moves = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const auto even = row.replicas / counts.size() + (i < row.replicas % counts.size());
      moves += counts[i] > even ? counts[i] - even : 0;
    }
    std::vector<std::uint64_t> sizes;
    for (const auto t : s.tablets_of(row))
      sizes.push_back(s.tablet(t).bytes);
    std::sort(sizes.begin(), sizes.end());
    for (std::size_t i = 0; i < moves; ++i)
      sum += static_cast<double>(sizes[std::min(i / row.replication, sizes.size() - 1)]);
  }
  return sum;
}

// -- ours, live --------------------------------------------------------------------------

outcome run_ours(balance_world w) {
  outcome result;
  odometer meter{result};
  balance_planner planner;
  std::multimap<std::uint64_t, balance_move> running; // By the second it ends.
  int idle = 0;
  for (std::uint64_t second = 0; idle < 3 && second < rounds_max; ++second) {
    while (!running.empty() && running.begin()->first <= second) {
      const auto done = running.extract(running.begin()).mapped();
      w.carry_out(done);
      meter.moved(done.tablet, done.source.backend, done.target.backend, done.bytes);
      planner.ended(w.cat, done.tablet);
      result.seconds = static_cast<double>(second);
    }
    w.now = time_ms{second * 1'000};
    w.memory.forget(w.now);
    if (running.size() == moves_at_a_time)
      continue;
    const auto begin = steady::now();
    auto round = planner.next_moves(w.view(), moves_at_a_time - running.size(), second, w.now);
    result.thinking_s += seconds_since(begin);
    for (const auto& move : round.moves) {
      w.memory.moved(move.tablet, w.now);
      running.emplace(second + 1 + move.bytes / copy_bytes_per_s, move);
    }
    if (running.empty()) { // Who rests will have rested.
      ++idle;
      second += 600;
    } else {
      idle = 0;
    }
  }
  measure_end(w, result);
  return result;
}

// -- the reference -----------------------------------------------------------------------

class reference {
public:
  explicit reference(balance_world w) : w_(std::move(w)), meter_(result_) {}

  outcome run() {
    std::uint64_t quiet = 0;
    for (std::uint64_t second = 0; quiet < 60 && second < rounds_max; ++second) {
      while (!running_.empty() && running_.begin()->first <= second) {
        finish(running_.extract(running_.begin()).mapped());
        result_.seconds = static_cast<double>(second);
      }
      const auto begin = steady::now();
      if (second % 20 == 0)
        measure_load();
      if (running_.size() < moves_at_a_time)
        select(second);
      result_.thinking_s += seconds_since(begin);
      quiet = running_.empty() ? quiet + 1 : 0;
    }
    measure_end(w_, result_);
    return result_;
  }

private:
  struct clone {
    tablet_id tablet{};
    place source;
    place target;
    std::uint64_t bytes{};
  };

  void measure_load() {
    load_ = measure(medium::hdd, load_scores{w_.cat, w_.cluster, slot_ledger{}}.lines(medium::hdd));
    order_.clear();
    for (std::size_t i = 0; i < load_.rows.size(); ++i)
      order_.push_back(i);
    std::sort(order_.begin(), order_.end(), [&](auto x, auto y) { return load_.rows[x].score < load_.rows[y].score; });
    low_.clear();
    high_.clear();
    std::vector<std::size_t> mid;
    for (const auto i : order_)
      (load_.rows[i].class_of_load == load_class::low ? low_ : load_.rows[i].class_of_load == load_class::high ? high_ : mid)
        .push_back(i);
    if (low_.empty() && !high_.empty())
      low_ = mid;
    else if (high_.empty() && !low_.empty())
      high_ = mid;
  }
  medium_load load(std::size_t row) const {
    const auto& r = load_.rows[row];
    return {static_cast<double>(r.used_bytes), static_cast<double>(r.capacity_bytes), static_cast<double>(r.replicas)};
  }
  double score(backend_id b) const {
    for (const auto& row : load_.rows)
      if (row.backend == b)
        return row.score;
    return 0;
  }

  /// Random tablets of HIGH backends, highest first, as many as LOW backends have paths.
  void select(std::uint64_t second) {
    if (low_.empty() || high_.empty())
      return;
    std::size_t quota = 0;
    for (const auto i : low_)
      quota += w_.cluster.find(load_.rows[i].backend)->paths.size();
    for (auto at = high_.rbegin(); at != high_.rend(); ++at) {
      const auto from = load_.rows[*at].backend;
      auto& tablets = tablets_of(from);
      for (std::size_t tries = 0; tries < 64 && !tablets.empty(); ++tries) {
        if (quota == 0 || running_.size() == moves_at_a_time)
          return;
        const auto& t = *w_.cat.tablets.find(tablets[dice_(tablets.size())]);
        if (t.on(from) && !busy_.contains(t.id) && begin(t, second))
          --quota;
      }
    }
  }
  /// Copied to the first LOW backend that may take it; from any replica with a free slot.
  bool begin(const tablet& t, std::uint64_t second) {
    const auto* source = std::find_if(t.replicas.begin(), t.replicas.end(),
                                      [&](const replica& r) { return slots_[{raw(r.backend), raw(r.path)}] < moves_per_path; });
    if (source == t.replicas.end())
      return false;
    const auto high = std::find_if(high_.rbegin(), high_.rend(), [&](auto i) { return t.on(load_.rows[i].backend); });
    for (const auto i : low_) {
      const auto to = load_.rows[i].backend;
      if (t.on(to) || !is_more_balanced(load(*high), load(i), static_cast<double>(t.bytes), load_.average, load_.average_score))
        continue;
      for (const auto& path : w_.cluster.find(to)->paths) {
        const place target{to, path.hash};
        if (slots_[{raw(to), raw(path.hash)}] == moves_per_path || !fit(path, 0, t.bytes, false, {}).fits)
          continue;
        const place from{source->backend, source->path};
        ++slots_[{raw(from.backend), raw(from.path)}];
        ++slots_[{raw(to), raw(path.hash)}];
        busy_.insert(t.id);
        running_.emplace(second + 1 + t.bytes / copy_bytes_per_s, clone{t.id, from, target, t.bytes});
        return true;
      }
    }
    return false;
  }
  /// The copy is there; the replica on the most loaded backend is redundant.
  void finish(const clone& c) {
    --slots_[{raw(c.source.backend), raw(c.source.path)}];
    --slots_[{raw(c.target.backend), raw(c.target.path)}];
    busy_.erase(c.tablet);
    const auto& t = *w_.cat.tablets.find(c.tablet);
    const auto victim = std::max_element(t.replicas.begin(), t.replicas.end(), [&](const replica& x, const replica& y) {
      return score(x.backend) < score(y.backend);
    });
    if (score(victim->backend) < score(c.target.backend))
      return; // It was the new one.
    const place source{victim->backend, victim->path};
    balance_move move{.tablet = c.tablet, .replica = victim->id, .source = source, .target = c.target, .bytes = c.bytes};
    w_.carry_out(move);
    tablets_of(c.target.backend).push_back(c.tablet);
    meter_.moved(c.tablet, move.source.backend, move.target.backend, c.bytes);
  }
  std::vector<tablet_id>& tablets_of(backend_id b) {
    auto& all = tablets_[b];
    if (all.empty())
      w_.cat.backends.find(b)->tablets.for_each([&](tablet_id t, replica_id) { all.push_back(t); });
    return all;
  }

  balance_world w_;
  outcome result_;
  odometer meter_;
  load_statistic load_;
  std::vector<std::size_t> order_, low_, high_; // Rows, ascending by score.
  std::multimap<std::uint64_t, clone> running_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> slots_;
  std::set<tablet_id> busy_;
  std::unordered_map<backend_id, std::vector<tablet_id>> tablets_;
  roll dice_{7};
};

// -- clusters ----------------------------------------------------------------------------

/// Replicas on the next backends in turn, paths in turn.
struct spread {
  balance_world& w;
  std::size_t backends;
  std::vector<std::size_t> next_path = std::vector<std::size_t>(64);
  std::size_t next = 0;
  place take(std::size_t backend) {
    const auto paths = w.cat.backends.find(w.ids[backend])->paths.size();
    return w.on(backend, next_path[backend]++ % paths);
  }
  std::vector<place> operator()(std::size_t replicas) {
    std::vector<place> places;
    for (std::size_t i = 0; i < replicas; ++i)
      places.push_back(take((next + i) % backends));
    next += replicas;
    return places;
  }
};

balance_world one_new_backend() {
  balance_world w;
  w.add_backends(9, std::vector<disk>(4, {2'000 * giga}));
  spread even{w, 9};
  roll dice{1};
  for (int t = 0; t < 30; ++t)
    w.add_table(90, 3, [&](auto) { return even(3); }, [&](auto) { return (900 + dice(200)) * mega; });
  w.add_backend(std::vector<disk>(4, {2'000 * giga}));
  return w;
}

balance_world two_full_backends() {
  balance_world w;
  w.add_backends(10, std::vector<disk>(4, {250 * giga}));
  spread even{w, 10};
  for (int t = 0; t < 20; ++t)
    w.add_table(
      100, 3,
      [&](std::uint32_t b) { // Every other tablet has a replica on one of the first two.
        auto places = even(3);
        if (b % 2 == 0 && places[0].backend != w.ids[0] && places[0].backend != w.ids[1]
            && std::none_of(places.begin(), places.end(), [&](const place& p) { return p.backend == w.ids[b / 2 % 2]; }))
          places[0] = even.take(b / 2 % 2);
        return places;
      },
      [](auto) { return 500 * mega; });
  return w;
}

balance_world mixed_sizes() {
  balance_world w;
  w.add_backends(8, std::vector<disk>(6, {1'000 * giga}));
  spread even{w, 8};
  roll dice{3};
  for (int t = 0; t < 40; ++t) {
    const auto size = 10 * mega << dice(11); // 10 MB to 10 GB.
    w.add_table(64, 3, [&](auto) { return even(3); }, [&](auto) { return size / 2 + dice(size); });
  }
  w.add_backends(2, std::vector<disk>(6, {1'000 * giga}));
  return w;
}

balance_world one_table_skewed() {
  balance_world w;
  w.add_backends(10, std::vector<disk>(4, {1'000 * giga}));
  spread even{w, 10};
  for (int t = 0; t < 20; ++t)
    w.add_table(100, 3, [&](auto) { return even(3); }, [](auto) { return giga; });
  spread few{w, 4};
  w.add_table(100, 3, [&](auto) { return few(3); }, [](auto) { return giga; });
  return w;
}

balance_world many_paths() {
  balance_world w;
  w.add_backends(10, std::vector<disk>(88, {100 * giga}));
  spread even{w, 10};
  for (int t = 0; t < 14; ++t)
    w.add_table(1'280, 3, [&](auto) { return even(3); }, [](auto) { return 500 * mega; });
  w.add_backends(6, std::vector<disk>(88, {100 * giga}));
  return w;
}

// -- the report --------------------------------------------------------------------------

void print(const std::string& name, double ours, double peer, const std::string& unit, double ratio,
           const std::string& more = {}) {
  std::printf(R"json({"bench":"balance","case":"%s","ours":%.4g,"peer":%.4g,)json"
              R"json("peer_name":"reference balancer (model)","unit":"%s","ratio":%.3f%s})json" "\n",
              name.c_str(), ours, peer, unit.c_str(), ratio, more.c_str());
  std::fflush(stdout);
}

/// Where both are good, who is better is noise: nothing below `enough` counts as a difference.
double better(double ours, double peer, double enough) { return std::max(peer, enough) / std::max(ours, enough); }

void compare(const std::string& name, const balance_world& w) {
  const double half = load_score_threshold / 2;
  const double load_least = least_for_load(w, half);
  const double ours_least = std::max(load_least, least_for_tables(w));
  const double peer_least = least_for_load(w, load_score_threshold);
  const auto ours = run_ours(w);
  const auto peer = reference{w}.run();
  const auto begin = steady::now();
  const auto plan = w.plan();
  const double plan_s = seconds_since(begin);
  const auto over = [](double bytes, double least) { return least > 0 ? bytes / least : 1; };
  char more[400];
  std::snprintf(more, sizeof more,
                R"(,"moves":%llu,"peer_moves":%llu,"minimum_gb":%.1f,"moved_gb":%.1f,"peer_moved_gb":%.1f,"plan_gb":%.1f,"plan_waves":%zu)",
                static_cast<unsigned long long>(ours.moves), static_cast<unsigned long long>(peer.moves), ours_least / 1e9,
                static_cast<double>(ours.bytes) / 1e9, static_cast<double>(peer.bytes) / 1e9, static_cast<double>(plan.bytes) / 1e9,
                plan.waves.size());
  const double ours_over = over(static_cast<double>(ours.bytes), ours_least);
  const double peer_over = over(static_cast<double>(peer.bytes), peer_least);
  print(name + ", bytes moved", ours_over, peer_over, "times the minimum", peer_over / ours_over, more);
  print(name + ", worst backend", ours.score_deviation * 100, peer.score_deviation * 100, "% from the average score",
        better(ours.score_deviation, peer.score_deviation, 0.01));
  print(name + ", worst table", ours.skew, peer.skew, "replicas of skew", better(ours.skew, peer.skew, 1));
  print(name + ", worst path", ours.path_deviation * 100, peer.path_deviation * 100, "points from its backend's fill",
        better(ours.path_deviation, peer.path_deviation, 0.01));
  print(name + ", moves taken back", static_cast<double>(ours.reverted), static_cast<double>(peer.reverted), "moves",
        better(static_cast<double>(ours.reverted), static_cast<double>(peer.reverted), 1));
  if (ours.moves == 0 || peer.moves == 0)
    return; // One of them saw nothing to do.
  print(name + ", until even", ours.seconds, peer.seconds, "s of the simulated clock", better(ours.seconds, peer.seconds, 1));
  std::snprintf(more, sizeof more, R"(,"whole_plan_s":%.3f)", plan_s);
  const double ours_us = ours.thinking_s / static_cast<double>(ours.moves) * 1e6;
  const double peer_us = peer.thinking_s / static_cast<double>(peer.moves) * 1e6;
  print(name + ", thinking", ours_us, peer_us, "us per move", better(ours_us, peer_us, 0.1), more);
}

/// VmRSS, MiB.
double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

/// A big cluster: what the state costs, and one round of moves to a new backend.  The reference
/// reads the tablets of every backend to measure the load, each time.
void big_cluster(std::uint64_t replicas) {
  balance_world w;
  w.add_backends(99, std::vector<disk>(12, {8'000 * giga}));
  w.add_backend(std::vector<disk>(12, {8'000 * giga}));
  spread even{w, 99, std::vector<std::size_t>(128)};
  const auto tables = replicas / 3 / 1'000;
  for (std::uint64_t t = 0; t < tables; ++t)
    w.add_table(1'000, 3, [&](auto) { return even(3); }, [](auto) { return giga; });
  const double before = resident_mib();
  auto begin = steady::now();
  balance_planner planner;
  planner.observe(w.view());
  const double build_s = seconds_since(begin);
  const double mib = resident_mib() - before;
  begin = steady::now();
  const auto round = planner.next_moves(w.view(), moves_at_a_time, 1, w.now);
  const double round_s = seconds_since(begin);
  begin = steady::now();
  std::uint64_t seen = 0;
  w.cat.backends.for_each([&](backend_id, const backend& b) {
    b.tablets.for_each([&](tablet_id t, replica_id) { seen += w.cat.tablets.find(t)->bytes; });
  });
  const double scan_s = seconds_since(begin);
  char more[300];
  std::snprintf(more, sizeof more, R"(,"build_s":%.2f,"state_mib":%.0f,"bytes_per_replica":%.1f,"moves":%zu,"seen_tb":%.0f)", build_s, mib,
                mib * 1024 * 1024 / static_cast<double>(w.cat.replicas), round.moves.size(), static_cast<double>(seen) / 1e12);
  print(std::to_string(w.cat.replicas) + " replicas, one round", round_s * 1e3, scan_s * 1e3, "ms", better(round_s, scan_s, 1e-6), more);
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  using namespace tabletd;
  compare("one new backend", one_new_backend());
  compare("two full backends", two_full_backends());
  compare("mixed sizes, two new", mixed_sizes());
  compare("one table skewed", one_table_skewed());
  compare("10 x 88 paths, six new", many_paths());
  big_cluster((argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3) * 1'000'000);
}
