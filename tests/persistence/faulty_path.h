#pragma once
// A path of a backend on a disk that can fail or lose power, what it should hold, and the
// changes that both the store and the memory of the test understand.
#include "persistence/tablet_store.h"
#include "tests/persistence/crash_vfs.h"
#include "tests/persistence/fault_files.h"
#include "tests/persistence/store_rig.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

// -- what a path should hold --------------------------------------------------------------

struct remembered_replica {
  std::uint64_t replica{};
  std::map<std::uint64_t, std::string> rows;  ///< By version; of a remote one "@" and its object.
  remote_set remote{};
  bool operator==(const remembered_replica&) const = default;
};

struct remembered_path {
  std::map<std::uint64_t, remembered_replica> replicas;                    ///< By tablet.
  std::map<std::uint64_t, std::map<std::uint64_t, std::string>> prepared;  ///< By txn, tablet.
  bool operator==(const remembered_path&) const = default;

  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    for (const auto& [tablet, replica] : replicas)
      for (const auto& [version, rows] : replica.rows)
        count += !rows.empty() && !rows.starts_with("@");
    for (const auto& [txn, tablets] : prepared)
      for (const auto& [tablet, rows] : tablets)
        count += !rows.empty();
    return count;
  }
};

/// Empty, or how the store differs.  Reads every visible row.
inline std::string difference(const tablet_store& store, const remembered_path& wanted) {
  const auto all = store.list();
  if (all.size() != wanted.replicas.size())
    return fmt::format("{} replicas instead of {}", all.size(), wanted.replicas.size());
  for (const auto& [tablet, replica] : wanted.replicas) {
    const auto status = store.status(tablet);
    if (!status || status->replica != replica.replica || status->bad || status->remote != replica.remote)
      return fmt::format("tablet {} is missing, bad, another replica or has another remote set", tablet);
    const auto rowsets = store.rowsets(tablet);
    if (rowsets.size() != replica.rows.size())
      return fmt::format("tablet {} has {} rowsets instead of {}", tablet, rowsets.size(), replica.rows.size());
    for (const auto& rowset : rowsets) {
      const auto rows = replica.rows.find(rowset.first_version);
      const auto is = rowset.is_remote() ? "@" + *rowset.object : content_of(store, rowset);
      if (rows == replica.rows.end() || is != rows->second)
        return fmt::format("tablet {} version {} has other rows", tablet, rowset.first_version);
    }
  }
  std::vector<std::uint64_t> txns;
  for (const auto& [txn, tablets] : wanted.prepared)
    txns.push_back(txn);
  return store.prepared_txns() == txns ? "" : "other prepared txns";
}

/// One thing done to a path, and what it means.
struct change {
  std::string name;
  std::function<void(tablet_store&)> on_store;
  std::function<void(remembered_path&)> on_memory;
};

// -- the changes --------------------------------------------------------------------------

inline change create(std::uint64_t tablet, std::uint64_t replica) {
  return {fmt::format("create {}", tablet), [=](tablet_store& store) { store.create_replica(tablet, replica); },
          [=](remembered_path& path) { path.replicas[tablet].replica = replica; }};
}

inline change drop(std::uint64_t tablet, std::uint64_t replica) {
  return {fmt::format("drop {}", tablet),
          [=](tablet_store& store) { ASSERT_TRUE(store.drop_replica(tablet, replica)); },
          [=](remembered_path& path) {
            path.replicas.erase(tablet);
            for (auto& [txn, tablets] : path.prepared)
              tablets.erase(tablet);
            std::erase_if(path.prepared, [](const auto& of_txn) { return of_txn.second.empty(); });
          }};
}

using blocks_by_tablet = std::map<std::uint64_t, std::vector<std::string>>;

inline std::string joined(const std::vector<std::string>& blocks) {
  std::string all;
  for (const auto& block : blocks)
    all += block;
  return all;
}

inline change load(std::uint64_t txn, const blocks_by_tablet& rows) {
  return {fmt::format("load {}", txn),
          [=](tablet_store& store) {
            std::vector<tablet_store::to_prepare> rowsets;
            for (const auto& [tablet, blocks] : rows) {
              rowsets.push_back({tablet, store.begin_rowset(tablet)});
              for (const auto& block : blocks)
                append(*rowsets.back().file, block);
            }
            store.prepare(txn, std::move(rowsets));
          },
          [=](remembered_path& path) {
            for (const auto& [tablet, blocks] : rows)
              path.prepared[txn][tablet] = joined(blocks);
          }};
}

inline change publish(std::uint64_t txn, std::uint64_t version) {
  return {fmt::format("publish {}", txn),
          [=](tablet_store& store) { ASSERT_TRUE(store.publish(txn, version, {}).empty()); },
          [=](remembered_path& path) {
            for (const auto& [tablet, rows] : path.prepared[txn])
              path.replicas.at(tablet).rows[version] = rows;
            path.prepared.erase(txn);
          }};
}

inline change abort_txn(std::uint64_t txn) {
  return {fmt::format("abort {}", txn), [=](tablet_store& store) { store.abort(txn, {}); },
          [=](remembered_path& path) { path.prepared.erase(txn); }};
}

/// Copies the versions of `rows`; `fence` also numbers the txns they claim.
inline change clone(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica, bool full,
                    const std::map<std::uint64_t, std::vector<std::string>>& rows) {
  return {fmt::format("{} clone {} of {}", full ? "full" : "incremental", fence, tablet),
          [=](tablet_store& store) {
            std::vector<copied_rowset> copies;
            for (const auto& [version, blocks] : rows) {
              const source_rowset source(tablet, blocks);
              const auto txn = fence * 1000 + version;
              copies.push_back({txn, version, version, source.footer.rows, source.footer.bytes});
              if (blocks.empty())
                continue;
              copies.back().file = store.continue_copy(fence, version, source.footer.encode());
              source.send(*copies.back().file);
              (void)copies.back().file->finish();
            }
            store.install(tablet, replica, full, std::move(copies), {});
            store.forget_clone(fence);
          },
          [=](remembered_path& path) {
            auto& to = path.replicas[tablet];
            to.replica = replica;
            if (full)
              std::erase_if(to.rows,
                            [&](const auto& have) { return !rows.empty() && have.first <= rows.rbegin()->first; });
            for (const auto& [version, blocks] : rows)
              to.rows.emplace(version, joined(blocks));
          }};
}

/// A replica from another path, with what it has visible and, by txn, prepared.
inline change move_in(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica,
                      const std::map<std::uint64_t, std::vector<std::string>>& rows,
                      const std::map<std::uint64_t, std::vector<std::string>>& waiting) {
  return {fmt::format("move {} of {}", fence, tablet),
          [=](tablet_store& store) {
            std::vector<copied_rowset> copies;
            const auto copy = [&](std::uint64_t txn, std::uint64_t version, const std::vector<std::string>& blocks) {
              const source_rowset source(tablet, blocks);
              copies.push_back({txn, version, version, source.footer.rows, source.footer.bytes});
              if (blocks.empty())
                return;
              copies.back().file = store.continue_copy(fence, txn, source.footer.encode());
              source.send(*copies.back().file);
              (void)copies.back().file->finish();
            };
            for (const auto& [version, blocks] : rows)
              copy(fence * 1000 + version, version, blocks);
            for (const auto& [txn, blocks] : waiting)
              copy(txn, 0, blocks);
            store.adopt(tablet, replica, 1, std::move(copies), {}, {});
            store.forget_clone(fence);
          },
          [=](remembered_path& path) {
            for (auto& [txn, tablets] : path.prepared)
              tablets.erase(tablet);
            std::erase_if(path.prepared, [](const auto& of_txn) { return of_txn.second.empty(); });
            path.replicas[tablet] = {replica, {}, {}};
            for (const auto& [version, blocks] : rows)
              path.replicas[tablet].rows[version] = joined(blocks);
            for (const auto& [txn, blocks] : waiting)
              path.prepared[txn][tablet] = joined(blocks);
          }};
}

/// The versions 2..`upto` lie in the remote store as `set.seq`, one object each.
inline change follow(std::uint64_t tablet, std::uint64_t replica, remote_set set, std::uint64_t upto) {
  const auto object = [=](std::uint64_t version) { return fmt::format("{}.{}.seg", set.seq, version); };
  return {fmt::format("follow {} to {}", tablet, upto),
          [=](tablet_store& store) {
            std::vector<rowset_meta> rowsets;
            for (std::uint64_t version = 2; version <= upto; ++version)
              rowsets.push_back({.tablet = tablet,
                                 .txn = version,
                                 .first_version = version,
                                 .last_version = version,
                                 .rows = 1,
                                 .bytes = 8,
                                 .blocks = 1,
                                 .object = object(version)});
            store.follow(tablet, replica, set, std::move(rowsets));
          },
          [=](remembered_path& path) {
            auto& to = path.replicas.at(tablet);
            to.remote = set;
            for (std::uint64_t version = 2; version <= upto; ++version)
              to.rows[version] = "@" + object(version);
          }};
}

/// What follow() made remote comes back.
inline change come_home(std::uint64_t tablet, std::uint64_t replica, remote_set set) {
  const auto rows = [](std::uint64_t version) { return fmt::format("row-{:03}\n", version); };
  return {fmt::format("bring home {}", tablet),
          [=](tablet_store& store) {
            std::vector<homecoming_rowset> files;
            for (const auto& rowset : store.rowsets(tablet))
              if (rowset.is_remote()) {
                files.push_back({*rowset.object, store.begin_rowset(tablet)});
                append(*files.back().file, rows(rowset.first_version));
                (void)files.back().file->finish();
              }
            store.come_home(tablet, replica, set, std::move(files));
          },
          [=](remembered_path& path) {
            auto& to = path.replicas.at(tablet);
            to.remote = set;
            for (auto& [version, has] : to.rows)
              if (has.starts_with("@"))
                has = rows(version);
          }};
}

// -- a disk under both halves -------------------------------------------------------------

struct faulty_path {
  explicit faulty_path(std::uint64_t seed) : database(seed), disk(root, seed, &database) { fs::create_directory(root); }
  /// Throws storage_error, as any call on a faulty disk may.
  void open() { store = tablet_store::open(root, {.sqlite_vfs = database.vfs()}); }
  /// What is left of a process that was killed.
  void kill() {
    database.stop();
    store.reset();
  }
  void restart_process() {
    database.restart_process();
    disk.restart_process();
  }
  void restore_power(double keep) {
    database.restore_power({.keep = keep});
    disk.restore_power(keep);
  }
  [[nodiscard]] bool dead() const { return disk.dead(); }

  /// The store must hold `before` or, if a change was under way, what it leads to.
  void expect_sound(remembered_path& before, std::optional<change>& in_flight) {
    auto after = before;
    if (in_flight)
      in_flight->on_memory(after);
    const auto not_before = difference(*store, before);
    const auto not_after = difference(*store, after);
    ASSERT_TRUE(not_before.empty() || not_after.empty())
        << (in_flight ? in_flight->name : "nothing") << " was under way.  Before: " << not_before
        << ".  After: " << not_after;
    if (!not_before.empty())
      before = after;
    in_flight.reset();
    ASSERT_EQ(files_under(root / "tablets").size(), before.files()) << "garbage";
    for (const auto& name : files_under(root / "tmp"))
      ASSERT_TRUE(name.starts_with("clone-")) << name;
    ASSERT_TRUE(store->findings().foreign.empty()) << store->findings().foreign[0];
  }

  memory_directory scratch;
  fs::path root = scratch.path() / "disk";
  crash_disk database;
  fault_files disk;
  std::unique_ptr<tablet_store> store;
};

}  // namespace tabletd::test
