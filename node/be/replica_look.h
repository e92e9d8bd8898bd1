#pragma once
// A replica on its disk in the words of cooldown's models, and back.  Disk thread only.
#include "actors/model/cooldown_sets.h"
#include "persistence/tablet_store.h"

#include <optional>

namespace tabletd {

/// Of a replica that is here.
[[nodiscard]] model::replica_disk disk_of(const tablet_store& store, model::tablet_id tablet);
[[nodiscard]] std::optional<asked_publication> asked_of(const std::optional<model::published_meta>& meta);
/// Makes the replica's set what `change` says, which lies in `resource`.  storage_error(unusable) if its set is not the one
/// the change was planned for.
void take_over(tablet_store& store, model::tablet_id tablet, model::replica_id replica, const model::set_change& change,
               model::resource_id resource);

}  // namespace tabletd
