#include "node/be/replica_look.h"

#include <fmt/format.h>

namespace tabletd {

model::replica_disk disk_of(const tablet_store& store, model::tablet_id tablet) {
  const auto here = *store.status(model::raw(tablet));
  model::replica_disk disk{tablet, model::replica_id{here.replica}, {here.remote.term, here.remote.seq}, {}, {}, {}};
  std::uint64_t remote_end = model::version_initial;
  for (const auto& rowset : store.rowsets(model::raw(tablet))) {
    if (rowset.is_remote() && rowset.first_version == remote_end + 1) {
      disk.remote.push_back({*rowset.object, model::txn_id{rowset.txn}, rowset.first_version, rowset.last_version, rowset.rows,
                             rowset.bytes, rowset.blocks});
      remote_end = rowset.last_version;
    } else if (!rowset.is_remote()) {
      disk.hot.push_back({model::txn_id{rowset.txn}, rowset.first_version, rowset.last_version, rowset.rows, rowset.bytes,
                          rowset.blocks, model::time_ms(rowset.written_ms)});
    }
  }
  disk.resource = model::resource_id{here.remote.resource};
  // One that is damaged has nothing to give: no rowset of it is taken until it is repaired.
  if (here.bad)
    disk.hot.clear();
  if (const auto asked = store.asked(model::raw(tablet)))
    disk.asked = model::published_meta{{asked->set.term, asked->set.seq}, model::resource_id{asked->set.resource},
                                       asked->object, asked->crc32c, asked->last_version, asked->bytes};
  return disk;
}

std::optional<asked_publication> asked_of(const std::optional<model::published_meta>& meta) {
  if (!meta)
    return std::nullopt;
  return asked_publication{{meta->id.term, meta->id.seq, model::raw(meta->resource)}, meta->object, meta->crc32c,
                           meta->last_version, meta->bytes};
}

void take_over(tablet_store& store, model::tablet_id tablet, model::replica_id replica, const model::set_change& change,
               model::resource_id resource) {
  const auto here = store.status(model::raw(tablet));
  if (!here || model::remote_meta_id{here->remote.term, here->remote.seq} != change.from)
    throw storage_error(storage_fault::unusable, store.root().string(),
                        fmt::format("the remote rowsets of tablet {} on {} have changed meanwhile; it is looked at again",
                                    model::raw(tablet), store.root().string()));
  std::vector<rowset_meta> rowsets;
  for (const auto& rowset : change.remote)
    rowsets.push_back({.tablet = model::raw(tablet),
                       .txn = model::raw(rowset.txn),
                       .first_version = rowset.first_version,
                       .last_version = rowset.last_version,
                       .rows = rowset.rows,
                       .bytes = rowset.bytes,
                       .blocks = rowset.blocks,
                       .object = rowset.object});
  const auto asked = store.asked(model::raw(tablet));
  store.follow(model::raw(tablet), model::raw(replica), {change.to.term, change.to.seq, model::raw(resource)},
               std::move(rowsets));
  // "saving it forgets what was asked", says the model; a crash in between asks once more, to no effect.
  if (asked && model::remote_meta_id{asked->set.term, asked->set.seq} <= change.to)
    store.save_asked(model::raw(tablet), model::raw(replica), std::nullopt);
}

}  // namespace tabletd
