#include "actors/codec/agent_codec.h"
#include <capnp/message.h> // KJ_FAIL_REQUIRE comes with it.

namespace tabletd::codec {

using model::raw;

namespace {

template <class Id>
Id id(std::uint64_t number) {
  return static_cast<Id>(number);
}

unsigned size_of(const auto& list) { return static_cast<unsigned>(list.size()); }

void encode_refs(const std::vector<model::held_ref>& refs, capnp::List<wire::ReplicaRef>::Builder to) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setTablet(raw(refs[i].tablet));
    to[i].setReplica(raw(refs[i].replica));
  }
}

template <class List, class Id>
void encode_ids(const std::vector<Id>& ids, List to) {
  for (unsigned i = 0; i < to.size(); ++i)
    to.set(i, raw(ids[i]));
}

model::clone_order decode_clone(model::log_index fence, wire::CloneTask::Reader from) {
  return {fence,
          id<model::tablet_id>(from.getTablet()),
          id<model::replica_id>(from.getReplica()),
          id<model::path_hash>(from.getPath()),
          from.getVersion(),
          from.getSourceHost().cStr(),
          from.getSourcePort(),
          id<model::replica_id>(from.getSourceReplica())};
}

} // namespace

// -- tasks -------------------------------------------------------------------------------

model::agent_task decode(wire::Task::Reader from) {
  const auto fence = id<model::log_index>(from.getFence());
  const auto tablet = [](auto order) { return id<model::tablet_id>(order.getTablet()); };
  const auto replica = [](auto order) { return id<model::replica_id>(order.getReplica()); };
  switch (from.which()) {
    case wire::Task::CREATE: {
      const auto order = from.getCreate();
      return {fence, model::create_order{tablet(order), replica(order), id<model::path_hash>(order.getPath())}};
    }
    case wire::Task::CLONE:
      return {fence, decode_clone(fence, from.getClone())};
    case wire::Task::DROP:
      return {fence, model::drop_order{tablet(from.getDrop()), replica(from.getDrop())}};
    case wire::Task::VERIFY:
      return {fence, model::verify_order{tablet(from.getVerify()), replica(from.getVerify())}};
    case wire::Task::CANCEL:
      return {fence, model::cancel_order{id<model::log_index>(from.getCancel())}};
    case wire::Task::MOVE: {
      const auto order = from.getMove();
      return {fence, model::move_order{tablet(order), replica(order), id<model::path_hash>(order.getPath())}};
    }
    case wire::Task::UNSET:
      break;
  }
  KJ_FAIL_REQUIRE("Task: a kind of task this version does not know", from.getFence());
}

void encode(const model::agent_task& task, wire::Task::Builder to) {
  to.setFence(raw(task.fence));
  const auto ref = [](const auto& order, auto builder) {
    builder.setTablet(raw(order.tablet));
    builder.setReplica(raw(order.replica));
  };
  std::visit(model::overloaded{
               [&](const model::create_order& order) {
                 auto create = to.initCreate();
                 ref(order, create);
                 create.setPath(raw(order.path));
               },
               [&](const model::clone_order& order) {
                 auto clone = to.initClone();
                 ref(order, clone);
                 clone.setPath(raw(order.path));
                 clone.setVersion(order.version);
                 clone.setSourceHost(order.source_host);
                 clone.setSourcePort(order.source_port);
                 clone.setSourceReplica(raw(order.source_replica));
               },
               [&](const model::drop_order& order) { ref(order, to.initDrop()); },
               [&](const model::verify_order& order) { ref(order, to.initVerify()); },
               [&](const model::cancel_order& order) { to.setCancel(raw(order.clone)); },
               [&](const model::move_order& order) {
                 auto move = to.initMove();
                 ref(order, move);
                 move.setPath(raw(order.path));
               },
             },
             task.what);
}

model::held_replica decode(wire::TabletState::Reader from) {
  return {id<model::tablet_id>(from.getTablet()),
          id<model::replica_id>(from.getReplica()),
          id<model::path_hash>(from.getPath()),
          from.getVersion(),
          from.getMaxVersion(),
          from.getBad(),
          from.getRows(),
          from.getBytes(),
          from.getRowsets()};
}

void encode(const model::held_replica& held, wire::TabletState::Builder to) {
  to.setTablet(raw(held.tablet));
  to.setReplica(raw(held.replica));
  to.setPath(raw(held.path));
  to.setVersion(held.version);
  to.setMaxVersion(held.max_version);
  to.setBad(held.bad);
  to.setRows(held.rows);
  to.setBytes(held.bytes);
  to.setRowsets(held.rowsets);
}

model::task_failed decode(wire::TaskFailure::Reader from) {
  const auto kind = static_cast<model::task_failure>(from.getKind());
  return {kind > model::task_failure::path_unknown ? model::task_failure::unknown : kind,
          from.getMessage().cStr()};
}

void encode(const model::task_failed& failed, wire::TaskFailure::Builder to) {
  to.setKind(static_cast<wire::TaskFailure::Kind>(failed.kind));
  to.setMessage(failed.message);
}

model::task_end decode(wire::TaskEnded::Reader from) {
  model::task_end end;
  end.fence = id<model::log_index>(from.getFence());
  end.tablet = id<model::tablet_id>(from.getTablet());
  end.replica = id<model::replica_id>(from.getReplica());
  if (from.isFailed())
    end.outcome = decode(from.getFailed());
  else
    end.outcome = decode(from.getDone());
  end.copied_bytes = from.getCopiedBytes();
  end.elapsed_ms = from.getElapsedMs();
  end.stamp = from.getStamp();
  return end;
}

void encode(const model::task_end& end, wire::TaskEnded::Builder to) {
  to.setFence(raw(end.fence));
  to.setTablet(raw(end.tablet));
  to.setReplica(raw(end.replica));
  to.setStamp(end.stamp);
  std::visit(model::overloaded{
               [&](const model::held_replica& held) { encode(held, to.initDone()); },
               [&](const model::task_failed& failed) { encode(failed, to.initFailed()); },
             },
             end.outcome);
  to.setCopiedBytes(end.copied_bytes);
  to.setElapsedMs(end.elapsed_ms);
}

sealed<wire::TaskEnded> seal_end(const model::task_end& end) {
  return seal<wire::TaskEnded>([&](auto to) { encode(end, to); });
}

// -- versions ----------------------------------------------------------------------------

model::version_ranges decode(capnp::List<wire::VersionRange>::Reader from) {
  model::version_ranges ranges;
  ranges.reserve(from.size());
  for (const auto range : from)
    ranges.push_back({range.getFirst(), range.getLast()});
  return ranges;
}

void encode(const model::version_ranges& ranges, capnp::List<wire::VersionRange>::Builder to) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setFirst(ranges[i].first);
    to[i].setLast(ranges[i].last);
  }
}

// -- reports -----------------------------------------------------------------------------

model::disk_changed decode(wire::DiskChanges::Reader from) {
  model::disk_changed changes;
  changes.path = id<model::path_hash>(from.getPath());
  for (const auto held : from.getTablets())
    changes.tablets.push_back(decode(held));
  for (const auto ref : from.getGone())
    changes.gone.push_back({id<model::tablet_id>(ref.getTablet()), id<model::replica_id>(ref.getReplica())});
  if (from.getPrepared().isNow()) {
    changes.prepared.emplace();
    for (const auto txn : from.getPrepared().getNow())
      changes.prepared->push_back(id<model::txn_id>(txn));
  }
  return changes;
}

sealed<wire::DiskChanges> seal_changes(const model::disk_changed& changes) {
  return seal<wire::DiskChanges>([&](auto to) {
    to.setPath(raw(changes.path));
    auto tablets = to.initTablets(size_of(changes.tablets));
    for (unsigned i = 0; i < tablets.size(); ++i)
      encode(changes.tablets[i], tablets[i]);
    encode_refs(changes.gone, to.initGone(size_of(changes.gone)));
    if (changes.prepared)
      encode_ids(*changes.prepared, to.getPrepared().initNow(size_of(*changes.prepared)));
  }, 64 + changes.tablets.size() * 9);
}

sealed<wire::TabletReport> seal_report(const model::report_book& book, const model::send_full& what,
                                       std::uint64_t boot) {
  const auto prepared = prepared_txns(book);
  return seal<wire::TabletReport>([&](auto to) {
    to.setBootId(boot);
    to.setStamp(what.stamp);
    to.setFull(true);
    auto tablets = to.initTablets(size_of(book.tablets));
    unsigned i = 0;
    for (const auto& [tablet, held] : book.tablets)
      encode(held, tablets[i++]);
    encode_ids(prepared, to.initPrepared(size_of(prepared)));
  }, 32 + book.tablets.size() * 9 + prepared.size());
}

sealed<wire::TabletReport> seal_report(const model::report_book& book, const model::send_changes& what,
                                       std::uint64_t boot) {
  const auto prepared = prepared_txns(book);
  return seal<wire::TabletReport>([&](auto to) {
    to.setBootId(boot);
    to.setStamp(what.stamp);
    auto tablets = to.initTablets(size_of(what.tablets));
    for (unsigned i = 0; i < tablets.size(); ++i)
      encode(book.tablets.at(what.tablets[i]), tablets[i]);
    encode_refs(what.gone, to.initGone(size_of(what.gone)));
    encode_ids(prepared, to.initPrepared(size_of(prepared)));
  }, 32 + what.tablets.size() * 9 + what.gone.size() * 2 + prepared.size());
}

// -- clones ------------------------------------------------------------------------------

model::clone_event decode(wire::CloneEvent::Reader from) {
  const auto attempt = from.getAttempt();
  switch (from.which()) {
    case wire::CloneEvent::LOOKED: {
      model::clone_looked looked;
      if (from.getLooked().hasHere())
        looked.here = decode(from.getLooked().getHere());
      looked.have = decode(from.getLooked().getHave());
      return looked;
    }
    case wire::CloneEvent::SNAPSHOT:
      return model::clone_snapshot{attempt, from.getSnapshot().getFull(),
                                   decode(from.getSnapshot().getRowsets())};
    case wire::CloneEvent::PROGRESSED:
      return model::clone_progressed{attempt, from.getProgressed()};
    case wire::CloneEvent::COPIED:
      return model::clone_copied{attempt};
    case wire::CloneEvent::LINK_BROKE:
      return model::clone_link_broke{attempt, from.getLinkBroke().cStr()};
    case wire::CloneEvent::FAILED:
      return model::clone_step_failed{attempt, decode(from.getFailed())};
    case wire::CloneEvent::INSTALLED:
      return model::clone_installed{decode(from.getInstalled())};
    case wire::CloneEvent::UNSET:
      break;
  }
  KJ_FAIL_REQUIRE("CloneEvent: an event without content");
}

namespace {

/// What the mover says; the rest of clone_event is the worker's own.
struct event_encoder {
  wire::CloneEvent::Builder to;

  void operator()(const model::clone_looked& e) {
    auto looked = to.initLooked();
    if (e.here)
      encode(*e.here, looked.initHere());
    encode(e.have, looked.initHave(size_of(e.have)));
  }
  void operator()(const model::clone_snapshot& e) {
    to.setAttempt(e.attempt);
    auto snapshot = to.initSnapshot();
    snapshot.setFull(e.full);
    encode(e.rowsets, snapshot.initRowsets(size_of(e.rowsets)));
  }
  void operator()(const model::clone_progressed& e) {
    to.setAttempt(e.attempt);
    to.setProgressed(e.bytes);
  }
  void operator()(const model::clone_copied& e) {
    to.setAttempt(e.attempt);
    to.setCopied();
  }
  void operator()(const model::clone_link_broke& e) {
    to.setAttempt(e.attempt);
    to.setLinkBroke(e.why);
  }
  void operator()(const model::clone_step_failed& e) {
    to.setAttempt(e.attempt);
    encode(e.why, to.initFailed());
  }
  void operator()(const model::clone_installed& e) { encode(e.here, to.initInstalled()); }
  void operator()(const model::clone_retry_due&) { KJ_FAIL_REQUIRE("a retry is no news from the mover"); }
  void operator()(const model::clone_cancelled&) { KJ_FAIL_REQUIRE("a cancel is no news from the mover"); }
};

} // namespace

sealed<wire::CloneEvent> seal_event(const model::clone_event& event) {
  return seal<wire::CloneEvent>([&](auto to) { std::visit(event_encoder{to}, event); });
}

} // namespace tabletd::codec
