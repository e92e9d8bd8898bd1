#pragma once
// What the pairs of edit_codec*.cpp and image_*.cpp share; private to them.
#include "actors/model/edit.h"
#include "actors/model/health.h"
#include "schemas/edits.capnp.h"
#include <optional>
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

inline constexpr auto priority_max = static_cast<std::uint8_t>(repair_priority::very_high);

// Of edit_codec_parts.cpp: what the log and the image both say.
void fill(wire::PathSeen::Builder to, const path_seen& from);
path_seen read(wire::PathSeen::Reader from);
wire::WantedMedium wanted(std::optional<medium> from);
std::optional<medium> wanted(wire::WantedMedium from);
void fill(wire::CloneOrdered::Builder to, const clone_ordered& e);
clone_ordered read(wire::CloneOrdered::Reader from);
void fill(wire::SavedMove::Builder to, const saved_move& from);
saved_move read(wire::SavedMove::Reader from);
/// Fills a list that initX(from.size()) made.
template <class Id>
void fill(capnp::List<std::uint64_t>::Builder to, const std::vector<Id>& from) {
  for (unsigned i = 0; i < to.size(); ++i)
    to.set(i, raw(from[i]));
}
template <class Id>
std::vector<Id> read_ids(capnp::List<std::uint64_t>::Reader from) {
  std::vector<Id> ids;
  ids.reserve(from.size());
  for (const auto id : from)
    ids.push_back(Id{id});
  return ids;
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

// Of edit_codec_cooldown.cpp; what the image says too comes first.
wire::ResourceType type_of(resource_type from);
resource_type type_of(wire::ResourceType from);
void fill(capnp::List<wire::ResourceProperty>::Builder to, const resource_properties& from);
/// Refused unless they are ascending.
resource_properties read(capnp::List<wire::ResourceProperty>::Reader from);
void fill(wire::CooldownDue::Builder to, const cooldown_due& from);
cooldown_due read(wire::CooldownDue::Reader from);
void fill(wire::CooldownPublished::Builder to, const published_meta& from); ///< Without tablet and replica.
published_meta read_meta(wire::CooldownPublished::Reader from);
void fill(wire::Edit::Builder to, const resource_created& e);
resource_created read(wire::ResourceCreated::Reader from);
void fill(wire::Edit::Builder to, const resource_altered& e);
resource_altered read(wire::ResourceAltered::Reader from);
void fill(wire::Edit::Builder to, const resource_dropped& e);
void fill(wire::Edit::Builder to, const storage_policy_created& e);
storage_policy_created read(wire::StoragePolicyCreated::Reader from);
void fill(wire::Edit::Builder to, const storage_policy_altered& e);
storage_policy_altered read(wire::StoragePolicyAltered::Reader from);
void fill(wire::Edit::Builder to, const storage_policy_dropped& e);
void fill(wire::Edit::Builder to, const storage_policy_set& e);
storage_policy_set read(wire::StoragePolicySet::Reader from);
void fill(wire::Edit::Builder to, const cooldown_granted& e);
cooldown_granted read(wire::CooldownGranted::Reader from);
void fill(wire::Edit::Builder to, const cooldown_published& e);
cooldown_published read(wire::CooldownPublished::Reader from);
void fill(wire::Edit::Builder to, const cooldown_deletion_confirmed& e);
void fill(wire::Edit::Builder to, const remote_purged& e);
remote_purged read_purged(capnp::List<std::uint64_t>::Reader from);
cooldown_deletion_confirmed read(wire::CooldownDeletionConfirmed::Reader from);
void fill(wire::Edit::Builder to, const cooldown_hurried& e);
cooldown_hurried read_hurried(wire::PartitionsRef::Reader from);
void fill(wire::Edit::Builder to, const cooldown_recalled& e);
cooldown_recalled read_recalled(wire::PartitionsRef::Reader from);

// Of edit_codec_warmup.cpp; what the image says too comes first.
void fill(wire::WarmupDefinition::Builder to, const warmup_definition& from);
warmup_definition read(wire::WarmupDefinition::Reader from);
wire::WarmupState state_of(warmup_state from);
warmup_state state_of(wire::WarmupState from);
void fill(capnp::List<wire::WarmupLanePlan>::Builder to, const std::vector<warmup_lane_plan>& from);
std::vector<warmup_lane_plan> read(capnp::List<wire::WarmupLanePlan>::Reader from);
void fill(capnp::List<wire::SkippedLane>::Builder to, const std::vector<skipped_lane>& from);
std::vector<skipped_lane> read(capnp::List<wire::SkippedLane>::Reader from);
std::size_t words_of(const std::vector<warmup_lane_plan>& from);
void fill(wire::Edit::Builder to, const warmup_created& e);
warmup_created read(wire::WarmupCreated::Reader from);
void fill(wire::Edit::Builder to, const warmup_begun& e);
warmup_begun read(wire::WarmupBegun::Reader from);
void fill(wire::Edit::Builder to, const batch_warmed& e);
batch_warmed read(wire::BatchWarmed::Reader from);
void fill(wire::Edit::Builder to, const warmup_ended& e);
warmup_ended read(wire::WarmupEnded::Reader from);
void fill(wire::Edit::Builder to, const warmup_paused& e);
void fill(wire::Edit::Builder to, const warmup_resumed& e);
void fill(wire::Edit::Builder to, const warmup_forgotten& e);

} // namespace tabletd::codec::edit_words
