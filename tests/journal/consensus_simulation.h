#pragma once
// Members over the interface the journal uses, under loss, partitions, slow and torn disks, skewed
// clocks, crashes, images, changes of membership and hand-overs.  One seed is one history: the
// applied sequences never differ, nothing acknowledged is lost, a term has one leader, no read misses what
// was applied anywhere when it was asked for, and when the
// faults stop all members converge without a client's help (design/journal.md 10: I1 to I7, I11).
#include "tests/journal/consensus_host.h"

#include <random>
#include <set>

namespace tabletd::test {

struct simulation_options {
  std::size_t voters = 3;      ///< At first.
  std::size_t nodes = 3;       ///< Most there can ever be; those behind `voters` begin with an empty disk.
  std::size_t events = 4'000;  ///< Before the faults stop.
  bool fifo = true;            ///< Links neither repeat nor reorder.
  bool images = false;
  bool changes = false;    ///< Of membership.
  bool transfers = false;  ///< Of leadership.
  mutant broken_promise = mutant::none;
};

struct simulation_counts {
  std::size_t acknowledged = 0, crashes = 0, images_installed = 0, changes = 0, transfers = 0, terms = 0, reads = 0;
  simulation_counts& operator+=(const simulation_counts& other);
};

class simulation {
public:
  simulation(std::uint64_t seed, simulation_options options);

  /// Empty: every promise held.
  std::string run();
  [[nodiscard]] const simulation_counts& counts() const { return counts_; }

private:
  struct node {
    std::unique_ptr<consensus_host> host;
    model::time_ms now{100'000};
    std::set<std::string> mine;  ///< Proposed here since the last start, not yet applied here.
    std::size_t seen = 0;        ///< Applied entries already compared with the truth.
    /// By ticket: how much was acknowledged anywhere when the read was asked for.
    std::map<std::uint64_t, std::uint64_t> reads{};
  };
  using way = std::pair<model::node_id, model::node_id>;

  std::uint64_t dice(std::uint64_t sides) { return rng_() % sides; }
  node& any() { return nodes_[dice(nodes_.size())]; }
  node& at(model::node_id id) { return nodes_[id - 1]; }
  void fail(const std::string& what);

  void start(node& which, bool first);
  void after(node& which);
  void watch_entries(const node& which);
  void propose(node& which);
  void deliver();
  void deliver(way along, std::size_t place, bool again, bool lost);
  void pass_time(node& which, std::uint64_t ms);
  void write(node& which);
  void notice_loss(way along);
  void isolate(model::node_id who, bool cut);
  void change_something(node& leader);
  void hand_over(node& leader);
  void read(node& which);
  void watch_reads(node& which);
  void something_happens();
  void something_rare_happens(std::uint64_t what);

  void heal();
  void heal_round();
  [[nodiscard]] const consensus_host* leader() const;
  [[nodiscard]] bool converged() const;
  [[nodiscard]] std::string describe() const;

  simulation_options options_;
  std::mt19937_64 rng_;
  std::vector<node> nodes_;
  std::map<way, std::deque<envelope>> links_;
  std::set<way> cut_;
  std::set<way> lossy_;  ///< Lost something nobody knows of yet.
  std::vector<std::string> truth_;
  std::set<std::string> acknowledged_;
  std::map<model::term, model::node_id> leaders_;
  std::map<std::pair<std::uint64_t, model::term>, std::string> entries_;  ///< Ever logged, by index and term.
  std::uint64_t next_command_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t applied_anywhere_ = 0;  ///< Index: the newest that any member knows to be committed.
  simulation_counts counts_;
  std::string failure_;
};

/// What a seed is tried with: sizes and faults differ from seed to seed.
[[nodiscard]] simulation_options options_for(std::uint64_t seed);

}  // namespace tabletd::test
