#include "node/be/path_copy.h"
#include "node/be/block_reading.h"
#include "node/kj_text.h"
#include <fmt/format.h>
#include <set>
#include <utility>

namespace tabletd {

namespace {

// Often enough to show progress, rare enough not to be noticed.
constexpr std::uint64_t progress_bytes = 4U << 20;

} // namespace

/// What the source's disk says of the replica.
struct path_copy::listing {
  std::optional<model::task_failed> failure;
  source_listing held; ///< Of those copied before without their footer.
  std::vector<std::shared_ptr<rowset_reader>> readers;
  std::uint32_t moves = 0;
};

path_copy::path_copy(backend_room& room, const move_limits& limits, const model::move_order& order, disk_worker& from,
                     disk_worker& to, std::shared_ptr<partial_copy> part, hear_fn hear)
  : room_(room), order_(order), from_(from), to_(to), part_(std::move(part)),
    hear_(std::move(hear)), window_({limits.window_bytes, limits.blocks_max}) {}

path_copy::~path_copy() noexcept(false) { release_readers(from_, std::move(readers_)); }

// -- listing -----------------------------------------------------------------------------

namespace {

/// Why the replica cannot be moved any more, or nothing.
std::optional<model::task_failed> objection(const std::optional<replica_status>& here, const model::move_order& order) {
  if (!here || here->replica != model::raw(order.replica))
    return model::task_failed{model::task_failure::stale,
                              fmt::format("replica {} of tablet {} is here no longer", model::raw(order.replica),
                                          model::raw(order.tablet))};
  if (here->bad)
    return model::task_failed{model::task_failure::source_corrupt,
                              fmt::format("replica {} of tablet {} is damaged; repair it from another replica first",
                                          here->replica, here->tablet)};
  return std::nullopt;
}

} // namespace

path_copy::listing path_copy::look(path_set& paths, disk_worker& disk, tablet_store& store,
                                   const model::move_order& order, const std::set<std::uint64_t>& copied) {
  const auto tablet = model::raw(order.tablet);
  const auto here = store.status(tablet);
  listing found;
  found.failure = objection(here, order);
  if (found.failure)
    return found;
  found.moves = here->moves;
  found.held.remote = here->remote;
  found.held.asked = store.asked(tablet);
  auto held = store.rowsets(tablet);
  for (const auto& waiting : store.prepared_rowsets(tablet))
    held.push_back(waiting);
  for (const auto& rowset : held) {
    auto& to = found.held.rowsets.emplace_back(source_rowset{
      rowset.id, {rowset.first_version, rowset.last_version}, rowset.rows, rowset.bytes, rowset.txn, {}, {}, rowset.object,
      rowset.blocks, rowset.written_ms});
    auto& reader = found.readers.emplace_back();
    if (rowset.blocks == 0 || rowset.is_remote() || copied.contains(rowset.id))
      continue;
    try {
      reader = store.open_rowset(rowset);
    } catch (const storage_error& why) {
      if (why.fault() != storage_fault::corrupt)
        throw;
      paths.corrupt(disk, store, tablet);
      found.failure = model::task_failed{model::task_failure::source_corrupt, why.what()};
      return found;
    }
    to.footer = reader->footer();
    to.encoded_footer = to.footer.encode();
  }
  return found;
}

void path_copy::list() {
  std::set<std::uint64_t> copied;
  for (const auto& [id, rowset] : copied_)
    copied.insert(id);
  run(on_disk(room_.loop(), from_,
              [paths = room_.shared_paths(), disk = &from_, order = order_,
               copied = std::move(copied)](tablet_store& store) { return look(*paths, *disk, store, order, copied); })
        .then([this](disk_result<listing>&& result) {
          if (const auto* why = result.error())
            return fail(model::task_failure::io, fmt::format("path {}: {}", from_.root(), why->what()));
          listed(std::move(result.value()));
        }));
}

void path_copy::listed(listing&& found) {
  release_readers(from_, std::exchange(readers_, std::move(found.readers)));
  if (found.failure)
    return fail(found.failure->kind, found.failure->message);
  model::move_listed event;
  for (std::size_t i = 0; i < found.held.rowsets.size(); ++i) {
    auto& rowset = found.held.rowsets[i];
    if (readers_[i]) {
      ++event.rowsets;
      event.bytes += rowset.bytes;
    } else if (const auto before = copied_.find(rowset.id); before != copied_.end() && !rowset.object) {
      rowset.footer = before->second.footer;
      rowset.encoded_footer = before->second.encoded_footer;
    }
  }
  moves_ = found.moves;
  snapshot_ = std::make_shared<const source_listing>(std::move(found.held));
  hear_(event);
}

// -- copying -----------------------------------------------------------------------------

void path_copy::copy() {
  run(on_disk(room_.loop(), to_,
              [part = part_, snapshot = snapshot_](tablet_store& store) { return part->open(store, snapshot); })
        .then([this](disk_result<std::vector<std::uint32_t>>&& result) {
          if (!good(result.error()))
            return;
          auto next = std::move(result.value());
          for (std::size_t i = 0; i < snapshot_->rowsets.size(); ++i)
            if (!readers_[i]) // Empty, or copied in an earlier round.
              next[i] = static_cast<std::uint32_t>(snapshot_->rowsets[i].footer.blocks.size());
          window_.begin(snapshot_, std::move(next));
          pump();
        }));
}

void path_copy::pump() {
  if (over_)
    return;
  if (window_.done())
    return finish();
  while (const auto block = window_.take())
    run(read(*block));
}

kj::Promise<void> path_copy::read(block_window::block block) {
  auto bytes = std::make_shared<std::vector<std::byte>>();
  return on_disk(room_.loop(), from_,
                 [paths = room_.shared_paths(), disk = &from_, tablet = model::raw(order_.tablet),
                  reader = readers_[block.rowset], index = block.index, bytes](tablet_store& store) -> block_read {
                   try {
                     reader->read(index, *bytes);
                   } catch (const storage_error& why) {
                     disk->note(why);
                     paths->corrupt(*disk, store, tablet);
                     return {why.what()};
                   }
                   return {};
                 })
    .then([this, block, bytes](disk_result<block_read>&& result) -> kj::Promise<void> {
      const auto why = result.error() ? std::string{result.error()->what()} : result.value().failure;
      if (!why.empty())
        fail(model::task_failure::source_corrupt, why);
      if (over_)
        return kj::READY_NOW;
      return write(block, bytes);
    });
}

kj::Promise<void> path_copy::write(block_window::block block, const block_ptr& bytes) {
  const auto& entry = window_.entry(block);
  return on_disk(room_.loop(), to_,
                 [part = part_, rowset = block.rowset, bytes, rows = entry.rows, checksum = entry.checksum](tablet_store&) {
                   part->append(rowset, *bytes, rows, checksum);
                   return disk_done{};
                 })
    .then([this, length = entry.length](disk_result<disk_done>&& result) {
      if (good(result.error()))
        written(length);
    });
}

void path_copy::written(std::size_t bytes) {
  if (over_)
    return;
  window_.written(bytes);
  untold_bytes_ += bytes;
  room_.stats().move_bytes += bytes;
  if (untold_bytes_ >= progress_bytes)
    progress();
  pump();
}

void path_copy::finish() {
  progress();
  run(on_disk(room_.loop(), to_, [part = part_](tablet_store&) {
        part->finish();
        return disk_done{};
      }).then([this](disk_result<disk_done>&& result) {
    if (!good(result.error()))
      return;
    for (const auto& rowset : snapshot_->rowsets)
      if (!rowset.encoded_footer.empty())
        copied_.emplace(rowset.id, rowset);
    hear_(model::move_copied{});
  }));
}

// -- telling -----------------------------------------------------------------------------

void path_copy::progress() {
  if (untold_bytes_ > 0)
    hear_(model::move_progressed{std::exchange(untold_bytes_, 0)});
}

void path_copy::fail(model::task_failure kind, const std::string& why) {
  if (std::exchange(over_, true))
    return;
  progress();
  hear_(model::move_failed{{kind, why}});
}

bool path_copy::good(const storage_error* why) {
  if (!why)
    return true;
  const auto kind = why->fault() == storage_fault::disk_full ? model::task_failure::disk_full
                                                             : model::task_failure::io;
  fail(kind, fmt::format("path {}: {}", to_.root(), why->what()));
  return false;
}

void path_copy::run(kj::Promise<void> step) {
  tasks_.add(step.catch_([this](kj::Exception&& why) { fail(model::task_failure::unknown, text_of(why)); }));
}

} // namespace tabletd
