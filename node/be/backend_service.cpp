#include "node/be/backend_service.h"
#include "actors/codec/agent_codec.h"
#include "node/be/backend_peer.h"
#include "node/be/load_writer.h"
#include "node/be/publication.h"
#include "node/be/tablet_scan.h"
#include <caf/send.hpp>
#include <algorithm>

namespace tabletd {

namespace {

/// All zero if it is not 16 bytes; no cluster has that id.
model::cluster_uuid cluster_of(capnp::Data::Reader bytes) {
  model::cluster_uuid id{};
  if (bytes.size() == id.size())
    std::copy(bytes.begin(), bytes.end(), id.begin());
  return id;
}

void encode_path(const disk_status& disk, wire::PathStatus::Builder to) {
  to.setHash(disk.hash);
  to.setRoot(disk.root.c_str());
  to.setSsd(disk.ssd);
  to.setCapacityBytes(disk.usage.capacity_bytes);
  to.setDataBytes(disk.usage.data_bytes);
  to.setAvailableBytes(disk.usage.available_bytes);
  to.setOnline(disk.online);
  to.setError(disk.error.c_str());
  to.setTablets(disk.usage.tablets);
}

template <class Builder>
void encode_paths(const path_set& paths, Builder to) {
  const auto all = paths.status();
  auto list = to.initPaths(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    encode_path(all[i], list[i]);
}

kj::Exception closing() {
  return {kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__,
          kj::heapString("this backend is shutting down")};
}

} // namespace

// -- gateway -----------------------------------------------------------------------------

kj::Promise<void> backend_gateway::attach(AttachContext context) {
  const auto params = context.getParams();
  const auto from = params.getHello();
  const model::attach_hello hello{cluster_of(from.getClusterId()),
                                  static_cast<model::backend_id>(from.getBackend()), from.getTerm(),
                                  from.getLeader()};
  return room_->admit(hello, params.getSink()).then([this, context](backend_room::admission&& how) mutable {
    auto outcome = context.getResults().initOutcome();
    if (!how.refusal.empty()) {
      outcome.setRefused(how.refusal.c_str());
      return;
    }
    const auto& facts = room_->facts();
    auto to = outcome.initAccepted();
    to.setService(kj::heap<backend_service>(room_, how.link));
    to.setBootId(facts.boot);
    to.setStartedMs(facts.started_ms);
    to.setHttpPort(facts.http_port);
    to.setVersion(facts.version.c_str());
    encode_paths(room_->paths(), to);
  });
}

kj::Promise<void> backend_gateway::peer(PeerContext context) {
  auto outcome = context.getResults().initOutcome();
  if (room_->is_ours(cluster_of(context.getParams().getClusterId())))
    outcome.setPeer(kj::heap<backend_peer>(room_));
  else
    outcome.setRefused("this backend belongs to another cluster, or to none yet; the order names a wrong host or port");
  return kj::READY_NOW;
}

// -- service -----------------------------------------------------------------------------

kj::Promise<void> backend_service::heartbeat(HeartbeatContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_, context.getParams().getTerm()))
    return kj::mv(*why);
  auto status = context.getResults().initStatus();
  status.setBootId(room_->facts().boot);
  status.setStamp(room_->stats().stamp);
  status.setTasksRunning(static_cast<std::uint32_t>(room_->stats().tasks_open));
  encode_paths(room_->paths(), status);
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::submit(SubmitContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_, params.getTerm()))
    return kj::mv(*why);
  if (room_->draining())
    return closing();
  for (const auto task : params.getTasks())
    static_cast<void>(codec::decode(task)); // Throws here, where it costs only this call.
  const auto words = params.totalSize().wordCount;
  caf::anon_send(room_->keeper(), seal<wire::TaskBatch>([&](auto to) { to.setTasks(params.getTasks()); },
                                                        words + 16));
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::publish(PublishContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_, context.getParams().getTerm()))
    return kj::mv(*why);
  std::vector<txn_verdict> verdicts;
  for (const auto from : context.getParams().getTxns()) {
    auto& verdict = verdicts.emplace_back();
    verdict.txn = from.getTxn();
    verdict.version = from.getVersion();
    for (const auto tablet : from.getTablets())
      verdict.tablets.push_back(tablet);
  }
  return room_->counted(publish_verdicts(room_, link_, std::move(verdicts))
                          .then([context](std::vector<publish_failure>&& failed) mutable {
                            auto list = context.getResults().initFailed(static_cast<unsigned>(failed.size()));
                            for (unsigned i = 0; i < list.size(); ++i) {
                              list[i].setTablet(failed[i].tablet);
                              list[i].setTxn(failed[i].txn);
                              list[i].setMessage(failed[i].message.c_str());
                            }
                          }));
}

kj::Promise<void> backend_service::report(ReportContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_, context.getParams().getTerm()))
    return kj::mv(*why);
  caf::anon_send(room_->reporter(), report_wanted{});
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::openLoad(OpenLoadContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_, params.getTerm()))
    return kj::mv(*why);
  if (room_->draining())
    return closing();
  std::vector<load_target> targets;
  for (const auto target : params.getTablets())
    targets.push_back({target.getTablet(), target.getReplica()});
  context.getResults().setWriter(kj::heap<load_writer>(room_, link_, params.getTxn(), targets));
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::cooldown(CooldownContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_, params.getTerm()))
    return kj::mv(*why);
  for (const auto order : params.getOrders().getTablets())
    static_cast<void>(codec::decode(order)); // Throws here, where it costs only this call.
  // At once: a scan that follows this call may need it.
  std::vector<codec::resource_definition> resources;
  for (const auto resource : params.getOrders().getResources())
    resources.push_back(codec::decode(resource));
  room_->shelf()->know(resources);
  caf::anon_send(room_->cooldown(), cooldown_orders::copy(params.getOrders()));
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::openScan(OpenScanContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  const scan_request wanted{params.getTablet(), params.getReplica(), params.getVersion(),
                            {params.getFromVersion(), params.getFromBlock(), params.getFromFirst()}, params.getPartition()};
  return open_scan(room_, link_, wanted, context.getResults().initOutcome());
}

} // namespace tabletd
