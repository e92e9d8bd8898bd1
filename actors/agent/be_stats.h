#pragma once
// What a backend counts.  Plain atomics: written where it happens, read by the exporter.
#include "actors/model/agent_task.h"
#include <array>
#include <atomic>
#include <cstdint>

namespace tabletd {

struct be_stats {
  using counter = std::atomic<std::uint64_t>;
  static constexpr std::size_t task_kinds = std::variant_size_v<decltype(model::agent_task::what)>;
  static constexpr std::size_t task_results = 1 + static_cast<std::size_t>(model::task_failure::path_unknown) + 1;

  counter copy_bytes_in{};     ///< Clones: verified and written here.
  counter copy_bytes_out{};    ///< Clones: verified and sent from here.
  counter move_bytes{};        ///< Moves between paths: verified and written at the target.
  counter blocks_copied{};     ///< Blocks that arrived for clones, re-sent ones counted again.
  counter corrupt_blocks{};    ///< Reads that did not match their checksum.
  counter reports_full{};
  counter reports_changed{};
  counter requests_fenced{};   ///< Calls refused for their term or link.
  counter attaches_refused{};
  counter connections_failed{};///< Ended by a protocol error, not by a close.
  counter loads_opened{};
  counter loads_prepared{};    ///< Tablets that prepared a rowset.
  counter load_bytes{};
  counter load_failures{};     ///< Tablets that could not prepare.
  counter rowsets_published{};
  counter scan_bytes{};
  counter cooldown_uploads_done{};   ///< Rowsets put into a remote store.
  counter cooldown_uploads_failed{};
  counter cooldown_upload_bytes{};
  /// Objects made of what lies in a remote store already.
  struct rewrites {
    counter done{};
    counter failed{};
    counter bytes{};  ///< Written.
  };
  rewrites cooldown_compactions{};
  rewrites cooldown_moves{};         ///< To another store.
  counter remote_read_bytes{}; ///< Of remote rowsets, for scans.
  struct warmups {
    counter batches_whole{};
    counter batches_lacking{};  ///< Some of their tablets failed.
    counter tablets_failed{};   ///< Those that were pushed included.
    counter bytes{};            ///< Brought or found in the cache; the same.
  };
  warmups warmup{};
  counter tasks_open{};        ///< Now: accepted and not ended.
  counter stamp{};             ///< Now: of the report book.
  /// [kind as in agent_task::what][0: done, 1 + task_failure]
  std::array<std::array<counter, task_results>, task_kinds> tasks_ended{};
};

} // namespace tabletd
