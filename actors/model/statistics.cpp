#include "actors/model/statistics.h"
#include "actors/model/health.h"
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace tabletd::model {

namespace {

/// Everything a tablet's health depends on besides the tablet itself.
struct suspects {
  std::vector<tablet_id> ids;

  void all_of(const table& owner) {
    for (const auto& part : owner.partitions)
      for (std::uint32_t b = 0; b < part.buckets; ++b)
        ids.push_back(tablet_id{raw(part.first_tablet) + b});
  }
  void all_on(const backend& holder) {
    holder.tablets.for_each([this](tablet_id id, replica_id) { ids.push_back(id); });
  }
  void sort() {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
};

bool judged_alike(const backend* was, const backend* is) {
  return was && is && was->alive == is->alive && was->decommissioned == is->decommissioned && was->host == is->host
         && was->cluster == is->cluster;
}

std::size_t hosts_of(const catalog& cat) {
  std::set<std::pair<std::string_view, std::string_view>> hosts; // A table may be bound to a cluster.
  cat.backends.for_each([&](backend_id, const backend& b) { hosts.emplace(b.cluster, b.host); });
  return hosts.size();
}

bool judged_alike(const table* was, const table* is) {
  if (!was || !is || was->replication_num != is->replication_num || was->cluster != is->cluster
      || was->partitions.size() != is->partitions.size())
    return false;
  return std::equal(was->partitions.begin(), was->partitions.end(), is->partitions.begin(),
                    [](const partition& a, const partition& b) { return a.visible == b.visible; });
}

void keep(cow_map<tablet_id, std::uint8_t>& set, tablet_id id, bool in) {
  if (in)
    set.put(id, 1);
  else
    set.erase(id);
}

void count(database_statistic& of, const table& one, bool add) {
  const auto move = [add](std::uint64_t& number, std::uint64_t by) { number = add ? number + by : number - by; };
  move(of.tables, 1);
  move(of.partitions, one.partitions.size());
  move(of.indexes, one.partitions.size());
}

} // namespace

std::uint64_t statistics::replicas_of(table_id table) const {
  const auto* sum = replicas_.find(table);
  return sum ? *sum : 0;
}

std::size_t statistics::follow(const catalog& now) {
  const auto& was = seen_;
  suspects look;
  now.databases.for_each_difference(was.databases, [&](database_id id, const database*, const database* is) {
    if (!is)
      databases_.erase(id);
    else if (!databases_.contains(id))
      databases_.put(id, {});
  });
  bool hosts_may_differ = false;
  now.backends.for_each_difference(was.backends, [&](backend_id, const backend* before, const backend* after) {
    hosts_may_differ |= !before || !after;
    // A tablet that came to this backend since differs itself and is looked at anyway.
    if (before && !judged_alike(before, after))
      look.all_on(*before);
  });
  now.tables.for_each_difference(was.tables, [&](table_id id, const table* before, const table* after) {
    if (before && !after) {
      replicas_.erase(id);
      if (auto* of = databases_.edit(before->database))
        count(*of, *before, false);
    }
    if (after && !before) {
      replicas_.put(id, 0);
      if (auto* of = databases_.edit(after->database))
        count(*of, *after, true);
    }
    if (after && !judged_alike(before, after))
      look.all_of(*after);
  });

  now.colocate_groups.for_each_difference(
      was.colocate_groups, [&](auto, const colocate_group* before, const colocate_group* after) {
        for (const auto id :
             before&& after && before->sequence != after->sequence ? after->tables : std::vector<table_id>{})
          look.all_of(*now.tables.find(id));
      });
  // Whether a table's hosts are kept apart depends on how many there are.
  if (const auto hosts
      = hosts_may_differ ? std::pair{hosts_of(was), hosts_of(now)} : std::pair<std::size_t, std::size_t>{};
      hosts.first != hosts.second)
    now.tables.for_each([&](table_id id, const table& t) {
      if (was.tables.contains(id) && (t.replication_num <= hosts.first) != (t.replication_num <= hosts.second))
        look.all_of(t);
    });

  const auto owner = [this](const catalog& cat, const tablet& t) -> database_statistic* {
    const auto* table = cat.table_of(t);
    return table ? databases_.edit(table->database) : nullptr;
  };
  now.tablets.for_each_difference(was.tablets, [&](tablet_id id, const tablet* before, const tablet* after) {
    if (before && after && before->replicas == after->replicas)
      return;
    if (auto* sum = replicas_.edit(after ? after->table : before->table))
      *sum = *sum - (before ? before->replicas.size() : 0) + (after ? after->replicas.size() : 0);
    if (before)
      if (auto* of = owner(was, *before)) {
        --of->tablets;
        of->replicas -= before->replicas.size();
        if (!after) {
          of->unhealthy.erase(id);
          of->inconsistent.erase(id);
        }
      }
    if (after)
      if (auto* of = owner(now, *after)) {
        ++of->tablets;
        of->replicas += after->replicas.size();
        look.ids.push_back(id);
      }
  });

  look.sort();
  for (const auto id : look.ids) {
    const auto* t = now.tablets.find(id);
    auto* of = t ? owner(now, *t) : nullptr;
    if (!of)
      continue;
    keep(of->unhealthy, id, diagnose(now, *t).health != tablet_health::healthy);
    keep(of->inconsistent, id,
         std::any_of(t->replicas.begin(), t->replicas.end(), [](const replica& r) { return r.bad; }));
  }
  seen_ = now;
  return look.ids.size();
}

} // namespace tabletd::model
