// See image_parts.h.
#include "actors/codec/image_parts.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.

namespace tabletd::codec::image_parts {

using edit_words::fill;
using edit_words::read;
using edit_words::read_ids;
using edit_words::text;
using edit_words::wanted;

// -- the cluster -------------------------------------------------------------------------

void fill(wire::ImageCluster::Builder to, const catalog& from) {
  to.setClusterId(kj::arrayPtr(from.cluster.data(), from.cluster.size()));
  to.setName(text(from.cluster_name));
  to.setTerm(from.term);
  to.setLeader(from.leader);
  to.setTermSince(raw(from.term_since));
  to.setApplied(raw(from.applied));
  to.setNextId(from.next_id);
  to.setLayoutAt(raw(from.layout.at));
  to.setLayoutWhat(text(from.layout.what));
  to.setTablets(from.tablets.size());
  to.setReplicas(from.replicas);
  to.setLoads(from.loads.size());
}
void read(wire::ImageCluster::Reader from, catalog& into) {
  into.cluster = read_cluster_id(from.getClusterId());
  into.cluster_name = text(from.getName());
  into.term = from.getTerm();
  into.leader = from.getLeader();
  into.term_since = log_index{from.getTermSince()};
  into.applied = log_index{from.getApplied()};
  into.next_id = from.getNextId();
  into.layout = {log_index{from.getLayoutAt()}, text(from.getLayoutWhat())};
}

void fill(wire::ImageBackend::Builder to, backend_id id, const backend& from) {
  to.setId(raw(id));
  to.setHost(text(from.host));
  to.setPort(from.port);
  to.setCluster(text(from.cluster));
  to.setLocation(text(from.location));
  to.setAlive(from.alive);
  to.setDecommissioned(from.decommissioned);
  to.setChangedMs(from.changed.count());
  auto paths = to.initPaths(size_of(from.paths));
  for (unsigned i = 0; i < paths.size(); ++i)
    fill(paths[i], from.paths[i]);
}
entry<backend_id, backend> read(wire::ImageBackend::Reader from) {
  backend to;
  to.id = backend_id{from.getId()};
  to.host = text(from.getHost());
  to.port = from.getPort();
  to.cluster = text(from.getCluster());
  to.location = text(from.getLocation());
  to.alive = from.getAlive();
  to.decommissioned = from.getDecommissioned();
  to.changed = time_ms{from.getChangedMs()};
  for (auto path : from.getPaths())
    to.paths.push_back(read(path));
  return {to.id, std::move(to)};
}

// -- tables ------------------------------------------------------------------------------

void fill(wire::ImageDatabase::Builder to, database_id id, const database& from) {
  to.setId(raw(id));
  to.setName(text(from.name));
}
entry<database_id, database> read(wire::ImageDatabase::Reader from) {
  const database_id id{from.getId()};
  return {id, {id, text(from.getName()), 0}};
}

void fill(wire::ImagePartition::Builder to, const partition& from) {
  to.setId(raw(from.id));
  to.setMedium(wanted(from.medium));
  to.setIndexId(from.index_id);
  to.setName(text(from.name));
  to.setVisible(from.visible);
  to.setFirstTablet(raw(from.first_tablet));
  to.setBuckets(from.buckets);
  to.setStoragePolicy(raw(from.storage_policy));
  to.setCoolThrough(from.cool_through);
  to.setRecalled(from.recalled);
}
partition read(wire::ImagePartition::Reader from) {
  partition to;
  to.id = partition_id{from.getId()};
  to.medium = wanted(from.getMedium());
  to.index_id = from.getIndexId();
  to.name = text(from.getName());
  to.visible = from.getVisible();
  to.first_tablet = tablet_id{from.getFirstTablet()};
  to.buckets = from.getBuckets();
  to.storage_policy = storage_policy_id{from.getStoragePolicy()};
  to.cool_through = from.getCoolThrough();
  to.recalled = from.getRecalled();
  return to;
}

void fill(wire::ImageTable::Builder to, table_id id, const table& from) {
  to.setId(raw(id));
  to.setDatabase(raw(from.database));
  to.setName(text(from.name));
  to.setKeyColumn(from.key_column);
  to.setSeparator(static_cast<std::uint8_t>(from.separator));
  to.setReplicationNum(from.replication_num);
  to.setCreatedMs(from.created.count());
  to.setCluster(text(from.cluster));
  to.setColocateGroup(raw(from.colocate_group));
  to.setChanged(raw(from.changed));
  to.setStoragePolicy(raw(from.storage_policy));
  auto partitions = to.initPartitions(size_of(from.partitions));
  for (unsigned i = 0; i < partitions.size(); ++i)
    fill(partitions[i], from.partitions[i]);
}
entry<table_id, table> read(wire::ImageTable::Reader from) {
  table to;
  to.id = table_id{from.getId()};
  to.database = database_id{from.getDatabase()};
  to.name = text(from.getName());
  to.key_column = from.getKeyColumn();
  to.separator = static_cast<char>(from.getSeparator());
  to.replication_num = from.getReplicationNum();
  to.created = time_ms{from.getCreatedMs()};
  to.cluster = text(from.getCluster());
  to.colocate_group = colocate_group_id{from.getColocateGroup()};
  to.changed = log_index{from.getChanged()};
  to.storage_policy = storage_policy_id{from.getStoragePolicy()};
  to.partitions.reserve(from.getPartitions().size());
  for (auto part : from.getPartitions())
    to.partitions.push_back(read(part));
  return {to.id, std::move(to)};
}

void fill(wire::ImageColocateGroup::Builder to, colocate_group_id id, const colocate_group& from) {
  to.setId(raw(id));
  to.setDatabase(raw(from.database));
  to.setName(text(from.name));
  to.setReplicationNum(from.replication_num);
  auto sequence = to.initSequence(size_of(from.sequence));
  for (unsigned bucket = 0; bucket < sequence.size(); ++bucket)
    fill(sequence.init(bucket, size_of(from.sequence[bucket])), from.sequence[bucket]);
  fill(to.initTables(size_of(from.tables)), from.tables);
}
entry<colocate_group_id, colocate_group> read(wire::ImageColocateGroup::Reader from) {
  colocate_group to;
  to.id = colocate_group_id{from.getId()};
  to.database = database_id{from.getDatabase()};
  to.name = text(from.getName());
  to.replication_num = from.getReplicationNum();
  for (auto backends : from.getSequence())
    to.sequence.push_back(read_ids<backend_id>(backends));
  to.tables = read_ids<table_id>(from.getTables());
  return {to.id, std::move(to)};
}

// -- loads -------------------------------------------------------------------------------

void fill(wire::ImageLoad::Builder to, txn_id id, const load& from) {
  to.setTxn(raw(id));
  to.setTable(raw(from.table));
  to.setPartition(raw(from.partition));
  to.setLabel(text(from.label));
  to.setState(static_cast<std::uint8_t>(from.state));
  to.setVersion(from.version);
  to.setRows(from.rows);
  to.setBytes(from.bytes);
  to.setBegunMs(from.begun.count());
  to.setEndedMs(from.ended.count());
}
entry<txn_id, load> read(wire::ImageLoad::Reader from) {
  KJ_REQUIRE(from.getState() <= static_cast<std::uint8_t>(load_state::aborted),
             "loads.state is none this version knows", from.getState());
  load to;
  to.txn = txn_id{from.getTxn()};
  to.table = table_id{from.getTable()};
  to.partition = partition_id{from.getPartition()};
  to.label = text(from.getLabel());
  to.state = static_cast<load_state>(from.getState());
  to.version = from.getVersion();
  to.rows = from.getRows();
  to.bytes = from.getBytes();
  to.begun = time_ms{from.getBegunMs()};
  to.ended = time_ms{from.getEndedMs()};
  return {to.txn, std::move(to)};
}

void fill(wire::ImageEndedLoads::Builder to, log_index at, const std::vector<txn_id>& from) {
  to.setEntry(raw(at));
  fill(to.initTxns(size_of(from)), from);
}
entry<log_index, std::vector<txn_id>> read(wire::ImageEndedLoads::Reader from) {
  return {log_index{from.getEntry()}, read_ids<txn_id>(from.getTxns())};
}

// -- repair and balance ------------------------------------------------------------------

void fill(wire::ImageOrder::Builder to, tablet_id, const open_order& from) {
  to.setOrder(raw(from.order));
  to.setReplica(raw(from.replica));
  to.setAtMs(from.at.count());
  fill(to.initWhat(), from.what);
}
entry<tablet_id, open_order> read(wire::ImageOrder::Reader from) {
  open_order to;
  to.order = log_index{from.getOrder()};
  to.replica = replica_id{from.getReplica()};
  to.at = time_ms{from.getAtMs()};
  to.what = read(from.getWhat());
  return {to.what.tablet, std::move(to)};
}

void fill(wire::ImageMove::Builder to, tablet_id id, const open_move& from) {
  to.setTablet(raw(id));
  to.setReplaces(raw(from.replaces));
  to.setReplica(raw(from.replica));
  to.setFills(from.fills);
}
entry<tablet_id, open_move> read(wire::ImageMove::Reader from) {
  return {tablet_id{from.getTablet()},
          {replica_id{from.getReplaces()}, replica_id{from.getReplica()}, from.getFills()}};
}

void fill(wire::ImageDecision::Builder to, log_index, const decision_record& from) {
  to.setEntry(raw(from.entry));
  to.setAtMs(from.at.count());
  to.setTablet(raw(from.tablet));
  to.setBalance(from.purpose == order_purpose::balance);
  to.setHealth(from.health);
  to.setPriority(from.priority);
  fill(to.initSource(), from.source);
  fill(to.initTarget(), from.target);
  to.setReplica(raw(from.replica));
  to.setDropped(from.dropped.has_value());
  to.setReason(static_cast<std::uint8_t>(from.dropped.value_or(drop_reason{})));
  to.setWhy(text(from.why));
  to.setEndedMs(from.ended.count());
  to.setReached(from.reached);
  to.setFailure(text(from.failure));
}
entry<log_index, decision_record> read(wire::ImageDecision::Reader from) {
  KJ_REQUIRE(from.getHealth() < tablet_health_count, "decisions.health is none this version knows", from.getHealth());
  KJ_REQUIRE(from.getPriority() <= edit_words::priority_max, "decisions.priority is none this version knows",
             from.getPriority());
  KJ_REQUIRE(from.getReason() < drop_reason_count, "decisions.reason is none this version knows", from.getReason());
  decision_record to;
  to.entry = log_index{from.getEntry()};
  to.at = time_ms{from.getAtMs()};
  to.tablet = tablet_id{from.getTablet()};
  to.purpose = from.getBalance() ? order_purpose::balance : order_purpose::repair;
  to.health = from.getHealth();
  to.priority = from.getPriority();
  to.source = read(from.getSource());
  to.target = read(from.getTarget());
  to.replica = replica_id{from.getReplica()};
  if (from.getDropped())
    to.dropped = static_cast<drop_reason>(from.getReason());
  to.why = text(from.getWhy());
  to.ended = time_ms{from.getEndedMs()};
  to.reached = from.getReached();
  to.failure = text(from.getFailure());
  return {to.entry, std::move(to)};
}

// -- what operators set ------------------------------------------------------------------

void fill(wire::ImageHint::Builder to, partition_id id, const time_ms& from) {
  to.setPartition(raw(id));
  to.setUntilMs(from.count());
}
entry<partition_id, time_ms> read(wire::ImageHint::Reader from) {
  return {partition_id{from.getPartition()}, time_ms{from.getUntilMs()}};
}

void fill(wire::ImageSetting::Builder to, std::string_view key, const std::string& from) {
  to.setKey({key.data(), key.size()});
  to.setValue(text(from));
}
entry<std::string, std::string> read(wire::ImageSetting::Reader from) {
  return {text(from.getKey()), text(from.getValue())};
}

void fill(wire::ImagePause::Builder to, std::string_view scope, const operator_pause& from) {
  to.setScope({scope.data(), scope.size()});
  to.setOwner(text(from.owner));
  to.setReason(text(from.reason));
  to.setSinceMs(from.since.count());
  to.setUntilMs(from.until.count());
}
entry<std::string, operator_pause> read(wire::ImagePause::Reader from) {
  return {text(from.getScope()),
          {text(from.getOwner()), text(from.getReason()), time_ms{from.getSinceMs()}, time_ms{from.getUntilMs()}}};
}

void fill(wire::ImageRetentionMark::Builder to, frontend_id id, const retention_mark& from) {
  to.setFrontend(raw(id));
  to.setWhy(text(from.why));
  to.setSinceMs(from.since.count());
}
entry<frontend_id, retention_mark> read(wire::ImageRetentionMark::Reader from) {
  return {frontend_id{from.getFrontend()}, {text(from.getWhy()), time_ms{from.getSinceMs()}}};
}

void fill(wire::ImagePlan::Builder to, std::string_view name, const saved_plan& from) {
  to.setName({name.data(), name.size()});
  to.setKind(static_cast<std::uint8_t>(from.kind));
  to.setBackend(raw(from.backend));
  to.setEpoch(raw(from.epoch));
  to.setCreatedMs(from.created.count());
  to.setState(static_cast<std::uint8_t>(from.state));
  to.setApplied(raw(from.applied));
  auto moves = to.initMoves(size_of(from.moves()));
  for (unsigned i = 0; i < moves.size(); ++i)
    fill(moves[i], from.moves()[i]);
  fill(to.initTables(size_of(from.content->tables)), from.content->tables);
  auto outcomes = to.initOutcomes(size_of(from.outcomes));
  unsigned i = 0;
  from.outcomes.for_each([&](std::uint32_t move, const move_outcome& outcome) {
    outcomes[i].setMove(move);
    outcomes[i].setDone(outcome.done);
    outcomes[i++].setWhy(text(outcome.why));
  });
}
entry<std::string, saved_plan> read(wire::ImagePlan::Reader from) {
  KJ_REQUIRE(from.getKind() < plan_kind_count, "plans.kind is none this version knows", from.getKind());
  KJ_REQUIRE(from.getState() <= static_cast<std::uint8_t>(plan_state::done), "plans.state is none this version knows",
             from.getState());
  saved_plan to;
  to.kind = static_cast<plan_kind>(from.getKind());
  to.backend = backend_id{from.getBackend()};
  to.epoch = log_index{from.getEpoch()};
  to.created = time_ms{from.getCreatedMs()};
  to.state = static_cast<plan_state>(from.getState());
  to.applied = log_index{from.getApplied()};
  plan_content content;
  content.moves.reserve(from.getMoves().size());
  for (auto m : from.getMoves()) {
    content.moves.push_back(read(m));
    content.bytes += content.moves.back().bytes;
  }
  content.tables = read_ids<table_id>(from.getTables());
  to.content = std::make_shared<const plan_content>(std::move(content));
  for (auto outcome : from.getOutcomes()) {
    KJ_REQUIRE(outcome.getMove() < to.moves().size(), "plans.outcomes.move is no move of it", outcome.getMove());
    to.outcomes.put(outcome.getMove(), {outcome.getDone(), text(outcome.getWhy())});
    to.done += outcome.getDone() ? 1 : 0;
  }
  return {text(from.getName()), std::move(to)};
}

// -- sizes -------------------------------------------------------------------------------

std::size_t words_of(const std::string& from) { return 5 + from.size() / sizeof(capnp::word); }
std::size_t words_of(const database& from) { return 3 + words_of(from.name); }
std::size_t words_of(const time_ms&) { return 3; }
std::size_t words_of(const open_move&) { return 5; }
std::size_t words_of(const std::vector<txn_id>& from) { return 4 + from.size(); }
std::size_t words_of(const load& from) { return 12 + words_of(from.label); }
std::size_t words_of(const open_order& from) { return 24 + words_of(from.what.why); }
std::size_t words_of(const decision_record& from) { return 24 + words_of(from.why) + words_of(from.failure); }
std::size_t words_of(const retention_mark& from) { return 6 + words_of(from.why); }
std::size_t words_of(const operator_pause& from) { return 14 + words_of(from.owner) + words_of(from.reason); }

std::size_t words_of(const backend& from) {
  auto words = 12 + words_of(from.host) + words_of(from.cluster) + words_of(from.location);
  for (const auto& path : from.paths)
    words += 4 + words_of(path.root);
  return words;
}
std::size_t words_of(const table& from) {
  auto words = 17 + words_of(from.name) + words_of(from.cluster);
  for (const auto& part : from.partitions)
    words += 9 + words_of(part.name);
  return words;
}
std::size_t words_of(const colocate_group& from) {
  auto words = 12 + words_of(from.name) + from.tables.size();
  for (const auto& backends : from.sequence)
    words += 2 + backends.size();
  return words;
}
std::size_t words_of(const saved_plan& from) {
  auto words = 40 + 11 * from.moves().size() + from.content->tables.size();
  from.outcomes.for_each([&words](std::uint32_t, const move_outcome& outcome) { words += 3 + words_of(outcome.why); });
  return words;
}

} // namespace tabletd::codec::image_parts
