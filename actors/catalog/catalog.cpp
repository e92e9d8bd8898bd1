#include "actors/catalog/catalog.h"
#include "actors/codec/edit_codec.h"
#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <caf/system_messages.hpp>
#include <algorithm>
#include <stdexcept>

namespace tabletd {

namespace {

using self_ptr = replaceable_catalog_actor::stateful_pointer<catalog_state>;
using model::raw;

/// What a batch changed, without repetition.
struct advance {
  std::vector<model::tablet_id> touched;
  std::vector<model::backend_id> backends;

  void add(model::verdict&& v) {
    touched.insert(touched.end(), v.touched.begin(), v.touched.end());
    if (raw(v.touched_backend) != 0)
      backends.push_back(v.touched_backend);
  }
};

template <class Id>
void unique(std::vector<Id>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

template <class List, class Id>
void fill(List to, const std::vector<Id>& ids) {
  for (unsigned i = 0; i < to.size(); ++i)
    to.set(i, raw(ids[i]));
}

catalog_advanced announcement(std::uint64_t index, advance what) {
  unique(what.touched);
  unique(what.backends);
  return seal<wire::CatalogAdvanced>(
      [&](auto to) {
        to.setIndex(index);
        fill(to.initTouched(static_cast<unsigned>(what.touched.size())), what.touched);
        fill(to.initBackends(static_cast<unsigned>(what.backends.size())), what.backends);
      },
      16 + what.touched.size() + what.backends.size());
}

edit_outcome outcome_of(std::uint64_t index, const model::verdict& v) {
  return seal<wire::EditOutcome>(
      [&](auto to) {
        to.setIndex(index);
        to.setRefusal(static_cast<std::uint8_t>(v.why));
        to.setId(v.id);
      },
      8);
}

/// An empty message is an entry of consensus itself: it only takes an index.
edit_outcome fold(model::catalog& cat, std::uint64_t index, const edit_message& entry,
                  advance& changed) {
  if (!entry) {
    cat.applied = model::log_index{index};
    return outcome_of(index, {});
  }
  auto judged = model::apply(cat, codec::decode(entry.get()), model::log_index{index});
  auto outcome = outcome_of(index, judged);
  changed.add(std::move(judged));
  return outcome;
}

void publish(self_ptr self) {
  self->state.ports.cell->store(std::make_shared<const model::catalog>(self->state.cat));
}

batch_outcomes on_batch(self_ptr self, const committed_batch& batch) {
  auto& cat = self->state.cat;
  if (batch.first_index != raw(cat.applied) + 1)
    throw std::runtime_error("the journal sent entry " + std::to_string(batch.first_index)
                             + " after entry " + std::to_string(raw(cat.applied))
                             + "; restart the node to replay the log");
  batch_outcomes answer;
  answer.outcomes.reserve(batch.edits.size());
  advance changed;
  auto index = batch.first_index;
  for (const auto& entry : batch.edits)
    answer.outcomes.push_back(fold(cat, index++, entry, changed));
  publish(self);
  const auto news = announcement(raw(cat.applied), std::move(changed));
  for (const auto& listener : self->state.listeners)
    self->send(listener, news);
  return answer;
}

void on_subscribe(self_ptr self, const catalog_listener_actor& listener) {
  self->monitor(listener);
  self->state.listeners.push_back(listener);
  self->send(listener, announcement(raw(self->state.cat.applied), {}));
}

void ask_for_replay(self_ptr self) {
  const auto& st = self->state;
  self->send(st.ports.journal, replay_from{raw(st.cat.applied) + 1}, caf::actor_cast<catalog_sink_actor>(self));
}

/// Nobody can say what differs, so the listeners hear of every backend's tablets.
void on_replaced(self_ptr self, const catalog_replaced& by) {
  auto& st = self->state;
  st.cat = *by.by;
  publish(self);
  advance changed;
  st.cat.backends.for_each([&](model::backend_id id, const model::backend&) { changed.backends.push_back(id); });
  const auto news = announcement(raw(st.cat.applied), std::move(changed));
  for (const auto& listener : st.listeners)
    self->send(listener, news);
  ask_for_replay(self);
}

} // namespace

replaceable_catalog_actor::behavior_type catalog_keeper(self_ptr self, catalog_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.cat = *st.ports.cell->load();
  self->set_down_handler([self](caf::down_msg& down) {
    std::erase_if(self->state.listeners, [&](const auto& l) { return l.address() == down.source; });
  });
  ask_for_replay(self);
  return {
      [self](const committed_batch& batch) { return on_batch(self, batch); },
      [self](subscribe, const catalog_listener_actor& listener) { on_subscribe(self, listener); },
      [self](const catalog_replaced& by) { on_replaced(self, by); },
  };
}

} // namespace tabletd
