#pragma once
// The catalog into an image file and out of one: where the sections of actors/codec and the container of
// persistence meet.  Both block on the disk; the caller is a detached actor or has not started its system.
#include "actors/codec/image_codec.h"
#include "persistence/image_file.h"
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace tabletd {

/// Bytes written so far, after each section.  What it throws ends the writing: an attempt that nobody wants
/// any more is given up between two sections.
using image_progress = std::function<void(std::uint64_t bytes)>;

/// All sections of `cat`, a frozen snapshot; finishing and placing is left (image_store::keep).
void write_image(const model::catalog& cat, const std::vector<codec::carried_section>& carried, image_writer& to,
                 const image_progress& progress = {});

struct image_content {
  image_header header;
  image_summary summary;
  codec::loaded_catalog content;
};

/// Throws storage_error: corrupt, with the section, for damage and for what does not make a catalog;
/// unusable for an image of a later version, which another image here would not replace silently.
[[nodiscard]] image_content load_image(const std::filesystem::path& file);

} // namespace tabletd
