#include "node/be/backend_peer.h"
#include "actors/codec/agent_codec.h"
#include "actors/model/snapshot_plan.h"
#include "node/be/block_reading.h"
#include <fmt/format.h>
#include <algorithm>
#include <map>

namespace tabletd {

namespace {

struct snapshot_request {
  std::uint64_t tablet{};
  std::uint64_t replica{};
  model::version_ranges have;
  std::uint64_t version{};
};
struct pinned_rowset {
  rowset_meta meta;
  std::shared_ptr<rowset_reader> rowset;
  std::vector<std::byte> footer;
};
struct pinned_snapshot {
  bool full = false;
  remote_set remote;
  std::vector<pinned_rowset> rowsets;
};
using snapshot_opening = std::variant<pinned_snapshot, model::task_failed>;

/// Why this replica is no source, or nothing.
std::optional<model::task_failed> objection(const tablet_store& store, const snapshot_request& wanted) {
  const auto here = store.status(wanted.tablet);
  if (!here || here->replica != wanted.replica)
    return model::task_failed{model::task_failure::source_gone,
                              fmt::format("the source does not hold replica {} of tablet {}", wanted.replica,
                                          wanted.tablet)};
  if (here->bad)
    return model::task_failed{model::task_failure::source_corrupt,
                              fmt::format("replica {} of tablet {} at the source is damaged", wanted.replica,
                                          wanted.tablet)};
  if (here->version < wanted.version)
    return model::task_failed{model::task_failure::stale,
                              fmt::format("replica {} of tablet {} at the source reaches version {}, not {}",
                                          wanted.replica, wanted.tablet, here->version, wanted.version)};
  return std::nullopt;
}

snapshot_opening open_snapshot(path_set& paths, disk_worker& disk, tablet_store& store,
                               const snapshot_request& wanted) {
  if (auto why = objection(store, wanted))
    return *std::move(why);
  const auto rowsets = store.rowsets(wanted.tablet);
  model::version_ranges ranges;
  for (const auto& rowset : rowsets)
    ranges.push_back({rowset.first_version, rowset.last_version});
  const auto here = *store.status(wanted.tablet);
  auto choice = model::choose_rowsets(ranges, wanted.have, here.version);
  // One remote rowset is no set of them (I1): all of them come along.
  if (std::ranges::any_of(choice.rowsets, [&](std::size_t index) { return rowsets[index].is_remote(); }))
    choice = model::choose_rowsets(ranges, model::version_ranges{}, here.version);
  pinned_snapshot snapshot{choice.full, here.remote, {}};
  for (const auto index : choice.rowsets) {
    if (rowsets[index].is_remote()) {
      snapshot.rowsets.push_back({rowsets[index], nullptr, {}});
      continue;
    }
    try {
      auto rowset = store.open_rowset(rowsets[index]);
      auto footer = rowsets[index].blocks == 0 ? std::vector<std::byte>{} : rowset->footer().encode();
      snapshot.rowsets.push_back({rowsets[index], std::move(rowset), std::move(footer)});
    } catch (const storage_error& why) {
      if (why.fault() != storage_fault::corrupt)
        throw;
      paths.corrupt(disk, store, wanted.tablet);
      return model::task_failed{model::task_failure::source_corrupt, why.what()};
    }
  }
  return snapshot;
}

/// Holds the files of one snapshot.
class snapshot_pin final : public wire::SnapshotPin::Server {
public:
  snapshot_pin(backend_room_ptr room, disk_worker& disk, std::uint64_t tablet, const pinned_snapshot& snapshot)
    : room_(std::move(room)), disk_(disk), tablet_(tablet) {
    for (const auto& pinned : snapshot.rowsets)
      if (pinned.rowset)
        rowsets_.emplace(pinned.meta.id, pinned.rowset);
  }
  ~snapshot_pin() noexcept(false) {
    std::vector<std::shared_ptr<rowset_reader>> readers;
    for (auto& [id, rowset] : rowsets_)
      readers.push_back(std::move(rowset));
    release_readers(disk_, std::move(readers));
  }

  kj::Promise<void> read(ReadContext context) override {
    const auto params = context.getParams();
    const auto at = rowsets_.find(params.getRowset());
    KJ_REQUIRE(at != rowsets_.end() && params.getBlock() < at->second->footer().blocks.size(),
               "SnapshotPin: no such block in this snapshot", params.getRowset(), params.getBlock());
    const auto& entry = at->second->footer().blocks[params.getBlock()];
    auto to = context.getResults(capnp::MessageSize{entry.length / sizeof(capnp::word) + 16, 0});
    to.setChecksum(entry.checksum);
    return read_block(*room_, disk_, tablet_, at->second, params.getBlock(), to.initData(entry.length))
      .then([this, context, bytes = entry.length](block_read&& how) mutable {
        if (how.failure.empty())
          room_->stats().copy_bytes_out += bytes;
        else
          context.initResults().setError(how.failure.c_str());
      });
  }

private:
  backend_room_ptr room_;
  disk_worker& disk_;
  std::uint64_t tablet_;
  std::map<std::uint64_t, std::shared_ptr<rowset_reader>> rowsets_; ///< By id.
};

void encode_manifest(const pinned_rowset& pinned, wire::RowsetManifest::Builder to) {
  to.setId(pinned.meta.id);
  to.getVersion().setFirst(pinned.meta.first_version);
  to.getVersion().setLast(pinned.meta.last_version);
  to.setRows(pinned.meta.rows);
  to.setBytes(pinned.meta.bytes);
  to.setBlocks(pinned.meta.blocks);
  to.setTxn(pinned.meta.txn);
  to.setWrittenMs(pinned.meta.written_ms);
  to.setIsRemote(pinned.meta.is_remote());
  if (pinned.meta.object)
    to.setObject(pinned.meta.object->c_str());
  to.setFooter(kj::arrayPtr(reinterpret_cast<const kj::byte*>(pinned.footer.data()), pinned.footer.size()));
}

} // namespace

kj::Promise<void> backend_peer::snapshot(SnapshotContext context) {
  const auto params = context.getParams();
  const snapshot_request wanted{params.getTablet(), params.getReplica(), codec::decode(params.getHave()),
                                params.getVersion()};
  auto refuse = [context](const model::task_failed& why) mutable {
    codec::encode(why, context.getResults().initOutcome().initFailed());
  };
  auto* disk = room_->paths().disk_of(wanted.tablet);
  if (!disk) {
    refuse({model::task_failure::source_gone, fmt::format("the source does not hold tablet {}", wanted.tablet)});
    return kj::READY_NOW;
  }
  return on_disk(room_->loop(), *disk,
                 [paths = room_->shared_paths(), disk, wanted](tablet_store& store) {
                   return open_snapshot(*paths, *disk, store, wanted);
                 })
    .then([this, context, refuse, disk, tablet = wanted.tablet](disk_result<snapshot_opening>&& result) mutable {
      if (const auto* why = result.error())
        return refuse({model::task_failure::source_gone, why->what()});
      const auto& opening = result.value();
      if (const auto* why = std::get_if<model::task_failed>(&opening))
        return refuse(*why);
      const auto& snapshot = std::get<pinned_snapshot>(opening);
      auto to = context.getResults().initOutcome().initSnapshot();
      to.setFull(snapshot.full);
      auto remote = to.initRemote();
      remote.setTerm(snapshot.remote.term);
      remote.setSeq(snapshot.remote.seq);
      remote.setResource(snapshot.remote.resource);
      auto rowsets = to.initRowsets(static_cast<unsigned>(snapshot.rowsets.size()));
      for (unsigned i = 0; i < rowsets.size(); ++i)
        encode_manifest(snapshot.rowsets[i], rowsets[i]);
      to.setPin(kj::heap<snapshot_pin>(room_, *disk, tablet, snapshot));
    });
}

} // namespace tabletd
