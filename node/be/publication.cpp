#include "node/be/publication.h"
#include <fmt/format.h>
#include <map>

namespace tabletd {

namespace {

using failures = std::vector<publish_failure>;

/// One verdict on one disk; the tablets it changed go to `touched`.
void obey(disk_worker& disk, tablet_store& store, const txn_verdict& verdict, be_stats& stats, failures& failed,
          std::vector<model::held_ref>& touched) {
  for (const auto tablet : verdict.tablets)
    touched.push_back({static_cast<model::tablet_id>(tablet), {}});
  try {
    if (verdict.version == 0)
      return store.abort(verdict.txn);
    const auto absent = store.publish(verdict.txn, verdict.version, verdict.tablets);
    for (const auto tablet : absent)
      failed.push_back({tablet, verdict.txn,
                        fmt::format("path {} holds nothing prepared by txn {} for tablet {}", disk.root(),
                                    verdict.txn, tablet)});
    stats.rowsets_published += verdict.tablets.size() - std::min(absent.size(), verdict.tablets.size());
  } catch (const storage_error& why) {
    disk.note(why);
    for (const auto tablet : verdict.tablets)
      failed.push_back({tablet, verdict.txn, fmt::format("path {}: {}", disk.root(), why.what())});
    if (verdict.tablets.empty())
      failed.push_back({0, verdict.txn, fmt::format("path {}: {}", disk.root(), why.what())});
  }
}

failures obey_all(path_set& paths, disk_worker& disk, tablet_store& store,
                  const std::vector<txn_verdict>& verdicts) {
  failures failed;
  std::vector<model::held_ref> touched;
  bool anything = false; // A verdict without a list may have changed any tablet.
  for (const auto& verdict : verdicts) {
    anything |= verdict.tablets.empty() && verdict.version != 0;
    obey(disk, store, verdict, paths.stats(), failed, touched);
  }
  if (anything)
    paths.all_changed(disk, store);
  else
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
      else
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
