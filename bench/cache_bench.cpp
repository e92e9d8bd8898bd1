// A read through the file cache against a plain read of the same bytes, what a block costs in memory and at start, and
// a fill against a copy.  One JSON line per case, as scripts/bench wants them; ratio > 1: ours is better.
//
//   cache_bench [directory] [MiB]     default: a fresh directory, 256
#include "bench/allocator.h"
#include "persistence/cache/file_cache.h"
#include "persistence/durable_file.h"
#include "persistence/remote/file_remote_store.h"
#include "persistence/rowset_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace tabletd {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::size_t mib = 1U << 20U;

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

void line(std::string_view name, double ours, double peer, std::string_view peer_name, std::string_view unit,
          double ratio) {
  fmt::print(
      R"({{"bench":"cache","case":"{}","ours":{:.3f},"peer":{:.3f},"peer_name":"{}","unit":"{}","ratio":{:.2f}}})"
      "\n",
      name, ours, peer, peer_name, unit, ratio);
}

/// The middle one of five.
template <class Run>
double median_seconds(const Run& run) {
  std::vector<double> took;
  for (int round = 0; round < 5; ++round) {
    const auto begin = steady::now();
    run();
    took.push_back(seconds_since(begin));
  }
  std::sort(took.begin(), took.end());
  return took[2];
}

struct rig {
  std::filesystem::path root;
  std::size_t size_bytes;
  remote_object object{.resource = 1, .key = "data/1/x.seg", .size_bytes = size_bytes};
  std::filesystem::path file = root / "store" / object.key;
  std::unique_ptr<remote_store> store;

  explicit rig(std::filesystem::path where, std::size_t bytes) : root(std::move(where)), size_bytes(bytes) {
    std::filesystem::create_directories(root / "store");
    store = std::make_unique<file_remote_store>(root / "store");
    std::vector<std::byte> content(size_bytes);
    std::mt19937_64 rng(1);
    for (auto& each : content)
      each = static_cast<std::byte>(rng());
    store->put(object.key, put_source(content), unhurried);
  }
  [[nodiscard]] file_cache_options options() const {
    file_cache_options made;
    made.paths = {{.directory = root / "cache", .capacity_bytes = 4 * size_bytes}};
    return made;
  }
};

void measure_fill(const rig& here, file_cache& cache) {
  const auto begin = steady::now();
  const auto filled = cache.fill(*here.store, here.object, {});
  const auto ours = seconds_since(begin);
  if (filled.bytes_fetched != here.size_bytes)
    std::abort();
  const auto copying = steady::now();
  std::filesystem::copy_file(here.file, here.root / "copy");
  const auto peer = seconds_since(copying);
  const auto mibs = static_cast<double>(here.size_bytes) / mib;
  line("fill from a directory", mibs / ours, mibs / peer, "copy_file", "MiB/s", peer / ours);
}

/// `offset`: of every read from a multiple of its length.
void measure_reads(const rig& here, file_cache& cache, std::size_t bytes, std::size_t offset) {
  const open_file plain(here.file, O_RDONLY);
  std::vector<std::byte> into(bytes);
  const auto reads = std::min<std::size_t>(here.size_bytes / bytes - 1, 20'000);
  std::uint64_t sum = 0;
  const auto direct = median_seconds([&] {
    for (std::size_t i = 0; i < reads; ++i) {
      plain.read_at(i * bytes + offset, into);
      sum += checksum_of(into);
    }
  });
  const auto cached = median_seconds([&] {
    for (std::size_t i = 0; i < reads; ++i) {
      cache.read(*here.store, here.object, i * bytes + offset, into, {});
      sum += checksum_of(into);
    }
  });
  const auto us = 1e6 / static_cast<double>(reads);
  line(fmt::format("read {} KiB at +{}{}", bytes >> 10U, offset, sum == 0 ? " " : ""), cached * us, direct * us,
       "pread of one file, checksummed once too", "us", direct / cached);
}

void measure_memory() {
  constexpr std::uint32_t blocks = 1'000'000;
  for (const std::uint32_t per_object : {16U, 256U}) {
    release_free_memory();
    const auto before = allocated_bytes();
    cache_policy policy({2ULL * blocks * mib}, ~0ULL, {});
    for (std::uint32_t i = 0; i < blocks; ++i) {
      const remote_object object{
          .resource = 1,
          .key = fmt::format("data/{}/1000000.1.0123456789abcdef.2-2.seg", 10'000 + i / per_object),
          .size_bytes = std::uint64_t{per_object} * mib};
      policy.restore(object, 0, {.number = i % per_object, .bytes = mib, .checksum = i, .read_at = 1}, 2);
    }
    const auto bytes = static_cast<double>(allocated_bytes() - before) / blocks;
    line(fmt::format("memory of a block, {} in an object", per_object), bytes, sizeof(cached_block) + 4.0,
         "its entry and its place in the object", "bytes", (sizeof(cached_block) + 4.0) / bytes);
  }
}

/// Small blocks, for it is their number that counts.
void measure_start(const std::filesystem::path& root) {
  constexpr std::uint32_t blocks = 50'000;
  const rig here(root / "start", blocks * 1'024ULL);
  auto options = here.options();
  options.rules.block_bytes = 1'024;
  {
    file_cache cache(options);
    if (cache.fill(*here.store, here.object, {.forced = true}).bytes_fetched != here.size_bytes)
      std::abort();
  }
  const auto begin = steady::now();
  const file_cache cache(options);
  const auto ours = seconds_since(begin) * 1e6 / blocks;
  const auto walking = steady::now();
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options.paths[0].directory / "blocks"))
    sum += entry.is_regular_file() ? entry.file_size() : 0;
  const auto peer = seconds_since(walking) * 1e6 / blocks;
  line("start, a block", ours, peer, sum > 0 ? "a walk that asks every size" : "-", "us", peer / ours);
}

}  // namespace
}  // namespace tabletd

int main(int argc, char** argv) {
  using namespace tabletd;
  std::filesystem::path root = argc > 1 ? argv[1] : "";
  if (root.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "cache-bench-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
  }
  const auto size = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256) * mib;
  {
    const rig here(root / "reads", size);
    file_cache cache(here.options());
    measure_fill(here, cache);
    for (const std::size_t kib : {4U, 64U, 1'024U})
      for (const std::size_t offset : {0U, 16U})
        measure_reads(here, cache, kib << 10U, offset);
  }
  measure_memory();
  measure_start(root);
  std::error_code ignored;
  for (const auto* part : {"reads", "start"})
    std::filesystem::remove_all(root / part, ignored);
  if (argc <= 1)
    std::filesystem::remove_all(root, ignored);
}
