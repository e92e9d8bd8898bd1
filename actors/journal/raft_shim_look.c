/* See raft_shim.h: what can be asked of a node between two steps. */
#include "actors/journal/raft_shim_state.h"

bool raft_shim_is_not_leader(int code) { return code == RAFT_NOTLEADER; }
const char* raft_shim_error(int code) { return raft_strerror(code); }

uint64_t raft_shim_term(const struct raft_shim* shim) { return raft_current_term(&shim->raft); }
uint64_t raft_shim_vote(const struct raft_shim* shim) { return raft_voted_for(&shim->raft); }
uint64_t raft_shim_commit(const struct raft_shim* shim) { return raft_commit_index(&shim->raft); }
uint64_t raft_shim_last_stored(const struct raft_shim* shim) { return shim->raft.last_stored; }
uint64_t raft_shim_deadline_ms(const struct raft_shim* shim) { return raft_timeout(&shim->raft); }

enum raft_shim_role raft_shim_state(const struct raft_shim* shim)
{
  switch (shim->raft.state) {
  case RAFT_LEADER:
    return raft_shim_leader;
  case RAFT_CANDIDATE:
    return raft_shim_candidate;
  default:
    return raft_shim_follower;
  }
}

uint64_t raft_shim_leader_id(const struct raft_shim* shim)
{
  switch (shim->raft.state) {
  case RAFT_LEADER:
    return shim->raft.id;
  case RAFT_FOLLOWER:
    return shim->raft.follower_state.current_leader.id;
  default:
    return 0;
  }
}

bool raft_shim_match(const struct raft_shim* shim, uint64_t peer, uint64_t* index)
{
  raft_index match = 0;
  if (raft_match_index(&shim->raft, peer, &match) != 0)
    return false;
  *index = match;
  return true;
}
