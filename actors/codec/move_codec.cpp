#include "actors/codec/move_codec.h"
#include "actors/codec/agent_codec.h"
#include <capnp/message.h> // KJ_FAIL_REQUIRE comes with it.

namespace tabletd::codec {

model::move_event decode(wire::MoveEvent::Reader from) {
  switch (from.which()) {
    case wire::MoveEvent::LOOKED: {
      model::move_looked looked;
      if (from.getLooked().hasHere())
        looked.here = decode(from.getLooked().getHere());
      return looked;
    }
    case wire::MoveEvent::LISTED:
      return model::move_listed{from.getListed().getRowsets(), from.getListed().getBytes()};
    case wire::MoveEvent::PROGRESSED:
      return model::move_progressed{from.getProgressed()};
    case wire::MoveEvent::COPIED:
      return model::move_copied{};
    case wire::MoveEvent::ALONE:
      return model::move_alone{};
    case wire::MoveEvent::SWITCHED:
      return model::move_switched{decode(from.getSwitched())};
    case wire::MoveEvent::FAILED:
      return model::move_failed{decode(from.getFailed())};
    case wire::MoveEvent::UNSET:
      break;
  }
  KJ_FAIL_REQUIRE("MoveEvent: an event without content");
}

namespace {

struct event_encoder {
  wire::MoveEvent::Builder to;

  void operator()(const model::move_looked& e) {
    auto looked = to.initLooked();
    if (e.here)
      encode(*e.here, looked.initHere());
  }
  void operator()(const model::move_listed& e) {
    auto listed = to.initListed();
    listed.setRowsets(e.rowsets);
    listed.setBytes(e.bytes);
  }
  void operator()(const model::move_progressed& e) { to.setProgressed(e.bytes); }
  void operator()(const model::move_copied&) { to.setCopied(); }
  void operator()(const model::move_alone&) { to.setAlone(); }
  void operator()(const model::move_switched& e) { encode(e.here, to.initSwitched()); }
  void operator()(const model::move_failed& e) { encode(e.why, to.initFailed()); }
  void operator()(const model::move_cancelled&) { KJ_FAIL_REQUIRE("a cancel is no news from the disks"); }
};

} // namespace

sealed<wire::MoveEvent> seal_event(const model::move_event& event) {
  return seal<wire::MoveEvent>([&](auto to) { std::visit(event_encoder{to}, event); });
}

} // namespace tabletd::codec
