// What the edit log and a checkpoint image both say; see edit_words.h.
#include "actors/codec/edit_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.

namespace tabletd::codec::edit_words {

void fill(wire::PathSeen::Builder to, const path_seen& from) {
  to.setHash(raw(from.hash));
  to.setRoot(text(from.root));
  to.setMedium(from.medium == medium::ssd ? wire::Medium::SSD : wire::Medium::HDD);
}
medium read(wire::Medium from) {
  switch (from) {
    case wire::Medium::HDD: return medium::hdd;
    case wire::Medium::SSD: return medium::ssd;
  }
  KJ_FAIL_REQUIRE("a path's medium is none this version knows", static_cast<unsigned>(from));
}
path_seen read(wire::PathSeen::Reader from) {
  return {path_hash{from.getHash()}, text(from.getRoot()), read(from.getMedium())};
}

wire::WantedMedium wanted(std::optional<medium> from) {
  if (!from)
    return wire::WantedMedium::ANY;
  return *from == medium::ssd ? wire::WantedMedium::SSD : wire::WantedMedium::HDD;
}
std::optional<medium> wanted(wire::WantedMedium from) {
  switch (from) {
    case wire::WantedMedium::ANY: return std::nullopt;
    case wire::WantedMedium::HDD: return medium::hdd;
    case wire::WantedMedium::SSD: return medium::ssd;
  }
  KJ_FAIL_REQUIRE("a partition's medium is none this version knows", static_cast<unsigned>(from));
}

void fill(wire::CloneOrdered::Builder to, const clone_ordered& e) {
  to.setTablet(raw(e.tablet));
  to.setHealth(e.health);
  to.setPriority(e.priority);
  fill(to.initSource(), e.source);
  fill(to.initTarget(), e.target);
  to.setReplica(raw(e.replica));
  to.setVersion(e.version);
  to.setBalance(e.purpose == order_purpose::balance);
  to.setReplaces(raw(e.replaces));
  to.setWhy(text(e.why));
}
clone_ordered read(wire::CloneOrdered::Reader from) {
  KJ_REQUIRE(from.getHealth() < tablet_health_count, "cloneOrdered.health is none this version knows", from.getHealth());
  KJ_REQUIRE(from.getPriority() <= priority_max, "cloneOrdered.priority is none this version knows", from.getPriority());
  clone_ordered e;
  e.tablet = tablet_id{from.getTablet()};
  e.health = from.getHealth();
  e.priority = from.getPriority();
  e.source = read(from.getSource());
  e.target = read(from.getTarget());
  e.replica = replica_id{from.getReplica()};
  e.version = from.getVersion();
  e.purpose = from.getBalance() ? order_purpose::balance : order_purpose::repair;
  e.replaces = replica_id{from.getReplaces()};
  e.why = text(from.getWhy());
  return e;
}

void fill(wire::SavedMove::Builder to, const saved_move& from) {
  to.setTablet(raw(from.tablet));
  to.setReplica(raw(from.replica));
  fill(to.initSource(), from.source);
  fill(to.initTarget(), from.target);
  to.setBytes(from.bytes);
}
saved_move read(wire::SavedMove::Reader from) {
  return {tablet_id{from.getTablet()}, replica_id{from.getReplica()}, read(from.getSource()), read(from.getTarget()),
          from.getBytes()};
}

} // namespace tabletd::codec::edit_words
