@0xe3d1a5c9b70f4c21;
# The public console API of tabletd.  Fields and methods are only added, ordinals are
# never reused, every enum starts with "unknown".  Errors are data; exceptions mean
# that the transport failed.  No method streams (`-> stream`): not every binding can
# generate it, so flow control is a bounded number of open calls (windowCalls).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::api");

const apiVersion :UInt32 = 1;
# Raised when a client could notice a change of meaning.

const windowCalls :UInt32 = 8;
# How many Upload.write / Download.read calls a client may keep open.

struct ServerInfo {
  apiVersion @0 :UInt32;
  minApiVersion @1 :UInt32;
  version @2 :Text;
  clusterName @3 :Text;
  clusterId @4 :Data;
  nodeId @5 :UInt64;
  role @6 :Role;
  leader @7 :Text;         # "host:port" of its console, empty when none is known
  features @8 :List(Text);
  consoles @9 :List(Text);
  # "host:port" of the console of every front end of the group, this one included, so that a
  # client that was given one address knows the others.  Empty: a group of one.
}
enum Role { unknown @0; fe @1; be @2; }

# ---- bootstrap: all that an unauthenticated peer holds -------------------------------
interface Gateway {
  info  @0 () -> (info :ServerInfo);
  login @1 (request :LoginRequest) -> (outcome :LoginOutcome);
}
struct LoginRequest {
  apiVersion @0 :UInt32;
  client @1 :Text;         # "tabletctl/0.1.0"
  method :union {
    unset @2 :Void;
    peerCredentials @3 :Void;
    # The connection itself is the proof: a Unix socket, or loopback TCP.
    token @4 :Data;
  }
  forwarded @5 :Bool;
  # A front end that does not lead passes somebody's session on.  Whoever is asked so and does
  # not lead either refuses: two that each take the other for the leader would go on for ever.
}
struct LoginOutcome {
  union { unset @0 :Void; error @1 :Error; granted @2 :Grant; }
}
struct Grant {
  user @0 :Text;
  viewer @1 :Viewer;       # never null
  operator @2 :Operator;   # null unless the user may change state
  admin @3 :Admin;         # null unless the user may change nodes
}

# ---- capabilities by authority -------------------------------------------------------
interface Viewer {
  open   @0 (options :SessionOptions) -> (session :Session);
  # A Viewer's session refuses statements that change state: it holds no writer.
  health @1 () -> (health :ClusterHealth);
}
interface Operator extends(Viewer) {}
interface Admin extends(Operator) {}

struct SessionOptions { database @0 :Text; statementTimeoutMs @1 :UInt64; }

interface Session {
  # Belongs to the leader, also when a follower was asked for it, and ends with its term.
  execute  @0 (text :Text, requestId :Data) -> (execution :Execution);
  # One statement, without the closing semicolon.  Returns at once: pipeline on it.
  # requestId: empty, or at most 32 bytes that no other request has.  A LOAD without a LABEL that
  # is sent again under the same one is not loaded twice.
  complete @1 (text :Text, cursor :UInt32) -> (candidates :List(Candidate), replaceFrom :UInt32);
  run @2 (text :Text, requestId :Data) -> (result :Result);
  # execute and result in one call, for who will not cancel: a third of the messages.
}
struct Candidate { text @0 :Text; kind @1 :Text; help @2 :Text; }

interface Execution {
  # Dropping the capability does not cancel the statement: what has been proposed may become true.
  result @0 () -> (result :Result);
  cancel @1 () -> ();
}
struct Result {
  statement @0 :Text;      # its kind: "show_backends", "load", ...
  elapsedMs @1 :Float64;
  warnings @2 :List(Error);
  union {
    unset @3 :Void;
    error @4 :Error;
    done @5 :Done;
    rows @6 :RowSet;
    upload @7 :UploadOffer;
    download @8 :DownloadOffer;
  }
}
struct Done { message @0 :Text; affected @1 :UInt64; }
struct RowSet { columns @0 :List(Column); rows @1 :List(Row); }
struct Column { name @0 :Text; type @1 :ValueType; hint @2 :Text; }
# hint: "bytes", "duration", "state" or empty; helps printers only.
enum ValueType { unknown @0; bool @1; int64 @2; uint64 @3; float64 @4; text @5; timestampMs @6; }
struct Row { values @0 :List(Value); }
struct Value {
  union {
    null @0 :Void; bool @1 :Bool; int64 @2 :Int64; uint64 @3 :UInt64;
    float64 @4 :Float64; text @5 :Text; timestampMs @6 :Int64;
  }
}

# ---- files in and out ----------------------------------------------------------------
struct UploadOffer {
  path @0 :Text;           # the path of the statement; a client opens no other
  upload @1 :Upload;
}
interface Upload {
  # Chunks in order.  A chunk need not end at a line end.
  write  @0 (offset :UInt64, chunk :Data) -> (outcome :Outcome);
  finish @1 () -> (result :Result);        # commits; done or error
  # Dropping it before finish rolls the load back.
}
struct DownloadOffer {
  path @0 :Text;
  download @1 :Download;
  rows @2 :UInt64;         # what the snapshot holds, for the progress bar
  bytes @3 :UInt64;
}
interface Download {
  read @0 () -> (chunk :Data, rows :UInt64, end :Bool, error :Error);
  # Chunks in order, whole lines; error.code = unspecified means none.
}

# ---- errors --------------------------------------------------------------------------
struct Outcome { union { ok @0 :Void; error @1 :Error; } }
struct Error {
  code @0 :ErrorCode;
  message @1 :Text;
  hint @2 :Text;
  position :group { line @3 :UInt32; column @4 :UInt32; offset @5 :UInt32; length @6 :UInt32; }
  # 1-based line and column, bytes for offset and length; line 0: none.
  expected @7 :List(Text);
  leader @8 :Text;
  retryAfterMs @9 :UInt32; # > 0: the same may go well after that time.
  outcomeUnknown @10 :Bool;
  # Whoever carried the statement out is gone: it may have taken effect, or may still.
}
enum ErrorCode {
  unspecified @0; syntax @1; notFound @2; alreadyExists @3; invalidArgument @4; failedPrecondition @5;
  conflict @6; notLeader @7; unavailable @8; timeout @9; cancelled @10; unauthenticated @11;
  permissionDenied @12; resourceExhausted @13; unsupported @14; internal @15; dataLoss @16;
}

struct ClusterHealth {
  state @0 :HealthState;
  reasons @1 :List(Text);
  tablets @2 :UInt64; unhealthy @3 :UInt64; unrecoverable @4 :UInt64;
  backendsAlive @5 :UInt32; backends @6 :UInt32;
  leader @7 :Text; revision @8 :UInt64;
}
enum HealthState { unknown @0; green @1; yellow @2; red @3; }
