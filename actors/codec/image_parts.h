#pragma once
// One pair of functions for everything a list of an image holds, side by side in image_parts.cpp so that
// a field cannot be written and not read; private to image_*.cpp.
#include "actors/codec/edit_words.h"
#include "actors/model/catalog.h"
#include "schemas/image.capnp.h"
#include <kj/io.h>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tabletd::codec::image_parts {

using namespace model;

// What a map has under a key comes with its key; a value that knows its own id ignores it.  read() is
// words -> (key, value).
template <class Key, class T>
using entry = std::pair<Key, T>;

void fill(wire::ImageBackend::Builder to, backend_id id, const backend& from); ///< Without its tablets.
entry<backend_id, backend> read(wire::ImageBackend::Reader from);

void fill(wire::ImageDatabase::Builder to, database_id id, const database& from); ///< Without the count.
entry<database_id, database> read(wire::ImageDatabase::Reader from);

void fill(wire::ImageTable::Builder to, table_id id, const table& from); ///< Without the open loads.
entry<table_id, table> read(wire::ImageTable::Reader from);

void fill(wire::ImageColocateGroup::Builder to, colocate_group_id id, const colocate_group& from);
entry<colocate_group_id, colocate_group> read(wire::ImageColocateGroup::Reader from);

void fill(wire::ImageLoad::Builder to, txn_id id, const load& from);
entry<txn_id, load> read(wire::ImageLoad::Reader from);

void fill(wire::ImageEndedLoads::Builder to, log_index at, const std::vector<txn_id>& from);
entry<log_index, std::vector<txn_id>> read(wire::ImageEndedLoads::Reader from);

void fill(wire::ImageOrder::Builder to, tablet_id id, const open_order& from);
entry<tablet_id, open_order> read(wire::ImageOrder::Reader from);

void fill(wire::ImageMove::Builder to, tablet_id id, const open_move& from);
entry<tablet_id, open_move> read(wire::ImageMove::Reader from);

void fill(wire::ImageDecision::Builder to, log_index at, const decision_record& from);
entry<log_index, decision_record> read(wire::ImageDecision::Reader from);

void fill(wire::ImageHint::Builder to, partition_id id, const time_ms& from);
entry<partition_id, time_ms> read(wire::ImageHint::Reader from);

void fill(wire::ImageSetting::Builder to, std::string_view key, const std::string& from);
entry<std::string, std::string> read(wire::ImageSetting::Reader from);

void fill(wire::ImagePause::Builder to, std::string_view scope, const operator_pause& from);
entry<std::string, operator_pause> read(wire::ImagePause::Reader from);

void fill(wire::ImagePlan::Builder to, std::string_view name, const saved_plan& from);
entry<std::string, saved_plan> read(wire::ImagePlan::Reader from);

void fill(wire::ImageRetentionMark::Builder to, frontend_id id, const retention_mark& from);
entry<frontend_id, retention_mark> read(wire::ImageRetentionMark::Reader from);

void fill(wire::ImageResource::Builder to, resource_id id, const resource& from); ///< Without the count.
entry<resource_id, resource> read(wire::ImageResource::Reader from);

void fill(wire::ImageStoragePolicy::Builder to, storage_policy_id id, const storage_policy& from);
entry<storage_policy_id, storage_policy> read(wire::ImageStoragePolicy::Reader from);

void fill(wire::ImageCooldown::Builder to, tablet_id id, const cooldown_conf& from);
entry<tablet_id, cooldown_conf> read(wire::ImageCooldown::Reader from);

void fill(wire::ImageTombstone::Builder to, tablet_id id, const time_ms& dropped);
entry<tablet_id, time_ms> read(wire::ImageTombstone::Reader from);

void fill(wire::ImageWarmup::Builder to, warmup_job_id id, const warmup_job& from);
entry<warmup_job_id, warmup_job> read(wire::ImageWarmup::Reader from);

void fill(wire::ImageCluster::Builder to, const catalog& from);
/// Into a catalog that has nothing else yet; the counts are the caller's.
void read(wire::ImageCluster::Reader from, catalog& into);

// -- what a value takes in a message, roughly, in words --
std::size_t words_of(const backend& from);
std::size_t words_of(const database& from);
std::size_t words_of(const table& from);
std::size_t words_of(const colocate_group& from);
std::size_t words_of(const load& from);
std::size_t words_of(const std::vector<txn_id>& from);
std::size_t words_of(const open_order& from);
std::size_t words_of(const open_move& from);
std::size_t words_of(const decision_record& from);
std::size_t words_of(const time_ms& from);
std::size_t words_of(const std::string& from);
std::size_t words_of(const operator_pause& from);
std::size_t words_of(const saved_plan& from);
std::size_t words_of(const retention_mark& from);
std::size_t words_of(const resource& from);
std::size_t words_of(const storage_policy& from);
std::size_t words_of(const cooldown_conf& from);
std::size_t words_of(const warmup_job& from);

} // namespace tabletd::codec::image_parts
