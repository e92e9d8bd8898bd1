#pragma once
// The journal actor: the only writer of the edit log.  Proposals that queue up while one
// transaction is being synced form the next one; nothing is answered before the catalog has
// folded it.  It never blocks: its child log_keeper does.
#include "actors/journal/delivery.h"
#include "actors/journal/log_keeper.h"
#include "actors/journal/next_transaction.h"
#include "actors/journal/ports.h"
#include "actors/model/journal_admission.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace tabletd {

struct journal_limits {
  model::admission_limits admission;
  delivery_limits delivery;
  transaction_limits transaction;
  std::uint64_t tail_bytes_max = 16U << 20;  ///< Of durable entries kept in memory for followers.
};

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
  std::vector<model::member> founders;  ///< Of a new group; an existing log knows its own.
  start_image from;                     ///< What the catalog was loaded from.
  post_fn post = [](raft_mail) {};      ///< To the other members; called in the keeper's thread.
  image_hooks images;
  journal_limits limits;
  journal_stats_ptr stats = std::make_shared<journal_stats>();
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
  journal_stats_ptr stats;
  std::function<void(const std::string&)> on_fatal;
  image_hooks images;
  bool keeper_has_a_thread = true;
};

/// Founds the group if the log is empty and verifies the whole log.  In the caller's thread, so
/// that a node with a broken log says so instead of starting: throws storage_error.
opened_journal open_journal(journal_parts parts);

using journal_shell = journal_actor::extend<caf::reacts_to<written>>;

struct journal_state {
  static inline const char* name = "journal";
  // Not an aggregate: CAF would take `self` for the value of the first member.
  journal_state() = default;
  journal_state(const journal_state&) = delete;
  ~journal_state();  ///< However the journal ended, nobody waits for ever.
  struct admitted {
    edit_message edit;
    caf::typed_response_promise<edit_outcome> promise;
  };
  struct waiting {
    std::uint64_t index{};
    std::uint64_t bytes{};
    caf::typed_response_promise<edit_outcome> promise;
  };

  log_keeper_actor keeper;
  journal_limits limits;
  journal_stats_ptr stats;
  std::function<void(const std::string&)> on_fatal;
  image_hooks images;
  model::journal_admission admission{{}};
  tabletd::delivery delivery{{}};
  std::shared_ptr<next_transaction> proposed;  ///< The door's edits, for the keeper.
  std::deque<admitted> door;                   ///< Not in the log, or not known to be.
  std::deque<waiting> logged;                  ///< In the log, not folded; ascending.
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
