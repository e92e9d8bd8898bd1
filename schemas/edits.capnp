@0xa7c1d3e95b204f11;
# What can become true.  One Edit is one entry of the edit log; the union is the
# closed list.  Fields and union members are only ever added: old logs must fold
# for ever.  Ids are never chosen by the proposer: the fold hands them out in log
# order, so an Edit names an object by id only when that object already exists.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

struct Edit {
  atMs @0 :Int64;
  # Leader's wall clock when it proposed, ms since the Unix epoch.  The only time the fold sees.

  union {
    unset               @1  :Void;
    clusterFounded      @2  :ClusterFounded;
    termBegan           @3  :TermBegan;
    backendAdded        @4  :BackendAdded;
    backendDropped      @5  :UInt64;              # backend id
    backendDecommission @6  :BackendDecommission;
    backendDied         @7  :UInt64;              # backend id; the liveness rule gave it up
    backendReturned     @8  :BackendReturned;
    databaseCreated     @9  :Text;                # name
    databaseDropped     @10 :UInt64;              # database id
    tableCreated        @11 :TableCreated;
    tableDropped        @12 :UInt64;              # table id
    loadBegun           @13 :LoadBegun;
    loadCommitted       @14 :LoadCommitted;
    loadAborted         @15 :LoadAborted;
    loadPublished       @16 :UInt64;              # txn id: every live replica serves it; the record may go
    cloneOrdered        @17 :CloneOrdered;
    cloneEnded          @18 :CloneEnded;
    replicaDropped      @19 :ReplicaDropped;
    replicaObserved     @20 :ReplicaObserved;
    replicaReadopted    @21 :ReplicaReadopted;
    backendModified     @22 :BackendModified;
    partitionAdded      @23 :PartitionAdded;
    partitionDropped    @24 :PartitionRef;
    partitionModified   @25 :PartitionModified;
    replicaStatusSet    @26 :ReplicaStatusSet;
    repairHinted        @27 :RepairHinted;
    repairUnhinted      @28 :RepairUnhinted;
    configSet           @29 :ConfigSet;
    colocateRelocated   @30 :ColocateRelocated;
    balancePaused       @31 :BalancePaused;
    balanceResumed      @32 :Text;                # scope
    planSaved           @33 :PlanSaved;
    planApplied         @34 :Text;                # name
    planDropped         @35 :Text;                # name
    planMovesSkipped    @36 :PlanMovesSkipped;
    checkpointDecided   @37 :CheckpointDecided;
    resourceCreated     @38 :ResourceCreated;
    resourceAltered     @39 :ResourceAltered;
    resourceDropped     @40 :UInt64;              # resource id
    storagePolicyCreated @41 :StoragePolicyCreated;
    storagePolicyAltered @42 :StoragePolicyAltered;
    storagePolicyDropped @43 :UInt64;             # storage policy id
    storagePolicySet    @44 :StoragePolicySet;
    cooldownGranted     @45 :CooldownGranted;
    cooldownPublished   @46 :CooldownPublished;
    cooldownDeletionConfirmed @47 :CooldownDeletionConfirmed;
    cooldownHurried     @48 :PartitionsRef;
    cooldownRecalled    @49 :PartitionsRef;
    remotePurged        @50 :List(UInt64);        # tablet ids, of dropped tablets
    warmupCreated       @51 :WarmupCreated;
    warmupBegun         @52 :WarmupBegun;
    batchWarmed         @53 :BatchWarmed;
    warmupEnded         @54 :WarmupEnded;
    warmupPaused        @55 :UInt64;              # job
    warmupResumed       @56 :UInt64;              # job
    warmupForgotten     @57 :UInt64;              # job
  }
}

struct ClusterFounded { clusterId @0 :Data; name @1 :Text; }
struct TermBegan { term @0 :UInt64; leader @1 :UInt64; }
struct BackendAdded {
  host     @0 :Text;
  port     @1 :UInt16;
  cluster  @2 :Text;               # empty: the default one
  location @3 :Text;               # "rack:a"; empty: unknown
}
struct BackendModified { backend @0 :UInt64; cluster @1 :Text; location @2 :Text; }
struct BackendDecommission { backend @0 :UInt64; on @1 :Bool; }

struct BackendReturned {
  backend @0 :UInt64;
  paths   @1 :List(PathSeen);
  # The paths it serves now; they are truth because replicas are placed on them.
}
struct PathSeen { hash @0 :UInt64; root @1 :Text; medium @2 :Medium; }
enum Medium { hdd @0; ssd @1; }

struct TableCreated {
  database       @0 :UInt64;
  name           @1 :Text;
  keyColumn      @2 :UInt32;     # 1-based
  separator      @3 :Text;       # one byte
  replicationNum @4 :UInt32;
  placements     @5 :List(TabletPlacement);   # one per bucket, in bucket order; empty if partitions are given
  partitions     @6 :List(NewPartition);
  cluster        @7 :Text;       # empty: replicas may be on any backend
  colocateWith   @8 :Text;       # colocation group; empty: none
  storagePolicy  @9 :UInt64;     # 0: none, data stays hot
}
struct NewPartition {
  name       @0 :Text;
  medium     @1 :WantedMedium;
  placements @2 :List(TabletPlacement);
  storagePolicy @3 :UInt64;      # its own; 0: the table's
}
enum WantedMedium { any @0; hdd @1; ssd @2; }
struct PartitionAdded { table @0 :UInt64; what @1 :NewPartition; }
struct PartitionRef { table @0 :UInt64; partition @1 :UInt64; }
struct PartitionModified { table @0 :UInt64; partition @1 :UInt64; medium @2 :WantedMedium; }
struct TabletPlacement { replicas @0 :List(Place); }
struct Place { backend @0 :UInt64; path @1 :UInt64; }

struct LoadBegun { table @0 :UInt64; label @1 :Text; partition @2 :UInt64; }   # partition 0: the only one
# The txn id is the log index of this entry.

struct LoadCommitted {
  txn     @0 :UInt64;
  tablets @1 :List(TabletLoaded);   # one per tablet of the partition, bucket order
}
struct TabletLoaded {
  tablet @0 :UInt64;
  rows   @1 :UInt64;
  bytes  @2 :UInt64;
  prepared @3 :List(UInt64);        # replica ids that hold the rows durably; every other one now has a hole
}
struct LoadAborted { txn @0 :UInt64; reason @1 :Text; }

struct CloneOrdered {
  tablet    @0 :UInt64;
  health    @1 :UInt8;              # model::tablet_health that asked for it
  priority  @2 :UInt8;
  source    @3 :Place;
  target    @4 :Place;
  replica   @5 :UInt64;             # 0: a new replica, whose id the fold hands out; else filled in place
  version   @6 :UInt64;             # what the copy must reach
  balance   @7 :Bool;               # ordered to spread load, not to repair
  replaces  @8 :UInt64;             # balance: the replica to drop when the copy is complete
  why       @9 :Text;
}
struct CloneEnded {
  tablet  @0 :UInt64;
  order   @1 :UInt64;               # log index of the cloneOrdered it ends
  union {
    done   @2 :UInt64;              # version the replica really holds
    failed @3 :Text;                # why
  }
}
struct ReplicaDropped {
  tablet   @0 :UInt64;
  replica  @1 :UInt64;
  reason   @2 :UInt8;
  health   @3 :UInt8;               # as in CloneOrdered
  priority @4 :UInt8;
  why      @5 :Text;                # empty: nobody decided it
}

struct ReplicaObserved {
  # A backend's report contradicts the catalog and wins: the replica is damaged or behind.
  tablet  @0 :UInt64;
  replica @1 :UInt64;
  version @2 :UInt64;               # highest contiguous version it serves
  bad     @3 :Bool;                 # checksum failure or missing file
  path    @4 :UInt64;               # where it is; 0: where the catalog has it
}
struct ReplicaReadopted {
  # A backend holds a complete replica of an unhealthy tablet that the catalog had forgotten.
  tablet @0 :UInt64; replica @1 :UInt64; place @2 :Place; version @3 :UInt64;
}

struct ReplicaStatusSet { tablet @0 :UInt64; replica @1 :UInt64; bad @2 :Bool; }
struct RepairHinted { table @0 :UInt64; partitions @1 :List(UInt64); untilMs @2 :Int64; }
struct RepairUnhinted { table @0 :UInt64; partitions @1 :List(UInt64); }
struct ConfigSet { key @0 :Text; value @1 :Text; }    # value empty: back to the default
struct ColocateRelocated {
  # Where the replicas of a bucket belong, in every table of the group.
  group @0 :UInt64; bucket @1 :UInt32; backends @2 :List(UInt64); why @3 :Text;
}
struct BalancePaused { scope @0 :Text; owner @1 :Text; reason @2 :Text; untilMs @3 :Int64; }

struct PlanSaved {
  name    @0 :Text;
  kind    @1 :UInt8;                # model::plan_kind
  backend @2 :UInt64;               # who leaves or is lost; 0: nobody
  epoch   @3 :UInt64;               # log index of the catalog it was computed from
  moves   @4 :List(SavedMove);      # in the order they are made
}
struct SavedMove {
  tablet @0 :UInt64; replica @1 :UInt64; source @2 :Place; target @3 :Place; bytes @4 :UInt64;
}
struct PlanMovesSkipped { name @0 :Text; moves @1 :List(SkippedMove); }
struct SkippedMove { move @0 :UInt32; why @1 :Text; }

struct CheckpointDecided {
  # What the journal's deletion need not wait for any more, or must wait for again (spec/jobs.md K5, K6).
  what     @0 :UInt8;              # model::checkpoint_decision
  frontend @1 :UInt64;             # whom it is about; 0: nobody, it is about the disk
  why      @2 :Text;
}

# -- cooldown (spec/jobs.md section B) --

enum ResourceType { file @0; s3 @1; }
struct ResourceProperty { key @0 :Text; value @1 :Text; }
struct ResourceCreated {
  # A remote store.  Its properties hold no secrets: they are in images in clear.
  name       @0 :Text;
  type       @1 :ResourceType;
  properties @2 :List(ResourceProperty);   # ascending by key, every key once
}
struct ResourceAltered { resource @0 :UInt64; properties @1 :List(ResourceProperty); }   # all of them

struct CooldownDue {
  # When a rowset may be cooled.
  union {
    ttlSeconds @0 :UInt64;         # after it was written
    datetimeMs @1 :Int64;          # at this moment
  }
}
struct StoragePolicyCreated { name @0 :Text; resource @1 :UInt64; due @2 :CooldownDue; }
struct StoragePolicyAltered { policy @0 :UInt64; resource @1 :UInt64; due @2 :CooldownDue; }
struct StoragePolicySet {
  table     @0 :UInt64;
  partition @1 :UInt64;            # 0: the table, for all partitions without one of their own
  policy    @2 :UInt64;            # 0: none
}

struct CooldownGranted { grants @0 :List(CooldownGrant); }   # all or none come true
struct CooldownGrant {
  # Who may upload a tablet's rowsets.  Logged before the backend learns of it.
  tablet  @0 :UInt64;
  replica @1 :UInt64;              # 0: nobody any more, from this term on
  term    @2 :UInt64;              # one more than that of the tablet's last grant
}
struct CooldownPublished {
  # The remote meta that counts from now on; its id is (term, seq).
  tablet      @0 :UInt64;
  replica     @1 :UInt64;          # the uploader
  term        @2 :UInt64;
  seq         @3 :UInt64;
  resource    @4 :UInt64;
  object      @5 :Text;            # last segment of its key
  crc32c      @6 :UInt32;          # of the object's bytes
  lastVersion @7 :UInt64;
  bytes       @8 :UInt64;          # of all objects it names, itself included
}
struct CooldownDeletionConfirmed {
  # Changes nothing: it proves by a quorum write that who said yes to a deletion was the leader.
  tablet  @0 :UInt64;
  replica @1 :UInt64;
  term    @2 :UInt64;
  seq     @3 :UInt64;
}
struct PartitionsRef {
  # cooldownHurried: every version they have now is due, whatever their policies say.
  # cooldownRecalled: what is remote comes back, and stays until a policy is set again.
  table      @0 :UInt64;
  partitions @1 :List(UInt64);
}

# -- warm-up (spec/jobs.md section A, W5) --

struct WarmupDefinition {
  isTable  @0 :Bool;               # else a cluster
  src      @1 :Text;               # cluster; empty: a job about tables
  dst      @2 :Text;               # cluster
  targets  @3 :List(WarmupTarget);
  force    @4 :Bool;
  sync :union {
    once       @5 :Void;
    intervalMs @6 :UInt64;         # from start to start
    onEvent    @7 :WarmupEvent;
  }
  skips    @8 :Bool;               # on_error: skip, else cancel
  rejects  @9 :Bool;               # when_busy: reject, else queue
}
struct WarmupTarget { table @0 :UInt64; partition @1 :UInt64; }   # partition 0: all
enum WarmupEvent { load @0; query @1; }
struct WarmupLanePlan { backend @0 :UInt64; batches @1 :List(WarmupBatch); }
struct WarmupBatch { tablets @0 :List(UInt64); bytes @1 :UInt64; }

struct WarmupCreated {
  # The job's id is the index of this entry.
  what  @0 :WarmupDefinition;
  lanes @1 :List(WarmupLanePlan);  # ascending by backend; empty if they come with WarmupBegun
}
struct WarmupBegun {
  job @0 :UInt64;
  run @1 :UInt32;                  # round of a periodic job
  plan :union { asCreated @2 :Void; lanes @3 :List(WarmupLanePlan); }
}
struct BatchWarmed {
  job     @0 :UInt64;
  run     @1 :UInt32;
  backend @2 :UInt64;
  batch   @3 :UInt32;
  bytes   @4 :UInt64;              # what of the plan's is in the cache
  failedTablets @5 :UInt64;
  namedTablets  @6 :List(UInt64);  # the first of them
}
struct WarmupEnded {
  job @0 :UInt64;
  run @1 :UInt32;
  how @2 :WarmupState;             # pending: only the round
  err @3 :Text;
  skipped @4 :List(SkippedLane);
}
enum WarmupState { pending @0; running @1; finished @2; cancelled @3; }
struct SkippedLane { backend @0 :UInt64; why @1 :Text; }
