// Three members over the interface the journal uses, under loss, partitions, slow disks,
// skewed clocks and crashes: the applied sequences never differ, and nothing acknowledged
// is lost.  One seed is one history.
#include "tests/journal/consensus_host.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

namespace tabletd {
namespace {

using namespace test;

constexpr std::size_t members = 3;
constexpr std::size_t events_per_history = 4'000;

class group {
public:
  explicit group(std::uint64_t seed) : rng_(seed) {
    std::vector<model::member> founders;
    for (std::size_t i = 0; i < members; ++i)
      founders.push_back({i + 1, "fe" + std::to_string(i + 1)});
    const auto founding = libraft_core({.self = 1}).founding_entry(founders);
    // Sometimes the third member joins with an empty disk and learns even the founding entry.
    const bool third_is_empty = dice(4) == 0;
    for (std::size_t i = 0; i < members; ++i) {
      nodes_[i].host = std::make_unique<consensus_host>(
          libraft_options{.self = i + 1,
                          .seed = static_cast<std::uint32_t>(rng_()),
                          .inflight_entries_max = static_cast<std::uint32_t>(1 + dice(64))});
      if (i + 1 < members || !third_is_empty) {
        nodes_[i].host->disk.ballot = {1, 0};
        nodes_[i].host->disk.log = {{founding, ""}};
      }
      start(nodes_[i]);
    }
  }

  void run() {
    for (std::size_t i = 0; i < events_per_history && !testing::Test::HasFailure(); ++i)
      something_happens();
    heal();
  }

  std::size_t acknowledged() const { return acknowledged_.size(); }
  std::size_t crashes() const { return crashes_; }

private:
  struct node {
    std::unique_ptr<consensus_host> host;
    model::time_ms now{100'000};
    std::set<std::string> mine;  ///< Proposed here since the last start, not yet applied here.
    std::size_t seen = 0;        ///< Applied entries already compared with the truth.
  };

  std::uint64_t dice(std::uint64_t sides) { return rng_() % sides; }
  node& any() { return nodes_[dice(members)]; }
  std::deque<envelope>& link(model::node_id from, model::node_id to) { return links_[{from, to}]; }

  void start(node& at) {
    at.mine.clear();
    at.seen = 0;
    at.host->start(at.now);
    after(at);
  }
  /// After every step of a node: post its mail, compare what it applied.
  void after(node& at) {
    for (auto& mail : at.host->outbox)
      link(mail.from, mail.to).push_back(std::move(mail));
    at.host->outbox.clear();
    for (const auto& applied = at.host->applied; at.seen < applied.size(); ++at.seen) {
      if (at.seen == truth_.size())
        truth_.push_back(applied[at.seen]);
      ASSERT_EQ(truth_[at.seen], applied[at.seen]) << "member histories differ at " << at.seen;
      if (at.mine.erase(applied[at.seen]))
        acknowledged_.insert(applied[at.seen]);
    }
  }
  void propose(node& at) {
    std::vector<std::string> commands;
    for (std::uint64_t i = 0; i <= dice(3); ++i)
      commands.push_back("c" + std::to_string(next_command_++));
    if (at.host->propose(commands, at.now))
      at.mine.insert(commands.begin(), commands.end());
    after(at);
  }
  void deliver(model::node_id from, model::node_id to, bool lost) {
    auto& queue = link(from, to);
    if (queue.empty())
      return;
    const auto mail = std::move(queue.front());
    queue.pop_front();
    if (lost || cut_.contains({from, to})) {
      lossy_.insert({from, to});
      return;
    }
    auto& at = nodes_[to - 1];
    at.host->receive(mail, at.now);
    after(at);
  }
  void pass_time(node& at, std::uint64_t ms) {
    at.now += model::time_ms(ms);
    at.host->tick(at.now);
    after(at);
  }
  void write(node& at) {
    at.host->complete_write(at.now);
    after(at);
  }
  /// A sender learns sooner or later that its link lost something.
  void notice_loss(model::node_id from, model::node_id to) {
    if (lossy_.erase({from, to}) == 0)
      return;
    auto& at = nodes_[from - 1];
    at.host->lose_link(to, at.now);
    after(at);
  }
  void isolate(model::node_id who, bool cut) {
    for (model::node_id other = 1; other <= members; ++other)
      for (auto way : {std::pair{who, other}, std::pair{other, who}}) {
        if (cut)
          cut_.insert(way);
        else
          cut_.erase(way);
      }
  }
  void something_happens() {
    const auto from = 1 + dice(members), to = 1 + dice(members);
    const auto what = dice(1'000);
    if (what < 450)
      deliver(from, to, false);
    else if (what < 650)
      write(any());
    else if (what < 820)
      pass_time(any(), 20 + dice(180));
    else if (what < 940)
      propose(any());
    else if (what < 960)
      deliver(from, to, true);
    else if (what < 966) {
      ++crashes_;
      start(any());
    } else if (what < 976)
      isolate(from, dice(2) == 0);
    else if (what < 980)
      cut_.clear();
    else if (what < 985)
      pass_time(any(), 1'500);
    else
      notice_loss(from, to);
  }
  [[nodiscard]] bool converged() const {
    const auto& first = *nodes_[0].host;
    return std::ranges::all_of(nodes_, [&](const node& at) {
      return at.host->applied == truth_ && at.host->last.committed_upto == first.last.committed_upto;
    });
  }
  /// Everything works again: the members must converge without a client's help, and what was
  /// acknowledged must be there.
  void heal() {
    cut_.clear();
    for (model::node_id from = 1; from <= members; ++from)
      for (model::node_id to = 1; to <= members; ++to)
        notice_loss(from, to);
    for (int round = 0; round < 2'000 && !converged() && !testing::Test::HasFailure(); ++round) {
      for (auto& at : nodes_) {
        pass_time(at, 50);
        at.host->complete_writes(at.now);
        after(at);
      }
      for (model::node_id from = 1; from <= members; ++from)
        for (model::node_id to = 1; to <= members; ++to)
          while (!link(from, to).empty())
            deliver(from, to, false);
    }
    const std::set<std::string> kept(truth_.begin(), truth_.end());
    EXPECT_EQ(kept.size(), truth_.size()) << "a command was applied twice";
    for (const auto& command : acknowledged_)
      EXPECT_TRUE(kept.contains(command)) << command << " was acknowledged and lost";
    EXPECT_TRUE(converged());
  }

  std::mt19937_64 rng_;
  std::array<node, members> nodes_;
  std::map<std::pair<model::node_id, model::node_id>, std::deque<envelope>> links_;
  std::set<std::pair<model::node_id, model::node_id>> cut_;
  std::set<std::pair<model::node_id, model::node_id>> lossy_;  ///< Lost something nobody knows of yet.
  std::vector<std::string> truth_;
  std::set<std::string> acknowledged_;
  std::uint64_t next_command_ = 0;
  std::size_t crashes_ = 0;
};

TEST(ConsensusSimulation, MembersNeverDivergeAndKeepWhatTheyAcknowledged) {
  std::size_t acknowledged = 0, crashes = 0;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    group history(seed);
    history.run();
    acknowledged += history.acknowledged();
    crashes += history.crashes();
    if (HasFailure())
      return;
  }
  EXPECT_GT(acknowledged, 30'000U);  // Otherwise the histories prove nothing.
  EXPECT_GT(crashes, 10'000U);
}

}  // namespace
}  // namespace tabletd
