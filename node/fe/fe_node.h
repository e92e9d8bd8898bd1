#pragma once
// A front end in one object: log, actors and console port, started in order and stopped in
// the opposite one.  main adds configuration, HTTP and metrics.
#include "actors/console/console_facts.h"
#include "actors/console/ports.h"
#include "actors/cooldown/cooldown_board.h"
#include "actors/journal/journal.h"
#include "actors/model/group_change.h"
#include "actors/membership/membership.h"
#include "actors/repair/tablet_scheduler.h"
#include "actors/warmup/warmup_room.h"
#include "node/fe/backend_links.h"
#include "node/fe/checkpoint_room.h"
#include "node/fe/fe_group.h"
#include "node/fe/leader_link.h"
#include "node/kj_loop.h"
#include "node/rpc_port.h"
#include <caf/actor.hpp>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace tabletd {

struct fe_options {
  std::filesystem::path log_directory;
  std::string cluster_name = "tabletd";
  std::string name = "fe1";
  std::uint64_t node_id = 1;
  std::string listen = "127.0.0.1:0"; ///< host:port of the console; port 0: any free one.
  std::string edit_log_listen;        ///< host:port for the other front ends; empty: none will ever join.
  /// The group's founding members, this node among them; empty: only this node.
  std::vector<model::member> founders;
  bool joins = false;                 ///< Founds nothing: see fe_group_options.
  std::string advertise_host = "127.0.0.1"; ///< Where clients and SHOW FRONTENDS are sent.
  bool allow_insecure = false;        ///< Whoever reaches the port is trusted, wherever it is.
  std::uint16_t http_port = 0;        ///< For SHOW FRONTENDS.
  std::string version;
  journal_limits journal;
  membership_options membership;
  model::scheduler_options scheduler;
  model::checkpoint_options checkpoint;
  checkpoint_pace checkpoint_beat;
  model::time_ms cooldown_lease{model::uploader_lease};
  warmup_settings warmup;
  /// It leads and everything older is folded, or no longer does; from an actor's thread.
  std::function<void(bool leads)> leading = [](bool) {};
  /// It leads, or knows the leader and its cluster; from an actor's thread, perhaps more than once.
  std::function<void()> ready = [] {};
  /// A console statement of this kind ended; loop thread.
  std::function<void(std::string_view kind, bool ok)> statement_ended = [](std::string_view, bool) {};
  /// The process must end: the log failed, or the tree gave up.
  std::function<void(const std::string& why)> on_fatal;
};

/// Counters of the console for the exporter.
struct fe_console_stats {
  std::atomic<std::int64_t> sessions{0};
};

class fe_node {
public:
  /// Opens and verifies the log, opens the ports, begins to fold; the first start of a group of
  /// several goes on by itself when all founders are up.  Throws storage_error or kj::Exception.
  /// From neither the loop's thread nor an actor.
  static std::unique_ptr<fe_node> start(fe_options options, caf::actor_system& sys, kj_loop_ptr loop,
                                        kj::Network& network);
  ~fe_node();
  /// Ends sessions, then the tree, in order.  Idempotent; before the loop stops.
  void stop();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool leads() const { return leading_.load(); } ///< And everything older is folded.
  [[nodiscard]] bool follows() const;                          ///< It knows another fe that leads, and its cluster.
  /// host:port of the leader's console; empty: nobody is known to lead.
  [[nodiscard]] std::string leader_address() const;
  /// Why it is no member of the group any more; empty: nobody has said so.
  [[nodiscard]] std::string exclusion() const { return group_->exclusion(); }
  [[nodiscard]] const catalog_cell_ptr& catalog() const { return catalog_; }
  [[nodiscard]] const cluster_view_cell_ptr& cluster() const { return cluster_; }
  [[nodiscard]] const scheduler_view_cell_ptr& scheduler() const { return scheduler_; }
  [[nodiscard]] const journal_stats_ptr& journal() const { return group_->stats(); }
  [[nodiscard]] const memory_stats_ptr& log_memory() const { return group_->memory(); }
  [[nodiscard]] std::uint64_t log_memory_bytes_max() const { return options_.journal.memory_bytes; }
  [[nodiscard]] std::vector<peer_view> peers() const { return group_->peers(); } ///< The other front ends.
  [[nodiscard]] const checkpoint_room& checkpoints() const { return *checkpoint_; }
  [[nodiscard]] const cooldown_board& cooldown() const { return *cooldown_; }
  [[nodiscard]] const warmup_board& warmup() const { return *warmup_; }
  [[nodiscard]] const std::shared_ptr<fe_console_stats>& console() const { return console_stats_; }

private:
  fe_node(fe_options options, caf::actor_system& sys, kj_loop_ptr loop);
  [[nodiscard]] fe_group_options group_options();
  void spawn_tree(opened_journal opened);
  [[nodiscard]] std::vector<model::node_id> group_members() const;
  [[nodiscard]] caf::actor spawn_leader(caf::event_based_actor* parent);
  void open_port(kj::Network& network);
  [[nodiscard]] kj::Promise<console_session_actor> open_session(const std::string& database);
  void fill_info(api::ServerInfo::Builder to) const;
  void fill_health(api::ClusterHealth::Builder to) const;
  void look_around();
  [[nodiscard]] fe_face face() const;
  /// host:port of every console of the group that is known, this one's included.
  [[nodiscard]] std::vector<std::string> consoles() const;
  [[nodiscard]] frontend_facts frontends() const;
  [[nodiscard]] model::group_sight group_sight() const;
  void hand_over();
  [[nodiscard]] console_facts facts() const;
  [[nodiscard]] std::string address() const;

  fe_options options_;
  caf::actor_system& sys_;
  kj_loop_ptr loop_;
  catalog_cell_ptr catalog_ = std::make_shared<catalog_cell>();
  cluster_view_cell_ptr cluster_ = std::make_shared<cluster_view_cell>();
  scheduler_view_cell_ptr scheduler_ = std::make_shared<scheduler_view_cell>();
  cooldown_board_ptr cooldown_ = std::make_shared<cooldown_board>();
  warmup_board_ptr warmup_ = std::make_shared<warmup_board>();
  std::unique_ptr<fe_group> group_;
  std::shared_ptr<checkpoint_room> checkpoint_;
  std::shared_ptr<fe_console_stats> console_stats_ = std::make_shared<fe_console_stats>();
  std::shared_ptr<backend_links> links_ = std::make_shared<backend_links>();
  std::shared_ptr<leader_link> leader_ = std::make_shared<leader_link>();
  std::atomic<bool> leading_{false};
  // The herald's.
  bool serves_ = false;
  std::string followed_; ///< The console of the leader as the links heard of it last.
  /// Shared: the tree's last word may come when this object is gone.
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  std::uint64_t sessions_opened_ = 0; ///< Loop thread only.
  model::time_ms started_{};          ///< Wall clock.

  /// Handles of the present incarnations; a child is given those older than itself when it
  /// (re)starts, which rest_for_one makes the living ones.
  struct handles;
  std::shared_ptr<handles> handles_;
  caf::actor root_;
  kj::Own<rpc_port> rpc_; ///< Loop thread only.
  std::uint16_t port_ = 0;
};

} // namespace tabletd
