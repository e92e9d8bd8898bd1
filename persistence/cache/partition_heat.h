#pragma once
// How much of each partition was read lately: a count of bytes that halves with time, for the reports by which the
// leader chooses what to warm first (spec/jobs.md A3).  Pure: the time is an argument.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace tabletd {

struct heat_of_partition {
  std::uint64_t partition = 0;
  std::uint64_t bytes = 0;  ///< As of the report.
  friend bool operator==(const heat_of_partition&, const heat_of_partition&) = default;
};

class partition_heat {
public:
  using time = std::chrono::seconds;  ///< Of any clock.

  explicit partition_heat(time half_life = std::chrono::hours(6), std::size_t partitions_max = 65'536)
      : half_life_(half_life), partitions_max_(partitions_max) {}

  void add(std::uint64_t partition, std::uint64_t bytes, time now);
  /// The hottest first, equals by number; none below one byte.
  [[nodiscard]] std::vector<heat_of_partition> hottest(std::size_t count, time now) const;
  [[nodiscard]] std::size_t partitions() const { return heats_.size(); }

private:
  struct entry {
    double bytes = 0;
    time at{0};
  };
  [[nodiscard]] double bytes_at(const entry& heat, time now) const;
  /// Forgets the colder half, so that this is rare however many partitions there are.
  void make_room(time now);

  time half_life_;
  std::size_t partitions_max_;
  std::unordered_map<std::uint64_t, entry> heats_;
};

}  // namespace tabletd
