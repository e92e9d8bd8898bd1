#pragma once
// A store in memory that counts what it is asked, and can be made to fail, to wait or to lie; and a cache in front of
// it whose clock and disk are the test's.
#include "persistence/cache/file_cache.h"
#include "tests/persistence/memory_directory.h"
#include "tests/persistence/remote_rig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd::test {

class memory_store final : public remote_store {
public:
  void put(std::string_view key, const put_source& source, const time_left_fn&) override {
    std::string bytes(source.size_bytes(), '\0');
    source.read_at(0, std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    const std::lock_guard guard(mutex_);
    objects_[std::string(key)] = std::move(bytes);
  }
  void put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) override {
    put(key, source, time_left);
  }
  std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                  const time_left_fn& time_left) override {
    std::unique_lock lock(mutex_);
    ++gets_;
    most_at_once_ = std::max(most_at_once_, ++at_once_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !is_held_; });
    --at_once_;
    if (time_left() <= std::chrono::milliseconds(0))
      fail_remote(remote_fault::stopped, name_, "read", key, "its time is over", "try again");
    if (failures_ > 0) {
      --failures_;
      fail_remote(remote_fault::network, name_, "read", key, "the test says so", "try again");
    }
    const auto found = objects_.find(std::string(key));
    if (found == objects_.end())
      fail_remote(remote_fault::not_found, name_, "read", key, "there is none", "look for it");
    const auto& bytes = found->second;
    const auto length = offset < bytes.size() ? std::min(into.size(), bytes.size() - offset) : 0;
    std::memcpy(into.data(), bytes.data() + offset, length);
    bytes_sent_ += length;
    if (lies_ > 0 && length > 0) {
      --lies_;
      into[length / 2] ^= std::byte{1};
    }
    return length;
  }
  object_entry head(std::string_view key, const time_left_fn&) override {
    return {std::string(key), objects_.at(std::string(key)).size()};
  }
  object_page list(std::string_view, std::string_view, std::size_t, const time_left_fn&) override { return {}; }
  void remove(std::string_view key, const time_left_fn&) override {
    const std::lock_guard guard(mutex_);
    objects_.erase(std::string(key));
  }
  const std::string& name() const override { return name_; }

  void fail_next(int count) { set(failures_, count); }
  /// Flips a bit of the next answers, as a proxy may.
  void lie_next(int count) { set(lies_, count); }
  /// Gets wait until release().
  void hold() { set(is_held_, true); }
  void release() {
    set(is_held_, false);
    changed_.notify_all();
  }
  void wait_for_gets(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return gets_ >= count; });
  }
  int gets() { return read(gets_); }
  int most_at_once() { return read(most_at_once_); }
  std::uint64_t bytes_sent() { return read(bytes_sent_); }

private:
  template <class Value>
  void set(Value& to, Value value) {
    const std::lock_guard guard(mutex_);
    to = value;
  }
  template <class Value>
  Value read(const Value& from) {
    const std::lock_guard guard(mutex_);
    return from;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> objects_;
  std::string name_ = "memory://";
  bool is_held_ = false;
  int failures_ = 0, lies_ = 0, gets_ = 0, at_once_ = 0, most_at_once_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

inline constexpr std::uint32_t small_block = 1'000;

/// The bytes of object `number`, and what it is called.
inline std::string bytes_of_object(int number, std::size_t size) {
  return pattern(size, static_cast<std::uint32_t>(number) * 7'919 + 1);
}
inline remote_object object_named(int number, std::size_t size) {
  return {.resource = 5, .key = fmt::format("data/{}/x.seg", number), .size_bytes = size};
}

inline std::vector<std::filesystem::path> block_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "blocks"))
    if (entry.is_regular_file())
      found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

struct FileCache : testing::Test {
  memory_directory scratch;
  std::filesystem::path disk = scratch.path() / "cache";
  memory_store store;
  epoch_seconds now = 1'000'000;
  file_cache_options options = defaults();
  std::unique_ptr<file_cache> cache;

  file_cache_options defaults() {
    file_cache_options made;
    made.paths = {{.directory = disk, .capacity_bytes = 20 * small_block}};
    made.rules = {.block_bytes = small_block, .warm_share = 0.5, .warm_ttl_s = 60, .touch_granularity_s = 10};
    made.reserve = {.high_watermark = 1, .min_left_bytes = 0, .margin_bytes = 0};
    made.now = [this] { return now; };
    return made;
  }
  void open() {
    cache.reset();
    cache = std::make_unique<file_cache>(options);
  }
  remote_object put(int number, std::size_t size = 5 * small_block) {
    const auto bytes = bytes_of_object(number, size);
    store.put(object_named(number, size).key, source_of(bytes), unhurried);
    return object_named(number, size);
  }
  std::string read(const remote_object& object, std::uint64_t offset, std::size_t bytes, cache_reader reader = {}) {
    std::string into(bytes, '\0');
    cache->read(store, object, offset, std::as_writable_bytes(std::span(into.data(), into.size())), reader);
    return into;
  }
  /// Whole, and right.
  void expect_reads(int number, std::size_t size = 5 * small_block) {
    EXPECT_EQ(read(object_named(number, size), 0, size), bytes_of_object(number, size)) << "object " << number;
  }
  std::uint64_t held() { return cache->status()[0].holdings.bytes_held(); }
};

}  // namespace tabletd::test
