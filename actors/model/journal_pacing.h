#pragma once
// When the journal begins its next transaction.  A transaction has a cost that does not
// depend on how many edits share it (the fsync above all), so gathering more of them can be
// worth a wait, and on a fast disk it soon is not.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

namespace tabletd::model {

/// The fixed part of what a transaction takes, from transactions of different sizes: the
/// intercept of the line through them, where old ones count less and less.
class transaction_cost {
public:
  void observe(std::size_t edits, double us);
  /// 0 before the first; while all are of one size, what they take.
  [[nodiscard]] double fixed_us() const;

private:
  double weight_ = 0, edits_ = 0, us_ = 0, edits_squared_ = 0, product_ = 0;
};

class journal_pacing {
public:
  void transaction_took(std::size_t edits, double us) { cost_.observe(edits, us); }
  /// So many proposals came since a transaction ended, within so long.
  void proposers_returned(std::size_t proposals, double us);

  /// A transaction of `written` edits is durable and `waiting` others have queued up behind it:
  /// how long the next may be put off for more.  0 if more wait than were written.  Otherwise the
  /// proposers about to be answered are likely to propose again within microseconds, and waiting
  /// for that turns two half-full transactions that chase each other for ever into one.  That is
  /// worth what it saves, the fixed part of a transaction, and not worth beginning if as many as
  /// were written will hardly be back within two thirds of that: the disk is idle meanwhile.
  [[nodiscard]] double patience_us(std::size_t waiting, std::size_t written) const;

private:
  transaction_cost cost_;
  double return_us_ = 0;  ///< Per proposal.
};

/// A leader's transactions that no majority has yet.  Each costs every member a sync and messages, whatever
/// its size, so one is under way, and what is proposed meanwhile gathers for the next.  (Three members,
/// 256 writers, two cores: two under way were a seventh slower, any number of them a third.)
class open_transactions {
public:
  static constexpr std::size_t open_max = 1;

  void began(std::uint64_t last_index) { ends_.push_back(last_index); }
  void committed(std::uint64_t upto) {
    while (!ends_.empty() && ends_.front() <= upto)
      ends_.pop_front();
  }
  /// In which this node leads; 0: it does not.  What another term has left is not ours to wait for.
  void lead(std::uint64_t in_term) {
    if (std::exchange(term_, in_term) != in_term)
      ends_.clear();
  }
  [[nodiscard]] bool may_begin() const { return ends_.size() < open_max; }

private:
  std::deque<std::uint64_t> ends_;  ///< The last index of each, ascending.
  std::uint64_t term_ = 0;
};

}  // namespace tabletd::model
