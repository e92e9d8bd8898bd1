#include "actors/model/colocate_balance.h"
#include "actors/model/assessment.h"
#include "actors/model/load_score.h"
#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace tabletd::model {

namespace {

/// All tables of a group lie on the same backends, so its first one speaks for it.
std::string_view cluster_of(const catalog& cat, const colocate_group& group) {
  return cat.tables.find(group.tables.front())->cluster;
}

/// One group under examination.
class relocation {
public:
  relocation(const catalog& cat, const cluster_view& cluster, const load_scores& scores,
             const colocate_options& options, time_ms wall, const colocate_group& group)
    : cat_(cat), scores_(scores), options_(options), wall_(wall), group_(group), sequence_(group.sequence),
      hosts_apart_(host_anti_affinity(cat, group.replication_num, cluster_of(cat, group))) {
    const auto wanted = cluster_of(cat, group);
    cat.backends.for_each([&](backend_id id, const backend& b) {
      const auto* seen = cluster.find(id);
      if (b.available() && seen && seen->linked && seen->reported && (wanted.empty() || b.cluster == wanted))
        buckets_[id] = 0;
    });
    for (const auto& bucket : sequence_)
      for (const auto id : bucket)
        if (const auto at = buckets_.find(id); at != buckets_.end())
          ++at->second;
  }

  void replace_the_lost(std::vector<colocate_relocated>& out) {
    for (std::uint32_t bucket = 0; bucket < sequence_.size(); ++bucket) {
      std::string why;
      for (auto& member : sequence_[bucket]) {
        const auto lost = lost_because(member);
        const auto heir = lost ? least_loaded(bucket, member) : std::nullopt;
        if (!heir)
          continue; // Nothing wrong, or nobody to take it: said by the group's view.
        why += (why.empty() ? "" : "; ") + *lost;
        member = *heir;
        ++buckets_[*heir];
      }
      if (!why.empty())
        out.push_back({group_.id, bucket, sequence_[bucket], std::move(why)});
    }
  }

  [[nodiscard]] std::optional<colocate_relocated> even_out() {
    if (buckets_.size() < 2 || is_anybody_away())
      return std::nullopt;
    std::vector<backend_id> by_load;
    for (const auto& [id, count] : buckets_)
      by_load.push_back(id);
    std::sort(by_load.begin(), by_load.end(), [this](backend_id x, backend_id y) { return rank(x) < rank(y); });
    for (auto from = by_load.rbegin(); from != by_load.rend(); ++from)
      for (const auto to : by_load) {
        if (buckets_[*from] < buckets_[to] + colocate_skew_max + 1)
          break; // Nobody further on has fewer.
        if (auto moved = move_one(*from, to))
          return moved;
      }
    return std::nullopt;
  }

private:
  using load_rank = std::tuple<std::size_t, double, backend_id>;
  [[nodiscard]] load_rank rank(backend_id id) const { return {buckets_.at(id), scores_.of(id), id}; }

  /// Who is away may come back, or its buckets are about to move: either changes the counts.
  [[nodiscard]] bool is_anybody_away() const {
    return std::any_of(sequence_.begin(), sequence_.end(), [this](const auto& bucket) {
      return std::any_of(bucket.begin(), bucket.end(), [this](backend_id id) { return !buckets_.contains(id); });
    });
  }

  [[nodiscard]] std::optional<std::string> lost_because(backend_id id) const {
    const auto name = "backend " + std::to_string(raw(id));
    const auto* b = cat_.backends.find(id);
    if (!b)
      return name + " was dropped";
    if (b->decommissioned)
      return name + " is leaving";
    if (!b->alive && wall_ - b->changed > options_.relocate_delay)
      return name + " has been dead for " + std::to_string((wall_ - b->changed).count() / 60'000) + " minutes";
    return std::nullopt;
  }

  /// May `id` take the place of `leaver` in the bucket?
  [[nodiscard]] bool fits(std::uint32_t bucket, backend_id id, backend_id leaver) const {
    const auto& host = cat_.backends.find(id)->host;
    return std::none_of(sequence_[bucket].begin(), sequence_[bucket].end(), [&](backend_id member) {
      if (member == id)
        return true;
      const auto* other = cat_.backends.find(member);
      return hosts_apart_ && member != leaver && other && other->host == host;
    });
  }

  [[nodiscard]] std::optional<backend_id> least_loaded(std::uint32_t bucket, backend_id leaver) const {
    std::optional<backend_id> best;
    for (const auto& [id, count] : buckets_)
      if (fits(bucket, id, leaver) && (!best || rank(id) < rank(*best)))
        best = id;
    return best;
  }

  [[nodiscard]] std::optional<colocate_relocated> move_one(backend_id from, backend_id to) {
    for (std::uint32_t bucket = 0; bucket < sequence_.size(); ++bucket) {
      auto& members = sequence_[bucket];
      const auto at = std::find(members.begin(), members.end(), from);
      if (at == members.end() || !fits(bucket, to, from))
        continue;
      *at = to;
      return colocate_relocated{group_.id, bucket, members,
                                "backend " + std::to_string(raw(from)) + " has " + std::to_string(buckets_[from])
                                  + " buckets of the group, backend " + std::to_string(raw(to)) + " only "
                                  + std::to_string(buckets_[to])};
    }
    return std::nullopt;
  }

  const catalog& cat_;
  const load_scores& scores_;
  const colocate_options& options_;
  time_ms wall_;
  const colocate_group& group_;
  std::vector<std::vector<backend_id>> sequence_;
  bool hosts_apart_;
  std::map<backend_id, std::size_t> buckets_; ///< Of who may take any.
};

} // namespace

std::string unstable_because(const catalog& cat, const colocate_group& group) {
  for (const auto id : group.tables)
    for (const auto& part : cat.tables.find(id)->partitions)
      for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
        const tablet_id tablet{raw(part.first_tablet) + bucket};
        if (const auto health = diagnose(cat, *cat.tablets.find(tablet)).health; health != tablet_health::healthy)
          return "tablet " + std::to_string(raw(tablet)) + " is " + std::string{name(health)};
      }
  return "";
}

std::vector<colocate_relocated> relocate_buckets(const catalog& cat, const cluster_view& cluster,
                                                 const load_scores& scores, const colocate_options& options,
                                                 time_ms wall) {
  std::vector<colocate_relocated> out;
  if (!options.enabled)
    return out;
  cat.colocate_groups.for_each([&](colocate_group_id, const colocate_group& group) {
    relocation one{cat, cluster, scores, options, wall, group};
    const auto before = out.size();
    one.replace_the_lost(out);
    if (out.size() > before)
      return;
    if (auto moved = one.even_out(); moved && unstable_because(cat, group).empty())
      out.push_back(std::move(*moved));
  });
  return out;
}

} // namespace tabletd::model
