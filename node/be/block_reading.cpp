#include "node/be/block_reading.h"
#include <span>

namespace tabletd {

kj::Promise<block_read> read_block(backend_room& room, disk_worker& disk, std::uint64_t tablet,
                                   std::shared_ptr<rowset_reader> rowset, std::uint32_t block,
                                   kj::ArrayPtr<kj::byte> into) {
  return on_disk(room.loop(), disk,
                 [paths = room.shared_paths(), &disk, tablet, rowset = std::move(rowset), block,
                  to = std::as_writable_bytes(std::span{into.begin(), into.size()})](
                   tablet_store& store) -> block_read {
                   try {
                     rowset->read(block, to);
                   } catch (const storage_error& why) {
                     disk.note(why);
                     paths->corrupt(disk, store, tablet);
                     return {why.what()};
                   }
                   return {};
                 })
    .then([](disk_result<block_read>&& result) -> block_read {
      if (const auto* why = result.error())
        return {why->what()};
      return std::move(result.value());
    });
}

void release_readers(disk_worker& disk, std::vector<std::shared_ptr<rowset_reader>> readers) {
  disk.post([readers = std::move(readers)](tablet_store&) mutable { readers.clear(); });
}

} // namespace tabletd
