#pragma once
// Counts per database for SHOW PROC '/statistic', kept by comparing one catalog snapshot
// with the next: what both share is skipped, so a refresh costs what changed and only the
// very first one looks at every tablet.
#include "actors/model/catalog.h"
#include <cstdint>

namespace tabletd::model {

struct database_statistic {
  std::uint64_t tables{};
  std::uint64_t partitions{};
  std::uint64_t indexes{};
  std::uint64_t tablets{};
  std::uint64_t replicas{};
  cow_map<tablet_id, std::uint8_t> unhealthy; ///< A set: diagnose() says other than healthy.
  cow_map<tablet_id, std::uint8_t>
      inconsistent;  ///< A set: a backend found a replica that does not match its checksums.
};

class statistics {
public:
  /// Makes this describe `now`, any snapshot of the same cluster.  Returns how many tablets it
  /// had to diagnose.
  std::size_t follow(const catalog& now);

  [[nodiscard]] const cow_map<database_id, database_statistic>& databases() const { return databases_; }
  /// Replicas of a table, whatever their state.
  [[nodiscard]] std::uint64_t replicas_of(table_id table) const;
  [[nodiscard]] log_index at() const { return seen_.applied; }

private:
  catalog seen_; ///< Copy-on-write: a few pointers.
  cow_map<database_id, database_statistic> databases_;
  cow_map<table_id, std::uint64_t> replicas_;
};

} // namespace tabletd::model
