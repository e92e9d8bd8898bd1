@0x9d0b6f1e57a3c824;
# What actors of one process tell each other, where it is more than a bare signal.
# Never leaves the process, so it may change freely.

using Cxx = import "/capnp/c++.capnp";
using Backend = import "/schemas/backend.capnp";
using Console = import "/schemas/console.capnp";
using Edits = import "/schemas/edits.capnp";
$Cxx.namespace("tabletd::wire");

# ---- journal and catalog -------------------------------------------------------------
struct EditOutcome {
  # Answer to a proposed Edit, sent after the fold.
  index @0 :UInt64;
  refusal @1 :UInt8;          # model::refusal; 0: it became true
  id @2 :UInt64;              # verdict.id
  failure @3 :Failure;        # other than none: it was not appended, or nobody knows
  message @4 :Text;
  retryAfterMs @5 :UInt32;    # of overloaded
  enum Failure { none @0; notLeader @1; overloaded @2; tooLarge @3; storageFailed @4; shuttingDown @5;
    leadershipLost @6; }
}
struct CatalogAdvanced {
  # The fold went on and a new snapshot is in the cell.
  index @0 :UInt64;
  touched @1 :List(UInt64);   # tablets whose health may differ now
  backends @2 :List(UInt64);  # all tablets of these too
}

# ---- membership ----------------------------------------------------------------------
struct BackendEvent {
  # From the KJ room to the backend_agent of that backend.
  union {
    unset      @0 :Void;
    attached   @1 :AttachedFacts;
    refused    @2 :Text;       # attach refused, with the backend's reason
    lost       @3 :Text;       # the connection broke or could not be made
    status     @4 :Backend.BackendStatus;   # answer to a heartbeat
    report     @5 :Backend.TabletReport;
    ended      @6 :List(Backend.TaskEnded);
    published  @7 :PublishEnded;
  }
}
struct AttachedFacts {
  bootId @0 :UInt64; startedMs @1 :Int64; httpPort @2 :UInt16; version @3 :Text; paths @4 :List(Backend.PathStatus);
}
struct TaskOrder { backend @0 :UInt64; task @1 :Backend.Task; }
struct TaskBatch { tasks @0 :List(Backend.Task); }
struct PublishOrder { backend @0 :UInt64; txns @1 :List(Backend.TxnVerdict); }
struct PublishEnded { backend @0 :UInt64; seq @1 :UInt64; failed @2 :List(Backend.TabletFailure); error @3 :Text; }
# error: the whole call failed (no link); empty otherwise.

# ---- repair --------------------------------------------------------------------------
struct SickTablets {
  # From the checker: what to look at.  Nothing here is binding; the scheduler diagnoses anew.
  tablets @0 :List(SickTablet);
  healed  @1 :List(UInt64);   # were reported sick and no longer are
  tabletsChecked @2 :UInt64;  # counters since the checker began; the scheduler publishes them
  rounds         @3 :UInt64;
  unhealthyFound @4 :UInt64;
}
struct SickTablet { tablet @0 :UInt64; health @1 :UInt8; priority @2 :UInt8; }

struct CtxEnded {
  tablet @0 :UInt64;
  result @1 :UInt8;           # model::ctx_result
  message @2 :Text;
  copiedBytes @3 :UInt64;
  elapsedMs @4 :UInt64;
  failure @5 :UInt8;          # model::task_failure: the backend's reason, 0 if it gave none
}

# ---- cooldown (on the leader) --------------------------------------------------------
struct CooldownReports { backend @0 :UInt64; reports @1 :List(Backend.CooldownReport); }
struct CooldownAcks { acknowledged @0 :List(Backend.CooldownAck); }
struct PublicationJudged { verdict @0 :Backend.PublicationVerdict; }
struct DeletionJudged { confirmed @0 :Bool; why @1 :Text; }

# ---- console -------------------------------------------------------------------------
struct StatementText { text @0 :Text; requestId @1 :Data; mayWrite @2 :Bool; }
struct StatementOutcome {
  union {
    result @0 :Console.Result;   # rows, done or error
    load @1 :LoadPlan;
    exportPlan @2 :ExportPlan;
  }
}
struct LoadPlan {
  txn @0 :UInt64;
  table @1 :UInt64;
  path @2 :Text;
  keyColumn @3 :UInt32;
  separator @4 :UInt8;
  tablets @5 :List(PlannedTablet);   # bucket order
  replicationNum @6 :UInt32;         # of the table
}
struct PlannedTablet {
  tablet @0 :UInt64; rows @1 :UInt64; bytes @2 :UInt64; replicas @3 :List(PlannedReplica); version @4 :UInt64;
  partition @5 :UInt64;              # export only
  remote @6 :PlannedRemote;          # export only; null: it is read from its replicas alone
}
struct PlannedRemote {
  # What has cooled, up to version `through`; one of `backends` (best first) reads it by its meta alone.
  meta @0 :Backend.PublishedMeta;
  through @1 :UInt64;
  backends @2 :List(UInt64);
}
struct PlannedReplica { replica @0 :UInt64; backend @1 :UInt64; }
struct LoadPrepared {
  # Rows are on disk where they could be; decide.
  txn @0 :UInt64;
  tablets @1 :List(PreparedTablet);
  failures @2 :List(BackendFailure);
}
struct PreparedTablet { tablet @0 :UInt64; rows @1 :UInt64; bytes @2 :UInt64; prepared @3 :List(UInt64); }
struct BackendFailure { backend @0 :UInt64; message @1 :Text; }
struct ExportPlan {
  path @0 :Text;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  tablets @3 :List(PlannedTablet);   # replicas: those that can serve the tablet's version, best first
  resources @4 :List(Backend.RemoteResource);  # those that the remote metas name
  note @5 :Text;                     # a warning for the client; or empty
}

# ---- warm-up -------------------------------------------------------------------------
struct WarmupCall {
  # What the leader asks of one backend, over its link.
  union {
    unset   @0 :Void;
    request @1 :Backend.WarmupRequest;
    state   @2 :UInt32;                  # so many of the hottest partitions
    push    @3 :Backend.WarmupSources;
    verify  @4 :Backend.WarmupSources;
  }
}
struct WarmupAnswer {
  # To who called, once for every call.
  call    @0 :UInt64;                    # the caller's number for it
  backend @1 :UInt64;
  union {
    silent @2 :Text;                     # no answer will come: why
    reply  @3 :Backend.WarmupReply;
    state  @4 :Backend.CacheState;
    pushed @5 :Backend.WarmupDone;
    share  @6 :Backend.CacheShare;
  }
}
struct WarmupPlanAsked { what @0 :Edits.WarmupDefinition; }
struct WarmupPlanned {
  union {
    refused @0 :WarmupNotPlanned;
    lanes   @1 :List(WarmupPlannedLane); # of every backend of the destination, ascending
  }
}
struct WarmupNotPlanned { why @0 :UInt8; text @1 :Text; }   # model::warmup_plan_refusal
struct WarmupPlannedLane {
  backend     @0 :UInt64;
  tablets     @1 :List(UInt64);          # in the order in which they are warmed
  tabletBytes @2 :List(UInt64);
  bytes       @3 :UInt64;
  cacheBytes  @4 :UInt64;
  excessBytes @5 :UInt64;
}
struct WarmupVerifyAsked { job @0 :UInt64; }
struct WarmupVerified {
  union {
    refused @0 :Text;
    lanes   @1 :List(WarmupVerifiedLane);
  }
}
struct WarmupVerifiedLane {
  backend @0 :UInt64;
  tablets @1 :UInt64;
  share   @2 :Backend.CacheShare;
  silent  @3 :Text;                      # it did not answer, and why; else empty
}

# ---- agent (inside a backend) --------------------------------------------------------
struct DiskChanges {
  # From a path's disk worker to the reporter, in the order they happened.
  path @0 :UInt64;
  tablets @1 :List(Backend.TabletState);
  gone @2 :List(Backend.ReplicaRef);
  prepared :union {
    asBefore @3 :Void;
    now @4 :List(UInt64);     # all txns that wait for a verdict on this path
  }
}
struct CloneEvent {
  # From whoever moves a clone's bytes to its clone_worker.
  attempt @0 :UInt32;         # the ask it belongs to; 0: none
  union {
    unset      @1 :Void;
    looked     @2 :CloneLook;
    snapshot   @3 :CloneSnapshot;
    progressed @4 :UInt64;    # bytes since the last one
    copied     @5 :Void;
    linkBroke  @6 :Text;
    failed     @7 :Backend.TaskFailure;
    installed  @8 :Backend.TabletState;
  }
}
struct CloneLook {
  here @0 :Backend.TabletState;          # absent: the tablet is not on this backend
  have @1 :List(Backend.VersionRange);
}
struct CloneSnapshot { full @0 :Bool; rowsets @1 :List(Backend.VersionRange); }
struct CopyStop { keepPartial @0 :Bool; why @1 :Text; }
# To a clone_worker or a move_worker.
struct MoveEvent {
  # From whoever moves a replica between paths to its move_worker.
  union {
    unset      @0 :Void;
    looked     @1 :MoveLook;
    listed     @2 :MoveList;
    progressed @3 :UInt64;    # bytes since the last one
    copied     @4 :Void;
    alone      @5 :Void;
    switched   @6 :Backend.TabletState;
    failed     @7 :Backend.TaskFailure;
  }
}
struct MoveLook { here @0 :Backend.TabletState; }   # absent: the tablet is not on this backend
struct MoveList { rowsets @0 :UInt64; bytes @1 :UInt64; }
