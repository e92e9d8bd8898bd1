@0xb7e15a3c94d260f8;
# fe <-> fe, on a port of its own.  Internal: no promise of stability between versions.
#
# Not RPC: two streams of messages per pair, because nothing here is a question that waits for an
# answer.  Who dials writes a Greeting, reads the other side's Greeting, and from then on only
# writes Mail; who accepted only reads.  Each side dials the other.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

struct Greeting {
  version @0 :UInt16;           # of this conversation
  cluster @1 :Text;             # its name, as configured
  clusterId @2 :Data;           # 16 bytes; empty: not founded, as far as this node knows
  node @3 :UInt64;
  birth @4 :UInt64;             # of its directory: a new one has another
  isFounded @5 :Bool;           # it has a log
  founders @6 :List(Founder);   # as configured, ascending
  known @7 :List(Acquaintance); # the births it goes by, its own included
  face @8 :Face;
  refusal @9 :Text;             # of the answer: why mail is not taken; empty: it is
  joins @10 :Bool;              # it has no log and wants to be taken into a group that has one
  members @11 :List(Member);    # by the newest change that it knows to be committed, and by one that is not yet; empty: it has no log
  membersIndex @12 :UInt64;     # of the committed one
}
struct Member { node @0 :UInt64; address @1 :Text; voter @2 :Bool; birth @3 :UInt64; wantsVote @4 :Bool; leaves @5 :Bool; }
struct Founder { node @0 :UInt64; address @1 :Text; }
struct Acquaintance { node @0 :UInt64; birth @1 :UInt64; }
struct Face {
  # What clients and SHOW FRONTENDS are told of a front end.
  name @0 :Text; host @1 :Text; rpcPort @2 :UInt16; httpPort @3 :UInt16; version @4 :Text;
  startedMs @5 :Int64;
}

struct Mail {
  # model::message, with the edits the core never sees.
  union {
    unset @0 :Void;
    appendRequest @1 :AppendRequest;
    appendResult @2 :AppendResult;
    voteRequest @3 :VoteRequest;
    voteResult @4 :VoteResult;
    installSnapshot @5 :InstallSnapshot;
    timeoutNow @6 :TimeoutNow;
    checkpoint @9 :CheckpointMail;
    leaderAsked @10 :LeaderRound;
    leaderConfirmed @11 :LeaderRound;
  }
  applied @7 :UInt64;   # what the sender's catalog has folded
  busy @8 :Bool;        # the sender takes no entries just now; when it takes them again it says so with its next word
}
struct AppendRequest {
  term @0 :UInt64; prevIndex @1 :UInt64; prevTerm @2 :UInt64; leaderCommit @3 :UInt64;
  entries @4 :List(Entry);
}
struct Entry {
  term @0 :UInt64;
  type @1 :UInt16;
  payload @2 :Data;   # of a command: a flat Edit; of a change: the membership; else empty
}
struct LeaderRound { term @0 :UInt64; round @1 :UInt64; }
struct AppendResult { term @0 :UInt64; rejected @1 :UInt64; lastIndex @2 :UInt64; }
struct VoteRequest {
  term @0 :UInt64; candidate @1 :UInt64; lastIndex @2 :UInt64; lastTerm @3 :UInt64;
  disruptLeader @4 :Bool; preVote @5 :Bool;
}
struct VoteResult { term @0 :UInt64; granted @1 :Bool; preVote @2 :Bool; }
struct InstallSnapshot {
  term @0 :UInt64; lastIndex @1 :UInt64; lastTerm @2 :UInt64;
  membershipIndex @3 :UInt64;
  membership @4 :Data;
  image @5 :ImageDescriptor;
}
struct ImageDescriptor { id @0 :UInt64; bytes @1 :UInt64; crc32c @2 :UInt32; }
struct TimeoutNow { term @0 :UInt64; lastIndex @1 :UInt64; lastTerm @2 :UInt64; }

struct CheckpointMail {
  # model::checkpoint_word; who sent it the link knows.
  union {
    unset @0 :Void;
    factsAsked @1 :FactsAsked;
    factsTold @2 :FactsTold;
    attemptOrdered @3 :Attempt;
    attemptPolled @4 :Attempt;
    attemptCancelled @5 :Attempt;
    attemptAnswered @6 :AttemptAnswer;
    chunkAsked @7 :Chunk;      # without bytes
    chunkGiven @8 :Chunk;      # without bytes: there is no such image (any more)
    imageOffered @9 :ImageOffer;
    imageProgressed @10 :Void;
    imageAcked @11 :ImageAck;
    imageRefused @12 :UInt64;  # its id
    deletionOrdered @13 :Deletion;
  }
}
struct FactsAsked { epoch @0 :UInt64; beat @1 :UInt64; }
struct FactsTold {
  epoch @0 :UInt64; beat @1 :UInt64; boot @2 :UInt64; memoryPercent @3 :UInt32; applied @4 :UInt64; deleted @5 :UInt64;
  images @6 :List(ImageDescriptor);   # newest first
}
struct Attempt { epoch @0 :UInt64; attempt @1 :UInt32; journalId @2 :UInt64; }
struct AttemptAnswer {
  attempt @0 :Attempt;
  boot @1 :UInt64;
  union {
    accepted @2 :Void;
    refused @3 :UInt8;         # model::attempt_refusal
    running @4 :Progress;
    done @5 :ImageDescriptor;
    failed @6 :Failure;
    unknown @7 :Void;
  }
  struct Progress { replayed @0 :UInt64; bytesWritten @1 :UInt64; }
  struct Failure { kind @0 :UInt8; why @1 :Text; }   # model::attempt_failure
}
struct Chunk { image @0 :ImageDescriptor; offset @1 :UInt64; bytes @2 :Data; }
struct ImageOffer { epoch @0 :UInt64; image @1 :ImageDescriptor; resync @2 :Bool; }
struct ImageAck { boot @0 :UInt64; image @1 :ImageDescriptor; }
struct Deletion { epoch @0 :UInt64; upto @1 :UInt64; pressed @2 :Bool; }
