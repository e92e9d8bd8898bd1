#pragma once
// What has arrived of one clone or move, on its disk.  Lives through broken links; its files
// live through a restart.  Disk thread only.
#include "actors/model/snapshot_plan.h"
#include "persistence/tablet_store.h"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd {

/// One rowset of the source's snapshot.
struct source_rowset {
  std::uint64_t id{}; ///< The source's.
  model::version_range version; ///< Of a move also 0..0: prepared.
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint64_t txn{};
  std::vector<std::byte> encoded_footer; ///< Empty: no rows, no file.
  rowset_footer footer;
  std::optional<std::string> object{}; ///< Set: it lies in the remote store, and nothing of it is copied.
  std::uint32_t blocks{};              ///< Of a remote one.
  std::int64_t written_ms{};           ///< As in rowset_meta.
};
/// What a source holds, or of it what is to be copied.
struct source_listing {
  std::vector<source_rowset> rowsets;
  remote_set remote; ///< What its remote rowsets are.
  std::optional<asked_publication> asked{}; ///< Of a move.
};
using source_snapshot = std::shared_ptr<const source_listing>;

class partial_copy {
public:
  explicit partial_copy(std::uint64_t fence) : fence_(fence) {}

  /// Goes on with `snapshot`: what is here and still fits is kept.  Answers, per rowset, the
  /// first block that is missing.  storage_error(disk_full) if the rest cannot fit.
  [[nodiscard]] std::vector<std::uint32_t> open(tablet_store& store, const source_snapshot& snapshot);
  /// The next block of rowset `index` of the snapshot.
  void append(std::size_t index, byte_span block, std::uint32_t rows, std::uint64_t checksum);
  /// Every file complete, equal to the source's, and on the disk.
  void finish();
  /// What install() wants; nothing is left here.
  [[nodiscard]] std::vector<copied_rowset> take();
  /// Goes with them.
  [[nodiscard]] const remote_set& remote() const { return snapshot_->remote; }
  [[nodiscard]] const std::optional<asked_publication>& asked() const { return snapshot_->asked; }
  /// Lets the files go; they stay for the next attempt.
  void close() { files_.clear(); }

private:
  struct part {
    std::unique_ptr<rowset_writer> file; ///< Null after a block was refused.
    rowset_footer footer;                ///< What it is a copy of.
  };
  std::uint64_t fence_;
  source_snapshot snapshot_;
  std::map<std::uint64_t, part> files_; ///< By the source's id.
};

} // namespace tabletd
