// See image_shelf.h.
#include "actors/checkpoint/image_shelf.h"

#include "actors/checkpoint/catalog_image.h"
#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace tabletd {

namespace {

/// Nothing: it is damaged, and `warn` knows why.
std::optional<image_content> load(const std::filesystem::path& file, const std::function<void(const std::string&)>& warn) {
  try {
    return load_image(file);
  } catch (const storage_error& error) {
    if (error.fault() != storage_fault::corrupt)
      throw;
    warn(error.what());
    return std::nullopt;
  }
}

} // namespace

shelf_start start_from_shelf(image_shelf& shelf, const std::vector<image_point>& points,
                             const std::function<void(const std::string&)>& warn) {
  for (const auto& complaint : shelf.store.newest_valid().passed_over)
    warn(complaint);
  shelf_start start;
  std::vector<model::image_mark> images;
  for (const auto& summary : shelf.store.sound()) {
    const auto file = shelf.store.path_of(summary.journal_id);
    if (std::ranges::find(points, summary.journal_id, &image_point::index) == points.end()) {
      warn(fmt::format("{} is unknown to the log: it was not in use yet, and is removed", file.string()));
      discard_file(file);
      continue;
    }
    if (start.image.id == 0) {
      auto loaded = load(file, warn);
      if (!loaded)
        continue;
      start = {mark_of(summary), std::move(loaded->content.cat)};
      shelf.carried = std::move(loaded->content.carried);
    }
    images.push_back(mark_of(summary));
  }
  shelf.set(std::move(images));
  return start;
}

} // namespace tabletd
