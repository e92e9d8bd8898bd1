// See image_keeper.h.
#include "actors/checkpoint/image_keeper.h"

#include "actors/actor_clock.h"
#include "actors/checkpoint/catalog_image.h"
#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <fcntl.h>

#include <algorithm>

namespace tabletd {

namespace {

using self_ptr = image_keeper_actor::stateful_pointer<image_keeper_state>;
using model::image_mark;

constexpr auto tick_every = std::chrono::milliseconds(250);  ///< While an image is on its way.
/// Between two words about progress.
constexpr std::uint64_t progress_bytes = 4U << 20;

struct abandoned {};

image_shelf& shelf_of(self_ptr self) { return *self->state.ports.shelf; }

/// It is under its name and verified: the journal and the worker hear of it, in that order.
void put_on_shelf(self_ptr self, const image_mark& mark) {
  auto images = model::with_image(shelf_of(self).images(), mark);
  shelf_of(self).set(images);
  self->state.ports.kept(mark, model::older_id(images));
}

// -- making one --------------------------------------------------------------------------

image_mark write(self_ptr self, const save_order& order) {
  auto& shelf = shelf_of(self);
  const auto id = raw(order.snapshot->applied);
  if (id < model::newest_id(shelf.images()))
    throw storage_error(storage_fault::unusable, {}, fmt::format("this node has a newer image than {} by now", id));
  auto writer = shelf.store.begin({image_format, id, order.attempt.epoch, self->state.ports.wall_clock().count(), 0});
  std::uint64_t told = 0;
  write_image(*order.snapshot, shelf.carried, writer, [&](std::uint64_t bytes) {
    if (order.abandoned->load())
      throw abandoned{};
    if (bytes - told < progress_bytes)
      return;
    told = bytes;
    self->state.ports.exchange->tell_worker({model::save_progressed{order.attempt, bytes}});
  });
  return mark_of(shelf.store.keep(std::move(writer)));
}

void on_save(self_ptr self, const save_order& order) {
  auto& exchange = *self->state.ports.exchange;
  try {
    const auto mark = write(self, order);
    put_on_shelf(self, mark);
    exchange.tell_worker({model::image_saved{order.attempt, mark}});
  } catch (const abandoned&) {
    // Its worker knows.
  } catch (const storage_error& error) {
    self->state.ports.warn(error.what());
    const auto kind = error.fault() == storage_fault::disk_full ? model::attempt_failure::disk_full : model::attempt_failure::other;
    exchange.tell_worker({model::job_failed{order.attempt, kind, error.what()}});
  }
}

// -- giving one --------------------------------------------------------------------------

std::vector<std::byte> read_chunk(self_ptr self, const model::chunk_asked& asked) {
  const auto& shelf = shelf_of(self);
  const auto images = shelf.images();
  if (std::ranges::find(images, asked.image) == images.end() || asked.offset >= asked.image.bytes)
    return {};
  std::vector<std::byte> bytes(std::min<std::uint64_t>(model::chunk_bytes, asked.image.bytes - asked.offset));
  open_file(shelf.store.path_of(asked.image.id), O_RDONLY | O_CLOEXEC).read_at(asked.offset, bytes);
  return bytes;
}

void on_asked(self_ptr self, model::node_id from, const model::chunk_asked& asked) {
  model::chunk_given given{asked.image, asked.offset, {}};
  try {
    given.bytes = read_chunk(self, asked);
  } catch (const storage_error& error) {
    self->state.ports.warn(error.what());
  }
  self->state.ports.exchange->post(from, std::move(given));
}

// -- getting one -------------------------------------------------------------------------

/// Who waits for the image hears that it did not come.
void tell_failed(self_ptr self, const fetch_order& order, bool damaged, const std::string& why) {
  auto& ports = self->state.ports;
  ports.warn(fmt::format("image {} did not come from fe {}: {}", order.image.id, order.from, why));
  std::visit(model::overloaded{
               [&](const fetch_order::for_leader& f) {
                 ports.exchange->tell_controller({model::image_refused{f.attempt, damaged, why}});
               },
               [&](const fetch_order::offered&) {
                 ports.exchange->post(order.from, model::push_refused{ports.exchange->self(), order.image.id});
               },
               [&](const fetch_order::install& f) { ports.install_ended(f.what, false); },
             },
             order.why);
}

void give_up(self_ptr self, bool damaged, const std::string& why) {
  const auto order = self->state.fetch->order();
  self->state.fetch.reset();
  tell_failed(self, order, damaged, why);
}

/// K9 once more, for the transfer took its time; empty: put it in place.
std::string objection(self_ptr self, const fetch_order& order) {
  const auto& ports = self->state.ports;
  if (std::holds_alternative<fetch_order::install>(order.why))
    return {};
  model::checkpoint_worker here;
  here.epoch = ports.term();
  here.applied = raw(ports.cell->load()->applied);
  here.images = shelf_of(self).images();
  const auto* offered = std::get_if<fetch_order::offered>(&order.why);
  switch (judge_offer(here, {offered ? offered->offer.epoch : here.epoch, order.image})) {
    case model::image_verdict::old_epoch: return "who offered it leads no more";
    case model::image_verdict::lower: return "this node has a newer one";
    case model::image_verdict::ahead: return "it is ahead of the log of this node";
    default: return {};
  }
}

void tell_placed(self_ptr self, const fetch_order& order) {
  auto& ports = self->state.ports;
  if (const auto* install = std::get_if<fetch_order::install>(&order.why)) {
    self->state.installed = load_image(shelf_of(self).store.path_of(order.image.id)).content;
    self->state.installing = order.image;
    return ports.install_ended(install->what, true);
  }
  put_on_shelf(self, order.image);
  ports.exchange->tell_worker({model::image_installed{order.image}});
  if (const auto* f = std::get_if<fetch_order::for_leader>(&order.why))
    ports.exchange->tell_controller({model::image_received{f->attempt, order.image}});
  else
    ports.exchange->post(order.from, model::push_acked{ports.exchange->self(), ports.boot, order.image});
}

void finish(self_ptr self) {
  auto done = std::move(*self->state.fetch);
  self->state.fetch.reset();
  const auto& order = done.order();
  try {
    if (const auto why = objection(self, order); !why.empty())
      return tell_failed(self, order, false, why);
    shelf_of(self).store.keep(std::move(done.receiver()));
    tell_placed(self, order);
  } catch (const storage_error& error) {
    tell_failed(self, order, error.fault() == storage_fault::corrupt, error.what());
  }
}

void tell_progress(self_ptr self, const model::chunk_given& chunk) {
  const auto& order = self->state.fetch->order();
  auto& exchange = *self->state.ports.exchange;
  if (chunk.offset % progress_bytes != 0)
    return;
  if (const auto* f = std::get_if<fetch_order::for_leader>(&order.why))
    exchange.tell_controller({model::fetch_progressed{f->attempt}});
  else if (std::holds_alternative<fetch_order::offered>(order.why))
    exchange.post(order.from, model::push_progressed{exchange.self()});
}

void on_given(self_ptr self, model::node_id from, const model::chunk_given& chunk) {
  auto& fetch = self->state.fetch;
  if (!fetch || fetch->order().from != from || fetch->order().image != chunk.image)
    return;
  if (chunk.bytes.empty())
    return give_up(self, false, "it has no such image any more");
  try {
    const bool complete = fetch->take(chunk, now(self));
    tell_progress(self, chunk);
    if (complete)
      finish(self);
  } catch (const storage_error& error) {
    give_up(self, error.fault() == storage_fault::corrupt, error.what());
  }
}

void set_timer(self_ptr self) {
  if (!std::exchange(self->state.timer_is_set, true))
    self->delayed_send(image_keeper_actor{self}, tick_every, tick_due{});
}

void on_fetch(self_ptr self, const fetch_order& order) {
  auto& fetch = self->state.fetch;
  const bool installs = std::holds_alternative<fetch_order::install>(order.why);
  if (fetch && std::holds_alternative<fetch_order::install>(fetch->order().why) && !installs)
    return tell_failed(self, order, false, "this node installs an image");
  if (fetch && fetch->order().from == order.from && fetch->order().image == order.image && !installs
      && fetch->order().why.index() == order.why.index())
    return;  // Offered again while it comes.
  if (fetch)
    give_up(self, false, "another image is wanted first");
  try {
    fetch.emplace(order, shelf_of(self).store.receive(summary_of(order.image)),
                  [exchange = self->state.ports.exchange, from = order.from, image = order.image](std::uint64_t offset) {
                    exchange->post(from, model::chunk_asked{image, offset});
                  },
                  self->state.ports.pace, now(self));
    set_timer(self);
  } catch (const storage_error& error) {
    tell_failed(self, order, false, error.what());
  }
}

void on_tick(self_ptr self) {
  auto& fetch = self->state.fetch;
  self->state.timer_is_set = false;
  if (!fetch)
    return;
  if (!fetch->tick(now(self)))
    return give_up(self, false, "it does not answer");
  set_timer(self);
}

void on_stop(self_ptr self, const fetch_stop& stop) {
  auto& fetch = self->state.fetch;
  if (fetch && fetch->order().image.id == stop.image_id && std::holds_alternative<fetch_order::for_leader>(fetch->order().why))
    fetch.reset();
}

/// The log begins behind the image now, or goes on without it.
void on_install_over(self_ptr self, const install_over& over) {
  auto& st = self->state;
  auto loaded = std::exchange(st.installed, std::nullopt);
  if (!loaded)
    return;
  if (over.restarted_at != st.installing.id + 1) {
    discard_file(shelf_of(self).store.path_of(st.installing.id));
    return;
  }
  shelf_of(self).store.forget_before(st.installing.id);
  shelf_of(self).set({st.installing});
  shelf_of(self).carried = std::move(loaded->carried);
  self->send(st.ports.catalog, catalog_replaced{std::make_shared<const model::catalog>(std::move(loaded->cat))});
  st.ports.exchange->tell_worker({model::image_installed{st.installing}});
}

} // namespace

image_keeper_actor::behavior_type image_keeper(self_ptr self, image_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->state.ports.exchange->set(image_keeper_actor{self});
  return {
    [self](const model::checkpoint_mail& mail) {
      if (const auto* asked = std::get_if<model::chunk_asked>(&mail.what))
        on_asked(self, mail.peer, *asked);
      else if (const auto* given = std::get_if<model::chunk_given>(&mail.what))
        on_given(self, mail.peer, *given);
    },
    [self](const save_order& order) { on_save(self, order); },
    [self](const fetch_order& order) { on_fetch(self, order); },
    [self](const fetch_stop& stop) { on_stop(self, stop); },
    [self](const install_over& over) { on_install_over(self, over); },
    [self](tick_due) { on_tick(self); },
  };
}

} // namespace tabletd
