#include "node/be/source_link.h"
#include "actors/codec/agent_codec.h"
#include "node/coalescing_stream.h"
#include "node/kj_text.h"
#include <fmt/format.h>
#include <set>

namespace tabletd {

namespace {

// Often enough to show progress, rare enough not to be noticed.
constexpr std::uint64_t progress_bytes = 4U << 20;

byte_span bytes_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const std::byte*>(data.begin()), data.size()};
}

/// Throws storage_error(corrupt) if the manifest contradicts itself.
source_rowset decode_manifest(wire::RowsetManifest::Reader from, std::uint64_t tablet) {
  source_rowset rowset{from.getId(), {from.getVersion().getFirst(), from.getVersion().getLast()},
                       from.getRows(), from.getBytes(), from.getTxn(), {}, {}};
  rowset.written_ms = from.getWrittenMs();
  const auto where = fmt::format("the source's manifest of rowset {}", rowset.id);
  if (from.getIsRemote()) {
    rowset.object = from.getObject().cStr();
    rowset.blocks = from.getBlocks();
    rowset.footer.tablet = tablet;
    return rowset;
  }
  if (from.getBlocks() > 0) {
    const auto encoded = bytes_of(from.getFooter());
    rowset.encoded_footer.assign(encoded.begin(), encoded.end());
    rowset.footer = rowset_footer::decode(encoded, where);
  } else {
    rowset.footer.tablet = tablet;
  }
  const auto& footer = rowset.footer;
  if (footer.tablet != tablet || footer.rows != rowset.rows || footer.bytes != rowset.bytes
      || footer.blocks.size() != from.getBlocks())
    throw storage_error(storage_fault::corrupt, where, where + " does not agree with its footer");
  return rowset;
}

} // namespace

source_link::source_link(backend_room& room, const mover_limits& limits, const model::clone_order& order,
                         disk_worker& disk, std::shared_ptr<partial_copy> part, std::uint32_t attempt, hear_fn hear)
  : room_(room), limits_(limits), order_(order), disk_(disk), part_(std::move(part)), attempt_(attempt),
    hear_(std::move(hear)), window_({limits.window_bytes, limits.calls_max}) {}

source_link::~source_link() noexcept(false) = default;

// -- asking ------------------------------------------------------------------------------

void source_link::ask(const model::version_ranges& have) {
  auto connected = room_.network()
                     .parseAddress(order_.source_host.c_str(), order_.source_port)
                     .then([](kj::Own<kj::NetworkAddress>&& address) {
                       auto promise = address->connect();
                       return promise.attach(kj::mv(address));
                     });
  run(room_.timer()
        .timeoutAfter(limits_.connect_limit, kj::mv(connected))
        .then([this, have](kj::Own<kj::AsyncIoStream>&& stream) {
          return room_.timer().timeoutAfter(limits_.snapshot_limit, open_snapshot(kj::mv(stream), have));
        }));
}

kj::Promise<void> source_link::open_snapshot(kj::Own<kj::AsyncIoStream> stream, const model::version_ranges& have) {
  stream_ = kj::heap<coalescing_stream>(kj::mv(stream));
  client_ = kj::heap<capnp::TwoPartyClient>(*stream_);
  auto peer_request = client_->bootstrap().castAs<wire::BackendGateway>().peerRequest();
  const auto& cluster = room_.binding()->cluster;
  peer_request.setClusterId(kj::arrayPtr(cluster.data(), cluster.size()));
  return peer_request.send().then([this, have](auto&& response) -> kj::Promise<void> {
    auto outcome = response.getOutcome();
    if (outcome.isRefused()) {
      fail(model::task_failure::source_gone, outcome.getRefused().cStr());
      return kj::READY_NOW;
    }
    auto request = outcome.getPeer().snapshotRequest();
    request.setTablet(model::raw(order_.tablet));
    request.setReplica(model::raw(order_.source_replica));
    request.setVersion(order_.version);
    codec::encode(have, request.initHave(static_cast<unsigned>(have.size())));
    return request.send().then([this](snapshot_response&& opening) { opened(kj::mv(opening)); });
  });
}

void source_link::opened(snapshot_response&& response) {
  auto outcome = response.getOutcome();
  if (outcome.isFailed()) {
    const auto why = codec::decode(outcome.getFailed());
    return fail(why.kind, why.message);
  }
  auto from = outcome.getSnapshot();
  source_listing listing;
  auto& rowsets = listing.rowsets;
  model::clone_snapshot event{attempt_, from.getFull(), {}};
  std::set<std::uint64_t> ids;
  try {
    for (const auto manifest : from.getRowsets()) {
      rowsets.push_back(decode_manifest(manifest, model::raw(order_.tablet)));
      event.rowsets.push_back(rowsets.back().version);
      if (const auto id = rowsets.back().id; !ids.insert(id).second)
        return fail(model::task_failure::source_corrupt,
                    fmt::format("the source's manifest lists rowset {} of tablet {} twice; clone from another replica",
                                id, model::raw(order_.tablet)));
    }
  } catch (const storage_error& why) {
    return fail(model::task_failure::source_corrupt, why.what());
  }
  const auto remote = from.getRemote();
  listing.remote = {remote.getTerm(), remote.getSeq(), remote.getResource()};
  snapshot_ = std::make_shared<const source_listing>(std::move(listing));
  pin_ = from.getPin();
  hear_(event);
}

// -- copying -----------------------------------------------------------------------------

void source_link::copy() {
  run(on_disk(room_.loop(), disk_,
              [part = part_, snapshot = snapshot_](tablet_store& store) { return part->open(store, snapshot); })
        .then([this](disk_result<std::vector<std::uint32_t>>&& result) {
          if (!good(result.error()))
            return;
          window_.begin(snapshot_, std::move(result.value()));
          pump();
          run(watch());
        }));
}

void source_link::pump() {
  if (over_)
    return;
  if (window_.done())
    return finish();
  while (const auto block = window_.take())
    ask_block(*block);
}

void source_link::ask_block(block_window::block block) {
  ++awaited_;
  auto request = pin_.readRequest(capnp::MessageSize{8, 0});
  request.setRowset(snapshot_->rowsets[block.rowset].id);
  request.setBlock(block.index);
  run(request.send().then([this, block](block_response&& response) {
    return arrived(block, kj::mv(response));
  }));
}

kj::Promise<void> source_link::arrived(block_window::block block, block_response&& response) {
  --awaited_;
  ++arrivals_;
  if (over_)
    return kj::READY_NOW;
  if (response.getError().size() > 0) {
    fail(model::task_failure::source_corrupt, response.getError().cStr());
    return kj::READY_NOW;
  }
  ++room_.stats().blocks_copied;
  const auto& entry = window_.entry(block);
  const auto bytes = bytes_of(response.getData());
  // The message stays where it is until its bytes are in the file; nothing is copied.
  return on_disk(room_.loop(), disk_,
                 [part = part_, rowset = block.rowset, bytes, rows = entry.rows, checksum = entry.checksum](tablet_store&) {
                   part->append(rowset, bytes, rows, checksum);
                   return disk_done{};
                 },
                 kj::mv(response))
    .then([this, length = entry.length](disk_result<disk_done>&& result) {
      const auto* why = result.error();
      if (why && why->fault() == storage_fault::corrupt)
        broke(fmt::format("a block was damaged on its way: {}", why->what()));
      else if (good(why))
        written(length);
    });
}

void source_link::written(std::size_t bytes) {
  if (over_)
    return;
  window_.written(bytes);
  untold_bytes_ += bytes;
  room_.stats().copy_bytes_in += bytes;
  if (untold_bytes_ >= progress_bytes)
    progress();
  pump();
}

void source_link::finish() {
  progress();
  run(on_disk(room_.loop(), disk_, [part = part_](tablet_store&) {
        part->finish();
        return disk_done{};
      }).then([this](disk_result<disk_done>&& result) {
    if (good(result.error()))
      hear_(model::clone_copied{attempt_});
  }));
}

kj::Promise<void> source_link::watch() {
  return room_.timer().afterDelay(limits_.stall_limit).then([this, seen = arrivals_]() -> kj::Promise<void> {
    if (over_ || window_.done())
      return kj::READY_NOW;
    if (awaited_ > 0 && arrivals_ == seen) {
      broke("the source has stopped answering");
      return kj::READY_NOW;
    }
    return watch();
  });
}

// -- telling -----------------------------------------------------------------------------

void source_link::progress() {
  if (untold_bytes_ > 0)
    hear_(model::clone_progressed{attempt_, std::exchange(untold_bytes_, 0)});
}

void source_link::broke(const std::string& why) {
  if (std::exchange(over_, true))
    return;
  progress();
  hear_(model::clone_link_broke{attempt_, why});
}

void source_link::fail(model::task_failure kind, const std::string& why) {
  if (std::exchange(over_, true))
    return;
  progress();
  hear_(model::clone_step_failed{attempt_, {kind, why}});
}

bool source_link::good(const storage_error* why) {
  if (!why)
    return true;
  const auto kind = why->fault() == storage_fault::disk_full ? model::task_failure::disk_full
                                                            : model::task_failure::io;
  fail(kind, fmt::format("path {}: {}", disk_.root(), why->what()));
  return false;
}

void source_link::run(kj::Promise<void> step) {
  tasks_.add(step.catch_([this](kj::Exception&& why) { broke(text_of(why)); }));
}

} // namespace tabletd
