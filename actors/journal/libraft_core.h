#pragma once
// consensus_core over libraft 0.22.1's step API, with the guards that version needs
// (design/journal.md 3: P1 in raft_shim; docs/journal.md lists the others).
#include "actors/model/consensus_core.h"
#include "actors/model/log_outline.h"

#include <map>
#include <memory>
#include <set>

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

/// A group of one leads as soon as it has started, in a term of its own: its update asks for a
/// ballot one term higher, so that nothing of an earlier process has the same fence.
///
/// Two things of the library are not used.  Its way to install a snapshot drops the log before the
/// image is there, cannot be called off, and answers wrongly (P2): here an offer is a heartbeat until
/// the image is in place, and then the library starts anew from it.  Its rounds to catch up a new
/// voter forbid every other change meanwhile and are lost with the leader: here an observer gets the
/// log like everybody else, and is promoted once it is near.
class libraft_core final : public model::consensus_core {
public:
  explicit libraft_core(const libraft_options& options);
  ~libraft_core() override;
  libraft_core(const libraft_core&) = delete;
  libraft_core& operator=(const libraft_core&) = delete;

  model::update step(const model::consensus_event& event, model::time_ms now) override;
  model::entry_header founding_entry(const std::vector<model::member>& members) const override;
  std::optional<model::snapshot_point> snapshot_at(std::uint64_t index) const override;
  std::vector<model::member> members() const override;
  std::optional<std::vector<model::member>> decode_membership(std::string_view membership) const override;

private:
  // One event each: 0, or libraft's error.
  int handle(const model::started& event, model::update& out);
  int handle(const model::proposed& event, model::update& out);
  int handle(const model::persisted& event, model::update& out);
  int handle(const model::received& event, model::update& out);
  int handle(const model::ticked& event, model::update& out);
  int handle(const model::unreachable& event, model::update& out);
  int handle(const model::peer_gone& event, model::update& out);
  int handle(const model::transfer_leadership& event, model::update& out);
  int handle(const model::snapshot_taken& event, model::update& out);
  int handle(const model::snapshot_installed& event, model::update& out);
  int handle(const model::install_failed& event, model::update& out);
  int handle(const model::change_membership& event, model::update& out);
  int handle(const model::confirm_leader& event, model::update& out);

  int receive(model::node_id from, const model::append_request& request, model::update& out);
  int receive(model::node_id from, const model::append_result& answer, model::update& out);
  int receive(model::node_id from, const model::vote_request& request, model::update& out);
  int receive(model::node_id from, const model::vote_result& answer, model::update& out);
  int receive(model::node_id from, const model::install_snapshot& offer, model::update& out);
  int receive(model::node_id from, const model::timeout_now& wish, model::update& out);
  int receive(model::node_id from, const model::leader_asked& question, model::update& out);
  int receive(model::node_id from, const model::leader_confirmed& answer, model::update& out);
  int receive_run(model::node_id from, const model::append_request& run, model::update& out);
  int deliver(model::node_id from, const model::message& what, model::update& out, model::time_ms at);

  /// One step of the library, its effects added to `out`.
  template <class Call>
  int feed(model::update& out, Call&& call);
  void take(const raft_shim_update& raw, model::update& out);
  void take_entries(const raft_shim_update& raw, model::update& out);
  void create();
  int begin(model::ballot held, model::update& out);
  int settle_changes(std::uint64_t upto, model::update& out);
  int continue_transfer(model::update& out);
  void continue_round(model::update& out);
  void describe(model::update& out) const;
  void refuse(model::update& out, model::consensus_refusal why) const;

  [[nodiscard]] model::message put_right(model::message offer) const;
  [[nodiscard]] model::append_request rebase(const model::append_request& request) const;
  [[nodiscard]] bool may_vote_for(const model::vote_request& request) const;
  [[nodiscard]] std::chrono::milliseconds turn_after(model::node_id gone) const;
  [[nodiscard]] bool leads() const;
  [[nodiscard]] bool all_is_stored() const;
  [[nodiscard]] bool change_is_open() const;
  [[nodiscard]] bool is_near(model::node_id peer) const;
  [[nodiscard]] bool can_be_carried(const std::vector<model::member>& group) const;
  [[nodiscard]] bool answers(model::node_id peer) const;
  [[nodiscard]] std::uint64_t match_of(model::node_id peer) const;
  [[nodiscard]] model::node_id best_successor() const;
  [[nodiscard]] model::term term() const;
  [[nodiscard]] std::uint64_t committed() const;
  [[nodiscard]] std::uint64_t now_ms() const { return static_cast<std::uint64_t>(now_.count()); }

  struct destroyer {
    void operator()(raft_shim* shim) const;
  };
  /// The other voters are asked whether they know of a later term.
  struct read_round {
    std::uint64_t number{};
    std::uint64_t ticket{};  ///< Reads up to this one began before the round; 0: none is under way.
    std::uint64_t index{};   ///< What was committed then.
    std::uint64_t done{};    ///< Reads up to this one are answered.
    std::set<model::node_id> agreed{};
    model::time_ms ask_again{};
  };
  struct transfer {
    model::node_id to{};
    model::time_ms deadline{};
    bool told = false;
  };

  libraft_options options_;
  std::uint32_t starts_ = 0;
  bool has_begun_ = false;
  model::time_ms now_{};
  std::unique_ptr<raft_shim, destroyer> raft_;
  model::log_outline log_;                          ///< The log, as the library believes it is.
  std::uint64_t settled_change_ = 0;                ///< Changes up to here are committed, and the library knows.
  std::map<model::node_id, model::time_ms> heard_;  ///< Who answered this leader, and when last.
  std::optional<transfer> transfer_;
  read_round round_;
  std::uint64_t reads_wanted_ = 0;  ///< The newest ticket.
  model::node_id lost_leader_{};  ///< Has ended, and nobody was heard to lead since; 0: none.
  std::optional<model::image_to_install> installing_;
};

}  // namespace tabletd
