#pragma once
// Where a path keeps what: names of segment files and partial clones, the directories made
// for them, and the walk at open that finds what does not belong.
#include "persistence/space_quota.h"
#include "persistence/tablet_index.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tabletd {

/// Rowsets that should have a file, by id.
using rowsets_by_id = std::unordered_map<std::uint64_t, rowset_meta>;

class tablet_files {
public:
  /// `quota` (may be null) is told what the sweep finds and what discard() removes.
  tablet_files(std::filesystem::path root, std::shared_ptr<space_quota> quota);

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path segment(std::uint64_t tablet, std::uint64_t id) const;
  /// The id in a name that segment() made for `tablet`; none if it did not.
  [[nodiscard]] std::optional<std::uint64_t> segment_id(std::uint64_t tablet, const std::filesystem::path& file) const;
  [[nodiscard]] std::filesystem::path clone(std::uint64_t fence) const;
  [[nodiscard]] std::filesystem::path partial(std::uint64_t fence, std::uint64_t rowset) const;
  [[nodiscard]] std::vector<std::uint64_t> clones() const;

  void make_tablet_directory(std::uint64_t tablet);
  /// Makes renames in these tablets' directories durable, and the directories themselves.
  void sync(const std::vector<std::uint64_t>& tablets);
  /// The files of `tablet` are durable in their directory, so the directory is as well.
  void known_durable(std::uint64_t tablet) { durable_.insert(tablet); }

  /// Best effort: what stays is swept at the next open.
  void discard(const rowset_meta& rowset);
  void discard_tablet_directory(std::uint64_t tablet);
  void discard_clone(std::uint64_t fence);

  /// Deletes segment files that no row names and temporary files; leaves partial clones, and
  /// what it does not know.  Returns the ids of `known` whose file is missing or has another
  /// size.  Sizes only: nothing is read.
  std::vector<std::uint64_t> sweep(const rowsets_by_id& known, const tablet_index& index, path_findings& findings);
  /// Whether any segment file is there, known or not.
  [[nodiscard]] bool any_segment() const;

private:
  [[nodiscard]] std::filesystem::path shard_directory(std::uint64_t tablet) const;
  [[nodiscard]] std::filesystem::path tablet_directory(std::uint64_t tablet) const;

  struct sweep_state;
  void sweep_tablet(sweep_state& state, const std::filesystem::path& directory, std::uint64_t tablet);
  void sweep_tmp(sweep_state& state);

  std::filesystem::path root_;
  std::shared_ptr<space_quota> quota_;
  /// Tablets whose directory is known to survive a power cut.  One that merely exists may
  /// have been made by a process that was killed before it synced the parent.
  std::unordered_set<std::uint64_t> durable_;
};

}  // namespace tabletd
