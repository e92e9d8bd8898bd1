#pragma once
// The object in which an uploader publishes a tablet's remote rowsets, as the store has it.
#include "actors/model/cooldown_types.h"
#include "persistence/remote/remote_store.h"

#include <cstddef>
#include <string>
#include <vector>

namespace tabletd {

/// In its store.
[[nodiscard]] std::string meta_object_key(model::tablet_id tablet, const model::published_meta& meta);
/// Whole, and with the checksum the log has of it; else remote_error.
[[nodiscard]] std::vector<std::byte> download_meta(remote_store& store, model::tablet_id tablet,
                                                   const model::published_meta& meta, const time_left_fn& time_left);

}  // namespace tabletd
