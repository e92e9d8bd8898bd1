#pragma once
/* What is behind raft_shim.h, for its own .c files only. */
#include "actors/journal/raft_shim.h"

#include <raft.h>

struct raft_shim {
  struct raft raft;
  struct raft_shim_entry* entries;   /* Of the last update. */
  size_t entries_room;
  struct raft_shim_message* messages;
  size_t messages_room;
  void* batch; /* Memory the last update's entries point into. */
};
