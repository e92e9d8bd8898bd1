#pragma once
// The actor that blocks on the disk, so that the journal never does: it owns the log and the
// consensus core and takes one turn at a time.  Detached; the journal's only child.  Under load it
// begins the next turn by itself, so that the disk does not wait for two threads to wake up.
#include "actors/journal/log_writer.h"
#include "actors/journal/next_transaction.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <string>

namespace tabletd {

/// Take what next_transaction holds by now.  Answered by a `written` to the journal, and by
/// one more for each turn that follows at once.
struct write_due {};
template <class I>
typename I::result_type inspect(I& f, write_due&) {
  return f(caf::meta::type_name("write_due"));
}
/// `failure` not empty: the disk failed, and nothing may be acknowledged any more.
struct written {
  std::size_t count{};  ///< Edits taken from next_transaction.
  log_turn done;
  std::uint64_t committed_upto{};
  standing now;
  bool transferring = false;  ///< This leader is handing over and takes no edits.
  next_transaction::span took{};
  std::string failure;
};
struct read_order {
  std::uint64_t from{};
  std::uint64_t upto{};
  delivery_limits limits;
};
struct read_entries {
  committed_batch batch;
  std::string failure;
};

using log_keeper_actor = caf::typed_actor<caf::reacts_to<write_due>, caf::reacts_to<tick_due>,
                                          caf::replies_to<read_order>::with<read_entries>>;
using written_sink_actor = caf::typed_actor<caf::reacts_to<written>>;

struct log_keeper_ports {
  std::shared_ptr<log_writer> writer;
  std::shared_ptr<next_transaction> proposed;
  journal_stats_ptr stats;
  caf::actor_addr journal;  ///< Ends with it, however it ends.
};
struct log_keeper_state {
  static inline const char* name = "log_keeper";
  log_keeper_ports ports;
  model::time_ms tick_at{};  ///< The earliest timer that is set; 0: none.
  model::open_transactions open;
};

log_keeper_actor::behavior_type log_keeper(log_keeper_actor::stateful_pointer<log_keeper_state> self,
                                           log_keeper_ports ports);

[[nodiscard]] standing standing_of(const log_writer& writer);
/// Copies where the log stands into the stats.
void publish_standing(const log_writer& writer, journal_stats& stats);
/// Copies the sizes of its files into the stats: asks the file system.
void publish_sizes(const log_writer& writer, journal_stats& stats);

}  // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::read_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::read_entries)
