// A catalog comes out of an image as it went in, in everything that decides what later edits do.
#include "actors/codec/image_codec.h"
#include "tests/model/catalog_difference.h"
#include "tests/model/wide_dice.h"
#include <kj/exception.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tabletd {
namespace {

using namespace test;

struct section {
  std::uint32_t kind{};
  std::uint32_t flags{};
  std::vector<std::byte> payload;
  friend bool operator==(const section&, const section&) = default;
};
using image = std::vector<section>;

image image_of(const catalog& cat, const std::vector<codec::carried_section>& carried = {}) {
  image made;
  codec::write_catalog(cat, carried, [&](std::uint32_t kind, std::uint32_t flags, std::span<const std::byte> payload) {
    made.push_back({kind, flags, {payload.begin(), payload.end()}});
  });
  return made;
}
codec::loaded_catalog loaded_from(const image& from) {
  codec::catalog_loader loader;
  for (const auto& s : from)
    loader.add(s.kind, s.flags, s.payload);
  return loader.finish();
}

/// What loading complains about, or empty.
std::string complaint(const image& from) {
  try {
    (void)loaded_from(from);
  } catch (const kj::Exception& e) {
    return e.getDescription().cStr();
  }
  return {};
}

TEST(ImageCodec, AWalkGoesOnAfterwardsAsIfNothingHadHappened) {
  std::map<std::string, std::size_t> most; // That a walk which never has any of something tests nothing of it.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    catalog_world w;
    found(w);
    wide_dice dice{seed, w.cat};
    catalog other;
    for (int step = 0; step < 400; ++step) {
      if (step % 40 == 0) {
        const auto written = image_of(w.cat);
        other = loaded_from(written).cat;
        ASSERT_EQ(difference(w.cat, other), "") << "seed " << seed << " step " << step;
        ASSERT_EQ(broken_invariant(other), "") << "seed " << seed << " step " << step;
        ASSERT_EQ(image_of(other), written) << "seed " << seed << " step " << step;
        const auto note = [&](const char* what, std::size_t count) { most[what] = std::max(most[what], count); };
        note("ended", w.cat.ended_loads.size());
        note("loads", w.cat.loads.size());
        note("orders", w.cat.orders.size());
        note("moves", w.cat.moves.size());
        note("decisions", w.cat.decisions.size());
        note("groups", w.cat.colocate_groups.size());
        note("hints", w.cat.hints.size());
        note("config", w.cat.config.all().size());
        note("pauses", w.cat.pauses.all().size());
        note("plans", w.cat.plans.all().size());
        note("planned", w.cat.planned.size());
        note("retention", w.cat.retention.size());
        note("resources", w.cat.resources.size());
        note("policies", w.cat.storage_policies.size());
        note("cooldowns", w.cat.cooldowns.size());
        note("tombstones", w.cat.tombstones.size());
        note("warmups", w.cat.warmup.jobs.size());
        w.cat.warmup.jobs.for_each([&](warmup_job_id, const warmup_job& job) {
          note("warming", job.state == warmup_state::running);
          note("warmed", job.finished > time_ms{});
        });
        w.cat.resources.for_each([&](resource_id, const resource& r) { note("published", r.tablets); });
      }
      w.now += std::chrono::milliseconds(dice.below(10'000)) + (dice.chance(1) ? std::chrono::hours(30) : 0h);
      const auto judged = w(dice.next_of_all());
      const auto again = apply(other, w.log.back(), log_index{w.index});
      ASSERT_EQ(again.why, judged.why) << "seed " << seed << " step " << step;
      ASSERT_EQ(again.id, judged.id);
      ASSERT_EQ(again.touched, judged.touched);
      ASSERT_EQ(again.touched_backend, judged.touched_backend);
      ASSERT_EQ(difference(w.cat, other), "") << "seed " << seed << " step " << step;
    }
    ASSERT_EQ(broken_invariant(other), "");
  }
  EXPECT_EQ(most.size(), 20u);
  for (const auto& [what, count] : most)
    EXPECT_GT(count, 0u) << what;
}

/// Every field is something that is not its default.
catalog full_catalog() {
  catalog cat;
  cat.cluster = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  cat.cluster_name = "blue";
  cat.term = 4;
  cat.leader = 3;
  cat.term_since = log_index{700};
  cat.applied = log_index{900};
  cat.next_id = 20'000;
  cat.layout = {log_index{600}, "backend 1 was added"};
  backend b;
  b.id = backend_id{10'001};
  b.host = "h1";
  b.port = 9060;
  b.cluster = "west";
  b.location = "rack:a";
  b.alive = b.decommissioned = true;
  b.changed = time_ms{-5};
  b.paths = {{path_hash{~0ULL}, "/d", medium::ssd}, {path_hash{2}, "/e", medium::hdd}};
  b.tablets.put(tablet_id{10'006}, replica_id{10'007});
  cat.backends.put(b.id, b);
  cat.databases.put(database_id{10'002}, {database_id{10'002}, "shop", 1});
  cat.database_names.put(0, "shop", 10'002);
  table t{table_id{10'003}, database_id{10'002}, "orders", 2, '\x01', 5, time_ms{77}, "west", colocate_group_id{10'004},
          {{partition_id{10'005}, medium::ssd, 6, "p", 8, tablet_id{10'006}, 1, storage_policy_id{10'031}, 3, true}}, {txn_id{801}}, log_index{650},
          storage_policy_id{10'030}};
  cat.tables.put(t.id, t);
  cat.table_names.put(10'002, "orders", 10'003);
  replica r{replica_id{10'007}, replica_state::clone, true, true, b.id, path_hash{~0ULL}, 5, 7, 6};
  cat.tablets.put(tablet_id{10'006}, {tablet_id{10'006}, t.id, partition_id{10'005}, 1'000, ~0ULL, log_index{640}, {r}, 9});
  cat.replicas = 1;
  load open{txn_id{801}, t.id, partition_id{10'005}, "label", load_state::committed, 8, 10, 11, time_ms{12}, time_ms{13}};
  cat.loads.put(open.txn, open);
  load over = open;
  over.txn = txn_id{802};
  over.state = load_state::aborted;
  cat.loads.put(over.txn, over);
  cat.labels.put(10'003, "label", 801);
  cat.labels.put(10'003, "label", 802);
  cat.ended_loads.put(log_index{850}, {txn_id{802}});
  const place p1{b.id, path_hash{2}}, p2{b.id, path_hash{3}};
  const clone_ordered ordered{tablet_id{10'006}, 2, 3, p1, p2, replica_id{1}, 9, order_purpose::balance, replica_id{2}, "why"};
  cat.orders.put(tablet_id{10'006}, {log_index{860}, ordered, replica_id{10'007}, time_ms{14}});
  cat.moves.put(tablet_id{10'006}, {replica_id{10'007}, replica_id{10'008}, 3});
  cat.decisions.put(log_index{860}, {log_index{860}, time_ms{15}, tablet_id{10'006}, order_purpose::balance, 3, 2, p1, p2,
                                     replica_id{10'007}, drop_reason::moved, "why", time_ms{16}, 7, "it failed"});
  cat.colocate_groups.put(colocate_group_id{10'004}, {colocate_group_id{10'004}, database_id{10'002}, "group", 3,
                                                      {{b.id, backend_id{5}}, {}}, {t.id, table_id{4}}});
  cat.hints.put(partition_id{10'005}, time_ms{17});
  cat.config.put("key", "value");
  cat.pauses.put("all", {"ann", "because", time_ms{18}, time_ms{19}});
  cat.retention.put(frontend_id{2}, {"down for 90000 s", time_ms{24}});
  saved_plan plan;
  plan.kind = plan_kind::decommission;
  plan.backend = b.id;
  plan.epoch = log_index{500};
  plan.created = time_ms{20};
  plan.content = std::make_shared<const plan_content>(
    plan_content{{{tablet_id{10'006}, replica_id{10'007}, p1, p2, 21}, {tablet_id{10'006}, replica_id{10'009}, p2, p1, 22},
                  {tablet_id{10'006}, replica_id{10'010}, p2, p1, 23}},
                 {t.id}, 66});
  plan.state = plan_state::applying;
  plan.applied = log_index{510};
  plan.outcomes.put(0, {true, ""});
  plan.outcomes.put(2, {false, "full"});
  plan.done = 1;
  cat.plans.put("friday", plan);
  cat.planned.put(tablet_id{10'006}, {{1, replica_id{10'009}, p1}});
  cat.resources.put(resource_id{10'029}, {resource_id{10'029}, "cold", resource_type::s3, {{"bucket", "b"}, {"endpoint", "https://s3"}}, 3, 1});
  cat.storage_policies.put(storage_policy_id{10'030}, {storage_policy_id{10'030}, "p", resource_id{10'029}, cooldown_ttl{86'400}, 4});
  cat.storage_policies.put(storage_policy_id{10'031}, {storage_policy_id{10'031}, "q", resource_id{10'029}, cooldown_datetime{time_ms{25}}, 5});
  cat.cooldowns.put(tablet_id{10'006}, {replica_id{10'007}, 7, published_meta{{6, 8}, resource_id{10'029}, "10007.6.8.ab.meta", 0xdeadbeef, 5, 4'096}, {6, 4}});
  cat.cooldowns.put(tablet_id{10'007}, {replica_id{}, 2, std::nullopt});
  cat.tombstones.put(tablet_id{9'006}, time_ms{26});
  warmup_job job;
  job.id = warmup_job_id{870};
  job.what = {warmup_type::table, "east", "west", {{t.id, partition_id{10'005}}}, true, sync_periodic{time_ms{600'000}},
              warmup_on_error::skip, warmup_when_busy::reject};
  job.state = warmup_state::running;
  job.run = 4;
  job.created = time_ms{27};
  job.started = time_ms{28};
  job.finished = time_ms{29};
  job.paused = time_ms{30};
  job.paused_for = time_ms{31};
  job.err = "the last one failed";
  job.plan = std::make_shared<const std::vector<warmup_lane_plan>>(
    std::vector<warmup_lane_plan>{{b.id, {{{tablet_id{10'006}}, 4'096}, {{tablet_id{10'007}}, 5}}}, {backend_id{10'040}, {}}});
  job.lanes = {{b.id, 1, 4'000, 1, {tablet_id{10'006}}}, {backend_id{10'040}, 0, 0, 0, {}}};
  job.skipped = {{b.id, "it was away"}};
  cat.warmup.jobs.put(job.id, job);
  job.id = warmup_job_id{871};
  job.what.sync = sync_on_event{warmup_event::query};
  job.paused.reset();
  cat.warmup.jobs.put(job.id, job);
  return cat;
}

TEST(ImageCodec, EveryFieldComesBack) {
  const auto cat = full_catalog();
  EXPECT_EQ(difference(cat, loaded_from(image_of(cat)).cat), "");
  EXPECT_EQ(difference({}, loaded_from(image_of({})).cat), "") << "an empty one too";
}

/// A section a line: kind, flags, payload in hex.
std::string text_of(const image& from) {
  std::string text;
  for (const auto& s : from) {
    text += std::to_string(s.kind) + ' ' + std::to_string(s.flags) + ' ';
    for (const auto byte : s.payload)
      for (const auto digit : {static_cast<unsigned>(byte) >> 4U, static_cast<unsigned>(byte) & 15U})
        text += "0123456789abcdef"[digit];
    text += '\n';
  }
  return text;
}
image image_in(const std::filesystem::path& file) {
  image found;
  std::ifstream in{file};
  section s;
  for (std::string digits; in >> s.kind >> s.flags >> digits; found.push_back(s)) {
    s.payload.clear();
    for (std::size_t i = 0; i < digits.size(); i += 2)
      s.payload.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return found;
}

TEST(ImageCodec, ImagesOfEarlierVersionsLoad) {
  const auto written = image_of(full_catalog());
  const std::filesystem::path file{TABLETD_GOLDEN_IMAGES "/full.v5.txt"};
  if (std::getenv("TABLETD_WRITE_GOLDEN")) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text_of(written);
  }
  const auto golden = image_in(file);
  ASSERT_FALSE(golden.empty()) << file;
  EXPECT_EQ(difference(full_catalog(), loaded_from(golden).cat), "");
  EXPECT_EQ(text_of(golden), text_of(written))
    << "if a field was added on purpose, write a full.v6.txt beside it; this one must load for ever";
  auto first = full_catalog();
  first.warmup = {};
  EXPECT_EQ(difference(first, loaded_from(image_in(TABLETD_GOLDEN_IMAGES "/full.v4.txt")).cat), "");
  first.tombstones = {};
  auto* t = first.tables.edit(table_id{10'003});
  t->partitions.front().cool_through = 0;
  t->partitions.front().recalled = false;
  first.cooldowns.edit(tablet_id{10'006})->recalled = {};
  EXPECT_EQ(difference(first, loaded_from(image_in(TABLETD_GOLDEN_IMAGES "/full.v3.txt")).cat), "");
  t->storage_policy = t->partitions.front().storage_policy = {};
  first.resources = {};
  first.storage_policies = {};
  first.cooldowns = {};
  EXPECT_EQ(difference(first, loaded_from(image_in(TABLETD_GOLDEN_IMAGES "/full.v2.txt")).cat), "");
  first.retention = {};
  EXPECT_EQ(difference(first, loaded_from(image_in(TABLETD_GOLDEN_IMAGES "/full.v1.txt")).cat), "");
}

TEST(ImageCodec, EveryKindOfSectionHasAName) {
  const auto written = image_of(full_catalog());
  std::set<std::uint32_t> kinds;
  for (const auto& s : written) {
    EXPECT_EQ(s.flags, codec::image_required);
    EXPECT_EQ(codec::section_kind(codec::section_name(s.kind)), s.kind);
    kinds.insert(s.kind);
  }
  EXPECT_EQ(kinds.size(), 21u) << "full_catalog() has something of everything";
  EXPECT_EQ(codec::section_name(0), "");
  EXPECT_EQ(codec::section_name(22), "");
  EXPECT_EQ(codec::section_name(6), "tablets");
  EXPECT_EQ(codec::section_kind("unset"), std::nullopt);
}

TEST(ImageCodec, LargePartsAreSeveralSections) {
  // Ids with gaps, few and many replicas, holes, numbers of every length.
  std::mt19937_64 dice{1};
  catalog cat;
  std::vector<backend> backends(200);
  for (std::size_t i = 0; i < backends.size(); ++i)
    backends[i].id = backend_id{10 + i};
  const auto number = [&dice] { return dice() >> dice() % 64; };
  std::uint64_t id = 1'000;
  for (int n = 0; n < 60'000; ++n) {
    tablet t;
    t.id = tablet_id{id += 1 + (dice() % 10 == 0 ? number() >> 20 : 0)};
    t.table = table_id{dice() % 4 + 1};
    t.partition = partition_id{dice() % 3};
    t.bucket = static_cast<std::uint32_t>(n % 7 ? n : number());
    t.rows = number();
    t.bytes = number();
    t.settled = log_index{dice() % 2 ? number() : 0};
    std::set<std::size_t> on;
    for (auto left = dice() % 100 == 0 ? dice() % 60 : dice() % 4; left > 0; --left)
      on.insert(dice() % backends.size());
    for (const auto home : on) {
      replica r{.id = replica_id{number() & replica_id_max}, .backend = backends[home].id, .path = path_hash{dice() % 3}, .version = dice() % 3};
      r.last_failed = dice() % 3 ? 0 : number();
      r.last_success = dice() % 3 ? r.version : number();
      r.state = dice() % 2 ? replica_state::clone : replica_state::normal;
      r.bad = dice() % 2;
      r.set_bad = dice() % 2;
      backends[home].tablets.put(t.id, r.id);
      t.replicas.push_back(r);
      ++cat.replicas;
    }
    cat.tablets.put(t.id, t);
  }
  for (const auto& b : backends)
    cat.backends.put(b.id, b);
  for (std::uint64_t txn = 1; txn < 30'000; ++txn) {
    load l{};
    l.txn = txn_id{txn};
    l.label = "label" + std::to_string(txn % 20'000);
    l.state = load_state::published;
    cat.loads.put(l.txn, l);
    cat.labels.put(0, l.label, txn);
  }
  const auto written = image_of(cat);
  std::map<std::uint32_t, std::size_t> sections;
  for (const auto& s : written) {
    ++sections[s.kind];
    EXPECT_LE(s.payload.size(), std::size_t{4} << 20);
  }
  EXPECT_GT(sections[6], 2u);
  EXPECT_GT(sections[7], 2u);
  EXPECT_EQ(difference(cat, loaded_from(written).cat), "");
}

// -- sections of other versions, and what is not an image ---------------------------------

TEST(ImageCodec, AnOptionalSectionOfALaterVersionIsCarried) {
  const std::vector<codec::carried_section> later{{900, 0, {std::byte{1}, std::byte{2}}}, {901, 6, {}}};
  const auto cat = full_catalog();
  const auto written = image_of(cat, later);
  const auto loaded = loaded_from(written);
  EXPECT_EQ(loaded.carried, later);
  EXPECT_EQ(image_of(loaded.cat, loaded.carried), written);
}

TEST(ImageCodec, ARequiredSectionOfALaterVersionIsRefused) {
  auto written = image_of(full_catalog());
  written.push_back({900, codec::image_required, {}});
  EXPECT_NE(complaint(written).find("upgrade tabletd"), std::string::npos) << complaint(written);
}

TEST(ImageCodec, WhatIsMissingOrTwiceIsNoticed) {
  const auto whole = image_of(full_catalog());
  EXPECT_EQ(complaint(whole), "");
  std::size_t noticed = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto less = whole;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    noticed += complaint(less).empty() ? 0 : 1;
    auto twice = whole;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), whole[i]);
    EXPECT_NE(complaint(twice), "") << codec::section_name(whole[i].kind);
    auto renamed = whole;
    renamed[i].kind = renamed[i].kind == 12 ? 13 : 12;
    EXPECT_NE(complaint(renamed), "") << codec::section_name(whole[i].kind);
  }
  EXPECT_EQ(noticed, 7u) << "cluster, backends, databases, tables, tablets, loads and resources: what others hang on";
}

TEST(ImageCodec, GarbledSectionsNeverCrash) {
  const auto whole = image_of(full_catalog());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t bit = 0; bit < whole[i].payload.size() * 8; bit += 7) {
      auto garbled = whole;
      garbled[i].payload[bit / 8] ^= std::byte{1} << bit % 8;
      (void)complaint(garbled);
    }
    for (std::size_t size = 0; size < whole[i].payload.size(); size += 3) {
      auto cut = whole;
      cut[i].payload.resize(size);
      (void)complaint(cut);
    }
  }
}

TEST(ImageCodec, TabletsArePrintedInWords) {
  const auto cat = full_catalog();
  std::size_t tablets = 0;
  for (const auto& s : image_of(cat))
    codec::read_section(
      s.payload, [&](wire::Section::Reader root) { EXPECT_EQ(static_cast<std::uint32_t>(root.which()), s.kind); },
      [&](wire::ImageTablet::Reader t) {
        ++tablets;
        EXPECT_EQ(t.getId(), 10'006u);
        EXPECT_EQ(t.getBytes(), ~0ULL);
        const auto r = t.getReplicas()[0];
        EXPECT_EQ(r.getId(), 10'007u);
        EXPECT_EQ(r.getPath(), ~0ULL);
        EXPECT_EQ(r.getLastFailed(), 7u);
        EXPECT_EQ(r.getLastSuccess(), 6u);
        EXPECT_TRUE(r.getClone() && r.getBad() && r.getSetBad());
      });
  EXPECT_EQ(tablets, 1u);
}

} // namespace
} // namespace tabletd
