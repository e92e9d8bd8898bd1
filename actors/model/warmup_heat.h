#pragma once
// What is hot in which cluster: the newest word of each backend, summed over the backends of a cluster.  Memory of one
// term of leadership; a new leader asks anew.  What a cluster that was dropped had is kept: it can still be followed.
#include "actors/model/ids.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// `bytes`: read of it lately, as its backend counts (docs/file_cache.md).
struct partition_heat {
  partition_id partition{};
  std::uint64_t bytes{};
  friend bool operator==(const partition_heat&, const partition_heat&) = default;
};

class heat_book {
public:
  /// A backend of that cluster says so now.  Nothing at all is the word of one that has just begun: what it said before
  /// stands.  Returns the partitions that were not hot in the cluster before.
  std::set<partition_id> note(const std::string& cluster, backend_id backend, std::vector<partition_heat> heat);

  /// Of all its backends together; of equals the lower id first.
  [[nodiscard]] std::vector<partition_heat> hottest(std::string_view cluster) const;
  [[nodiscard]] std::vector<partition_id> hottest_partitions(std::string_view cluster) const;
  [[nodiscard]] bool is_hot(std::string_view cluster, partition_id partition) const;
  [[nodiscard]] std::vector<std::string> clusters() const;
  /// It has or had backends that said something was hot.
  [[nodiscard]] bool knows(std::string_view cluster) const { return clusters_.contains(cluster); }

private:
  using by_backend = std::map<backend_id, std::vector<partition_heat>>;
  std::map<std::string, by_backend, std::less<>> clusters_;
};

}  // namespace tabletd::model
