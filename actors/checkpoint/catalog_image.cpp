// See catalog_image.h.
#include "actors/checkpoint/catalog_image.h"
#include <fmt/format.h>
#include <kj/exception.h>

namespace tabletd {

namespace {

[[noreturn]] void refuse(storage_fault fault, const std::filesystem::path& file, const std::string& why) {
  throw storage_error(fault, file.string(), fmt::format("{} cannot be loaded: {}", file.string(), why));
}

} // namespace

void write_image(const model::catalog& cat, const std::vector<codec::carried_section>& carried, image_writer& to,
                 const image_progress& progress) {
  codec::write_catalog(cat, carried, [&](std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload) {
    to.append(kind, flags, payload);
    if (progress)
      progress(to.bytes());
  });
}

image_content load_image(const std::filesystem::path& file) {
  image_reader image(file);
  codec::catalog_loader loader;
  section_head head;
  std::vector<std::byte> payload;
  image_content loaded;
  try {
    while (image.next(head, payload)) {
      if (head.required() && codec::section_name(head.id).empty())
        refuse(storage_fault::unusable, file,
               fmt::format("this version does not know its section {} and must not leave it out; upgrade tabletd", head.id));
      loader.add(head.id, head.flags, payload);
    }
    loaded = {image.header(), image.summary(), loader.finish()};
  } catch (const kj::Exception& why) {
    refuse(storage_fault::corrupt, file,
           fmt::format("section {} at offset {}: {}", codec::section_name(head.id), head.offset, why.getDescription().cStr()));
  }
  if (const auto applied = raw(loaded.content.cat.applied); applied != loaded.header.journal_id)
    refuse(storage_fault::corrupt, file, fmt::format("it is called {} and has the catalog of entry {}", loaded.header.journal_id, applied));
  return loaded;
}

} // namespace tabletd
