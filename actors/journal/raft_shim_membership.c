/* See raft_shim.h: memberships in libraft's encoding. */
#include "actors/journal/raft_shim.h"

#include <raft.h>
#include <stdlib.h>

struct raft_shim_membership {
  struct raft_configuration configuration;
};

struct raft_shim_membership* raft_shim_membership_create(void)
{
  struct raft_shim_membership* made = calloc(1, sizeof *made);
  if (made != NULL)
    raft_configuration_init(&made->configuration);
  return made;
}

int raft_shim_membership_add(struct raft_shim_membership* to, uint64_t id, const char* address,
                             bool voter)
{
  return raft_configuration_add(&to->configuration, id, address,
                                voter ? RAFT_VOTER : RAFT_STANDBY);
}

int raft_shim_membership_encode(const struct raft_shim_membership* from, void** bytes,
                                size_t* size)
{
  struct raft_buffer buffer;
  const int code = raft_configuration_encode(&from->configuration, &buffer);
  if (code != 0)
    return code;
  *bytes = buffer.base;
  *size = buffer.len;
  return 0;
}

void raft_shim_membership_destroy(struct raft_shim_membership* membership)
{
  if (membership == NULL)
    return;
  raft_configuration_close(&membership->configuration);
  free(membership);
}

void raft_shim_free(void* bytes) { raft_free(bytes); }
