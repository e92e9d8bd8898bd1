// Resources, storage policies and what the log says of cooldown, in an image; see image_parts.h.
#include "actors/codec/image_parts.h"
#include "actors/codec/wire_words.h"

namespace tabletd::codec::image_parts {

using edit_words::fill;
using edit_words::read;
using edit_words::text;

void fill(wire::ImageResource::Builder to, resource_id id, const resource& from) {
  to.setId(raw(id));
  to.setName(text(from.name));
  to.setType(edit_words::type_of(from.type));
  fill(to.initProperties(size_of(from.properties)), from.properties);
  to.setVersion(from.version);
}
entry<resource_id, resource> read(wire::ImageResource::Reader from) {
  const resource_id id{from.getId()};
  return {
      id,
      {id, text(from.getName()), edit_words::type_of(from.getType()), read(from.getProperties()), from.getVersion()}};
}

void fill(wire::ImageStoragePolicy::Builder to, storage_policy_id id, const storage_policy& from) {
  to.setId(raw(id));
  to.setName(text(from.name));
  to.setResource(raw(from.resource));
  fill(to.initDue(), from.due);
  to.setVersion(from.version);
}
entry<storage_policy_id, storage_policy> read(wire::ImageStoragePolicy::Reader from) {
  const storage_policy_id id{from.getId()};
  return {id, {id, text(from.getName()), resource_id{from.getResource()}, read(from.getDue()), from.getVersion()}};
}

void fill(wire::ImageCooldown::Builder to, tablet_id id, const cooldown_conf& from) {
  to.setTablet(raw(id));
  to.setUploader(raw(from.uploader));
  to.setTerm(from.term);
  if (from.published)
    fill(to.initPublished(), *from.published);
  to.setRecalledTerm(from.recalled.term);
  to.setRecalledSeq(from.recalled.seq);
}
entry<tablet_id, cooldown_conf> read(wire::ImageCooldown::Reader from) {
  cooldown_conf to{replica_id{from.getUploader()}, from.getTerm(), std::nullopt,
                   {from.getRecalledTerm(), from.getRecalledSeq()}};
  if (from.hasPublished())
    to.published = edit_words::read_meta(from.getPublished());
  return {tablet_id{from.getTablet()}, std::move(to)};
}

void fill(wire::ImageTombstone::Builder to, tablet_id id, const time_ms& dropped) {
  to.setTablet(raw(id));
  to.setDroppedMs(dropped.count());
}
entry<tablet_id, time_ms> read(wire::ImageTombstone::Reader from) {
  return {tablet_id{from.getTablet()}, time_ms{from.getDroppedMs()}};
}

std::size_t words_of(const resource& from) {
  auto words = 8 + words_of(from.name);
  for (const auto& [key, value] : from.properties)
    words += 2 + words_of(key) + words_of(value);
  return words;
}
std::size_t words_of(const storage_policy& from) { return 10 + words_of(from.name); }
std::size_t words_of(const cooldown_conf& from) {
  return 8 + (from.published ? 10 + words_of(from.published->object) : 0);
}

}  // namespace tabletd::codec::image_parts
