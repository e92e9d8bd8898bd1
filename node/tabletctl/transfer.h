#pragma once
// The two pumps.  Memory is bounded by windowCalls open calls of one chunk each, whatever
// the size of the file (schemas/console.capnp).
#include "node/tabletctl/client.h"
#include "node/tabletctl/local_file.h"

namespace tabletd::ctl {

/// Bytes of one Upload.write.
inline constexpr std::size_t upload_chunk_bytes = 1U << 20;

/// Sends the file and commits.  Throws file_failure, client_failure and kj::Exception; leaving
/// by exception drops `upload`, which rolls the load back.
answer run_upload(waiter& wait, api::Upload::Client upload, const std::string& path,
                  const transfer_fn& on_transfer);

/// Receives the table into the file.  The file appears only when every row has arrived.
answer run_download(waiter& wait, api::DownloadOffer::Reader offer, const std::string& path,
                    const transfer_fn& on_transfer);

/// An answer that this side makes.
[[nodiscard]] answer local_error(api::ErrorCode code, std::string message, std::string hint = {});

} // namespace tabletd::ctl
