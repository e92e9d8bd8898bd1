// What this process knows of itself: /proc/self, its actors, its supervisors.  See
// metric_registry.h.
#include "actors/supervision/ports.h"
#include "node/log.h"
#include "node/metric_registry.h"
#include <sys/resource.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace tabletd {

namespace {

/// The fields of /proc/self/stat behind the command name, which may hold blanks; empty if
/// there is no such file.  Field n of proc(5) is at n - 3.
std::vector<std::string> own_stat() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;)
    fields.push_back(field);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double value = 0;
  while (file >> word)
    if (word == "btime" && file >> value)
      return value;
  return 0;
}

double open_files() {
  std::error_code unreadable;
  const std::filesystem::directory_iterator files("/proc/self/fd", unreadable);
  return unreadable ? 0 : static_cast<double>(std::distance(begin(files), end(files)) - 1); // One is the listing's own.
}

std::string_view known(std::string_view value, label_vocabulary vocabulary) {
  const auto at = std::find(vocabulary.begin(), vocabulary.end(), value);
  return at == vocabulary.end() ? vocabulary.back() : *at;
}

void add_to(histogram_counts& sum, const histogram_counts& more) {
  sum.buckets.resize(std::max(sum.buckets.size(), more.buckets.size()));
  for (std::size_t i = 0; i < more.buckets.size(); ++i)
    sum.buckets[i] += more.buckets[i];
  sum.sum += more.sum;
}

/// One actor type's numbers, so that unknown types can be summed up.
struct type_numbers {
  std::int64_t alive = 0, waiting = 0;
  std::uint64_t spawned = 0, messages = 0, slow_turns = 0;
  std::array<std::uint64_t, 5> terminated{};
  histogram_counts handling, mailbox_wait;
  type_numbers() { handling.buckets.resize(fast_bounds.size() + 1), mailbox_wait.buckets.resize(fast_bounds.size() + 1); }
};

} // namespace

void add_process_metrics(metric_page& page) {
  const auto stat = own_stat();
  if (stat.size() < 22)
    return; // No /proc: nothing is better than zeros.
  const auto field = [&](std::size_t number) { return std::stod(stat[number - 3]); };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  page.add(families::process_cpu, (field(14) + field(15)) / ticks);
  page.add(families::process_resident, field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  page.add(families::process_virtual, field(23));
  page.add(families::process_start, boot_time() + field(22) / ticks);
  page.add(families::process_open_fds, open_files());
  ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    page.add(families::process_max_fds, static_cast<double>(limit.rlim_cur));
}

void add_actor_metrics(metric_page& page) {
  std::map<std::string_view, type_numbers> types;
  for (const auto type : vocabulary::actor)
    types[type];
  actor_metrics().each([&](const std::string& type, const actor_type_stats& stats) {
    auto& sum = types[known(type, vocabulary::actor)];
    sum.alive += stats.alive;
    sum.waiting += stats.waiting;
    sum.spawned += stats.spawned;
    sum.messages += stats.messages;
    sum.slow_turns += stats.slow_turns;
    for (std::size_t i = 0; i < sum.terminated.size(); ++i)
      sum.terminated[i] += stats.terminated[i];
    add_to(sum.handling, stats.handling.counts());
    add_to(sum.mailbox_wait, stats.mailbox_wait.counts());
  });
  for (const auto& [type, sum] : types) {
    page.add(families::actors, {type}, static_cast<double>(sum.alive));
    page.add(families::actor_mailbox, {type}, static_cast<double>(std::max<std::int64_t>(sum.waiting, 0)));
    page.add(families::actor_spawned, {type}, static_cast<double>(sum.spawned));
    page.add(families::actor_messages, {type}, static_cast<double>(sum.messages));
    page.add(families::actor_slow_turns, {type}, static_cast<double>(sum.slow_turns));
    for (std::size_t i = 0; i < sum.terminated.size(); ++i)
      page.add(families::actor_terminated, {type, vocabulary::term_reason[i]}, static_cast<double>(sum.terminated[i]));
    page.add(families::actor_processing, {type}, sum.handling, fast_bounds);
    page.add(families::actor_mailbox_wait, {type}, sum.mailbox_wait, fast_bounds);
  }
  for (std::size_t i = 0; i < std::size(vocabulary::undelivered); ++i)
    page.add(families::actor_dropped, {vocabulary::undelivered[i]}, static_cast<double>(actor_metrics().dropped[i]));
}

void add_supervision_metrics(metric_page& page) {
  std::map<std::string_view, supervisor_totals> totals;
  for (const auto name : vocabulary::supervisor)
    totals[name];
  for (const auto& [name, of_one] : supervision_tree().totals()) {
    auto& sum = totals[known(name, vocabulary::supervisor)];
    for (std::size_t i = 0; i < sum.children.size(); ++i)
      sum.children[i] += of_one.children[i];
    sum.restarts += of_one.restarts;
    sum.escalations += of_one.escalations;
  }
  for (const auto& [name, sum] : totals) {
    for (std::size_t i = 0; i < sum.children.size(); ++i)
      page.add(families::supervisor_children, {name, vocabulary::child_state[i]}, static_cast<double>(sum.children[i]));
    page.add(families::supervisor_restarts, {name}, static_cast<double>(sum.restarts));
    page.add(families::supervisor_escalations, {name}, static_cast<double>(sum.escalations));
  }
}

} // namespace tabletd
