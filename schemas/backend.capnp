@0xc2f4a81b6d935e07;
# fe <-> be and be <-> be.  Internal: no promise of stability between versions.
#
# The leader dials every backend and bootstraps BackendGateway.  `attach` proves who
# it is (cluster, backend id, term); what comes back is the only way to give orders.
# The same connection carries reports back through ReportSink, so both sides see the
# link die at the same moment and there is no second address to configure.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

interface BackendGateway {
  attach @0 (hello :Hello, sink :ReportSink) -> (outcome :AttachOutcome);
  peer   @1 (clusterId :Data) -> (outcome :PeerOutcome);
  # For another backend (clone source).  Refused when the cluster differs.
}

struct Hello {
  clusterId @0 :Data;      # 16 bytes
  backend   @1 :UInt64;    # who the catalog says you are
  term      @2 :UInt64;    # the leader's; a lower one than already seen is refused
  leader    @3 :UInt64;    # fe node id, for the log line
}
struct AttachOutcome {
  union {
    refused  @0 :Text;     # why, and what to do: wrong cluster, other backend id, stale term
    accepted @1 :Attached;
  }
}
struct Attached {
  service  @0 :BackendService;   # dies when a later attach of the same or a higher term arrives
  bootId   @1 :UInt64;           # random per process start
  startedMs @2 :Int64;
  httpPort @3 :UInt16;
  version  @4 :Text;
  paths    @5 :List(PathStatus);
}
struct PathStatus {
  hash @0 :UInt64; root @1 :Text; ssd @2 :Bool;
  capacityBytes @3 :UInt64; dataBytes @4 :UInt64; availableBytes @5 :UInt64;
  online @6 :Bool;               # false after an IO error: takes no new replicas
  error  @7 :Text;
  tablets @8 :UInt64;
}

interface BackendService {
  heartbeat @0 (term :UInt64, seq :UInt64) -> (status :BackendStatus);
  submit    @1 (term :UInt64, tasks :List(Task)) -> ();
  # Fire and forget: outcomes arrive as TaskEnded.  A task seen twice (same fence) is
  # answered from memory or done again to the same effect.
  publish   @2 (term :UInt64, txns :List(TxnVerdict)) -> (failed :List(TabletFailure));
  # Makes prepared rowsets visible (commit) or deletes them (abort).  Idempotent.
  report    @3 (term :UInt64) -> ();        # ask for a full report now
  openLoad  @4 (term :UInt64, txn :UInt64, tablets :List(LoadTarget)) -> (writer :LoadWriter);
  openScan  @5 (tablet :UInt64, replica :UInt64, version :UInt64, fromVersion :UInt64, fromBlock :UInt32, partition :UInt64, fromFirst :UInt64) -> (outcome :ScanOutcome);
  # `partition` is for the heat of what is read through the cache; 0: not counted.  With fromBlock > 0 it goes on in the
  # rowset fromFirst..fromVersion, and is refused where that is none; fromFirst 0: not known.
  cooldown  @6 (term :UInt64, orders :CooldownOrders) -> ();
  # What a replica does not know yet.  Lost ones come again: a report says what is known.
  warmUp    @7 (request :WarmupRequest) -> (reply :WarmupReply);
  cacheState @8 (partitions :UInt32) -> (state :CacheState);
  # With so many of the hottest partitions.
  pushWarm  @9 (term :UInt64, sources :WarmupSources) -> (result :WarmupDone);
  # Answered when it is done, after the batch in hand; what is warm already is found so.
  verifyWarm @10 (sources :WarmupSources) -> (share :CacheShare);
  # Re-reads every cached block of these; what is damaged is dropped.
  openRemoteScan @11 (sources :WarmupSources, version :UInt64, fromVersion :UInt64, fromBlock :UInt32, fromFirst :UInt64) -> (outcome :ScanOutcome);
  # Of the one tablet in `sources`, by its published meta alone: no replica has to be here.  `version` is not greater
  # than the meta's last one.
}
struct BackendStatus { bootId @0 :UInt64; stamp @1 :UInt64; paths @2 :List(PathStatus); tasksRunning @3 :UInt32; }

# ---- tasks ---------------------------------------------------------------------------
struct Task {
  fence @0 :UInt64;        # log index of the order
  # Top bit set: no log entry ordered it, the leader corrects what a report said; never seen twice.
  union {
    unset  @1 :Void;
    create @2 :CreateReplica;
    clone  @3 :CloneTask;
    drop   @4 :DropReplica;
    verify @5 :ReplicaRef;   # re-read every checksum
    cancel @6 :UInt64;       # fence of the clone or move to give up
    move   @7 :MoveReplica;
  }
}
struct ReplicaRef { tablet @0 :UInt64; replica @1 :UInt64; }
struct CreateReplica { tablet @0 :UInt64; replica @1 :UInt64; path @2 :UInt64; }
struct DropReplica {
  tablet @0 :UInt64;
  replica @1 :UInt64;
  # Compare and drop: a backend that holds another replica id of this tablet answers `stale`.
}
struct MoveReplica {
  tablet @0 :UInt64;
  replica @1 :UInt64;
  path @2 :UInt64;         # hash of the path of the same backend that shall hold it
}
struct CloneTask {
  tablet @0 :UInt64;
  replica @1 :UInt64;      # id the copy must carry
  path @2 :UInt64;         # destination path hash; 0: where the replica already is
  version @3 :UInt64;      # reach at least this
  sourceHost @4 :Text;
  sourcePort @5 :UInt16;
  sourceReplica @6 :UInt64;
}

interface ReportSink {
  tablets @0 (report :TabletReport) -> ();
  tasks   @1 (ended :List(TaskEnded)) -> ();
  cooldown @2 (reports :List(CooldownReport)) -> (acknowledged :List(CooldownAck));
  # Answered when a quorum has confirmed, later than the call came, that the callee leads.  A report
  # that has no acknowledgement in the answer is not acknowledged.
  publishMeta @3 (asked :PublicationAsked) -> (verdict :PublicationVerdict);
  confirmDeletion @4 (asked :DeletionAsked) -> (confirmed :Bool, why :Text);
  # Both are answered when the log says so, and fail when this link does: then nobody knows.
}
struct TaskEnded {
  fence @0 :UInt64;
  tablet @1 :UInt64;
  replica @2 :UInt64;
  stamp @3 :UInt64;        # the backend's tablet-set version when it ended
  union {
    done   @4 :TabletState;
    failed @5 :TaskFailure;
  }
  copiedBytes @6 :UInt64;
  elapsedMs @7 :UInt64;
}
struct TaskFailure {
  kind @0 :Kind; message @1 :Text;
  enum Kind { unknown @0; sourceGone @1; sourceCorrupt @2; diskFull @3; io @4; stale @5; cancelled @6; unreachable @7; pathUnknown @8; }
}
struct TabletReport {
  bootId @0 :UInt64;
  stamp  @1 :UInt64;       # grows with every change of the tablet set; an older report is dropped
  full   @2 :Bool;         # true: what is not listed is not here
  tablets @3 :List(TabletState);
  gone    @4 :List(ReplicaRef);       # incremental only
  prepared @5 :List(UInt64);          # txns with rowsets that wait for a verdict
}
struct TabletState {
  tablet @0 :UInt64; replica @1 :UInt64; path @2 :UInt64;
  version @3 :UInt64;      # highest v with 1..v all present
  maxVersion @4 :UInt64;   # > version: there is a hole
  bad @5 :Bool;
  rows @6 :UInt64; bytes @7 :UInt64; rowsets @8 :UInt32;
}

# ---- cooldown (spec/jobs.md section B; actors/model/cooldown_types.h has the words) ---------
struct RemoteMetaId { term @0 :UInt64; seq @1 :UInt64; }
struct PublishedMeta {
  id @0 :RemoteMetaId;
  resource @1 :UInt64;
  object @2 :Text;         # last segment of its key
  crc32c @3 :UInt32;
  lastVersion @4 :UInt64;
  bytes @5 :UInt64;
}
struct CooldownConf {
  uploader @0 :UInt64;     # replica id; 0: nobody
  term @1 :UInt64;
  published :union { none @2 :Void; meta @3 :PublishedMeta; }
  recalled @4 :RemoteMetaId;  # id of the last publication that left nothing remote; 0.0: there was none
}
struct RemoteResource {
  id @0 :UInt64;
  isS3 @1 :Bool;           # else a directory
  properties @2 :List(Property);
  version @3 :UInt64;      # grows with every ALTER: a lower one is an older word
  struct Property { key @0 :Text; value @1 :Text; }
}
struct CooldownOrders {
  resources @0 :List(RemoteResource);   # all of the catalog: cleanups look into each; a known one may have changed
  tablets   @1 :List(CooldownOrder);
  leaseMs   @2 :UInt64;                 # T_be of U1
}
struct CooldownOrder {
  tablet  @0 :UInt64;
  replica @1 :UInt64;
  conf    @2 :CooldownConf;
  resource @3 :UInt64;     # the policy's; 0: no policy, nothing is uploaded
  rule :union { never @4 :Void; ttlMs @5 :UInt64; datetimeMs @6 :Int64; }
  coolThrough @7 :UInt64;  # versions to this one are due whatever the rule says; 0: none
  recall   @8 :Bool;       # what is remote comes back, and nothing is uploaded
}
struct CooldownReport {
  tablet  @0 :UInt64;
  replica @1 :UInt64;
  report  @2 :UInt64;      # its own number for it
  term    @3 :UInt64;      # of the conf it has; 0: none
  published @4 :RemoteMetaId;   # of that conf
  id      @5 :RemoteMetaId;     # of its own set
  remoteLast @6 :UInt64;
  phase   @7 :UInt8;       # model::cooldown_phase
  why     @8 :Text;
}
struct CooldownAck { tablet @0 :UInt64; replica @1 :UInt64; report @2 :UInt64; term @3 :UInt64; }
struct PublicationAsked { tablet @0 :UInt64; replica @1 :UInt64; term @2 :UInt64; meta @3 :PublishedMeta; }
enum PublicationVerdict { accepted @0; notUploader @1; notGreater @2; termUnknown @3; }
struct DeletionAsked { tablet @0 :UInt64; replica @1 :UInt64; term @2 :UInt64; id @3 :RemoteMetaId; }

# ---- warm-up and reading without a replica (spec/jobs.md section A) --------------------
struct WarmupSources {
  resources @0 :List(RemoteResource);   # those that the tablets' metas name
  tablets   @1 :List(WarmupTablet);
}
struct WarmupTablet {
  tablet    @0 :UInt64;
  partition @1 :UInt64;
  meta      @2 :PublishedMeta;          # resource 0: nothing of it is remote (any more)
}
struct WarmupRequest {
  # The rules are those of A7.3 (W3); actors/model/warmup_orders.h has the words.
  epoch @0 :UInt64;
  job   @1 :UInt64;
  run   @2 :UInt32;
  what :union {
    get      @3 :Void;
    setJob   @4 :UInt32;                # batches below it are in the log
    setBatch @5 :WarmupBatchSet;
    clear    @6 :Void;
  }
  waitMs @7 :UInt32;
  # A get is answered when the batch in hand ends, or after so long; 0: at once.
}
struct WarmupBatchSet {
  batch   @0 :UInt32;
  sources @1 :WarmupSources;
  forced  @2 :Bool;                     # may take room from what reads have brought
}
struct WarmupReply {
  verdict   @0 :UInt8;                  # model::slot_verdict
  boot      @1 :UInt64;
  epochSeen @2 :UInt64;
  job       @3 :UInt64;                 # 0: the slot is free
  run       @4 :UInt32;
  cur       @5 :Int64;
  done      @6 :Int64;
  running   @7 :Bool;
  bytesDone @8 :UInt64;
  failedTablets @9 :UInt64;
  namedTablets  @10 :List(UInt64);
}
struct WarmupDone {
  bytesDone     @0 :UInt64;             # of the tablets' objects, in the cache now
  failedTablets @1 :UInt64;
  namedTablets  @2 :List(UInt64);
  why           @3 :Text;               # of the first failure
}
struct CacheShare { soundBytes @0 :UInt64; damagedBytes @1 :UInt64; missingBytes @2 :UInt64; }
struct CacheState {
  boot          @0 :UInt64;
  capacityBytes @1 :UInt64;             # 0: it has no cache
  usedBytes     @2 :UInt64;
  hottest       @3 :List(PartitionHeat);  # hottest first
}
struct PartitionHeat { partition @0 :UInt64; bytes @1 :UInt64; }  # bytes halve every six hours

# ---- load ----------------------------------------------------------------------------
struct LoadTarget { tablet @0 :UInt64; replica @1 :UInt64; }
struct TxnVerdict {
  txn @0 :UInt64;
  version @1 :UInt64;      # 0: aborted, delete
  tablets @2 :List(UInt64);# empty: all of this txn here
}
struct TabletFailure { tablet @0 :UInt64; txn @1 :UInt64; message @2 :Text; }
interface LoadWriter {
  # Dropping it before `prepare` answered deletes what was written.
  write @0 (tablet :UInt64, rows :UInt32, block :Data, checksum :UInt64) -> ();
  # checksum: xxh3-64 of block.  The caller keeps a bounded number of calls open.
  # A tablet that failed is remembered and reported by `prepare`; writes to it are ignored.
  prepare @1 (tablets :List(TabletExpected)) -> (failed :List(TabletFailure));
  # fsyncs and records one prepared rowset per listed tablet, rows = 0 included.
}
struct TabletExpected { tablet @0 :UInt64; rows @1 :UInt64; bytes @2 :UInt64; }

# ---- scan (export) -------------------------------------------------------------------
struct ScanOutcome { union { failed @0 :Text; scan @1 :Scan; } }
interface Scan {
  next @0 () -> (block :ScanBlock);
  # Blocks in (version, position) order.  Up to 4 calls may be open; answers keep their order.
}
struct ScanBlock { version @0 :UInt64; block @1 :UInt32; rows @2 :UInt32; data @3 :Data; checksum @4 :UInt64; end @5 :Bool; error @6 :Text; firstVersion @7 :UInt64; }
# Of rowset firstVersion..version.

# ---- clone (be <-> be) ---------------------------------------------------------------
struct PeerOutcome { union { refused @0 :Text; peer @1 :BackendPeer; } }
interface BackendPeer {
  snapshot @0 (tablet :UInt64, replica :UInt64, have :List(VersionRange), version :UInt64) -> (outcome :SnapshotOutcome);
  # What the source would send to a replica that has `have`.  Incremental if every missing
  # version exists as a rowset of its own and on the source's disk, else full.
}
struct VersionRange { first @0 :UInt64; last @1 :UInt64; }
struct SnapshotOutcome {
  union { failed @0 :TaskFailure; snapshot @1 :Snapshot; }
}
struct Snapshot {
  full @0 :Bool;
  rowsets @1 :List(RowsetManifest);
  pin @2 :SnapshotPin;     # holds the files; dropping it lets them go
  remote @3 :RemoteSet;    # what the remote ones among `rowsets` are; full only
}
# Names a replica's exact set of remote rowsets (spec/jobs.md I1).
struct RemoteSet { term @0 :UInt64; seq @1 :UInt64; resource @2 :UInt64; }
struct RowsetManifest {
  id @0 :UInt64;           # source-local rowset id, for `read`
  version @1 :VersionRange;
  rows @2 :UInt64; bytes @3 :UInt64;
  blocks @4 :UInt32;       # 0: empty rowset, no file
  footer @5 :Data;         # the file's footer, checksummed; the copy must end with exactly this
  txn @6 :UInt64;
  isRemote @7 :Bool;       # lies in the remote store: nothing to read, no footer
  object @8 :Text;         # under this name; empty: no rows
  writtenMs @9 :Int64;     # when its rows were loaded; 0: unknown
}
interface SnapshotPin {
  read @0 (rowset :UInt64, block :UInt32) -> (data :Data, checksum :UInt64, error :Text);
  # One block of the segment file, verified against the footer before it is sent.
}
