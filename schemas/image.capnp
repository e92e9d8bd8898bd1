@0xc94e1b6fd2a38057;
# What a checkpoint image holds: the catalog, section by section.  The container around it
# is persistence/image_file.h.  A section's payload is one packed Section message; its kind
# in the container is the number of the union member.  Large parts are several sections of
# one kind, in ascending order of their ids.  Fields and members are only ever added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

using Edits = import "edits.capnp";

struct Section {
  union {
    unset       @0  :Void;
    cluster     @1  :ImageCluster;              # the first section, once
    backends    @2  :List(ImageBackend);        # before tablets
    databases   @3  :List(ImageDatabase);
    tables      @4  :List(ImageTable);          # before loads
    colocation  @5  :List(ImageColocateGroup);
    tablets     @6  :TabletRows;
    loads       @7  :List(ImageLoad);
    endedLoads  @8  :List(ImageEndedLoads);
    orders      @9  :List(ImageOrder);
    moves       @10 :List(ImageMove);
    decisions   @11 :List(ImageDecision);
    hints       @12 :List(ImageHint);
    config      @13 :List(ImageSetting);
    pauses      @14 :List(ImagePause);
    plans       @15 :List(ImagePlan);
    retention   @16 :List(ImageRetentionMark);
    resources   @17 :List(ImageResource);
    storagePolicies @18 :List(ImageStoragePolicy);
    cooldowns   @19 :List(ImageCooldown);
    tombstones  @20 :List(ImageTombstone);
    warmups     @21 :List(ImageWarmup);
  }
}

struct ImageCluster {
  clusterId   @0  :Data;
  name        @1  :Text;
  term        @2  :UInt64;
  leader      @3  :UInt64;
  termSince   @4  :UInt64;   # log index
  applied     @5  :UInt64;   # log index of the last edit in the image
  nextId      @6  :UInt64;   # the next object's
  layoutAt    @7  :UInt64;   # log index of the last change of the layout
  layoutWhat  @8  :Text;
  tablets     @9  :UInt64;   # how many the image has; a reader that finds others refuses it
  replicas    @10 :UInt64;
  loads       @11 :UInt64;
}

struct ImageBackend {
  id             @0 :UInt64;
  host           @1 :Text;
  port           @2 :UInt16;
  cluster        @3 :Text;
  location       @4 :Text;
  alive          @5 :Bool;
  decommissioned @6 :Bool;
  changedMs      @7 :Int64;
  paths          @8 :List(Edits.PathSeen);
}

struct ImageDatabase { id @0 :UInt64; name @1 :Text; }

struct ImageTable {
  id             @0  :UInt64;
  database       @1  :UInt64;
  name           @2  :Text;
  keyColumn      @3  :UInt32;
  separator      @4  :UInt8;
  replicationNum @5  :UInt32;
  createdMs      @6  :Int64;
  cluster        @7  :Text;
  colocateGroup  @8  :UInt64;
  changed        @9  :UInt64;   # log index
  partitions     @10 :List(ImagePartition);
  storagePolicy  @11 :UInt64;
}
struct ImagePartition {
  id          @0 :UInt64;
  medium      @1 :Edits.WantedMedium;
  indexId     @2 :UInt64;
  name        @3 :Text;
  visible     @4 :UInt64;
  firstTablet @5 :UInt64;
  buckets     @6 :UInt32;
  storagePolicy @7 :UInt64;
  coolThrough @8 :UInt64;        # versions to this one are due at once; 0: none
  recalled    @9 :Bool;
}

struct ImageColocateGroup {
  id             @0 :UInt64;
  database       @1 :UInt64;
  name           @2 :Text;
  replicationNum @3 :UInt32;
  sequence       @4 :List(List(UInt64));   # [bucket]: backends
  tables         @5 :List(UInt64);
}

struct TabletRows {
  # Most of an image is tablets, and most of what a tablet says its neighbour has said: so they are a string of
  # bytes in which numbers take seven bits a byte, lowest first, the top bit saying that another byte follows.
  # "Signed" is a difference n as 2n, or -2n - 1 if it is negative.  Differences are modulo 2^64.
  #
  #   tablet   id, less that of the tablet before (at first 0)
  #            byte: bit 0 table and partition of the tablet before (at first not so)
  #                  bit 1 bucket after that of the tablet before
  #                  bit 2 settled follows; else it is 0
  #                  bits 3..7 replicas; 31: a number follows
  #            [replicas - 31] [table, partition] [bucket] rows bytes [settled]
  #   replica  byte: bit 0 state clone   bit 1 bad   bit 2 set bad
  #                  bit 3 version of the replica before (at first 0)
  #                  bit 4 last failed follows; else it is 0
  #                  bit 5 last success follows; else it is the version
  #            id, signed, less that of the replica before (at first 0)
  #            index into places [version] [last failed] [last success]
  #
  # "Before" reaches over tablets, not over sections.
  count  @0 :UInt32;   # tablets
  places @1 :List(Edits.Place);
  rows   @2 :Data;
}

struct ImageTablet {
  # A tablet of TabletRows in words, as `image dump` prints it; never in a file.
  id        @0 :UInt64;
  table     @1 :UInt64;
  partition @2 :UInt64;
  bucket    @3 :UInt32;
  rows      @4 :UInt64;
  bytes     @5 :UInt64;
  settled   @6 :UInt64;
  replicas  @7 :List(ImageReplica);
}
struct ImageReplica {
  id          @0 :UInt64;
  backend     @1 :UInt64;
  path        @2 :UInt64;
  version     @3 :UInt64;
  lastFailed  @4 :UInt64;
  lastSuccess @5 :UInt64;
  clone       @6 :Bool;
  bad         @7 :Bool;
  setBad      @8 :Bool;
}

struct ImageLoad {
  txn       @0 :UInt64;
  table     @1 :UInt64;
  partition @2 :UInt64;
  label     @3 :Text;
  state     @4 :UInt8;    # model::load_state
  version   @5 :UInt64;
  rows      @6 :UInt64;
  bytes     @7 :UInt64;
  begunMs   @8 :Int64;
  endedMs   @9 :Int64;
}
struct ImageEndedLoads { entry @0 :UInt64; txns @1 :List(UInt64); }

struct ImageOrder {
  order   @0 :UInt64;            # log index
  replica @1 :UInt64;
  atMs    @2 :Int64;
  what    @3 :Edits.CloneOrdered;
}
struct ImageMove { tablet @0 :UInt64; replaces @1 :UInt64; replica @2 :UInt64; fills @3 :UInt32; }

struct ImageDecision {
  entry     @0  :UInt64;
  atMs      @1  :Int64;
  tablet    @2  :UInt64;
  balance   @3  :Bool;
  health    @4  :UInt8;
  priority  @5  :UInt8;
  source    @6  :Edits.Place;
  target    @7  :Edits.Place;
  replica   @8  :UInt64;
  dropped   @9  :Bool;           # else a clone
  reason    @10 :UInt8;          # of a drop: model::drop_reason
  why       @11 :Text;
  endedMs   @12 :Int64;
  reached   @13 :UInt64;
  failure   @14 :Text;
}

struct ImageHint { partition @0 :UInt64; untilMs @1 :Int64; }
struct ImageSetting { key @0 :Text; value @1 :Text; }
struct ImagePause { scope @0 :Text; owner @1 :Text; reason @2 :Text; sinceMs @3 :Int64; untilMs @4 :Int64; }

struct ImagePlan {
  name     @0 :Text;
  kind     @1 :UInt8;            # model::plan_kind
  backend  @2 :UInt64;
  epoch    @3 :UInt64;
  createdMs @4 :Int64;
  state    @5 :UInt8;            # model::plan_state
  applied  @6 :UInt64;
  moves    @7 :List(Edits.SavedMove);
  tables   @8 :List(UInt64);
  outcomes @9 :List(ImageOutcome);
}
struct ImageOutcome { move @0 :UInt32; done @1 :Bool; why @2 :Text; }

struct ImageTombstone {
  # A dropped tablet that may have objects in remote stores.
  tablet    @0 :UInt64;
  droppedMs @1 :Int64;
}

struct ImageRetentionMark {
  frontend @0 :UInt64;           # needs full resync; 0: the disk presses
  why      @1 :Text;
  sinceMs  @2 :Int64;
}

struct ImageResource {
  id         @0 :UInt64;
  name       @1 :Text;
  type       @2 :Edits.ResourceType;
  properties @3 :List(Edits.ResourceProperty);
  version    @4 :UInt64;
}
struct ImageStoragePolicy {
  id       @0 :UInt64;
  name     @1 :Text;
  resource @2 :UInt64;
  due      @3 :Edits.CooldownDue;
  version  @4 :UInt64;
}
struct ImageCooldown {
  tablet    @0 :UInt64;
  uploader  @1 :UInt64;            # replica; 0: nobody
  term      @2 :UInt64;
  published @3 :Edits.CooldownPublished;   # null: nothing is; its tablet and replica are not filled
  recalledTerm @4 :UInt64;         # id of the last publication that left nothing remote; 0.0: there was none
  recalledSeq  @5 :UInt64;
}

struct ImageWarmup {
  id          @0  :UInt64;         # log index that created it
  what        @1  :Edits.WarmupDefinition;
  state       @2  :Edits.WarmupState;
  run         @3  :UInt32;
  createdMs   @4  :Int64;
  startedMs   @5  :Int64;
  finishedMs  @6  :Int64;
  paused      @7  :Bool;
  pausedMs    @8  :Int64;          # since when, if it is
  pausedForMs @9  :Int64;
  err         @10 :Text;
  plan        @11 :List(Edits.WarmupLanePlan);
  lanes       @12 :List(ImageWarmupLane);   # as in the plan
  skipped     @13 :List(Edits.SkippedLane);
}
struct ImageWarmupLane {
  warmed        @0 :UInt32;        # batches
  bytesDone     @1 :UInt64;
  failedTablets @2 :UInt64;
  namedTablets  @3 :List(UInt64);
}
