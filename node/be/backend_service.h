#pragma once
// What a leader may ask of this backend.  The gateway admits it; the service it gets back
// carries its orders until a later attach takes over.
#include "node/be/backend_room.h"

namespace tabletd {

/// The bootstrap of every connection.
class backend_gateway final : public wire::BackendGateway::Server {
public:
  explicit backend_gateway(backend_room_ptr room) : room_(std::move(room)) {}
  kj::Promise<void> attach(AttachContext context) override;
  kj::Promise<void> peer(PeerContext context) override;

private:
  backend_room_ptr room_;
};

/// One leader's link.  Every call is refused once the link or its term is superseded.
class backend_service final : public wire::BackendService::Server {
public:
  backend_service(backend_room_ptr room, std::uint64_t link) : room_(std::move(room)), link_(link) {}
  ~backend_service() noexcept(false) { room_->link_gone(link_); }

  kj::Promise<void> heartbeat(HeartbeatContext context) override;
  kj::Promise<void> submit(SubmitContext context) override;
  kj::Promise<void> publish(PublishContext context) override;
  kj::Promise<void> report(ReportContext context) override;
  kj::Promise<void> openLoad(OpenLoadContext context) override;
  kj::Promise<void> openScan(OpenScanContext context) override;
  kj::Promise<void> cooldown(CooldownContext context) override;
  kj::Promise<void> warmUp(WarmUpContext context) override;
  kj::Promise<void> cacheState(CacheStateContext context) override;
  kj::Promise<void> pushWarm(PushWarmContext context) override;
  kj::Promise<void> verifyWarm(VerifyWarmContext context) override;
  kj::Promise<void> openRemoteScan(OpenRemoteScanContext context) override;

private:
  backend_room_ptr room_;
  std::uint64_t link_;
};

} // namespace tabletd
