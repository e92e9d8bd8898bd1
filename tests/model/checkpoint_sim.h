#pragma once
// Front ends that checkpoint, in one thread and made-up time: crashes, elections nobody tells the old
// leader of, messages lost, late and twice, full disks, files that are cut, flipped or found damaged.
// The controllers, workers and receivers are the real ones; consensus is its promise (who leads is in
// a majority's term; what committed is on a majority).
#include "actors/model/checkpoint_controller.h"
#include "actors/model/checkpoint_worker.h"

#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;

class checkpoint_sim {
public:
  struct outcome {
    std::uint64_t attempts{}, done{}, deletions{}, excused{}, readmitted{}, restarts{}, damaged{}, elections{},
      pressed{}, minorities{}; ///< The last: of two members and more that stayed down together.
    outcome& operator+=(const outcome& other) {
      for (const auto count : {&outcome::attempts, &outcome::done, &outcome::deletions, &outcome::excused,
                               &outcome::readmitted, &outcome::restarts, &outcome::damaged, &outcome::elections, &outcome::pressed,
                               &outcome::minorities})
        this->*count += other.*count;
      return *this;
    }
  };
  checkpoint_sim(std::uint64_t seed, std::size_t members);
  checkpoint_sim(const checkpoint_sim&) = delete; // What is due refers to it.
  checkpoint_sim& operator=(const checkpoint_sim&) = delete;
  /// Faults for `faulty`, then none for `calm`; in some histories as many as can be are down for the same time
  /// in between.  Throws std::logic_error with the broken promise.
  outcome run(time_ms faulty, time_ms calm);
  /// Tells the history in words; before run().
  void tell(std::function<void(const std::string&)> listener) { tell_ = std::move(listener); }

private:
  struct node {
    node_id id{};
    bool up = true;
    boot_id boot{};
    term known{};              ///< Durable, as consensus's.
    std::uint64_t applied{};   ///< Durable: its journal goes that far,
    std::uint64_t deleted{};   ///< begins after this,
    std::uint64_t hole{};      ///< and lacks something before this.
    std::vector<image_mark> disk;
    bool damaged = false;      ///< The newest image; found at the next start.
    bool disk_full = false;
    checkpoint_worker worker;
    std::optional<checkpoint_controller> controller; ///< It believes that it leads.
    std::map<node_id, time_ms> heard;
    std::uint64_t beat{};
    std::optional<attempt_id> ordered;
    time_ms ordered_at{};
    std::uint64_t fetch{};     ///< Number of the transfer under way; 0: none.
  };
  struct due {
    time_ms at{};
    std::uint64_t order{};
    std::function<void()> act;
    bool operator<(const due& other) const { return std::tie(other.at, other.order) < std::tie(at, order); }
  };

  // -- chance and time
  std::uint64_t below(std::uint64_t end) { return dice_() % end; }
  bool chance(std::uint64_t per_mille) { return faults_ && below(1'000) < per_mille; }
  time_ms within(time_ms span) {
    return time_ms(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(span.count()))));
  }
  void later(time_ms span, std::function<void()> act) { queue_.push({now_ + span, ++order_, std::move(act)}); }
  [[noreturn]] void broken(const std::string& what) const { throw std::logic_error(what); }
  void require(bool holds, const std::string& what) const {
    if (!holds)
      broken(what);
  }

  void note(node_id who, const std::string& what) {
    if (tell_)
      tell_(std::to_string(now_.count()) + " ms, fe " + std::to_string(who) + ": " + what);
  }
  void note_deletion(const node& n, const delete_journal& e);

  // -- consensus and its world
  node& at(node_id id) { return nodes_.at(id - 1); }
  [[nodiscard]] bool linked(node_id a, node_id b) const { return !cut_.contains({std::min(a, b), std::max(a, b)}); }
  [[nodiscard]] std::size_t majority() const { return nodes_.size() / 2 + 1; }
  /// Delivered to whatever process runs there by then.
  void send(node_id from, node_id to, std::function<void(node&)> deliver);
  void second();
  void write();
  void replicate(node& leader);
  void make_trouble();
  void elect();
  bool has_quorum(const node& n, term epoch);
  void crash(node& n);
  void start(node& n);
  void learn(node& n, term epoch);
  void lose_minority();
  void heal();

  // -- the leader's host
  void host(node& n);
  void ask_members(node& n);
  void feed(node& n, const checkpoint_event& e);
  void carry_out(node& n, const checkpoint_effect& effect);
  void fetch(node& n, const fetch_image& e);
  void push(node& n, const push_image& e);
  void prove(node& n, std::uint64_t proof);
  void log(node& n, const logged_decision& decision);
  void check_attempt(node& n, const checkpoint_event& e, const std::optional<attempt_id>& before);
  // -- a member's host
  void feed_worker(node& n, const worker_event& e);
  void work(node& n, const attempt_id& attempt, int steps_left, bool hangs);
  void save(node& n, const attempt_id& attempt, std::uint64_t id);
  [[nodiscard]] bool works_on(const node& n, const attempt_id& attempt) const;
  void receive(node& n, node_id from, const push_image& offer);
  std::optional<image_mark> read_back(const image_mark& sent);
  void put_in_place(node& n, const image_mark& image);
  void erase_journal(node& n, const delete_journal& e);

  void check_deletion(const node& by, const delete_journal& e);
  void check_end(std::uint64_t trigger);
  /// Who is up has an image of `trigger` and a journal that begins after it.
  void check_progress(std::uint64_t trigger);

  std::mt19937_64 dice_;
  bool faults_ = true;
  bool feels_pressure_ = false; ///< A full disk is noticed; no file is found damaged then.
  time_ms now_ = std::chrono::seconds(100);
  std::uint64_t order_ = 0;
  std::priority_queue<due> queue_;
  std::vector<node> nodes_;
  std::set<std::pair<node_id, node_id>> cut_;
  term term_ = 0;
  node_id leader_ = 0;
  std::uint64_t committed_ = 0;
  std::set<node_id> excused_;           ///< By the log.
  bool uses_newest_ = false;            ///< The same.
  std::uint64_t deleted_upto_ = 0;      ///< Ever ordered.
  std::map<std::uint32_t, std::uint64_t> contents_; ///< Checksum of every file ever made -> its image id.
  std::map<term, node_id> leaders_;
  std::uint64_t transfers_ = 0;
  checkpoint_options options_;
  outcome outcome_;
  std::function<void(const std::string&)> tell_;
};

} // namespace tabletd::test
