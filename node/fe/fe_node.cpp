#include "node/fe/fe_node.h"
#include "actors/catalog/catalog.h"
#include "actors/console/console_session.h"
#include "actors/console/load_keeper.h"
#include "actors/cooldown/cooldown_overseer.h"
#include "actors/journal/group_keeper.h"
#include "actors/repair/tablet_checker.h"
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/supervision/term_scope.h"
#include "actors/urgent_exit.h"
#include "actors/warmup/warmup_overseer.h"
#include "node/fe/console_server.h"
#include "node/fe/frontend_rows.h"
#include "node/fe/herald.h"
#include "node/fe/store_probe.h"
#include "node/fe/store_sweep.h"
#include "node/network_name.h"
#include "node/log.h"
#include "node/loop_call.h"
#include <caf/actor_cast.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <algorithm>
#include <mutex>
#include <random>
#include <stdexcept>

namespace tabletd {

namespace {

model::time_ms wall_clock() {
  return std::chrono::duration_cast<model::time_ms>(std::chrono::system_clock::now().time_since_epoch());
}

model::cluster_uuid random_uuid() {
  std::random_device dice;
  model::cluster_uuid id;
  for (auto& byte : id)
    byte = static_cast<std::uint8_t>(dice());
  return id;
}

/// A tree that restarts more often than this is not going to recover by restarting.
constexpr model::supervisor_spec leader_spec{.how = model::strategy::rest_for_one, .backoff = {}};
constexpr model::supervisor_spec crowd_spec{.how = model::strategy::one_for_one, .restarts_max = 100, .backoff = {}};

/// A crowd stops its children together, each within its 5 s.
constexpr std::chrono::seconds crowd_shutdown{10};
/// Covers what the term's subtree may take, one after the other: three crowds of 10 s and nine actors of 5 s.
constexpr std::chrono::seconds term_shutdown{90};
constexpr auto start_look = 2 * kj::MILLISECONDS;
/// Stopping does not wait longer for another one to lead.
constexpr std::chrono::seconds hand_over_patience{2};

void tell_log(const std::string& text, bool is_bad) { is_bad ? log_warn(text) : log_info(text); }

} // namespace

struct fe_node::handles {
  std::mutex mutex;
  group_journal_actor journal;
  replaceable_catalog_actor catalog;
  image_keeper_actor image_keeper;
  checkpoint_worker_actor checkpoint_worker;
  checkpoint_controller_actor checkpoint;
  caf::actor be_agents;
  membership_life_actor membership;
  tablet_scheduler_actor scheduler;
  caf::actor jobs;
  load_keeper_actor load_keeper;
  group_keeper_actor group;
  warmup_overseer_actor warmup;
  caf::actor sessions;
  console_session_ports session; ///< Complete once `sessions` is up.

  /// A start function that leaves its handle in `slot` for the siblings after it.
  template <class Handle, class Spawn>
  static std::function<caf::actor(caf::event_based_actor*)> starter(const std::shared_ptr<handles>& all,
                                                                    Handle handles::*slot, Spawn spawn) {
    return [all, slot, spawn](caf::event_based_actor* parent) {
      Handle made = spawn(parent, *all);
      const std::lock_guard lock{all->mutex};
      (*all).*slot = made;
      return caf::actor_cast<caf::actor>(made);
    };
  }
};

fe_node::fe_node(fe_options options, caf::actor_system& sys, kj_loop_ptr loop)
  : options_(std::move(options)), sys_(sys), loop_(std::move(loop)), started_(wall_clock()),
    handles_(std::make_shared<handles>()) {
  group_ = std::make_unique<fe_group>(group_options());
  checkpoint_room_options images;
  images.directory = options_.log_directory / "images";
  images.node = options_.node_id;
  images.cell = catalog_;
  images.stats = journal();
  images.wall_clock = wall_clock;
  images.rules = options_.checkpoint;
  images.pace = options_.checkpoint_beat;
  checkpoint_ = std::make_shared<checkpoint_room>(std::move(images));
  checkpoint_->exchange()->connect([group = group_.get()](const model::checkpoint_mail& mail) { group->post(mail); });
}

fe_group_options fe_node::group_options() {
  fe_group_options group;
  group.log_directory = options_.log_directory;
  group.cluster_name = options_.cluster_name;
  group.node = options_.node_id;
  group.founders = options_.founders;
  if (group.founders.empty())
    group.founders = {{.id = options_.node_id, .address = options_.listen, .voter = true}};
  else
    group.listen = options_.edit_log_listen;
  group.joins = options_.joins;
  group.limits = options_.journal;
  group.start_from = [this](const edit_log& log) { return checkpoint_->start(log); };
  // The room is made after the group, whose numbers it reads.
  group.images.wanted = [this](const model::image_to_install& what) { checkpoint_->hooks().wanted(what); };
  group.images.over = [this](std::uint64_t restarted_at) { checkpoint_->hooks().over(restarted_at); };
  group.checkpoint = [this](model::checkpoint_mail mail) { checkpoint_->exchange()->deliver(std::move(mail)); };
  group.on_fatal = options_.on_fatal;
  group.wall_clock = wall_clock;
  return group;
}

std::unique_ptr<fe_node> fe_node::start(fe_options options, caf::actor_system& sys, kj_loop_ptr loop,
                                        kj::Network& network) {
  std::unique_ptr<fe_node> self{new fe_node(std::move(options), sys, std::move(loop))};
  self->open_port(network);
  self->group_->start(*self->loop_, network, self->face(),
                      [node = self.get()](opened_journal opened) { node->spawn_tree(std::move(opened)); });
  return self;
}

void fe_node::spawn_tree(opened_journal opened) {
  auto all = handles_;
  checkpoint_->open(opened.inbox);
  // After a failure only what is re-read from disk can be trusted: the journal starts once.
  auto started = std::make_shared<bool>(false);
  child_spec journal_child;
  journal_child.id = "journal";
  journal_child.start = handles::starter(
    all, &handles::journal, [opened, started](caf::event_based_actor* parent, handles&) -> group_journal_actor {
      if (std::exchange(*started, true))
        throw std::runtime_error("the journal is not restarted within a process");
      return spawn_child(parent, tabletd::journal, opened);
    });

  child_spec catalog_child;
  catalog_child.id = "catalog";
  catalog_child.start = handles::starter(
    all, &handles::catalog, [cell = catalog_](caf::event_based_actor* parent, handles& h) -> replaceable_catalog_actor {
      return spawn_child(parent, catalog_keeper, catalog_ports{h.journal, cell});
    });

  child_spec keeper_child;
  keeper_child.id = "image_keeper";
  keeper_child.start = handles::starter(
    all, &handles::image_keeper, [room = checkpoint_](caf::event_based_actor* parent, handles& h) -> image_keeper_actor {
      auto keeper = spawn_child<caf::detached>(parent, image_keeper, room->keeper_ports(h.catalog));
      room->exchange()->set(keeper); // Not only when its thread begins: the worker may have an order for it before.
      return keeper;
    });

  child_spec worker_child;
  worker_child.id = "checkpoint_worker";
  worker_child.start = handles::starter(
    all, &handles::checkpoint_worker,
    [room = checkpoint_](caf::event_based_actor* parent, handles&) -> checkpoint_worker_actor {
      return spawn_child(parent, checkpoint_worker, room->worker_ports());
    });

  term_scope_ports scope;
  scope.catalog = catalog_;
  scope.wall_clock = wall_clock;
  scope.node_id = options_.node_id;
  scope.new_cluster = random_uuid();
  scope.cluster_name = options_.cluster_name;
  scope.start_subtree = [this](caf::event_based_actor* parent) { return spawn_leader(parent); };
  scope.leading = [this](bool leading) {
    leading_.store(leading);
    log_info(leading ? "leads" : "no longer leads", {{"term", journal()->term.load()}});
    options_.leading(leading);
    if (leading)
      options_.ready();
  };
  child_spec herald_child;
  herald_child.id = "herald";
  herald_child.start = [this, all](caf::event_based_actor* parent) {
    return caf::actor_cast<caf::actor>(spawn_child(parent, herald, herald_ports{all->journal, all->catalog, [this] { look_around(); }}));
  };

  child_spec term_child;
  term_child.id = "term_scope";
  term_child.shutdown = term_shutdown;
  term_child.start = [all, scope](caf::event_based_actor* parent) {
    auto ports = scope;
    ports.journal = all->journal;
    return caf::actor_cast<caf::actor>(spawn_child(parent, term_scope, ports));
  };

  supervisor_options root;
  root.name = "root";
  root.spec.how = model::strategy::rest_for_one;
  root.spec.restarts_max = 3; // design/style.md 5, restart storm: few at the top.
  root.children = {journal_child, catalog_child, keeper_child, worker_child, herald_child, term_child};
  root_ = caf::actor_cast<caf::actor>(spawn_child(&sys_, supervisor, std::move(root)));
  root_->attach_functor([&sys = sys_, stopping = stopping_, on_fatal = options_.on_fatal](const caf::error& why) {
    if (!stopping->load())
      on_fatal("the supervisor tree gave up: " + text_of(sys, why));
  });
}

caf::actor fe_node::spawn_leader(caf::event_based_actor* parent) {
  auto all = handles_;
  const auto crowd = [all](std::string name, caf::actor handles::*slot) {
    supervisor_options options;
    options.name = std::move(name);
    options.spec = crowd_spec;
    auto spec = supervisor_child(std::move(options), crowd_shutdown);
    spec.start = handles::starter(all, slot, [start = spec.start](caf::event_based_actor* over, handles&) { return start(over); });
    return spec;
  };
  const auto agents = crowd("be_agents", &handles::be_agents);

  child_spec members{.id = "membership",
                     .start = handles::starter(all, &handles::membership, [this](caf::event_based_actor* over, handles& h) {
                       membership_ports ports{h.journal, catalog_, cluster_, links_, h.be_agents, wall_clock, options_.membership};
                       membership_life_actor made = spawn_child(over, membership, std::move(ports));
                       over->send(h.catalog, subscribe{}, caf::actor_cast<catalog_listener_actor>(made));
                       return made;
                     })};

  child_spec scheduler{.id = "tablet_scheduler",
                       .start = handles::starter(all, &handles::scheduler, [this](caf::event_based_actor* over, handles& h) {
                         scheduler_ports ports;
                         ports.journal = h.journal;
                         ports.membership = caf::actor_cast<membership_actor>(h.membership);
                         ports.catalog = catalog_;
                         ports.cluster = cluster_;
                         ports.view = scheduler_;
                         ports.wall_clock = wall_clock;
                         tablet_scheduler_actor made = spawn_child(over, tablet_scheduler, std::move(ports), options_.scheduler);
                         over->send(h.membership, subscribe{}, caf::actor_cast<view_listener_actor>(made));
                         return made;
                       })};

  child_spec checker{.id = "tablet_checker", .start = [this, all](caf::event_based_actor* over) {
                       checker_ports ports{catalog_, all->catalog, all->scheduler};
                       return caf::actor_cast<caf::actor>(spawn_child(over, tablet_checker, std::move(ports)));
                     }};

  child_spec checkpoint{.id = "checkpoint_controller",
                        .start = handles::starter(
                          all, &handles::checkpoint,
                          [this](caf::event_based_actor* over, handles& h) -> checkpoint_controller_actor {
                            return spawn_child(over, checkpoint_controller,
                                               checkpoint_->controller_ports(h.journal, [this] { return group_members(); }));
                          })};

  const auto jobs = crowd("jobs", &handles::jobs);
  const auto job_ports = [this, all] {
    return console_job_ports{all->journal,
                             caf::actor_cast<membership_actor>(all->membership),
                             all->load_keeper,
                             catalog_,
                             cluster_,
                             wall_clock,
                             [this] { return address(); },
                             model::config_of(options_.scheduler),
                             {ask_store, true, leftovers_in}};
  };
  child_spec keeper{.id = "load_keeper",
                    .start = handles::starter(all, &handles::load_keeper,
                                              [job_ports](caf::event_based_actor* over, handles& h) -> load_keeper_actor {
                                                return spawn_child(over, load_keeper, load_keeper_ports{h.jobs, job_ports()});
                                              })};

  child_spec group{.id = "group_keeper",
                   .start = handles::starter(all, &handles::group, [this](caf::event_based_actor* over, handles& h) {
                     return group_keeper_actor{
                       spawn_child(over, group_keeper, group_keeper_ports{h.journal, [this] { return group_sight(); }})};
                   })};

  child_spec warmup{.id = "warmup",
                    .start = handles::starter(all, &handles::warmup, [this](caf::event_based_actor* over, handles& h) -> warmup_overseer_actor {
                      return spawn_child(over, warmup_overseer,
                                         warmup_room{.journal = h.journal,
                                                     .leader_check = h.journal,
                                                     .catalog_news = h.catalog,
                                                     .catalog = catalog_,
                                                     .links = links_,
                                                     .board = warmup_,
                                                     .wall_clock = wall_clock,
                                                     .tell = tell_log,
                                                     .alarm = [](const std::string& text) { log_error(text); },
                                                     .settings = options_.warmup});
                    })};

  auto sessions = crowd("sessions", &handles::sessions);
  sessions.start = [this, all, job_ports, start = sessions.start](caf::event_based_actor* over) {
    auto made = start(over);
    const std::lock_guard lock{all->mutex};
    auto statistics = all->session.statistics ? all->session.statistics : std::make_shared<statistic_cache>();
    all->session = {job_ports(), scheduler_, all->jobs, facts(), std::move(statistics), all->checkpoint, all->group,
                    caf::actor_cast<warmup_desk_actor>(all->warmup), options_.warmup.batch_bytes, all->journal};
    return made;
  };

  child_spec cooldown{.id = "cooldown", .start = [this, all](caf::event_based_actor* over) {
                        cooldown_overseer_ports ports{.journal = all->journal,
                                                      .leader_check = all->journal,
                                                      .catalog_news = all->catalog,
                                                      .catalog = catalog_,
                                                      .links = links_,
                                                      .board = cooldown_,
                                                      .wall_clock = wall_clock,
                                                      .lease = options_.cooldown_lease,
                                                      .pace = {}};
                        return caf::actor_cast<caf::actor>(spawn_child(over, cooldown_overseer, std::move(ports)));
                      }};

  child_spec purger{.id = "remote_purger", .start = [this, all](caf::event_based_actor* over) {
                      remote_purger_ports ports{.journal = all->journal,
                                                .catalog = catalog_,
                                                .sweep = {sweep_stores},
                                                .wall_clock = wall_clock,
                                                .tell = tell_log,
                                                .lease = options_.cooldown_lease};
                      return caf::actor_cast<caf::actor>(spawn_child(over, remote_purger, std::move(ports)));
                    }};

  supervisor_options options;
  options.name = "sched";
  options.spec = leader_spec;
  options.children = {agents, members, scheduler, checker, checkpoint, jobs, keeper, group, warmup, sessions, cooldown, purger};
  return caf::actor_cast<caf::actor>(spawn_child(parent, supervisor, std::move(options)));
}

std::vector<model::node_id> fe_node::group_members() const {
  std::vector<model::node_id> all{options_.node_id};
  for (const auto& peer : group_->peers())
    all.push_back(peer.node);
  return all;
}

void fe_node::open_port(kj::Network& network) {
  auto ports = std::make_shared<console_ports>(console_ports{
    .loop = *loop_,
    .sys = sys_,
    .links = links_,
    .open_session = [this](std::string database) { return open_session(database); },
    .info = [this](api::ServerInfo::Builder to) { fill_info(to); },
    .health = [this](api::ClusterHealth::Builder to) { fill_health(to); },
    .complete =
      [this](kj::StringPtr text, std::uint32_t cursor, api::Session::CompleteResults::Builder to) {
        const auto found = complete_statement(*catalog_, {text.begin(), text.size()}, cursor);
        to.setReplaceFrom(found.replace_from);
        auto list = to.initCandidates(static_cast<unsigned>(found.candidates.size()));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setText(found.candidates[i].text.c_str());
          list[i].setKind(found.candidates[i].kind.c_str());
          list[i].setHelp(found.candidates[i].help.c_str());
        }
      },
    .statement_ended = [ended = options_.statement_ended](kj::StringPtr kind, bool ok) {
      ended({kind.begin(), kind.size()}, ok);
    },
    .sessions_changed = [stats = console_stats_](int change) { stats->sessions += change; },
    .name = options_.name,
    .leader_address =
      [this]() -> std::optional<std::string> {
        auto leader = leads() ? std::string() : leader_address();
        return leader.empty() ? std::nullopt : std::optional(std::move(leader));
      },
    .leader = leader_,
    .consoles = [this] { return consoles(); },
  });
  call_in_loop(*loop_, [this, ports, &network] {
    links_->start(*loop_, sys_, network, loop_->timer());
    leader_->start(network, loop_->timer());
    return network.parseAddress(options_.listen.c_str()).then([this, ports](kj::Own<kj::NetworkAddress>&& address) {
      const bool trusted = is_loopback(options_.listen) || options_.allow_insecure;
      rpc_ = kj::heap<rpc_port>(
        address->listen(),
        rpc_port::ports{loop_->timer(), [ports, trusted] { return make_gateway(ports, trusted); }, [] {}});
      port_ = rpc_->number();
    });
  });
}

kj::Promise<console_session_actor> fe_node::open_session(const std::string& database) {
  caf::actor sessions;
  console_session_ports ports;
  {
    const std::lock_guard lock{handles_->mutex};
    sessions = handles_->sessions;
    ports = handles_->session;
  }
  if (!leads())
    return KJ_EXCEPTION(OVERLOADED, "it does not lead, or has not folded its log yet");
  if (!sessions) // The children of a term that has just begun are starting.
    return loop_->timer().afterDelay(start_look).then([this, database] { return open_session(database); });
  start_child order;
  order.spec.id = fmt::format("session-{}", ++sessions_opened_);
  order.spec.start = spawner(console_session, database, ports);
  order.spec.when = model::restart::temporary;
  return ask<caf::actor>(*loop_, sys_, sessions, std::move(order)).then([](caf::actor made) {
    return caf::actor_cast<console_session_actor>(made);
  });
}

std::string fe_node::address() const { return fmt::format("{}:{}", options_.advertise_host, port_); }

/// The standing of this node or its catalog has changed.
void fe_node::look_around() {
  const bool serves = leads() || follows();
  if (!std::exchange(serves_, serves) && serves)
    options_.ready();
  // Sessions that were passed on to a leader that is none any more must end, not hang.
  auto to = leads() ? std::string() : leader_address();
  if (std::exchange(followed_, to) == to)
    return; // With every write.
  loop_->post([link = leader_, to = std::move(to)] { link->follow(to.empty() ? std::nullopt : std::optional(to)); });
}

/// So that a restart of one after the other never leaves the group without a leader for long.
void fe_node::hand_over() {
  group_journal_actor log;
  {
    const std::lock_guard lock{handles_->mutex};
    log = handles_->journal;
  }
  const auto peers = group_->peers();
  if (!log || !journal()->leads || std::ranges::none_of(peers, &peer_view::is_linked))
    return;
  caf::scoped_actor self{sys_};
  self->request(log, hand_over_patience, tabletd::hand_over{})
    .receive(
      [&](const group_outcome& outcome) {
        if (!outcome.ok())
          log_info("stops while it leads: nobody took over",
                   {{"why", outcome.failure.empty() ? "nobody else could lead" : outcome.failure}});
      },
      [&](const caf::error& why) {
        log_info("stops while it leads: nobody took over", {{"why", text_of(sys_, why)}});
      });
}

void fe_node::stop() {
  if (stopping_->exchange(true))
    return;
  group_->stop_founding();
  hand_over();
  call_in_loop(*loop_, [this]() -> kj::Promise<void> {
    if (rpc_.get() == nullptr)
      return kj::READY_NOW; // The port never opened.
    rpc_->close();
    return rpc_->flushed().then([this] {
      rpc_ = nullptr;
      leader_->stop();
      links_->stop();
    });
  });
  if (root_) {
    caf::scoped_actor self{sys_};
    self->monitor(root_);
    urgent_exit(root_, caf::exit_reason::user_shutdown);
    self->receive([](caf::down_msg&) {});
    root_ = nullptr;
  }
  checkpoint_->exchange()->close();
  group_->stop(*loop_);
  // What the tree left behind must not outlive the actor system.
  const std::lock_guard lock{handles_->mutex};
  handles_->journal = nullptr;
  handles_->catalog = nullptr;
  handles_->image_keeper = nullptr;
  handles_->checkpoint_worker = nullptr;
  handles_->checkpoint = nullptr;
  handles_->be_agents = nullptr;
  handles_->membership = nullptr;
  handles_->scheduler = nullptr;
  handles_->jobs = nullptr;
  handles_->load_keeper = nullptr;
  handles_->group = nullptr;
  handles_->warmup = nullptr;
  handles_->sessions = nullptr;
  handles_->session = {};
}

fe_node::~fe_node() { stop(); }

} // namespace tabletd
