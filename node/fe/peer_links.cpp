// See peer_links.h.
#include "node/fe/peer_links.h"

#include "actors/codec/checkpoint_codec.h"
#include "actors/codec/peer_codec.h"
#include "node/coalescing_stream.h"
#include "node/fe/peer_outgoing.h"
#include "node/kj_text.h"
#include "node/log.h"
#include "node/rpc_port.h"

#include <capnp/serialize-async.h>
#include <fmt/format.h>
#include <kj/debug.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tabletd {

namespace {

constexpr auto greeting_patience = 5 * kj::SECONDS;
constexpr auto connect_patience = 2 * kj::SECONDS;
/// A peer that starts is found soon; one that is away for a week costs one attempt a second.
constexpr auto redial_after = 200 * kj::MILLISECONDS;
constexpr auto redial_refused_after = 1 * kj::SECONDS;
/// A link that breaks is a process that ended, most of the time, and the group wants to know; its
/// port is closed within moments of its connections.
constexpr auto redial_broken_after = 10 * kj::MILLISECONDS;

/// The other machine is there and nobody listens.  (KJ counts an unreachable network as the same kind.)
bool is_nobody_there(const kj::Exception& why) { return text_of(why).find(std::strerror(ECONNREFUSED)) != std::string::npos; }

/// One entry of 8 MiB and what surrounds it, read twice at most.
capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (32U << 20) / sizeof(capnp::word);
  options.nestingLimit = 16;
  return options;
}

void fill(wire::Face::Builder to, const fe_face& from) {
  to.setName(from.name.c_str());
  to.setHost(from.host.c_str());
  to.setRpcPort(from.rpc_port);
  to.setHttpPort(from.http_port);
  to.setVersion(from.version.c_str());
  to.setStartedMs(from.started.count());
}

fe_face face_of(wire::Face::Reader from) {
  return {from.getName().cStr(), from.getHost().cStr(),    from.getRpcPort(),
          from.getHttpPort(),    from.getVersion().cStr(), model::time_ms{from.getStartedMs()}};
}

}  // namespace

peer_links::peer_links(peer_link_options options) : options_(std::move(options)) {}

peer_links::~peer_links() noexcept = default;

void peer_links::failures::taskFailed(kj::Exception&& why) {
  log_once("peer", log_level::warn, "a link to another front end ended badly", {{"why", text_of(why)}});
}

// -- beginning and end -------------------------------------------------------------------

kj::Promise<void> peer_links::start(kj_loop& loop, kj::Network& network, const group_news& known) {
  static_cast<void>(
      model::learn_members(options_.self, known.newest.members, known.settled.members, known.settled.index));
  loop_ = loop.shared_from_this();
  network_ = &network;
  tasks_ = kj::heap<kj::TaskSet>(failures_);
  auto paf = kj::newPromiseAndFulfiller<void>();
  opened_ = kj::mv(paf.fulfiller);
  is_open_ = paf.promise.fork();
  return network.parseAddress(options_.listen.c_str()).then([this](kj::Own<kj::NetworkAddress>&& address) {
    receiver_ = address->listen();
    port_ = static_cast<std::uint16_t>(receiver_->getPort());
    tasks_->add(accept());
    for (const auto& each : options_.self.members.empty() ? options_.self.founders : options_.self.members)
      add_peer(each);
    if (model::may_found(options_.self))
      options_.all_met();
  });
}

void peer_links::stop() {
  is_stopped_ = true;
  tasks_ = nullptr;
  receiver_ = nullptr;
  waiting_for_room_.clear();
  while (!outgoing_.empty())
    forget(outgoing_.begin()->first);
}

void peer_links::add_peer(const model::member& one) {
  if (one.id == options_.self.node)
    return;
  auto to = std::make_shared<outgoing>();
  to->node = one.id;
  to->address = one.address;
  {
    const std::lock_guard guard{mutex_};
    auto& view = views_[one.id];
    view.node = one.id;
    view.address = one.address;
    view.trouble = "never met";
    outgoing_.emplace(one.id, to);
    divide_windows();
  }
  to->dialing = dial(*to).eagerlyEvaluate([this](kj::Exception&& why) { failures_.taskFailed(kj::mv(why)); });
}

void peer_links::forget(model::node_id node) {
  std::shared_ptr<outgoing> gone;
  {
    const std::lock_guard guard{mutex_};
    gone = outgoing_.at(node);
    gone->is_up = false;
    outgoing_.erase(node);
    views_.erase(node);
    divide_windows();
    publish_queues();
  }
  gone->dialing = nullptr;
  gone->filled = nullptr;  // Words that are on their way to it may outlive the loop.
  if (const auto streams = incoming_.find(node); streams != incoming_.end()) {
    streams->second->cancel("it is no member of the group any more");
    incoming_.erase(streams);
  }
}

void peer_links::set_members(group_news members) {
  loop_->post([self = shared_from_this(), members = std::move(members)]() mutable {
    if (!self->is_stopped_)
      self->take(members);
  });
}

void peer_links::take(const group_news& now) {
  bool has_learned = false;
  {
    const std::lock_guard guard{mutex_};
    auto& self = options_.self;
    has_learned = model::learn_members(self, now.newest.members, now.settled.members, now.settled.index);
    has_learned |= inbox_ && !std::exchange(self.is_founded, true);
  }
  if (has_learned && !keep())
    return;
  const auto members = options_.self.members;
  std::vector<model::node_id> gone;
  for (const auto& [node, to] : outgoing_)
    if (const auto one = std::ranges::find(members, node, &model::member::id);
        one == members.end() || one->address != to->address)
      gone.push_back(node);
  for (const auto node : gone)
    forget(node);
  for (const auto& one : members)
    if (!outgoing_.contains(one.id))
      add_peer(one);
  const std::lock_guard guard{mutex_};
  for (const auto& one : now.newest.members) {
    applicants_.erase(one.id);
    if (const auto view = views_.find(one.id); view != views_.end()) {
      view->second.voter = one.voter;
      view->second.wants_vote = one.wants_vote;
    }
  }
}

void peer_links::open(std::shared_ptr<next_transaction> inbox) {
  loop_->post([self = shared_from_this(), inbox = std::move(inbox)] {
    if (self->is_stopped_)
      return;
    self->inbox_ = inbox;
    // The log of a node that joins is empty yet; it may be lost, and joined again.
    if (!self->options_.self.joins || self->options_.self.members_index != 0) {
      self->options_.self.is_founded = true;
      if (!self->keep())
        return;
    }
    inbox->when_roomy([weak = self->weak_from_this(), loop = self->loop_] {
      loop->post([weak] {
        if (const auto links = weak.lock())
          for (auto& each : std::exchange(links->waiting_for_room_, {}))
            each->fulfill();
      });
    });
    self->opened_->fulfill();
    for (auto& [node, to] : self->outgoing_)
      if (to->is_up)
        static_cast<void>(inbox->add(link_renewed{node}));
  });
}

std::unique_ptr<capnp::MallocMessageBuilder> peer_links::greeting(const std::string& refusal) const {
  auto message = std::make_unique<capnp::MallocMessageBuilder>();
  auto root = message->initRoot<wire::Greeting>();
  codec::fill(root, options_.self);
  fill(root.initFace(), options_.face);
  root.setRefusal(refusal.c_str());
  return message;
}

// -- what they say -----------------------------------------------------------------------

kj::Promise<void> peer_links::accept() {
  return receiver_->accept().then([this](kj::Own<kj::AsyncIoStream>&& stream) {
    notice_dead_peers(*stream);
    tasks_->add(serve(kj::heap<coalescing_stream>(kj::mv(stream))));
    return accept();
  },
  [this](kj::Exception&& why) {
    // Out of descriptors, most likely: there will be some again.
    log_once("peer_accept", log_level::warn, "another front end could not be accepted", {{"why", text_of(why)}});
    return loop_->timer().afterDelay(redial_after).then([this] { return accept(); });
  });
}

kj::Promise<void> peer_links::serve(kj::Own<coalescing_stream> stream) {
  auto& io = *stream;
  return loop_->timer()
      .timeoutAfter(greeting_patience, capnp::readMessage(io, reader_options()))
      .then([this, &io](kj::Own<capnp::MessageReader>&& message) -> kj::Promise<void> {
        const auto root = message->getRoot<wire::Greeting>();
        const auto peer = codec::decode(root);
        const auto verdict = judge(peer);
        const auto& refusal = verdict.refusal;
        if (verdict.is_applicant)
          note_applicant(peer, root.getFace().getName().cStr());
        auto answer = greeting(refusal);
        auto written = capnp::writeMessage(io, *answer);
        if (refusal.empty())
          note_face(peer, face_of(root.getFace()));
        return written.attach(kj::mv(answer)).then([this, &io, refusal, node = peer.node]() -> kj::Promise<void> {
          if (!refusal.empty())
            return io.flush();  // Who is refused has to hear why.
          return KJ_ASSERT_NONNULL(is_open_).addBranch().then([this, &io, node]() -> kj::Promise<void> {
            if (!outgoing_.contains(node))
              return kj::READY_NOW;  // Forgotten meanwhile.
            auto& streams = incoming_[node];
            if (streams.get() == nullptr)
              streams = kj::heap<kj::Canceler>();
            return streams->wrap(read_mail(io, node));
          });
        });
      })
      .catch_([](kj::Exception&& why) {  // The peer dials again.
        if (why.getType() != kj::Exception::Type::DISCONNECTED)
          log_once("peer_mail", log_level::warn, "what another front end said could not be taken", {{"why", text_of(why)}});
      })
      .attach(kj::mv(stream));
}

kj::Promise<void> peer_links::read_mail(kj::AsyncIoStream& stream, model::node_id from) {
  return capnp::tryReadMessage(stream, reader_options())
      .then([this, &stream, from](kj::Maybe<kj::Own<capnp::MessageReader>>&& message) -> kj::Promise<void> {
        KJ_IF_MAYBE (got, message) {
          return take(**got, from).then([this, &stream, from] { return read_mail(stream, from); });
        }
        return kj::READY_NOW;
      });
}

kj::Promise<void> peer_links::take(const capnp::MessageReader& message, model::node_id from) {
  const auto root = const_cast<capnp::MessageReader&>(message).getRoot<wire::Mail>();
  note_word(from, root);
  if (root.isCheckpoint()) {
    options_.checkpoint({from, codec::decode(root.getCheckpoint(), from)});
    return kj::READY_NOW;
  }
  auto mail = codec::decode(root);
  if (inbox_->add(raft_mail{from, std::move(mail.what), std::move(mail.edits)}))
    return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiting_for_room_.push_back(kj::mv(paf.fulfiller));
  return kj::mv(paf.promise);
}

// -- what they are told ------------------------------------------------------------------

kj::Promise<void> peer_links::dial(outgoing& to) {
  const auto at = next_address(to);
  to.is_met = false;
  return network_->parseAddress(at.c_str())
      .then([this](kj::Own<kj::NetworkAddress>&& address) {
        // The kernel would try for minutes, at longer and longer intervals.
        auto connecting = loop_->timer().timeoutAfter(connect_patience, address->connect());
        return connecting.attach(kj::mv(address));
      })
      .then([this, &to, at](kj::Own<kj::AsyncIoStream>&& stream) {
        notice_dead_peers(*stream);
        auto& io = *stream;
        return greet(to, at, io).attach(kj::mv(stream));
      })
      .catch_([this, &to, at](kj::Exception&& why) {
        note_trouble(to.node, text_of(why));
        // That nobody listens where it was once says nothing of it.
        const bool is_its_place = to.reached_at.empty() ? addresses_of(to).size() == 1 : to.reached_at == at;
        if (inbox_ && is_its_place && is_nobody_there(why))
          static_cast<void>(inbox_->add(link_refused{to.node}));
      })
      .then([this, &to] {
        to.attempts += to.is_met ? 0 : 1;  // Where it was met it is looked for first.
        const bool lived = loop_->timer().now() - to.up_since > redial_refused_after;
        if (linked(to, false) && lived)
          return loop_->timer().afterDelay(redial_broken_after);
        const bool is_refused = !options_.self.is_founded;
        return loop_->timer().afterDelay(is_refused ? redial_refused_after : redial_after);
      })
      .then([this, &to] { return dial(to); });
}

kj::Promise<void> peer_links::greet(outgoing& to, const std::string& at, kj::AsyncIoStream& stream) {
  auto hello = greeting("");
  auto written = capnp::writeMessage(stream, *hello);
  return loop_->timer()
      .timeoutAfter(greeting_patience, written.attach(kj::mv(hello)).then([&stream] {
        return capnp::readMessage(stream, reader_options());
      }))
      .then([this, &to, at, &stream](kj::Own<capnp::MessageReader>&& message) -> kj::Promise<void> {
        const auto root = message->getRoot<wire::Greeting>();
        const auto peer = codec::decode(root);
        KJ_REQUIRE(peer.node == to.node, "another front end answers under this address", peer.node);
        auto refusal = judge(peer).refusal;
        if (refusal.empty() && root.hasRefusal() && root.getRefusal().size() > 0)
          refusal = fmt::format("it refuses this node: {}", root.getRefusal().cStr());
        if (!refusal.empty()) {
          note_trouble(to.node, refusal);
          return loop_->timer().afterDelay(redial_refused_after);
        }
        to.is_met = true;
        to.reached_at = at;
        note_face(peer, face_of(root.getFace()));
        if (!inbox_)  // Greets again: either side may have learned something by then.
          return KJ_ASSERT_NONNULL(is_open_).addBranch().exclusiveJoin(loop_->timer().afterDelay(redial_after));
        to.up_since = loop_->timer().now();
        linked(to, true);
        return write_mail(to, stream).exclusiveJoin(stream.whenWriteDisconnected()).exclusiveJoin(end_of(stream));
      });
}

/// The other side says nothing more, so what can be read is its end; who has nothing to write would not
/// notice that otherwise.
kj::Promise<void> peer_links::end_of(kj::AsyncIoStream& stream) {
  auto byte = kj::heapArray<kj::byte>(1);
  auto read = stream.tryRead(byte.begin(), 1, 1);
  return read.attach(kj::mv(byte)).ignoreResult();
}

/// Everything that has queued up leaves in one system call.
kj::Promise<void> peer_links::write_mail(outgoing& to, kj::AsyncIoStream& stream) {
  std::vector<kj::Array<capnp::word>> batch;
  bool has_dropped = false;
  {
    const std::lock_guard guard{mutex_};
    batch.swap(to.queue);
    to.bytes = 0;
    publish_queues();
    to.is_announced = false;
    has_dropped = batch.empty() && std::exchange(to.has_dropped, false);
  }
  if (has_dropped && inbox_)
    static_cast<void>(inbox_->add(link_renewed{to.node}));
  if (batch.empty()) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    to.filled = kj::mv(paf.fulfiller);
    return paf.promise.then([this, &to, &stream] { return write_mail(to, stream); });
  }
  auto pieces = kj::heapArray<kj::ArrayPtr<const kj::byte>>(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i)
    pieces[i] = batch[i].asBytes();
  auto written = stream.write(pieces);
  auto kept = kj::heap(std::move(batch));
  return written.attach(kj::mv(pieces), kj::mv(kept)).then([this, &to, &stream] { return write_mail(to, stream); });
}

bool peer_links::linked(outgoing& to, bool is_up) {
  bool was_up = false;
  {
    const std::lock_guard guard{mutex_};
    to.is_up = is_up;
    to.queue.clear();
    to.bytes = 0;
    to.has_dropped = to.is_announced = false;
    to.filled = nullptr;
    auto& view = views_[to.node];
    was_up = std::exchange(view.is_linked, is_up);
    if (was_up != is_up)
      log_info(is_up ? "linked to another front end" : "lost the link to another front end", {{"fe", to.node}});
    if (is_up)
      view.trouble.clear();
    else if (view.trouble.empty())
      view.trouble = "the link broke";
  }
  if (is_up && inbox_)
    static_cast<void>(inbox_->add(link_renewed{to.node}));
  return was_up;
}

bool peer_links::takes(model::node_id node) {
  const std::lock_guard guard{mutex_};
  const auto at = outgoing_.find(node);
  return at != outgoing_.end() && takes(*at->second, true);
}

/// Under the mutex.
bool peer_links::takes(outgoing& to, bool with_entries) {
  if (!to.is_up || (with_entries && views_[to.node].is_busy))
    return false;
  const bool fits = to.bytes <= window_bytes_;
  to.has_dropped |= !fits;
  return fits && !(with_entries && to.has_dropped);  // What follows a gap would only be refused.
}

void peer_links::post(raft_mail mail) {
  std::shared_ptr<outgoing> to;
  {
    const std::lock_guard guard{mutex_};
    const auto at = outgoing_.find(mail.peer);
    if (at == outgoing_.end() || !takes(*at->second, !mail.edits.empty()))
      return;
    to = at->second;
  }
  capnp::MallocMessageBuilder message(static_cast<unsigned>(codec::words_of(mail.edits)));
  auto root = message.initRoot<wire::Mail>();
  root.setApplied(options_.applied());
  root.setBusy(options_.memory->is_refusing);
  codec::fill(root, mail.what, mail.edits);
  enqueue(to, capnp::messageToFlatArray(message));
}

void peer_links::post(const model::checkpoint_mail& mail) {
  std::shared_ptr<outgoing> to;
  {
    const std::lock_guard guard{mutex_};
    const auto at = outgoing_.find(mail.peer);
    if (at == outgoing_.end() || !at->second->is_up || at->second->bytes > window_bytes_)
      return;
    to = at->second;
  }
  capnp::MallocMessageBuilder message(static_cast<unsigned>(codec::words_of(mail.what)));
  auto root = message.initRoot<wire::Mail>();
  root.setApplied(options_.applied());
  root.setBusy(options_.memory->is_refusing);
  codec::fill(root.initCheckpoint(), mail.what);
  enqueue(to, capnp::messageToFlatArray(message));
}

void peer_links::enqueue(const std::shared_ptr<outgoing>& to, kj::Array<capnp::word> words) {
  {
    const std::lock_guard guard{mutex_};
    if (!to->is_up)
      return;
    to->bytes += words.asBytes().size();
    to->queue.push_back(kj::mv(words));
    publish_queues();
    if (std::exchange(to->is_announced, true))
      return;
  }
  loop_->post([self = shared_from_this(), to] {
    if (auto filled = kj::mv(to->filled); filled.get() != nullptr)
      filled->fulfill();
  });
}

}  // namespace tabletd
