#include "node/be/tablet_scan.h"
#include "node/be/block_reading.h"
#include <fmt/format.h>

namespace tabletd {

namespace {

constexpr std::size_t calls_open_max = 4; // schemas/backend.capnp, Scan.next.

struct scan_piece {
  std::uint64_t version{};
  std::uint32_t block{}; ///< The next one to read.
  std::shared_ptr<rowset_reader> rowset;
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
    return {fmt::format("replica {} of tablet {} has a rowset across version {} or {}", wanted.replica,
                        wanted.tablet, wanted.version, wanted.at.from),
            {}};
  opened_pieces opened;
  for (const auto& piece : *chosen) {
    const auto& rowset = rowsets[piece.rowset];
    try {
      if (rowset.blocks > piece.first_block)
        opened.pieces.push_back({rowset.last_version, piece.first_block, store.open_rowset(rowset)});
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
  tablet_scan(backend_room_ptr room, std::uint64_t link, disk_worker& disk, std::uint64_t tablet,
              std::vector<scan_piece> pieces)
    : room_(std::move(room)), link_(link), disk_(disk), tablet_(tablet), pieces_(std::move(pieces)) {}

  ~tablet_scan() noexcept(false) {
    std::vector<std::shared_ptr<rowset_reader>> readers;
    for (auto& piece : pieces_)
      readers.push_back(std::move(piece.rowset));
    release_readers(disk_, std::move(readers));
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
  kj::Promise<void> read_next(NextContext context) {
    auto& piece = pieces_[at_];
    const auto index = piece.block++;
    const auto& entry = piece.rowset->footer().blocks[index];
    auto to = context.getResults(capnp::MessageSize{entry.length / sizeof(capnp::word) + 24, 0}).initBlock();
    to.setVersion(piece.version);
    to.setBlock(index);
    to.setRows(entry.rows);
    to.setChecksum(entry.checksum);
    auto read = read_block(*room_, disk_, tablet_, piece.rowset, index, to.initData(entry.length));
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
  disk_worker& disk_;
  std::uint64_t tablet_;
  std::vector<scan_piece> pieces_;
  std::size_t at_ = 0;
  std::size_t open_ = 0;
};

} // namespace

kj::Promise<void> open_scan(backend_room_ptr room, std::uint64_t link, const scan_request& wanted,
                            wire::ScanOutcome::Builder outcome) {
  auto* disk = room->paths().disk_of(wanted.tablet);
  if (!disk) {
    outcome.setFailed(fmt::format("this backend does not hold tablet {}", wanted.tablet).c_str());
    return kj::READY_NOW;
  }
  return on_disk(room->loop(), *disk,
                 [paths = room->shared_paths(), disk, wanted](tablet_store& store) {
                   return open_pieces(*paths, *disk, store, wanted);
                 })
    .then([room, link, disk, tablet = wanted.tablet, outcome](disk_result<opened_pieces>&& result) mutable {
      if (const auto* why = result.error())
        return outcome.setFailed(why->what());
      auto& opened = result.value();
      if (!opened.failure.empty())
        return outcome.setFailed(opened.failure.c_str());
      outcome.setScan(kj::heap<tablet_scan>(room, link, *disk, tablet, std::move(opened.pieces)));
    });
}

} // namespace tabletd
