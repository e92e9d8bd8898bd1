#pragma once
// One verified block from a file into a message, read in the disk's thread.
#include "node/be/backend_room.h"
#include "persistence/rowset_file.h"

namespace tabletd {

/// How reading a block went.
struct block_read {
  std::string failure; ///< Empty: the bytes are there and match the footer.
};

/// Fills `into` (exactly as long as the block) from `rowset`.  A damaged or unreadable block
/// makes the replica of `tablet` bad, here and in the next report; `into` is worth nothing then.
/// `into` must stay until the promise is done: it may lie in the results of a call.
[[nodiscard]] kj::Promise<block_read> read_block(backend_room& room, disk_worker& disk, std::uint64_t tablet,
                                                 std::shared_ptr<rowset_reader> rowset, std::uint32_t block,
                                                 kj::ArrayPtr<kj::byte> into);

/// Closes files in the thread of their disk: the last close of a dropped file frees it.
void release_readers(disk_worker& disk, std::vector<std::shared_ptr<rowset_reader>> readers);

} // namespace tabletd
