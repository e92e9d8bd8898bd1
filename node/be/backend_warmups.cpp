// The part of backend_service that is about warm-up, and about reading without a replica.
#include "node/be/backend_service.h"
#include "node/be/tablet_scan.h"
#include "node/be/warmup_mover.h"

#include <atomic>
#include <memory>

namespace tabletd {

namespace {

/// A mark that is set when the call it is attached to is over: answered, cancelled, or its link is gone.
struct call_end {
  std::shared_ptr<std::atomic<bool>> mark = std::make_shared<std::atomic<bool>>(false);
  template <class T>
  [[nodiscard]] kj::Promise<T> of(kj::Promise<T> call) const {
    return call.attach(kj::defer([set = mark] { *set = true; }));
  }
  /// What was cut short is no answer.
  void require_not_yet() const {
    if (*mark)
      kj::throwFatalException({kj::Exception::Type::FAILED, __FILE__, __LINE__,
                               kj::heapString("another leader has attached to this backend; its calls count now")});
  }
};

kj::Exception closing() {
  return {kj::Exception::Type::DISCONNECTED, __FILE__, __LINE__, kj::heapString("this backend is shutting down")};
}

/// What `start(done)` will say from another thread; it returns false if it will not.
template <class Result, class Start>
kj::Promise<std::shared_ptr<Result>> from_a_thread(kj_loop& loop, Start start) {
  using outcome = std::shared_ptr<Result>;
  auto paf = kj::newPromiseAndFulfiller<outcome>();
  const auto number = loop.keep(std::make_unique<detail::pending_answer<outcome>>(kj::mv(paf.fulfiller)));
  const detail::answer_slot<outcome> slot{loop.shared_from_this(), number};
  const bool is_under_way = start([slot](Result result) {
    slot.settle([how = std::make_shared<Result>(std::move(result))](kj::PromiseFulfiller<outcome>& waiting) {
      waiting.fulfill(outcome{how});
    });
  });
  if (is_under_way)
    return kj::mv(paf.promise);
  static_cast<void>(loop.take(number));
  return closing();
}

/// And where their resources are, which a scan that follows may need as well.
codec::warm_sources sources_from(const backend_room& room, wire::WarmupSources::Reader from) {
  auto sources = codec::decode(from);
  room.shelf()->know(sources.resources);
  return sources;
}

}  // namespace

kj::Promise<void> backend_service::warmUp(WarmUpContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  const auto params = context.getParams();
  const auto request = codec::decode(params.getRequest());  // Throws here, where it costs only this call.
  room_->shelf()->know(request.sources.resources);
  return ask<sealed<wire::WarmupReply>>(room_->loop(), room_->system(), room_->warmups(),
                                        sealed<wire::WarmupRequest>::copy(params.getRequest()),
                                        request.wait + std::chrono::seconds(60))
    .then([context](sealed<wire::WarmupReply>&& reply) mutable { context.getResults().setReply(reply.get()); });
}

kj::Promise<void> backend_service::cacheState(CacheStateContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  auto to = context.getResults().initState();
  to.setBoot(room_->facts().boot);
  const auto& cache = room_->cold()->cache();
  if (!cache)
    return kj::READY_NOW;
  const auto room = cache->room();
  to.setCapacityBytes(room.for_warmups_bytes);  // What the leader's plans must fit into.
  to.setUsedBytes(room.held_bytes);
  const auto heats = cache->hottest(context.getParams().getPartitions());
  auto list = to.initHottest(static_cast<unsigned>(heats.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setPartition(heats[i].partition);
    list[i].setBytes(heats[i].bytes);
  }
  return kj::READY_NOW;
}

kj::Promise<void> backend_service::pushWarm(PushWarmContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_, params.getTerm()))
    return kj::mv(*why);
  if (room_->draining())
    return closing();
  auto tablets = sources_from(*room_, params.getSources()).tablets;
  context.allowCancellation();
  const call_end end;
  auto answer = from_a_thread<warmed>(room_->loop(), [&](auto done) {
    return room_->warming()->push(std::move(tablets), end.mark, std::move(done));
  });
  return end.of(answer.then([context, end](std::shared_ptr<warmed>&& how) mutable {
    end.require_not_yet();
    auto to = context.getResults().initResult();
    to.setBytesDone(how->bytes_done);
    to.setFailedTablets(how->failed_tablets);
    auto named = to.initNamedTablets(static_cast<unsigned>(how->named_tablets.size()));
    for (unsigned i = 0; i < named.size(); ++i)
      named.set(i, model::raw(how->named_tablets[i]));
    to.setWhy(how->why.c_str());
  }));
}

kj::Promise<void> backend_service::verifyWarm(VerifyWarmContext context) {
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  if (room_->draining())
    return closing();
  auto tablets = sources_from(*room_, context.getParams().getSources()).tablets;
  context.allowCancellation();
  const call_end end;
  auto answer = from_a_thread<codec::cache_share>(room_->loop(), [&](auto done) {
    return room_->warming()->verify(std::move(tablets), end.mark, std::move(done));
  });
  return end.of(answer.then([context, end](std::shared_ptr<codec::cache_share>&& share) mutable {
    end.require_not_yet();
    codec::encode(*share, context.getResults().initShare());
  }));
}

kj::Promise<void> backend_service::openRemoteScan(OpenRemoteScanContext context) {
  const auto params = context.getParams();
  KJ_IF_MAYBE(why, room_->refuse(link_))
    return kj::mv(*why);
  const auto sources = sources_from(*room_, params.getSources());
  KJ_REQUIRE(sources.tablets.size() == 1, "openRemoteScan: name one tablet", sources.tablets.size());
  const auto& tablet = sources.tablets.front();
  return open_remote_scan(room_, link_,
                          {tablet.tablet,
                           model::raw(tablet.partition),
                           tablet.meta,
                           params.getVersion(),
                           {params.getFromVersion(), params.getFromBlock(), params.getFromFirst()}},
                          context.getResults().initOutcome());
}

}  // namespace tabletd
