@0xf4ede9896e4d8d84;
# A cluster on paper: what `tabletctl offline diagnose --json FILE` reads.  The file is JSON whose
# keys are the field names below, and this schema is the format: a key that is not here is an error
# that names it, a missing one has the default shown.  Numbers beyond 2^53 are written as strings.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

struct OfflineCluster {
  backends       @0 :List(OfflineBackend);
  tables         @1 :List(OfflineTable);
  colocateGroups @2 :List(OfflineColocateGroup);
  slotsPerPath   @3 :UInt32 = 2;
  # Copies that may touch one path at a time.
  fit            @4 :OfflineFit;
}

struct OfflineFit {
  # When a path is too full for another replica.  The second pair holds for a tablet that lacks one.

  highWatermark  @0 :Float64 = 0.85;
  minLeftBytes   @1 :UInt64 = 2147483648;
  floodStage     @2 :Float64 = 0.95;
  floodLeftBytes @3 :UInt64 = 1073741824;
}

enum OfflineMedium {
  any @0;
  # Of a partition: wherever.  A path is never of it.
  hdd @1;
  ssd @2;
}

struct OfflineBackend {
  id             @0 :UInt64;
  # Required, and its own.
  host           @1 :Text;
  # Required.  Two backends of one host count as one place for replicas.
  port           @2 :UInt16 = 9060;
  cluster        @3 :Text;
  # Empty: default_cluster.
  location       @4 :Text;
  # "rack:a"; empty: unknown.
  alive          @5 :Bool = true;
  # By the log, which is what repair goes by.
  decommissioned @6 :Bool;
  linked         @7 :Bool = true;
  # The leader has a connection to it now.
  reported       @8 :Bool = true;
  # Its first full report since it linked is in.
  paths          @9 :List(OfflinePath);
  # At least one.
}

struct OfflinePath {
  hash          @0 :UInt64;
  # Required, and its own within the backend.
  root          @1 :Text;
  medium        @2 :OfflineMedium = hdd;
  capacityBytes @3 :UInt64 = 1000000000000;
  usedBytes     @4 :UInt64;
  online        @5 :Bool = true;
}

struct OfflineColocateGroup {
  name    @0 :Text;
  # Required.
  buckets @1 :List(OfflineBackendSet);
  # Where bucket 0, 1, ... of every table of the group belongs.
}
struct OfflineBackendSet {
  backends @0 :List(UInt64);
}

struct OfflineTable {
  name           @0 :Text;
  # Required, and its own.
  replicationNum @1 :UInt32 = 3;
  cluster        @2 :Text;
  # Its replicas belong on backends of it; empty: on any.
  colocateGroup  @3 :Text;
  # Name of one of colocateGroups; empty: none.
  partitions     @4 :List(OfflinePartition);
  # At least one.  All have as many tablets.
}

struct OfflinePartition {
  name           @0 :Text;
  # Empty: the table's name.
  medium         @1 :OfflineMedium;
  visibleVersion @2 :UInt64 = 1;
  hinted         @3 :Bool;
  # ADMIN REPAIR TABLE has asked for it.
  firstTablet    @4 :UInt64;
  # Id of bucket 0; the others follow.  0: chosen.
  tablets        @5 :List(OfflineTablet);
  # By bucket.  At least one.
}

struct OfflineTablet {
  bytes    @0 :UInt64;
  rows     @1 :UInt64;
  replicas @2 :List(OfflineReplica);
  # At least one, at most one per backend.
  copy     @3 :OfflineCopy;
  # A copy that is running: it holds a slot at both ends, and the tablet waits for it.
  move     @4 :OfflineMove;
  # A balance move that is not decided yet.
}

struct OfflineReplica {
  id          @0 :UInt64;
  # 0: chosen.
  backend     @1 :UInt64;
  # Required.
  path        @2 :UInt64;
  # 0: the first path of its backend.
  version     @3 :UInt64;
  # Highest v with 1..v all there.  0: the visible one.
  lastFailed  @4 :UInt64;
  # Latest version it missed; 0: none, or the visible one if it is behind.
  lastSuccess @5 :UInt64;
  # Latest version it holds, above a hole too; 0: its version.
  bad         @6 :Bool;
  # Damaged, says its backend.
  setBad      @7 :Bool;
  # Damaged, says an operator.
}

struct OfflineCopy {
  source     @0 :UInt64;
  # Backend of a complete replica.
  target     @1 :UInt64;
  # Backend of a replica that is being filled, or one without: then a new replica is on its way.
  targetPath @2 :UInt64;
  # Of a new replica; 0: the first path of its backend.
}

struct OfflineMove {
  from @0 :UInt64;
  # Backend of the replica that goes when the other one is complete.
  to   @1 :UInt64;
}
