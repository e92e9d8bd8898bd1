#include "node/tabletctl/paper_cluster.h"
#include "node/tabletctl/json_reader.h"
#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <set>

namespace tabletd::ctl {

namespace {

using namespace model;

constexpr std::string_view database_name = "paper";
/// As the fold's first id: numbers below are for whoever writes the file.
constexpr std::uint64_t first_chosen_id = 10'001;

[[noreturn]] void fail(const std::string& field, std::string_view what) {
  throw json_failure(fmt::format("{}: {}", field, what));
}

std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }

std::optional<medium> read(wire::OfflineMedium from) {
  switch (from) {
    case wire::OfflineMedium::HDD: return medium::hdd;
    case wire::OfflineMedium::SSD: return medium::ssd;
    case wire::OfflineMedium::ANY: break;
  }
  return std::nullopt;
}

/// Builds one cluster; `field` is always the place in the file that is being read.
class builder {
public:
  explicit builder(wire::OfflineCluster::Reader from) : from_(from) {}

  paper_cluster run() {
    read_fit();
    add_backends();
    made_.cat.next_id = highest_given() + 1;
    fold(database_created{std::string{database_name}}, "tables");
    database_ = made_.cat.find_database(database_name)->id;
    add_groups();
    for (unsigned at = 0; at < from_.getTables().size(); ++at)
      add_table(from_.getTables()[at], fmt::format("tables[{}]", at));
    made_.slots = slot_ledger::derived(from_.getSlotsPerPath(), running_);
    check_groups_are_used();
    if (const auto broken = broken_invariant(made_.cat); !broken.empty())
      fail("the cluster", fmt::format("could not come about: {}", broken));
    return std::move(made_);
  }

private:
  verdict fold(edit_body body, const std::string& field) {
    const log_index next{raw(made_.cat.applied) + 1};
    auto judged = apply(made_.cat, {time_ms{}, std::move(body)}, next);
    if (!judged.ok())
      fail(field, fmt::format("the catalog refuses it: {}", name(judged.why)));
    return judged;
  }

  void read_fit() {
    const auto fit = from_.getFit();
    made_.fit = {fit.getHighWatermark(), fit.getMinLeftBytes(), fit.getFloodStage(), fit.getFloodLeftBytes()};
    if (from_.getSlotsPerPath() == 0)
      fail("slotsPerPath", "at least one copy must be able to run");
  }

  [[nodiscard]] std::uint64_t highest_given() const {
    std::uint64_t highest = first_chosen_id - 1;
    for (const auto b : from_.getBackends())
      highest = std::max(highest, b.getId());
    for (const auto t : from_.getTables())
      for (const auto p : t.getPartitions()) {
        highest = std::max(highest, p.getFirstTablet() + p.getTablets().size());
        for (const auto one : p.getTablets())
          for (const auto r : one.getReplicas())
            highest = std::max(highest, r.getId());
      }
    return highest;
  }

  // -- backends --------------------------------------------------------------------------

  void add_backends() {
    const auto backends = from_.getBackends();
    for (unsigned at = 0; at < backends.size(); ++at)
      add_backend(backends[at], fmt::format("backends[{}]", at));
    if (backends.size() == 0)
      fail("backends", "a cluster has at least one");
  }

  void add_backend(wire::OfflineBackend::Reader b, const std::string& field) {
    const backend_id id{b.getId()};
    if (raw(id) == 0)
      fail(field + ".id", "is required");
    if (b.getHost().size() == 0)
      fail(field + ".host", "is required");
    if (made_.cat.backends.contains(id))
      fail(field + ".id", fmt::format("{} is another backend's id already", raw(id)));
    made_.cat.next_id = raw(id); // The fold hands out the id the file asks for.
    fold(backend_added{text(b.getHost()), b.getPort(), text(b.getCluster()), text(b.getLocation())}, field);
    auto& seen = made_.cluster.backends[id];
    seen.id = id;
    seen.linked = b.getLinked();
    seen.reported = b.getReported();
    backend_returned back{id, {}};
    const auto paths = b.getPaths();
    for (unsigned at = 0; at < paths.size(); ++at) {
      seen.paths.push_back(path_of(paths[at], seen, fmt::format("{}.paths[{}]", field, at)));
      back.paths.push_back({seen.paths.back().hash, seen.paths.back().root, seen.paths.back().medium});
    }
    if (paths.size() == 0)
      fail(field + ".paths", "a backend has at least one");
    fold(std::move(back), field);
    if (!b.getAlive())
      fold(backend_died{id}, field);
    if (b.getDecommissioned())
      fold(backend_decommission{id, true}, field);
  }

  static path_view path_of(wire::OfflinePath::Reader p, const backend_view& of, const std::string& field) {
    path_view path;
    path.hash = path_hash{p.getHash()};
    path.root = text(p.getRoot());
    if (raw(path.hash) == 0)
      fail(field + ".hash", "is required");
    if (of.path(path.hash))
      fail(field + ".hash", fmt::format("{} is another path's already", raw(path.hash)));
    const auto of_medium = read(p.getMedium());
    if (!of_medium)
      fail(field + ".medium", "a path is of hdd or ssd");
    path.medium = *of_medium;
    path.capacity_bytes = p.getCapacityBytes();
    path.data_bytes = p.getUsedBytes();
    if (path.data_bytes > path.capacity_bytes)
      fail(field + ".usedBytes", fmt::format("{} is more than the capacity", path.data_bytes));
    path.available_bytes = path.capacity_bytes - path.data_bytes;
    path.online = p.getOnline();
    return path;
  }

  const backend& backend_at(std::uint64_t id, const std::string& field) const {
    const auto* found = made_.cat.backends.find(backend_id{id});
    if (!found)
      fail(field, fmt::format("there is no backend {}", id));
    return *found;
  }
  [[nodiscard]] path_hash path_at(const backend& b, std::uint64_t hash, const std::string& field) const {
    if (hash == 0)
      return b.paths.front().hash;
    if (!b.has_path(path_hash{hash}))
      fail(field, fmt::format("backend {} has no path {}", raw(b.id), hash));
    return path_hash{hash};
  }

  // -- tables ----------------------------------------------------------------------------

  void add_groups() {
    const auto groups = from_.getColocateGroups();
    for (unsigned at = 0; at < groups.size(); ++at) {
      const auto field = fmt::format("colocateGroups[{}]", at);
      colocate_group made{colocate_group_id{made_.cat.next_id++}, database_, text(groups[at].getName()), 0, {}, {}};
      if (made.name.empty())
        fail(field + ".name", "is required");
      if (groups_.contains(made.name))
        fail(field + ".name", fmt::format("'{}' is another group's already", made.name));
      const auto buckets = groups[at].getBuckets();
      for (unsigned bucket = 0; bucket < buckets.size(); ++bucket) {
        auto& set = made.sequence.emplace_back();
        const auto members = buckets[bucket].getBackends();
        for (unsigned m = 0; m < members.size(); ++m)
          set.push_back(backend_at(members[m], fmt::format("{}.buckets[{}].backends[{}]", field, bucket, m)).id);
      }
      groups_[made.name] = made.id;
      made_.cat.colocate_groups.put(made.id, std::move(made));
    }
  }

  void check_groups_are_used() {
    for (const auto& [name, id] : groups_)
      if (made_.cat.colocate_groups.find(id)->tables.empty())
        fail("colocateGroups", fmt::format("no table is in '{}'", name));
  }

  void add_table(wire::OfflineTable::Reader t, const std::string& field) {
    table made;
    made.id = table_id{made_.cat.next_id++};
    made.database = database_;
    made.name = text(t.getName());
    made.replication_num = t.getReplicationNum();
    made.cluster = text(t.getCluster());
    if (made.name.empty())
      fail(field + ".name", "is required");
    if (made_.cat.find_table(database_, made.name))
      fail(field + ".name", fmt::format("'{}' is another table's already", made.name));
    if (made.replication_num == 0)
      fail(field + ".replicationNum", "is at least 1");
    const auto parts = t.getPartitions();
    if (parts.size() == 0)
      fail(field + ".partitions", "a table has at least one");
    for (unsigned at = 0; at < parts.size(); ++at)
      add_partition(made, parts[at], fmt::format("{}.partitions[{}]", field, at));
    join_group(made, text(t.getColocateGroup()), field + ".colocateGroup");
    made_.cat.table_names.put(raw(database_), made.name, raw(made.id));
    ++made_.cat.databases.edit(database_)->tables;
    const auto id = made.id;
    made_.cat.tables.put(id, std::move(made));
  }

  void join_group(table& made, const std::string& wanted, const std::string& field) {
    if (wanted.empty())
      return;
    const auto found = groups_.find(wanted);
    if (found == groups_.end())
      fail(field, fmt::format("there is no colocation group '{}'", wanted));
    auto& group = *made_.cat.colocate_groups.edit(found->second);
    if (group.sequence.size() != made.partitions.front().buckets)
      fail(field, fmt::format("'{}' has {} buckets, the table {}", wanted, group.sequence.size(),
                              made.partitions.front().buckets));
    for (const auto& bucket : group.sequence)
      if (bucket.size() != made.replication_num)
        fail(field, fmt::format("'{}' has a bucket on {} backends, the table wants {} replicas", wanted, bucket.size(),
                                made.replication_num));
    group.replication_num = made.replication_num;
    group.tables.push_back(made.id);
    made.colocate_group = group.id;
  }

  void add_partition(table& owner, wire::OfflinePartition::Reader p, const std::string& field) {
    partition made;
    made.id = partition_id{made_.cat.next_id++};
    made.index_id = made_.cat.next_id++;
    made.name = p.getName().size() > 0 ? text(p.getName()) : owner.name;
    made.medium = read(p.getMedium());
    made.visible = p.getVisibleVersion();
    made.buckets = p.getTablets().size();
    if (owner.find(made.name))
      fail(field + ".name", fmt::format("'{}' is another partition's already", made.name));
    if (made.visible == 0)
      fail(field + ".visibleVersion", "an empty partition is at version 1");
    if (made.buckets == 0 || (!owner.partitions.empty() && made.buckets != owner.partitions.front().buckets))
      fail(field + ".tablets", "every partition of a table has as many tablets, and at least one");
    made.first_tablet = tablet_id{p.getFirstTablet() != 0 ? p.getFirstTablet() : made_.cat.next_id};
    if (p.getFirstTablet() == 0)
      made_.cat.next_id += made.buckets;
    if (p.getHinted())
      made_.cat.hints.put(made.id, time_ms::max());
    for (std::uint32_t bucket = 0; bucket < made.buckets; ++bucket)
      add_tablet(owner, made, bucket, p.getTablets()[bucket], fmt::format("{}.tablets[{}]", field, bucket));
    owner.partitions.push_back(std::move(made));
  }

  // -- tablets ---------------------------------------------------------------------------

  void add_tablet(const table& owner, const partition& part, std::uint32_t bucket, wire::OfflineTablet::Reader from,
                  const std::string& field) {
    tablet made;
    made.id = tablet_id{raw(part.first_tablet) + bucket};
    made.table = owner.id;
    made.partition = part.id;
    made.bucket = bucket;
    made.bytes = from.getBytes();
    made.rows = from.getRows();
    if (made_.cat.tablets.contains(made.id))
      fail(field, fmt::format("{} is another tablet's id already; see firstTablet", raw(made.id)));
    const auto replicas = from.getReplicas();
    if (replicas.size() == 0)
      fail(field + ".replicas", "a tablet has at least one");
    for (unsigned at = 0; at < replicas.size(); ++at) {
      const auto name = fmt::format("{}.replicas[{}]", field, at);
      const auto r = replica_of(replicas[at], part.visible, name);
      if (made.on(r.backend))
        fail(name + ".backend", fmt::format("the tablet has a replica on backend {} already", raw(r.backend)));
      made.replicas.push_back(r);
    }
    if (from.hasMove())
      made_.cat.moves.put(made.id, move_of(made, from.getMove(), field + ".move"));
    if (from.hasCopy())
      start_copy(made, part.visible, from.getCopy(), field + ".copy");
    for (const auto& r : made.replicas)
      made_.cat.backends.edit(r.backend)->tablets.put(made.id, r.id);
    made_.cat.replicas += made.replicas.size();
    const auto id = made.id;
    made_.cat.tablets.put(id, std::move(made));
  }

  replica replica_of(wire::OfflineReplica::Reader from, version visible, const std::string& field) {
    const auto& home = backend_at(from.getBackend(), field + ".backend");
    replica r;
    r.id = replica_id{from.getId() != 0 ? from.getId() : made_.cat.next_id++};
    if (!replica_ids_.insert(r.id).second)
      fail(field + ".id", fmt::format("{} is another replica's already", raw(r.id)));
    r.backend = home.id;
    r.path = path_at(home, from.getPath(), field + ".path");
    r.version = from.getVersion() != 0 ? from.getVersion() : visible;
    if (r.version > visible)
      fail(field + ".version", fmt::format("{} is beyond the visible version {}", r.version, visible));
    const bool behind = r.version < visible;
    r.last_failed = from.getLastFailed() != 0 || !behind ? from.getLastFailed() : visible;
    if (behind ? r.last_failed <= r.version || r.last_failed > visible : r.last_failed != 0)
      fail(field + ".lastFailed",
           behind ? fmt::format("a replica at version {} of {} missed one in between", r.version, visible)
                  : "a replica at the visible version has missed none");
    r.last_success = from.getLastSuccess() != 0 ? from.getLastSuccess() : r.version;
    if (r.last_success < r.version || r.last_success > visible)
      fail(field + ".lastSuccess", fmt::format("lies from its version {} to the visible one {}", r.version, visible));
    r.bad = from.getBad();
    r.set_bad = from.getSetBad();
    return r;
  }

  open_move move_of(const tablet& t, wire::OfflineMove::Reader from, const std::string& field) const {
    const auto* old = t.on(backend_id{from.getFrom()});
    const auto* fresh = t.on(backend_id{from.getTo()});
    if (!old)
      fail(field + ".from", fmt::format("the tablet has no replica on backend {}", from.getFrom()));
    if (!fresh || fresh == old)
      fail(field + ".to", fmt::format("the tablet has no other replica on backend {}", from.getTo()));
    return {old->id, fresh->id, 0};
  }

  void start_copy(tablet& t, version visible, wire::OfflineCopy::Reader from, const std::string& field) {
    const auto* source = t.on(backend_id{from.getSource()});
    if (!source || !complete(*source, visible))
      fail(field + ".source", fmt::format("the tablet has no complete replica on backend {}", from.getSource()));
    const place out{source->backend, source->path};
    const auto& home = backend_at(from.getTarget(), field + ".target");
    if (home.id == out.backend)
      fail(field + ".target", "a copy runs between two backends");
    open_order order{made_.cat.applied, {}, {}, time_ms{}};
    place in{home.id, path_at(home, from.getTargetPath(), field + ".targetPath")};
    if (const auto* there = t.on(home.id)) {
      in.path = there->path;
      order.replica = order.what.replica = there->id;
    } else {
      replica fresh;
      fresh.id = order.replica = replica_id{made_.cat.next_id++};
      fresh.backend = in.backend;
      fresh.path = in.path;
      fresh.state = replica_state::clone;
      t.replicas.push_back(fresh);
    }
    order.what.tablet = t.id;
    order.what.source = out;
    order.what.target = in;
    order.what.version = visible;
    running_.push_back({out, in, t.bytes});
    made_.cat.orders.put(t.id, std::move(order));
  }

  wire::OfflineCluster::Reader from_;
  paper_cluster made_;
  database_id database_{};
  std::map<std::string, colocate_group_id> groups_;
  std::set<replica_id> replica_ids_;
  std::vector<slot_claim> running_;
};

} // namespace

paper_cluster build(wire::OfflineCluster::Reader from) { return builder{from}.run(); }

} // namespace tabletd::ctl
