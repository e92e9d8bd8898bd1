#pragma once
// This front end's links to the others: mail of the consensus core goes out by post(), what they
// say goes to the journal's inbox.  Two one-way streams per pair (schemas/peer.capnp); who is
// who is judged by model/peer_greeting when one begins.  Lives in the KJ loop.
#include "actors/journal/log_writer.h"
#include "actors/journal/next_transaction.h"
#include "actors/model/checkpoint_mail.h"
#include "actors/model/peer_greeting.h"
#include "node/coalescing_stream.h"
#include "node/kj_loop.h"
#include "schemas/peer.capnp.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tabletd {

/// What clients and SHOW FRONTENDS are told of a front end.
struct fe_face {
  std::string name;
  std::string host;
  std::uint16_t rpc_port{};
  std::uint16_t http_port{};
  std::string version;
  model::time_ms started{};  ///< By its wall clock.
};

/// What is known of another member.
struct peer_view {
  model::node_id node{};
  std::string address;            ///< Of its edit log port.
  bool voter = true;
  bool wants_vote = false;        ///< An observer that gets a vote when it has caught up.
  std::optional<fe_face> face;    ///< Once a link has begun.
  bool is_linked = false;         ///< Mail can be sent to it.
  bool is_busy = false;           ///< It takes no entries just now.
  model::time_ms last_heard{};    ///< Wall clock; 0: never.
  std::uint64_t applied{};        ///< What its catalog had folded then.
  std::uint64_t queued_bytes{};   ///< Waiting to be written to it.
  std::string trouble;            ///< Why there is no link; empty if there is one.
};

/// A front end that wants to join, and was heard a moment ago.
struct peer_applicant {
  model::member as;               ///< The member it would be, without a vote.
  std::string name;
  model::time_ms last_heard{};
};

struct peer_link_options {
  model::greeting self;  ///< With the births known so far.
  fe_face face;
  std::string listen;
  std::function<std::uint64_t()> applied = [] { return 0; };
  memory_stats_ptr memory = std::make_shared<memory_stats>();
  /// Bytes that wait to be written to one of so many peers; what does not fit is dropped, and sent again
  /// later (design/journal.md 9.4, W_peer).
  std::function<std::size_t(std::size_t peers)> window_bytes = [](std::size_t) { return 8U << 20; };
  /// Makes what `self` has learned durable; loop thread; throws storage_error.
  std::function<void(const model::greeting&)> keep = [](const model::greeting&) {};
  /// Everybody has met everybody: the group may be founded; or the group has taken in this node, which
  /// joins it.  Loop thread, perhaps more than once.
  std::function<void()> all_met = [] {};
  std::function<void(const std::string&)> on_fatal = [](const std::string&) {};
  /// Mail about checkpoints; loop thread.
  std::function<void(model::checkpoint_mail)> checkpoint = [](model::checkpoint_mail) {};
  std::function<model::time_ms()> wall_clock;
};

class peer_links final : public std::enable_shared_from_this<peer_links> {
public:
  explicit peer_links(peer_link_options options);
  ~peer_links() noexcept;
  peer_links(const peer_links&) = delete;

  // -- loop thread --
  /// Listens and dials.  `known`: what its log says, if there is one.
  [[nodiscard]] kj::Promise<void> start(kj_loop& loop, kj::Network& network, const group_news& known);
  void stop();
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // -- any thread --
  /// There is a log now: mail is taken and handed to `inbox`.
  void open(std::shared_ptr<next_transaction> inbox);
  /// See post_fn.
  void post(raft_mail mail);
  /// See log_writer_ports.
  [[nodiscard]] bool takes(model::node_id node);
  /// The same; what does not fit is forgotten: who waits for an answer asks again.
  void post(const model::checkpoint_mail& mail);
  /// See members_fn.  New members are dialed at once; one that is gone is forgotten, and what it says
  /// not heard any more, when that is committed.
  void set_members(group_news members);
  [[nodiscard]] std::vector<peer_view> peers() const;
  [[nodiscard]] std::vector<peer_applicant> applicants() const;
  /// Why this node, which has a log, is no member of the group; empty: nobody has said so.
  [[nodiscard]] std::string exclusion() const;
  /// Why `one` cannot be taken in; empty: it can.
  [[nodiscard]] std::string why_not_to_add(const model::member& one) const;

private:
  struct outgoing;
  struct failures final : kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&& why) override;
  };

  [[nodiscard]] kj::Promise<void> accept();
  [[nodiscard]] kj::Promise<void> serve(kj::Own<coalescing_stream> stream);
  [[nodiscard]] kj::Promise<void> read_mail(kj::AsyncIoStream& stream, model::node_id from);
  [[nodiscard]] kj::Promise<void> take(const capnp::MessageReader& message, model::node_id from);
  [[nodiscard]] kj::Promise<void> dial(outgoing& to);
  [[nodiscard]] kj::Promise<void> greet(outgoing& to, const std::string& at, kj::AsyncIoStream& stream);
  [[nodiscard]] kj::Promise<void> write_mail(outgoing& to, kj::AsyncIoStream& stream);
  [[nodiscard]] static kj::Promise<void> end_of(kj::AsyncIoStream& stream);
  void take(const group_news& now);
  void add_peer(const model::member& one);
  void forget(model::node_id node);
  /// Whether it was up until now.
  bool linked(outgoing& to, bool is_up);
  /// Where it may listen, never empty; and where it is looked for next.
  [[nodiscard]] std::vector<std::string> addresses_of(const outgoing& to) const;
  [[nodiscard]] std::string next_address(const outgoing& to) const;
  void note_applicant(const model::greeting& from, const std::string& name);
  void note_trouble(model::node_id node, const std::string& why);
  void note_face(const model::greeting& from, fe_face face);
  void note_word(model::node_id from, wire::Mail::Reader said);
  void publish_queues();
  void divide_windows();
  /// `refusal` says why mail of `peer` is not taken, whatever the reason.
  [[nodiscard]] model::greeting_verdict judge(const model::greeting& peer);
  [[nodiscard]] std::unique_ptr<capnp::MallocMessageBuilder> greeting(const std::string& refusal) const;
  [[nodiscard]] bool takes(outgoing& to, bool with_entries);
  [[nodiscard]] bool keep();
  void enqueue(const std::shared_ptr<outgoing>& to, kj::Array<capnp::word> words);

  peer_link_options options_;
  kj_loop_ptr loop_;
  kj::Network* network_ = nullptr;
  std::uint16_t port_ = 0;

  /// Guards what follows and every queue.  The loop alone changes outgoing_ and self, so it reads them without.
  mutable std::mutex mutex_;
  std::map<model::node_id, peer_view> views_;
  std::map<model::node_id, peer_applicant> applicants_;
  std::string exclusion_;
  std::size_t window_bytes_ = 0;
  std::map<model::node_id, std::shared_ptr<outgoing>> outgoing_;

  // Loop thread.
  bool is_stopped_ = false;
  std::map<model::node_id, kj::Own<kj::Canceler>> incoming_;  ///< Streams of mail.
  std::shared_ptr<next_transaction> inbox_;
  kj::Own<kj::PromiseFulfiller<void>> opened_;
  kj::Maybe<kj::ForkedPromise<void>> is_open_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_for_room_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  failures failures_;
  kj::Own<kj::TaskSet> tasks_;
};

}  // namespace tabletd
