#pragma once
// model::catalog <-> the sections of a checkpoint image (schemas/image.capnp).  Knows no file: writing
// hands sections to a sink, loading takes them one by one, so that neither has the image in memory.
//
// Indexes are not in an image; loading makes them again as the fold keeps them.  Two equal catalogs
// give the same sections, byte for byte, on whatever front end.
#include "actors/model/catalog.h"
#include "schemas/image.capnp.h"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::codec {

/// Bit 0 of a section's flags (spec/jobs.md K1).  Every section that is written here has it.
inline constexpr std::uint32_t image_required = 1;

/// "tablets" of a kind of section, or nothing for one of a later version.
[[nodiscard]] std::string_view section_name(std::uint32_t kind);
/// The kind of "tablets".
[[nodiscard]] std::optional<std::uint32_t> section_kind(std::string_view name);

/// A section this version does not know and may do without: kept for the next image (K1).
struct carried_section {
  std::uint32_t kind{};
  std::uint32_t flags{};
  std::vector<std::byte> payload;
  friend bool operator==(const carried_section&, const carried_section&) = default;
};

/// Valid during the call only.  May throw; then writing ends with that.
using section_sink = std::function<void(std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload)>;

/// From a frozen snapshot, which is not copied; sections of about a megabyte.
void write_catalog(const model::catalog& cat, const std::vector<carried_section>& carried, const section_sink& sink);

struct loaded_catalog {
  model::catalog cat;
  std::vector<carried_section> carried;
};

/// Takes the sections of an image in their order.  What is not as write_catalog() makes it throws
/// kj::Exception; checksums are the container's care, and whether edits were folded rightly is the fold's.
class catalog_loader {
public:
  catalog_loader();
  ~catalog_loader();
  void add(std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload);
  /// Once, after the last section.
  [[nodiscard]] loaded_catalog finish();

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Hands the message of a section to `read`, and a TabletRows as ImageTablets to `read_tablet`: for printing.
void read_section(std::span<const std::byte> payload, const std::function<void(wire::Section::Reader)>& read,
                  const std::function<void(wire::ImageTablet::Reader)>& read_tablet);

} // namespace tabletd::codec
