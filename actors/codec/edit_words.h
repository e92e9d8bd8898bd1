#pragma once
// What the pairs of edit_codec*.cpp share; private to them.
#include "actors/model/edit.h"
#include "schemas/edits.capnp.h"
#include <string>

namespace tabletd::codec::edit_words {

using namespace model;

inline std::string text(capnp::Text::Reader from) { return {from.begin(), from.size()}; }
inline capnp::Text::Reader text(const std::string& from) { return {from.data(), from.size()}; }

inline void fill(wire::Place::Builder to, const place& from) {
  to.setBackend(raw(from.backend));
  to.setPath(raw(from.path));
}
inline place read(wire::Place::Reader from) {
  return {backend_id{from.getBackend()}, path_hash{from.getPath()}};
}

// Of edit_codec_table.cpp.
void fill(wire::Edit::Builder to, const database_created& e);
void fill(wire::Edit::Builder to, const database_dropped& e);
void fill(wire::Edit::Builder to, const table_dropped& e);
void fill(wire::Edit::Builder to, const partition_added& e);
partition_added read(wire::PartitionAdded::Reader from);
void fill(wire::Edit::Builder to, const partition_dropped& e);
partition_dropped read(wire::PartitionRef::Reader from);
void fill(wire::Edit::Builder to, const partition_modified& e);
partition_modified read(wire::PartitionModified::Reader from);
void fill(wire::Edit::Builder to, const table_created& e);
table_created read(wire::TableCreated::Reader from);

// Of edit_codec_plan.cpp.
void fill(wire::Edit::Builder to, const plan_saved& e);
plan_saved read(wire::PlanSaved::Reader from);
void fill(wire::Edit::Builder to, const plan_applied& e);
void fill(wire::Edit::Builder to, const plan_dropped& e);
void fill(wire::Edit::Builder to, const plan_moves_skipped& e);
plan_moves_skipped read(wire::PlanMovesSkipped::Reader from);

} // namespace tabletd::codec::edit_words
