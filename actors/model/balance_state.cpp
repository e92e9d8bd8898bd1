#include "actors/model/balance_state.h"
#include <algorithm>
#include <cassert>

namespace tabletd::model {

namespace {

constexpr std::size_t at(medium m) { return static_cast<std::size_t>(m); }

} // namespace

std::string_view name(balance_kind kind) {
  switch (kind) {
    case balance_kind::backend_load: return "BACKEND_LOAD";
    case balance_kind::table_skew: return "TABLE_SKEW";
    case balance_kind::path_load: return "PATH_LOAD";
    case balance_kind::wanted_medium: return "WANTED_MEDIUM";
  }
  return "UNKNOWN";
}

double balance_state::path_row::used_bytes() const {
  return static_cast<double>(capacity_bytes) - static_cast<double>(available_bytes) + static_cast<double>(incoming_bytes)
         - static_cast<double>(outgoing_bytes);
}

double balance_state::path_row::used_ratio() const {
  return capacity_bytes == 0 ? 0 : used_bytes() / static_cast<double>(capacity_bytes);
}

std::uint32_t balance_state::group_row::count(slot backend) const {
  const auto found = std::lower_bound(counts.begin(), counts.end(), backend,
                                      [](const auto& entry, slot b) { return entry.first < b; });
  return found != counts.end() && found->first == backend ? found->second : 0;
}

// -- building ----------------------------------------------------------------------------

balance_state::balance_state(const catalog& cat, const cluster_view& cluster, std::span<const balance_move> under_way) {
  observe(cat, cluster);
  for (const auto& move : under_way) {
    flights_[move.tablet] = {move.source, move.target};
    for (const auto& end : {move.source, move.target})
      if (const auto p = path_slot(end); p != none)
        ++paths_[p].moves;
  }
  tablets_.reserve(cat.tablets.size());
  by_id_.reserve(cat.tablets.size());
  replicas_.reserve(static_cast<std::size_t>(cat.replicas));
  for (auto& p : paths_)
    if (const auto* b = cat.backends.find(p.at.backend); b && !b->paths.empty())
      p.replicas.reserve(b->tablets.size() / b->paths.size() + 16);
  cat.tablets.for_each([&](tablet_id id, const model::tablet& t) { attach(cat, t, add_tablet(id)); });
  building_ = false;
  for (slot g = 0; g < groups_.size(); ++g)
    reskew(g);
}

// -- backends and paths ------------------------------------------------------------------

balance_state::slot balance_state::backend_slot(backend_id id) {
  const auto [known, fresh] = backend_slots_.try_emplace(id, static_cast<slot>(backends_.size()));
  if (fresh)
    backends_.emplace_back().id = id;
  return known->second;
}

balance_state::slot balance_state::path_slot(const place& where) const {
  const auto known = backend_slots_.find(where.backend);
  if (known == backend_slots_.end())
    return none;
  for (const auto p : backends_[known->second].paths)
    if (paths_[p].at.path == where.path)
      return p;
  return none;
}

/// True if the path was not known before.
bool balance_state::look_at_path(slot backend, path_hash hash, medium m, const path_view* seen) {
  auto p = path_slot({backends_[backend].id, hash});
  const bool fresh = p == none;
  if (fresh) {
    p = static_cast<slot>(paths_.size());
    paths_.emplace_back();
    paths_[p].at = {backends_[backend].id, hash};
    paths_[p].backend = backend;
    paths_[p].on = m;
    backends_[backend].paths.push_back(p);
  }
  auto& row = paths_[p];
  row.online = seen && seen->online;
  row.capacity_bytes = seen ? seen->capacity_bytes : 0;
  row.available_bytes = seen ? seen->available_bytes : 0;
  return fresh;
}

void balance_state::look_at(const model::backend& b, const cluster_view& cluster, bool& new_paths) {
  const auto row = backend_slot(b.id);
  const auto* seen = cluster.find(b.id);
  backends_[row].available = b.available();
  backends_[row].reachable = b.available() && model::reachable(cluster, b);
  backends_[row].host = hosts_.try_emplace(b.host, static_cast<slot>(hosts_.size())).first->second;
  for (const auto& p : b.paths)
    new_paths |= look_at_path(row, p.hash, p.medium, seen ? seen->path(p.hash) : nullptr);
  recount(backends_[row]);
}

/// Sums the fill again; replicas are counted as they come and go.
void balance_state::recount(backend_row& b) const {
  for (const auto m : media)
    b.load[at(m)].used_bytes = b.load[at(m)].total_bytes = 0;
  b.endpoint = {};
  for (const auto p : b.paths) {
    const auto& path = paths_[p];
    if (!path.usable())
      continue;
    b.load[at(path.on)].used_bytes += path.used_bytes();
    b.load[at(path.on)].total_bytes += static_cast<double>(path.capacity_bytes);
    b.endpoint[at(path.on)] = b.reachable;
  }
}

void balance_state::count_hosts(const catalog& cat) {
  std::map<std::string, std::set<slot>, std::less<>> seen;
  cat.backends.for_each([&](backend_id, const model::backend& b) {
    const auto host = hosts_.at(b.host);
    seen[""].insert(host);
    seen[b.cluster].insert(host);
  });
  hosts_in_.clear();
  for (const auto& [cluster, hosts] : seen)
    hosts_in_[cluster] = hosts.size();
}

void balance_state::read_wishes(const catalog& cat) {
  cat.tables.for_each_difference(tables_seen_, [&](table_id, const table*, const table* now) {
    if (!now)
      return;
    for (const auto& part : now->partitions)
      if (const auto known = partition_slots_.find(part.id); known != partition_slots_.end())
        for (const auto m : media) {
          const auto group = known->second + static_cast<slot>(m);
          groups_[group].wanted = part.medium;
          note_misplaced(group);
        }
  });
  tables_seen_ = cat.tables;
}

void balance_state::note_misplaced(slot group) {
  const auto& g = groups_[group];
  for (const auto m : media)
    if (g.wanted == m && g.on != m && g.replicas > 0)
      misplaced_[at(m)].insert(group);
    else
      misplaced_[at(m)].erase(group);
}

void balance_state::observe(const catalog& cat, const cluster_view& cluster) {
  std::vector<std::array<bool, media.size()>> before;
  for (auto& b : backends_) {
    before.push_back(b.endpoint);
    b.available = b.reachable = false; // Until the catalog names it.
    recount(b);
  }
  std::vector<backend_id> grown;
  cat.backends.for_each([&](backend_id id, const model::backend& b) {
    bool new_paths = false;
    look_at(b, cluster, new_paths);
    if (new_paths)
      grown.push_back(id);
  });
  count_hosts(cat);
  read_wishes(cat);
  before.resize(backends_.size());
  endpoints_ = {};
  bool moved = false;
  for (slot b = 0; b < backends_.size(); ++b) {
    moved |= backends_[b].endpoint != before[b];
    for (const auto m : media)
      endpoints_[at(m)] += backends_[b].endpoint[at(m)];
  }
  if (building_)
    return;
  for (const auto id : grown) // What is on a path that nobody knew was not counted.
    cat.backends.find(id)->tablets.for_each([&](tablet_id t, replica_id) { refresh(cat, t); });
  if (moved)
    for (slot g = 0; g < groups_.size(); ++g)
      reskew(g);
}

// -- tablets -----------------------------------------------------------------------------

balance_state::slot balance_state::find(tablet_id id) const {
  const auto found = std::lower_bound(by_id_.begin(), by_id_.end(), id,
                                      [&](slot t, tablet_id wanted) { return tablets_[t].id < wanted; });
  return found != by_id_.end() && tablets_[*found].id == id ? *found : none;
}

std::span<const balance_state::slot> balance_state::tablets_of(const group_row& g) const {
  const auto from = [&](std::uint64_t id) {
    return std::lower_bound(by_id_.begin(), by_id_.end(), tablet_id{id},
                            [&](slot t, tablet_id wanted) { return tablets_[t].id < wanted; });
  };
  const auto begin = from(raw(g.first));
  return {begin, from(raw(g.first) + g.buckets)};
}

balance_state::slot balance_state::add_tablet(tablet_id id) {
  const auto t = static_cast<slot>(tablets_.size());
  tablets_.emplace_back().id = id;
  if (by_id_.empty() || tablets_[by_id_.back()].id < id) { // Ids grow: almost always.
    by_id_.push_back(t);
    return t;
  }
  by_id_.insert(std::lower_bound(by_id_.begin(), by_id_.end(), id,
                                 [&](slot other, tablet_id wanted) { return tablets_[other].id < wanted; }),
                t);
  return t;
}

balance_state::slot balance_state::groups_of(const catalog& cat, const model::tablet& t) {
  const auto* table = cat.table_of(t);
  if (!table)
    return none;
  for (const auto& part : table->partitions) {
    if (raw(t.id) < raw(part.first_tablet) || raw(t.id) >= raw(part.first_tablet) + part.buckets)
      continue;
    const auto [known, fresh] = partition_slots_.try_emplace(part.id, static_cast<slot>(groups_.size()));
    if (fresh)
      for (const auto m : media) {
        auto& g = groups_.emplace_back();
        g.table = table->id;
        g.first = part.first_tablet;
        g.buckets = part.buckets;
        g.replication = table->replication_num;
        g.cluster = table->cluster;
        g.on = m;
        g.wanted = part.medium;
      }
    return known->second;
  }
  return none;
}

void balance_state::refresh(const catalog& cat, tablet_id id) {
  auto row = find(id);
  const auto groups_before = row == none ? none : tablets_[row].groups;
  if (row != none)
    detach(row);
  const auto* t = cat.tablets.find(id);
  if (t) {
    if (row == none)
      row = add_tablet(id);
    attach(cat, *t, row);
  } else if (row != none) {
    ++dropped_;
  }
  const auto groups = row == none || !t ? groups_before : tablets_[row].groups;
  if (groups != none)
    for (const auto m : media)
      reskew(groups + static_cast<slot>(m));
}

void balance_state::attach(const catalog& cat, const model::tablet& t, slot row) {
  auto& mine = tablets_[row];
  mine.bytes = t.bytes;
  mine.groups = groups_of(cat, t);
  mine.first = none;
  const auto known = flights_.find(t.id);
  const auto* on_move = known == flights_.end() ? nullptr : &known->second;
  mine.moving = on_move != nullptr;
  bool landed = false;
  for (const auto& r : t.replicas) {
    const place where{r.backend, r.path};
    const auto p = path_slot(where);
    if (p == none)
      continue;
    if (on_move && where == on_move->source) {
      influence_by(row, {p, 0, t.bytes});
      continue;
    }
    put(row, p);
    if (on_move && where == on_move->target) {
      landed = true;
      if (r.state == replica_state::clone)
        influence_by(row, {p, t.bytes, 0});
    }
  }
  if (on_move) {
    if (const auto p = path_slot(on_move->target); p != none && !landed) {
      put(row, p);
      influence_by(row, {p, t.bytes, 0});
    }
  } else if (const auto* order = cat.orders.find(t.id); order && raw(order->what.replica) == 0) {
    if (const auto p = path_slot(order->what.target); p != none)
      influence_by(row, {p, t.bytes, 0}); // The replica itself is in the catalog already.
  }
}

void balance_state::detach(slot row) {
  for (auto r = tablets_[row].first; r != none;) {
    const auto gone = replicas_[r];
    auto& path = paths_[gone.path];
    path.replicas[gone.position] = path.replicas.back();
    replicas_[path.replicas.back()].position = gone.position;
    path.replicas.pop_back();
    count(row, gone.path, -1);
    free_replicas_.push_back(r);
    r = gone.next;
  }
  tablets_[row].first = none;
  if (const auto found = influences_.find(row); found != influences_.end()) {
    for (const auto& what : found->second)
      apply(what, -1);
    influences_.erase(found);
  }
}

void balance_state::put(slot tablet, slot path) {
  slot r = static_cast<slot>(replicas_.size());
  if (free_replicas_.empty()) {
    replicas_.emplace_back();
  } else {
    r = free_replicas_.back();
    free_replicas_.pop_back();
  }
  auto& on = paths_[path].replicas;
  replicas_[r] = {tablet, path, tablets_[tablet].first, static_cast<std::uint32_t>(on.size())};
  tablets_[tablet].first = r;
  on.push_back(r);
  count(tablet, path, 1);
}

void balance_state::count(slot tablet, slot path, int by) {
  const auto m = paths_[path].on;
  const auto b = paths_[path].backend;
  backends_[b].load[at(m)].replicas += by;
  if (tablets_[tablet].groups == none)
    return;
  auto& counts = groups_[group_of(tablet, m)].counts;
  auto found = std::lower_bound(counts.begin(), counts.end(), b,
                                [](const auto& entry, slot wanted) { return entry.first < wanted; });
  if (found == counts.end() || found->first != b)
    found = counts.insert(found, {b, 0});
  found->second += static_cast<std::uint32_t>(by);
  if (found->second == 0)
    counts.erase(found);
}

void balance_state::influence_by(slot tablet, const influence& what) {
  influences_[tablet].push_back(what);
  apply(what, 1);
}

void balance_state::apply(const influence& what, int sign) {
  auto& path = paths_[what.path];
  const double before = path.used_bytes();
  path.incoming_bytes += sign > 0 ? what.incoming_bytes : 0 - what.incoming_bytes;
  path.outgoing_bytes += sign > 0 ? what.outgoing_bytes : 0 - what.outgoing_bytes;
  if (path.usable())
    backends_[path.backend].load[at(path.on)].used_bytes += path.used_bytes() - before;
}

void balance_state::reskew(slot group) {
  auto& g = groups_[group];
  auto& skewed = skewed_[at(g.on)];
  if (g.skew >= 2)
    skewed.erase({g.skew, group});
  std::uint32_t most = 0;
  std::uint32_t fewest = ~std::uint32_t{0};
  std::uint32_t seen = 0;
  g.replicas = 0;
  for (const auto& [b, replicas] : g.counts)
    if (backends_[b].endpoint[at(g.on)]) {
      most = std::max(most, replicas);
      fewest = std::min(fewest, replicas);
      g.replicas += replicas;
      ++seen;
    }
  g.skew = seen == 0 ? 0 : most - (seen < endpoints(g.on) ? 0 : fewest);
  if (g.skew >= 2)
    skewed.insert({g.skew, group});
  note_misplaced(group);
}

// -- moves -------------------------------------------------------------------------------

void balance_state::begin(const catalog& cat, const balance_move& move) {
  assert(!flights_.contains(move.tablet) && "a tablet moves once at a time");
  flights_[move.tablet] = {move.source, move.target};
  for (const auto& end : {move.source, move.target})
    if (const auto p = path_slot(end); p != none)
      ++paths_[p].moves;
  refresh(cat, move.tablet);
}

void balance_state::end(const catalog& cat, tablet_id tablet) {
  const auto known = flights_.find(tablet);
  if (known == flights_.end())
    return;
  for (const auto& end : {known->second.source, known->second.target})
    if (const auto p = path_slot(end); p != none)
      --paths_[p].moves;
  flights_.erase(known);
  refresh(cat, tablet);
}

std::vector<load_line> balance_state::lines(medium m) const {
  std::vector<load_line> all;
  for (const auto& b : backends_)
    all.push_back({b.id, b.available, b.on(m)});
  std::sort(all.begin(), all.end(), [](const load_line& x, const load_line& y) { return x.backend < y.backend; });
  return all;
}

} // namespace tabletd::model
