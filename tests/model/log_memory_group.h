#pragma once
// A group of three front ends made of the log's memory models alone, in a world where a step is one
// millisecond.  Leaders are appointed by the test; commit is what a majority has on its disks.  Every
// step checks the invariants of design/journal.md section 10 that memory control could break.
#include "actors/model/append_gate.h"
#include "actors/model/log_admission.h"
#include "actors/model/log_cache.h"
#include "actors/model/memory_governor.h"
#include "actors/model/send_window.h"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::test {

using namespace model;
using namespace std::chrono_literals;

inline constexpr std::uint64_t KiB = 1'024, MiB = 1'024 * KiB;
inline constexpr std::size_t group_size = 3;
inline constexpr time_ms heartbeat_every{100};

/// Section 11's: decoding costs nothing, so that an entry of 4 KiB costs 4,192 bytes.
memory_limits section_11();

struct group_options {
  memory_limits memory = section_11();
  cache_limits cache;
  admission_times door;
  bool lose_resume = false;  ///< What a follower says unasked never arrives.
};

struct sim_entry {
  model::term term{};
  std::uint64_t ticket{};  ///< 0: the leader's own, empty.
  std::uint64_t bytes{};
  friend bool operator==(const sim_entry&, const sim_entry&) = default;
};
/// What the caches hold of it: enough to recognise it.
[[nodiscard]] std::string payload_of(const sim_entry& entry);

struct append_packet {
  model::term term{};
  std::uint64_t sequence{};  ///< 0: a heartbeat.
  std::uint64_t prev{};
  model::term prev_term{};
  std::uint64_t commit{};
  std::uint64_t all_have{};  ///< Of a heartbeat: every voter has it, so it may be trimmed.
  std::vector<sim_entry> entries{};
  std::uint64_t bytes{};
};
struct answer_packet {
  model::term term{};
  append_answer answer;
  bool installed = false;  ///< A snapshot.
};
struct snapshot_packet {
  model::term term{};
  std::uint64_t index{};
  std::vector<sim_entry> log;  ///< Up to index; a real one has state instead.
};
struct packet {
  time_ms arrives{};
  std::variant<append_packet, answer_packet, snapshot_packet> what;
};

struct write_under_way {
  std::uint64_t upto{};
  time_ms done{};
};

/// One front end.  What dies with the process is in `memory`.
struct sim_host {
  struct in_memory {
    in_memory(const group_options& options, std::uint64_t window_bytes);
    memory_governor governor;
    log_cache<std::string> cache;
    append_gate gate;
    log_admission door;
    std::array<std::unique_ptr<send_window>, group_size> windows;  ///< Of a leader.
    snapshot_turn turn;
    std::array<bool, group_size> snapshot_sent{};
  };

  std::size_t id{};
  std::unique_ptr<in_memory> memory;
  bool alive = true, frozen = false;
  bool store_paused = false, apply_paused = false;
  time_ms store_takes{1};
  std::int64_t apply_us = 10;  ///< Per entry.
  std::uint64_t decoded_factor = 1;
  bool leads = false;

  model::term term = 1;
  std::vector<sim_entry> log;  ///< log[i - 1] is entry i; what the consensus core knows.
  std::uint64_t trimmed = 0;   ///< Rows up to here are not on the disk any more.
  std::uint64_t verified = 0;  ///< As the leader of this term has it.
  std::uint64_t newest_sequence = 0;
  std::uint64_t all_have = 0;  ///< As the leader says.
  std::size_t leader = 0;
  std::optional<write_under_way> write;
  std::int64_t apply_credit_us = 0;
  time_ms heard{};  ///< From a leader.

  // What the tests look at.
  std::uint64_t apply_reads = 0, send_reads = 0;  ///< Entries read from the disk again.
  std::uint64_t busy_answers = 0, snapshots_installed = 0;
  std::uint64_t append_max_bytes = 0;  ///< Received.
  std::uint64_t inbox_peak_bytes = 0;
  std::vector<std::uint64_t> received_first;  ///< Of every message with entries.
};

enum class fate : std::uint8_t { waiting, logged, acknowledged, overloaded, too_large, dismissed, unknown };
struct proposal_fate {
  fate is{};
  overload why = overload::none;
  time_ms retry_after{};
  time_ms since{};
  std::size_t host = 0;  ///< Whose door.
};

class log_group {
public:
  explicit log_group(const group_options& options = {});

  sim_host& operator[](std::size_t id) { return hosts_[id]; }
  sim_host& leader() { return hosts_[leader_]; }
  memory_governor& governor(std::size_t id) { return hosts_[id].memory->governor; }
  [[nodiscard]] time_ms now() const { return now_; }

  // -- what happens ---------------------------------------------------------------------------
  /// Of the leader's door.  Tickets count from 1.
  std::uint64_t propose(std::uint64_t bytes = 4 * KiB, proposal_priority priority = proposal_priority::normal,
                        std::optional<time_ms> deadline = {});
  void step();
  void run(time_ms span);
  /// Until everybody has applied the leader's log and nothing is under way, or `at_most` has passed: then false.
  bool settle(time_ms at_most);
  void elect(std::size_t id);
  void kill(std::size_t id);
  void restart(std::size_t id);
  void cut(std::size_t a, std::size_t b);
  void heal(std::size_t a, std::size_t b);
  void want_state_machine(std::size_t id, std::uint64_t bytes);

  // -- what one sees --------------------------------------------------------------------------
  [[nodiscard]] const proposal_fate& fate_of(std::uint64_t ticket) const { return fates_[ticket - 1]; }
  [[nodiscard]] std::size_t count(fate is) const;
  [[nodiscard]] std::size_t count(fate is, overload why) const;
  [[nodiscard]] const std::vector<std::uint64_t>& acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t inbox_bytes(std::size_t id) const;
  /// Nothing may be left in memory once what may be read again is dropped.
  void expect_all_free();
  /// Every entry that is not in memory is on the disk (I12).  Slow.
  void expect_readable();
  /// What was acknowledged is in the leader's log (I2).  Slow.
  void expect_acknowledged_survive();
  /// How long a follower that could hear went without hearing a leader, at most.
  [[nodiscard]] time_ms longest_silence() const { return longest_silence_; }

private:
  using link = std::deque<packet>;
  link& from_to(std::size_t from, std::size_t to) { return links_[from][to]; }
  void send(std::size_t from, std::size_t to, packet what);
  void receive(sim_host& host);
  bool handle(sim_host& host, std::size_t from, const packet& what);
  void on_append(sim_host& host, std::size_t from, const append_packet& what);
  std::vector<std::uint64_t> new_entries(sim_host& host, const append_packet& what, std::size_t& known);
  void on_answer(sim_host& host, std::size_t from, const answer_packet& what);
  void on_snapshot(sim_host& host, std::size_t from, const snapshot_packet& what);
  void answer(sim_host& host, append_answer what, bool installed = false);
  void follow(sim_host& host, model::term term, std::size_t leader);
  void lose_touch(sim_host& leader, std::size_t follower);
  void step_down(sim_host& host);
  void store(sim_host& host);
  void apply(sim_host& host);
  bool apply_one(sim_host& host);
  bool read_for_apply(sim_host& host);
  static std::uint64_t match_min(const sim_host& leader);
  void after_release(sim_host& host);
  void wake(sim_host& host);
  void make_room(sim_host& host, std::uint64_t missing);
  void lead(sim_host& host);
  void advance_commit(sim_host& host);
  void heartbeat(sim_host& host);
  void pump(sim_host& host, std::size_t to);
  void send_snapshot_to(sim_host& host, std::size_t to);
  void send_batch(sim_host& host, std::size_t to, const send_entries& what);
  void log_entry(sim_host& host, const sim_entry& entry, std::uint64_t charge);
  void settle_fate(sim_host& host, const admission_answer& answer);
  void check(sim_host& host);

  group_options options_;
  time_ms now_{};
  std::array<sim_host, group_size> hosts_;
  std::array<std::array<link, group_size>, group_size> links_;
  std::array<std::array<bool, group_size>, group_size> cut_{};
  std::size_t leader_ = 0;
  std::vector<proposal_fate> fates_;
  std::map<std::uint64_t, std::uint64_t> proposed_bytes_;
  std::vector<std::uint64_t> acknowledged_;
  std::vector<sim_entry> truth_;  ///< What anybody applied, by index.
  std::uint64_t message_max_ = 0;
  time_ms longest_silence_{};
};

}  // namespace tabletd::test
