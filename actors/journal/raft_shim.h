#pragma once
/* libraft's step API behind plain structs, because raft.h does not compile as C++
 * (design/journal.md 3, P1).  No policy here: libraft_core.cpp decides. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct raft_shim;

struct raft_shim_options {
  uint64_t id;
  uint32_t seed;
  uint32_t election_timeout_ms;
  uint32_t heartbeat_ms;
  uint32_t inflight_entries_max;
};

enum raft_shim_role { raft_shim_follower, raft_shim_candidate, raft_shim_leader };

/* `bytes` only for changes of membership. */
struct raft_shim_entry {
  uint64_t term;
  uint16_t type;
  const void* bytes;
  size_t size;
};

enum raft_shim_message_kind {
  raft_shim_append_request,
  raft_shim_append_result,
  raft_shim_vote_request,
  raft_shim_vote_result,
  raft_shim_install_snapshot, /* Only outgoing: images are installed by a new start. */
  raft_shim_timeout_now,
  raft_shim_other
};
struct raft_shim_message {
  enum raft_shim_message_kind kind;
  uint64_t peer; /* Receiver of an outgoing, sender of an incoming message. */
  uint64_t term;
  uint64_t prev_index, prev_term, leader_commit; /* append request */
  const struct raft_shim_entry* entries;         /* incoming append request */
  uint32_t count;
  uint64_t rejected; /* append result */
  uint64_t last_index, last_term; /* Also of a snapshot and of a transfer. */
  uint64_t candidate; /* vote request */
  bool disrupt_leader, pre_vote, granted;
};

/* What an image stands for; index 0: there is none.  `bytes`: the membership. */
struct raft_shim_snapshot {
  uint64_t index, term, membership_index;
  const void* bytes;
  size_t size;
};

/* What one step asked for; pointers are valid until the next step. */
struct raft_shim_update {
  bool ballot_changed;
  uint64_t first; /* 0: no entries to persist. */
  const struct raft_shim_entry* entries;
  size_t entry_count;
  const struct raft_shim_message* messages;
  size_t message_count;
};

/* NULL: no memory. */
struct raft_shim* raft_shim_create(const struct raft_shim_options* options);
void raft_shim_destroy(struct raft_shim* shim);

/* Each step returns 0 or libraft's error code. */
int raft_shim_start(struct raft_shim* shim, uint64_t now_ms, uint64_t term, uint64_t vote,
                    const struct raft_shim_snapshot* snapshot, uint64_t first_index,
                    const struct raft_shim_entry* entries, size_t count,
                    struct raft_shim_update* out);
int raft_shim_submit(struct raft_shim* shim, uint64_t now_ms, uint32_t count,
                     struct raft_shim_update* out);
int raft_shim_persisted(struct raft_shim* shim, uint64_t now_ms, uint64_t index,
                        struct raft_shim_update* out);
int raft_shim_receive(struct raft_shim* shim, uint64_t now_ms,
                      const struct raft_shim_message* message, struct raft_shim_update* out);
int raft_shim_timeout(struct raft_shim* shim, uint64_t now_ms, struct raft_shim_update* out);
int raft_shim_transfer(struct raft_shim* shim, uint64_t now_ms, uint64_t to,
                       struct raft_shim_update* out);
/* The leader appends one change. */
int raft_shim_submit_change(struct raft_shim* shim, uint64_t now_ms, const void* bytes, size_t size,
                            struct raft_shim_update* out);
/* The change at `index` is committed. */
int raft_shim_change_committed(struct raft_shim* shim, uint64_t now_ms, uint64_t index,
                               const void* bytes, size_t size, struct raft_shim_update* out);
int raft_shim_snapshot_taken(struct raft_shim* shim, uint64_t now_ms,
                             const struct raft_shim_snapshot* snapshot, uint32_t trailing,
                             struct raft_shim_update* out);
/* A follower that hears no leader and is no voter stands for nothing, and the core never lets it
 * forget the leader. */
void raft_shim_forget_leader(struct raft_shim* shim);
/* The present election timeout of a follower or candidate ends at `at_ms`, if that is earlier. */
void raft_shim_time_out_by(struct raft_shim* shim, uint64_t at_ms);
/* Votes for `candidate` in the present term; the caller makes sure that it may. */
void raft_shim_vote_for(struct raft_shim* shim, uint64_t now_ms, uint64_t candidate);

bool raft_shim_is_not_leader(int code);
const char* raft_shim_error(int code);

uint64_t raft_shim_term(const struct raft_shim* shim);
uint64_t raft_shim_vote(const struct raft_shim* shim);
uint64_t raft_shim_commit(const struct raft_shim* shim);
uint64_t raft_shim_last_stored(const struct raft_shim* shim);
uint64_t raft_shim_deadline_ms(const struct raft_shim* shim);
enum raft_shim_role raft_shim_state(const struct raft_shim* shim);
uint64_t raft_shim_leader_id(const struct raft_shim* shim);
/* What a leader knows `peer` to hold; false: does not lead, or has no such member. */
bool raft_shim_match(const struct raft_shim* shim, uint64_t peer, uint64_t* index);

/* Memberships in libraft's encoding. */
struct raft_shim_membership;
struct raft_shim_membership* raft_shim_membership_create(void);
int raft_shim_membership_add(struct raft_shim_membership* to, uint64_t id, const char* address,
                             bool voter);
/* The bytes are freed with raft_shim_free. */
int raft_shim_membership_encode(const struct raft_shim_membership* from, void** bytes,
                                size_t* size);
void raft_shim_membership_destroy(struct raft_shim_membership* membership);
void raft_shim_free(void* bytes);

#ifdef __cplusplus
}
#endif
