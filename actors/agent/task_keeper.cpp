#include "actors/agent/task_keeper.h"
#include "actors/codec/agent_codec.h"
#include "actors/error_text.h"
#include "actors/spawn_child.h"
#include "actors/supervision/ports.h"
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <optional>

namespace tabletd {

namespace {

using self_ptr = task_keeper_actor::stateful_pointer<task_keeper_state>;

void feed(self_ptr self, const model::book_event& event);

/// The worker of a copy could not go on; what it was about says the book.
void failed(self_ptr self, model::log_index fence, const std::string& why) {
  auto& state = self->state;
  state.stops.erase(fence);
  const auto open = state.book.open.lower_bound({fence, {}});
  if (open == state.book.open.end() || open->first.fence != fence)
    return;
  const auto* clone = std::get_if<model::clone_order>(&open->second.task.what);
  const auto* move = std::get_if<model::move_order>(&open->second.task.what);
  if (clone || move)
    feed(self, model::task_finished{model::failed_end(fence, open->first.tablet,
                                                      clone ? clone->replica : move->replica,
                                                      model::task_failure::unknown, why)});
}

/// The worker is up.  It may end by itself, by our stop, or by a crash; all are seen here.
void adopt(self_ptr self, model::log_index fence, const caf::actor& worker) {
  auto& state = self->state;
  state.workers[fence] = worker;
  self->monitor(worker);
  if (const auto stop = state.stops.extract(fence))
    self->send(caf::actor_cast<copy_worker_actor>(worker), stop.mapped());
}

/// Temporary: the leader orders a copy that crashed again, under a new fence.
void start(self_ptr self, model::log_index fence, const char* kind, decltype(child_spec::start) spawn) {
  child_spec spec{kind + std::to_string(model::raw(fence)), std::move(spawn), model::restart::temporary};
  // However long it takes: a start given up here might still happen there, with nobody to adopt it.
  self->request(self->state.ports.supervisor, caf::infinite, start_child{std::move(spec)})
    .then([self, fence](const caf::actor& worker) { adopt(self, fence, worker); },
          [self, fence](const caf::error& why) {
            failed(self, fence, "its actor could not be started: " + text_of(self->system(), why));
          });
}

void stop(self_ptr self, const model::stop_copy& e) {
  auto& state = self->state;
  auto mail = seal<wire::CopyStop>([&](auto to) {
    to.setKeepPartial(e.keep_partial);
    to.setWhy("the leader or this backend gave it up");
  });
  if (const auto worker = state.workers.find(e.fence); worker != state.workers.end())
    self->send(caf::actor_cast<copy_worker_actor>(worker->second), mail);
  else
    state.stops[e.fence] = mail;
}

void count(task_keeper_state& state, const model::task_end& end) {
  const auto& task = state.book.open.at(model::key_of(end)).task;
  const auto* failure = std::get_if<model::task_failed>(&end.outcome);
  const auto result = failure ? 1 + static_cast<std::size_t>(failure->kind) : 0;
  ++state.ports.stats->tasks_ended[task.what.index()][result];
}

void carry_out(self_ptr self, const model::book_effects& effects) {
  auto& ports = self->state.ports;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::run_on_disk& e) { ports.disks->carry_out(e.task, self); },
                 [&](const model::start_clone& e) {
                   start(self, e.order.fence, "clone-",
                         spawner(clone_worker, e.order, clone_worker_ports{ports.transport, self, ports.pace}));
                 },
                 [&](const model::start_move& e) {
                   start(self, e.fence, "move-",
                         spawner(move_worker, e.fence, e.order, move_worker_ports{ports.mover, self, ports.move}));
                 },
                 [&](const model::stop_copy& e) { stop(self, e); },
                 [&](const model::stamp_end& e) {
                   count(self->state, e.end);
                   self->request(ports.reporter, caf::infinite, codec::seal_end(e.end))
                     .then([self](const task_ended& stamped) {
                       feed(self, model::task_stamped{codec::decode(stamped.get())});
                     });
                 },
                 [&](const model::answer_again& e) { ports.wire->send(codec::seal_end(e.end)); },
                 [&](const model::all_quiet&) {
                   for (auto& waiter : std::exchange(self->state.drain_waiters, {}))
                     waiter.deliver(drained{});
                 },
               },
               effect);
}

void feed(self_ptr self, const model::book_event& event) {
  carry_out(self, model::step(self->state.book, event));
  self->state.ports.stats->tasks_open = model::tasks_open(self->state.book);
}

/// Answers itself what a newer leader may order: ending for it would end the process, again and
/// again, because the order comes back with every link.
std::optional<model::agent_task> read(self_ptr self, wire::Task::Reader from) {
  try {
    return codec::decode(from);
  } catch (const kj::Exception& why) {
    // Whichever tablet it was about: an end without one speaks for the whole fence.
    caf::anon_send(self->state.ports.reporter,
                   codec::seal_end(model::failed_end(model::log_index{from.getFence()}, {}, {},
                                                     model::task_failure::unknown, why.getDescription().cStr())));
    return std::nullopt;
  }
}

void submit(self_ptr self, const task_batch& batch) {
  const auto& disks = *self->state.ports.disks;
  for (const auto from : batch.get().getTasks()) {
    auto task = read(self, from);
    if (!task)
      continue;
    model::task_submitted submitted{std::move(*task), {}};
    if (const auto* clone = std::get_if<model::clone_order>(&submitted.task.what))
      submitted.place = model::raw(clone->path) != 0 ? clone->path : disks.path_of(clone->tablet);
    else if (const auto* move = std::get_if<model::move_order>(&submitted.task.what))
      submitted.place = move->path;
    feed(self, submitted);
  }
}

void worker_gone(self_ptr self, const caf::down_msg& down) {
  auto& state = self->state;
  for (auto at = state.workers.begin(); at != state.workers.end(); ++at) {
    if (at->second.address() != down.source)
      continue;
    const auto fence = at->first;
    state.workers.erase(at);
    failed(self, fence, "its actor ended without an answer: " + text_of(self->system(), down.reason));
    return;
  }
}

} // namespace

task_keeper_actor::behavior_type task_keeper(task_keeper_actor::stateful_pointer<task_keeper_state> self,
                                             task_keeper_ports ports) {
  self->state.book.limits = ports.limits;
  self->state.ports = std::move(ports);
  self->set_down_handler([self](const caf::down_msg& down) { worker_gone(self, down); });
  return {
    [self](const task_batch& batch) { submit(self, batch); },
    [self](const task_ended& ended) { feed(self, model::task_finished{codec::decode(ended.get())}); },
    [self](drain) -> caf::result<drained> {
      auto waiter = self->make_response_promise<drained>();
      self->state.drain_waiters.push_back(waiter);
      feed(self, model::drain_asked{});
      return waiter;
    },
  };
}

} // namespace tabletd
