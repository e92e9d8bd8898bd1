#include "actors/model/decommission.h"
#include "actors/model/assessment.h"
#include "actors/model/transfer_plan.h"
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace tabletd::model {

namespace {

/// How many replicas of one tablet the others can hold.
std::uint32_t places_left(const catalog& cat, const backend& leaving, std::string_view cluster, bool hosts_apart) {
  std::vector<std::string_view> hosts;
  std::uint32_t backends = 0;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    if (id == leaving.id || !b.available() || (!cluster.empty() && b.cluster != cluster))
      return;
    ++backends;
    if (hosts_apart && std::find(hosts.begin(), hosts.end(), b.host) == hosts.end())
      hosts.push_back(b.host);
  });
  return hosts_apart ? static_cast<std::uint32_t>(hosts.size()) : backends;
}

} // namespace

std::optional<statement_error> decommission_refusal(const catalog& cat, const backend& leaving) {
  std::map<std::pair<std::string_view, std::uint32_t>, bool> judged; // Many tables ask for the same.
  std::optional<statement_error> refusal;
  cat.tables.for_each([&](table_id, const table& t) {
    if (!t.cluster.empty() && t.cluster != leaving.cluster)
      return true;
    if (!judged.try_emplace({t.cluster, t.replication_num}, true).second)
      return true;
    const bool apart = host_anti_affinity(cat, t.replication_num, t.cluster);
    const auto left = places_left(cat, leaving, t.cluster, apart);
    if (left >= t.replication_num)
      return true;
    const std::string unit = (apart ? "host" : "backend") + std::string{left == 1 ? "" : "s"};
    refusal = statement_error{
        error_code::failed_precondition,
        "backend " + described(cat, leaving.id) + " cannot leave: " + cat.databases.find(t.database)->name + '.'
            + t.name + " wants " + std::to_string(t.replication_num) + " replicas"
            + (apart ? " on different hosts" : "") + ", and only " + std::to_string(left) + " other " + unit
            + (t.cluster.empty() ? "" : " of cluster " + t.cluster) + " could hold them",
        t.cluster.empty() ? "ALTER SYSTEM ADD BACKEND adds one first"
                          : "ALTER SYSTEM ADD BACKEND ... PROPERTIES(\"cluster\"=\"" + t.cluster + "\") adds one first",
        {},
        {},
        {},
        {}};
    return false;
  });
  return refusal;
}

} // namespace tabletd::model
