#pragma once
// A rowset that lies in a remote store, read in ranges as if its file were here.
#include "persistence/remote/remote_store.h"
#include "persistence/rowset_file.h"

#include <memory>
#include <string>

namespace tabletd {

/// The folder of a tablet's objects: data/<tablet>/ (spec/jobs.md B6).
[[nodiscard]] std::string tablet_folder(std::uint64_t tablet);

/// Reads the footer (one request for most) and checks it; then each block is one request.  Blocks, so it
/// belongs on a worker thread.  remote_error, or storage_error(corrupt) if the bytes are not the rowset's.
/// `size_bytes`: of the whole file (rowset_file_bytes).  `time_left` is asked by every read.
[[nodiscard]] std::shared_ptr<rowset_reader> open_remote_rowset(std::shared_ptr<remote_store> store,
                                                                std::uint64_t tablet, const std::string& object,
                                                                std::uint64_t size_bytes, time_left_fn time_left);

/// The same of bytes that come another way: opens, and refuses rows of another tablet.
[[nodiscard]] std::shared_ptr<rowset_reader> open_rowset_of(std::uint64_t tablet, std::unique_ptr<segment_bytes> bytes);

}  // namespace tabletd
