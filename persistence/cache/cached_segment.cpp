// See cached_segment.h.
#include "persistence/cache/cached_segment.h"

#include "persistence/remote/remote_segment.h"

#include <utility>

namespace tabletd {

namespace {

class cached_segment final : public segment_bytes {
public:
  cached_segment(std::shared_ptr<file_cache> cache, const remote_rowset& rowset, cache_reader reader)
      : cache_(std::move(cache)),
        store_(rowset.store),
        object_(object_of(rowset)),
        reader_(std::move(reader)),
        name_(store_->name() + "/" + object_.key) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t size() const override { return object_.size_bytes; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    cache_->read(*store_, object_, offset, into, reader_);
  }
  [[nodiscard]] std::string_view remedy() const override {
    return "no other copy of it is kept; look whether the store has an older version of the object";
  }
  [[nodiscard]] bool distrust(std::uint64_t offset, std::uint64_t bytes) const override {
    cache_->distrust(object_, offset, bytes);
    return true;
  }

private:
  std::shared_ptr<file_cache> cache_;
  std::shared_ptr<remote_store> store_;
  remote_object object_;
  cache_reader reader_;
  std::string name_;
};

}  // namespace

remote_object object_of(const remote_rowset& rowset) {
  return {.resource = rowset.resource,
          .key = tablet_folder(rowset.tablet) + rowset.object,
          .size_bytes = rowset.size_bytes};
}

std::shared_ptr<rowset_reader> open_cached_rowset(std::shared_ptr<file_cache> cache, const remote_rowset& rowset,
                                                  cache_reader reader) {
  const auto open
      = [&] { return open_rowset_of(rowset.tablet, std::make_unique<cached_segment>(cache, rowset, reader)); };
  try {
    return open();
  } catch (const storage_error& why) {
    if (why.fault() != storage_fault::corrupt)
      throw;
  }
  // The footer itself may be what was damaged on its way here.
  cache->distrust(object_of(rowset), 0, rowset.size_bytes);
  return open();
}

}  // namespace tabletd
