#include "actors/model/assessment.h"
#include <algorithm>
#include <string_view>
#include <tuple>

namespace tabletd::model {

namespace {

/// What may hold one replica: a host, or a backend where hosts do not matter.
bool same_holder(const assessment& a, const backend& x, const backend& y) {
  return x.id == y.id || (a.host_anti_affinity && x.host == y.host);
}

replica_standing stand(const catalog& cat, const replica& r, const assessment& a) {
  replica_standing s;
  const auto* b = cat.backends.find(r.backend);
  s.home = b;
  s.known = b != nullptr;
  if (!b)
    return s;
  s.available = b->available();
  s.live = b->alive && !r.damaged() && r.state != replica_state::clone;
  s.complete = s.live && complete(r, a.visible);
  s.in_cluster = a.cluster.empty() || b->cluster == a.cluster;
  s.at_home = a.home && std::find(a.home->begin(), a.home->end(), r.backend) != a.home->end();
  return s;
}

/// A host counts once, through its best replica: a second copy next to it dies with it.
void choose_per_host(assessment& a) {
  const auto rank = [&](std::size_t i) {
    const auto& s = a.replicas[i];
    return std::make_tuple(s.complete, s.available, s.in_cluster);
  };
  for (std::size_t i = 0; i < a.replicas.size(); ++i) {
    if (!a.replicas[i].live)
      continue;
    a.replicas[i].counts = true;
    for (std::size_t j = 0; j < i; ++j) {
      if (!a.replicas[j].counts || !same_holder(a, *a.replicas[i].home, *a.replicas[j].home))
        continue;
      const bool better = rank(i) > rank(j);
      a.replicas[j].counts = !better;
      a.replicas[i].counts = better;
    }
  }
}

/// Different hosts of the tablet's own replicas, as far as they are in its cluster: nearly always proof enough that there are as
/// many as the table wants.
std::uint32_t hosts_of(const assessment& a) {
  std::uint32_t hosts = 0;
  for (std::size_t i = 0; i < a.replicas.size(); ++i) {
    bool fresh = a.replicas[i].in_cluster;
    for (std::size_t j = 0; fresh && j < i; ++j)
      fresh = !a.replicas[j].in_cluster || a.replicas[j].home->host != a.replicas[i].home->host;
    hosts += fresh;
  }
  return hosts;
}

} // namespace

bool host_anti_affinity(const catalog& cat, std::uint32_t replication_num, std::string_view cluster) {
  short_list<std::string_view, 8> hosts; // Never longer than replication_num.
  cat.backends.for_each([&](backend_id, const backend& b) {
    const bool ours = cluster.empty() || b.cluster == cluster;
    if (ours && std::find(hosts.begin(), hosts.end(), b.host) == hosts.end())
      hosts.push_back(b.host);
    return hosts.size() < replication_num;
  });
  return hosts.size() >= replication_num;
}

assessment assess(const catalog& cat, const tablet& t) {
  assessment a;
  const auto* table = cat.table_of(t);
  if (!table)
    return a;
  a.visible = cat.visible_version(t);
  a.wanted = table->replication_num;
  a.hinted = !cat.hints.empty() && cat.hints.contains(t.partition);
  a.cluster = table->cluster;
  a.move = cat.moves.find(t.id);
  if (raw(table->colocate_group) != 0)
    if (const auto* group = cat.colocate_groups.find(table->colocate_group))
      a.home = &group->sequence[t.bucket];
  for (const auto& r : t.replicas)
    a.replicas.push_back(stand(cat, r, a));
  a.host_anti_affinity = hosts_of(a) >= a.wanted || host_anti_affinity(cat, a.wanted, a.cluster);
  choose_per_host(a);
  for (std::size_t i = 0; i < t.replicas.size(); ++i) {
    const auto& s = a.replicas[i];
    a.total += t.replicas[i].state != replica_state::clone;
    a.sources += s.complete;
    a.fillable |= fillable(s);
    if (!s.counts)
      continue;
    ++a.alive;
    a.complete += s.complete;
    a.stable += s.complete && s.available;
    a.in_cluster += s.complete && s.available && s.in_cluster;
  }
  return a;
}

bool fillable(const replica_standing& s) {
  return wanted_whole(s) && !s.complete && s.available;
}

bool wanted_whole(const replica_standing& s) { return s.counts || (s.at_home && s.live); }

bool expendable(const assessment& a, const tablet& t, std::size_t replica) {
  if (t.replicas[replica].state == replica_state::clone)
    return false; // Its order decides.
  const auto& s = a.replicas[replica];
  if (s.complete && a.sources <= 1)
    return false;
  return !(s.complete && s.counts) || a.complete > a.wanted;
}

bool belongs(const assessment& a, const backend& b) {
  const bool home = !a.home || std::find(a.home->begin(), a.home->end(), b.id) != a.home->end();
  return home && (a.cluster.empty() || b.cluster == a.cluster);
}

const replica* catching_up(const assessment& a, const tablet& t) {
  for (std::size_t i = 0; a.move && i < t.replicas.size(); ++i)
    if (t.replicas[i].id == a.move->replica && a.replicas[i].counts && a.replicas[i].available
        && !a.replicas[i].complete)
      return &t.replicas[i];
  return nullptr;
}

bool loads_count_on(const catalog& cat, const tablet& t, const replica& r) {
  const auto* home = cat.backends.find(r.backend);
  const auto* owner = cat.table_of(t);
  if (!owner || !home || !home->alive || !complete(r, cat.visible_version(t)))
    return false;
  return std::any_of(owner->open_loads.begin(), owner->open_loads.end(), [&](txn_id txn) {
    const auto* l = cat.loads.find(txn);
    return l->partition == t.partition && l->state == load_state::begun && raw(txn) < raw(t.settled);
  });
}

bool takes(const assessment& a, std::size_t replica, const backend& b) {
  const auto* home = a.replicas[replica].home;
  if (home && !belongs(a, *home))
    return home->id == b.id; // It goes as soon as the one that is where it should be is there.
  return home && takes(a, *home, b);
}

bool takes(const assessment& a, const backend& holder, const backend& b) {
  return holder.decommissioned ? holder.id == b.id : same_holder(a, b, holder);
}

namespace {

/// True if `test(backend)` holds for some available backend where the tablet belongs.
template <class Test>
bool any_available(const catalog& cat, const assessment& a, Test&& test) {
  bool found = false;
  cat.backends.for_each([&](backend_id, const backend& b) {
    found = b.available() && belongs(a, b) && test(b);
    return !found;
  });
  return found;
}

} // namespace

bool has_room(const catalog& cat, const assessment& a, const tablet& t) {
  return any_available(cat, a, [&](const backend& b) {
    for (std::size_t i = 0; i < t.replicas.size(); ++i)
      if (takes(a, i, b))
        return false;
    return true;
  });
}

bool opens_room(const catalog& cat, const assessment& a, const tablet& t, std::size_t replica) {
  return any_available(cat, a, [&](const backend& b) {
    if (!takes(a, replica, b))
      return false;
    for (std::size_t i = 0; i < t.replicas.size(); ++i)
      if (takes(a, i, b) && !expendable(a, t, i))
        return false;
    return true;
  });
}

bool must_drop_first(const catalog& cat, const assessment& a, const tablet& t) {
  const bool room = has_room(cat, a, t);
  for (std::size_t i = 0; i < t.replicas.size(); ++i)
    if (expendable(a, t, i) && (room ? a.total > a.wanted : opens_room(cat, a, t, i)))
      return true;
  return false;
}

} // namespace tabletd::model
