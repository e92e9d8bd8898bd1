#pragma once
// The source side of a clone: a snapshot pins open files, and every block is checked against
// its file's footer before it is sent.  A block that does not match never leaves; it makes
// this replica bad, and the destination hears that its source is corrupt.
#include "node/be/backend_room.h"

namespace tabletd {

class backend_peer final : public wire::BackendPeer::Server {
public:
  explicit backend_peer(backend_room_ptr room) : room_(std::move(room)) {}
  kj::Promise<void> snapshot(SnapshotContext context) override;

private:
  backend_room_ptr room_;
};

} // namespace tabletd
