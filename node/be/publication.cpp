#include "node/be/publication.h"
#include <fmt/format.h>
#include <map>

namespace tabletd {

namespace {

using failures = std::vector<publish_failure>;

/// The tablets of this disk that a verdict is about.
std::vector<std::uint64_t> tablets_of(const path_set& paths, const disk_worker& disk, const tablet_store& store,
                                      const txn_verdict& verdict) {
  if (!verdict.tablets.empty())
    return verdict.tablets;
  auto prepared = store.prepared_tablets(verdict.txn);
  // What could not be removed after a move is garbage: the new path obeys.
  std::erase_if(prepared, [&](std::uint64_t tablet) { return paths.left_for(tablet, disk) != nullptr; });
  return prepared;
}

/// One verdict on one disk; the tablets it may have changed go to `touched`.
void obey(const path_set& paths, disk_worker& disk, tablet_store& store, const txn_verdict& verdict, failures& failed,
          std::vector<model::held_ref>& touched) {
  const auto tablets = tablets_of(paths, disk, store, verdict);
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
    paths.stats().rowsets_published += tablets.size() - absent.size();
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
    obey(paths, disk, store, verdict, failed, touched);
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

/// Every tablet the verdicts name; none: any may be meant.
std::vector<std::uint64_t> tablets_in(const std::vector<txn_verdict>& verdicts) {
  std::vector<std::uint64_t> all;
  for (const auto& verdict : verdicts) {
    if (verdict.tablets.empty())
      return {};
    all.insert(all.end(), verdict.tablets.begin(), verdict.tablets.end());
  }
  return all;
}

/// No tablet of `pass` changes its path meanwhile.
kj::Promise<failures> publish_on_disks(backend_room& room, const std::vector<txn_verdict>& verdicts,
                                       const tablet_gate::pass_ptr& pass) {
  auto failed = std::make_shared<failures>();
  kj::Vector<kj::Promise<void>> disks;
  for (auto& [disk, of_disk] : by_disk(room.paths(), verdicts, *failed)) {
    disks.add(on_disk(room.loop(), *disk,
                      [paths = room.shared_paths(), disk = disk, of_disk = std::move(of_disk)](tablet_store& store) {
                        return obey_all(*paths, *disk, store, of_disk);
                      },
                      pass)
                .then([failed](disk_result<failures>&& result) {
                  if (const auto* why = result.error())
                    KJ_FAIL_REQUIRE("publish failed", why->what());
                  const auto& more = result.value();
                  failed->insert(failed->end(), more.begin(), more.end());
                }));
  }
  return kj::joinPromises(disks.releaseAsArray()).then([failed] { return kj::mv(*failed); });
}

} // namespace

kj::Promise<failures> publish_verdicts(backend_room_ptr room, std::uint64_t link,
                                       std::vector<txn_verdict> verdicts) {
  const auto pass = room->gate().enter(tablets_in(verdicts));
  return pass->admitted().then([room, link, pass, verdicts = std::move(verdicts)]() -> kj::Promise<failures> {
    KJ_IF_MAYBE(why, room->refuse(link))
      return kj::mv(*why); // Another leader came while this waited.
    return publish_on_disks(*room, verdicts, pass);
  });
}

} // namespace tabletd
