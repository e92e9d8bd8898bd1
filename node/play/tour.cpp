// The steps of the tour; the order and its reasons are in play.cpp.
#include "node/play/tour.h"
#include "node/play/line_digest.h"
#include "node/play/placement_check.h"
#include <fmt/format.h>
#include <cstdio>
#include <utility>

namespace tabletd::play {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto placed_limit = 30s;
constexpr auto notice_limit = 20s; ///< A dead backend or a damaged byte must be seen by then.

class tour {
public:
  tour(cluster& on, const tour_options& options) : on_(on), options_(options) {}

  void run() {
    step("start a front end and the backends", [this] { return up(); });
    step("load the file", [this] { return load(); });
    if (group())
      step("kill -9 the leader in the middle of a load; the load is finished", [this] { return lose_leader_loading(); });
    step("kill -9 be1; its replicas are made anew on the others", [this] { return lose_first(); });
    step("start be1 again; what it holds is stale and goes away",
         [this] { return bring_back("be1"); });
    step(group() ? "kill -9 be2 and, while repairs run, the leader; another finishes them"
                 : "kill -9 be2 and, while repairs run, fe1; start fe1; repairs go on",
         [this] { return lose_second_and_leader(); });
    step("start be2 again; what it holds is stale and goes away",
         [this] { return bring_back("be2"); });
    step("turn one byte over in a segment file; it is found and mended",
         [this] { return damage_one(); });
    step("export the table and compare", [this] { return compare(); });
  }

private:
  template <class Work>
  void step(std::string_view title, Work work) {
    ++number_;
    std::printf("[%d/%d] %.*s\n", number_, group() ? 9 : 8, static_cast<int>(title.size()), title.data());
    std::fflush(stdout);
    const auto begun = steady::now();
    try {
      const std::string said = work();
      std::printf("      %5.1f s  %s\n",
                  std::chrono::duration<double>(steady::now() - begun).count(), said.c_str());
      std::fflush(stdout);
    } catch (const play_failure& why) {
      throw play_failure(
        fmt::format("step {} of the tour ({}) failed after {:.1f} s: {}", number_, title,
                    std::chrono::duration<double>(steady::now() - begun).count(), why.what()));
    }
  }

  std::string up();
  std::string load();
  std::string lose_leader_loading();
  std::string lose_first();
  std::string lose_second_and_leader();
  std::string bring_back(const std::string& name);
  std::string damage_one();
  std::string compare();

  [[nodiscard]] bool group() const { return on_.frontends() > 1; }
  /// Starts a front end again; says how far it has come.
  [[nodiscard]] std::string rejoin(const std::string& name);
  [[nodiscard]] std::vector<replica_row> replicas();
  [[nodiscard]] std::uint64_t unhealthy();
  [[nodiscard]] std::uint64_t repairs_in_flight();
  /// Every tablet complete, none of it on `avoid`, nothing unhealthy.
  void wait_healthy(const std::set<std::uint64_t>& avoid);
  [[nodiscard]] std::string health_fault(const std::set<std::uint64_t>& avoid);
  bool damage_is_noticed(const replica_row& one, const damaged_byte& byte);
  [[nodiscard]] std::string name_of(std::uint64_t backend);

  cluster& on_;
  const tour_options& options_;
  int number_ = 0;
  line_digest before_;
  std::int64_t version_ = 0;
};

std::string tour::up() {
  on_.start();
  return fmt::format("{} leads{}, {} backends are alive", on_.leader().name(),
                     group() ? fmt::format(" a group of {}", on_.frontends()) : "", on_.backends());
}

std::string tour::load() {
  before_ = digest_of_file(options_.data);
  const auto said
    = load_demo(on_, options_.data, options_.table, options_.tablets, options_.replicas);
  version_ = replicas().front().version;
  wait_healthy({});
  return fmt::format("{}\n               sha256 of its sorted lines {}", said, before_.sha256);
}

std::string tour::rejoin(const std::string& name) {
  on_.start_node(name);
  const auto position = on_.wait_caught_up(name);
  return fmt::format("{} is back and has replayed entry {}", name, position);
}

std::string tour::lose_leader_loading() {
  const auto table = options_.table + "_again";
  create_demo_table(on_, table, options_.tablets, options_.replicas);
  const auto victim = on_.leader().name();
  // Called with every part that has arrived: the first one is there, the end is not.
  bool killed = false;
  const auto got = on_.server().execute(
    fmt::format("LOAD FILE {} INTO {}", statement_string(options_.data.string()), table),
    [&](const ctl::transfer_state&) {
      if (!std::exchange(killed, true))
        on_.node(victim).kill();
    });
  if (!got.ok())
    throw play_failure(fmt::format("the load was not finished: {}", got.error.message));
  const auto leads = on_.leader().name();
  if (leads == victim)
    throw play_failure(fmt::format("{} was killed and is said to lead", victim));
  const auto out = options_.dir / "export-again";
  on_.run(fmt::format("EXPORT TABLE {} TO {}", table, statement_string(out.string())));
  if (const auto after = digest_of_file(out); after != before_)
    throw play_failure(fmt::format("{} lines went in, {} came out; compare {} with {}", before_.lines, after.lines,
                                   options_.data.string(), out.string()));
  on_.run("DROP TABLE " + table);
  return fmt::format("{}\n               {} died, {} leads, the same bytes came out; {}", got.message, victim, leads,
                     rejoin(victim));
}

std::string tour::lose_first() {
  const auto id = on_.backend_id("be1");
  std::uint64_t held = 0;
  for (const auto& one : replicas())
    held += one.backend == id ? 1 : 0;
  on_.node("be1").kill();
  wait_healthy({id});
  return fmt::format("{} replicas were on be1, all {} tablets have {} good ones elsewhere", held,
                     options_.tablets, options_.replicas);
}

std::string tour::bring_back(const std::string& name) {
  auto& node = on_.node(name);
  const auto id = on_.backend_id(name);
  const auto stale = tablets_on(node.place().disk_dirs()).size();
  on_.start_node(name);
  // The catalog must be right, and so must the disk: what no tablet wants is deleted there.
  on_.wait_until(fmt::format("{} holds only what it should", name), [&]() -> std::string {
    const auto got = on_.rows("SHOW BACKENDS");
    for (const auto& one : read_backends(ctl::row_reader{got.rows()}))
      if (one.id == id && !one.alive)
        return fmt::format("{} is not alive yet: {}", name, one.error);
    std::set<std::uint64_t> wanted;
    for (const auto& one : replicas())
      if (one.backend == id)
        wanted.insert(one.tablet);
    for (const auto tablet : tablets_on(node.place().disk_dirs()))
      if (!wanted.contains(tablet))
        return fmt::format("{} still has files of tablet {}, which has no replica there", name,
                           tablet);
    return health_fault({});
  });
  return fmt::format(
    "it came back with {} tablets; every tablet has exactly {} replicas at version {}", stale,
    options_.replicas, version_);
}

std::string tour::lose_second_and_leader() {
  const auto id = on_.backend_id("be2");
  const auto leader = on_.leader().name(); // Asked now: later there is no time.
  on_.node("be2").kill();
  // No pause between two looks: repairs of a small table are over in a blink.
  std::uint64_t sick = 0;
  std::uint64_t in_flight = 0;
  const auto give_up = steady::now() + notice_limit;
  while ((sick = unhealthy()) == 0 || (in_flight = repairs_in_flight()) == 0)
    if (steady::now() > give_up)
      throw play_failure(sick == 0 ? "nobody noticed that be2 is gone" : "no repair was seen before all were over");
  on_.node(leader).kill();
  if (!group())
    on_.start_node(leader);
  wait_healthy({id});
  const auto back = group() ? "; " + rejoin(leader) : std::string{};
  return fmt::format(
    "{} of {} tablets were unhealthy, {} repairs in flight when {} died; all healthy again{}", sick,
    options_.tablets, in_flight, leader, back);
}

std::string tour::damage_one() {
  const auto all = replicas();
  // An export reads one replica of each tablet, most likely the first one listed.  If it does
  // not notice, it read another; damage a second one, but never the last.
  std::string tried;
  for (std::size_t i = 0; i < all.size() && i + 1 < options_.replicas; ++i) {
    const auto& one = all[i];
    if (one.tablet != all.front().tablet)
      break;
    const auto name = name_of(one.backend);
    std::vector<std::filesystem::path> files;
    for (const auto& disk : on_.node(name).place().disk_dirs())
      for (auto& file : segments_on(disk, one.tablet))
        files.push_back(std::move(file));
    if (files.empty())
      throw play_failure(
        fmt::format("{} should hold tablet {} and has no segment file of it", name, one.tablet));
    const auto byte = damage(files.front());
    tried += fmt::format("{}{}", tried.empty() ? "" : ", ", byte.file.string());
    const auto out = options_.dir / "export-damaged";
    on_.run(fmt::format("EXPORT TABLE {} TO {}", options_.table, statement_string(out.string())));
    if (digest_of_file(out) != before_)
      throw play_failure(
        fmt::format("the export read the damaged file {} and delivered it", byte.file.string()));
    if (!damage_is_noticed(one, byte))
      continue;
    wait_healthy({});
    on_.wait_until("the damaged file is gone or right again", [&]() -> std::string {
      return still_damaged(byte) ? fmt::format("{} still has the wrong byte", byte.file.string())
                                 : std::string{};
    });
    return fmt::format(
      "byte {} of tablet {} on {}: the export was right, the replica was made anew", byte.offset,
      one.tablet, name);
  }
  throw play_failure(fmt::format("exports were right but nobody noticed the damage in {}", tried));
}

/// The export read this replica if the catalog now says it is bad, or has mended it already.
bool tour::damage_is_noticed(const replica_row& one, const damaged_byte& byte) {
  try {
    on_.wait_until(
      "the damage is noticed",
      [&]() -> std::string {
        if (unhealthy() > 0 || !still_damaged(byte))
          return {};
        for (const auto& now : replicas())
          if (now.tablet == one.tablet && now.replica == one.replica)
            return "the replica counts as good";
        return {};
      },
      3s);
    return true;
  } catch (const play_failure&) {
    return false;
  }
}

std::string tour::compare() {
  const auto out = options_.dir / "export";
  on_.run(fmt::format("EXPORT TABLE {} TO {}", options_.table, statement_string(out.string())));
  const auto after = digest_of_file(out);
  const auto text = fmt::format("in   {} lines  sha256 {}\n               out  {} lines  sha256 {}",
                                before_.lines, before_.sha256, after.lines, after.sha256);
  if (after != before_)
    throw play_failure(
      fmt::format("what came out is not what went in:\n               {}\n  compare {} with {}",
                  text, options_.data.string(), out.string()));
  return text + "\n               the same";
}

// -- looking -----------------------------------------------------------------------------

std::vector<replica_row> tour::replicas() {
  const auto got = on_.rows("SHOW TABLETS FROM " + options_.table);
  auto out = read_replicas(ctl::row_reader{got.rows()});
  if (out.empty())
    throw play_failure(fmt::format("SHOW TABLETS FROM {} is empty", options_.table));
  return out;
}

std::uint64_t tour::unhealthy() {
  const auto got = on_.rows("SHOW PROC '/statistic'");
  const auto number = unhealthy_tablets(ctl::row_reader{got.rows()});
  if (!number)
    throw play_failure("SHOW PROC '/statistic' has no UnhealthyTabletNum");
  return *number;
}

std::uint64_t tour::repairs_in_flight() {
  std::uint64_t count = 0;
  for (const auto* queue : {"pending_tablets", "running_tablets"})
    count
      += on_.rows(fmt::format("SHOW PROC '/cluster_balance/{}'", queue)).rows().getRows().size();
  return count;
}

std::string tour::health_fault(const std::set<std::uint64_t>& avoid) {
  if (const auto sick = unhealthy(); sick > 0)
    return fmt::format("{} tablets are unhealthy", sick);
  return placement_fault(replicas(), {options_.tablets, options_.replicas, version_, avoid});
}

void tour::wait_healthy(const std::set<std::uint64_t>& avoid) {
  on_.wait_until("every tablet is healthy", [&] { return health_fault(avoid); });
}

std::string tour::name_of(std::uint64_t backend) {
  for (const auto& one : on_.nodes())
    if (one->place().role == node_role::be && on_.backend_id(one->name()) == backend)
      return one->name();
  throw play_failure(fmt::format("no node of play is backend {}", backend));
}

} // namespace

void run_tour(cluster& on, const tour_options& options) { tour{on, options}.run(); }

void create_demo_table(cluster& on, const std::string& table, std::uint32_t tablets, std::uint32_t replicas) {
  const auto create = fmt::format(
    "CREATE TABLE {} (KEY 1) BUCKETS {} PROPERTIES(\"replication_num\"=\"{}\", "
    "\"column_separator\"=\";\")",
    table, tablets, replicas);
  // A backend is alive a moment before it has said what is on its disks, and takes no replicas
  // until then.
  on.wait_until(
    "the table can be placed",
    [&]() -> std::string {
      const auto got = on.server().execute(create);
      if (got.error.code == api::ErrorCode::RESOURCE_EXHAUSTED)
        return got.error.message;
      if (!got.ok())
        throw play_failure(fmt::format("{}: {}", create, got.error.message));
      return {};
    },
    placed_limit);
}

std::string load_demo(cluster& on, const std::filesystem::path& data, const std::string& table,
                      std::uint32_t tablets, std::uint32_t replicas) {
  on.run("CREATE DATABASE " + table.substr(0, table.find('.')));
  create_demo_table(on, table, tablets, replicas);
  const auto got
    = on.run(fmt::format("LOAD FILE {} INTO {}", statement_string(data.string()), table));
  return got.message;
}

} // namespace tabletd::play
