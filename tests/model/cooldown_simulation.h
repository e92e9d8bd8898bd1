#pragma once
// One tablet's cooldown on four backends under three front ends, in one thread and made-up time: clocks whose rates are
// wrong by up to 1 %, messages lost, late, twice and out of order, partitions, leaders that do not know they are
// deposed, processes that crash between any two effects or freeze past their lease in the middle of a put, a store that
// fails or forgets to answer, loads that miss a replica, local files that rot, clones of every kind, compaction,
// cleanup, policies that name another store. The models of both sides are the real ones; consensus, the store and the disks are their promises.
#include "actors/model/cooldown_handler.h"
#include "actors/model/cooldown_replica.h"

#include <array>
#include <bitset>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace tabletd::test {

using namespace model;

/// A rule that is not kept.
enum class cooldown_mutant : int {
  none,
  patience_equals_lease,        ///< T_fe = T_be.
  lease_from_answer,            ///< The backend counts from when the acknowledgement came.
  acknowledges_unproved,        ///< A deposed leader's acknowledgement counts.
  acknowledges_while_granting,  ///< A tenure is prolonged while its end is on the way into the log.
  acknowledges_everybody,       ///< Not the uploader's reports only.
  acknowledges_any_term,        ///< An acknowledgement prolongs whatever term the backend believes in.
  new_leader_does_not_wait,     ///< It takes silence before its own beginning for known.
  hardly_waits,                 ///< T_fe of five minutes.
  takes_late_confs,             ///< An older term replaces a newer one.
  pushes_before_commit,         ///< U8.
  fold_ignores_term,
  fold_ignores_id,
  follows_backwards,        ///< U9 b.
  clone_lets_follow_go_on,  ///< U9 c.
  clone_takes_any_set,      ///< B10: a full clone brings an older set.
  skips_by_version,         ///< #32798.
  forgets_what_it_asked,    ///< The request is not saved before it is sent.
  guesses_lost_answers,     ///< No answer is taken for a no.
  believes_stale_refusals,  ///< A leader whose catalog is behind refuses for good.
  discards_what_it_asked,   ///< Deletes its objects when a publication is refused.
  saves_before_commit,      ///< Local data goes when the publication has been asked for (U7 of testing.md).
  deletes_unconfirmed,
  confirms_without_log,  ///< A deposed leader's word is enough.
  confirm_ignores_dead,
  confirm_ignores_count,
  confirm_ignores_clones,
  confirm_ignores_terms,      ///< Of the reports.
  confirm_ignores_ids,        ///< Reports count whatever set they name.
  confirm_compares_replicas,  ///< All the same id as the request's; whether it is published is not asked (D-B11).
  confirm_ignores_uploader,   ///< Whoever asks.
  deletes_after_expiry,       ///< U7.
  lists_its_own_store_only,   ///< And not the others that the leader tells of.
  moves_by_reference,         ///< Another store is published before the objects are there.
  one_nonce,                  ///< And puts are not conditional.
  comes_home_early,           ///< A recall is saved when one rowset is here.
  comes_home_under_old_id,    ///< A recall leaves the set's id as it was.
  forgets_recalls,            ///< A conf does not say that everything was recalled in between.
  recalls_unasked,            ///< The leader and the fold take "nothing is remote" whenever an uploader says so.
  count
};
[[nodiscard]] const char* name_of(cooldown_mutant mutant);
/// Several at once, for rules that stand behind each other.
using cooldown_mutants = std::bitset<static_cast<std::size_t>(cooldown_mutant::count)>;

struct cooldown_simulation_counts {
  std::uint64_t events = 0, grants = 0, revocations = 0, leaders = 0, crashes = 0, freezes = 0, late_puts = 0,
                loads = 0, publications = 0, refused_publications = 0, compactions = 0, follows = 0, deletions = 0,
                discards = 0, confirms = 0, refused_confirms = 0, incremental_clones = 0, full_clones = 0,
                uploader_clones = 0, moves = 0, losses = 0, policies = 0, asked_again = 0, reads_missed = 0,
                store_changes = 0, store_moves = 0, republished = 0,
                recalls = 0, recalls_published = 0, homecomings = 0;
  cooldown_simulation_counts& operator+=(const cooldown_simulation_counts& other);
};

class cooldown_simulation {
public:
  explicit cooldown_simulation(std::uint64_t seed, cooldown_mutants broken = {});
  cooldown_simulation(const cooldown_simulation&) = delete;  // What is due refers to it.
  cooldown_simulation& operator=(const cooldown_simulation&) = delete;

  /// Empty: every promise held.
  [[nodiscard]] std::string run();
  [[nodiscard]] const cooldown_simulation_counts& counts() const { return counts_; }
  void tell(std::function<void(const std::string&)> listener) { tell_ = std::move(listener); }

private:
  static constexpr std::size_t backends = 4, frontends = 3;
  using versions = std::bitset<256>;
  static constexpr std::array stores{resource_id{1}, resource_id{2}};

  struct clock {
    std::int64_t error{};  ///< In 1/10,000.
    time_ms offset{};
    [[nodiscard]] time_ms show(time_ms now) const { return time_ms(now.count() * (10'000 + error) / 10'000) + offset; }
  };
  struct object {
    versions holds;
    std::optional<remote_meta> meta;
  };
  struct backend {
    std::size_t place{};
    clock its;
    bool up = true;
    std::uint64_t boot = 1;
    time_ms frozen_until{};
    std::optional<replica_disk> disk;  ///< Durable.
    std::optional<cooldown_replica> process;
    std::map<std::uint64_t, time_ms> sent;  ///< Reports of this boot.
    std::uint64_t reports = 0;
    std::optional<report_acknowledged> last_ack;
    std::map<model::term, time_ms> acks;  ///< As leaders meant them: of each term the report sent last.
    resource_id policys{1};  ///< As it last heard.
    std::string asked_last;
    time_ms deletion_asked_at{};
    bool recall = false;  ///< As the leader last told it.
  };
  struct asker {
    std::size_t place{};
    std::uint64_t boot{}, job{};
  };
  struct leader {
    std::size_t node{};
    bool current = true;
    bool gone = false;
    cooldown_handler handler;
    cooldown_handler liar;                    ///< Hears what a mutant makes of the reports.
    std::optional<cooling_tablet> last_seen;  ///< Deposed: its catalog stands still.
    std::array<time_ms, backends> contact{};
    std::map<std::uint64_t, asker> askers;
    std::set<std::pair<replica_id, model::term>> heard;  ///< Who has reported in which terms.
  };
  using leader_ptr = std::shared_ptr<leader>;
  using question_fn = std::function<cooldown_event(std::uint64_t request)>;
  struct proposal {
    leader_ptr by;
    std::function<void()> apply;
    bool open = true;
  };
  struct replica_row {
    replica_id id{};
    std::size_t place{};
    bool bad = false;
  };
  struct due {
    time_ms at{};
    std::uint64_t order{};
    std::function<void()> act;
    bool operator<(const due& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };
  struct running_clone {
    std::uint64_t number{};
    replica_id to{};
    std::size_t place{};
    bool full = false;
    std::optional<replica_id> instead_of;  ///< A new replica; this one goes when it is complete.
  };

  // -- chance and time
  std::uint64_t below(std::uint64_t end) { return dice_() % end; }
  bool chance(std::uint64_t per_10_000) { return faulty_ && below(10'000) < per_10_000; }
  time_ms within(time_ms span) {
    return time_ms(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(span.count()) + 1)));
  }
  void later(time_ms span, std::function<void()> act) { queue_.push({now_ + span, ++order_, std::move(act)}); }
  /// In that process, unless it has crashed; when it is awake.
  void in_process(const backend& b, time_ms span, std::function<void(backend&)> act);
  void require(bool holds, const char* what) const {
    if (!holds)
      throw std::logic_error(what);
  }
  void say(const std::string& what) {
    if (tell_)
      tell_(std::to_string(now_.count() / 1000) + " s: " + what);
  }
  [[nodiscard]] bool is(cooldown_mutant mutant) const { return broken_.test(static_cast<std::size_t>(mutant)); }
  [[nodiscard]] time_ms message_delay();

  // -- cooldown_simulation.cpp: trouble, what must hold.
  void draw_faults();
  void run_until(time_ms end);
  void minute();
  void make_trouble();
  void crash(backend& b);
  void start(backend& b);
  void heal();
  void tell_stuck();
  void recall(bool on);
  [[nodiscard]] versions covered_by(const replica_disk& disk) const;
  [[nodiscard]] bool is_complete(const replica_disk& disk) const;
  [[nodiscard]] std::string why_not_done() const;
  void check_disk(const replica_disk& disk);
  void check_set(const replica_disk& disk);
  void alter_policy();
  void check_references();
  void check_believers();

  // -- cooldown_simulation_promises.cpp: what each side promises the other, whether or not a breach did harm so far.
  void check_lease(const backend& b) const;
  void check_confirmation(const leader& l, const deletion_asked& asked) const;
  void check_confirmed(std::uint64_t request) const;
  void check_deletion(const backend& b) const;
  void check_saved(const replica_disk& disk, const set_change& change) const;
  void check_refusal(std::uint64_t request, publication_verdict verdict) const;

  // -- cooldown_simulation_repair.cpp: loads, and what the scheduler of repairs does.
  void load();
  void repair();
  void begin_clone(replica_row* row, bool full);
  void begin_move();
  void open_snapshot(running_clone clone);
  [[nodiscard]] bool is_inside_others(const running_clone& clone, const replica_disk& source) const;
  void install_clone(const running_clone& clone, const cloned_set& set);
  void end_clone(const running_clone& clone, bool done);
  [[nodiscard]] replica_row* row_of(replica_id id);
  [[nodiscard]] replica_row* row_at(std::size_t place);

  // -- cooldown_simulation_leader.cpp: messages, the leader's host, the log.
  void elect();
  [[nodiscard]] cooling_tablet view_of(const leader& l) const;
  void feed(const leader_ptr& l, const cooldown_event& event);
  void carry_out(const leader_ptr& l, const cooldown_effect& effect);
  void propose(const leader_ptr& l, std::function<void()> apply, std::function<void()> failed);
  void answer(const leader_ptr& l, std::uint64_t request, std::function<void(backend&, std::uint64_t)> deliver);
  void ask(const leader_ptr& l, const asker& who, const question_fn& question);
  [[nodiscard]] bool confirms_by_lies() const;
  void confirm_by_lies(const leader_ptr& l, const deletion_asked& asked);
  void publish(const leader_ptr& l, const publication_asked& asked);
  [[nodiscard]] publication_verdict fold_publication(const publication_asked& asked);
  void confirm(const leader_ptr& l, const deletion_asked& asked);
  void acknowledge(const leader_ptr& l, const acknowledge_report& e);
  void to_backend(const leader_ptr& l, std::size_t place, std::function<void(backend&)> deliver);
  void to_leader(const backend& b, std::function<void(const leader_ptr&)> deliver, bool question = false);
  // -- cooldown_simulation_backend.cpp: the backend's host, the store.
  void report(backend& b);
  void feed(backend& b, const replica_event& event);
  void carry_out(backend& b, const replica_effect& effect);
  [[nodiscard]] std::function<void(backend&)> tell_done(std::uint64_t job);
  void on(backend& b, const put_segment& e);
  void on(backend& b, const put_meta& e);
  void on(backend& b, const save_asked& e);
  void on(backend& b, const ask_publication& e);
  void on(backend& b, const forget_asked& e);
  void on(backend& b, const fetch_meta& e);
  void on(backend& b, const save_set& e);
  void on(backend& b, const bring_home& e) { fetch_home(b, e, 0); }
  void fetch_home(backend& b, const bring_home& e, std::size_t next);
  void save_home(backend& b, const bring_home& e, std::size_t fetched);
  void on(backend& b, const discard_objects& e);
  void on(backend& b, const list_objects& e);
  void on(backend& b, const ask_deletion& e);
  void on(backend& b, const delete_object& e);
  void on(backend&, const refuse_conf&) {}
  void on(backend&, const retry_reads&) {}
  void on(backend&, const fail_reads&) {}
  void ask_leader(const backend& b, std::uint64_t job, const question_fn& question);
  void store_call(backend& b, std::uint64_t job, bool changes, std::function<bool()> land,
                  std::function<void(backend&)> done);
  void put(backend& b, std::uint64_t job, resource_id in, const std::string& name, object what,
           std::function<void(backend&)> done);
  void write_disk(const backend& b, std::uint64_t job, std::function<bool(replica_disk&)> change);
  void remove(resource_id in, const std::string& name);
  [[nodiscard]] const object* find(resource_id in, const std::string& name) const;

  const cooldown_mutants broken_;
  std::mt19937_64 dice_;
  bool faulty_ = true;
  time_ms now_{std::chrono::hours(1)};
  std::uint64_t order_ = 0;
  std::priority_queue<due> queue_;
  std::function<void(const std::string&)> tell_;
  cooldown_simulation_counts counts_;

  struct {
    std::uint64_t lost{}, twice{}, slow{}, very_late{}, crash_step{}, crash{}, freeze{}, cut{}, elect{}, store{},
        slow_put{}, loss{}, rot{}, clone{}, move{}, missed{}, empty{}, proposal{}, late_question{}, rewrite{}, policy{},
        place{}, recall{};
  } odds_;
  std::vector<backend> backends_;
  std::array<clock, frontends> fe_clocks_{};
  std::set<std::pair<std::size_t, std::size_t>> cut_;  ///< Backend, front end.
  leader_ptr leader_;
  std::list<leader_ptr> deposed_;
  std::vector<std::shared_ptr<proposal>> proposals_;
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, publication_asked> publications_asked_;
  std::set<std::uint64_t> confirmations_logged_;

  // What the log says.
  std::vector<replica_row> rows_;
  cooldown_conf conf_;
  version visible_ = version_initial;
  bool recalled_ = false;  ///< Nothing shall be remote; no policy meanwhile.
  std::optional<running_clone> clone_;
  std::uint64_t clones_ = 0;
  std::uint64_t next_replica_ = 101;
  std::map<remote_meta_id, remote_meta> committed_;  ///< Every set that ever was published.
  resource_id policys_{1};

  std::map<std::pair<resource_id, std::string>, object> store_;
  std::set<std::string> ever_put_;
  std::map<replica_id, versions> readable_;
  std::map<replica_id, remote_meta_id> newest_id_;
  cooling_rule rule_;
  std::uint32_t wanted_ = 3;  ///< Replicas.  A fourth never comes.
};

}  // namespace tabletd::test
