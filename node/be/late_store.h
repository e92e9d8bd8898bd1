#pragma once
// A remote store that is looked for when it is asked, and not before: what the cache has can be read while the store is
// away, or before a leader has said where it is.
#include "node/be/remote_shelf.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

namespace tabletd {

class late_store final : public remote_store {
public:
  late_store(std::shared_ptr<remote_shelf> shelf, model::resource_id resource)
      : shelf_(std::move(shelf)), resource_(resource), name_(fmt::format("resource {}", model::raw(resource))) {}

  void put(std::string_view key, const put_source& source, const time_left_fn& time_left) override {
    there()->put(key, source, time_left);
  }
  void put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) override {
    there()->put_if_absent(key, source, time_left);
  }
  [[nodiscard]] std::size_t get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                const time_left_fn& time_left) override {
    return there()->get(key, offset, into, time_left);
  }
  [[nodiscard]] object_entry head(std::string_view key, const time_left_fn& time_left) override {
    return there()->head(key, time_left);
  }
  [[nodiscard]] object_page list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                 const time_left_fn& time_left) override {
    return there()->list(prefix, after, keys_max, time_left);
  }
  void remove(std::string_view key, const time_left_fn& time_left) override { there()->remove(key, time_left); }
  [[nodiscard]] const std::string& name() const override { return name_; }

private:
  [[nodiscard]] std::shared_ptr<remote_store> there() const { return shelf_->find(resource_); }
  const std::shared_ptr<remote_shelf> shelf_;
  const model::resource_id resource_;
  const std::string name_;
};

}  // namespace tabletd
