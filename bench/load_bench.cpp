// LOAD into a real cluster (1 fe, 3 be as processes on this machine, 3 replicas) against a
// plain program that writes the same bytes three times and fsyncs: what do splitting by key,
// four processes, checksums, the log and the verdict cost on top of the same disk?
//
// Rounds alternate; one JSON line per case, ratio above 1: ours is better.  The last case
// loads one large file and compares the largest resident set of any node with 200 MB.
//
//   load_bench [directory] [MiB per round] [rounds] [MiB of the large file]
#include "node/play/cluster.h"
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <stdexcept>
#include <vector>

namespace tabletd {
namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;
constexpr double rss_goal_mib = 200;
constexpr int copies = 3;

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

/// Rows of 100 bytes with a million different keys; the same bytes every time.
void write_input(const fs::path& file, std::uint64_t mib) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  std::mt19937_64 dice(1);
  const std::string filler(84, 'v');
  std::string block;
  for (std::uint64_t bytes = 0; bytes < mib << 20; bytes += block.size()) {
    block.clear();
    for (int row = 0; row < 10'000; ++row)
      block += fmt::format("{:014};{}\n", dice() % 1'000'000, filler);
    out << block;
  }
  if (!out.flush())
    throw std::runtime_error(file.string() + " could not be written");
}

[[noreturn]] void fail(const fs::path& file) { throw std::runtime_error(file.string() + " could not be written"); }

/// The peer: read once, write three times, fsync all.
double plain_copies(const fs::path& input, const fs::path& directory) {
  const auto begin = steady::now();
  const int in = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<int> outs;
  for (int i = 0; i < copies; ++i)
    outs.push_back(::open((directory / fmt::format("copy{}", i)).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::vector<char> block(1U << 20);
  for (ssize_t n; (n = ::read(in, block.data(), block.size())) > 0;)
    for (const int out : outs)
      if (::write(out, block.data(), static_cast<std::size_t>(n)) != n)
        fail(directory);
  for (const int out : outs) {
    if (::fsync(out) != 0)
      fail(directory);
    ::close(out);
  }
  ::close(in);
  const double took = seconds_since(begin);
  for (int i = 0; i < copies; ++i)
    fs::remove(directory / fmt::format("copy{}", i));
  return took;
}

/// VmHWM of a process, MiB.
double peak_rss_mib(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::strtod(line.c_str() + 6, nullptr) / 1024;
  throw std::runtime_error(fmt::format("process {} has no peak resident set", pid));
}

double load(play::cluster& on, const fs::path& input) {
  on.run("CREATE TABLE bench.rows (KEY 1) BUCKETS 12 PROPERTIES(\"replication_num\"=\"3\",\"column_separator\"=\";\")");
  const auto begin = steady::now();
  on.run(fmt::format("LOAD FILE '{}' INTO bench.rows", input.string()));
  const double took = seconds_since(begin);
  on.run("DROP TABLE bench.rows");
  return took;
}

void print(const std::string& name, double ours, double peer, const std::string& peer_name, const std::string& unit, double ratio) {
  std::printf(R"({"bench":"load","case":"%s","ours":%.3f,"peer":%.3f,"peer_name":"%s","unit":"%s","ratio":%.3f})" "\n", name.c_str(), ours,
              peer, peer_name.c_str(), unit.c_str(), ratio);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  const fs::path directory = argc > 1 ? argv[1] : fs::temp_directory_path() / fmt::format("tabletd-load-bench-{}", ::getpid());
  const std::uint64_t mib = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  const std::uint64_t large_mib = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 2'048;
  fs::create_directories(directory);
  const auto input = directory / "input";
  write_input(input, mib);
  play::cluster on{{.dir = directory / "cluster", .binary = TABLETD_BINARY, .backends = 3}};
  on.start();
  on.run("CREATE DATABASE bench");
  std::vector<double> ours;
  std::vector<double> peer;
  for (int round = 0; round < rounds; ++round) {
    ours.push_back(load(on, input));
    peer.push_back(plain_copies(input, directory));
  }
  const auto size = static_cast<double>(fs::file_size(input)) / (1 << 20);
  print(fmt::format("{} MiB, 3 replicas", mib), size / median(ours), size / median(peer), "three plain copies with fsync", "MiB/s",
        median(peer) / median(ours));
  write_input(input, large_mib);
  const double took = load(on, input);
  std::fprintf(stderr, "load: %llu MiB in %.1f s\n", static_cast<unsigned long long>(large_mib), took);
  double peak = 0;
  for (const auto& node : on.nodes()) {
    const double rss = peak_rss_mib(node->pid());
    std::fprintf(stderr, "load: %s peak RSS %.0f MiB\n", node->name().c_str(), rss);
    peak = std::max(peak, rss);
  }
  print(fmt::format("peak RSS of any node, {} MiB file", large_mib), peak, rss_goal_mib, "200 MiB", "MiB", rss_goal_mib / peak);
  on.stop();
  fs::remove_all(directory);
  return 0;
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  try {
    return tabletd::run(argc, argv);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "load_bench: %s\n", why.what());
    return 1;
  }
}
