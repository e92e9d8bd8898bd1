#pragma once
// One load's rows on their way to this backend's disks.  Blocks go straight from the
// message they came in to their file, in the thread of its disk; nothing is copied.
#include "node/be/backend_room.h"
#include "persistence/tablet_store.h"
#include <map>
#include <set>

namespace tabletd {

struct load_target {
  std::uint64_t tablet{};
  std::uint64_t replica{};
};
struct load_expected {
  std::uint64_t tablet{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
};
struct load_failure {
  std::uint64_t tablet{};
  std::string message;
};
/// A tablet that moved to another path after its load began: its rows have to follow.
struct load_stray {
  std::uint64_t replica{};
  load_expected expected;
  std::shared_ptr<rowset_writer> file; ///< On the old path; null: no rows.
};
struct load_prepared {
  std::vector<load_failure> failed;
  std::vector<load_stray> strays;
};

/// What one disk does for one load.  Disk thread only, but for its creation.
class load_part {
public:
  load_part(std::shared_ptr<path_set> paths, disk_worker& disk, std::uint64_t txn)
    : paths_(std::move(paths)), disk_(disk), txn_(txn) {}

  [[nodiscard]] disk_worker& disk() const { return disk_; }
  void open(const tablet_store& store, const std::vector<load_target>& targets);
  /// A failure is remembered; later blocks of that tablet are ignored.
  void append(tablet_store& store, std::uint64_t tablet, byte_span block, std::uint32_t rows,
              std::uint64_t checksum);
  [[nodiscard]] load_prepared prepare(tablet_store& store, const std::vector<load_expected>& tablets);
  /// The same for rows that begun on another path, which are copied here first.
  [[nodiscard]] load_prepared prepare_strays(tablet_store& store, const std::vector<load_stray>& strays);
  /// Deletes what was written and not prepared.
  void discard() { lanes_.clear(); }

private:
  struct lane {
    std::uint64_t replica{};
    std::unique_ptr<rowset_writer> file; ///< Null: no row came yet.
    std::string failure;
  };
  void check(const tablet_store& store, std::uint64_t tablet, lane& at) const;
  [[nodiscard]] bool has_left(std::uint64_t tablet) const { return paths_->left_for(tablet, disk_) != nullptr; }
  void prepare_files(tablet_store& store, std::vector<tablet_store::to_prepare> files,
                     std::vector<load_failure>& failed);
  void fail(lane& at, const storage_error& why) const;
  [[nodiscard]] std::string objection(const lane& at, const load_expected& wanted) const;

  std::shared_ptr<path_set> paths_;
  disk_worker& disk_;
  std::uint64_t txn_;
  std::map<std::uint64_t, lane> lanes_;
};

class load_writer final : public wire::LoadWriter::Server {
public:
  load_writer(backend_room_ptr room, std::uint64_t link, std::uint64_t txn,
              const std::vector<load_target>& targets);
  ~load_writer() noexcept(false);

  kj::Promise<void> write(WriteContext context) override;
  kj::Promise<void> prepare(PrepareContext context) override;

private:
  using failures_ptr = std::shared_ptr<std::vector<load_failure>>;
  [[nodiscard]] kj::Promise<void> prepare_all(const std::vector<load_expected>& tablets, tablet_gate::pass_ptr pass,
                                              failures_ptr failed);
  /// Takes in what a part answered, and sends what strayed to where it belongs now.
  [[nodiscard]] kj::Promise<void> prepared(disk_result<load_prepared>&& result, const tablet_gate::pass_ptr& pass,
                                           const failures_ptr& failed);
  backend_room_ptr room_;
  std::uint64_t link_;
  std::uint64_t txn_;
  std::map<std::uint64_t, std::shared_ptr<load_part>> part_of_; ///< By tablet.
  bool prepared_ = false;
};

} // namespace tabletd
