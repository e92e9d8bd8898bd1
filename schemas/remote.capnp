@0xd1e7b03c5a9f2846;
# What lies in a remote store besides segment files: the list of a tablet's remote rowsets, as its uploader
# publishes it (spec/jobs.md B6, U5).  Read by later versions, so fields are only ever added.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tabletd::wire");

struct RemoteMeta {
  tablet   @0 :UInt64;
  uploader @1 :UInt64;      # replica id
  term     @2 :UInt64;      # its id is (term, seq)
  seq      @3 :UInt64;
  resource @4 :UInt64;
  rowsets  @5 :List(RemoteRowset);   # from version 2 on, without a gap
}
struct RemoteRowset {
  object @0 :Text;          # last segment of its key; empty: no rows
  txn    @1 :UInt64;        # 0: several
  first  @2 :UInt64;
  last   @3 :UInt64;
  rows   @4 :UInt64;
  bytes  @5 :UInt64;
  blocks @6 :UInt32;
}
