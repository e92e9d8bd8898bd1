// The edits of saved plans; see edit_codec.cpp.
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"
#include <capnp/message.h> // KJ_REQUIRE comes with it.

namespace tabletd::codec::edit_words {

void fill(wire::Edit::Builder to, const plan_saved& e) {
  auto saved = to.initPlanSaved();
  saved.setName(text(e.name));
  saved.setKind(static_cast<std::uint8_t>(e.kind));
  saved.setBackend(raw(e.backend));
  saved.setEpoch(raw(e.epoch));
  auto moves = saved.initMoves(size_of(e.moves));
  for (unsigned i = 0; i < moves.size(); ++i)
    fill(moves[i], e.moves[i]);
}
plan_saved read(wire::PlanSaved::Reader from) {
  KJ_REQUIRE(from.getKind() < plan_kind_count, "planSaved.kind is none this version knows", from.getKind());
  plan_saved e{text(from.getName()), static_cast<plan_kind>(from.getKind()), backend_id{from.getBackend()},
               log_index{from.getEpoch()}, {}};
  e.moves.reserve(from.getMoves().size());
  for (auto m : from.getMoves())
    e.moves.push_back(read(m));
  return e;
}

void fill(wire::Edit::Builder to, const plan_applied& e) { to.setPlanApplied(text(e.name)); }
void fill(wire::Edit::Builder to, const plan_dropped& e) { to.setPlanDropped(text(e.name)); }

void fill(wire::Edit::Builder to, const plan_moves_skipped& e) {
  auto skipped = to.initPlanMovesSkipped();
  skipped.setName(text(e.name));
  auto moves = skipped.initMoves(size_of(e.moves));
  for (unsigned i = 0; i < moves.size(); ++i) {
    moves[i].setMove(e.moves[i].move);
    moves[i].setWhy(text(e.moves[i].why));
  }
}
plan_moves_skipped read(wire::PlanMovesSkipped::Reader from) {
  plan_moves_skipped e{text(from.getName()), {}};
  for (auto m : from.getMoves())
    e.moves.push_back({m.getMove(), text(m.getWhy())});
  return e;
}

} // namespace tabletd::codec::edit_words
