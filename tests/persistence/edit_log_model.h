#pragma once
// The edit log as a value: what a test believes the disk holds.
#include "persistence/edit_log.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tabletd::test {

struct remembered_entry {
  std::uint64_t term{};
  std::uint16_t type{};
  std::string bytes;
  friend bool operator==(const remembered_entry&, const remembered_entry&) = default;
};

inline log_entry view(const remembered_entry& entry) {
  return {entry.term, entry.type, std::as_bytes(std::span(entry.bytes))};
}

struct remembered_log {
  std::uint64_t first = 1;
  std::vector<remembered_entry> entries;
  std::uint64_t term = 0;
  std::uint64_t vote = 0;
  friend bool operator==(const remembered_log&, const remembered_log&) = default;

  [[nodiscard]] std::uint64_t last() const { return first + entries.size() - 1; }
  void append(std::uint64_t at, const std::vector<remembered_entry>& more) {
    entries.resize(at - first);
    entries.insert(entries.end(), more.begin(), more.end());
  }
  void trim(std::uint64_t first_kept) {
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(first_kept - first));
    first = first_kept;
  }
};

/// Everything a log holds, read back through its own checks.
inline remembered_log read_back(const edit_log& log) {
  remembered_log read;
  read.first = log.first_index();
  read.term = log.load_hard_state().term;
  read.vote = log.load_hard_state().vote;
  log.replay(1, [&](std::uint64_t index, const log_entry& entry) {
    EXPECT_EQ(index, read.last() + 1);
    read.entries.push_back(
        {entry.term, entry.type, std::string(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size())});
    return true;
  });
  EXPECT_EQ(read.last(), log.last_index());
  return read;
}

inline void append(edit_log& log, std::uint64_t at, const std::vector<remembered_entry>& entries) {
  std::vector<log_entry> views;
  for (const auto& entry : entries)
    views.push_back(view(entry));
  log.append(at, views);
}

/// One change to a log, as a value: done to the disk and, if that returned, to the model.
struct log_change {
  enum class kind { append, vote, trim } what = kind::append;
  std::uint64_t index{};  ///< append: where; trim: first kept.
  std::vector<remembered_entry> entries;
  std::uint64_t term{};
  std::uint64_t vote{};

  void apply_to(edit_log& log) const {
    switch (what) {
      case kind::append:
        return test::append(log, index, entries);
      case kind::vote:
        return log.save_hard_state({term, vote});
      case kind::trim:
        return log.truncate_prefix(index);
    }
  }
  void apply_to(remembered_log& log) const {
    switch (what) {
      case kind::append:
        return log.append(index, entries);
      case kind::vote:
        log.term = term, log.vote = vote;
        return;
      case kind::trim:
        return log.trim(index);
    }
  }
};

/// A change that is legal after `now`: mostly appends, some replace a tail.
inline log_change random_change(const remembered_log& now, std::mt19937_64& rng) {
  const auto upto = [&](std::uint64_t n) { return rng() % n; };
  const auto dice = upto(20);
  if (now.term == 0 || dice == 0)
    return {log_change::kind::vote, {}, {}, now.term + upto(2) + (now.term == 0), upto(4)};
  if (dice == 1 && now.entries.size() > 8)
    return {log_change::kind::trim, now.first + upto(now.entries.size()), {}, {}, {}};
  log_change change;
  change.index = now.last() + 1;
  // A tail may only be replaced by entries of a term that is not older.
  if (dice < 5 && !now.entries.empty())
    change.index -= 1 + upto(std::min<std::uint64_t>(3, now.entries.size()));
  const auto count = 1 + upto(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string bytes(upto(3'000), '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(rng());
    change.entries.push_back({now.term, static_cast<std::uint16_t>(1 + upto(3)), std::move(bytes)});
  }
  return change;
}

}  // namespace tabletd::test
