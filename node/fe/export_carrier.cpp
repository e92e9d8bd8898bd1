#include "node/fe/export_carrier.h"
#include "node/kj_text.h"
#include <fmt/format.h>
#include <xxhash.h>

namespace tabletd {

namespace {

constexpr std::size_t blocks_ahead = 4; // As many as a Scan lets wait (schemas/backend.capnp).

} // namespace

export_carrier::export_carrier(std::shared_ptr<backend_links> links, statement_outcome plan)
  : links_(std::move(links)), plan_(std::move(plan)), turn_(kj::Promise<void>(kj::READY_NOW).fork()) {}

kj::Promise<void> export_carrier::read(ReadContext context) {
  auto served = turn_.addBranch().then([this, context]() mutable { return next(context); }).fork();
  // A failed or cancelled read must not take the later ones with it.
  turn_ = served.addBranch().catch_([](kj::Exception&&) {}).fork();
  return served.addBranch();
}

kj::Promise<void> export_carrier::next(ReadContext context) {
  if (!final_.empty())
    return tell_final(context);
  const auto tablets = plan_.get().getExportPlan().getTablets();
  while (tablet_ < tablets.size() && tablets[tablet_].getRows() == 0)
    next_tablet();
  if (tablet_ == tablets.size()) {
    context.getResults().setEnd(true);
    return kj::READY_NOW;
  }
  if (scan_ == nullptr)
    return open_scan(context);
  ask_ahead();
  auto first = kj::mv(ahead_.front());
  ahead_.pop_front();
  return first.then(
    [this, context](block_response&& response) mutable { return take(context, kj::mv(response)); },
    [this, context](kj::Exception&& why) mutable { return try_another(context, text_of(why)); });
}

void export_carrier::ask_ahead() {
  KJ_IF_MAYBE(scan, scan_) {
    while (ahead_.size() < blocks_ahead)
      ahead_.push_back(scan->nextRequest().send());
  }
}

std::uint32_t export_carrier::remotes() const {
  return planned().hasRemote() ? planned().getRemote().getBackends().size() : 0;
}

model::backend_id export_carrier::source() const {
  return static_cast<model::backend_id>(source_ < remotes() ? planned().getRemote().getBackends()[source_]
                                                            : planned().getReplicas()[source_ - remotes()].getBackend());
}

/// Nothing of the tablet has been delivered, and what comes after its cooled part has to come from a replica.
bool export_carrier::wants_later() const {
  return source_ < remotes() && at_.version == 0 && later_ == nullptr
         && planned().getRemote().getThrough() < planned().getVersion();
}

kj::Promise<void> export_carrier::open_later(ReadContext context) {
  const auto replica = planned().getReplicas()[later_source_];
  later_link_ = links_->find(static_cast<model::backend_id>(replica.getBackend()));
  if (!later_link_)
    return no_later(context, "it is not connected");
  auto request = replica_scan(*later_link_, later_source_);
  request.setFromVersion(planned().getRemote().getThrough() + 1);
  return request.send().then(
    [this, context](auto&& response) mutable {
      auto outcome = response.getOutcome();
      if (outcome.isFailed())
        return no_later(context, outcome.getFailed().cStr());
      later_ = outcome.getScan();
      return open_scan(context);
    },
    [this, context](kj::Exception&& why) mutable { return no_later(context, text_of(why)); });
}

/// If none of them is cut there, replicas read the tablet whole.
kj::Promise<void> export_carrier::no_later(ReadContext context, const std::string& why) {
  note_failure(planned().getReplicas()[later_source_].getBackend(), ", after the cooled part", why);
  if (++later_source_ == planned().getReplicas().size())
    source_ = remotes();
  return open_scan(context);
}

void export_carrier::go_on_with_later() {
  at_ = {planned().getRemote().getThrough() + 1, 0, 0};
  source_ = remotes() + later_source_;
  drop_scan();
  scan_ = kj::mv(later_);
  later_ = nullptr;
  link_ = std::move(later_link_);
}

kj::Promise<void> export_carrier::open_scan(ReadContext context) {
  if (wants_later() && later_source_ < planned().getReplicas().size())
    return open_later(context);
  link_ = links_->find(source());
  if (!link_)
    return try_another(context, "it is not connected");
  return source_ < remotes() ? open_remote(context) : open_replica(context);
}

template <class Request>
kj::Promise<void> export_carrier::begin_scan(ReadContext context, Request request) {
  request.setFromVersion(at_.version);
  request.setFromBlock(at_.block);
  request.setFromFirst(at_.first);
  return request.send().then(
    [this, context](auto&& response) mutable {
      auto outcome = response.getOutcome();
      if (outcome.isFailed())
        return try_another(context, outcome.getFailed().cStr());
      scan_ = outcome.getScan();
      return next(context);
    },
    [this, context](kj::Exception&& why) mutable { return try_another(context, text_of(why)); });
}

kj::Promise<void> export_carrier::open_remote(ReadContext context) {
  const auto remote = planned().getRemote();
  auto request = link_->service.openRemoteScanRequest();
  request.setVersion(remote.getThrough());
  auto sources = request.initSources();
  sources.setResources(plan_.get().getExportPlan().getResources());
  auto tablet = sources.initTablets(1)[0];
  tablet.setTablet(planned().getTablet());
  tablet.setPartition(planned().getPartition());
  tablet.setMeta(remote.getMeta());
  return begin_scan(context, kj::mv(request));
}

kj::Promise<void> export_carrier::open_replica(ReadContext context) {
  return begin_scan(context, replica_scan(*link_, source_ - remotes()));
}

capnp::Request<wire::BackendService::OpenScanParams, wire::BackendService::OpenScanResults>
export_carrier::replica_scan(backend_link& link, std::uint32_t replica) const {
  auto request = link.service.openScanRequest();
  request.setTablet(planned().getTablet());
  request.setReplica(planned().getReplicas()[replica].getReplica());
  request.setVersion(planned().getVersion());
  request.setPartition(planned().getPartition());
  return request;
}

kj::Promise<void> export_carrier::take(ReadContext context, block_response&& response) {
  const auto block = response.getBlock();
  if (block.hasError() && block.getError().size() > 0)
    return try_another(context, block.getError().cStr());
  if (block.getEnd()) {
    const bool cooled_only = source_ < remotes();
    if (cooled_only && planned().getRemote().getThrough() < planned().getVersion())
      go_on_with_later();
    else
      next_tablet();
    return next(context);
  }
  const auto data = block.getData();
  if (XXH3_64bits(data.begin(), data.size()) != block.getChecksum())
    return try_another(context, "a block arrived damaged");
  at_ = {block.getVersion(), block.getBlock() + 1, block.getFirstVersion()};
  auto results = context.getResults(capnp::MessageSize{data.size() / sizeof(capnp::word) + 16, 0});
  results.setChunk(data);
  results.setRows(block.getRows());
  return kj::READY_NOW;
}

void export_carrier::next_tablet() {
  ++tablet_;
  source_ = 0;
  at_ = {};
  later_ = nullptr;
  later_link_ = nullptr;
  later_source_ = 0;
  failures_.clear();
  drop_scan();
}

void export_carrier::drop_scan() {
  ahead_.clear();
  scan_ = nullptr;
}

void export_carrier::note_failure(std::uint64_t backend, std::string_view what, const std::string& why) {
  failures_ += fmt::format("{}backend {}{}: {}", failures_.empty() ? "" : "; ", backend, what, why);
}

kj::Promise<void> export_carrier::try_another(ReadContext context, const std::string& why) {
  note_failure(model::raw(source()), source_ < remotes() ? ", for the cluster" : "", why);
  drop_scan();
  if (++source_ < remotes() + planned().getReplicas().size())
    return open_scan(context);
  const auto from = at_.version == 0 ? std::string{} : fmt::format(", from version {}, block {} on,", at_.version, at_.block);
  final_ = fmt::format("tablet {} cannot be read at version {}{} from {}: {}", planned().getTablet(), planned().getVersion(),
                       from, remotes() > 0 ? "the cluster or any replica" : "any replica", failures_);
  return tell_final(context);
}

kj::Promise<void> export_carrier::tell_final(ReadContext context) const {
  auto error = context.getResults().initError();
  error.setCode(api::ErrorCode::DATA_LOSS);
  error.setMessage(final_.c_str());
  error.setHint("SHOW TABLET shows its replicas; export again when one is back");
  return kj::READY_NOW;
}

} // namespace tabletd
