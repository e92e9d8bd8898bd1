// The edits of databases, tables and partitions; see edit_codec.cpp.
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.

namespace tabletd::codec::edit_words {

void fill(wire::Edit::Builder to, const database_created& e) {
  to.setDatabaseCreated(text(e.name));
}
void fill(wire::Edit::Builder to, const database_dropped& e) {
  to.setDatabaseDropped(raw(e.database));
}
void fill(wire::Edit::Builder to, const table_dropped& e) { to.setTableDropped(raw(e.table)); }

void fill(capnp::List<wire::TabletPlacement>::Builder to, const bucket_places& from) {
  for (unsigned bucket = 0; bucket < to.size(); ++bucket) {
    auto replicas = to[bucket].initReplicas(size_of(from[bucket]));
    for (unsigned i = 0; i < replicas.size(); ++i)
      fill(replicas[i], from[bucket][i]);
  }
}
bucket_places read(capnp::List<wire::TabletPlacement>::Reader from) {
  bucket_places placements;
  for (auto tablet : from) {
    auto& places = placements.emplace_back();
    for (auto at : tablet.getReplicas())
      places.push_back(read(at));
  }
  return placements;
}

void fill(wire::NewPartition::Builder to, const new_partition& from) {
  to.setName(text(from.name));
  to.setMedium(wanted(from.medium));
  fill(to.initPlacements(size_of(from.placements)), from.placements);
  to.setStoragePolicy(raw(from.storage_policy));
}
new_partition read(wire::NewPartition::Reader from) {
  return {text(from.getName()), wanted(from.getMedium()), read(from.getPlacements()),
          storage_policy_id{from.getStoragePolicy()}};
}

void fill(wire::Edit::Builder to, const partition_added& e) {
  auto added = to.initPartitionAdded();
  added.setTable(raw(e.table));
  fill(added.initWhat(), e.what);
}
partition_added read(wire::PartitionAdded::Reader from) { return {table_id{from.getTable()}, read(from.getWhat())}; }

void fill(wire::Edit::Builder to, const partition_dropped& e) {
  auto dropped = to.initPartitionDropped();
  dropped.setTable(raw(e.table));
  dropped.setPartition(raw(e.partition));
}
partition_dropped read(wire::PartitionRef::Reader from) {
  return {table_id{from.getTable()}, partition_id{from.getPartition()}};
}

void fill(wire::Edit::Builder to, const partition_modified& e) {
  auto modified = to.initPartitionModified();
  modified.setTable(raw(e.table));
  modified.setPartition(raw(e.partition));
  modified.setMedium(wanted(e.medium));
}
partition_modified read(wire::PartitionModified::Reader from) {
  return {table_id{from.getTable()}, partition_id{from.getPartition()}, wanted(from.getMedium())};
}

void fill(wire::Edit::Builder to, const table_created& e) {
  auto created = to.initTableCreated();
  created.setDatabase(raw(e.database));
  created.setName(text(e.name));
  created.setKeyColumn(e.key_column);
  created.setSeparator(text(std::string(1, e.separator)));
  created.setReplicationNum(e.replication_num);
  fill(created.initPlacements(size_of(e.placements)), e.placements);
  auto partitions = created.initPartitions(size_of(e.partitions));
  for (unsigned i = 0; i < partitions.size(); ++i)
    fill(partitions[i], e.partitions[i]);
  created.setCluster(text(e.cluster));
  created.setColocateWith(text(e.colocate_with));
  created.setStoragePolicy(raw(e.storage_policy));
}
table_created read(wire::TableCreated::Reader from) {
  KJ_REQUIRE(from.getSeparator().size() == 1, "tableCreated.separator is not one byte",
             from.getSeparator());
  table_created e;
  e.database = database_id{from.getDatabase()};
  e.name = text(from.getName());
  e.key_column = from.getKeyColumn();
  e.separator = from.getSeparator()[0];
  e.replication_num = from.getReplicationNum();
  e.placements = read(from.getPlacements());
  for (auto part : from.getPartitions())
    e.partitions.push_back(read(part));
  e.cluster = text(from.getCluster());
  e.colocate_with = text(from.getColocateWith());
  e.storage_policy = storage_policy_id{from.getStoragePolicy()};
  return e;
}

} // namespace tabletd::codec::edit_words
