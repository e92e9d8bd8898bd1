// Edits to bytes and back.  The golden files are the promise that a log written today folds
// for ever: they are written once (TABLETD_WRITE_GOLDEN=1) and then only ever read.  When an
// edit gains a field its old file becomes <edit>.v<n>, which is only decoded.
#include "actors/codec/edit_codec.h"
#include "actors/codec/backend_codec.h"
#include <capnp/message.h>
#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

namespace tabletd {
namespace {

using namespace model;

struct sample {
  std::string file;
  edit what;
};

edit at(std::int64_t ms, edit_body body) { return {time_ms{ms}, std::move(body)}; }

const place p1{backend_id{10'001}, path_hash{0xdead'beef}}, p2{backend_id{10'002}, path_hash{7}},
    p3{backend_id{10'003}, path_hash{8}};

/// As they were written before they gained fields.
std::vector<sample> old_samples() {
  return {
      {"backend_added.v1", at(3, backend_added{"be1.example", 9060})},
      {"table_created.v1",
       at(10, table_created{database_id{10'004}, "orders", 2, '\x01', 3, {{p1, p2, p3}, {p2, p3}}})},
      {"table_created.v2",
       at(10,
          table_created{database_id{10'004}, "orders", 2, '\x01', 3, {{p1, p2, p3}, {p2, p3}},
                        {{"p1", medium::ssd, {{p1}}, {}}, {"p2", std::nullopt, {{p2, p3}}, {}}}, "west", "by_customer"})},
      {"partition_added.v1", at(23, partition_added{table_id{10'005}, {"p3", medium::hdd, {{p1, p2}, {p2, p3}}, {}}})},
      {"load_begun.v1", at(12, load_begun{table_id{10'005}, "2024-06-01"})},
      {"clone_ordered.v1", at(16, clone_ordered{tablet_id{10'008}, 2, 3, p1, p2, replica_id{10'011}, 9})},
      {"replica_dropped.v1",
       at(19, replica_dropped{tablet_id{10'008}, replica_id{10'011}, drop_reason::table_dropped})},
      {"replica_observed.v1", at(20, replica_observed{tablet_id{10'008}, replica_id{10'011}, 8, true})},
  };
}

/// At least one of every kind, with every field set to something that is not its default.
std::vector<sample> samples() {
  cluster_uuid uuid{};
  for (std::size_t i = 0; i < uuid.size(); ++i)
    uuid[i] = static_cast<std::uint8_t>(0xa0 + i);
  return {
      {"cluster_founded", at(1'700'000'000'001, cluster_founded{uuid, "blau"})},
      {"term_began", at(2, term_began{3, 2})},
      {"backend_added", at(3, backend_added{"be1.example", 9060, "west", "rack:a"})},
      {"backend_dropped", at(4, backend_dropped{backend_id{10'001}})},
      {"backend_decommission", at(5, backend_decommission{backend_id{10'001}, true})},
      {"backend_died", at(6, backend_died{backend_id{10'001}})},
      {"backend_returned", at(7, backend_returned{backend_id{10'001},
                                                  {{path_hash{0xfeed}, "/disk1", medium::ssd},
                                                   {path_hash{2}, "/disk2", medium::hdd}}})},
      {"database_created", at(8, database_created{"shop"})},
      {"database_dropped", at(9, database_dropped{database_id{10'004}})},
      {"table_created",
       at(10,
          table_created{database_id{10'004}, "orders", 2, '\x01', 3, {{p1, p2, p3}, {p2, p3}},
                        {{"p1", medium::ssd, {{p1}}, storage_policy_id{10'031}}, {"p2", std::nullopt, {{p2, p3}}, {}}}, "west",
                        "by_customer", storage_policy_id{10'030}})},
      {"table_dropped", at(11, table_dropped{table_id{10'005}})},
      {"load_begun", at(12, load_begun{table_id{10'005}, "2024-06-01", partition_id{10'006}})},
      {"load_committed",
       at(13, load_committed{txn_id{77},
                             {{tablet_id{10'008}, 5, 600, {replica_id{10'010}, replica_id{10'011}}},
                              {tablet_id{10'009}, 0, 0, {replica_id{10'013}}}}})},
      {"load_aborted", at(14, load_aborted{txn_id{78}, "client left"})},
      {"load_published", at(15, load_published{txn_id{77}})},
      {"clone_ordered",
       at(16, clone_ordered{tablet_id{10'008}, 2, 3, p1, p2, replica_id{10'011}, 9, order_purpose::balance,
                            replica_id{10'012}, "less loaded"})},
      {"clone_ended_done", at(17, clone_ended{tablet_id{10'008}, log_index{80}, 9, ""})},
      {"clone_ended_failed", at(18, clone_ended{tablet_id{10'008}, log_index{80}, 0, "disk full"})},
      {"replica_dropped",
       at(19, replica_dropped{tablet_id{10'008}, replica_id{10'011}, drop_reason::not_in_group, 10, 3, "elsewhere"})},
      {"replica_observed",
       at(20, replica_observed{tablet_id{10'008}, replica_id{10'011}, 8, true, path_hash{7}})},
      {"replica_readopted",
       at(21, replica_readopted{tablet_id{10'008}, replica_id{10'011}, p2, 9})},
      {"backend_modified", at(22, backend_modified{backend_id{10'001}, "west", "rack:b"})},
      {"partition_added", at(23, partition_added{table_id{10'005}, {"p3", medium::hdd, {{p1, p2}, {p2, p3}}, storage_policy_id{10'030}}})},
      {"partition_dropped", at(24, partition_dropped{table_id{10'005}, partition_id{10'006}})},
      {"partition_modified", at(25, partition_modified{table_id{10'005}, partition_id{10'006}, medium::ssd})},
      {"replica_status_set", at(26, replica_status_set{tablet_id{10'008}, replica_id{10'011}, true})},
      {"repair_hinted",
       at(27, repair_hinted{table_id{10'005}, {partition_id{10'006}, partition_id{10'007}}, time_ms{1'700'000'000'000}})},
      {"repair_unhinted", at(28, repair_unhinted{table_id{10'005}, {partition_id{10'006}}})},
      {"config_set", at(29, config_set{"disable_balance", "true"})},
      {"colocate_relocated", at(30, colocate_relocated{colocate_group_id{10'020}, 3,
                                                       {backend_id{10'001}, backend_id{10'002}}, "10003 is dead"})},
      {"balance_paused", at(31, balance_paused{"table:10005", "ann", "migration", time_ms{1'700'000'000'000}})},
      {"balance_resumed", at(32, balance_resumed{"all"})},
      {"plan_saved", at(33, plan_saved{"friday", plan_kind::decommission, backend_id{10'001}, log_index{80},
                                       {{tablet_id{10'008}, replica_id{10'011}, p1, p2, 600},
                                        {tablet_id{10'009}, replica_id{10'013}, p2, p3, 700}}})},
      {"plan_applied", at(34, plan_applied{"friday"})},
      {"plan_dropped", at(35, plan_dropped{"friday"})},
      {"plan_moves_skipped", at(36, plan_moves_skipped{"friday", {{1, "its target is full"}, {7, "gone"}}})},
      {"checkpoint_decided", at(37, checkpoint_decided{checkpoint_decision::excuse_member, frontend_id{3}, "down for 90000 s"})},
      {"resource_created", at(38, resource_created{"cold", resource_type::s3, {{"bucket", "b"}, {"endpoint", "https://s3:9000"}}})},
      {"resource_altered", at(39, resource_altered{resource_id{10'029}, {{"root", "/mnt/cold"}}})},
      {"resource_dropped", at(40, resource_dropped{resource_id{10'029}})},
      {"storage_policy_created_ttl", at(41, storage_policy_created{"p", resource_id{10'029}, cooldown_ttl{86'400}})},
      {"storage_policy_created_datetime",
       at(41, storage_policy_created{"p", resource_id{10'029}, cooldown_datetime{time_ms{1'900'000'000'000}}})},
      {"storage_policy_altered",
       at(42, storage_policy_altered{storage_policy_id{10'030}, resource_id{10'029}, cooldown_datetime{time_ms{-5}}})},
      {"storage_policy_dropped", at(43, storage_policy_dropped{storage_policy_id{10'030}})},
      {"storage_policy_set", at(44, storage_policy_set{table_id{10'005}, partition_id{10'006}, storage_policy_id{10'030}})},
      {"cooldown_granted", at(45, cooldown_granted{{{tablet_id{10'008}, replica_id{10'011}, 2}, {tablet_id{10'009}, {}, 7}}})},
      {"cooldown_published",
       at(46, cooldown_published{tablet_id{10'008}, replica_id{10'011},
                                 {{2, 6}, resource_id{10'029}, "10011.2.6.ab.meta", 0xdeadbeef, 9, 4'096}})},
      {"cooldown_deletion_confirmed", at(47, cooldown_deletion_confirmed{tablet_id{10'008}, replica_id{10'011}, {2, 6}})},
      {"cooldown_hurried", at(48, cooldown_hurried{table_id{10'005}, {partition_id{10'006}, partition_id{10'007}}})},
      {"cooldown_recalled", at(49, cooldown_recalled{table_id{10'005}, {partition_id{10'007}}})},
      {"remote_purged", at(50, remote_purged{{tablet_id{10'008}, tablet_id{10'009}}})},
      {"warmup_created_table",
       at(51, warmup_created{{warmup_type::table, "", "west", {{table_id{10'005}, {}}, {table_id{10'006}, partition_id{10'007}}}, true,
                              sync_once{}, warmup_on_error::skip, warmup_when_busy::reject},
                             {{backend_id{10'001}, {{{tablet_id{10'008}, tablet_id{10'009}}, 600}, {{tablet_id{10'010}}, 7}}},
                              {backend_id{10'002}, {}}}})},
      {"warmup_created_periodic",
       at(51, warmup_created{{warmup_type::cluster, "east", "west", {}, false, sync_periodic{time_ms{600'000}}, {}, {}}, {}})},
      {"warmup_created_event",
       at(51, warmup_created{{warmup_type::cluster, "east", "west", {}, false, sync_on_event{warmup_event::query}, {}, {}}, {}})},
      {"warmup_begun_as_created", at(52, warmup_begun{warmup_job_id{51}, 0, std::nullopt})},
      {"warmup_begun_with_lanes",
       at(52, warmup_begun{warmup_job_id{51}, 3, std::vector<warmup_lane_plan>{{backend_id{10'001}, {{{tablet_id{10'008}}, 600}}}}})},
      {"batch_warmed", at(53, batch_warmed{warmup_job_id{51}, 3, backend_id{10'001}, 2, 500, 1, {tablet_id{10'008}}})},
      {"warmup_ended", at(54, warmup_ended{warmup_job_id{51}, 3, warmup_state::finished, "one was away", {{backend_id{10'001}, "away"}}})},
      {"warmup_paused", at(55, warmup_paused{warmup_job_id{51}})},
      {"warmup_resumed", at(56, warmup_resumed{warmup_job_id{51}})},
      {"warmup_forgotten", at(57, warmup_forgotten{warmup_job_id{51}})},
  };
}

std::string hex(kj::ArrayPtr<const capnp::word> words) {
  std::ostringstream out;
  const auto bytes = words.asBytes();
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out << std::hex << std::setw(2) << std::setfill('0') << static_cast<unsigned>(bytes[i])
        << (i % 8 == 7 ? "\n" : "");
  return out.str();
}

std::vector<std::uint64_t> unhex(const std::string& text) {
  std::vector<std::uint64_t> words;
  std::istringstream in{text};
  for (std::string line; in >> line;) {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i)
      word |= std::stoull(line.substr(2 * i, 2), nullptr, 16) << (8 * i);
    words.push_back(word);
  }
  return words;
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(EditCodec, EveryKindOfEditHasASample) {
  std::vector<bool> seen(std::variant_size_v<edit_body>);
  for (const auto& s : samples())
    seen[s.what.body.index()] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), std::ssize(seen));
}

TEST(EditCodec, DecodeUndoesEncode) {
  for (const auto& s : samples())
    EXPECT_EQ(codec::decode(codec::encode(s.what).get()), s.what) << s.file;
}

TEST(EditCodec, DefaultValuesSurviveToo) {
  EXPECT_EQ(codec::decode(codec::encode({{}, load_committed{}}).get()),
            (edit{{}, load_committed{}}));
  EXPECT_EQ(codec::decode(codec::encode({{}, backend_returned{}}).get()),
            (edit{{}, backend_returned{}}));
  EXPECT_EQ(codec::decode(codec::encode({{}, table_created{}}).get()), (edit{{}, table_created{}}));
  EXPECT_EQ(codec::decode(codec::encode({{}, plan_saved{}}).get()), (edit{{}, plan_saved{}}));
}

TEST(EditCodec, BytesAreThoseOfTheGoldenFiles) {
  const std::filesystem::path folder{TABLETD_GOLDEN_EDITS};
  for (const auto& s : samples()) {
    const auto file = folder / (s.file + ".hex");
    const auto bytes = hex(codec::encode(s.what).words());
    if (std::getenv("TABLETD_WRITE_GOLDEN")) {
      std::filesystem::create_directories(folder);
      std::ofstream{file} << bytes;
    }
    EXPECT_EQ(contents(file), bytes)
        << file << ": if a field was added on purpose, old bytes must still decode (the next test)";
  }
}

TEST(EditCodec, GoldenFilesDecodeToWhatTheyMeant) {
  auto all = samples();
  const auto old = old_samples();
  all.insert(all.end(), old.begin(), old.end());
  for (const auto& s : all) {
    const auto words
        = unhex(contents(std::filesystem::path{TABLETD_GOLDEN_EDITS} / (s.file + ".hex")));
    ASSERT_FALSE(words.empty()) << s.file;
    const auto parsed = sealed<wire::Edit>::parse(
        {reinterpret_cast<const capnp::word*>(words.data()), words.size()});
    EXPECT_EQ(codec::decode(parsed.get()), s.what) << s.file;
  }
}

/// The complaint about an edit that `fill` builds.
template <class Fill>
std::string complaint(Fill&& fill) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Edit>();
  fill(root);
  try {
    (void)codec::decode(root.asReader());
  } catch (const kj::Exception& e) {
    return e.getDescription().cStr();
  }
  return "accepted";
}

TEST(EditCodec, WhatCannotBeDecodedNamesTheField) {
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(complaint([](auto) {}), "case this version does not know"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initClusterFounded().initClusterId(15); }),
                  "cluster id is 16 bytes"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initTableCreated().setSeparator("ab"); }),
                  "tableCreated.separator"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initTableCreated(); }), "tableCreated.separator"));
  EXPECT_TRUE(
      has(complaint([](auto e) { e.initReplicaDropped().setReason(11); }), "replicaDropped.reason"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initCloneEnded().setDone(0); }), "cloneEnded.done"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initCloneOrdered().setHealth(11); }), "cloneOrdered.health"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initCloneOrdered().setPriority(4); }), "cloneOrdered.priority"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initPlanSaved().setKind(3); }), "planSaved.kind"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initCheckpointDecided().setWhat(4); }), "checkpointDecided.what"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initCheckpointDecided().setWhat(1); }), "checkpointDecided.frontend"));
  EXPECT_TRUE(has(complaint([](auto e) { e.initResourceCreated().setType(static_cast<wire::ResourceType>(2)); }), "type of a resource"));
  EXPECT_TRUE(has(complaint([](auto e) {
                    auto twice = e.initResourceAltered().initProperties(2);
                    twice[0].setKey("a");
                    twice[1].setKey("a");
                  }),
                  "ascending order"));
  EXPECT_TRUE(has(complaint([](auto e) {
                    e.initBackendReturned().initPaths(1)[0].setMedium(static_cast<wire::Medium>(9));
                  }),
                  "medium"));
}

TEST(EditCodec, AnEditOfTheFutureIsNotMistakenForAnother) {
  // The union's discriminant is bytes 8 and 9 of the data section: root pointer, atMs, then it.
  auto words = unhex(hex(codec::encode(at(1, backend_died{backend_id{5}})).words()));
  words[2] = (words[2] & ~0xffffULL) | 4'000;
  const auto future = sealed<wire::Edit>::parse(
      {reinterpret_cast<const capnp::word*>(words.data()), words.size()});
  EXPECT_THROW((void)codec::decode(future.get()), kj::Exception);
}

TEST(EditCodec, TruncatedAndGarbledBytesNeverCrash) {
  for (const auto& s : samples()) {
    const auto whole = unhex(hex(codec::encode(s.what).words()));
    for (std::size_t i = 0; i < whole.size() * 64; ++i) {
      auto words = whole;
      words[i / 64] ^= std::uint64_t{1} << (i % 64);
      try {
        const auto parsed = sealed<wire::Edit>::parse(
            {reinterpret_cast<const capnp::word*>(words.data()), words.size()}, 10'000);
        (void)codec::decode(parsed.get());
      } catch (const kj::Exception&) {
      }
    }
    for (std::size_t keep = 0; keep < whole.size(); ++keep) {
      try {
        const auto parsed = sealed<wire::Edit>::parse(
            {reinterpret_cast<const capnp::word*>(whole.data()), keep}, 10'000);
        (void)codec::decode(parsed.get());
      } catch (const kj::Exception&) {
      }
    }
  }
}

// -- what backends say -------------------------------------------------------------------

TEST(BackendCodec, AReportIsTakenAsItComes) {
  capnp::MallocMessageBuilder message;
  auto from = message.initRoot<wire::TabletReport>();
  from.setBootId(77);
  from.setStamp(5);
  from.setFull(true);
  auto held = from.initTablets(1)[0];
  held.setTablet(1);
  held.setReplica(2);
  held.setPath(3);
  held.setVersion(4);
  held.setMaxVersion(5);
  held.setBad(true);
  auto gone = from.initGone(1)[0];
  gone.setTablet(6);
  gone.setReplica(7);
  from.initPrepared(1).set(0, 8);
  const auto report = codec::decode(from.asReader());
  EXPECT_EQ(report,
            (backend_report{77,
                            5,
                            true,
                            {{tablet_id{1}, replica_id{2}, path_hash{3}, 4, 5, true, 0, 0, 0}},
                            {{tablet_id{6}, replica_id{7}}},
                            {txn_id{8}}}));
}

TEST(BackendCodec, AttachedFactsAndStatusFillTheView) {
  capnp::MallocMessageBuilder message;
  auto facts = message.initRoot<wire::AttachedFacts>();
  facts.setBootId(77);
  facts.setStartedMs(1'000);
  facts.setHttpPort(8'040);
  facts.setVersion("0.1.0");
  auto path = facts.initPaths(1)[0];
  path.setHash(3);
  path.setRoot("/disk1");
  path.setSsd(true);
  path.setCapacityBytes(100);
  path.setDataBytes(20);
  path.setAvailableBytes(60);
  path.setTablets(9);
  path.setOnline(false);
  path.setError("read-only file system");
  backend_view view;
  codec::decode_into(view, facts.asReader());
  EXPECT_EQ(view.boot, 77u);
  EXPECT_EQ(view.started, time_ms{1'000});
  EXPECT_EQ(view.http_port, 8'040);
  EXPECT_EQ(view.version, "0.1.0");
  path_view wanted;
  wanted.hash = path_hash{3};
  wanted.root = "/disk1";
  wanted.medium = medium::ssd;
  wanted.capacity_bytes = 100;
  wanted.data_bytes = 20;
  wanted.available_bytes = 60;
  wanted.tablets = 9;
  wanted.online = false;
  wanted.error = "read-only file system";
  EXPECT_EQ(view.paths, (std::vector{wanted}));

  capnp::MallocMessageBuilder other;
  auto status = other.initRoot<wire::BackendStatus>();
  status.setBootId(77);
  status.setStamp(6);
  status.setTasksRunning(4);
  status.setPaths(facts.asReader().getPaths());
  const auto decoded = codec::decode(status.asReader());
  EXPECT_EQ(decoded.stamp, 6u);
  EXPECT_EQ(decoded.tasks_running, 4u);
  EXPECT_EQ(decoded.paths, view.paths);
}

TEST(BackendCodec, TasksAndVerdictsAreSealed) {
  const agent_task drop{log_index{9}, drop_order{tablet_id{1}, replica_id{2}}};
  const auto batch = codec::seal_tasks({drop});
  EXPECT_EQ(codec::decode(batch.get().getTasks()[0]), drop);
  const auto order = codec::seal_verdicts(backend_id{5}, {{txn_id{6}, 7}, {txn_id{8}, 0}});
  EXPECT_EQ(order.get().getBackend(), 5u);
  EXPECT_EQ(order.get().getTxns()[0].getVersion(), 7u);
  EXPECT_EQ(order.get().getTxns()[1].getTxn(), 8u);
}

} // namespace
} // namespace tabletd
