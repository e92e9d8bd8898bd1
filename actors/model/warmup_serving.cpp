#include "actors/model/warmup_serving.h"
#include "actors/model/warmup_placement.h"

#include <algorithm>
#include <map>

namespace tabletd::model {

std::vector<backend_id> serving_backends(const catalog& cat, std::string_view cluster) {
  std::vector<backend_id> alive;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    if (b.alive && b.cluster == cluster)
      alive.push_back(id);
  });
  return alive;
}

bool is_cluster(const catalog& cat, std::string_view cluster) {
  bool found = false;
  cat.backends.for_each([&](backend_id, const backend& b) {
    found = b.cluster == cluster;
    return !found;
  });
  return found;
}

backend_id serving_backend(const catalog& cat, const tablet& t, std::span<const backend_id> backends) {
  const auto visible = cat.visible_version(t);
  std::vector<backend_id> holders;
  for (const auto& r : t.replicas)
    if (complete(r, visible) && std::ranges::binary_search(backends, r.backend))
      holders.push_back(r.backend);
  return holders.empty() ? caching_backend(t.id, backends) : caching_backend(t.id, holders);
}

const published_meta* remote_of(const catalog& cat, tablet_id tablet) {
  const auto* conf = cat.cooldowns.find(tablet);
  return conf && conf->published && !is_recall(*conf->published) ? &*conf->published : nullptr;
}

bool have_changed(const catalog& cat, const std::map<tablet_id, published_meta>& sent, std::uint64_t failed,
                  std::span<const tablet_id> named) {
  return failed > 0 && failed == named.size() && std::ranges::all_of(named, [&](tablet_id id) {
    const auto was = sent.find(id);
    const auto* meta = remote_of(cat, id);
    return was == sent.end() || !meta || was->second != *meta;
  });
}

namespace {

warming_partition facts_of(const catalog& cat, const partition& part, std::span<const backend_id> backends) {
  warming_partition facts{part.id, {}};
  for_each_tablet(part, [&](tablet_id id) {
    if (const auto* meta = remote_of(cat, id))
      facts.tablets.push_back({id, meta->bytes, serving_backend(cat, *cat.tablets.find(id), backends)});
  });
  return facts;
}

}  // namespace

std::vector<warming_table> warming_tables(const catalog& cat, std::span<const warmup_target> targets,
                                          std::span<const backend_id> backends) {
  std::vector<warming_table> facts;
  for (const auto& target : targets) {
    const auto* t = cat.tables.find(target.table);
    if (!t)
      continue;
    warming_table table{t->id, {}};
    for (const auto& part : t->partitions)
      if (raw(target.partition) == 0 || part.id == target.partition)
        table.partitions.push_back(facts_of(cat, part, backends));
    facts.push_back(std::move(table));
  }
  return facts;
}

std::vector<warming_partition> warming_partitions(const catalog& cat, std::span<const partition_id> hottest_first,
                                                  std::span<const backend_id> backends) {
  std::map<partition_id, const partition*> known;
  cat.tables.for_each([&](table_id, const table& t) {
    for (const auto& part : t.partitions)
      known.emplace(part.id, &part);
  });
  std::vector<warming_partition> facts;
  for (const auto id : hottest_first)
    if (const auto at = known.find(id); at != known.end())
      facts.push_back(facts_of(cat, *at->second, backends));
  return facts;
}

}  // namespace tabletd::model
