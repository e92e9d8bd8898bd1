#include "node/be/tablet_scan.h"
#include "node/be/block_reading.h"
#include "node/be/cold_reader.h"
#include "node/be/on_remote.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd {

namespace {

constexpr std::size_t calls_open_max = 4; // schemas/backend.capnp, Scan.next.

/// Footers that one scan has under way in the remote store.
constexpr std::size_t opens_at_once = 4;
/// Of one request to a remote store, retries included.
constexpr std::chrono::milliseconds remote_patience{60'000};

struct scan_piece {
  model::version_range versions; ///< Of its rowset.
  std::uint32_t block{}; ///< The next one to read.
  std::shared_ptr<rowset_reader> rowset; ///< Of a remote one null until it is opened.
  std::optional<cold_rowset> remote;     ///< Nothing: local.
};
struct opened_pieces {
  std::string failure;
  std::vector<scan_piece> pieces;
};

/// Why `wanted` cannot be read here, or every rowset it needs, open: a drop or a clone
/// meanwhile takes nothing away from a scan that has begun.
opened_pieces open_pieces(path_set& paths, disk_worker& disk, tablet_store& store, const scan_request& wanted) {
  const auto here = store.status(wanted.tablet);
  if (!here || here->replica != wanted.replica)
    return {fmt::format("this backend does not hold replica {} of tablet {}", wanted.replica, wanted.tablet), {}};
  if (here->bad)
    return {fmt::format("replica {} of tablet {} is damaged", wanted.replica, wanted.tablet), {}};
  if (here->version < wanted.version)
    return {fmt::format("replica {} of tablet {} reaches version {}, not {}", wanted.replica, wanted.tablet,
                        here->version, wanted.version),
            {}};
  const auto rowsets = store.rowsets(wanted.tablet);
  model::version_ranges ranges;
  for (const auto& rowset : rowsets)
    ranges.push_back({rowset.first_version, rowset.last_version});
  const auto chosen = model::scan_pieces(ranges, wanted.version, wanted.at);
  if (!chosen)
    return {fmt::format("replica {} of tablet {} has no rowset that ends at version {}, or none to go on in at {}", wanted.replica,
                        wanted.tablet, wanted.version, wanted.at.from),
            {}};
  opened_pieces opened;
  for (const auto& piece : *chosen) {
    const auto& rowset = rowsets[piece.rowset];
    const auto& versions = ranges[piece.rowset];
    if (rowset.blocks <= piece.first_block)
      continue;
    try {
      if (rowset.is_remote())
        opened.pieces.push_back(
          {versions, piece.first_block, nullptr,
           cold_rowset{model::resource_id{here->remote.resource}, wanted.tablet, *rowset.object,
                       rowset_file_bytes(rowset.bytes, rowset.blocks), wanted.partition}});
      else
        opened.pieces.push_back({versions, piece.first_block, store.open_rowset(rowset), {}});
    } catch (const storage_error& why) {
      if (why.fault() != storage_fault::corrupt)
        throw;
      paths.corrupt(disk, store, wanted.tablet);
      return {why.what(), {}};
    }
  }
  return opened;
}

class tablet_scan final : public wire::Scan::Server {
public:
  /// `disk`: of the local pieces; null: there are none.
  tablet_scan(backend_room_ptr room, std::uint64_t link, disk_worker* disk, std::uint64_t tablet,
              std::vector<scan_piece> pieces)
    : room_(std::move(room)), link_(link), disk_(disk), tablet_(tablet), pieces_(std::move(pieces)) {}

  ~tablet_scan() noexcept(false) {
    std::vector<std::shared_ptr<rowset_reader>> readers;
    for (auto& piece : pieces_)
      if (!piece.remote)
        readers.push_back(std::move(piece.rowset));
    if (!readers.empty())
      release_readers(*disk_, std::move(readers));
  }

  kj::Promise<void> next(NextContext context) override {
    KJ_IF_MAYBE(why, room_->refuse(link_))
      return kj::mv(*why);
    KJ_REQUIRE(open_ < calls_open_max, "Scan: wait for an answer, four calls are open already");
    if (at_ == pieces_.size()) {
      context.getResults().initBlock().setEnd(true);
      return kj::READY_NOW;
    }
    ++open_;
    return read_next(context).attach(kj::defer([this] { --open_; }));
  }

private:
  kj::Promise<block_read> read_remote(std::shared_ptr<rowset_reader> rowset, std::uint32_t index,
                                      kj::ArrayPtr<kj::byte> into) {
    return on_remote(room_->loop(), *room_->readers(),
                     [rowset = std::move(rowset), index,
                      to = std::as_writable_bytes(std::span{into.begin(), into.size()})] {
                       rowset->read(index, to);
                       return to.size();
                     })
      .then([this](auto&& read) -> block_read {
        if (read->value)
          room_->stats().remote_read_bytes += *read->value;
        return {read->why};
      });
  }
  kj::Promise<void> read_next(NextContext context) {
    auto& piece = pieces_[at_];
    const auto index = piece.block++;
    const auto& entry = piece.rowset->footer().blocks[index];
    auto to = context.getResults(capnp::MessageSize{entry.length / sizeof(capnp::word) + 24, 0}).initBlock();
    to.setVersion(piece.versions.last);
    to.setFirstVersion(piece.versions.first);
    to.setBlock(index);
    to.setRows(entry.rows);
    to.setChecksum(entry.checksum);
    auto read = piece.remote ? read_remote(piece.rowset, index, to.initData(entry.length))
                             : read_block(*room_, *disk_, tablet_, piece.rowset, index, to.initData(entry.length));
    if (piece.block == piece.rowset->footer().blocks.size())
      ++at_;
    return read.then([this, context, bytes = entry.length](block_read&& how) mutable {
      if (how.failure.empty()) {
        room_->stats().scan_bytes += bytes;
        return;
      }
      at_ = pieces_.size(); // Whoever reads on gets an end, never bytes after a gap.
      context.initResults().initBlock().setError(how.failure.c_str());
    });
  }

  backend_room_ptr room_;
  std::uint64_t link_;
  disk_worker* disk_;
  std::uint64_t tablet_;
  std::vector<scan_piece> pieces_;
  std::size_t at_ = 0;
  std::size_t open_ = 0;
};

/// Asked anew by every request.
time_left_fn patient(const backend_room& room) {
  return [workers = room.readers()] { return workers->is_stopping() ? std::chrono::milliseconds(0) : remote_patience; };
}

/// Remote pieces on their way to being open.  Loop thread only.
struct remote_opening {
  backend_room_ptr room;
  std::vector<scan_piece> pieces;
  std::size_t next = 0;
  std::string failure;  ///< The first one; nothing more is begun then.
  bool not_found = false;
};

/// One after the other, until all are taken.  Each waits for its turn anew, so that many do not keep other scans waiting.
kj::Promise<void> open_in_turn(std::shared_ptr<remote_opening> all) {
  while (all->next < all->pieces.size() && !all->pieces[all->next].remote)
    ++all->next;
  if (all->next == all->pieces.size() || !all->failure.empty())
    return kj::READY_NOW;
  const auto at = all->next++;
  auto& room = *all->room;
  return on_remote(room.loop(), *room.readers(),
                   [cold = room.cold(), time_left = patient(room), rowset = *all->pieces[at].remote] {
                     return cold->open(rowset, time_left);
                   })
    .then([all, at](auto&& result) {
      if (result->value) {
        all->pieces[at].rowset = *std::move(result->value);
      } else if (all->failure.empty()) {
        all->failure = result->why;
        all->not_found = result->not_found;
      }
      return open_in_turn(all);
    });
}

/// Most take one request, so a few are under way at once.  The pieces keep their order.
kj::Promise<void> open_remote(const std::shared_ptr<remote_opening>& all) {
  auto lanes = kj::heapArrayBuilder<kj::Promise<void>>(opens_at_once);
  for (std::size_t i = 0; i < opens_at_once; ++i)
    lanes.add(open_in_turn(all));
  return kj::joinPromises(lanes.finish());
}

bool any_remote(const std::vector<scan_piece>& pieces) {
  return std::any_of(pieces.begin(), pieces.end(), [](const scan_piece& piece) { return piece.remote.has_value(); });
}

/// One scan on its way to being open.
struct scan_opening {
  backend_room_ptr room;
  std::uint64_t link{};
  scan_request wanted;
  wire::ScanOutcome::Builder outcome;
  bool is_second = false; ///< The replica has followed what is published, and everything is looked at again.
};

kj::Promise<void> open_scan(scan_opening opening);

void opened(scan_opening& opening, disk_worker& disk, std::vector<scan_piece> pieces) {
  opening.outcome.setScan(kj::heap<tablet_scan>(opening.room, opening.link, &disk, opening.wanted.tablet, std::move(pieces)));
}

/// The set this replica knows may have been replaced: followed once, and tried once more (spec/jobs.md B8).
kj::Promise<void> follow_and_retry(scan_opening opening, const std::string& missing) {
  return ask<missed_rows_verdict>(opening.room->loop(), opening.room->system(), opening.room->cooldown(),
                                  rows_missed{model::tablet_id{opening.wanted.tablet}}, std::chrono::minutes(3))
    .then([opening, missing](missed_rows_verdict&& how) mutable -> kj::Promise<void> {
      opening.is_second = true;
      if (how.retry)
        return open_scan(kj::mv(opening));
      opening.outcome.setFailed(fmt::format("{}; {}", missing, how.why).c_str());
      return kj::READY_NOW;
    });
}

kj::Promise<void> opened_on_disk(scan_opening opening, disk_worker& disk, opened_pieces found) {
  if (!found.failure.empty()) {
    opening.outcome.setFailed(found.failure.c_str());
    return kj::READY_NOW;
  }
  if (!any_remote(found.pieces)) {
    opened(opening, disk, std::move(found.pieces));
    return kj::READY_NOW;
  }
  auto all = std::make_shared<remote_opening>(
    remote_opening{opening.room, std::move(found.pieces), 0, {}, false});
  return open_remote(all).then([opening, &disk, all]() mutable -> kj::Promise<void> {
    if (all->failure.empty())
      opened(opening, disk, std::move(all->pieces));
    else if (all->not_found && !opening.is_second)
      return follow_and_retry(kj::mv(opening), all->failure);
    else
      opening.outcome.setFailed(all->failure.c_str());
    return kj::READY_NOW;
  });
}

kj::Promise<void> open_scan(scan_opening opening) {
  auto* disk = opening.room->paths().disk_of(opening.wanted.tablet);
  if (!disk) {
    opening.outcome.setFailed(fmt::format("this backend does not hold tablet {}", opening.wanted.tablet).c_str());
    return kj::READY_NOW;
  }
  return on_disk(opening.room->loop(), *disk,
                 [paths = opening.room->shared_paths(), disk, wanted = opening.wanted](tablet_store& store) {
                   return open_pieces(*paths, *disk, store, wanted);
                 })
    .then([opening, disk](disk_result<opened_pieces>&& result) mutable -> kj::Promise<void> {
      if (const auto* why = result.error()) {
        opening.outcome.setFailed(why->what());
        return kj::READY_NOW;
      }
      return opened_on_disk(kj::mv(opening), *disk, std::move(result.value()));
    });
}

// -- from the published meta alone -------------------------------------------------------

/// The rowsets it needs, none of them open yet.
opened_pieces pieces_of(const model::remote_meta& meta, const remote_scan_request& wanted) {
  model::version_ranges ranges;
  for (const auto& rowset : meta.rowsets)
    ranges.push_back({rowset.first_version, rowset.last_version});
  const auto chosen = model::scan_pieces(ranges, wanted.version, wanted.at);
  if (!chosen)
    return {fmt::format("tablet {} in the store has no rowset that ends at version {}, or none to go on in at {}", model::raw(wanted.tablet),
                        wanted.version, wanted.at.from),
            {}};
  opened_pieces found;
  for (const auto& piece : *chosen) {
    const auto& rowset = meta.rowsets[piece.rowset];
    if (rowset.blocks > piece.first_block)
      found.pieces.push_back({ranges[piece.rowset], piece.first_block, nullptr,
                              cold_rowset{meta.resource, model::raw(wanted.tablet), rowset.object,
                                          rowset_file_bytes(rowset.bytes, rowset.blocks), wanted.partition}});
  }
  return found;
}

kj::Promise<void> open_found(backend_room_ptr room, std::uint64_t link, model::tablet_id tablet,
                             wire::ScanOutcome::Builder outcome, opened_pieces found) {
  if (!found.failure.empty()) {
    outcome.setFailed(found.failure.c_str());
    return kj::READY_NOW;
  }
  auto all = std::make_shared<remote_opening>(remote_opening{room, std::move(found.pieces), 0, {}, false});
  return open_remote(all).then([room, link, tablet, outcome, all]() mutable {
    if (!all->failure.empty())
      outcome.setFailed((all->not_found ? all->failure + "; what is published may be newer by now, ask the leader and try again"
                                        : all->failure)
                          .c_str());
    else
      outcome.setScan(kj::heap<tablet_scan>(room, link, nullptr, model::raw(tablet), std::move(all->pieces)));
  });
}

} // namespace

kj::Promise<void> open_remote_scan(backend_room_ptr room, std::uint64_t link, const remote_scan_request& wanted,
                                   wire::ScanOutcome::Builder outcome) {
  if (wanted.version > wanted.meta.last_version) {
    outcome.setFailed(fmt::format("what is published of tablet {} ends at version {}, not {}; read the later versions "
                                  "from a replica",
                                  model::raw(wanted.tablet), wanted.meta.last_version, wanted.version)
                        .c_str());
    return kj::READY_NOW;
  }
  return on_remote(room->loop(), *room->readers(),
                   [cold = room->cold(), time_left = patient(*room), wanted] {
                     return pieces_of(cold->meta(wanted.tablet, wanted.meta, time_left).meta, wanted);
                   })
    .then([room, link, tablet = wanted.tablet, outcome](auto&& found) mutable -> kj::Promise<void> {
      if (found->value)
        return open_found(room, link, tablet, outcome, *std::move(found->value));
      outcome.setFailed(found->why.c_str());
      return kj::READY_NOW;
    });
}

kj::Promise<void> open_scan(backend_room_ptr room, std::uint64_t link, const scan_request& wanted,
                            wire::ScanOutcome::Builder outcome) {
  return open_scan(scan_opening{std::move(room), link, wanted, outcome});
}

} // namespace tabletd
