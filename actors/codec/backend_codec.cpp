#include "actors/codec/backend_codec.h"
#include "actors/codec/wire_words.h"

namespace tabletd::codec {

using namespace model;

backend_report decode(wire::TabletReport::Reader from) {
  backend_report report;
  report.boot = from.getBootId();
  report.stamp = from.getStamp();
  report.full = from.getFull();
  report.tablets.reserve(from.getTablets().size());
  for (const auto held : from.getTablets())
    report.tablets.push_back(decode(held));
  for (const auto ref : from.getGone())
    report.gone.push_back({tablet_id{ref.getTablet()}, replica_id{ref.getReplica()}});
  for (const auto txn : from.getPrepared())
    report.prepared.push_back(txn_id{txn});
  return report;
}

path_view decode(wire::PathStatus::Reader from) {
  path_view path;
  path.hash = path_hash{from.getHash()};
  path.root = from.getRoot().cStr();
  path.medium = from.getSsd() ? medium::ssd : medium::hdd;
  path.capacity_bytes = from.getCapacityBytes();
  path.data_bytes = from.getDataBytes();
  path.available_bytes = from.getAvailableBytes();
  path.tablets = from.getTablets();
  path.online = from.getOnline();
  path.error = from.getError().cStr();
  return path;
}

std::vector<path_view> decode(capnp::List<wire::PathStatus>::Reader from) {
  std::vector<path_view> paths;
  paths.reserve(from.size());
  for (const auto path : from)
    paths.push_back(decode(path));
  return paths;
}

backend_status decode(wire::BackendStatus::Reader from) {
  return {from.getBootId(), from.getStamp(), decode(from.getPaths()), from.getTasksRunning()};
}

void decode_into(backend_view& view, wire::AttachedFacts::Reader from) {
  view.boot = from.getBootId();
  view.started = time_ms{from.getStartedMs()};
  view.http_port = from.getHttpPort();
  view.version = from.getVersion().cStr();
  view.paths = decode(from.getPaths());
}

sealed<wire::TaskBatch> seal_tasks(const std::vector<agent_task>& tasks) {
  return seal<wire::TaskBatch>(
      [&](auto batch) {
        auto list = batch.initTasks(size_of(tasks));
        for (unsigned i = 0; i < list.size(); ++i)
          encode(tasks[i], list[i]);
      },
      16 + tasks.size() * 8);
}

sealed<wire::PublishOrder> seal_verdicts(backend_id backend,
                                         const std::vector<txn_verdict>& verdicts) {
  return seal<wire::PublishOrder>(
      [&](auto order) {
        order.setBackend(raw(backend));
        auto txns = order.initTxns(size_of(verdicts));
        for (unsigned i = 0; i < txns.size(); ++i) {
          txns[i].setTxn(raw(verdicts[i].txn));
          txns[i].setVersion(verdicts[i].version);
        }
      },
      16 + verdicts.size() * 4);
}

} // namespace tabletd::codec
