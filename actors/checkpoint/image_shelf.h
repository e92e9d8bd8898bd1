#pragma once
// The images of this front end as its process knows them: the files, which of them it has verified, and what
// a later version left in them.  Files are the keeper's alone; the list may be read by anybody.
#include "actors/codec/image_codec.h"
#include "actors/model/checkpoint_attempt.h"
#include "persistence/edit_log.h"
#include "persistence/image_store.h"

#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd {

[[nodiscard]] inline model::image_mark mark_of(const image_summary& from) { return {from.journal_id, from.bytes, from.crc32c}; }
[[nodiscard]] inline image_summary summary_of(const model::image_mark& from) { return {from.id, from.bytes, from.crc32c}; }

class image_shelf {
public:
  explicit image_shelf(std::filesystem::path directory) : store(std::move(directory)) {}

  /// Verified by this process, newest first.
  [[nodiscard]] std::vector<model::image_mark> images() const {
    const std::lock_guard guard{mutex_};
    return images_;
  }
  void set(std::vector<model::image_mark> images) {
    const std::lock_guard guard{mutex_};
    images_ = std::move(images);
  }

  // -- the keeper's, and before it runs whoever starts the node --
  image_store store;
  std::vector<codec::carried_section> carried;  ///< For the next image (spec/jobs.md K1).

private:
  mutable std::mutex mutex_;
  std::vector<model::image_mark> images_;
};

/// What a node starts from; id 0: no image.
struct shelf_start {
  model::image_mark image;
  model::catalog catalog;
};

/// Loads the newest image that is sound and that the log knows (`points`), and puts it and the ones before it
/// on the shelf.  Images the log does not know were not in use yet when the process ended, and are removed.
/// `warn` hears a sentence for each that is passed over.  Throws storage_error: unusable for one of a later version.
[[nodiscard]] shelf_start start_from_shelf(image_shelf& shelf, const std::vector<image_point>& points,
                                           const std::function<void(const std::string&)>& warn);

} // namespace tabletd
