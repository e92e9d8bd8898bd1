// See cooldown_keeper.h.
#include "actors/agent/cooldown_keeper.h"

#include <algorithm>
#include <utility>

namespace tabletd {

namespace {

using self_ptr = cooldown_keeper_actor::stateful_pointer<cooldown_keeper_state>;

/// Reports whose answers may still come; an older one would say nothing new.
constexpr std::size_t unanswered_max = 8;
/// Sets that are being published or followed, and some that were.
constexpr std::size_t resources_known_max = 8;

void answer_readers(cooldown_life& life, const missed_rows_verdict& how) {
  for (auto& reader : std::exchange(life.readers, {}))
    reader.deliver(how);
}

// -- carry out ---------------------------------------------------------------------------

void note_resource(cooldown_life& life, const model::published_meta& meta) {
  life.resource_of[meta.id] = meta.resource;
  while (life.resource_of.size() > resources_known_max)
    life.resource_of.erase(life.resource_of.begin());
}

/// Of the set's own store, which the policy may have left.
model::resource_id resource_of(const cooldown_life& life, const model::remote_meta_id& id) {
  const auto known = life.resource_of.find(id);
  return known == life.resource_of.end() ? life.resource : known->second;
}

void carry_out(self_ptr self, cooldown_life& life, model::replica_effects effects) {
  auto& transport = *self->state.ports.transport;
  auto& wire = *self->state.ports.wire;
  const cooldown_keeper_actor me{self};
  const auto& who = life.who;
  for (auto& effect : effects)
    std::visit(
        model::overloaded{
            [&](model::put_segment& e) { transport.put_segment(who, std::move(e), life.lease, me); },
            [&](model::put_meta& e) { transport.put_meta(who, std::move(e), life.lease, me); },
            [&](model::save_asked& e) { transport.save_asked(who, e.job, std::move(e.meta), me); },
            [&](model::ask_publication& e) {
              note_resource(life, e.meta);
              wire.ask(who, std::move(e), me);
            },
            [&](model::forget_asked& e) { transport.save_asked(who, e.job, std::nullopt, me); },
            [&](model::fetch_meta& e) {
              note_resource(life, e.meta);
              transport.fetch_meta(who, std::move(e), me);
            },
            [&](model::save_set& e) {
              const auto resource = resource_of(life, e.change.to);
              transport.save_set(who, std::move(e), resource, me);
            },
            [&](model::bring_home& e) { transport.bring_home(who, std::move(e), me); },
            [&](model::discard_objects& e) { transport.discard(who, std::move(e)); },
            [&](model::list_objects& e) { transport.list_objects(who, e, me); },
            [&](model::ask_deletion& e) { wire.ask(who, e, me); },
            [&](model::delete_object& e) { transport.delete_object(who, std::move(e), life.lease, me); },
            [](const model::refuse_conf&) {},  // The next report brings it again.
            [&](const model::retry_reads&) { answer_readers(life, {true, {}}); },
            [&](const model::fail_reads& e) { answer_readers(life, {false, e.why}); },
        },
        effect);
}

// -- steps -------------------------------------------------------------------------------

void feed(self_ptr self, cooldown_life& life, model::replica_event event) {
  life.waiting.push_back(std::move(event));
  if (!std::exchange(life.is_looking, true))
    self->state.ports.transport->look(life.who, cooldown_keeper_actor{self});
}

/// When it is looked at again.
void pace(self_ptr self, cooldown_life& life, const model::replica_event& event, bool led, bool has_effects, model::time_ms now) {
  const auto& pace = self->state.ports.pace;
  if (std::holds_alternative<model::cooldown_work_due>(event)) {
    life.rest = has_effects ? pace.work_interval : std::min(life.rest * 2, pace.rest_max);
    life.work_at = now + life.rest;
  } else if (!led || !std::holds_alternative<model::report_acknowledged>(event)) {
    // A lease that goes on is no news, or an uploader with nothing to do would never come to rest.
    life.rest = pace.work_interval;
    life.work_at = now;
  }
}

/// What the leader should know of it now.
model::cooldown_reported news_of(const cooldown_life& life, const model::replica_disk& disk) {
  return {life.who.replica,
          0,
          life.replica.known_term(),
          life.replica.published_id(),
          disk.id,
          model::last_version_of(disk.remote),
          life.replica.phase(disk),
          life.replica.why_stuck()};
}

void step(self_ptr self, cooldown_life& life, const model::replica_disk& disk, const model::replica_event& event) {
  auto& ports = self->state.ports;
  const model::cooling_facts facts{disk,           life.rule, life.resource,         ports.wall_clock(),
                                   ports.random(), life.recall, self->state.resources};
  const auto now = ports.clock();
  const bool led = life.replica.leads(now);
  auto effects = life.replica.step(facts, event, now);
  const auto left = life.replica.lease_left(now);
  life.lease->store(left.count() > 0 ? (now + left).count() : 0);
  pace(self, life, event, led, !effects.empty(), now);
  carry_out(self, life, std::move(effects));
  // What this made possible need not wait for the next tick.
  if (!std::holds_alternative<model::cooldown_work_due>(event) && life.replica.is_idle() && now >= life.work_at)
    feed(self, life, model::cooldown_work_due{});
  auto news = news_of(life, disk);
  if (news != life.said) {
    life.said = std::move(news);
    self->state.to_report.insert(life.who.tablet);
  }
}

void end_life(self_ptr self, cooldown_life& life) {
  life.lease->store(0);
  answer_readers(life, {false, "the replica is not here any more"});
  self->state.to_report.erase(life.who.tablet);
  self->state.lives.erase(life.who.tablet);
}

void on_look(self_ptr self, const cooldown_looked& seen) {
  const auto at = self->state.lives.find(seen.who.tablet);
  if (at == self->state.lives.end() || at->second.who != seen.who)
    return;
  auto& life = at->second;
  life.is_looking = false;
  if (!seen.disk)
    return end_life(self, life);
  for (const auto& event : std::exchange(life.waiting, {}))
    step(self, life, *seen.disk, event);
}

// -- what the leader says ------------------------------------------------------------------

cooldown_life& life_of(self_ptr self, const codec::cooldown_order& order) {
  auto& st = self->state;
  if (const auto at = st.lives.find(order.tablet); at != st.lives.end()) {
    if (at->second.who.replica == order.replica)
      return at->second;
    end_life(self, at->second);
  }
  auto options = st.ports.options;
  options.lease = st.lease;
  options.work_interval = st.ports.pace.work_interval;
  const cooldown_life_id who{order.tablet, order.replica, ++st.lives_begun};
  return st.lives.try_emplace(order.tablet, who, options).first->second;
}

/// Where resources are the wire has told the stores; here they are what a cleanup goes through.  A lease of another length
/// is that of new lives: one that has begun keeps to the one it was given.
void on_orders(self_ptr self, wire::CooldownOrders::Reader orders) {
  auto& st = self->state;
  if (orders.getLeaseMs() > 0)
    st.lease = model::time_ms(orders.getLeaseMs());
  if (orders.getResources().size() > 0) {
    st.resources.clear();
    for (const auto resource : orders.getResources())
      st.resources.push_back(model::resource_id{resource.getId()});
    std::ranges::sort(st.resources);
  }
  for (const auto from : orders.getTablets()) {
    auto order = codec::decode(from);
    auto& life = life_of(self, order);
    life.rule = order.rule;
    life.resource = order.resource;
    life.recall = order.recall;
    feed(self, life, model::conf_pushed{std::move(order.conf)});
  }
}

void on_acknowledgements(self_ptr self, const cooldown_acknowledged& answer) {
  for (const auto& one : answer.reports) {
    const auto at = self->state.lives.find(one.tablet);
    if (at == self->state.lives.end() || at->second.who.replica != one.replica)
      continue;
    auto& life = at->second;
    const auto sent = std::ranges::find(life.unanswered, one.report, &cooldown_life::sent_report::number);
    if (sent == life.unanswered.end())
      continue;
    const auto when = sent->at;
    life.unanswered.erase(life.unanswered.begin(), sent + 1);
    feed(self, life, model::report_acknowledged{when, one.term});
  }
}

// -- time --------------------------------------------------------------------------------

void send_reports(self_ptr self) {
  auto& st = self->state;
  const auto now = st.ports.clock();
  for (auto& [tablet, life] : st.lives)
    if (now >= life.report_at)
      st.to_report.insert(tablet);
  std::vector<cooldown_wire::report> reports;
  for (const auto tablet : std::exchange(st.to_report, {})) {
    auto& life = st.lives.at(tablet);
    auto what = life.said;
    if (model::raw(what.replica) == 0)
      continue;  // Not looked at yet.
    what.report = ++st.reports_sent;
    life.unanswered.push_back({what.report, now});  // The send time, or earlier: never later (U1).
    if (life.unanswered.size() > unanswered_max)
      life.unanswered.pop_front();
    life.report_at = now + st.ports.pace.report_interval;
    reports.push_back({tablet, std::move(what)});
  }
  if (!reports.empty())
    st.ports.wire->send(std::move(reports), cooldown_keeper_actor{self});
}

/// Round and round, or many replicas would keep the last ones from ever having their turn.
void look_at_due(self_ptr self) {
  auto& st = self->state;
  const auto now = st.ports.clock();
  auto left = st.ports.pace.looks_max;
  auto at = st.lives.upper_bound(st.looked_last);
  for (auto n = st.lives.size(); n > 0 && left > 0; --n, ++at) {
    if (at == st.lives.end())
      at = st.lives.begin();
    auto& life = at->second;
    if (now < life.work_at || life.is_looking)
      continue;
    --left;
    st.looked_last = at->first;
    feed(self, life, model::cooldown_work_due{});
  }
}

void on_tick(self_ptr self) {
  look_at_due(self);
  send_reports(self);
}

caf::result<missed_rows_verdict> on_missed(self_ptr self, const rows_missed& e) {
  const auto at = self->state.lives.find(e.tablet);
  if (at == self->state.lives.end())
    return missed_rows_verdict{false, "the leader has not said yet what is published"};
  auto promise = self->make_response_promise<missed_rows_verdict>();
  at->second.readers.push_back(promise);
  feed(self, at->second, model::read_missed{});
  return promise;
}

}  // namespace

cooldown_keeper_actor::behavior_type cooldown_keeper(self_ptr self, cooldown_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->delayed_send(self, self->state.ports.pace.tick, tick_due{});
  return {
      [self](const cooldown_orders& orders) { on_orders(self, orders.get()); },
      [self](const cooldown_looked& seen) { on_look(self, seen); },
      [self](const cooldown_happened& e) {
        if (const auto at = self->state.lives.find(e.who.tablet);
            at != self->state.lives.end() && at->second.who == e.who)
          feed(self, at->second, e.event);
      },
      [self](const cooldown_cloned& e) {
        if (const auto at = self->state.lives.find(e.tablet); at != self->state.lives.end())
          feed(self, at->second, model::clone_installed_here{e.full});
      },
      [self](const cooldown_acknowledged& answer) { on_acknowledgements(self, answer); },
      [self](const rows_missed& e) { return on_missed(self, e); },
      [self](link_up) {  // A new leader has heard nothing yet.
        for (auto& [tablet, life] : self->state.lives)
          self->state.to_report.insert(tablet);
        send_reports(self);
      },
      [self](tick_due) {
        on_tick(self);
        self->delayed_send(self, self->state.ports.pace.tick, tick_due{});
      },
  };
}

}  // namespace tabletd
