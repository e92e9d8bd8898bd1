#pragma once
// Every metric family this process may export, as data: names, types, help and label names.
// A family that is not here does not exist; renaming one is a change of interface.  Names
// come from the project's metric list; tests/node/metrics_vocabulary.txt pins them.
//
// Rules (docs/operations.md): base units, counters end in _total, help ends in a full stop,
// no label with an unbounded id except `backend` and `path`.
#include <array>
#include <cstdint>
#include <string_view>

namespace tabletd {

enum class metric_type : std::uint8_t { counter, gauge, histogram };
/// fe_leader: absent, not zero, on a front end that does not lead.
enum class metric_role : std::uint8_t { both, fe, fe_leader, be };

struct metric_family {
  std::string_view name;
  metric_type type;
  metric_role role;
  std::array<std::string_view, 4> labels; ///< Names; empty ones at the end.
  std::string_view help;
  [[nodiscard]] constexpr std::size_t label_count() const {
    std::size_t n = 0;
    while (n < labels.size() && !labels[n].empty())
      ++n;
    return n;
  }
};

namespace families {

using enum metric_type;
using enum metric_role;
using row = metric_family;

// -- both roles --
inline constexpr row build_info{"tabletd_build_info", gauge, both, {"version", "revision", "role", "compiler"}, "Constant 1; build and role of this process."};
inline constexpr row ready{"tabletd_ready", gauge, both, {}, "1 when /readyz answers 200, else 0."};
inline constexpr row log_messages{"tabletd_log_messages_total", counter, both, {"level"}, "Log records written, by level."};
inline constexpr row http_requests{"tabletd_http_requests_total", counter, both, {"handler", "code"}, "HTTP requests on the admin port."};

inline constexpr row process_cpu{"process_cpu_seconds_total", counter, both, {}, "Total user and system CPU time spent in seconds."};
inline constexpr row process_resident{"process_resident_memory_bytes", gauge, both, {}, "Resident memory size in bytes."};
inline constexpr row process_virtual{"process_virtual_memory_bytes", gauge, both, {}, "Virtual memory size in bytes."};
inline constexpr row process_open_fds{"process_open_fds", gauge, both, {}, "Number of open file descriptors."};
inline constexpr row process_max_fds{"process_max_fds", gauge, both, {}, "Maximum number of open file descriptors."};
inline constexpr row process_start{"process_start_time_seconds", gauge, both, {}, "Start time of the process since unix epoch in seconds."};

// -- actors and supervisors --
inline constexpr row actors{"tabletd_actors", gauge, both, {"type"}, "Live actors by type."};
inline constexpr row actor_spawned{"tabletd_actor_spawned_total", counter, both, {"type"}, "Actors started."};
inline constexpr row actor_terminated{"tabletd_actor_terminated_total", counter, both, {"type", "reason"}, "Actors ended, by exit reason class."};
inline constexpr row actor_messages{"tabletd_actor_messages_total", counter, both, {"type"}, "Messages processed."};
inline constexpr row actor_mailbox{"tabletd_actor_mailbox_messages", gauge, both, {"type"}, "Messages waiting in the mailboxes of this type."};
inline constexpr row actor_mailbox_wait{"tabletd_actor_mailbox_wait_seconds", histogram, both, {"type"}, "Time a message waited in the mailbox."};
inline constexpr row actor_processing{"tabletd_actor_processing_duration_seconds", histogram, both, {"type"}, "Time spent in one message handler."};
inline constexpr row actor_slow_turns{"tabletd_actor_slow_turns_total", counter, both, {"type"}, "Handlers that ran longer than the slow-turn threshold."};
inline constexpr row actor_dropped{"tabletd_actor_messages_dropped_total", counter, both, {"reason"}, "Messages not delivered."};
inline constexpr row supervisor_children{"tabletd_supervisor_children", gauge, both, {"supervisor", "state"}, "Children by state."};
inline constexpr row supervisor_restarts{"tabletd_supervisor_restarts_total", counter, both, {"supervisor"}, "Children restarted."};
inline constexpr row supervisor_escalations{"tabletd_supervisor_escalations_total", counter, both, {"supervisor"}, "Times the restart intensity was exceeded and the failure went to the parent."};

// -- fe --
inline constexpr row is_leader{"tabletd_fe_is_leader", gauge, fe, {}, "1 on the FE that holds the leader lease, else 0."};
inline constexpr row catalog_objects{"tabletd_catalog_objects", gauge, fe, {"type"}, "Objects in the catalog by type."};
inline constexpr row journal_last_index{"tabletd_journal_last_index", gauge, fe, {}, "Index of the last durable journal entry."};
inline constexpr row journal_entries{"tabletd_journal_entries_total", counter, fe, {}, "Journal entries appended."};
inline constexpr row journal_bytes{"tabletd_journal_written_bytes_total", counter, fe, {}, "Encoded bytes appended to the journal."};
inline constexpr row journal_commit{"tabletd_journal_commit_duration_seconds", histogram, fe, {}, "Time to make one group commit durable (SQLite transaction incl. fsync)."};
inline constexpr row journal_apply{"tabletd_journal_apply_duration_seconds", histogram, fe, {}, "Time from handing committed entries to the catalog until it answered for them."};
inline constexpr row journal_batch{"tabletd_journal_batch_entries", histogram, fe, {}, "Entries per group commit."};
inline constexpr row journal_queued{"tabletd_journal_queued_entries", gauge, fe, {}, "Entries waiting for the journal writer."};
inline constexpr row journal_lag{"tabletd_journal_replay_lag_entries", gauge, fe, {}, "Entries known to be durable but not yet replayed here."};
inline constexpr row journal_file{"tabletd_journal_file_bytes", gauge, fe, {}, "Size of the journal database file."};
inline constexpr row sqlite_wal{"tabletd_sqlite_wal_bytes", gauge, fe, {}, "Size of the SQLite write-ahead log file."};
inline constexpr row raft_term{"tabletd_raft_term", gauge, fe, {}, "Current term."};
inline constexpr row raft_has_leader{"tabletd_raft_has_leader", gauge, fe, {}, "1 if this member knows a leader."};
inline constexpr row raft_last_index{"tabletd_raft_last_index", gauge, fe, {}, "Last log index stored."};
inline constexpr row raft_commit_index{"tabletd_raft_commit_index", gauge, fe, {}, "Highest committed index."};
inline constexpr row raft_applied_index{"tabletd_raft_applied_index", gauge, fe, {}, "Highest applied index."};
inline constexpr row raft_proposals{"tabletd_raft_proposals_total", counter, fe, {"result"}, "Proposals by outcome."};
inline constexpr row raft_pending{"tabletd_raft_proposals_pending", gauge, fe, {}, "Proposals not yet committed."};
inline constexpr row raft_memory{"tabletd_raft_log_cache_bytes", gauge, fe, {"stage"}, "Bytes of the log in memory, by stage."};
inline constexpr row raft_memory_limit{"tabletd_raft_log_cache_limit_bytes", gauge, fe, {}, "What the log may hold in memory."};
inline constexpr row raft_stalls{"tabletd_raft_write_stalls_total", counter, fe, {"reason"}, "Proposals that had to wait at the door or were refused there."};
inline constexpr row raft_rejections{"tabletd_raft_append_rejections_total", counter, fe, {"reason"}, "Messages of the leader whose entries were not taken."};
inline constexpr row raft_peer_lag{"tabletd_raft_peer_lag_entries", gauge, fe, {"peer"}, "Entries in the log that the peer's catalog has not folded, as last heard."};
inline constexpr row raft_peer_queue{"tabletd_raft_peer_queue_bytes", gauge, fe, {"peer"}, "Bytes waiting to be written to the peer."};
inline constexpr row checkpoints{"tabletd_checkpoints_total", counter, fe, {"result"}, "Checkpoint attempts this node ordered as a leader, by outcome."};
inline constexpr row checkpoint_duration{"tabletd_checkpoint_phase_duration_seconds", histogram, fe, {"phase"}, "Time from the order of a checkpoint until its image was on the leader."};
inline constexpr row checkpoint_running{"tabletd_checkpoint_running", gauge, fe, {}, "1 while an attempt this node ordered is under way."};
inline constexpr row checkpoint_last_success{"tabletd_checkpoint_last_success_timestamp_seconds", gauge, fe, {}, "When an attempt this node ordered last succeeded, seconds since unix epoch, 0 if never."};
inline constexpr row checkpoint_image_index{"tabletd_checkpoint_image_index", gauge, fe, {}, "Journal index of the newest sound image here, 0 if there is none."};
inline constexpr row checkpoint_image_bytes{"tabletd_checkpoint_image_bytes", gauge, fe, {}, "Size of the newest sound image here."};
inline constexpr row checkpoint_pushes{"tabletd_checkpoint_image_pushes_total", counter, fe, {"result"}, "Images this node offered to others as a leader, by outcome."};
inline constexpr row console_sessions{"tabletd_console_sessions", gauge, fe, {}, "Open console sessions."};
inline constexpr row console_statements{"tabletd_console_statements_total", counter, fe, {"statement", "result"}, "Console statements by kind and result."};

// -- the leading fe --
inline constexpr row backends{"tabletd_backends", gauge, fe_leader, {"state"}, "Registered BEs by state."};
inline constexpr row backend_up{"tabletd_backend_up", gauge, fe_leader, {"backend"}, "1 if the BE answered its last heartbeat in time."};
inline constexpr row heartbeat_age{"tabletd_backend_heartbeat_age_seconds", gauge, fe_leader, {"backend"}, "Time since the last successful heartbeat of the BE."};
inline constexpr row backend_used{"tabletd_backend_disk_used_bytes", gauge, fe_leader, {"backend", "medium"}, "Bytes used on the BE as last reported."};
inline constexpr row backend_capacity{"tabletd_backend_disk_capacity_bytes", gauge, fe_leader, {"backend", "medium"}, "Capacity of the BE as last reported."};
inline constexpr row backend_replicas{"tabletd_backend_replicas", gauge, fe_leader, {"backend", "medium"}, "Replicas placed on the BE."};
inline constexpr row tablets{"tabletd_tablets", gauge, fe_leader, {"health"}, "Tablets by health after the last full check."};
inline constexpr row checker_scanned{"tabletd_checker_tablets_scanned_total", counter, fe_leader, {}, "Tablets examined by the checker."};
inline constexpr row sched_pending{"tabletd_sched_pending_tablets", gauge, fe_leader, {"type", "priority"}, "Tablet contexts waiting to be scheduled, by dynamic priority."};
inline constexpr row sched_running{"tabletd_sched_running_tablets", gauge, fe_leader, {"type"}, "Tablet contexts with a task in flight."};
inline constexpr row sched_oldest{"tabletd_sched_oldest_pending_age_seconds", gauge, fe_leader, {"priority"}, "Age of the oldest waiting context, 0 when none waits."};
inline constexpr row sched_submitted{"tabletd_sched_submitted_total", counter, fe_leader, {"type", "health"}, "Contexts accepted by the scheduler, by the health that caused them."};
inline constexpr row sched_finished{"tabletd_sched_finished_total", counter, fe_leader, {"type", "result"}, "Contexts that left the scheduler, by final state."};
inline constexpr row sched_adjusted{"tabletd_sched_priority_adjustments_total", counter, fe_leader, {"direction"}, "Dynamic priority changes."};
inline constexpr row clone_bytes{"tabletd_clone_bytes_total", counter, fe_leader, {"type", "scope"}, "Bytes of finished clones."};
inline constexpr row balancer_skew{"tabletd_balancer_skew", gauge, fe_leader, {"medium"}, "Highest minus lowest backend load score."};
inline constexpr row balancer_enabled{"tabletd_balancer_enabled", gauge, fe_leader, {}, "1 if balancing is enabled."};
inline constexpr row balancer_pauses{"tabletd_balancer_pauses", gauge, fe_leader, {"target"}, "Pauses by operators that hold now, by what they pause."};
inline constexpr row balancer_path_moves{"tabletd_balancer_path_moves_total", counter, fe_leader, {}, "Moves between paths of one BE that were started."};
inline constexpr row slots{"tabletd_slots", gauge, fe_leader, {"backend", "medium", "kind"}, "Configured working slots (slots per path times online paths)."};
inline constexpr row slots_in_use{"tabletd_slots_in_use", gauge, fe_leader, {"backend", "medium", "kind"}, "Working slots held by running tasks."};

inline constexpr row cooldown_tablets{"tabletd_cooldown_tablets", gauge, fe_leader, {"phase"}, "Tablets under a cooldown policy by phase."};
inline constexpr row cooldown_assignments{"tabletd_cooldown_uploader_assignments_total", counter, fe_leader, {"reason"}, "Uploaders appointed, each with a term of its own, by reason."};
inline constexpr row cooldown_conflicts{"tabletd_cooldown_conflicts_total", counter, fe_leader, {}, "Reports of a replica that uploads while the log has another one in office."};
inline constexpr row cooldown_tombstones{"tabletd_cooldown_tombstones", gauge, fe_leader, {}, "Dropped tablets whose objects in remote stores have not been deleted yet."};
inline constexpr row warmup_jobs{"tabletd_warmup_jobs", gauge, fe_leader, {"state"}, "Warm-up jobs not yet ended."};
inline constexpr row warmup_ended{"tabletd_warmup_jobs_ended_total", counter, fe_leader, {"result"}, "Warm-up jobs that ended."};
inline constexpr row warmup_batches{"tabletd_warmup_batches_total", counter, fe_leader, {"result"}, "Warm-up batches in the log; error: with tablets that could not be warmed."};
inline constexpr row warmup_batch_duration{"tabletd_warmup_batch_duration_seconds", histogram, fe_leader, {}, "Time from batch dispatch to its end."};
inline constexpr row warmup_finished{"tabletd_warmup_finished_bytes_total", counter, fe_leader, {}, "Bytes that batches in the log brought into caches."};
inline constexpr row warmup_remaining{"tabletd_warmup_remaining_bytes", gauge, fe_leader, {}, "Bytes not yet warmed in running jobs."};
inline constexpr row warmup_backends{"tabletd_warmup_backends", gauge, fe_leader, {"state"}, "BEs of running jobs with a batch in flight (running) or none although they have batches left (pending)."};
inline constexpr row warmup_pushes{"tabletd_warmup_pushes_total", counter, fe_leader, {}, "Requests to warm tablets outside of any batch that were answered."};
inline constexpr row warmup_pushed{"tabletd_warmup_pushed_bytes_total", counter, fe_leader, {}, "Bytes of their tablets in caches, as the answers say."};

// -- be --
inline constexpr row be_capacity{"tabletd_be_disk_capacity_bytes", gauge, be, {"path", "medium"}, "Capacity of the data path."};
inline constexpr row be_used{"tabletd_be_disk_used_bytes", gauge, be, {"path", "medium"}, "Bytes used on the data path."};
inline constexpr row be_online{"tabletd_be_disk_online", gauge, be, {"path"}, "1 if the data path passed its last probe."};
inline constexpr row be_tablets{"tabletd_be_tablets", gauge, be, {}, "Local replicas."};
inline constexpr row be_tasks{"tabletd_be_tasks", gauge, be, {}, "Tasks queued or running on this BE."};
inline constexpr row be_tasks_ended{"tabletd_be_tasks_ended_total", counter, be, {"task", "result"}, "Tasks ended on this BE."};
inline constexpr row be_copied{"tabletd_be_copy_bytes_total", counter, be, {"direction"}, "Clone bytes received (in) and served (out), bytes written by moves between paths (moved)."};
inline constexpr row be_reports{"tabletd_be_reports_total", counter, be, {"report"}, "Reports sent to the leader."};
inline constexpr row be_fenced{"tabletd_be_fenced_requests_total", counter, be, {"reason"}, "Requests refused because they carried an old term or epoch."};
inline constexpr row cooldown_uploads{"tabletd_cooldown_uploads_total", counter, be, {"result"}, "Cooldown uploads ended on this BE."};
inline constexpr row cooldown_upload_bytes{"tabletd_cooldown_upload_bytes_total", counter, be, {}, "Bytes uploaded by cooldown."};
inline constexpr row cooldown_rewrites{"tabletd_cooldown_rewrites_total", counter, be, {"kind", "result"}, "Remote objects made of others on this BE: merged in their store, or taken to another one."};
inline constexpr row cooldown_rewrite_bytes{"tabletd_cooldown_rewrite_bytes_total", counter, be, {"kind"}, "Bytes written by those."};
inline constexpr row cache_reads{"tabletd_be_file_cache_reads_total", counter, be, {"result"}, "Blocks of remote rowsets looked for in the file cache."};
inline constexpr row cache_bytes{"tabletd_be_file_cache_read_bytes_total", counter, be, {"source"}, "Bytes served from the file cache, and bytes downloaded for readers and warm-ups."};
inline constexpr row cache_evictions{"tabletd_be_file_cache_evicted_blocks_total", counter, be, {"reason"}, "Blocks that left the file cache."};
inline constexpr row cache_held{"tabletd_be_file_cache_bytes", gauge, be, {"queue"}, "Bytes in the file cache, by what brought them."};
inline constexpr row cache_capacity{"tabletd_be_file_cache_capacity_bytes", gauge, be, {}, "What the file cache may hold now; less than configured while disks are needed for replicas."};
inline constexpr row be_warmup_batches{"tabletd_be_warmup_batches_total", counter, be, {"result"}, "Batches of warm-up jobs ended on this BE; error: some of their tablets failed."};
inline constexpr row be_warmup_failed{"tabletd_be_warmup_failed_tablets_total", counter, be, {}, "Tablets that could not be made warm here."};
inline constexpr row be_warmup_bytes{"tabletd_be_warmup_bytes_total", counter, be, {}, "Bytes that warm-ups have brought into the file cache, or found there."};

inline constexpr const row* all[] = {
  &build_info, &ready, &log_messages, &http_requests, &process_cpu, &process_resident, &process_virtual,
  &process_open_fds, &process_max_fds, &process_start, &actors, &actor_spawned, &actor_terminated, &actor_messages,
  &actor_mailbox, &actor_mailbox_wait, &actor_processing, &actor_slow_turns, &actor_dropped, &supervisor_children,
  &supervisor_restarts, &supervisor_escalations, &is_leader, &catalog_objects, &journal_last_index, &journal_entries,
  &journal_bytes, &journal_commit, &journal_apply, &journal_batch, &journal_queued, &journal_lag, &journal_file, &sqlite_wal,
  &raft_term, &raft_has_leader, &raft_last_index, &raft_commit_index, &raft_applied_index, &raft_proposals,
  &raft_pending, &raft_memory, &raft_memory_limit, &raft_stalls, &raft_rejections, &raft_peer_lag, &raft_peer_queue,
  &checkpoints, &checkpoint_duration, &checkpoint_running, &checkpoint_last_success, &checkpoint_image_index,
  &checkpoint_image_bytes, &checkpoint_pushes, &console_sessions, &console_statements, &backends, &backend_up,
  &heartbeat_age, &backend_used,
  &backend_capacity, &backend_replicas, &tablets, &checker_scanned, &sched_pending, &sched_running, &sched_oldest,
  &sched_submitted, &sched_finished, &sched_adjusted, &clone_bytes, &balancer_skew, &balancer_enabled,
  &balancer_pauses, &balancer_path_moves, &slots, &slots_in_use, &cooldown_tablets, &cooldown_assignments, &cooldown_conflicts, &cooldown_tombstones,
  &warmup_jobs, &warmup_ended, &warmup_batches, &warmup_batch_duration, &warmup_finished, &warmup_remaining,
  &warmup_backends, &warmup_pushes, &warmup_pushed, &be_capacity, &be_used, &be_online, &be_tablets, &be_tasks, &be_tasks_ended, &be_copied, &be_reports, &be_fenced,
  &cooldown_uploads, &cooldown_upload_bytes, &cooldown_rewrites, &cooldown_rewrite_bytes,
  &cache_reads, &cache_bytes, &cache_evictions, &cache_held, &cache_capacity, &be_warmup_batches, &be_warmup_failed, &be_warmup_bytes,
};

} // namespace families

/// Label values; closed.  What is not listed is counted as "other" where that exists.
namespace vocabulary {

inline constexpr std::string_view actor[] = {
  "journal", "catalog", "term_scope", "membership", "backend_agent", "tablet_checker", "tablet_scheduler",
  "tablet_sched_ctx", "console_session", "load_keeper", "load_job", "table_birth", "supervisor", "reporter",
  "task_keeper", "clone_worker", "move_worker", "herald", "image_keeper", "checkpoint_worker",
  "checkpoint_controller", "cooldown_overseer", "cooldown_handler", "remote_purger",
  "warmup_keeper", "warmup_overseer", "warm_up_job", "warmup_lane", "other"};
inline constexpr std::string_view supervisor[] = {"root", "sched", "be_agents", "jobs", "sessions", "storage", "other"};
inline constexpr std::string_view term_reason[] = {"normal", "error", "killed", "down", "shutdown"};
inline constexpr std::string_view undelivered[] = {"mailbox_full", "dead_receiver", "expired", "undecodable"};
inline constexpr std::string_view child_state[] = {"running", "backoff", "failed", "stopped"};
inline constexpr std::string_view level[] = {"debug", "info", "warn", "error"};
inline constexpr std::string_view http_handler[] = {"metrics", "healthz", "readyz", "status"};
inline constexpr std::string_view http_code[] = {"2xx", "4xx", "5xx"};
inline constexpr std::string_view checkpoint_phase[] = {"image"}; // Made and on the leader; who gets it later is counted.
inline constexpr std::string_view result[] = {"ok", "error"};
inline constexpr std::string_view health[] = {"healthy", "replica_missing", "version_incomplete", "replica_relocating",
                                              "redundant", "force_redundant", "unrecoverable",
                                              "replica_missing_in_cluster", "need_further_repair", "colocate_mismatch",
                                              "colocate_redundant"}; // Index: model::tablet_health.
inline constexpr std::string_view priority[] = {"low", "normal", "high", "very_high"};
inline constexpr std::string_view log_stage[] = {"uncommitted", "unapplied", "cached", "sending", "receiving", "proposed"};
inline constexpr std::string_view stall[] = {"uncommitted", "unapplied", "memory"};
inline constexpr std::string_view medium[] = {"hdd", "ssd"};
inline constexpr std::string_view sched_type[] = {"repair", "balance"};
inline constexpr std::string_view clone_scope[] = {"inter_node", "intra_node"}; // Between BEs, between paths of one.
inline constexpr std::string_view pause_target[] = {"all", "table", "backend"};
inline constexpr std::string_view cooldown_phase[] = {"waiting", "uploading", "following", "cooled", "stuck", "recalling"}; // Index: model::cooldown_phase.
inline constexpr std::string_view reassign[] = {"initial", "uploader_dead", "report_timeout", "decommission"}; // Index: model::reassignment.
inline constexpr std::string_view job_state[] = {"pending", "running"};
inline constexpr std::string_view job_result[] = {"finished", "cancelled", "failed"};
inline constexpr std::string_view task[] = {"create", "clone", "drop_replica", "verify", "cancel", "move"};

} // namespace vocabulary

} // namespace tabletd
