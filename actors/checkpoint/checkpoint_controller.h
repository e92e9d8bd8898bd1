#pragma once
// The leader's side of checkpoints, for one term: asks the members, steps model/checkpoint_controller, carries out
// what it decides, and answers ADMIN CHECKPOINT.
#include "actors/checkpoint/checkpoint_exchange.h"
#include "actors/checkpoint/checkpoint_progress.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>


namespace tabletd {

struct checkpoint_pace {
  model::time_ms beat{1'000};     ///< Between two questions to every member.
  model::time_ms silence{5'000};  ///< Who has not answered for so long is lost.
};

struct checkpoint_controller_ports {
  checkpoint_exchange_ptr exchange;
  journal_actor journal;
  catalog_cell_ptr cell;
  journal_stats_ptr stats;
  std::function<std::vector<model::node_id>()> members;  ///< All of them, this node too.
  std::function<model::time_ms()> wall_clock;
  /// On the disk of the journal and the images; nothing: it cannot be told.
  std::function<std::optional<std::uint64_t>()> disk_free_bytes = [] { return std::nullopt; };
  checkpoint_progress_ptr progress;
  model::checkpoint_options options;
  checkpoint_pace pace;
  /// A sentence for the node's log.
  std::function<void(const std::string& text, bool is_bad)> tell = [](const std::string&, bool) {};
};

struct checkpoint_controller_state {
  static inline const char* name = "checkpoint_controller";
  checkpoint_controller_state() = default;
  checkpoint_controller_state(const checkpoint_controller_state&) = delete;
  ~checkpoint_controller_state();  ///< Nobody is left waiting.

  checkpoint_controller_ports ports;
  std::optional<model::checkpoint_controller> controller;
  model::term epoch{};
  std::vector<model::node_id> members;
  std::uint64_t beat = 0;
  std::map<model::node_id, model::time_ms> heard;
  std::uint64_t bytes_at_begin{};   ///< Of the journal, as its stats count them.
  std::uint64_t bytes_at_image{};   ///< When this node's newest image was new.
  std::uint64_t newest_image{};
  std::vector<model::logged_decision> unlogged;  ///< Answered "failed" with the next beat.
  std::string last_ending = "none yet";
  model::time_ms attempt_began{};
  std::uint64_t requests = 0;
  std::map<std::uint64_t, caf::typed_response_promise<checkpoint_outcome>> waiting;
};

checkpoint_controller_actor::behavior_type
checkpoint_controller(checkpoint_controller_actor::stateful_pointer<checkpoint_controller_state> self,
                      checkpoint_controller_ports ports);

} // namespace tabletd
