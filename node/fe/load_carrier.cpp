#include "node/fe/load_carrier.h"
#include "actors/model/load_txn.h"
#include "node/kj_text.h"
#include <caf/send.hpp>
#include <capnp/orphan.h>
#include <fmt/format.h>

namespace tabletd {

namespace {

// Bytes sent to backends and not yet written there, over all replicas.  Enough to keep
// every lane busy through one slow write, small enough that a load of any size stays small.
constexpr std::size_t in_flight_bytes_max = 48U << 20;
// Disks may need a while for the last fsync of a large load.
constexpr auto verdict_limit = std::chrono::minutes(10);

template <class Refusal>
void set_error(api::Error::Builder error, const Refusal& why) {
  error.setCode(why.code);
  error.setMessage(why.message.c_str());
  error.setHint(why.hint);
}

} // namespace

load_carrier::load_carrier(ports where, statement_outcome plan)
  : where_(std::move(where)), plan_(std::move(plan)) {
  const auto load = plan_.get().getLoad();
  txn_ = load.getTxn();
  for (const auto planned : load.getTablets()) {
    auto& at = tablets_.emplace_back();
    at.id = planned.getTablet();
    for (const auto replica : planned.getReplicas()) {
      at.targets.push_back({replica.getReplica(), replica.getBackend()});
      lanes_[replica.getBackend()].buckets.push_back(static_cast<std::uint32_t>(tablets_.size() - 1));
    }
  }
  row_splitter::options how;
  how.buckets = static_cast<std::uint32_t>(tablets_.size());
  how.key_column = load.getKeyColumn();
  how.separator = static_cast<char>(load.getSeparator());
  splitter_ = std::make_unique<row_splitter>(
    how, [this](std::uint32_t bucket, row_block_ptr block) { send_block(bucket, block); });
  open_lanes();
}

load_carrier::~load_carrier() noexcept(false) {
  abandon();
  for (auto& [backend, lane] : lanes_)
    if (!lane.in_flight.empty())
      where_.links->keep_until_written(lane.link, std::move(lane.in_flight));
}

void load_carrier::abandon() {
  if (!std::exchange(verdict_asked_, true))
    caf::anon_send(where_.session, load_abandoned{txn_});
}

void load_carrier::open_lanes() {
  for (auto& [backend, lane] : lanes_) {
    lane.link = where_.links->find(static_cast<model::backend_id>(backend));
    if (!lane.link) {
      lane_failed(backend, "it is not connected");
      continue;
    }
    auto request = lane.link->service.openLoadRequest();
    request.setTerm(lane.link->term);
    request.setTxn(txn_);
    auto targets = request.initTablets(static_cast<unsigned>(lane.buckets.size()));
    for (unsigned i = 0; i < targets.size(); ++i) {
      const auto& at = tablets_[lane.buckets[i]];
      targets[i].setTablet(at.id);
      for (const auto& target : at.targets)
        if (target.backend == backend)
          targets[i].setReplica(target.replica);
    }
    auto opened = request.send();
    lane.writer = opened.getWriter();
    sends_.add(opened.ignoreResult().catch_([this, backend = backend](kj::Exception&& why) {
      lane_failed(backend, text_of(why));
    }));
  }
}

void load_carrier::lane_failed(std::uint64_t backend, std::string why) {
  auto& lane = lanes_[backend];
  if (!lane.failure.empty())
    return;
  lane.failure = std::move(why);
  lane.writer = nullptr;
}

void load_carrier::send_block(std::uint32_t bucket, const row_block_ptr& block) {
  const auto& at = tablets_[bucket];
  for (const auto& target : at.targets) {
    auto& lane = lanes_[target.backend];
    if (lane.writer == nullptr)
      continue;
    in_flight_bytes_ += block->bytes;
    const auto sent = lane.in_flight.insert(lane.in_flight.end(), block);
    auto written = lane.link->loads.enter(block->bytes)
                     .then([this, &lane, tablet = at.id, block](byte_window::pass&& pass) {
                       return send_to(lane, tablet, block).attach(kj::mv(pass));
                     });
    sends_.add(written.then(
      [this, &lane, sent] { landed(lane, sent); },
      [this, &lane, sent, backend = target.backend](kj::Exception&& why) {
        // The broken connection may still hold the message that points at the block.
        lane.link->kept.push_back(*sent);
        lane_failed(backend, text_of(why));
        landed(lane, sent);
      }));
  }
}

kj::Promise<void> load_carrier::send_to(backend_lane& lane, std::uint64_t tablet, const row_block_ptr& block) {
  KJ_IF_MAYBE(writer, lane.writer) {
    auto request = writer->writeRequest(capnp::MessageSize{64, 0});
    request.setTablet(tablet);
    request.setRows(block->rows);
    request.setChecksum(block->checksum);
    auto orphanage
      = capnp::Orphanage::getForMessageContaining(wire::LoadWriter::WriteParams::Builder(request));
    request.adoptBlock(orphanage.referenceExternalData(capnp::Data::Reader(block->data())));
    return request.send().ignoreResult();
  }
  return kj::READY_NOW; // The lane failed while this block waited for its turn.
}

kj::Promise<void> load_carrier::room() {
  if (in_flight_bytes_ <= in_flight_bytes_max)
    return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  return paf.promise.then([this] { return room(); });
}

void load_carrier::landed(backend_lane& of, std::list<row_block_ptr>::iterator sent) {
  in_flight_bytes_ -= (*sent)->bytes;
  of.in_flight.erase(sent);
  if (in_flight_bytes_ > in_flight_bytes_max)
    return;
  for (auto& one : std::exchange(waiting_, {}))
    one->fulfill();
}

/// Nothing in flight any more.
kj::Promise<void> load_carrier::drained() {
  return sends_.onEmpty();
}

/// Why this load cannot commit any more, or empty.
std::string load_carrier::doom() const {
  for (const auto& at : tablets_) {
    std::size_t working = 0;
    std::string broken;
    for (const auto& target : at.targets) {
      const auto& failure = lanes_.at(target.backend).failure;
      if (failure.empty())
        ++working;
      else
        broken += fmt::format("{}backend {}: {}", broken.empty() ? "" : "; ", target.backend, failure);
    }
    if (!model::can_commit(working, plan_.get().getLoad().getReplicationNum()))
      return fmt::format("tablet {} lost its majority ({})", at.id, broken);
  }
  return {};
}

/// Why the next part of the stream cannot be taken.
std::optional<load_carrier::refusal> load_carrier::take(std::uint64_t offset, capnp::Data::Reader chunk) {
  if (offset != offset_)
    return refusal{api::ErrorCode::INVALID_ARGUMENT,
                   fmt::format("chunk at offset {} arrived where {} was expected", offset, offset_),
                   "the load is rolled back; send the chunks of an upload in order"};
  offset_ += chunk.size();
  if (auto why = splitter_->push({reinterpret_cast<const char*>(chunk.begin()), chunk.size()}))
    return refusal{api::ErrorCode::INVALID_ARGUMENT, std::move(*why),
                   "the load is rolled back; mend the file and load it again"};
  if (auto why = doom(); !why.empty())
    return refusal{api::ErrorCode::UNAVAILABLE, std::move(why),
                   "the load is rolled back; see SHOW BACKENDS and load again"};
  return std::nullopt;
}

const load_carrier::refusal& load_carrier::ended_already() {
  static const refusal all{api::ErrorCode::FAILED_PRECONDITION, "this upload was finished before",
                           "begin a new load for more rows"};
  return all;
}

kj::Promise<void> load_carrier::write(WriteContext context) {
  const auto params = context.getParams();
  if (!finishing_ && !refused_)
    refused_ = take(params.getOffset(), params.getChunk());
  if (finishing_ || refused_) {
    set_error(context.getResults().initOutcome().initError(), refused_ ? *refused_ : ended_already());
    return kj::READY_NOW;
  }
  context.getResults().initOutcome().setOk();
  context.releaseParams();
  return room();
}

kj::Promise<void> load_carrier::finish(FinishContext context) {
  if (finishing_ || refused_) {
    if (refused_)
      abandon();
    set_error(context.getResults().initResult().initError(), refused_ ? *refused_ : ended_already());
    return kj::READY_NOW;
  }
  finishing_ = true;
  splitter_->finish();
  return drained()
    .then([this] {
      auto all = kj::heapArrayBuilder<kj::Promise<void>>(lanes_.size());
      for (const auto& [backend, lane] : lanes_)
        all.add(prepare_lane(backend));
      return kj::joinPromises(all.finish());
    })
    .then([this] {
      verdict_asked_ = true;
      return ask<api_result>(where_.loop, where_.sys, where_.session, summary(), verdict_limit);
    })
    .then([context](api_result result) mutable { context.getResults().setResult(result.get()); });
}

kj::Promise<void> load_carrier::prepare_lane(std::uint64_t backend) {
  auto& lane = lanes_[backend];
  KJ_IF_MAYBE(writer, lane.writer) {
    auto request = writer->prepareRequest();
    auto expected = request.initTablets(static_cast<unsigned>(lane.buckets.size()));
    for (unsigned i = 0; i < expected.size(); ++i) {
      const auto bucket = lane.buckets[i];
      expected[i].setTablet(tablets_[bucket].id);
      expected[i].setRows(splitter_->rows(bucket));
      expected[i].setBytes(splitter_->bytes(bucket));
    }
    return request.send().then(
      [this, backend](auto&& response) {
        for (const auto failure : response.getFailed())
          lanes_[backend].failed_tablets.insert(failure.getTablet());
        if (response.getFailed().size() > 0)
          lanes_[backend].failure = response.getFailed()[0].getMessage().cStr();
      },
      [this, backend](kj::Exception&& why) {
        lane_failed(backend, text_of(why));
        for (const auto bucket : lanes_[backend].buckets)
          lanes_[backend].failed_tablets.insert(tablets_[bucket].id);
      });
  }
  for (const auto bucket : lane.buckets)
    lane.failed_tablets.insert(tablets_[bucket].id);
  return kj::READY_NOW;
}

load_prepared load_carrier::summary() const {
  return seal<wire::LoadPrepared>([&](auto to) {
    to.setTxn(txn_);
    auto tablets = to.initTablets(static_cast<unsigned>(tablets_.size()));
    for (std::uint32_t bucket = 0; bucket < tablets_.size(); ++bucket) {
      const auto& at = tablets_[bucket];
      auto one = tablets[bucket];
      one.setTablet(at.id);
      one.setRows(splitter_->rows(bucket));
      one.setBytes(splitter_->bytes(bucket));
      std::vector<std::uint64_t> prepared;
      for (const auto& target : at.targets)
        if (!lanes_.at(target.backend).failed_tablets.contains(at.id))
          prepared.push_back(target.replica);
      auto list = one.initPrepared(static_cast<unsigned>(prepared.size()));
      for (unsigned i = 0; i < list.size(); ++i)
        list.set(i, prepared[i]);
    }
    std::vector<const lanes::value_type*> failed;
    for (const auto& entry : lanes_)
      if (!entry.second.failure.empty())
        failed.push_back(&entry);
    auto listed = to.initFailures(static_cast<unsigned>(failed.size()));
    for (unsigned i = 0; i < listed.size(); ++i) {
      listed[i].setBackend(failed[i]->first);
      listed[i].setMessage(failed[i]->second.failure.c_str());
    }
  }, 4096);
}

} // namespace tabletd
