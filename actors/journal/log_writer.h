#pragma once
// One consensus core over one edit log: carries the core's updates out in the order they
// demand, and reads entries back.  Knows no actor and no socket; every call that fails throws
// storage_error, after which nothing may be acknowledged any more.
#include "actors/journal/delivery.h"
#include "actors/journal/log_tail.h"
#include "actors/journal/memory_stats.h"
#include "actors/journal/raft_mail.h"
#include "persistence/edit_log.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace tabletd {

/// What a log says of the group.
struct group_news {
  logged_members newest;
  /// The newest that is known to be committed; the same one, or the one before, because a leader logs a change when
  /// the one before is committed.
  logged_members settled;
  friend bool operator==(const group_news&, const group_news&) = default;
};
/// Told whenever it has changed; in the thread of whoever steps the core.
using members_fn = std::function<void(const group_news&)>;

struct log_writer_ports {
  std::shared_ptr<edit_log> log;
  std::shared_ptr<model::consensus_core> core;
  std::function<model::time_ms()> now;       ///< Monotonic.
  post_fn post = [](raft_mail) {};           ///< To the other members.
  /// Whether a member's link takes entries just now.
  std::function<bool(model::node_id)> takes = [](model::node_id) { return true; };
  std::uint64_t tail_bytes_max = 16U << 20;  ///< Of durable entries kept for followers.
  /// Entries of a leader are taken until so many bytes are not applied here, and then again when half
  /// of it is (design/journal.md 9.6, rules 2 and 4).
  std::uint64_t backlog_bytes_max = 64U << 20;
  memory_stats_ptr memory = std::make_shared<memory_stats>();
  members_fn members = [](const group_news&) {};
};

/// What became of a change_members or hand_over when the core was told.
struct order_verdict {
  bool is_change = false;
  model::consensus_refusal why = model::consensus_refusal::none;
  std::uint64_t index{};  ///< Of a change that was not refused: where it is logged.
};

/// What one turn did to the log: first what came from elsewhere, then the proposals.
struct log_turn {
  std::uint64_t replaced_from = 0;        ///< What stood here and beyond was never committed and is gone; 0: nothing.
  std::vector<committed_entry> received;  ///< From the leader, or the core's own; ascending.
  std::uint64_t first = 0;                ///< Index of the first proposal; 0: none was appended.
  model::term term{};                     ///< Of the proposals.
  bool refused = false;                   ///< There were proposals, and this node does not lead.
  std::uint64_t restarted_at = 0;         ///< An image replaced the log, which begins here; 0: no.
  /// What a leader offers, because the entries are gone: install_ended must follow.
  std::optional<model::image_to_install> install;
  std::vector<order_verdict> orders;
  std::optional<model::confirmed_reads> confirmed;  ///< The newest.
  bool install_is_over = false;  ///< The one asked for before; restarted_at says whether it was used.
};

/// What the node starts from beside the log; id 0: no image.  One of edit_log::image_points().
struct start_image {
  model::image_descriptor image;  ///< Its id is the index of the last entry in it.
};

class log_writer {
public:
  explicit log_writer(log_writer_ports ports) : ports_(std::move(ports)) {}

  /// Founds the group if there is neither log nor image but founders, reads the whole log (which verifies it)
  /// and starts the core.
  void open(const std::vector<model::member>& founders, const start_image& from = {});

  /// Asked for when the words have been heard; `now` is what came of them.  Valid until the turn is over.
  using proposals_fn = std::function<std::span<const edit_message>(const model::update& now)>;
  /// Takes the time, the words of the peers and then the proposals; what has to be written is
  /// written in one transaction and durable when it returns.
  log_turn turn(const proposals_fn& propose, std::span<peer_word> words);
  log_turn turn(std::span<const edit_message> proposals) {
    return turn([=](const model::update&) { return proposals; }, {});
  }

  /// One batch of `from`..`upto`.
  [[nodiscard]] committed_batch read(std::uint64_t from, std::uint64_t upto, delivery_limits limits) const;

  [[nodiscard]] const model::update& standing() const { return standing_; }  ///< Of the last step.
  [[nodiscard]] const edit_log& log() const { return *ports_.log; }
  [[nodiscard]] model::time_ms now() const { return ports_.now(); }
  /// Nobody has to be told or heard, and time changes nothing.
  [[nodiscard]] bool is_alone() const { return is_alone_; }

private:
  void found(const std::vector<model::member>& founders);
  void step(const model::consensus_event& event, std::span<const edit_message> edits = {});
  void take(const peer_word& word);
  void take(const raft_mail& mail);
  void take(const image_kept& kept);
  void take(const install_ended& ended);
  void take(const change_members& wanted);
  void take(const hand_over& wanted);
  void note_change(std::uint64_t index, std::string_view membership);
  void look_at_members();
  void trim();
  void restart();
  [[nodiscard]] bool is_refusing() const;
  [[nodiscard]] model::snapshot_point point_of(std::uint64_t index) const;
  void append(const model::entries_to_persist& entries, std::span<const edit_message> edits);
  void persist();
  [[nodiscard]] log_turn finish(std::uint64_t end_before, std::size_t proposals);
  void post(model::outbound sent);
  void post_request(model::node_id to, const model::append_request& request);
  void read_back(std::uint64_t from, std::uint64_t upto, const std::function<bool(const tail_entry&)>& take) const;

  log_writer_ports ports_;
  model::update standing_;
  log_tail tail_;
  std::uint64_t unwritten_from_ = 0;  ///< Of the tail; 0: all of it is durable.
  std::uint64_t changed_from_ = 0;    ///< In this turn; 0: nothing.
  model::image_descriptor image_;     ///< The newest, for members that need it.
  std::uint64_t trim_upto_ = 0;       ///< Wanted.
  std::uint64_t core_begins_ = 1;     ///< The core sends nothing older than this.
  std::optional<model::image_to_install> install_;  ///< Asked for in this turn.
  bool install_is_over_ = false;                    ///< In this turn.
  std::uint64_t restarted_at_ = 0;                  ///< In this turn.
  const install_ended* restarting_ = nullptr;       ///< While the core may ask for it.
  bool is_alone_ = false;
  std::vector<logged_members> changes_;  ///< Ascending: the newest that is committed, and those since.
  group_news members_;
  std::vector<order_verdict> orders_;   ///< Of this turn.
  std::optional<model::confirmed_reads> confirmed_;  ///< Of this turn.
};

}  // namespace tabletd
