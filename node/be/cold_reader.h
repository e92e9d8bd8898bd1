#pragma once
// How this backend reads what has cooled: through the file cache on its paths, or straight from the store if it has none
// (docs/warmup_backend.md).  Any thread; reading blocks.
#include "actors/model/cooldown_types.h"
#include "node/be/path_set.h"
#include "node/be/remote_shelf.h"
#include "persistence/cache/cached_segment.h"
#include "persistence/cache/meta_cache.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tabletd {

struct cold_cache_options {
  std::uint64_t capacity_bytes = 0;  ///< Of all paths together; 0: no cache, and what an earlier start left is deleted.
  cache_rules rules;
  space_reserve reserve;
  std::uint64_t meta_bytes = 64ULL << 20U;  ///< Of published metas, besides.
  std::chrono::milliseconds upkeep_interval{1'000};
};

/// A rowset that lies in a store.
struct cold_rowset {
  model::resource_id resource{};
  std::uint64_t tablet{};
  std::string object;        ///< Its name in the tablet's folder.
  std::uint64_t size_bytes{};///< Of the whole object.
  std::uint64_t partition{}; ///< Whose heat its reads count for; 0: not known.
};

/// What is published of a tablet, and how large the object is that says so; 0: there is none.
struct cold_meta {
  model::remote_meta meta;
  std::uint64_t object_bytes{};
  bool is_kept{};  ///< Here: the store need not be asked for it again.
  bool is_fetched{};  ///< From the store, this time.
};

class cold_reader {
public:
  /// Never throws for a cache that cannot be used: that is logged, and reads go to the store.
  cold_reader(cold_cache_options options, const path_set& paths, std::shared_ptr<remote_shelf> shelf);
  /// Stops.
  ~cold_reader();
  cold_reader(const cold_reader&) = delete;
  cold_reader& operator=(const cold_reader&) = delete;
  /// No more upkeep; reads go on.  Idempotent.
  void stop();

  /// As open_cached_rowset, or open_remote_rowset without a cache.  `time_left` is asked by every read.
  [[nodiscard]] std::shared_ptr<rowset_reader> open(const cold_rowset& rowset, time_left_fn time_left) const;
  /// What `published` names: from this backend's disk, else from the store, and then kept.  None is asked for a set with
  /// nothing in it.  remote_error: it cannot be had, or is not what was published.
  [[nodiscard]] cold_meta meta(model::tablet_id tablet, const model::published_meta& published,
                               const time_left_fn& time_left) const;
  /// Nothing: the store would have to be asked.
  [[nodiscard]] std::optional<cold_meta> cached_meta(model::tablet_id tablet,
                                                     const model::published_meta& published) const;
  /// Why metas are not kept, if it is known.
  [[nodiscard]] std::string why_not_kept() const { return metas_ ? metas_->fault() : "no path of this backend can take it"; }
  /// Looked for when it is asked.
  [[nodiscard]] std::shared_ptr<remote_store> store(model::resource_id resource) const;
  /// Null: this backend has none.
  [[nodiscard]] const std::shared_ptr<file_cache>& cache() const { return cache_; }

private:
  /// What older sets of the tablet named and this one does not holds room for nobody any more.
  void abandon_older(model::tablet_id tablet, const model::remote_meta& newest) const;
  void open_cache(const path_set& paths);
  void open_metas();
  void run_upkeep();
  void tell_faults();

  const cold_cache_options options_;
  const std::shared_ptr<remote_shelf> shelf_;
  std::shared_ptr<file_cache> cache_;
  std::unique_ptr<meta_cache> metas_;  ///< Null: metas come from the store every time.
  std::vector<std::string> told_;      ///< Faults of the paths that the log has; upkeep thread only, once it runs.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread upkeep_;
};

}  // namespace tabletd
