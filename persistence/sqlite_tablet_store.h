#pragma once
// The tablet store over SQLite, for its own .cpp files only: sqlite_tablet_store.cpp opens,
// and keeps replicas; sqlite_tablet_load.cpp loads and reads; sqlite_tablet_clone.cpp clones,
// takes in moves, and verifies; sqlite_tablet_remote.cpp follows what lies in the remote store.
// Every change goes: files durable in place, one commit, memory, old files.
#include "persistence/directory_lock.h"
#include "persistence/identity_file.h"
#include "persistence/tablet_files.h"
#include "persistence/tablet_index.h"
#include "persistence/tablet_rows.h"
#include "persistence/tablet_store.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tabletd {

class sqlite_tablet_store final : public tablet_store {
public:
  /// `root` exists, and is canonical.
  sqlite_tablet_store(const std::filesystem::path& root, const tablet_store_options& options);

  std::uint64_t path_hash() const override { return path_hash_; }
  const std::filesystem::path& root() const override { return files_.root(); }
  path_usage usage() const override;
  const path_findings& findings() const override { return findings_; }
  void bind(const std::string& cluster, std::uint64_t backend) override;

  std::shared_ptr<space_quota> quota() const override { return quota_; }
  void create_replica(std::uint64_t tablet, std::uint64_t replica) override;
  bool drop_replica(std::uint64_t tablet, std::uint64_t replica) override;
  std::optional<replica_status> status(std::uint64_t tablet) const override;
  std::vector<replica_status> list() const override;
  void mark_bad(std::uint64_t tablet, bool bad) override;

  std::unique_ptr<rowset_writer> begin_rowset(std::uint64_t tablet) override;
  std::unique_ptr<rowset_writer> begin_stray(std::uint64_t tablet) override;
  void prepare(std::uint64_t txn, std::vector<to_prepare> rowsets) override;
  std::vector<std::uint64_t> publish(std::uint64_t txn, std::uint64_t version,
                                     const std::vector<std::uint64_t>& tablets) override;
  void abort(std::uint64_t txn, const std::vector<std::uint64_t>& tablets) override;
  std::vector<std::uint64_t> prepared_txns() const override { return index_.prepared_txns(); }
  std::vector<rowset_meta> prepared_rowsets(std::uint64_t tablet) const override { return index_.prepared_of(tablet); }
  std::vector<std::uint64_t> prepared_tablets(std::uint64_t txn) const override;

  std::vector<rowset_meta> rowsets(std::uint64_t tablet) const override;
  std::shared_ptr<rowset_reader> open_rowset(const rowset_meta& rowset) const override;
  open_file open_segment(const rowset_meta& rowset) const override;

  std::filesystem::path clone_directory(std::uint64_t fence) override;
  std::unique_ptr<rowset_writer> continue_copy(std::uint64_t fence, std::uint64_t source_rowset,
                                               byte_span footer) override;
  void forget_clone(std::uint64_t fence) override { files_.discard_clone(fence); }
  std::vector<std::uint64_t> partial_clones() const override { return files_.clones(); }
  void install(std::uint64_t tablet, std::uint64_t replica, bool full, std::vector<copied_rowset> rowsets,
               const remote_set& remote) override;

  void adopt(std::uint64_t tablet, std::uint64_t replica, std::uint32_t moves,
             std::vector<copied_rowset> rowsets, const remote_set& remote,
             const std::optional<asked_publication>& asked) override;

  std::optional<asked_publication> asked(std::uint64_t tablet) const override;
  void save_asked(std::uint64_t tablet, std::uint64_t replica, const std::optional<asked_publication>& what) override;
  void follow(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
              std::vector<rowset_meta> rowsets) override;
  void come_home(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
                 std::vector<homecoming_rowset> files) override;

  bool verify(std::uint64_t tablet) override;

private:
  /// A rowset on its way in, with the finished file that will be its segment.
  struct incoming {
    rowset_meta meta;
    std::unique_ptr<rowset_writer> file;  ///< Null: no rows.
  };
  class placement;
  struct install_plan;
  struct follow_plan;

  [[nodiscard]] replica_entry& existing(std::uint64_t tablet);
  [[nodiscard]] std::uint64_t next_id() { return ++id_max_; }
  void adopt_identity();
  void judge_damage(const std::vector<std::uint64_t>& damaged, const rowsets_by_id& known);

  /// One transaction around `work`, after whose commit alone memory may change.
  void commit(const std::function<void()>& work);
  /// Runs what touches files; an io fault ends all writing.
  void on_disk(const std::function<void()>& work);
  void refuse_if_offline() const;
  void go_offline(const storage_error& reason);
  /// After a commit that failed: overwrites its traces, if the disk takes that much, so that
  /// its files need not wait for the next commit.
  void try_to_settle() noexcept;
  void discard(const std::vector<rowset_meta>& rowsets);

  [[nodiscard]] bool is_sound(const rowset_meta& rowset) const;
  [[nodiscard]] install_plan plan_install(std::uint64_t tablet, std::uint64_t replica, bool full,
                                          std::vector<copied_rowset> copied, const remote_set& remote);
  [[nodiscard]] follow_plan plan_follow(std::uint64_t tablet, const replica_entry& entry,
                                        std::vector<rowset_meta> rowsets);
  [[nodiscard]] std::vector<incoming> plan_home(std::uint64_t tablet, const replica_entry& entry,
                                                std::vector<homecoming_rowset> files);
  [[nodiscard]] incoming arrival(std::uint64_t tablet, copied_rowset rowset);

  std::shared_ptr<space_quota> quota_;  ///< Null: the disk itself is the limit.
  tablet_files files_;
  directory_lock lock_;
  identity identity_;
  std::uint64_t path_hash_ = 0;
  tablet_rows rows_;
  tablet_index index_;
  path_findings findings_;
  std::uint64_t id_max_ = 0;
  const std::function<std::int64_t()> wall_ms_;
  std::string offline_;  ///< Why no writes are taken; empty: they are.
  /// Placed for a commit that failed: the next power cut may still bring their rows to
  /// light, until another commit has overwritten that one's traces in the WAL.
  std::vector<rowset_meta> unsettled_;
};

/// Renames finished files to their segments and makes that durable; unless keep() was
/// called, takes them away again.
class sqlite_tablet_store::placement {
public:
  placement(sqlite_tablet_store& store, std::vector<incoming>& rowsets);
  placement(const placement&) = delete;
  placement& operator=(const placement&) = delete;
  ~placement();
  void keep() { placed_.clear(); }
  /// The commit failed, so nobody knows: the files stay until it is settled.
  void leave_unsettled();

private:
  sqlite_tablet_store& store_;
  std::vector<rowset_meta> placed_;
};

}  // namespace tabletd
