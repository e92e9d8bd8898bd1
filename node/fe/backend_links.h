#pragma once
// The leader's connections to its backends: dials, attaches, carries orders out and hands
// whatever comes back to the backend_agent actor, to cooldown's overseer, or to who warms.  Lives in the KJ
// loop; the calls of its three interfaces may come from any thread and are posted into it.
#include "actors/cooldown/ports.h"
#include "actors/membership/ports.h"
#include "actors/warmup/ports.h"
#include "node/fe/byte_window.h"
#include "node/fe/report_sink.h"
#include "node/fe/row_splitter.h"
#include "node/kj_loop.h"
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <list>
#include <map>
#include <memory>

namespace tabletd {

// Of all loads to one backend together: half of what makes it stop reading (node/rpc_port.h),
// and several times what keeps its disks busy.
inline constexpr std::size_t link_bytes_max = 128U << 20;

/// One attached backend, as the data plane sees it.  Keep the shared_ptr while calls are
/// open: it owns the connection, and blocks that calls refer to must outlive that.
struct backend_link {
  std::vector<std::shared_ptr<void>> kept; ///< What a failed call may still point at: goes last.
  byte_window loads{link_bytes_max};
  model::backend_id backend{};
  model::term term{};
  wire::BackendService::Client service;
  kj::Own<kj::AsyncIoStream> stream;
  kj::Own<capnp::TwoPartyClient> client;
  explicit backend_link(wire::BackendService::Client s) : service(kj::mv(s)) {}
};
using backend_link_ptr = std::shared_ptr<backend_link>;

class backend_links final : public backend_wire,
                            public cooldown_links,
                            public warmup_links,
                            public std::enable_shared_from_this<backend_links> {
public:
  backend_links() = default;
  ~backend_links() noexcept override {} // KJ members may throw; at this point nobody could act on it.
  /// Loop thread, once, before the first call is carried out.
  void start(kj_loop& loop, caf::actor_system& sys, kj::Network& network, kj::Timer& timer);
  /// Loop thread: drops every connection.
  void stop();

  // -- any thread --
  void attach(hello who, std::string host, std::uint16_t port, backend_agent_actor agent) override;
  void detach(model::backend_id backend) override;
  void heartbeat(model::backend_id backend, std::uint64_t seq) override;
  void submit(model::backend_id backend, sealed<wire::TaskBatch> tasks) override;
  void publish(model::backend_id backend, std::uint64_t seq, publish_order order) override;
  void request_report(model::backend_id backend) override;
  // cooldown_links:
  void serve(cooldown_overseer_actor overseer) override;
  void leave(caf::actor_id overseer) override;
  void push(model::backend_id backend, sealed<wire::CooldownOrders> orders) override;
  // warmup_links:
  void call(model::backend_id backend, std::uint64_t number, warmup_call what, caf::actor caller) override;

  // -- loop thread --
  /// The attached link, or null.
  [[nodiscard]] backend_link_ptr find(model::backend_id backend) const;
  /// Calls that point into `blocks` were cancelled, but their messages may still wait to be
  /// written.  Messages leave in order, so once a later call is answered they are gone.
  void keep_until_written(backend_link_ptr link, std::list<std::shared_ptr<row_block>> blocks);

private:
  struct session;
  using session_ptr = std::shared_ptr<session>;
  void in_loop(std::function<void(backend_links&)> todo);
  void dial(const session_ptr& at);
  void attached(const session_ptr& at, wire::Attached::Reader facts);
  void lost(const session_ptr& at, const std::string& why);
  void retire(const session_ptr& at);
  [[nodiscard]] session_ptr live(model::backend_id backend) const;

  kj_loop* loop_ = nullptr;
  kj::Network* network_ = nullptr;
  kj::Timer* timer_ = nullptr;
  cooldown_desk_ptr desk_;
  std::map<model::backend_id, session_ptr> sessions_; ///< The newest attach of each backend.
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&& why) override;
  };
  failures failures_;
  kj::Own<kj::TaskSet> tasks_;
};

} // namespace tabletd
