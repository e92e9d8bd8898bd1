#pragma once
// A remote rowset read through the cache: what remote_segment.h opens, with the same errors.
#include "persistence/cache/file_cache.h"
#include "persistence/rowset_file.h"

#include <memory>
#include <string>

namespace tabletd {

/// Where a remote rowset lies.
struct remote_rowset {
  std::shared_ptr<remote_store> store;
  std::uint64_t resource = 0;  ///< Id in the catalog.
  std::uint64_t tablet = 0;
  std::string object;            ///< Its name in the tablet's folder.
  std::uint64_t size_bytes = 0;  ///< Of the whole file (rowset_file_bytes).
};

/// What the cache calls it.
[[nodiscard]] remote_object object_of(const remote_rowset& rowset);

/// Blocks, so it belongs on a worker thread; the reader may be used by any.  Bytes that the cache has and that are
/// not the rowset's are dropped and read again from the store before they are an error.
[[nodiscard]] std::shared_ptr<rowset_reader> open_cached_rowset(std::shared_ptr<file_cache> cache,
                                                                const remote_rowset& rowset, cache_reader reader);

}  // namespace tabletd
