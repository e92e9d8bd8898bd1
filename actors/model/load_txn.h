#pragma once
// How a load ends.  Rows were written to every replica that would take them; these two
// functions say whether that is enough to commit, and later whether enough serve it.  Pure.
//
// The fold checks the majority again (refusal::quorum_missing): what is decided here may
// be out of date by the time it commits.
#include "actors/model/catalog.h"
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

/// What one backend said while it was written to.
struct backend_failure {
  backend_id backend{};
  std::string message;
  friend bool operator==(const backend_failure&, const backend_failure&) = default;
};

/// The edit that commits the load: every tablet of the partition in bucket order.
struct load_commit {
  load_committed edit;
  friend bool operator==(const load_commit&, const load_commit&) = default;
};
/// The sentence names the tablets that lack a majority and the backends that failed.
struct load_rollback {
  std::string sentence;
  friend bool operator==(const load_rollback&, const load_rollback&) = default;
};
using load_decision = std::variant<load_commit, load_rollback>;

/// `prepared`: per tablet the replicas that hold the rows durably, in any order.  A tablet without
/// rows must be listed too, with rows = 0: it takes part in the version.
[[nodiscard]] load_decision decide_load(const catalog& cat, txn_id txn,
                                        std::span<const tablet_loaded> prepared,
                                        std::span<const backend_failure> failures);

/// Replicas of one tablet whose backends confirmed that they serve the version.
struct tablet_served {
  tablet_id tablet{};
  std::vector<replica_id> replicas;
};

enum class publish_reach : std::uint8_t {
  too_few,  ///< Some tablet is served by less than a majority.
  majority, ///< Every tablet is: readers find it, the client may be told.
  everywhere, ///< So does every replica on a live backend that has it: load_published is due.
};
[[nodiscard]] publish_reach publish_reached(const catalog& cat, txn_id txn,
                                            std::span<const tablet_served> served);

/// Replicas a majority takes: replication_num / 2 + 1.
[[nodiscard]] constexpr std::size_t majority(std::uint32_t replication_num) {
  return replication_num / 2 + 1;
}

/// Whether `holders` replicas of a tablet are enough for a load to commit: of those it should
/// have, not of those that were there to be written to.
[[nodiscard]] constexpr bool can_commit(std::size_t holders, std::uint32_t replication_num) {
  return holders >= majority(replication_num);
}

} // namespace tabletd::model
