#include "node/be/be_node.h"
#include "actors/agent/reporter.h"
#include "actors/agent/task_keeper.h"
#include "actors/error_text.h"
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/urgent_exit.h"
#include "node/be/backend_service.h"
#include "node/be/boot_clock.h"
#include "node/be/cooldown_mover.h"
#include "node/cluster_hex.h"
#include "node/log.h"
#include "node/loop_call.h"
#include "node/rpc_port.h"
#include <caf/actor_cast.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

namespace tabletd {

namespace {

/// A directory that belongs to someone else must not start to serve.
void check_binding(disk_worker& disk, const model::backend_binding& binding) {
  disk.run_now([&](tablet_store& store) { store.bind(to_hex(binding.cluster), model::raw(binding.backend)); });
}

} // namespace

struct be_node::loop_side {
  backend_room_ptr room;
  kj::Own<rpc_port> port;
  kj::Promise<void> usage = nullptr;

  [[nodiscard]] bool is_open() const { return port.get() != nullptr; }

  kj::Promise<void> look_at_usage(kj::Duration every) {
    return room->timer().afterDelay(every).then([this, every] {
      room->paths().refresh();
      return look_at_usage(every);
    });
  }
};

// -- start -------------------------------------------------------------------------------

std::unique_ptr<be_node> be_node::start(be_options options, caf::actor_system& sys, kj_place place) {
  std::unique_ptr<be_node> node{new be_node{sys, std::move(place)}};
  node->open_paths(options);
  node->spawn_actors(options);
  node->open_port(options);
  log_info("the backend is up", {{"port", node->port_}, {"paths", node->paths_->disks().size()}});
  return node;
}

void be_node::open_paths(be_options& options) {
  if (options.paths.empty())
    throw storage_error(storage_fault::unusable, {},
                        "a backend needs at least one path; name one in its configuration");
  paths_ = std::make_shared<path_set>(std::move(options.paths), stats_);
  for (const auto& disk : paths_->disks())
    if (options.binding)
      check_binding(*disk, *options.binding);
  cold_ = std::make_shared<cold_reader>(options.cold, *paths_, shelf_);
}

/// Temporary: without its memory a successor could not go on; watch() ends the process instead.
template <class Fun, class Ports>
caf::actor be_node::start_actor(const std::string& id, Fun* function, const Ports& ports) {
  caf::actor started;
  std::string why;
  caf::scoped_actor self{sys_};
  self->request(supervisor_, std::chrono::seconds(10),
                start_child{{id, spawner(function, ports), model::restart::temporary}})
    .receive([&](caf::actor& handle) { started = handle; },
             [&](const caf::error& failed) { why = text_of(sys_, failed); });
  if (!started)
    throw std::runtime_error(fmt::format("the backend's {} could not be started: {}", id, why));
  return started;
}

void be_node::watch(const caf::actor& core, const std::function<void(const std::string&)>& on_fatal) {
  caf::actor_cast<caf::abstract_actor*>(core)->attach_functor(
    [&sys = sys_, stopping = stopping_, on_fatal](const caf::error& why) {
      if (*stopping)
        return;
      const auto text = text_of(sys, why);
      log_error("a core actor of the backend ended", {{"why", text}});
      if (on_fatal)
        on_fatal("a core actor of the backend ended: " + text);
    });
}

void be_node::spawn_actors(const be_options& options) {
  if (!options.supervisor)
    own_supervisor_
      = caf::actor_cast<caf::actor>(spawn_child(&sys_, supervisor, supervisor_options{"storage", {}, {}, {}}));
  supervisor_ = options.supervisor ? options.supervisor : own_supervisor_;
  wire_ = std::make_shared<leader_wire>(place_.loop);
  leftovers_ = std::make_shared<leftover_sweep>(options.mover.leftovers_kept);
  mover_ = std::make_shared<clone_mover>(place_.loop, options.mover, leftovers_);
  path_mover_ = std::make_shared<path_mover>(place_.loop, options.move_bytes, leftovers_);
  const auto reporter_handle
    = start_actor("reporter", reporter, reporter_ports{wire_, stats_, options.report, options.facts.boot});
  reporter_ = caf::actor_cast<reporter_actor>(reporter_handle);
  task_keeper_ports ports{paths_, mover_, reporter_, wire_, stats_, options.tasks, options.clone, supervisor_,
                          path_mover_, options.move};
  const auto keeper_handle = start_actor("task_keeper", task_keeper, ports);
  keeper_ = caf::actor_cast<task_keeper_actor>(keeper_handle);
  watch(reporter_handle, options.on_fatal);
  watch(keeper_handle, options.on_fatal);
  spawn_cooldown(options);
  spawn_warmups(options);
  paths_->report_to(reporter_);
}

void be_node::spawn_cooldown(const be_options& options) {
  workers_ = std::make_shared<remote_workers>(options.remote_threads);
  readers_ = std::make_shared<remote_workers>(options.remote_threads);
  cooldown_wire_ = std::make_shared<leader_cooldown_wire>(place_.loop);
  const auto mover = std::make_shared<cooldown_mover>(cooldown_mover::ports{paths_, workers_, shelf_, boot_clock_now});
  const auto wall_clock = [] { return model::time_ms(wall_clock_ms()); };
  const auto handle = start_actor("cooldown_keeper", cooldown_keeper,
                                  cooldown_keeper_ports{mover, cooldown_wire_, boot_clock_now, wall_clock, random_number,
                                                        options.cooldown, options.cooldown_rules});
  cooldown_ = caf::actor_cast<cooldown_keeper_actor>(handle);
  watch(handle, options.on_fatal);
}

void be_node::spawn_warmups(const be_options& options) {
  warming_ = std::make_shared<warmup_mover>(cold_, stats_, options.warming);
  const auto handle
    = start_actor("warmup_keeper", warmup_keeper,
                  warmup_keeper_ports{warming_, boot_clock_now, options.facts.boot, options.slot});
  warmups_ = caf::actor_cast<warmup_keeper_actor>(handle);
  watch(handle, options.on_fatal);
}

void be_node::open_port(const be_options& options) {
  loop_side_ = std::make_shared<loop_side>();
  call_in_loop(*place_.loop, [&]() -> kj::Promise<void> {
    return place_.network->parseAddress(options.listen.c_str())
      .then([this, &options](kj::Own<kj::NetworkAddress>&& address) {
        auto& side = *loop_side_;
        side.room = std::make_shared<backend_room>(
          backend_room::ports{*place_.loop, *place_.network, *place_.timer, paths_, reporter_, keeper_, stats_,
                              options.facts, options.binding, options.bind, cooldown_, readers_, shelf_, cold_, warming_, warmups_, &sys_});
        wire_->enter(side.room);
        cooldown_wire_->enter(side.room);
        leftovers_->enter(side.room);
        mover_->enter(side.room);
        path_mover_->enter(side.room);
        const auto room = side.room;
        side.port = kj::heap<rpc_port>(
          address->listen(),
          rpc_port::ports{room->timer(), [room] { return kj::heap<backend_gateway>(room); },
                          [room] { ++room->stats().connections_failed; }});
        side.usage = side.look_at_usage(options.usage_every).eagerlyEvaluate([](kj::Exception&&) {});
        port_ = side.port->number();
      });
  });
}

// -- stop --------------------------------------------------------------------------------

be_node::~be_node() { stop(); }

std::vector<disk_status> be_node::paths() const { return paths_->status(); }

void be_node::stop() {
  if (stopping_->exchange(true))
    return;
  if (paths_)
    paths_->begin_stop();
  if (loop_side_)
    call_in_loop(*place_.loop, [this]() -> kj::Promise<void> {
      if (loop_side_->is_open()) {
        loop_side_->room->drain();
        loop_side_->port->close();
      }
      return kj::READY_NOW;
    });
  if (keeper_) {
    caf::scoped_actor self{sys_};
    self->request(keeper_, std::chrono::seconds(60), drain{})
      .receive([](drained) {},
               [this](const caf::error& why) { log_warn("tasks did not end", {{"why", text_of(sys_, why)}}); });
  }
  if (warming_)
    warming_->stop();
  for (const auto& threads : {workers_, readers_})
    if (threads)
      threads->stop();
  if (cold_)
    cold_->stop();
  if (loop_side_)
    call_in_loop(*place_.loop, [this]() -> kj::Promise<void> {
      auto answered = kj::Promise<void>(kj::READY_NOW);
      if (loop_side_->is_open())
        answered = loop_side_->room->quiet().then([this] { return loop_side_->port->flushed(); });
      return answered.then([this] {
        path_mover_->leave();
        mover_->leave();
        leftovers_->leave();
        cooldown_wire_->leave();
        wire_->leave();
        loop_side_->usage = nullptr;
        loop_side_->port = nullptr;
        loop_side_->room = nullptr;
      });
    });
  if (paths_)
    paths_->stop();
  stop_actors();
  // Whatever the disks still answered has been taken in once this has run.
  call_in_loop(*place_.loop, []() -> kj::Promise<void> { return kj::evalLast([] {}); });
}

void be_node::stop_actors() {
  caf::scoped_actor self{sys_};
  const auto stop_one = [&](const char* id, const caf::actor& handle) {
    if (!handle)
      return;
    self->request(supervisor_, std::chrono::seconds(10), stop_child{id})
      .receive([] {}, [&](const caf::error&) {}); // Already gone.
  };
  stop_one("task_keeper", caf::actor_cast<caf::actor>(std::exchange(keeper_, {})));
  stop_one("cooldown_keeper", caf::actor_cast<caf::actor>(std::exchange(cooldown_, {})));
  stop_one("warmup_keeper", caf::actor_cast<caf::actor>(std::exchange(warmups_, {})));
  stop_one("reporter", caf::actor_cast<caf::actor>(std::exchange(reporter_, {})));
  supervisor_ = nullptr;
  if (const auto own = std::exchange(own_supervisor_, {})) {
    urgent_exit(own, caf::exit_reason::user_shutdown);
    self->wait_for(own);
  }
}

} // namespace tabletd
