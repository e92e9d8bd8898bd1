// The edits of resources, storage policies and cooldown; see edit_codec.cpp.
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"

#include <capnp/message.h>  // KJ_REQUIRE comes with it.

namespace tabletd::codec::edit_words {

// -- what the image says too -------------------------------------------------------------

wire::ResourceType type_of(resource_type from) { return static_cast<wire::ResourceType>(from); }
resource_type type_of(wire::ResourceType from) {
  KJ_REQUIRE(static_cast<std::uint16_t>(from) < resource_type_count,
             "the type of a resource is none this version knows", static_cast<unsigned>(from));
  return static_cast<resource_type>(from);
}

void fill(capnp::List<wire::ResourceProperty>::Builder to, const resource_properties& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setKey(text(from[i].first));
    to[i].setValue(text(from[i].second));
  }
}
resource_properties read(capnp::List<wire::ResourceProperty>::Reader from) {
  resource_properties to;
  to.reserve(from.size());
  for (auto p : from) {
    auto key = text(p.getKey());
    KJ_REQUIRE(to.empty() || to.back().first < key, "the properties of a resource are not in ascending order",
               key.c_str());
    to.emplace_back(std::move(key), text(p.getValue()));
  }
  return to;
}

void fill(wire::CooldownDue::Builder to, const cooldown_due& from) {
  std::visit(overloaded{[&](const cooldown_ttl& ttl) { to.setTtlSeconds(ttl.seconds); },
                        [&](const cooldown_datetime& datetime) { to.setDatetimeMs(datetime.at.count()); }},
             from);
}
cooldown_due read(wire::CooldownDue::Reader from) {
  switch (from.which()) {
    case wire::CooldownDue::TTL_SECONDS:
      return cooldown_ttl{from.getTtlSeconds()};
    case wire::CooldownDue::DATETIME_MS:
      return cooldown_datetime{time_ms{from.getDatetimeMs()}};
  }
  KJ_FAIL_REQUIRE("when data cools is a case this version does not know", static_cast<unsigned>(from.which()));
}

void fill(wire::CooldownPublished::Builder to, const published_meta& from) {
  to.setTerm(from.id.term);
  to.setSeq(from.id.seq);
  to.setResource(raw(from.resource));
  to.setObject(text(from.object));
  to.setCrc32c(from.crc32c);
  to.setLastVersion(from.last_version);
  to.setBytes(from.bytes);
}
published_meta read_meta(wire::CooldownPublished::Reader from) {
  return {{from.getTerm(), from.getSeq()}, resource_id{from.getResource()},
          text(from.getObject()),          from.getCrc32c(),
          from.getLastVersion(),           from.getBytes()};
}

// -- resources and policies --------------------------------------------------------------

void fill(wire::Edit::Builder to, const resource_created& e) {
  auto created = to.initResourceCreated();
  created.setName(text(e.name));
  created.setType(type_of(e.type));
  fill(created.initProperties(size_of(e.properties)), e.properties);
}
resource_created read(wire::ResourceCreated::Reader from) {
  return {text(from.getName()), type_of(from.getType()), read(from.getProperties())};
}

void fill(wire::Edit::Builder to, const resource_altered& e) {
  auto altered = to.initResourceAltered();
  altered.setResource(raw(e.resource));
  fill(altered.initProperties(size_of(e.properties)), e.properties);
}
resource_altered read(wire::ResourceAltered::Reader from) {
  return {resource_id{from.getResource()}, read(from.getProperties())};
}

void fill(wire::Edit::Builder to, const resource_dropped& e) { to.setResourceDropped(raw(e.resource)); }

void fill(wire::Edit::Builder to, const storage_policy_created& e) {
  auto created = to.initStoragePolicyCreated();
  created.setName(text(e.name));
  created.setResource(raw(e.resource));
  fill(created.initDue(), e.due);
}
storage_policy_created read(wire::StoragePolicyCreated::Reader from) {
  return {text(from.getName()), resource_id{from.getResource()}, read(from.getDue())};
}

void fill(wire::Edit::Builder to, const storage_policy_altered& e) {
  auto altered = to.initStoragePolicyAltered();
  altered.setPolicy(raw(e.policy));
  altered.setResource(raw(e.resource));
  fill(altered.initDue(), e.due);
}
storage_policy_altered read(wire::StoragePolicyAltered::Reader from) {
  return {storage_policy_id{from.getPolicy()}, resource_id{from.getResource()}, read(from.getDue())};
}

void fill(wire::Edit::Builder to, const storage_policy_dropped& e) { to.setStoragePolicyDropped(raw(e.policy)); }

void fill(wire::Edit::Builder to, const storage_policy_set& e) {
  auto set = to.initStoragePolicySet();
  set.setTable(raw(e.table));
  set.setPartition(raw(e.partition));
  set.setPolicy(raw(e.policy));
}
storage_policy_set read(wire::StoragePolicySet::Reader from) {
  return {table_id{from.getTable()}, partition_id{from.getPartition()}, storage_policy_id{from.getPolicy()}};
}

// -- who may upload, and what counts -----------------------------------------------------

void fill(wire::Edit::Builder to, const cooldown_granted& e) {
  auto grants = to.initCooldownGranted().initGrants(size_of(e.grants));
  for (unsigned i = 0; i < grants.size(); ++i) {
    grants[i].setTablet(raw(e.grants[i].tablet));
    grants[i].setReplica(raw(e.grants[i].replica));
    grants[i].setTerm(e.grants[i].term);
  }
}
cooldown_granted read(wire::CooldownGranted::Reader from) {
  cooldown_granted e;
  e.grants.reserve(from.getGrants().size());
  for (auto g : from.getGrants())
    e.grants.push_back({tablet_id{g.getTablet()}, replica_id{g.getReplica()}, g.getTerm()});
  return e;
}

void fill(wire::Edit::Builder to, const cooldown_published& e) {
  auto published = to.initCooldownPublished();
  published.setTablet(raw(e.tablet));
  published.setReplica(raw(e.replica));
  fill(published, e.meta);
}
cooldown_published read(wire::CooldownPublished::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, read_meta(from)};
}

void fill(wire::Edit::Builder to, const cooldown_deletion_confirmed& e) {
  auto confirmed = to.initCooldownDeletionConfirmed();
  confirmed.setTablet(raw(e.tablet));
  confirmed.setReplica(raw(e.replica));
  confirmed.setTerm(e.id.term);
  confirmed.setSeq(e.id.seq);
}
void fill(wire::Edit::Builder to, const remote_purged& e) {
  auto tablets = to.initRemotePurged(size_of(e.tablets));
  for (unsigned i = 0; i < tablets.size(); ++i)
    tablets.set(i, raw(e.tablets[i]));
}
remote_purged read_purged(capnp::List<std::uint64_t>::Reader from) {
  remote_purged e;
  e.tablets.reserve(from.size());
  for (const auto tablet : from)
    e.tablets.push_back(tablet_id{tablet});
  return e;
}
cooldown_deletion_confirmed read(wire::CooldownDeletionConfirmed::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, {from.getTerm(), from.getSeq()}};
}

// -- what operators ask for --------------------------------------------------------------

namespace {

template <class E>
void fill_partitions(wire::PartitionsRef::Builder to, const E& e) {
  to.setTable(raw(e.table));
  fill(to.initPartitions(size_of(e.partitions)), e.partitions);
}

}  // namespace

void fill(wire::Edit::Builder to, const cooldown_hurried& e) { fill_partitions(to.initCooldownHurried(), e); }
cooldown_hurried read_hurried(wire::PartitionsRef::Reader from) {
  return {table_id{from.getTable()}, read_ids<partition_id>(from.getPartitions())};
}

void fill(wire::Edit::Builder to, const cooldown_recalled& e) { fill_partitions(to.initCooldownRecalled(), e); }
cooldown_recalled read_recalled(wire::PartitionsRef::Reader from) {
  return {table_id{from.getTable()}, read_ids<partition_id>(from.getPartitions())};
}

}  // namespace tabletd::codec::edit_words
