// See remote_segment.h.
#include "persistence/remote/remote_segment.h"

#include <fmt/format.h>

#include <utility>

namespace tabletd {

namespace {

class remote_segment final : public segment_bytes {
public:
  remote_segment(std::shared_ptr<remote_store> store, std::string key, std::uint64_t size_bytes, time_left_fn time_left)
      : store_(std::move(store)),
        key_(std::move(key)),
        name_(store_->name() + "/" + key_),
        size_bytes_(size_bytes),
        time_left_(std::move(time_left)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t size() const override { return size_bytes_; }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (store_->get(key_, offset, into, time_left_) != into.size())
      throw storage_error(storage_fault::corrupt, name_,
                          fmt::format("{}: ends before offset {}; {}", name_, offset + into.size(), remedy()));
  }
  [[nodiscard]] std::string_view remedy() const override {
    return "no other copy of it is kept; look whether the store has an older version of the object";
  }

private:
  std::shared_ptr<remote_store> store_;
  std::string key_;
  std::string name_;
  std::uint64_t size_bytes_;
  time_left_fn time_left_;
};

}  // namespace

std::string tablet_folder(std::uint64_t tablet) { return fmt::format("data/{}/", tablet); }

std::shared_ptr<rowset_reader> open_rowset_of(std::uint64_t tablet, std::unique_ptr<segment_bytes> bytes) {
  const auto name = bytes->name();
  auto reader = rowset_reader::open(std::move(bytes));
  if (reader->footer().tablet != tablet)
    throw storage_error(storage_fault::corrupt, name,
                        fmt::format("object {} of tablet {} holds rows of tablet {}; keep it and report this", name,
                                    tablet, reader->footer().tablet));
  return reader;
}

std::shared_ptr<rowset_reader> open_remote_rowset(std::shared_ptr<remote_store> store, std::uint64_t tablet,
                                                  const std::string& object, std::uint64_t size_bytes,
                                                  time_left_fn time_left) {
  return open_rowset_of(tablet, std::make_unique<remote_segment>(std::move(store), tablet_folder(tablet) + object,
                                                                 size_bytes, std::move(time_left)));
}

}  // namespace tabletd
