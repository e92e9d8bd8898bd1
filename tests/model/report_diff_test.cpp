// One test per rule of report_diff.h.
#include "actors/model/report_diff.h"
#include "tests/model/catalog_world.h"

namespace tabletd::test {
namespace {

struct ReportDiffTest : ::testing::Test {
  catalog_world w;
  backend_id b1 = w.live_backend(1), b2 = w.live_backend(2), b3 = w.live_backend(3),
             b4 = w.live_backend(4);
  database_id db = w.make_database();
  table_id t = w.make_table(db, {b1, b2, b3});
  report_memory memory{
      .options = {.confirm_after = 3s}, .boot = 77, .stamp = 0, .keeper = 1, .folded = 0, .behind = {}};
  time_ms now = 100s;

  static held_replica held(const tablet& at, const replica& r, version v, bool bad = false) {
    return {at.id, r.id, r.path, v, v, bad, 0, 0, 1};
  }
  /// What b1 holds of the table, at `v`.
  held_replica mine(version v, bool bad = false) { return held(w.bucket(t), w.on(t, b1), v, bad); }

  report_findings full(std::vector<held_replica> tablets, std::vector<txn_id> prepared = {},
                       backend_id from = {}) {
    return diff(w.cat, raw(from) == 0 ? b1 : from,
                {77, memory.stamp, true, std::move(tablets), {}, std::move(prepared)}, memory, now);
  }
  report_findings changes(std::vector<held_replica> tablets, std::vector<held_ref> gone = {}) {
    return diff(w.cat, b1, {77, memory.stamp, false, std::move(tablets), std::move(gone), {}},
                memory, now);
  }
  clone_ordered order(backend_id source, backend_id target, replica_id r = {}) {
    return {w.bucket(t).id, 1, 1, w.first_path(source), w.first_path(target), r, w.visible(t)};
  }
  /// b1's replica leaves the catalog; the backend still holds it.
  held_replica forgotten() {
    const auto was = mine(w.visible(t));
    EXPECT_TRUE(w(replica_dropped{was.tablet, was.replica, drop_reason::highest_load}).ok());
    return was;
  }

  static void expect_nothing(const report_findings& f) {
    EXPECT_EQ(f.fate, report_fate::folded);
    EXPECT_TRUE(f.edits.empty());
    EXPECT_TRUE(f.tasks.empty());
    EXPECT_TRUE(f.verdicts.empty());
    EXPECT_FALSE(f.full_wanted);
  }
  template <class Edit>
  static Edit only_edit(const report_findings& f) {
    EXPECT_EQ(f.edits.size(), 1u);
    EXPECT_TRUE(f.tasks.empty());
    return f.edits.size() == 1 && std::holds_alternative<Edit>(f.edits[0])
               ? std::get<Edit>(f.edits[0])
               : Edit{};
  }
  template <class Order>
  static Order only_task(const report_findings& f) {
    EXPECT_EQ(f.tasks.size(), 1u);
    EXPECT_TRUE(f.edits.empty());
    return f.tasks.size() == 1 && std::holds_alternative<Order>(f.tasks[0].what)
               ? std::get<Order>(f.tasks[0].what)
               : Order{};
  }
};

TEST_F(ReportDiffTest, AgreementIsSilence) {
  expect_nothing(full({mine(1)}));
  w.load(t, {b1, b2, b3});
  expect_nothing(full({mine(2)}));
}

// -- which reports count -----------------------------------------------------------------

TEST_F(ReportDiffTest, AReplicaOnAnotherPathIsObservedThere) {
  auto moved = mine(1);
  moved.path = path_hash{11};
  const auto seen = only_edit<replica_observed>(full({moved}));
  EXPECT_EQ(seen, (replica_observed{moved.tablet, moved.replica, 1, false, path_hash{11}}));
  ASSERT_TRUE(w(seen).ok());
  EXPECT_EQ(w.on(t, b1).path, path_hash{11});
  expect_nothing(full({moved}));
}

TEST_F(ReportDiffTest, AReportOfAnotherBootIsIgnored) {
  const auto f = diff(w.cat, b1, {76, 9, true, {}, {}, {}}, memory, now);
  EXPECT_EQ(f.fate, report_fate::other_boot);
  EXPECT_TRUE(f.edits.empty() && f.tasks.empty());
  EXPECT_EQ(memory.stamp, 0u);
}

TEST_F(ReportDiffTest, AReportOlderThanAFinishedCloneIsIgnoredAndAskedAgain) {
  // spec/replica.md 9.2, C2: the clone ended at stamp 5; a report of stamp 4 cannot list it.
  w(order(b2, b4));
  w(clone_ended{w.bucket(t).id, log_index{w.index}, 1, ""});
  w.load(t, {b1, b2, b3, b4}); // Past the empty partition: absence would be loss.
  report_memory b4s = memory;
  note_stamp(b4s, 5);
  const auto stale = diff(w.cat, b4, {77, 4, true, {}, {}, {}}, b4s, now);
  EXPECT_EQ(stale.fate, report_fate::older_than_known);
  EXPECT_TRUE(stale.edits.empty());
  EXPECT_EQ(stale.full_wanted, now);
  const auto current = diff(w.cat, b4, {77, 5, true, {}, {}, {}}, b4s, now);
  EXPECT_EQ(current.edits.size(), 1u) << "the same report, current: it is lost";
}

TEST_F(ReportDiffTest, StampsOnlyGrowUnlessAHeartbeatSaysOtherwise) {
  note_stamp(memory, 9);
  note_stamp(memory, 4);
  EXPECT_EQ(memory.stamp, 9u);
  note_status(memory, {.boot = 76, .stamp = 1, .paths = {}, .tasks_running = 0});
  EXPECT_EQ(memory.stamp, 9u) << "another boot";
  note_status(memory, {.boot = 77, .stamp = 12, .paths = {}, .tasks_running = 0});
  EXPECT_EQ(memory.stamp, 9u) << "its report is still to come";
  note_status(memory, {.boot = 77, .stamp = 7, .paths = {}, .tasks_running = 0});
  EXPECT_EQ(memory.stamp, 7u);
}

TEST_F(ReportDiffTest, ABackendThatTheLogHoldsDeadIsNotBelievedYet) {
  w(backend_died{b1});
  EXPECT_EQ(full({}).fate, report_fate::not_alive);
  EXPECT_EQ(diff(w.cat, backend_id{1}, {77, 0, true, {}, {}, {}}, memory, now).fate,
            report_fate::not_alive);
}

TEST_F(ReportDiffTest, EveryFateHasAName) {
  EXPECT_EQ(name(report_fate::folded), "folded");
  EXPECT_EQ(name(report_fate::other_boot), "other_boot");
  EXPECT_EQ(name(report_fate::older_than_known), "older_than_known");
  EXPECT_EQ(name(report_fate::not_alive), "not_alive");
}

// -- behind and ahead --------------------------------------------------------------------

TEST_F(ReportDiffTest, BehindIsBelievedOnlyWhenALaterReportSaysItAgain) {
  w.load(t, {b1, b2, b3});
  auto first = full({mine(1)});
  EXPECT_TRUE(first.edits.empty());
  EXPECT_EQ(first.full_wanted, now + 3s);
  now += 2s;
  auto soon = full({mine(1)});
  EXPECT_TRUE(soon.edits.empty()) << "it may have been on its way";
  EXPECT_EQ(soon.full_wanted, now + 1s);
  now += 1s;
  EXPECT_EQ(only_edit<replica_observed>(full({mine(1)})),
            (replica_observed{w.bucket(t).id, w.on(t, b1).id, 1, false}));
}

TEST_F(ReportDiffTest, BehindOnlyWhileTheReportWasOnItsWayIsForgotten) {
  w.load(t, {b1, b2, b3});
  full({mine(1)});
  now += 5s;
  expect_nothing(full({mine(2)}));
  EXPECT_TRUE(memory.behind.empty());
}

TEST_F(ReportDiffTest, ASuspicionBeginsAnewWhenItsVersionArrived) {
  w.load(t, {b1, b2, b3});
  full({mine(1)});
  w.load(t, {b1, b2, b3});
  now += 5s;
  const auto f = full({mine(2)}); // What was missing is there; what is missing now is new.
  EXPECT_TRUE(f.edits.empty());
  EXPECT_EQ(f.full_wanted, now + 3s);
}

TEST_F(ReportDiffTest, BehindForWantOfAVerdictIsPublishedNotObserved) {
  w.load(t, {b1, b2, b3});
  const txn_id first{w.cat.find_label(t, "auto-" + std::to_string(w.index - 2))->txn};
  w.load(t, {b1, b2, b3});
  const txn_id second{w.index - 1};
  for (int round = 0; round < 3; ++round, now += 10s) {
    const auto f = full({mine(1)}, {first, second});
    EXPECT_TRUE(f.edits.empty());
    EXPECT_FALSE(f.full_wanted);
    EXPECT_EQ(f.verdicts, (std::vector<txn_verdict>{{first, 2}, {second, 3}}));
  }
  now += 10s;
  full({mine(1)}, {second}); // The first one's rows are gone.
  now += 10s;
  EXPECT_EQ(only_edit<replica_observed>(full({mine(1)}, {second})).version, 1u);
}

TEST_F(ReportDiffTest, AnotherTablesVerdictExplainsNothing) {
  const auto other = w.make_table(db, {b1}, 1, 1, "other");
  w.load(other, {b1});
  const txn_id others{w.index - 1};
  w.load(t, {b1, b2, b3});
  full({mine(1), held(w.bucket(other), w.on(other, b1), 2)}, {others});
  now += 5s;
  EXPECT_EQ(only_edit<replica_observed>(
                full({mine(1), held(w.bucket(other), w.on(other, b1), 2)}, {others}))
                .version,
            1u);
}

TEST_F(ReportDiffTest, AHoleThatTurnsOutFilledIsObserved) {
  w.load(t, {b2, b3});
  expect_nothing(full({mine(1)}));
  EXPECT_EQ(only_edit<replica_observed>(full({mine(2)})),
            (replica_observed{w.bucket(t).id, w.on(t, b1).id, 2, false}));
}

// -- bad ---------------------------------------------------------------------------------

TEST_F(ReportDiffTest, BadIsObservedAtOnce) {
  EXPECT_EQ(only_edit<replica_observed>(full({mine(1, true)})),
            (replica_observed{w.bucket(t).id, w.on(t, b1).id, 1, true}));
  w(replica_observed{w.bucket(t).id, w.on(t, b1).id, 1, true});
  expect_nothing(full({mine(1, true)}));
}

TEST_F(ReportDiffTest, GoodAgainIsLeftToACloneOrADrop) {
  w(replica_observed{w.bucket(t).id, w.on(t, b1).id, 1, true});
  expect_nothing(full({mine(1)}));
}

TEST_F(ReportDiffTest, GoodAgainIsTakenWhenNothingCompleteIsLeft) {
  for (const auto b : {b1, b2, b3})
    w(replica_observed{w.bucket(t).id, w.on(t, b).id, 1, true});
  EXPECT_EQ(only_edit<replica_observed>(full({mine(1)})),
            (replica_observed{w.bucket(t).id, w.on(t, b1).id, 1, false}));
  w(replica_observed{w.bucket(t).id, w.on(t, b2).id, 1, false});
  expect_nothing(full({mine(1)}));
}

// -- lacking -----------------------------------------------------------------------------

TEST_F(ReportDiffTest, AnEmptyPartitionsReplicaIsCreatedAgain) {
  EXPECT_EQ(only_task<create_order>(full({})),
            (create_order{w.bucket(t).id, w.on(t, b1).id, w.on(t, b1).path}));
}

TEST_F(ReportDiffTest, AnEmptyReplicaOnAPathThatIsGoneIsLost) {
  w(w.returned(b1, 8)); // Other disks.
  EXPECT_EQ(only_edit<replica_dropped>(full({})).reason, drop_reason::lost);
}

TEST_F(ReportDiffTest, ALoadedReplicaThatIsLackingIsLost) {
  w.load(t, {b1, b2, b3});
  EXPECT_EQ(only_edit<replica_dropped>(full({})),
            (replica_dropped{w.bucket(t).id, w.on(t, b1).id, drop_reason::lost}));
}

TEST_F(ReportDiffTest, AnIncrementalReportSpeaksOnlyOfWhatItLists) {
  w.load(t, {b1, b2, b3});
  expect_nothing(changes({}));
  expect_nothing(changes({}, {{w.bucket(t).id, replica_id{1}}}));
  EXPECT_EQ(only_edit<replica_dropped>(changes({}, {{w.bucket(t).id, w.on(t, b1).id}})).reason,
            drop_reason::lost);
}

TEST_F(ReportDiffTest, TheLastOneLostIsSaidOnce) {
  const auto single = w.make_table(db, {b4}, 1, 1, "single");
  w.load(single, {b4});
  auto f = full({}, {}, b4);
  EXPECT_TRUE(w(f.edits.at(0)).ok());
  EXPECT_TRUE(w.on(single, b4).bad) << "the fold keeps the last one";
  expect_nothing(full({}, {}, b4));
}

TEST_F(ReportDiffTest, AnotherReplicaIdIsNotTheOneThatIsPlacedHere) {
  w.load(t, {b1, b2, b3});
  auto impostor = mine(2);
  impostor.replica = replica_id{10'002};
  const auto f = full({impostor});
  ASSERT_EQ(f.edits.size(), 1u);
  EXPECT_EQ(std::get<replica_dropped>(f.edits[0]).replica, w.on(t, b1).id);
  ASSERT_EQ(f.tasks.size(), 1u);
  EXPECT_EQ(std::get<drop_order>(f.tasks[0].what),
            (drop_order{w.bucket(t).id, replica_id{10'002}}));
}

// -- clones in flight --------------------------------------------------------------------

TEST_F(ReportDiffTest, ACloneInFlightIsLeftAloneWhateverTheReportSays) {
  w.load(t, {b1, b2, b3});
  const auto old = forgotten();
  const auto fresh = replica_id{w(order(b2, b1)).id};
  expect_nothing(full({}));
  expect_nothing(full({old})); // Neither taken back nor dropped while a copy goes there.
  auto partial = old;
  partial.replica = fresh;
  partial.version = 1;
  expect_nothing(full({partial}));
  w(clone_ended{old.tablet, log_index{w.index}, 2, ""});
  EXPECT_EQ(only_edit<replica_dropped>(full({})).replica, fresh);
}

TEST_F(ReportDiffTest, AnInPlaceCloneIsLeftAloneToo) {
  w.load(t, {b2, b3});
  w(order(b2, b1, w.on(t, b1).id));
  expect_nothing(full({}));
  expect_nothing(full({mine(2)}));
}

// -- what the catalog does not place there -----------------------------------------------

TEST_F(ReportDiffTest, AForgottenReplicaIsReadoptedByATabletInNeed) {
  w.load(t, {b1, b2, b3});
  const auto old = forgotten();
  EXPECT_EQ(only_edit<replica_readopted>(full({old})),
            (replica_readopted{old.tablet, old.replica, {b1, old.path}, 2}));
}

TEST_F(ReportDiffTest, AForgottenReplicaThatIsBehindOrBadIsDropped) {
  w.load(t, {b1, b2, b3});
  auto old = forgotten();
  old.version = 1;
  EXPECT_EQ(only_task<drop_order>(full({old})), (drop_order{old.tablet, old.replica}));
  old.version = 2;
  old.bad = true;
  EXPECT_EQ(only_task<drop_order>(full({old})), (drop_order{old.tablet, old.replica}));
}

TEST_F(ReportDiffTest, ASurplusReplicaIsDroppedByItsOwnId) {
  w.load(t, {b1, b2, b3});
  const auto old = forgotten();
  w(order(b2, b4));
  w(clone_ended{old.tablet, log_index{w.index}, 2, ""});
  const auto f = full({old});
  EXPECT_EQ(only_task<drop_order>(f), (drop_order{old.tablet, old.replica}));
  EXPECT_NE(raw(f.tasks[0].fence) >> 63, 0u) << "no log entry ordered it";
  EXPECT_NE(f.tasks[0].fence, full({old}).tasks[0].fence) << "a fence is not used twice";
}

TEST_F(ReportDiffTest, NoLinkAndNoAgentUsesAnEarlierOnesFence) {
  w.load(t, {b1, b2, b3});
  auto stranger = mine(2);
  stranger.tablet = tablet_id{5'000};
  std::set<log_index> fences;
  for (std::uint64_t agent = 1; agent <= 2; ++agent) {
    memory = {.options = {}, .boot = 77, .stamp = 0, .keeper = agent, .folded = 0, .behind = {}};
    for (int link = 0; link < 3; ++link) {
      attach(memory, 77);
      fences.insert(full({stranger}).tasks.at(0).fence);
    }
  }
  EXPECT_EQ(fences.size(), 6u) << "the backend would answer from memory";
}

TEST_F(ReportDiffTest, TheRemainsOfAnUnrecoverableTabletAreNotDropped) {
  w.load(t, {b1, b2, b3});
  auto old = forgotten();
  old.version = 1;
  for (const auto b : {b2, b3})
    w(replica_observed{old.tablet, w.on(t, b).id, 2, true});
  expect_nothing(full({old}));
}

TEST_F(ReportDiffTest, AReplicaOfADroppedTableIsDropped) {
  const auto old = mine(1);
  w(table_dropped{t});
  EXPECT_EQ(only_task<drop_order>(full({old})), (drop_order{old.tablet, old.replica}));
}

// -- prepared transactions ---------------------------------------------------------------

TEST_F(ReportDiffTest, PreparedTransactionsHearHowTheyEnded) {
  const auto begun = w.begin_load(t, "begun");
  const auto aborted = w.begin_load(t, "aborted");
  w(load_aborted{aborted, ""});
  const auto committed = w.begin_load(t, "committed");
  w(w.commit_of(t, committed, {b1, b2, b3}));
  const auto published = w.begin_load(t, "published");
  w(w.commit_of(t, published, {b1, b2, b3}));
  w(load_published{published});
  const txn_id unknown{999'999};
  const auto f = full({mine(1)}, {begun, aborted, committed, published, unknown});
  EXPECT_EQ(f.verdicts,
            (std::vector<txn_verdict>{{aborted, 0}, {committed, 2}, {published, 3}, {unknown, 0}}));
  EXPECT_TRUE(f.edits.empty());
}

// -- nothing a report causes may cost data -----------------------------------------------

TEST_F(ReportDiffTest, WhateverIsReportedTheLastCompleteCopyStays) {
  // Every subset of backends reports full emptiness, in every order of one round.
  w.load(t, {b1, b2, b3});
  const auto start = w.cat;
  for (const auto& order_of_loss : {std::vector{b1, b2, b3}, {b3, b2, b1}, {b2, b1, b3}}) {
    catalog cat = start;
    std::uint64_t index = raw(cat.applied);
    for (const auto b : order_of_loss) {
      report_memory fresh{.options = {}, .boot = 77, .stamp = 0, .folded = 0, .behind = {}};
      for (const auto& e : diff(cat, b, {77, 0, true, {}, {}, {}}, fresh, now).edits)
        apply(cat, {w.now, e}, log_index{++index});
      ASSERT_EQ(broken_invariant(cat), "");
    }
    ASSERT_EQ(cat.tablets.find(w.bucket(t).id)->replicas.size(), 1u);
    EXPECT_TRUE(cat.tablets.find(w.bucket(t).id)->replicas[0].bad)
        << "what is lost is shown, not forgotten";
  }
}

} // namespace
} // namespace tabletd::test
