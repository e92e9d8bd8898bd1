#include "actors/codec/agent_cooldown_codec.h"

#include <kj/debug.h>

namespace tabletd::codec {

namespace {

model::cooldown_conf decode(wire::CooldownConf::Reader from) {
  model::cooldown_conf conf{model::replica_id{from.getUploader()}, from.getTerm(), {}};
  if (from.getPublished().isMeta())
    conf.published = codec::decode(from.getPublished().getMeta());
  conf.recalled = {from.getRecalled().getTerm(), from.getRecalled().getSeq()};
  return conf;
}

}  // namespace

cooldown_order decode(wire::CooldownOrder::Reader from) {
  cooldown_order order{model::tablet_id{from.getTablet()}, model::replica_id{from.getReplica()}, decode(from.getConf()),
                       model::resource_id{from.getResource()}, {}, from.getRecall()};
  const auto rule = from.getRule();
  switch (rule.which()) {
    case wire::CooldownOrder::Rule::NEVER:
      return order;
    case wire::CooldownOrder::Rule::TTL_MS:
      order.rule = model::cooling_rule{model::time_ms(rule.getTtlMs()), {}, from.getCoolThrough()};
      return order;
    case wire::CooldownOrder::Rule::DATETIME_MS:
      order.rule = model::cooling_rule{{}, model::time_ms(rule.getDatetimeMs()), from.getCoolThrough()};
      return order;
  }
  KJ_FAIL_REQUIRE("CooldownOrder.rule is of a kind this build does not know");
}

model::published_meta decode(wire::PublishedMeta::Reader from) {
  const auto id = from.getId();
  return {{id.getTerm(), id.getSeq()}, model::resource_id{from.getResource()}, from.getObject().cStr(),
          from.getCrc32c(),            from.getLastVersion(),                  from.getBytes()};
}

void encode(const model::remote_meta_id& id, wire::RemoteMetaId::Builder to) {
  to.setTerm(id.term);
  to.setSeq(id.seq);
}

void encode(const model::published_meta& meta, wire::PublishedMeta::Builder to) {
  encode(meta.id, to.initId());
  to.setResource(model::raw(meta.resource));
  to.setObject(meta.object.c_str());
  to.setCrc32c(meta.crc32c);
  to.setLastVersion(meta.last_version);
  to.setBytes(meta.bytes);
}

void encode(model::tablet_id tablet, const model::cooldown_reported& report, wire::CooldownReport::Builder to) {
  to.setTablet(model::raw(tablet));
  to.setReplica(model::raw(report.replica));
  to.setReport(report.report);
  to.setTerm(report.term);
  encode(report.published, to.initPublished());
  encode(report.id, to.initId());
  to.setRemoteLast(report.remote_last);
  to.setPhase(static_cast<std::uint8_t>(report.phase));
  to.setWhy(report.why.c_str());
}

model::publication_verdict decode(wire::PublicationVerdict from) {
  switch (from) {
    case wire::PublicationVerdict::ACCEPTED: return model::publication_verdict::accepted;
    case wire::PublicationVerdict::NOT_UPLOADER: return model::publication_verdict::not_uploader;
    case wire::PublicationVerdict::NOT_GREATER: return model::publication_verdict::not_greater;
    case wire::PublicationVerdict::TERM_UNKNOWN: return model::publication_verdict::term_unknown;
  }
  KJ_FAIL_REQUIRE("the leader's verdict on a publication is of a kind this build does not know");
}

resource_definition decode(wire::RemoteResource::Reader from) {
  resource_definition resource{model::resource_id{from.getId()}, from.getIsS3(), {}, 0};
  for (const auto property : from.getProperties())
    resource.properties.emplace_back(property.getKey().cStr(), property.getValue().cStr());
  resource.version = from.getVersion();
  return resource;
}

}  // namespace tabletd::codec
