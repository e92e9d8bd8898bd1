#pragma once
// What a path holds, in memory: the metadata database, read once at open and changed only
// after each commit, so that status() and list() cost no query.
#include "persistence/tablet_store.h"

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tabletd {

[[nodiscard]] inline std::uint64_t file_bytes_of(const rowset_meta& rowset) {
  return rowset.is_remote() ? 0 : rowset_file_bytes(rowset.bytes, rowset.blocks);
}

/// One replica with its visible rowsets and the sums that status() answers from.
class replica_entry {
public:
  explicit replica_entry(std::uint64_t replica) : replica_(replica) {}
  [[nodiscard]] std::uint64_t replica() const { return replica_; }
  [[nodiscard]] const std::vector<rowset_meta>& visible() const { return visible_; }
  [[nodiscard]] std::uint64_t file_bytes() const { return file_bytes_; }
  [[nodiscard]] replica_status status(std::uint64_t tablet) const;
  /// The visible rowset that covers any of first..last; null: none does.
  [[nodiscard]] const rowset_meta* covering(std::uint64_t first, std::uint64_t last) const;
  void add(const rowset_meta& rowset);
  void set_visible(std::vector<rowset_meta> rowsets);

  bool bad = false;
  std::uint32_t moves = 0;     ///< Between paths.
  std::uint32_t prepared = 0;  ///< Rowsets; the index counts them.
  remote_set remote;
  std::optional<asked_publication> asked;

private:
  void count();
  std::uint64_t replica_;
  std::vector<rowset_meta> visible_;  ///< By first version; ranges do not overlap.
  std::uint64_t version_ = 1;         ///< The initial version needs no rowset.
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t remote_version_ = 1;
  std::uint64_t remote_bytes_ = 0;
};

class tablet_index {
public:
  [[nodiscard]] replica_entry* find(std::uint64_t tablet);
  [[nodiscard]] const replica_entry* find(std::uint64_t tablet) const;
  [[nodiscard]] const std::map<std::uint64_t, replica_entry>& replicas() const { return replicas_; }
  replica_entry& add_replica(std::uint64_t tablet, std::uint64_t replica);
  void remove_replica(std::uint64_t tablet) { replicas_.erase(tablet); }

  /// Of all segment files, prepared ones included.
  [[nodiscard]] std::uint64_t file_bytes() const;

  /// By (txn, tablet); null: nothing prepared.
  [[nodiscard]] const rowset_meta* prepared(std::uint64_t txn, std::uint64_t tablet) const;
  [[nodiscard]] std::vector<rowset_meta> prepared_by(std::uint64_t txn) const;
  [[nodiscard]] std::vector<rowset_meta> prepared_of(std::uint64_t tablet) const;
  [[nodiscard]] std::vector<std::uint64_t> prepared_txns() const;
  void add_prepared(const rowset_meta& rowset);
  void remove_prepared(std::uint64_t txn, std::uint64_t tablet);

  /// Every rowset, visible or prepared.
  template <class Visit>
  void each_rowset(Visit&& visit) const {
    for (const auto& [tablet, entry] : replicas_)
      for (const auto& rowset : entry.visible())
        visit(rowset);
    for (const auto& [txn, tablets] : prepared_)
      for (const auto& [tablet, rowset] : tablets)
        visit(rowset);
  }

private:
  std::map<std::uint64_t, replica_entry> replicas_;
  std::map<std::uint64_t, std::map<std::uint64_t, rowset_meta>> prepared_;  ///< txn, tablet.
};

}  // namespace tabletd
