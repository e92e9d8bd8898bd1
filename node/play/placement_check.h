#pragma once
// What the tour asks of SHOW TABLETS, SHOW BACKENDS and the disks, as values: conditions that
// are either met or said in one sentence.
#include "node/tabletctl/client.h"
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tabletd::play {

/// One row of SHOW TABLETS FROM t.
struct replica_row {
  std::uint64_t tablet = 0, replica = 0, backend = 0;
  std::int64_t version = 0, last_failed = -1;
  std::string state;
  friend bool operator==(const replica_row&, const replica_row&) = default;
};
[[nodiscard]] std::vector<replica_row> read_replicas(const ctl::row_reader& rows);

/// One row of SHOW BACKENDS.
struct backend_row {
  std::uint64_t id = 0;
  std::uint16_t port = 0; ///< Of its RPC address: what play knows it by.
  bool alive = false;
  std::uint64_t tablets = 0;
  std::string error;
};
[[nodiscard]] std::vector<backend_row> read_backends(const ctl::row_reader& rows);

/// One row of SHOW FRONTENDS.
struct frontend_row {
  std::string name;
  std::uint16_t port = 0; ///< Of its console.
  bool leads = false;
  bool alive = false;
  std::uint64_t replayed = 0; ///< Journal position its catalog has reached.
};
[[nodiscard]] std::vector<frontend_row> read_frontends(const ctl::row_reader& rows);
/// Empty when the front end at `port` is alive and has replayed `position`, else what is missing.
[[nodiscard]] std::string catch_up_fault(const std::vector<frontend_row>& rows, std::uint16_t port,
                                         std::uint64_t position);

struct wanted_placement {
  std::uint64_t tablets = 0;
  std::uint64_t replicas = 3;    ///< Of every tablet, on different backends.
  std::int64_t version = 0;      ///< All of them serve it.
  std::set<std::uint64_t> avoid; ///< Backends that must hold none.
};
/// Empty when it is so, else the first thing that is not.
[[nodiscard]] std::string placement_fault(const std::vector<replica_row>& replicas,
                                          const wanted_placement& wanted);

/// UnhealthyTabletNum of the last row of SHOW PROC '/statistic'.
[[nodiscard]] std::optional<std::uint64_t> unhealthy_tablets(const ctl::row_reader& rows);

/// Segment files below `disk` (tablets/<shard>/<tablet>/<rowset>.seg); of tablet 0: all.
[[nodiscard]] std::vector<std::filesystem::path> segments_on(const std::filesystem::path& disk,
                                                             std::uint64_t tablet = 0);
/// The tablets that have segment files on these disks.
[[nodiscard]] std::set<std::uint64_t> tablets_on(const std::vector<std::filesystem::path>& disks);

/// A byte of a file, before and after damage().
struct damaged_byte {
  std::filesystem::path file;
  std::uint64_t offset = 0;
  unsigned char was = 0, became = 0;
};
/// Turns one byte in the middle of the file over.  Throws std::runtime_error.
[[nodiscard]] damaged_byte damage(const std::filesystem::path& file);
/// True while the file is there and still holds the wrong byte.
[[nodiscard]] bool still_damaged(const damaged_byte& at);

} // namespace tabletd::play
