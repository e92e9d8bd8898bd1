#pragma once
// An edit log in memory that can be told to fail, and the smallest whole journal over it.
#include "actors/journal/journal.h"
#include "actors/journal/libraft_core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tabletd::test {

class memory_log final : public edit_log {
public:
  struct row {
    std::uint64_t term{};
    std::uint16_t type{};
    std::vector<std::byte> bytes;
  };
  std::vector<row> rows;             ///< From first_index() on.
  std::uint64_t trimmed = 0;
  std::vector<image_point> points;
  std::vector<std::size_t> appends;  ///< Entries of each transaction.
  int fail_in = -1;                  ///< Writes until the disk fails; negative: never.
  std::function<void()> on_append;   ///< While an append is under way.
  std::size_t reads_max = 0;         ///< Most entries one replay() visited.

  [[nodiscard]] hard_state load_hard_state() const override { return hard_; }
  void save_hard_state(hard_state state) override {
    maybe_fail();
    hard_ = state;
  }
  void append(std::uint64_t first, std::span<const log_entry> entries) override {
    maybe_fail();
    if (const auto hook = on_append)
      hook();
    ASSERT_LE(first, last_index() + 1);
    ASSERT_GE(first, first_index());
    rows.resize(first - first_index());
    for (const auto& entry : entries)
      rows.push_back({entry.term, entry.type, {entry.bytes.begin(), entry.bytes.end()}});
    appends.push_back(entries.size());
  }
  void replay(std::uint64_t from, const visit_fn& visit) const override {
    std::size_t visited = 0;
    for (auto index = std::max(from, first_index()); index <= last_index(); ++index) {
      const auto& at = rows[index - first_index()];
      ++visited;
      if (!visit(index, {at.term, at.type, at.bytes}))
        break;
    }
    const_cast<memory_log*>(this)->reads_max = std::max(reads_max, visited);
  }
  [[nodiscard]] std::vector<image_point> image_points() const override { return points; }
  void save_image_point(const image_point& point, std::uint64_t oldest_kept) override {
    maybe_fail();
    std::erase_if(points, [&](const auto& each) { return each.index < oldest_kept || each.index == point.index; });
    points.push_back(point);
    std::ranges::sort(points, {}, &image_point::index);
  }
  void restart(const image_point& point) override {
    maybe_fail();
    rows.clear();
    points = {point};
    trimmed = point.index;
  }
  void truncate_prefix(std::uint64_t first_kept) override {
    maybe_fail();
    ASSERT_LE(first_kept, last_index() + 1);
    for (; first_index() < first_kept; ++trimmed)
      rows.erase(rows.begin());
  }
  [[nodiscard]] std::uint64_t first_index() const override { return trimmed + 1; }
  [[nodiscard]] std::uint64_t last_index() const override { return trimmed + rows.size(); }
  [[nodiscard]] const std::string& path() const override { return path_; }
  [[nodiscard]] std::uint64_t file_bytes() const override { return 0; }
  [[nodiscard]] std::uint64_t wal_bytes() const override { return 0; }

private:
  void maybe_fail() {
    if (fail_in == 0)
      throw storage_error(storage_fault::io, path_, "cannot write " + path_ + ": the test says so");
    fail_in -= fail_in > 0;
  }
  hard_state hard_;
  std::string path_ = "memory.db";
};

/// Told apart by its name.
inline edit_message edit_named(const std::string& name) {
  return seal<wire::Edit>([&](auto edit) { edit.setDatabaseCreated(name); });
}
inline std::string name_of(const edit_message& edit) {
  return edit ? std::string{edit.get().getDatabaseCreated()} : std::string{"internal"};
}

inline journal_parts parts_over(std::shared_ptr<edit_log> log) {
  journal_parts parts;
  parts.log = std::move(log);
  parts.core = std::make_shared<libraft_core>(libraft_options{.self = 1});
  parts.founders = {{1, "fe1:9010"}};
  parts.now = [] { return model::time_ms{1'000}; };
  parts.keeper_has_a_thread = false;
  return parts;
}

}  // namespace tabletd::test
