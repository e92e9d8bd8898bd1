// A checkpoint image of a large catalog: how fast it is written and loaded, how small it is, and how
// much memory either takes beside the catalog.
//
// Every round writes the same catalog into a file (fsync and reading back included), and loads it.  One
// JSON line per round.  The peer is the plain struct: what the replicas and tablets take in memory, copied
// into one buffer and written.
//
//   image_bench [directory] [million tablets] [rounds]
#include "actors/checkpoint/catalog_image.h"
#include "bench/allocator.h"
#include "persistence/image_store.h"
#include <fcntl.h>
#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <string>

namespace tabletd {
namespace {

using namespace model;
using steady = std::chrono::steady_clock;

constexpr std::size_t backends = 100;
constexpr std::uint64_t paths_each = 12;
constexpr std::uint32_t buckets = 64;
constexpr std::size_t replicas_each = 3;
constexpr std::uint64_t loads_kept = 100'000;

/// Of the processor: a busy machine does not change it.
double cpu_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

/// "VmRSS:" or "VmHWM:" of this process, MiB.
double memory_mib(const std::string& which) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == which) {
      double kib = 0;
      status >> kib;
      return kib / 1'024;
    }
  return 0;
}
void forget_peak() {
  release_free_memory();
  std::ofstream("/proc/self/clear_refs") << 5;
}

struct growth {
  double before = (forget_peak(), memory_mib("VmRSS:"));
  [[nodiscard]] double peak_mib() const { return memory_mib("VmHWM:") - before; }
  [[nodiscard]] double left_mib() const { return memory_mib("VmRSS:") - before; }
};

tablet draw_tablet(std::uint64_t n, std::uint64_t& next_id, std::mt19937_64& dice) {
  tablet t;
  t.bucket = static_cast<std::uint32_t>(n % buckets);
  t.rows = dice() % 10'000'000;
  t.bytes = t.rows * (50 + dice() % 100);
  const version visible = 1 + (n / buckets * 7'919) % 5'000; // Of a partition's loads.
  const auto first = dice() % backends;
  for (std::uint64_t i = 0; i < replicas_each; ++i) {
    replica r{.id = replica_id{next_id++}, .backend = backend_id{1 + (first + i * 31) % backends}, .version = visible, .last_success = visible};
    r.path = path_hash{(raw(r.backend) * paths_each + dice() % paths_each) * 0x9e37'79b9'7f4a'7c15ULL};
    if (dice() % 20 == 0) { // Copied once: a later id, and it says when.
      r.id = replica_id{500'000'000 + dice() % 100'000'000};
      t.settled = log_index{dice() % 1'000'000'000};
    }
    if (dice() % 1'000 == 0)
      r.last_failed = r.version--;
    t.replicas.push_back(r);
  }
  return t;
}

/// As a cluster has it: tablets of a partition together, replicas named after their tablet.
catalog make_catalog(std::uint64_t tablets) {
  std::mt19937_64 dice{1};
  catalog cat;
  cat.cluster_name = "bench";
  cat.databases.put(database_id{5}, {database_id{5}, "db", 0});
  std::vector<packed_map<tablet_id, replica_id>::builder> held(backends + 1);
  cow_map<table_id, table>::builder tables;
  cow_map<tablet_id, tablet>::builder all;
  std::uint64_t next_id = 10'001;
  table owner;
  for (std::uint64_t n = 0; n < tablets; ++n) {
    if (n % buckets == 0) {
      owner = {};
      owner.id = table_id{next_id++};
      owner.database = database_id{5};
      owner.name = fmt::format("table_{}", raw(owner.id));
      const partition_id part{next_id++};
      owner.partitions = {{part, std::nullopt, next_id++, owner.name, 5'000, {}, buckets}};
    }
    const tablet_id id{next_id++};
    auto t = draw_tablet(n, next_id, dice);
    t.id = id;
    t.table = owner.id;
    t.partition = owner.partitions.front().id;
    for (const auto& r : t.replicas)
      held[raw(r.backend)].append(id, r.id);
    if (t.bucket == 0) {
      owner.partitions.front().first_tablet = id;
      cat.table_names.put(5, owner.name, raw(owner.id));
      tables.append(owner.id, owner);
      ++cat.databases.edit(database_id{5})->tables;
    }
    cat.replicas += t.replicas.size();
    all.append(id, std::move(t));
  }
  cat.tablets = all.finish();
  cat.tables = tables.finish();
  for (std::uint64_t b = 1; b <= backends; ++b) {
    backend made;
    made.id = backend_id{b};
    made.host = fmt::format("host{}", b);
    made.tablets = held[b].finish();
    cat.backends.put(made.id, std::move(made));
  }
  for (std::uint64_t txn = 1; txn <= loads_kept; ++txn) {
    load l{};
    l.txn = txn_id{txn * 10};
    l.table = owner.id;
    l.label = fmt::format("load-2024-06-01-{}", txn);
    l.state = load_state::published;
    l.begun = l.ended = time_ms{1'700'000'000'000 + static_cast<std::int64_t>(txn) * 100};
    cat.labels.put(raw(l.table), l.label, raw(l.txn));
    cat.ended_loads.put(log_index{txn * 10 + 5}, {l.txn});
    cat.loads.put(l.txn, std::move(l));
  }
  cat.next_id = 1'000'000'000;
  cat.applied = log_index{cat.next_id};
  return cat;
}

/// Seconds of the sections alone, into nothing.
double encode_only(const catalog& cat) {
  const auto begin = steady::now();
  codec::write_catalog(cat, {}, [](std::uint32_t, std::uint32_t, std::span<const std::byte>) {});
  return seconds_since(begin);
}

image_summary save(const catalog& cat, image_store& images) {
  auto writer = images.begin({image_format, raw(cat.applied), cat.term, 0, 0});
  write_image(cat, {}, writer);
  return images.keep(std::move(writer));
}

/// The peer: bytes as memory has them, through the same kind of file.
double write_plain(const std::filesystem::path& file, std::uint64_t bytes) {
  const std::vector<std::byte> block(1U << 20, std::byte{7});
  const auto begin = steady::now();
  open_file to(file, O_WRONLY | O_CREAT | O_TRUNC);
  for (std::uint64_t at = 0; at < bytes; at += block.size())
    to.write_at(at, block);
  to.sync();
  const auto took = seconds_since(begin);
  discard_file(file);
  return took;
}

void run(const std::filesystem::path& directory, double millions, int rounds) {
  const auto cat = make_catalog(static_cast<std::uint64_t>(millions * 1e6));
  const auto tablets = static_cast<double>(cat.tablets.size());
  image_store images(directory / "images");
  for (int round = 0; round < rounds; ++round) {
    const auto encoded_s = encode_only(cat);
    const growth writing;
    auto begin = steady::now();
    const auto made = save(cat, images);
    const auto write_s = seconds_since(begin);
    const auto write_peak = writing.peak_mib();
    const growth loading;
    begin = steady::now();
    const auto cpu_before = cpu_seconds();
    const auto content = load_image(images.path_of(made.journal_id));
    const auto& loaded = content.content.cat;
    const auto load_s = seconds_since(begin);
    const auto load_cpu_s = cpu_seconds() - cpu_before;
    if (loaded.tablets.size() != cat.tablets.size() || loaded.replicas != cat.replicas)
      throw std::runtime_error("the image has another catalog");
    const auto plain_s
      = write_plain(directory / "plain", cat.tablets.size() * sizeof(tablet));
    const auto mb = static_cast<double>(made.bytes) / 1e6;
    fmt::print("{{\"tablets\":{:.0f},\"file_mb\":{:.1f},\"bytes_per_tablet\":{:.1f},\"encode_mb_s\":{:.0f},"
               "\"write_s\":{:.2f},\"write_mb_s\":{:.0f},\"write_peak_mib\":{:.1f},\"load_s\":{:.2f},"
               "\"load_tablets_s\":{:.0f},\"load_tablets_cpu_s\":{:.0f},\"load_kept_mib\":{:.0f},\"load_peak_above_kept_mib\":{:.1f},"
               "\"plain_write_s\":{:.2f},\"ratio\":{:.2f}}}\n",
               tablets, mb, static_cast<double>(made.bytes) / tablets, mb / encoded_s, write_s, mb / write_s, write_peak,
               load_s, tablets / load_s, tablets / load_cpu_s, loading.left_mib(), loading.peak_mib() - loading.left_mib(), plain_s,
               plain_s / write_s);
    std::fflush(stdout);
  }
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  try {
    const std::filesystem::path directory = argc > 1 ? argv[1] : ".";
    tabletd::run(directory, argc > 2 ? std::atof(argv[2]) : 1, argc > 3 ? std::atoi(argv[3]) : 3);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "image_bench: {}\n", error.what());
    return 1;
  }
}
