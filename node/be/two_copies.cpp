#include "node/be/two_copies.h"
#include "node/log.h"
#include <tuple>
#include <utility>

namespace tabletd {

namespace {

auto worth(const replica_status& copy) {
  return std::tuple(!copy.bad, copy.version, copy.max_version, copy.rowsets, copy.prepared, copy.moves);
}

void tell(const char* what, const two_copies::place& one, const two_copies::place& chosen) {
  log_warn(what, {{"tablet", one.status.tablet},
                  {"replica", one.status.replica},
                  {"version", one.status.version},
                  {"path", one.disk->root()},
                  {"replica_chosen", chosen.status.replica},
                  {"version_chosen", chosen.status.version},
                  {"path_chosen", chosen.disk->root()}});
}

void remove(const two_copies::place& one) {
  one.disk->run_now([&](tablet_store& store) {
    try {
      store.drop_replica(one.status.tablet, one.status.replica);
    } catch (const storage_error& why) {
      one.disk->note(why);
      log_warn("the second copy of a replica could not be deleted",
               {{"tablet", one.status.tablet}, {"path", one.disk->root()}, {"why", why.what()}});
    }
  });
}

} // namespace

void two_copies::add(disk_worker& disk, const replica_status& here) {
  const auto [at, is_first] = chosen_.emplace(here.tablet, place{&disk, here});
  if (is_first)
    return;
  place other{&disk, here};
  if (worth(at->second.status) < worth(here))
    std::swap(other, at->second);
  others_.push_back(other);
}

void two_copies::remove_others() const {
  for (const auto& one : others_) {
    const auto& kept = chosen_.at(one.status.tablet);
    const bool is_contained = one.status.replica == kept.status.replica && one.status.version <= kept.status.version
                              && one.status.max_version <= kept.status.max_version;
    tell(is_contained ? "a replica was on two paths; one copy is deleted" : "a tablet is on two paths; one is not served",
         one, kept);
    if (is_contained)
      remove(one);
  }
}

} // namespace tabletd
