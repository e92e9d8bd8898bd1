// Placing a new table by the same rules as a repair.
#include "actors/model/placement_detail.h"
#include <algorithm>
#include <tuple>

namespace tabletd::model {

namespace {

struct path_choice {
  path_hash hash{};
  double used_ratio{};
  std::uint64_t tablets{};
  std::uint32_t planned{}; ///< Replicas of this very table.
};

struct backend_choice {
  const backend* who = nullptr;
  double score{};
  std::uint32_t planned{};
  std::vector<path_choice> paths;
};

std::vector<path_choice> fitting_paths(const placement_view& view, const backend& b) {
  std::vector<path_choice> paths;
  const auto& seen = *view.cluster.find(b.id);
  for (const auto& path : b.paths) {
    const auto* now = seen.path(path.hash);
    if (!now || !now->online)
      continue;
    const auto room = fit(*now, view.incoming_bytes({b.id, path.hash}), 0, false, view.fit);
    if (room.fits)
      paths.push_back({path.hash, room.used_ratio, now->tablets, 0});
  }
  return paths;
}

/// Backends that can take replicas; what is wrong with the others goes to `why_not`.
std::vector<backend_choice> candidates(const placement_view& view, std::string& why_not) {
  const load_scores scores{view.cat, view.cluster, view.slots};
  std::vector<backend_choice> usable;
  view.cat.backends.for_each([&](backend_id id, const backend& b) {
    const auto unfit = placing::unfit_backend(view, b);
    auto paths = unfit ? std::vector<path_choice>{} : fitting_paths(view, b);
    if (!paths.empty()) {
      usable.push_back({&b, scores.of(id), 0, std::move(paths)});
      return;
    }
    why_not += why_not.empty() ? "" : ", ";
    why_not += std::to_string(raw(id)) + " (" + b.host + ":" + std::to_string(b.port) + ") "
               + (unfit ? sentence({path_role::target, {id, {}}, *unfit, 0, 0}) : "has no path with room");
  });
  return usable;
}

/// Takes the next place for one tablet: fewest replicas of this table first, then the less
/// loaded.  `used`: backends this tablet has already.
place take_place(std::vector<backend_choice>& all, std::vector<const backend*>& used, bool hosts_apart) {
  const auto in_use = [&](const backend_choice& c) {
    return std::any_of(used.begin(), used.end(), [&](const backend* taken) {
      return taken == c.who || (hosts_apart && taken->host == c.who->host);
    });
  };
  backend_choice* best = nullptr;
  for (auto& c : all)
    if (!in_use(c)
        && (!best || std::tie(c.planned, c.score, c.who->id) < std::tie(best->planned, best->score, best->who->id)))
      best = &c;
  auto& path = *std::min_element(best->paths.begin(), best->paths.end(), [](const auto& x, const auto& y) {
    return std::tie(x.planned, x.used_ratio, x.tablets, x.hash) < std::tie(y.planned, y.used_ratio, y.tablets, y.hash);
  });
  ++best->planned;
  ++path.planned;
  used.push_back(best->who);
  return {best->who->id, path.hash};
}

std::size_t distinct_hosts(const std::vector<backend_choice>& all) {
  std::vector<std::string_view> hosts;
  for (const auto& c : all)
    hosts.push_back(c.who->host);
  std::sort(hosts.begin(), hosts.end());
  return static_cast<std::size_t>(std::unique(hosts.begin(), hosts.end()) - hosts.begin());
}

} // namespace

std::variant<placements, std::string> place_table(const placement_view& view, std::uint32_t buckets,
                                                  std::uint32_t replication_num) {
  std::string why_not;
  auto all = candidates(view, why_not);
  const bool hosts_apart = host_anti_affinity(view.cat, replication_num);
  const auto places = hosts_apart ? distinct_hosts(all) : all.size();
  if (replication_num == 0 || places < replication_num) {
    const std::string unit = hosts_apart ? " host(s)" : " backend(s)";
    return std::to_string(replication_num) + " replicas need " + std::to_string(replication_num) + unit
           + " that can take them, there are " + std::to_string(places)
           + (why_not.empty() ? "" : "; unusable: " + why_not)
           + ". Add backends, bring these back, or ask for fewer replicas.";
  }
  placements result(buckets);
  for (auto& tablet : result) {
    std::vector<const backend*> used;
    for (std::uint32_t r = 0; r < replication_num; ++r)
      tablet.push_back(take_place(all, used, hosts_apart));
  }
  return result;
}

} // namespace tabletd::model
