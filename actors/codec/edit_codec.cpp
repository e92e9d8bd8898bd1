// One pair of functions per edit, side by side, so that a field cannot be written and not read.
// tests/golden/edits pins the bytes.
#include "actors/codec/edit_codec.h"
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.
#include <string_view>

namespace tabletd::codec {

namespace {

using namespace model;
using edit_words::fill;
using edit_words::priority_max;
using edit_words::read;
using edit_words::read_ids;
using edit_words::text;

// -- the cluster -------------------------------------------------------------------------

void fill(wire::Edit::Builder to, const cluster_founded& e) {
  auto founded = to.initClusterFounded();
  founded.setClusterId(kj::arrayPtr(e.cluster.data(), e.cluster.size()));
  founded.setName(text(e.name));
}
cluster_founded read(wire::ClusterFounded::Reader from) {
  cluster_founded e;
  e.cluster = read_cluster_id(from.getClusterId());
  e.name = text(from.getName());
  return e;
}

void fill(wire::Edit::Builder to, const term_began& e) {
  auto began = to.initTermBegan();
  began.setTerm(e.term);
  began.setLeader(e.leader);
}
term_began read(wire::TermBegan::Reader from) { return {from.getTerm(), from.getLeader()}; }

void fill(wire::Edit::Builder to, const backend_added& e) {
  auto added = to.initBackendAdded();
  added.setHost(text(e.host));
  added.setPort(e.port);
  added.setCluster(text(e.cluster));
  added.setLocation(text(e.location));
}
backend_added read(wire::BackendAdded::Reader from) {
  return {text(from.getHost()), from.getPort(), text(from.getCluster()), text(from.getLocation())};
}

void fill(wire::Edit::Builder to, const backend_modified& e) {
  auto modified = to.initBackendModified();
  modified.setBackend(raw(e.backend));
  modified.setCluster(text(e.cluster));
  modified.setLocation(text(e.location));
}
backend_modified read(wire::BackendModified::Reader from) {
  return {backend_id{from.getBackend()}, text(from.getCluster()), text(from.getLocation())};
}

void fill(wire::Edit::Builder to, const backend_dropped& e) {
  to.setBackendDropped(raw(e.backend));
}
void fill(wire::Edit::Builder to, const backend_died& e) { to.setBackendDied(raw(e.backend)); }

void fill(wire::Edit::Builder to, const backend_decommission& e) {
  auto decommission = to.initBackendDecommission();
  decommission.setBackend(raw(e.backend));
  decommission.setOn(e.on);
}
backend_decommission read(wire::BackendDecommission::Reader from) {
  return {backend_id{from.getBackend()}, from.getOn()};
}

void fill(wire::Edit::Builder to, const backend_returned& e) {
  auto returned = to.initBackendReturned();
  returned.setBackend(raw(e.backend));
  auto paths = returned.initPaths(size_of(e.paths));
  for (unsigned i = 0; i < paths.size(); ++i)
    fill(paths[i], e.paths[i]);
}
backend_returned read(wire::BackendReturned::Reader from) {
  backend_returned e{backend_id{from.getBackend()}, {}};
  for (auto path : from.getPaths())
    e.paths.push_back(read(path));
  return e;
}

// -- loads -------------------------------------------------------------------------------

void fill(wire::Edit::Builder to, const load_begun& e) {
  auto begun = to.initLoadBegun();
  begun.setTable(raw(e.table));
  begun.setLabel(text(e.label));
  begun.setPartition(raw(e.partition));
}
load_begun read(wire::LoadBegun::Reader from) {
  return {table_id{from.getTable()}, text(from.getLabel()), partition_id{from.getPartition()}};
}

void fill(wire::Edit::Builder to, const load_committed& e) {
  auto committed = to.initLoadCommitted();
  committed.setTxn(raw(e.txn));
  auto tablets = committed.initTablets(size_of(e.tablets));
  for (unsigned i = 0; i < tablets.size(); ++i) {
    const auto& loaded = e.tablets[i];
    tablets[i].setTablet(raw(loaded.tablet));
    tablets[i].setRows(loaded.rows);
    tablets[i].setBytes(loaded.bytes);
    auto prepared = tablets[i].initPrepared(size_of(loaded.prepared));
    for (unsigned j = 0; j < prepared.size(); ++j)
      prepared.set(j, raw(loaded.prepared[j]));
  }
}
load_committed read(wire::LoadCommitted::Reader from) {
  load_committed e{txn_id{from.getTxn()}, {}};
  for (auto loaded : from.getTablets()) {
    auto& to = e.tablets.emplace_back();
    to.tablet = tablet_id{loaded.getTablet()};
    to.rows = loaded.getRows();
    to.bytes = loaded.getBytes();
    for (auto r : loaded.getPrepared())
      to.prepared.push_back(replica_id{r});
  }
  return e;
}

void fill(wire::Edit::Builder to, const load_aborted& e) {
  auto aborted = to.initLoadAborted();
  aborted.setTxn(raw(e.txn));
  aborted.setReason(text(e.reason));
}
load_aborted read(wire::LoadAborted::Reader from) {
  return {txn_id{from.getTxn()}, text(from.getReason())};
}

void fill(wire::Edit::Builder to, const load_published& e) { to.setLoadPublished(raw(e.txn)); }

// -- replicas ----------------------------------------------------------------------------

void fill(wire::Edit::Builder to, const clone_ordered& e) { fill(to.initCloneOrdered(), e); }

void fill(wire::Edit::Builder to, const clone_ended& e) {
  auto ended = to.initCloneEnded();
  ended.setTablet(raw(e.tablet));
  ended.setOrder(raw(e.order));
  if (e.reached > 0)
    ended.setDone(e.reached);
  else
    ended.setFailed(text(e.failure));
}
clone_ended read(wire::CloneEnded::Reader from) {
  clone_ended e{tablet_id{from.getTablet()}, log_index{from.getOrder()}, 0, ""};
  switch (from.which()) {
    case wire::CloneEnded::DONE:
      KJ_REQUIRE(from.getDone() > 0, "cloneEnded.done is no version");
      e.reached = from.getDone();
      return e;
    case wire::CloneEnded::FAILED: e.failure = text(from.getFailed()); return e;
  }
  KJ_FAIL_REQUIRE("cloneEnded is a case this version does not know",
                  static_cast<unsigned>(from.which()));
}

void fill(wire::Edit::Builder to, const replica_dropped& e) {
  auto dropped = to.initReplicaDropped();
  dropped.setTablet(raw(e.tablet));
  dropped.setReplica(raw(e.replica));
  dropped.setReason(static_cast<std::uint8_t>(e.reason));
  dropped.setHealth(e.health);
  dropped.setPriority(e.priority);
  dropped.setWhy(text(e.why));
}
replica_dropped read(wire::ReplicaDropped::Reader from) {
  KJ_REQUIRE(from.getReason() < drop_reason_count,
             "replicaDropped.reason is none this version knows", from.getReason());
  KJ_REQUIRE(from.getHealth() < tablet_health_count, "replicaDropped.health is none this version knows", from.getHealth());
  KJ_REQUIRE(from.getPriority() <= priority_max, "replicaDropped.priority is none this version knows", from.getPriority());
  return {tablet_id{from.getTablet()},
          replica_id{from.getReplica()},
          static_cast<drop_reason>(from.getReason()),
          from.getHealth(),
          from.getPriority(),
          text(from.getWhy())};
}

void fill(wire::Edit::Builder to, const replica_observed& e) {
  auto observed = to.initReplicaObserved();
  observed.setTablet(raw(e.tablet));
  observed.setReplica(raw(e.replica));
  observed.setVersion(e.version);
  observed.setBad(e.bad);
  observed.setPath(raw(e.path));
}
replica_observed read(wire::ReplicaObserved::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, from.getVersion(),
          from.getBad(), path_hash{from.getPath()}};
}

void fill(wire::Edit::Builder to, const replica_readopted& e) {
  auto readopted = to.initReplicaReadopted();
  readopted.setTablet(raw(e.tablet));
  readopted.setReplica(raw(e.replica));
  fill(readopted.initPlace(), e.place);
  readopted.setVersion(e.version);
}
replica_readopted read(wire::ReplicaReadopted::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, read(from.getPlace()),
          from.getVersion()};
}

// -- what operators set ------------------------------------------------------------------

void fill(wire::Edit::Builder to, const replica_status_set& e) {
  auto set = to.initReplicaStatusSet();
  set.setTablet(raw(e.tablet));
  set.setReplica(raw(e.replica));
  set.setBad(e.bad);
}
replica_status_set read(wire::ReplicaStatusSet::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, from.getBad()};
}

void fill(wire::Edit::Builder to, const repair_hinted& e) {
  auto hinted = to.initRepairHinted();
  hinted.setTable(raw(e.table));
  fill(hinted.initPartitions(size_of(e.partitions)), e.partitions);
  hinted.setUntilMs(e.until.count());
}
repair_hinted read(wire::RepairHinted::Reader from) {
  return {table_id{from.getTable()}, read_ids<partition_id>(from.getPartitions()), time_ms{from.getUntilMs()}};
}

void fill(wire::Edit::Builder to, const repair_unhinted& e) {
  auto unhinted = to.initRepairUnhinted();
  unhinted.setTable(raw(e.table));
  fill(unhinted.initPartitions(size_of(e.partitions)), e.partitions);
}
repair_unhinted read(wire::RepairUnhinted::Reader from) {
  return {table_id{from.getTable()}, read_ids<partition_id>(from.getPartitions())};
}

void fill(wire::Edit::Builder to, const config_set& e) {
  auto set = to.initConfigSet();
  set.setKey(text(e.key));
  set.setValue(text(e.value));
}
config_set read(wire::ConfigSet::Reader from) { return {text(from.getKey()), text(from.getValue())}; }

void fill(wire::Edit::Builder to, const colocate_relocated& e) {
  auto relocated = to.initColocateRelocated();
  relocated.setGroup(raw(e.group));
  relocated.setBucket(e.bucket);
  fill(relocated.initBackends(size_of(e.backends)), e.backends);
  relocated.setWhy(text(e.why));
}
colocate_relocated read(wire::ColocateRelocated::Reader from) {
  return {colocate_group_id{from.getGroup()}, from.getBucket(), read_ids<backend_id>(from.getBackends()),
          text(from.getWhy())};
}

void fill(wire::Edit::Builder to, const balance_paused& e) {
  auto paused = to.initBalancePaused();
  paused.setScope(text(e.scope));
  paused.setOwner(text(e.owner));
  paused.setReason(text(e.reason));
  paused.setUntilMs(e.until.count());
}
balance_paused read(wire::BalancePaused::Reader from) {
  return {text(from.getScope()), text(from.getOwner()), text(from.getReason()), time_ms{from.getUntilMs()}};
}

void fill(wire::Edit::Builder to, const balance_resumed& e) { to.setBalanceResumed(text(e.scope)); }

void fill(wire::Edit::Builder to, const checkpoint_decided& e) {
  auto decided = to.initCheckpointDecided();
  decided.setWhat(static_cast<std::uint8_t>(e.what));
  decided.setFrontend(raw(e.frontend));
  decided.setWhy(text(e.why));
}
checkpoint_decided read(wire::CheckpointDecided::Reader from) {
  KJ_REQUIRE(from.getWhat() < checkpoint_decision_count, "checkpointDecided.what is none this version knows", from.getWhat());
  const auto what = static_cast<checkpoint_decision>(from.getWhat());
  KJ_REQUIRE(is_about_member(what) == (from.getFrontend() != 0), "checkpointDecided.frontend does not fit what was decided",
             from.getFrontend());
  return {what, frontend_id{from.getFrontend()}, text(from.getWhy())};
}

edit_body read(wire::Edit::Reader from) {
  switch (from.which()) {
    case wire::Edit::UNSET: break;
    case wire::Edit::CLUSTER_FOUNDED: return read(from.getClusterFounded());
    case wire::Edit::TERM_BEGAN: return read(from.getTermBegan());
    case wire::Edit::BACKEND_ADDED: return read(from.getBackendAdded());
    case wire::Edit::BACKEND_DROPPED: return backend_dropped{backend_id{from.getBackendDropped()}};
    case wire::Edit::BACKEND_DECOMMISSION: return read(from.getBackendDecommission());
    case wire::Edit::BACKEND_DIED: return backend_died{backend_id{from.getBackendDied()}};
    case wire::Edit::BACKEND_RETURNED: return read(from.getBackendReturned());
    case wire::Edit::DATABASE_CREATED: return database_created{text(from.getDatabaseCreated())};
    case wire::Edit::DATABASE_DROPPED:
      return database_dropped{database_id{from.getDatabaseDropped()}};
    case wire::Edit::TABLE_CREATED: return read(from.getTableCreated());
    case wire::Edit::TABLE_DROPPED: return table_dropped{table_id{from.getTableDropped()}};
    case wire::Edit::LOAD_BEGUN: return read(from.getLoadBegun());
    case wire::Edit::LOAD_COMMITTED: return read(from.getLoadCommitted());
    case wire::Edit::LOAD_ABORTED: return read(from.getLoadAborted());
    case wire::Edit::LOAD_PUBLISHED: return load_published{txn_id{from.getLoadPublished()}};
    case wire::Edit::CLONE_ORDERED: return read(from.getCloneOrdered());
    case wire::Edit::CLONE_ENDED: return read(from.getCloneEnded());
    case wire::Edit::REPLICA_DROPPED: return read(from.getReplicaDropped());
    case wire::Edit::REPLICA_OBSERVED: return read(from.getReplicaObserved());
    case wire::Edit::REPLICA_READOPTED: return read(from.getReplicaReadopted());
    case wire::Edit::BACKEND_MODIFIED: return read(from.getBackendModified());
    case wire::Edit::PARTITION_ADDED: return read(from.getPartitionAdded());
    case wire::Edit::PARTITION_DROPPED: return read(from.getPartitionDropped());
    case wire::Edit::PARTITION_MODIFIED: return read(from.getPartitionModified());
    case wire::Edit::REPLICA_STATUS_SET: return read(from.getReplicaStatusSet());
    case wire::Edit::REPAIR_HINTED: return read(from.getRepairHinted());
    case wire::Edit::REPAIR_UNHINTED: return read(from.getRepairUnhinted());
    case wire::Edit::CONFIG_SET: return read(from.getConfigSet());
    case wire::Edit::COLOCATE_RELOCATED: return read(from.getColocateRelocated());
    case wire::Edit::BALANCE_PAUSED: return read(from.getBalancePaused());
    case wire::Edit::BALANCE_RESUMED: return balance_resumed{text(from.getBalanceResumed())};
    case wire::Edit::PLAN_SAVED: return read(from.getPlanSaved());
    case wire::Edit::PLAN_APPLIED: return plan_applied{text(from.getPlanApplied())};
    case wire::Edit::PLAN_DROPPED: return plan_dropped{text(from.getPlanDropped())};
    case wire::Edit::PLAN_MOVES_SKIPPED: return read(from.getPlanMovesSkipped());
    case wire::Edit::CHECKPOINT_DECIDED: return read(from.getCheckpointDecided());
    case wire::Edit::RESOURCE_CREATED: return read(from.getResourceCreated());
    case wire::Edit::RESOURCE_ALTERED: return read(from.getResourceAltered());
    case wire::Edit::RESOURCE_DROPPED: return resource_dropped{resource_id{from.getResourceDropped()}};
    case wire::Edit::STORAGE_POLICY_CREATED: return read(from.getStoragePolicyCreated());
    case wire::Edit::STORAGE_POLICY_ALTERED: return read(from.getStoragePolicyAltered());
    case wire::Edit::STORAGE_POLICY_DROPPED:
      return storage_policy_dropped{storage_policy_id{from.getStoragePolicyDropped()}};
    case wire::Edit::STORAGE_POLICY_SET: return read(from.getStoragePolicySet());
    case wire::Edit::COOLDOWN_GRANTED: return read(from.getCooldownGranted());
    case wire::Edit::COOLDOWN_PUBLISHED: return read(from.getCooldownPublished());
    case wire::Edit::COOLDOWN_DELETION_CONFIRMED: return read(from.getCooldownDeletionConfirmed());
    case wire::Edit::COOLDOWN_HURRIED: return edit_words::read_hurried(from.getCooldownHurried());
    case wire::Edit::COOLDOWN_RECALLED: return edit_words::read_recalled(from.getCooldownRecalled());
    case wire::Edit::REMOTE_PURGED: return edit_words::read_purged(from.getRemotePurged());
    case wire::Edit::WARMUP_CREATED: return read(from.getWarmupCreated());
    case wire::Edit::WARMUP_BEGUN: return read(from.getWarmupBegun());
    case wire::Edit::BATCH_WARMED: return read(from.getBatchWarmed());
    case wire::Edit::WARMUP_ENDED: return read(from.getWarmupEnded());
    case wire::Edit::WARMUP_PAUSED: return warmup_paused{warmup_job_id{from.getWarmupPaused()}};
    case wire::Edit::WARMUP_RESUMED: return warmup_resumed{warmup_job_id{from.getWarmupResumed()}};
    case wire::Edit::WARMUP_FORGOTTEN: return warmup_forgotten{warmup_job_id{from.getWarmupForgotten()}};
  }
  KJ_FAIL_REQUIRE(
      "the edit is a case this version does not know; was the log written by a newer tabletd?",
      static_cast<unsigned>(from.which()));
}

std::size_t words_of_places(const bucket_places& placements) {
  std::size_t words = 0;
  for (const auto& places : placements)
    words += 4 + 2 * places.size();
  return words;
}

/// What the message will take, roughly: a good guess saves the copy.
std::size_t words_of(const edit_body& body) {
  constexpr std::size_t common = 40;
  return std::visit(overloaded{
                        [](const table_created& e) {
                          std::size_t words = common + words_of_places(e.placements);
                          for (const auto& part : e.partitions)
                            words += 8 + words_of_places(part.placements);
                          return words;
                        },
                        [](const load_committed& e) {
                          std::size_t words = common;
                          for (const auto& t : e.tablets)
                            words += 6 + t.prepared.size();
                          return words;
                        },
                        [](const backend_returned& e) { return common + 12 * e.paths.size(); },
                        [](const plan_saved& e) { return common + 10 * e.moves.size(); },
                        [](const plan_moves_skipped& e) { return common + 12 * e.moves.size(); },
                        [](const cooldown_granted& e) { return common + 3 * e.grants.size(); },
                        [](const remote_purged& e) { return common + e.tablets.size(); },
                        [](const warmup_created& e) { return common + edit_words::words_of(e.lanes); },
                        [](const warmup_begun& e) { return common + (e.lanes ? edit_words::words_of(*e.lanes) : 0); },
                        [](const auto&) { return common; },
                    },
                    body);
}

} // namespace

sealed<wire::Edit> encode(const edit& what) {
  return seal<wire::Edit>(
      [&](wire::Edit::Builder to) {
        to.setAtMs(what.at.count());
        std::visit([&](const auto& e) { fill(to, e); }, what.body);
      },
      words_of(what.body));
}

edit decode(wire::Edit::Reader from) { return {time_ms{from.getAtMs()}, read(from)}; }

} // namespace tabletd::codec
