// Placing a new table by the same rules as a repair.
#include "actors/model/placement_detail.h"
#include <algorithm>
#include <optional>
#include <tuple>

namespace tabletd::model {

namespace {

struct path_choice {
  path_hash hash{};
  bool wrong_medium = false;
  double used_ratio{};
  std::uint64_t tablets{};
  std::uint32_t planned{}; ///< Replicas of this very table.
};

struct backend_choice {
  const backend* who = nullptr;
  bool wrong_medium = false; ///< It has no path with room of the wanted one.
  double score{};
  std::uint32_t planned{};
  std::vector<path_choice> paths;
};

std::vector<path_choice> fitting_paths(const placement_view& view, const backend& b, std::optional<medium> wanted) {
  std::vector<path_choice> paths;
  const auto& seen = *view.cluster.find(b.id);
  for (const auto& path : b.paths) {
    const auto* now = seen.path(path.hash);
    if (!now || !now->online)
      continue;
    const auto room = fit(*now, view.incoming_bytes({b.id, path.hash}), 0, false, view.fit);
    if (room.fits)
      paths.push_back({path.hash, wanted && path.medium != *wanted, room.used_ratio, now->tablets, 0});
  }
  return paths;
}

/// The backends that can take replicas, and what is wrong with the others.
class candidates {
public:
  candidates(const placement_view& view, const table_wish& wish)
      : hosts_apart_(host_anti_affinity(view.cat, wish.replication_num, wish.cluster)) {
    const load_scores scores{view.cat, view.cluster, view.slots};
    view.cat.backends.for_each([&](backend_id id, const backend& b) {
      if (!wish.cluster.empty() && b.cluster != wish.cluster)
        return;
      const auto unfit = placing::unfit_backend(view, b);
      auto paths = unfit ? std::vector<path_choice>{} : fitting_paths(view, b, wish.medium);
      if (paths.empty())
        return rule_out(b, unfit ? sentence({path_role::target, {id, {}}, *unfit, 0, 0}) : "has no path with room");
      const bool wrong = std::all_of(paths.begin(), paths.end(), [](const path_choice& p) { return p.wrong_medium; });
      usable_.push_back({&b, wrong, scores.of(id), 0, std::move(paths)});
    });
  }

  [[nodiscard]] bool hosts_apart() const { return hosts_apart_; }
  [[nodiscard]] const std::string& why_not() const { return why_not_; }

  /// How many replicas of one tablet they can hold.
  [[nodiscard]] std::size_t places() const {
    if (!hosts_apart_)
      return usable_.size();
    std::vector<std::string_view> hosts;
    for (const auto& c : usable_)
      hosts.push_back(c.who->host);
    std::sort(hosts.begin(), hosts.end());
    return static_cast<std::size_t>(std::unique(hosts.begin(), hosts.end()) - hosts.begin());
  }

  /// Every replica of one tablet; places() are enough.
  std::vector<place> take(std::uint32_t replicas) {
    std::vector<place> taken;
    std::vector<const backend*> used;
    while (taken.size() < replicas) {
      auto& best = best_beside(used);
      used.push_back(best.who);
      taken.push_back(take_path(best));
    }
    return taken;
  }

  /// On exactly these backends; nothing if one cannot take it.
  std::optional<std::vector<place>> take_on(const std::vector<backend_id>& backends) {
    std::vector<place> taken;
    for (const auto id : backends) {
      const auto at
          = std::find_if(usable_.begin(), usable_.end(), [id](const backend_choice& c) { return c.who->id == id; });
      if (at == usable_.end())
        return std::nullopt;
      taken.push_back(take_path(*at));
    }
    return taken;
  }

private:
  void rule_out(const backend& b, const std::string& why) {
    why_not_ += (why_not_.empty() ? "" : ", ") + std::to_string(raw(b.id)) + " (" + b.host + ":"
                + std::to_string(b.port) + ") " + why;
  }

  /// The wanted medium, then a location of its own, then fewest replicas of this table, then the
  /// less loaded - as a repair ranks its targets.
  backend_choice& best_beside(const std::vector<const backend*>& used) {
    const auto in_use = [&](const backend_choice& c) {
      return std::any_of(used.begin(), used.end(), [&](const backend* taken) {
        return taken == c.who || (hosts_apart_ && taken->host == c.who->host);
      });
    };
    const auto shares_location = [&](const backend_choice& c) {
      return !c.who->location.empty() && std::any_of(used.begin(), used.end(), [&](const backend* taken) {
        return taken->location == c.who->location;
      });
    };
    backend_choice* best = nullptr;
    std::tuple<bool, bool, std::uint32_t, double, backend_id> rank{};
    for (auto& c : usable_) {
      if (in_use(c))
        continue;
      const std::tuple mine{c.wrong_medium, shares_location(c), c.planned, c.score, c.who->id};
      if (!best || mine < rank) {
        best = &c;
        rank = mine;
      }
    }
    return *best;
  }

  static place take_path(backend_choice& on) {
    auto& path = *std::min_element(on.paths.begin(), on.paths.end(), [](const auto& x, const auto& y) {
      return std::tie(x.wrong_medium, x.planned, x.used_ratio, x.tablets, x.hash)
             < std::tie(y.wrong_medium, y.planned, y.used_ratio, y.tablets, y.hash);
    });
    ++on.planned;
    ++path.planned;
    return {on.who->id, path.hash};
  }

  std::vector<backend_choice> usable_;
  std::string why_not_;
  bool hosts_apart_;
};

std::string too_few(const candidates& all, const table_wish& wish) {
  const std::string unit = all.hosts_apart() ? " host(s)" : " backend(s)";
  return std::to_string(wish.replication_num) + " replicas need " + std::to_string(wish.replication_num) + unit
         + (wish.cluster.empty() ? "" : " of cluster " + std::string{wish.cluster}) + " that can take them, there are "
         + std::to_string(all.places()) + (all.why_not().empty() ? "" : "; unusable: " + all.why_not())
         + ". Add backends, bring these back, or ask for fewer replicas.";
}

std::string group_unusable(const candidates& all, const colocate_group& group, std::size_t bucket) {
  std::string backends;
  for (const auto id : group.sequence[bucket])
    backends += (backends.empty() ? "" : ", ") + std::to_string(raw(id));
  return "group " + group.name + " has bucket " + std::to_string(bucket) + " on the backends " + backends
         + ", and not all of them can take it"
         + (all.why_not().empty() ? "; some are not of the table's cluster" : "; unusable: " + all.why_not())
         + ". Bring these back, or wait until the group has moved away from them.";
}

std::vector<backend_id> backends_of(const std::vector<place>& places) {
  std::vector<backend_id> out;
  for (const auto& at : places)
    out.push_back(at.backend);
  return out;
}

} // namespace

std::variant<std::vector<placements>, std::string> place_table(const placement_view& view, const table_wish& wish) {
  candidates all{view, wish};
  if (!wish.group && (wish.replication_num == 0 || all.places() < wish.replication_num))
    return too_few(all, wish);
  std::vector<placements> result;
  for (std::uint32_t part = 0; part < wish.partitions; ++part) {
    auto& placed = result.emplace_back(wish.buckets);
    for (std::size_t bucket = 0; bucket < wish.buckets; ++bucket) {
      if (wish.group) {
        auto taken = all.take_on(wish.group->sequence[bucket]);
        if (!taken)
          return group_unusable(all, *wish.group, bucket);
        placed[bucket] = std::move(*taken);
      } else if (wish.alike && part > 0) {
        placed[bucket] = *all.take_on(backends_of(result.front()[bucket]));
      } else {
        placed[bucket] = all.take(wish.replication_num);
      }
    }
  }
  return result;
}

} // namespace tabletd::model
