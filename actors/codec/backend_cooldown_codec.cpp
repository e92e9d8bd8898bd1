#include "actors/codec/backend_cooldown_codec.h"
#include "actors/codec/agent_cooldown_codec.h"
#include "actors/codec/wire_words.h"

#include <vector>

namespace tabletd::codec {

using namespace model;

namespace {

remote_meta_id id_of(wire::RemoteMetaId::Reader from) { return {from.getTerm(), from.getSeq()}; }

void fill_conf(wire::CooldownConf::Builder to, const cooldown_conf& from) {
  to.setUploader(raw(from.uploader));
  to.setTerm(from.term);
  if (from.published)
    encode(*from.published, to.getPublished().initMeta());
  else
    to.getPublished().setNone();
  encode(from.recalled, to.initRecalled());
}

void fill_policy(wire::CooldownOrder::Builder to, const storage_policy* policy) {
  if (policy == nullptr)
    return to.getRule().setNever();
  to.setResource(raw(policy->resource));
  std::visit(overloaded{[&](const cooldown_ttl& ttl) { to.getRule().setTtlMs(ttl.seconds * 1'000); },
                        [&](const cooldown_datetime& datetime) { to.getRule().setDatetimeMs(datetime.at.count()); }},
             policy->due);
}

/// One replica's order.
struct order_facts {
  const tablet* of{};
  replica_id replica{};
  const storage_policy* policy{};
  const cooldown_conf* conf{};
  const partition* part{};
};

}  // namespace

void fill_resource(wire::RemoteResource::Builder to, const resource& from) {
  to.setId(raw(from.id));
  to.setIsS3(from.type == resource_type::s3);
  to.setVersion(from.version);
  auto properties = to.initProperties(size_of(from.properties));
  for (unsigned i = 0; i < properties.size(); ++i) {
    properties[i].setKey(from.properties[i].first.c_str());
    properties[i].setValue(from.properties[i].second.c_str());
  }
}

cooldown_reported decode_cooldown_report(wire::CooldownReport::Reader from) {
  cooldown_reported to{replica_id{from.getReplica()}, from.getReport(),     from.getTerm(), id_of(from.getPublished()),
                       id_of(from.getId()),           from.getRemoteLast(), {},             from.getWhy().cStr()};
  if (from.getPhase() <= cooldown_phase_count - 1) {
    to.phase = static_cast<cooldown_phase>(from.getPhase());
  } else {
    to.phase = cooldown_phase::stuck;
    to.why = "it reports phase " + std::to_string(from.getPhase()) + ", which this version does not know";
  }
  return to;
}

publication_asked decode_publication(wire::PublicationAsked::Reader from) {
  return {0, replica_id{from.getReplica()}, from.getTerm(), decode(from.getMeta())};
}
deletion_asked decode_deletion(wire::DeletionAsked::Reader from) {
  return {0, replica_id{from.getReplica()}, from.getTerm(), id_of(from.getId())};
}

sealed<wire::CooldownAcks> seal_cooldown_acks(const std::vector<cooldown_ack>& acks) {
  return seal<wire::CooldownAcks>(
    [&](auto to) {
      auto list = to.initAcknowledged(size_of(acks));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setTablet(raw(acks[i].tablet));
        list[i].setReplica(raw(acks[i].what.replica));
        list[i].setReport(acks[i].what.report);
        list[i].setTerm(acks[i].what.term);
      }
    },
    16 + acks.size() * 4);
}

sealed<wire::PublicationJudged> seal_publication_verdict(publication_verdict verdict) {
  return seal<wire::PublicationJudged>([&](auto to) {
    switch (verdict) {
      case publication_verdict::accepted: return to.setVerdict(wire::PublicationVerdict::ACCEPTED);
      case publication_verdict::not_uploader: return to.setVerdict(wire::PublicationVerdict::NOT_UPLOADER);
      case publication_verdict::not_greater: return to.setVerdict(wire::PublicationVerdict::NOT_GREATER);
      case publication_verdict::term_unknown: return to.setVerdict(wire::PublicationVerdict::TERM_UNKNOWN);
    }
  });
}

sealed<wire::DeletionJudged> seal_deletion_verdict(bool confirmed, const std::string& why) {
  return seal<wire::DeletionJudged>([&](auto to) {
    to.setConfirmed(confirmed);
    to.setWhy(why.c_str());
  });
}

sealed<wire::CooldownOrders> seal_cooldown_orders(const catalog& cat,
                                                  std::span<const std::pair<tablet_id, replica_id>> replicas, time_ms lease) {
  std::vector<order_facts> orders;
  for (const auto& [id, replica] : replicas) {
    const auto* t = cat.tablets.find(id);
    if (t == nullptr || t->find(replica) == nullptr)
      continue;
    orders.push_back({t, replica, policy_of(cat, *t), cat.cooldowns.find(id), cat.table_of(*t)->find(t->partition)});
  }
  // All there are, few as they are: a cleanup has to look into each.
  std::vector<const resource*> stores;
  cat.resources.for_each([&](resource_id, const resource& r) { stores.push_back(&r); });
  return seal<wire::CooldownOrders>(
    [&](auto to) {
      to.setLeaseMs(static_cast<std::uint64_t>(lease.count()));
      auto list = to.initResources(size_of(stores));
      for (unsigned i = 0; i < list.size(); ++i)
        fill_resource(list[i], *stores[i]);
      auto tablets = to.initTablets(size_of(orders));
      for (unsigned i = 0; i < tablets.size(); ++i) {
        tablets[i].setTablet(raw(orders[i].of->id));
        tablets[i].setReplica(raw(orders[i].replica));
        fill_conf(tablets[i].initConf(), orders[i].conf != nullptr ? *orders[i].conf : cooldown_conf{});
        fill_policy(tablets[i], orders[i].policy);
        tablets[i].setCoolThrough(orders[i].part->cool_through);
        tablets[i].setRecall(orders[i].part->recalled);
      }
    },
    32 + orders.size() * 24 + stores.size() * 64);
}

}  // namespace tabletd::codec
