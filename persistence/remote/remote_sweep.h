#pragma once
// What is left in a store of tablets that are gone (spec/jobs.md U6): whether there is anything, and its deletion.
#include "persistence/remote/remote_store.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tabletd {

/// Some object below data/, or empty.  remote_error.
[[nodiscard]] std::string any_object_of(remote_store& store, const time_left_fn& time_left);
/// Deletes everything of the tablet, whatever its name; returns how many objects.  Done when a listing finds none:
/// an error leaves some, and again does the rest.  remote_error.
std::uint64_t delete_objects_of(remote_store& store, std::uint64_t tablet, const time_left_fn& time_left);
/// Empty: the store is marked as the cluster's (cluster_mark).  Else a sentence: nothing of what a cluster has
/// dropped may be deleted where another one's data could be, should another directory be mounted.  remote_error.
[[nodiscard]] std::string why_not_owned(remote_store& store, std::string_view cluster, const time_left_fn& time_left);

}  // namespace tabletd
