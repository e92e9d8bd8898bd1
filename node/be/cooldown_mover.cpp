// See cooldown_mover.h.
#include "node/be/cooldown_mover.h"

#include "actors/codec/remote_meta_codec.h"
#include "node/be/homecoming.h"
#include "node/be/remote_meta_object.h"
#include "node/be/replica_look.h"
#include "persistence/crc32c.h"
#include "persistence/remote/remote_segment.h"
#include "persistence/rowset_merge.h"

#include <caf/send.hpp>
#include <fmt/format.h>

#include <optional>
#include <kj/exception.h>

#include <algorithm>

namespace tabletd {

namespace {

/// Of a call that no lease bounds.
constexpr std::chrono::milliseconds patience{120'000};
/// After a store did not answer one tablet's listing, the others' cleanups of it fail at once: thousands of tablets that wait
/// for a store which is gone would leave no thread for uploads to another one.
constexpr model::time_ms listing_rest = std::chrono::seconds(10);

void tell(const cooldown_keeper_actor& keeper, const cooldown_life_id& who, model::replica_event event) {
  caf::anon_send(keeper, cooldown_happened{who, std::move(event)});
}

}  // namespace

// -- where -------------------------------------------------------------------------------

void cooldown_mover::on_its_disk(const cooldown_life_id& who, disk_work work, std::function<void()> absent) {
  auto* disk = where_.paths->disk_of(model::raw(who.tablet));
  const auto run = [self = shared_from_this(), who, disk, work, absent](tablet_store& store) {
    const auto here = store.status(model::raw(who.tablet));
    if (here && here->replica == model::raw(who.replica))
      return work(*disk, store);
    if (self->where_.paths->left_for(model::raw(who.tablet), *disk) != nullptr)
      return self->on_its_disk(who, work, absent);
    absent();
  };
  if (disk == nullptr || !disk->post(run))
    absent();
}

void cooldown_mover::fail(const cooldown_life_id& who, std::uint64_t job, const cooldown_keeper_actor& keeper,
                          std::string why) const {
  tell(keeper, who, model::cooldown_failed{job, std::move(why)});
}

void cooldown_mover::on_remote(const cooldown_life_id& who, std::uint64_t job, const cooldown_keeper_actor& keeper,
                               std::function<model::replica_event()> work) {
  const bool posted = where_.workers->post([self = shared_from_this(), who, job, keeper, work = std::move(work)] {
    try {
      tell(keeper, who, work());
    } catch (const kj::Exception& why) {
      self->fail(who, job, keeper, why.getDescription().cStr());
    } catch (const std::exception& why) {
      self->fail(who, job, keeper, why.what());
    }
  });
  if (!posted)
    fail(who, job, keeper, "this backend is shutting down");
}

/// Asked before every request and while bytes travel, so an acknowledgement prolongs what is under way.
time_left_fn cooldown_mover::within(const lease_end& lease) const {
  return [lease, clock = where_.clock, workers = where_.workers] {
    return workers->is_stopping() ? std::chrono::milliseconds(0)
                                  : std::chrono::milliseconds(lease->load()) - clock();
  };
}

time_left_fn cooldown_mover::unleased() const {
  // From the first question on: what waits for a thread has not used any of it.
  return [until = std::make_shared<std::optional<model::time_ms>>(), clock = where_.clock, workers = where_.workers] {
    if (!*until)
      *until = clock() + patience;
    return workers->is_stopping() ? std::chrono::milliseconds(0) : **until - clock();
  };
}

// -- disks -------------------------------------------------------------------------------

void cooldown_mover::look(const cooldown_life_id& who, cooldown_keeper_actor keeper) {
  on_its_disk(
      who,
      [who, keeper](disk_worker&, tablet_store& store) {
        caf::anon_send(keeper, cooldown_looked{who, disk_of(store, who.tablet)});
      },
      [who, keeper] { caf::anon_send(keeper, cooldown_looked{who, std::nullopt}); });
}

void cooldown_mover::save_asked(const cooldown_life_id& who, std::uint64_t job,
                                std::optional<model::published_meta> what, cooldown_keeper_actor keeper) {
  on_its_disk(
      who,
      [self = shared_from_this(), who, job, keeper, what = std::move(what)](disk_worker& disk, tablet_store& store) {
        try {
          store.save_asked(model::raw(who.tablet), model::raw(who.replica), asked_of(what));
          tell(keeper, who, model::cooldown_done{job});
        } catch (const storage_error& why) {
          disk.note(why);
          self->fail(who, job, keeper, why.what());
        }
      },
      [self = shared_from_this(), who, job, keeper] { self->fail(who, job, keeper, "the replica is not here any more"); });
}

void cooldown_mover::save_set(const cooldown_life_id& who, model::save_set what, model::resource_id resource,
                              cooldown_keeper_actor keeper) {
  const auto job = what.job;
  on_its_disk(
      who,
      [self = shared_from_this(), who, keeper, resource, what = std::move(what)](disk_worker& disk, tablet_store& store) {
        try {
          take_over(store, who.tablet, who.replica, what.change, resource);
          self->where_.paths->changed(disk, store, {{who.tablet, who.replica}}, path_set::prepared_set::changed);
          tell(keeper, who, model::cooldown_done{what.job});
        } catch (const storage_error& why) {
          disk.note(why);
          self->fail(who, what.job, keeper, why.what());
        }
      },
      [self = shared_from_this(), who, job, keeper] { self->fail(who, job, keeper, "the replica is not here any more"); });
}

void cooldown_mover::bring_home(const cooldown_life_id& who, model::bring_home what, cooldown_keeper_actor keeper) {
  auto at_disk = [self = shared_from_this(), who, job = what.job, keeper](disk_work work) {
    self->on_its_disk(who, std::move(work), [self, who, job, keeper] {
      self->fail(who, job, keeper, "the replica is not here any more");
    });
  };
  homecomings_->ask([self = shared_from_this(), at_disk = std::move(at_disk), who, what = std::move(what),
                     keeper](std::shared_ptr<void> turn) {
    const auto& here = self->where_;
    std::make_shared<homecoming>(
        homecoming::ports{here.paths, here.workers, here.shelf, here.clock, at_disk, std::move(turn)}, who, what, keeper)
        ->begin();
  });
}

// -- uploading ---------------------------------------------------------------------------

namespace {

/// Every block is checked before the first byte leaves: nobody else has a copy that could mend what is uploaded.
void check_blocks(const rowset_reader& rowset) {
  std::vector<std::byte> block;
  for (std::uint32_t i = 0; i < rowset.footer().blocks.size(); ++i)
    rowset.read(i, block);
}

struct segment_source {
  std::shared_ptr<rowset_reader> rowset;
  open_file file;
};

/// The local rowset of exactly these versions.
std::shared_ptr<segment_source> open_source(tablet_store& store, model::tablet_id tablet, const model::put_segment& what) {
  for (const auto& rowset : store.rowsets(model::raw(tablet)))
    if (!rowset.is_remote() && rowset.first_version == what.first_version && rowset.last_version == what.last_version)
      return std::make_shared<segment_source>(segment_source{store.open_rowset(rowset), store.open_segment(rowset)});
  throw storage_error(storage_fault::unusable, store.root().string(),
                      fmt::format("{} has no local rowset of versions {}..{} of tablet {} any more; it is looked at again",
                                  store.root().string(), what.first_version, what.last_version, model::raw(tablet)));
}

}  // namespace

void cooldown_mover::put_segment(const cooldown_life_id& who, model::put_segment what, lease_end lease,
                                 cooldown_keeper_actor keeper) {
  const auto job = what.job;
  if (!what.inputs.empty())
    return put_merged(who, std::move(what), lease, keeper);
  auto damaged = [self = shared_from_this(), who, job, keeper](disk_worker& disk, tablet_store& store,
                                                              const storage_error& why) {
    disk.note(why);
    if (why.fault() == storage_fault::corrupt)
      self->where_.paths->corrupt(disk, store, model::raw(who.tablet));
    self->fail(who, job, keeper, why.what());
  };
  auto upload = [self = shared_from_this(), who, what, lease, keeper](const std::shared_ptr<segment_source>& from) {
    auto& stats = self->where_.paths->stats();
    try {
      const auto bytes = from->file.size();
      self->where_.shelf->find(what.to)->put_if_absent(tablet_folder(model::raw(who.tablet)) + what.object,
                                                       put_source(from->file, 0, bytes), self->within(lease));
      ++stats.cooldown_uploads_done;
      stats.cooldown_upload_bytes += bytes;
      return tell(keeper, who, model::cooldown_done{what.job});
    } catch (const std::exception& why) {
      ++stats.cooldown_uploads_failed;
      self->fail(who, what.job, keeper, why.what());
    }
  };
  auto check_and_upload = [self = shared_from_this(), who, damaged, upload](const std::shared_ptr<segment_source>& from) {
    try {
      check_blocks(*from->rowset);
    } catch (const storage_error& why) {
      return self->on_its_disk(who, [damaged, why](disk_worker& disk, tablet_store& store) { damaged(disk, store, why); },
                               [] {});
    }
    upload(from);
  };
  on_its_disk(
      who,
      [self = shared_from_this(), who, what, damaged, check_and_upload](disk_worker& disk, tablet_store& store) {
        try {
          auto from = open_source(store, who.tablet, what);
          if (!self->where_.workers->post([from, check_and_upload] { check_and_upload(from); }))
            return;  // The process ends; what was uploaded is found by a cleanup.
        } catch (const storage_error& why) {
          damaged(disk, store, why);
        }
      },
      [self = shared_from_this(), who, job, keeper] { self->fail(who, job, keeper, "the replica is not here any more"); });
}

// -- merging and moving ------------------------------------------------------------------

namespace {

/// One of several that are put together.  What it lists must be what the set says of it: nobody looks again later.
std::shared_ptr<rowset_reader> open_input(const std::shared_ptr<remote_store>& store, model::tablet_id tablet,
                                          const model::remote_rowset& wanted, const time_left_fn& left) {
  if (wanted.object.empty())
    return rowset_reader::empty(model::raw(tablet));
  auto reader = open_remote_rowset(store, model::raw(tablet), wanted.object,
                                   rowset_file_bytes(wanted.bytes, wanted.blocks), left);
  const auto& has = reader->footer();
  if (has.rows != wanted.rows || has.bytes != wanted.bytes || has.blocks.size() != wanted.blocks)
    throw storage_error(storage_fault::corrupt, wanted.object,
                        fmt::format("object {} of tablet {} in {} has {} rows in {} blocks, its set says {} in {}; look "
                                    "whether the store has an older version of it",
                                    wanted.object, model::raw(tablet), store->name(), has.rows, has.blocks.size(),
                                    wanted.rows, wanted.blocks));
  return reader;
}

}  // namespace

void cooldown_mover::put_merged(const cooldown_life_id& who, model::put_segment what, const lease_end& lease,
                                const cooldown_keeper_actor& keeper) {
  const auto job = what.job;
  auto& stats = where_.paths->stats();
  auto& rewrites = what.from == what.to ? stats.cooldown_compactions : stats.cooldown_moves;
  on_remote(who, job, keeper,
            [self = shared_from_this(), who, what = std::move(what), left = within(lease), &rewrites]() -> model::replica_event {
              try {
                const auto from = self->where_.shelf->find(what.from);
                std::vector<std::shared_ptr<rowset_reader>> inputs;
                for (const auto& input : what.inputs)
                  inputs.push_back(open_input(from, who.tablet, input, left));
                const merged_segment whole(what.object, std::move(inputs));
                self->where_.shelf->find(what.to)->put_if_absent(tablet_folder(model::raw(who.tablet)) + what.object,
                                                                 put_source(whole), left);
                ++rewrites.done;
                rewrites.bytes += whole.size();
                return model::cooldown_done{what.job};
              } catch (const remote_error& why) {
                ++rewrites.failed;
                if (why.fault() != remote_fault::not_found)
                  throw;
                // What is published may be newer by now: the next piece of work looks at that first.
                return model::cooldown_failed{
                    what.job, fmt::format("{}; versions {}..{} cannot be merged without it", why.what(),
                                          what.first_version, what.last_version)};
              } catch (const std::exception&) {
                ++rewrites.failed;
                throw;
              }
            });
}

void cooldown_mover::put_meta(const cooldown_life_id& who, model::put_meta what, lease_end lease,
                              cooldown_keeper_actor keeper) {
  const auto job = what.job;
  on_remote(who, job, keeper,
            [self = shared_from_this(), who, what = std::move(what), left = within(lease)]() -> model::replica_event {
              const auto object = codec::encode_object(what.meta);
              self->where_.shelf->find(what.meta.resource)
                  ->put_if_absent(tablet_folder(model::raw(who.tablet)) + what.object, put_source(object), left);
              return model::meta_written{what.job, crc32c(object), object.size()};
            });
}

// -- following and cleaning up -----------------------------------------------------------

void cooldown_mover::fetch_meta(const cooldown_life_id& who, model::fetch_meta what, cooldown_keeper_actor keeper) {
  const auto job = what.job;
  on_remote(who, job, keeper,
            [self = shared_from_this(), who, what = std::move(what), left = unleased()]() -> model::replica_event {
              const auto store = self->where_.shelf->find(what.meta.resource);
              return model::meta_fetched{what.job,
                                         codec::decode_remote_meta(download_meta(*store, who.tablet, what.meta, left))};
            });
}

void cooldown_mover::list_objects(const cooldown_life_id& who, model::list_objects what, cooldown_keeper_actor keeper) {
  on_remote(who, what.job, keeper, [self = shared_from_this(), who, what, left = unleased()]() -> model::replica_event {
    const auto store = self->where_.shelf->find(what.resource);
    const auto folder = tablet_folder(model::raw(who.tablet));
    if (auto why = self->why_not_listed(what.resource); !why.empty())
      throw remote_error(remote_fault::network, folder, std::move(why));
    model::objects_listed found{what.job, {}};
    std::string after;
    try {
      do {
        auto page = store->list(folder, after, remote_store::page_keys_max, left);
        for (const auto& entry : page.entries)
          found.objects.push_back(entry.key.substr(folder.size()));
        after = std::move(page.next);
      } while (!after.empty());
    } catch (const remote_error& error) {
      if (!self->where_.workers->is_stopping())
        self->note_failed_listing(what.resource, error.what());
      throw;
    }
    return found;
  });
}

std::string cooldown_mover::why_not_listed(model::resource_id resource) {
  const std::lock_guard guard{mutex_};
  const auto at = failed_listings_.find(resource);
  return at == failed_listings_.end() || where_.clock() >= at->second.until ? std::string{} : at->second.why;
}

void cooldown_mover::note_failed_listing(model::resource_id resource, const std::string& why) {
  const std::lock_guard guard{mutex_};
  failed_listings_[resource] = {where_.clock() + listing_rest, why};
}

void cooldown_mover::delete_object(const cooldown_life_id& who, model::delete_object what, lease_end lease,
                                   cooldown_keeper_actor keeper) {
  const auto job = what.job;
  on_remote(who, job, keeper,
            [self = shared_from_this(), who, what = std::move(what), left = within(lease)]() -> model::replica_event {
              self->where_.shelf->find(what.resource)->remove(tablet_folder(model::raw(who.tablet)) + what.object, left);
              return model::cooldown_done{what.job};
            });
}

/// Not bound by the lease: nobody was ever asked to publish these names, and nobody else can write them.
void cooldown_mover::discard(const cooldown_life_id& who, model::discard_objects what) {
  where_.workers->post([self = shared_from_this(), who, what = std::move(what), left = unleased()] {
    try {
      const auto store = self->where_.shelf->find(what.resource);
      for (const auto& object : what.objects)
        store->remove(tablet_folder(model::raw(who.tablet)) + object, left);
    } catch (const std::exception&) {
      // A cleanup finds them, and says why if it cannot delete them either.
    }
  });
}

}  // namespace tabletd
