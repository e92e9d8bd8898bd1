#pragma once
// The journal actor: the only writer of the edit log.  Proposals that queue up while one
// transaction is being synced form the next one; nothing is answered before the catalog has
// folded it.  It never blocks: its child log_keeper does.
#include "actors/journal/delivery.h"
#include "actors/journal/group_orders.h"
#include "actors/journal/log_keeper.h"
#include "actors/journal/next_transaction.h"
#include "actors/journal/ports.h"
#include "actors/journal/memory_stats.h"
#include "actors/journal/read_queue.h"
#include "actors/model/log_admission.h"
#include "actors/model/unapplied_log.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tabletd {

struct journal_limits {
  /// What the log may hold in memory; model::limits_of() divides it.
  std::uint64_t memory_bytes = 64U << 20;
  /// Unapplied entries in memory and on disk together: it bounds how long recovery takes.
  std::uint64_t backlog_bytes = 64U << 20;
  std::uint64_t edit_bytes_max = 8U << 20;
  model::admission_times door;
  delivery_limits delivery;
  transaction_limits transaction;
};
/// Their shares, for a group in which so many others follow.
[[nodiscard]] model::memory_limits memory_of(const journal_limits& limits, std::size_t followers);

/// How the journal asks for images; from an actor's thread.
struct image_hooks {
  /// A leader has only this one left of what this node lacks: fetch it, then give the inbox an install_ended.
  std::function<void(const model::image_to_install&)> wanted = [](const model::image_to_install&) {};
  /// That install_ended was taken.  Not 0: the log begins there now, and the catalog has to be what
  /// the image says before it asks for a replay from there.
  std::function<void(std::uint64_t restarted_at)> over = [](std::uint64_t) {};
};

/// Everything a journal is made of.
struct journal_parts {
  std::shared_ptr<edit_log> log;
  std::shared_ptr<model::consensus_core> core;
  /// Of a new group; an existing log knows its own.  Empty: whoever takes this node in sends the log.
  std::vector<model::member> founders;
  start_image from;                     ///< What the catalog was loaded from.
  post_fn post = [](raft_mail) {};      ///< To the other members; called in the keeper's thread.
  std::function<bool(model::node_id)> takes = [](model::node_id) { return true; };  ///< See log_writer_ports.
  image_hooks images;
  members_fn members = [](const group_news&) {};  ///< Also called by open_journal, for what the log says.
  journal_limits limits;
  journal_stats_ptr stats = std::make_shared<journal_stats>();
  memory_stats_ptr memory = std::make_shared<memory_stats>();
  /// Called once, after everybody waiting has been answered, when the disk failed.  The journal
  /// is never healed in the process: end it (design/journal.md 9.3).
  std::function<void(const std::string& why)> on_fatal = [](const std::string&) {};
  std::function<model::time_ms()> now;  ///< Monotonic; empty: the steady clock.
  bool keeper_has_a_thread = true;      ///< False only in a frozen world.
};

/// A journal that has read its log.
struct opened_journal {
  std::shared_ptr<log_writer> writer;
  std::shared_ptr<next_transaction> inbox;  ///< Takes the words of the other members, from any thread.
  journal_limits limits;
  model::memory_limits memory_limits;
  journal_stats_ptr stats;
  memory_stats_ptr memory;
  std::function<model::time_ms()> now;
  std::function<void(const std::string&)> on_fatal;
  image_hooks images;
  bool keeper_has_a_thread = true;
};

/// Founds the group if the log is empty and verifies the whole log.  In the caller's thread, so
/// that a node with a broken log says so instead of starting: throws storage_error.
opened_journal open_journal(journal_parts parts);

using journal_shell = group_journal_actor::extend<caf::reacts_to<written>, caf::reacts_to<tick_due>>;

struct journal_state {
  static inline const char* name = "journal";
  // Not an aggregate: CAF would take `self` for the value of the first member.
  journal_state() = default;
  journal_state(const journal_state&) = delete;
  ~journal_state();  ///< However the journal ended, nobody waits for ever.
  struct admitted {
    edit_message edit;
    std::uint64_t charge_bytes{};
    caf::typed_response_promise<edit_outcome> promise;
  };
  struct waiting {
    std::uint64_t index{};
    caf::typed_response_promise<edit_outcome> promise;
  };
  /// What the log's memory is charged with, and who may propose.
  struct memory_books {
    memory_books(const model::memory_limits& limits, const model::admission_times& times)
        : governor(limits), door(governor, times) {}
    model::memory_governor governor;
    model::log_admission door;
    model::unapplied_log unapplied{governor};
  };

  log_keeper_actor keeper;
  journal_limits limits;
  journal_stats_ptr stats;
  std::function<void(const std::string&)> on_fatal;
  image_hooks images;
  memory_stats_ptr memory;
  std::function<model::time_ms()> clock;
  std::unique_ptr<memory_books> books;
  std::map<std::uint64_t, admitted> at_door;   ///< Waiting for room, by ticket.
  std::uint64_t tickets = 0;
  model::time_ms tick_at{};                    ///< The earliest timer that is set; 0: none.
  tabletd::delivery delivery{{}};
  std::shared_ptr<next_transaction> proposed;  ///< The door's edits, for the keeper.
  std::deque<admitted> door;                   ///< Let in; not in the log, or not known to be.
  std::deque<waiting> logged;                  ///< In the log, not folded; ascending.
  group_orders orders;
  read_queue reads;
  standing now;
  std::vector<standing_listener_actor> watchers;
  catalog_sink_actor sink;
  std::uint64_t attachment = 0;  ///< Answers of an earlier sink are recognised by it.
  std::string failure;           ///< Not empty: nothing is written any more.
  bool stopping = false;
};

/// Ends after its log is closed.
journal_shell::behavior_type journal(journal_shell::stateful_pointer<journal_state> self, opened_journal opened);

}  // namespace tabletd
