#pragma once
// consensus_core over libraft 0.22.1's step API, with the guards that version needs
// (design/journal.md 3: P1 in raft_shim, P2, P3, P6 and P8 here; docs/journal.md says what each is).
#include "actors/model/consensus_core.h"

#include <map>
#include <memory>

struct raft_shim;
struct raft_shim_update;

namespace tabletd {

struct libraft_options {
  model::node_id self{};
  std::uint32_t seed = 1;  ///< Spreads election timeouts; different on every member.
  std::chrono::milliseconds election_timeout{1'000};
  std::chrono::milliseconds heartbeat{100};
  std::uint32_t inflight_entries_max = 1'024;  ///< Per follower; the core counts entries, not bytes.
};

/// The membership is the founding entry's: changing it later needs two more events of the step
/// API (RAFT_CONFIGURATION, RAFT_CATCH_UP), snapshots two others.
///
/// A group of one leads as soon as it has started, in a term of its own: its update asks for a
/// ballot one term higher, so that nothing of an earlier process has the same fence.
class libraft_core final : public model::consensus_core {
public:
  explicit libraft_core(const libraft_options& options);
  ~libraft_core() override;
  libraft_core(const libraft_core&) = delete;
  libraft_core& operator=(const libraft_core&) = delete;

  model::update step(const model::consensus_event& event, model::time_ms now) override;
  model::entry_header founding_entry(const std::vector<model::member>& members) const override;

private:
  int handle(const model::started& event, raft_shim_update& raw, model::update& out);
  int handle(const model::proposed& event, raft_shim_update& raw, model::update& out);
  int handle(const model::persisted& event, raft_shim_update& raw, model::update& out);
  int handle(const model::received& event, raft_shim_update& raw, model::update& out);
  int handle(const model::ticked& event, raft_shim_update& raw, model::update& out);
  int handle(const model::unreachable& event, raft_shim_update& raw, model::update& out);

  void take(const raft_shim_update& raw, model::update& out);
  void put_right(const model::message& asked, model::update& out) const;
  void remember(const model::entries_to_persist& entries);
  [[nodiscard]] bool leads() const;
  [[nodiscard]] model::term term_at(std::uint64_t index) const;
  [[nodiscard]] std::uint64_t now_ms() const { return static_cast<std::uint64_t>(now_.count()); }

  struct destroyer {
    void operator()(raft_shim* shim) const;
  };
  model::node_id self_;
  model::time_ms now_{};
  std::unique_ptr<raft_shim, destroyer> raft_;
  std::vector<model::term_run> runs_;               ///< The log, as the core believes it is.
  std::map<model::node_id, model::time_ms> heard_;  ///< Who answered this leader, and when last.
};

}  // namespace tabletd
