/* See raft_shim.h. */
#include "actors/journal/raft_shim_state.h"

#include <stdlib.h>
#include <string.h>

/* libraft compares capacities only above a threshold nobody sets here. */
static const unsigned short plenty_of_disk = 60000;
/* Results older than this do not say whether they answer a pre-vote. */
static const unsigned char newest_message_version = 2;

static bool grow(void** array, size_t* room, size_t wanted, size_t element)
{
  void* larger;
  if (wanted <= *room)
    return true;
  wanted = wanted < 64 ? 64 : wanted * 2;
  larger = realloc(*array, wanted * element);
  if (larger == NULL)
    return false;
  *array = larger;
  *room = wanted;
  return true;
}

static struct raft_entry to_raft_entry(const struct raft_shim_entry* from)
{
  struct raft_entry entry;
  memset(&entry, 0, sizeof entry);
  entry.term = from->term;
  entry.type = (enum raft_entry_type)from->type;
  entry.buf.base = (void*)from->bytes;
  entry.buf.len = from->size;
  return entry;
}

static bool take_entries(struct raft_shim* shim, const struct raft_update* update,
                         struct raft_shim_update* out)
{
  unsigned i;
  if (!grow((void**)&shim->entries, &shim->entries_room, update->entries.n, sizeof *shim->entries))
    return false;
  for (i = 0; i < update->entries.n; i++) {
    const struct raft_entry* from = &update->entries.batch[i];
    struct raft_shim_entry* to = &shim->entries[i];
    to->term = from->term;
    to->type = (uint16_t)from->type;
    to->bytes = from->type == RAFT_CHANGE ? from->buf.base : NULL;
    to->size = from->type == RAFT_CHANGE ? from->buf.len : 0;
  }
  out->first = update->entries.index;
  out->entries = shim->entries;
  out->entry_count = update->entries.n;
  return true;
}

static struct raft_shim_message from_raft_message(const struct raft_message* from)
{
  struct raft_shim_message to;
  memset(&to, 0, sizeof to);
  to.peer = from->server_id;
  switch (from->type) {
  case RAFT_APPEND_ENTRIES:
    to.kind = raft_shim_append_request;
    to.term = from->append_entries.term;
    to.prev_index = from->append_entries.prev_log_index;
    to.prev_term = from->append_entries.prev_log_term;
    to.leader_commit = from->append_entries.leader_commit;
    to.count = from->append_entries.n_entries;
    break;
  case RAFT_APPEND_ENTRIES_RESULT:
    to.kind = raft_shim_append_result;
    to.term = from->append_entries_result.term;
    to.rejected = from->append_entries_result.rejected;
    to.last_index = from->append_entries_result.last_log_index;
    break;
  case RAFT_REQUEST_VOTE:
    to.kind = raft_shim_vote_request;
    to.term = from->request_vote.term;
    to.candidate = from->request_vote.candidate_id;
    to.last_index = from->request_vote.last_log_index;
    to.last_term = from->request_vote.last_log_term;
    to.disrupt_leader = from->request_vote.disrupt_leader;
    to.pre_vote = from->request_vote.pre_vote;
    break;
  case RAFT_REQUEST_VOTE_RESULT:
    to.kind = raft_shim_vote_result;
    to.term = from->request_vote_result.term;
    to.granted = from->request_vote_result.vote_granted;
    to.pre_vote = from->request_vote_result.pre_vote;
    break;
  case RAFT_INSTALL_SNAPSHOT:
    to.kind = raft_shim_install_snapshot;
    to.term = from->install_snapshot.term;
    to.last_index = from->install_snapshot.last_index;
    to.last_term = from->install_snapshot.last_term;
    break;
  case RAFT_TIMEOUT_NOW:
    to.kind = raft_shim_timeout_now;
    to.term = from->timeout_now.term;
    to.last_index = from->timeout_now.last_log_index;
    to.last_term = from->timeout_now.last_log_term;
    break;
  default:
    to.kind = raft_shim_other;
  }
  return to;
}

static bool take_messages(struct raft_shim* shim, const struct raft_update* update,
                          struct raft_shim_update* out)
{
  unsigned i;
  if (!grow((void**)&shim->messages, &shim->messages_room, update->messages.n,
            sizeof *shim->messages))
    return false;
  for (i = 0; i < update->messages.n; i++)
    shim->messages[i] = from_raft_message(&update->messages.batch[i]);
  out->messages = shim->messages;
  out->message_count = update->messages.n;
  return true;
}

static int step(struct raft_shim* shim, uint64_t now_ms, struct raft_event* event,
                struct raft_shim_update* out)
{
  struct raft_update update;
  int code;
  memset(out, 0, sizeof *out);
  memset(&update, 0, sizeof update);
  raft_free(shim->batch);
  shim->batch = NULL;
  event->time = now_ms;
  event->capacity = plenty_of_disk;
  code = raft_step(&shim->raft, event, &update);
  if (code != 0)
    return code;
  out->ballot_changed
    = (update.flags & (unsigned)((RAFT_UPDATE_CURRENT_TERM) | (RAFT_UPDATE_VOTED_FOR))) != 0;
  if (update.flags & (unsigned)(RAFT_UPDATE_ENTRIES)) {
    /* What was submitted is ours; a batch that was received, or the barrier of a new leader, was
     * allocated by or given to the core, which hands it over here. */
    if (event->type != RAFT_SUBMIT)
      shim->batch = update.entries.batch[0].batch;
    if (!take_entries(shim, &update, out))
      return RAFT_NOMEM;
  }
  if (update.flags & (unsigned)(RAFT_UPDATE_MESSAGES) && !take_messages(shim, &update, out))
    return RAFT_NOMEM;
  return 0;
}

struct raft_shim* raft_shim_create(const struct raft_shim_options* options)
{
  struct raft_shim* shim = calloc(1, sizeof *shim);
  if (shim == NULL)
    return NULL;
  /* Addresses stay with the host: the core only ever repeats them. */
  if (raft_init(&shim->raft, NULL, NULL, options->id, "") != 0) {
    free(shim);
    return NULL;
  }
  shim->raft.tracer = NULL; /* The default one formats every step, even when it is off. */
  raft_seed(&shim->raft, options->seed);
  raft_set_election_timeout(&shim->raft, options->election_timeout_ms);
  raft_set_heartbeat_timeout(&shim->raft, options->heartbeat_ms);
  raft_set_max_inflight_entries(&shim->raft, options->inflight_entries_max);
  raft_set_pre_vote(&shim->raft, true);
  return shim;
}

void raft_shim_destroy(struct raft_shim* shim)
{
  if (shim == NULL)
    return;
  raft_close(&shim->raft, NULL);
  raft_free(shim->batch);
  free(shim->entries);
  free(shim->messages);
  free(shim);
}

static int decode(const void* bytes, size_t size, struct raft_configuration* to)
{
  struct raft_buffer buffer;
  buffer.base = (void*)bytes;
  buffer.len = size;
  return raft_configuration_decode(&buffer, to);
}

/* The core takes over what it allocates. */
static int to_metadata(const struct raft_shim_snapshot* from, struct raft_snapshot_metadata* to)
{
  to->index = from->index;
  to->term = from->term;
  to->configuration_index = from->membership_index;
  return decode(from->bytes, from->size, &to->configuration);
}

int raft_shim_start(struct raft_shim* shim, uint64_t now_ms, uint64_t term, uint64_t vote,
                    const struct raft_shim_snapshot* snapshot, uint64_t first_index,
                    const struct raft_shim_entry* entries, size_t count,
                    struct raft_shim_update* out)
{
  struct raft_event event;
  struct raft_snapshot_metadata metadata;
  size_t i;
  int code;
  memset(&event, 0, sizeof event);
  if (snapshot->index != 0) {
    code = to_metadata(snapshot, &metadata);
    if (code != 0)
      return code;
    event.start.metadata = &metadata;
  }
  event.type = RAFT_START;
  event.start.term = term;
  event.start.voted_for = vote;
  event.start.start_index = first_index;
  event.start.n_entries = (unsigned)count;
  if (count > 0) {
    event.start.entries = raft_calloc(count, sizeof *event.start.entries);
    if (event.start.entries == NULL)
      return RAFT_NOMEM;
    for (i = 0; i < count; i++)
      event.start.entries[i] = to_raft_entry(&entries[i]);
  }
  code = step(shim, now_ms, &event, out);
  if (code == 0) /* On failure the core has freed it. */
    raft_free(event.start.entries);
  return code;
}

static char nobody_reads_this[8]; /* The core wants a batch, and never looks inside. */

int raft_shim_submit(struct raft_shim* shim, uint64_t now_ms, uint32_t count,
                     struct raft_shim_update* out)
{
  struct raft_event event;
  struct raft_entry* entries = calloc(count, sizeof *entries);
  uint32_t i;
  int code;
  if (entries == NULL)
    return RAFT_NOMEM;
  for (i = 0; i < count; i++) {
    entries[i].term = raft_current_term(&shim->raft);
    entries[i].type = RAFT_COMMAND;
    entries[i].batch = nobody_reads_this;
  }
  memset(&event, 0, sizeof event);
  event.type = RAFT_SUBMIT;
  event.submit.entries = entries;
  event.submit.n = count;
  code = step(shim, now_ms, &event, out);
  free(entries);
  return code;
}

int raft_shim_submit_change(struct raft_shim* shim, uint64_t now_ms, const void* bytes, size_t size,
                            struct raft_shim_update* out)
{
  struct raft_event event;
  struct raft_entry entry;
  memset(&entry, 0, sizeof entry);
  entry.term = raft_current_term(&shim->raft);
  entry.type = RAFT_CHANGE;
  entry.buf.base = (void*)bytes;
  entry.buf.len = size;
  entry.batch = nobody_reads_this;
  memset(&event, 0, sizeof event);
  event.type = RAFT_SUBMIT;
  event.submit.entries = &entry;
  event.submit.n = 1;
  return step(shim, now_ms, &event, out);
}

int raft_shim_change_committed(struct raft_shim* shim, uint64_t now_ms, uint64_t index,
                               const void* bytes, size_t size, struct raft_shim_update* out)
{
  struct raft_event event;
  int code;
  memset(&event, 0, sizeof event);
  event.type = RAFT_CONFIGURATION;
  event.configuration.index = index;
  code = decode(bytes, size, &event.configuration.conf);
  return code != 0 ? code : step(shim, now_ms, &event, out);
}

int raft_shim_snapshot_taken(struct raft_shim* shim, uint64_t now_ms,
                             const struct raft_shim_snapshot* snapshot, uint32_t trailing,
                             struct raft_shim_update* out)
{
  struct raft_event event;
  int code;
  memset(&event, 0, sizeof event);
  event.type = RAFT_SNAPSHOT;
  event.snapshot.trailing = trailing;
  code = to_metadata(snapshot, &event.snapshot.metadata);
  return code != 0 ? code : step(shim, now_ms, &event, out);
}

int raft_shim_transfer(struct raft_shim* shim, uint64_t now_ms, uint64_t to,
                       struct raft_shim_update* out)
{
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_TRANSFER;
  event.transfer.server_id = to;
  return step(shim, now_ms, &event, out);
}

void raft_shim_forget_leader(struct raft_shim* shim)
{
  if (shim->raft.state != RAFT_FOLLOWER)
    return;
  raft_free(shim->raft.follower_state.current_leader.address);
  shim->raft.follower_state.current_leader.address = NULL;
  shim->raft.follower_state.current_leader.id = 0;
}

void raft_shim_time_out_by(struct raft_shim* shim, uint64_t at_ms)
{
  struct raft* raft = &shim->raft;
  if (raft->state == RAFT_LEADER || raft_timeout(raft) <= at_ms)
    return;
  /* Not the timeout: it would stay that short for the next leader. */
  const uint64_t timeout = raft_timeout(raft) - raft->election_timer_start;
  raft->election_timer_start = at_ms > timeout ? at_ms - timeout : 0;
}

void raft_shim_vote_for(struct raft_shim* shim, uint64_t now_ms, uint64_t candidate)
{
  shim->raft.voted_for = candidate;
  shim->raft.election_timer_start = now_ms;
}

int raft_shim_persisted(struct raft_shim* shim, uint64_t now_ms, uint64_t index,
                        struct raft_shim_update* out)
{
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_PERSISTED_ENTRIES;
  event.persisted_entries.index = index;
  return step(shim, now_ms, &event, out);
}

/* One batch for all memberships of a message, as the core demands. */
static bool to_raft_entries(const struct raft_shim_message* message,
                            struct raft_append_entries* append)
{
  size_t bytes = 1;
  char* cursor;
  uint32_t i;
  for (i = 0; i < message->count; i++)
    bytes += message->entries[i].size;
  append->entries = raft_calloc(message->count, sizeof *append->entries);
  cursor = raft_malloc(bytes);
  if (append->entries == NULL || cursor == NULL) {
    raft_free(append->entries);
    raft_free(cursor);
    return false;
  }
  append->entries[0].batch = cursor;
  for (i = 0; i < message->count; i++) {
    struct raft_entry* entry = &append->entries[i];
    void* batch = append->entries[0].batch;
    *entry = to_raft_entry(&message->entries[i]);
    entry->batch = batch;
    entry->buf.base = cursor;
    if (entry->buf.len > 0)
      memcpy(cursor, message->entries[i].bytes, entry->buf.len);
    cursor += entry->buf.len;
  }
  append->n_entries = message->count;
  return true;
}

static bool to_raft_message(const struct raft_shim_message* from, struct raft_message* to)
{
  memset(to, 0, sizeof *to);
  to->server_id = from->peer;
  to->server_address = "";
  switch (from->kind) {
  case raft_shim_append_request:
    to->type = RAFT_APPEND_ENTRIES;
    to->append_entries.term = from->term;
    to->append_entries.prev_log_index = from->prev_index;
    to->append_entries.prev_log_term = from->prev_term;
    to->append_entries.leader_commit = from->leader_commit;
    return from->count == 0 || to_raft_entries(from, &to->append_entries);
  case raft_shim_append_result:
    to->type = RAFT_APPEND_ENTRIES_RESULT;
    to->append_entries_result.version = newest_message_version;
    to->append_entries_result.term = from->term;
    to->append_entries_result.rejected = from->rejected;
    to->append_entries_result.last_log_index = from->last_index;
    return true;
  case raft_shim_vote_request:
    to->type = RAFT_REQUEST_VOTE;
    to->request_vote.version = newest_message_version;
    to->request_vote.term = from->term;
    to->request_vote.candidate_id = from->candidate;
    to->request_vote.last_log_index = from->last_index;
    to->request_vote.last_log_term = from->last_term;
    to->request_vote.disrupt_leader = from->disrupt_leader;
    to->request_vote.pre_vote = from->pre_vote;
    return true;
  case raft_shim_vote_result:
    to->type = RAFT_REQUEST_VOTE_RESULT;
    to->request_vote_result.version = newest_message_version;
    to->request_vote_result.term = from->term;
    to->request_vote_result.vote_granted = from->granted;
    to->request_vote_result.pre_vote = from->pre_vote;
    return true;
  case raft_shim_timeout_now:
    to->type = RAFT_TIMEOUT_NOW;
    to->timeout_now.version = newest_message_version;
    to->timeout_now.term = from->term;
    to->timeout_now.last_log_index = from->last_index;
    to->timeout_now.last_log_term = from->last_term;
    return true;
  default:
    return false;
  }
}

int raft_shim_receive(struct raft_shim* shim, uint64_t now_ms,
                      const struct raft_shim_message* message, struct raft_shim_update* out)
{
  struct raft_message received;
  struct raft_event event;
  int code;
  if (!to_raft_message(message, &received))
    return message->kind == raft_shim_other ? RAFT_INVALID : RAFT_NOMEM;
  memset(&event, 0, sizeof event);
  event.type = RAFT_RECEIVE;
  event.receive.message = &received;
  code = step(shim, now_ms, &event, out);
  if (received.type == RAFT_APPEND_ENTRIES)
    raft_free(received.append_entries.entries);
  return code;
}

int raft_shim_timeout(struct raft_shim* shim, uint64_t now_ms, struct raft_shim_update* out)
{
  struct raft_event event;
  memset(&event, 0, sizeof event);
  event.type = RAFT_TIMEOUT;
  return step(shim, now_ms, &event, out);
}
