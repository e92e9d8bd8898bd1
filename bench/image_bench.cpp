// A checkpoint image of a large catalog: how fast it is written and loaded, how small it is, and how
// much memory either takes beside the catalog.
//
// Every round writes the same catalog into a file (fsync and reading back included), and loads it.  One
// JSON line per round.  The peer is the plain struct: what the replicas and tablets take in memory, copied
// into one buffer and written.  A second line per round compares two ways to make an image of what is 100,000 entries
// further than the last one: from a frozen snapshot while the fold goes on in copies of what it changes, and in
// a second catalog, loaded from the last image and replayed.
//
//   image_bench [directory] [million tablets] [rounds]
//   image_bench grow IMAGE TABLETS       puts so many tablets into an image that is there: what a stopped front end
//                                        starts from, in all its members the same
#include "actors/checkpoint/catalog_image.h"
#include "bench/allocator.h"
#include "bench/large_catalog.h"
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
#include <string_view>
#include <tuple>

namespace tabletd {
namespace {

using namespace model;
using steady = std::chrono::steady_clock;


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

/// Entries between two checkpoints by default, each of another tablet.
constexpr std::size_t entries_between = 100'000;
std::vector<edit> draw_entries(const catalog& cat, bool bad) {
  std::vector<edit> entries;
  std::mt19937_64 dice{2};
  const auto every = cat.tablets.size() / entries_between + 1;
  cat.tablets.for_each([&](tablet_id id, const tablet& t) {
    if (entries.size() < entries_between && dice() % every == 0)
      entries.push_back({{}, replica_observed{id, t.replicas[0].id, t.replicas[0].version, bad, {}}});
  });
  return entries;
}
void replay(catalog& cat, const std::vector<edit>& entries) {
  for (const auto& each : entries)
    if (!apply(cat, each, log_index{raw(cat.applied) + 1}).ok())
      throw std::runtime_error("an entry was refused");
}

struct cost {
  double seconds{};
  double peak_mib{};
};
/// The fold goes on meanwhile: as many entries again are folded while the snapshot lives, in copies of what they change.
cost by_snapshot(const catalog& at_image, image_store& images, const std::vector<edit>& entries) {
  auto cat = at_image;
  replay(cat, entries);
  const growth memory;
  const auto frozen = cat;
  replay(cat, draw_entries(cat, false));
  const auto begin = steady::now();
  save(frozen, images);
  return {seconds_since(begin), memory.peak_mib()};
}
cost by_second_catalog(std::uint64_t last_image, image_store& images, const std::vector<edit>& entries) {
  const growth memory;
  const auto begin = steady::now();
  auto second = load_image(images.path_of(last_image)).content.cat;
  replay(second, entries);
  save(second, images);
  return {seconds_since(begin), memory.peak_mib()};
}
void compare(const catalog& cat, image_store& images) {
  const auto entries = draw_entries(cat, true);
  const auto last = save(cat, images).journal_id;
  const auto ours = by_snapshot(cat, images, entries);
  const auto peer = by_second_catalog(last, images, entries);
  fmt::print("{{\"bench\":\"image\",\"case\":\"image of {} tablets, {} entries after the last\",\"ours\":{:.2f},\"peer\":{:.2f},"
             "\"peer_name\":\"second catalog\",\"unit\":\"s\",\"ratio\":{:.2f},\"ours_peak_mib\":{:.0f},\"peer_peak_mib\":{:.0f}}}\n",
             cat.tablets.size(), entries.size(), ours.seconds, peer.seconds, peer.seconds / ours.seconds, ours.peak_mib, peer.peak_mib);
  std::fflush(stdout);
}

/// Everything that names the cluster and its place in the log stays; nothing is repaired or balanced.
void grow(const std::filesystem::path& file, std::uint64_t tablets) {
  auto there = load_image(file);
  const auto wall = std::chrono::duration_cast<time_ms>(std::chrono::system_clock::now().time_since_epoch());
  const auto& was = there.content.cat;
  auto cat = large_catalog(tablets, wall);
  std::tie(cat.cluster, cat.cluster_name, cat.term, cat.leader, cat.term_since, cat.applied)
    = std::tie(was.cluster, was.cluster_name, was.term, was.leader, was.term_since, was.applied);
  cat.config = was.config;
  cat.config.put("disable_tablet_scheduler", "true");
  cat.config.put("disable_balance", "true");
  image_writer writer(file, there.header);
  write_image(cat, there.content.carried, writer);
  writer.finish();
  writer.place();
}

void run(const std::filesystem::path& directory, double millions, int rounds) {
  const auto cat = large_catalog(static_cast<std::uint64_t>(millions * 1e6), time_ms{1'700'000'000'000});
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
    compare(cat, images);
  }
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string_view(argv[1]) == "grow") {
      tabletd::grow(argv[2], std::stoull(argv[3]));
      return 0;
    }
    const std::filesystem::path directory = argc > 1 ? argv[1] : ".";
    tabletd::run(directory, argc > 2 ? std::atof(argv[2]) : 1, argc > 3 ? std::atoi(argv[3]) : 3);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "image_bench: {}\n", error.what());
    return 1;
  }
}
