#include "node/be/publication.h"
#include <fmt/format.h>
#include <map>

namespace tabletd {

namespace {

using failures = std::vector<publish_failure>;

/// One verdict on one disk; the tablets it may have changed go to `touched`.
void obey(disk_worker& disk, tablet_store& store, const txn_verdict& verdict, be_stats& stats, failures& failed,
          std::vector<model::held_ref>& touched) {
  const auto tablets = verdict.tablets.empty() ? store.prepared_tablets(verdict.txn) : verdict.tablets;
  if (tablets.empty())
    return;
  for (const auto tablet : tablets)
    touched.push_back({static_cast<model::tablet_id>(tablet), {}});
  try {
    if (verdict.version == 0)
      return store.abort(verdict.txn, tablets);
    const auto absent = store.publish(verdict.txn, verdict.version, tablets);
    for (const auto tablet : absent)
      failed.push_back({tablet, verdict.txn,
                        fmt::format("path {} holds nothing prepared by txn {} for tablet {}", disk.root(),
                                    verdict.txn, tablet)});
    stats.rowsets_published += tablets.size() - absent.size();
  } catch (const storage_error& why) {
    disk.note(why);
    for (const auto tablet : tablets)
      failed.push_back({tablet, verdict.txn, fmt::format("path {}: {}", disk.root(), why.what())});
  }
}

failures obey_all(path_set& paths, disk_worker& disk, tablet_store& store,
                  const std::vector<txn_verdict>& verdicts) {
  failures failed;
  std::vector<model::held_ref> touched;
  for (const auto& verdict : verdicts)
    obey(disk, store, verdict, paths.stats(), failed, touched);
  if (!touched.empty())
    paths.changed(disk, store, touched, path_set::prepared_set::changed);
  return failed;
}

/// Which disk has to hear what; `absent`: tablets that are on none.
std::map<disk_worker*, std::vector<txn_verdict>> by_disk(const path_set& paths,
                                                         const std::vector<txn_verdict>& verdicts,
                                                         failures& absent) {
  std::map<disk_worker*, std::vector<txn_verdict>> all;
  for (const auto& verdict : verdicts) {
    std::map<disk_worker*, std::vector<std::uint64_t>> tablets;
    for (const auto tablet : verdict.tablets) {
      if (auto* disk = paths.disk_of(tablet))
        tablets[disk].push_back(tablet);
      else if (verdict.version != 0)
        absent.push_back({tablet, verdict.txn, fmt::format("this backend does not hold tablet {}", tablet)});
    }
    if (verdict.tablets.empty())
      for (const auto& disk : paths.disks())
        tablets[disk.get()];
    for (auto& [disk, of_disk] : tablets)
      all[disk].push_back({verdict.txn, verdict.version, std::move(of_disk)});
  }
  return all;
}

} // namespace

kj::Promise<failures> publish_verdicts(backend_room& room, const std::vector<txn_verdict>& verdicts) {
  auto failed = std::make_shared<failures>();
  kj::Vector<kj::Promise<void>> disks;
  for (auto& [disk, of_disk] : by_disk(room.paths(), verdicts, *failed)) {
    disks.add(on_disk(room.loop(), *disk,
                      [paths = room.shared_paths(), disk = disk, of_disk = std::move(of_disk)](tablet_store& store) {
                        return obey_all(*paths, *disk, store, of_disk);
                      })
                .then([failed](disk_result<failures>&& result) {
                  if (const auto* why = result.error())
                    KJ_FAIL_REQUIRE("publish failed", why->what());
                  const auto& more = result.value();
                  failed->insert(failed->end(), more.begin(), more.end());
                }));
  }
  return kj::joinPromises(disks.releaseAsArray()).then([failed] { return kj::mv(*failed); });
}

} // namespace tabletd
