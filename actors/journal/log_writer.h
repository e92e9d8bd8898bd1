#pragma once
// One consensus core over one edit log: carries the core's updates out in the order they
// demand, and reads entries back.  Knows no actor; every call that fails throws
// storage_error, after which nothing may be acknowledged any more.
#include "actors/journal/delivery.h"
#include "actors/journal/ports.h"
#include "actors/model/consensus_core.h"
#include "persistence/edit_log.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace tabletd {

class log_writer {
public:
  /// `now`: monotonic.
  log_writer(std::shared_ptr<edit_log> log, std::shared_ptr<model::consensus_core> core,
             std::function<model::time_ms()> now);

  /// Founds the group if the log is empty, reads the whole log (which verifies it) and starts
  /// the core.
  void open(const std::vector<model::member>& founders);

  struct range {
    std::uint64_t first{};
    model::term term{};
  };
  /// Appends the edits in one transaction; durable when it returns.  Nothing: this node does
  /// not lead and nothing was appended.
  std::optional<range> append(std::span<const edit_message> edits);

  /// One batch of `from`..`upto`.
  [[nodiscard]] committed_batch read(std::uint64_t from, std::uint64_t upto, delivery_limits limits) const;

  [[nodiscard]] const model::update& standing() const { return standing_; }  ///< Of the last step.
  [[nodiscard]] const edit_log& log() const { return *log_; }

private:
  void found(const std::vector<model::member>& founders);
  void step(const model::consensus_event& event, std::span<const edit_message> edits = {});
  void persist(const model::entries_to_persist& entries, std::span<const edit_message> edits);

  std::shared_ptr<edit_log> log_;
  std::shared_ptr<model::consensus_core> core_;
  std::function<model::time_ms()> now_;
  model::update standing_;
  range appended_;
};

}  // namespace tabletd
