// See homecoming.h.
#include "node/be/homecoming.h"

#include "persistence/remote/remote_error.h"
#include "persistence/remote/remote_segment.h"

#include <caf/send.hpp>
#include <fmt/format.h>
#include <kj/exception.h>

#include <utility>

namespace tabletd {

namespace {

/// Of one request to the store, retries included.
constexpr std::chrono::milliseconds patience{120'000};
/// Before others have their turn.
constexpr std::uint64_t turn_bytes = 16U << 20;

void tell(const cooldown_keeper_actor& keeper, const cooldown_life_id& who, model::replica_event event) {
  caf::anon_send(keeper, cooldown_happened{who, std::move(event)});
}

void demand_room(const tablet_store& store, const std::vector<model::remote_rowset>& rowsets) {
  std::uint64_t needed = 0;
  for (const auto& rowset : rowsets)
    needed += rowset_file_bytes(rowset.bytes, rowset.blocks);
  if (const auto room = store.usage().available_bytes; room < needed)
    throw storage_error(storage_fault::disk_full, store.root().string(),
                        fmt::format("path {} has {} bytes left, the remote rowsets that come home need {}; free space there or move "
                                    "the replica to another path",
                                    store.root().string(), room, needed));
}

}  // namespace

void homecoming_turns::ask(std::function<void(std::shared_ptr<void>)> begin) {
  {
    const std::lock_guard guard{mutex_};
    waiting_.push_back(std::move(begin));
  }
  go_on();
}

void homecoming_turns::end() {
  {
    const std::lock_guard guard{mutex_};
    --running_;
  }
  go_on();
}

/// One that ends while it begins is seen by the caller further up, not by another call inside.
void homecoming_turns::go_on() {
  std::unique_lock guard{mutex_};
  if (std::exchange(goes_on_, true))
    return;
  while (running_ < running_max && !waiting_.empty()) {
    const auto begin = std::move(waiting_.front());
    waiting_.pop_front();
    ++running_;
    guard.unlock();
    begin(std::shared_ptr<void>(this, [self = shared_from_this()](void*) { self->end(); }));
    guard.lock();
  }
  goes_on_ = false;
}

void homecoming::begin() {
  where_.on_its_disk([self = shared_from_this()](disk_worker& disk, tablet_store& store) { self->open(disk, store); });
}

void homecoming::fail(const std::string& why) {
  reader_.reset();
  files_.clear();
  tell(keeper_, who_, model::cooldown_failed{what_.job, why});
}

void homecoming::open(disk_worker& disk, tablet_store& store) {
  disk_ = &disk;
  try {
    resource_ = model::resource_id{store.status(model::raw(who_.tablet))->remote.resource};
    for (const auto& rowset : what_.change.remote_dropped)
      if (rowset.blocks > 0)
        rowsets_.push_back(rowset);
    demand_room(store, rowsets_);
    for (const auto& rowset : rowsets_)
      files_.push_back({rowset.object, store.begin_rowset(model::raw(who_.tablet))});
  } catch (const storage_error& why) {
    disk.note(why);
    return fail(why.what());
  }
  post_copying();
}

void homecoming::post_copying() {
  if (!where_.workers->post([self = shared_from_this()] { self->go_on(); }))
    fail("this backend is shutting down");
}

void homecoming::go_on() {
  try {
    if (!copy_some())
      return post_copying();
  } catch (const storage_error& why) {
    if (why.fault() != storage_fault::corrupt)  // Else the object is damaged, or the store has another one there.
      where_.on_its_disk([why](disk_worker& disk, tablet_store&) { disk.note(why); });
    return fail(why.what());
  } catch (const kj::Exception& why) {
    return fail(why.getDescription().cStr());
  } catch (const std::exception& why) {
    return fail(why.what());
  }
  where_.on_its_disk([self = shared_from_this()](disk_worker& disk, tablet_store& store) { self->commit(disk, store); });
}

/// Whether everything is here, and on the disk.
bool homecoming::copy_some() {
  std::uint64_t copied = 0;
  for (; next_ < rowsets_.size(); ++next_, block_ = 0, reader_.reset()) {
    const auto& rowset = rowsets_[next_];
    auto& to = *files_[next_].file;
    until_ = where_.clock() + patience;
    if (!reader_)
      reader_ = open_remote_rowset(where_.shelf->find(resource_), model::raw(who_.tablet), rowset.object,
                                   rowset_file_bytes(rowset.bytes, rowset.blocks), [this] {
                                     return where_.workers->is_stopping() ? std::chrono::milliseconds(0)
                                                                          : until_ - where_.clock();
                                   });
    for (const auto& blocks = reader_->footer().blocks; block_ < blocks.size(); ++block_) {
      if (copied >= turn_bytes)
        return false;
      until_ = where_.clock() + patience;
      reader_->read(block_, bytes_);
      to.append(bytes_, blocks[block_].rows, blocks[block_].checksum);
      copied += bytes_.size();
    }
    to.write_footer();
  }
  for (auto& one : files_)
    one.file->finish();
  return true;
}

void homecoming::commit(disk_worker& disk, tablet_store& store) {
  const auto here = store.status(model::raw(who_.tablet));
  if (&disk != disk_ || !here || model::remote_meta_id{here->remote.term, here->remote.seq} != what_.change.from)
    return fail(fmt::format("tablet {} has moved to another path or its remote rowsets have changed meanwhile; it is looked at again",
                            model::raw(who_.tablet)));
  try {
    const auto& to = what_.change.to;
    store.come_home(model::raw(who_.tablet), model::raw(who_.replica), {to.term, to.seq, model::raw(resource_)},
                    std::exchange(files_, {}));
    where_.paths->changed(disk, store, {{who_.tablet, who_.replica}});
    tell(keeper_, who_, model::cooldown_done{what_.job});
  } catch (const storage_error& why) {
    disk.note(why);
    fail(why.what());
  }
}

}  // namespace tabletd
