// What must hold, checked on every entry, every deletion and every published view.
#include "tests/actors/repair_sim_world.h"
#include "actors/model/assessment.h"
#include <sstream>

namespace tabletd::test {

void sim_world::fail(const std::string& what) {
  if (result.broken.empty())
    result.broken = "at " + std::to_string((now() - epoch).count()) + " ms, entry " + std::to_string(log.size()) + ": " + what;
}

void sim_world::trace(std::uint64_t kind, std::uint64_t x, std::uint64_t y) {
  for (const auto value : {kind, x, y, static_cast<std::uint64_t>(now().count())})
    result.trace = (result.trace ^ value) * 1'099'511'628'211ULL;
}

void sim_world::data_must_be_left(backend_id b, tablet_id tablet) {
  say("erase tablet ", raw(tablet), " on ", raw(b));
  trace(1, raw(b), raw(tablet));
  const auto* t = shadow.tablets.find(tablet);
  if (t && disks.whole_copies(tablet, shadow.visible_version(*t)) == 0)
    fail("the last whole copy of tablet " + std::to_string(raw(tablet)) + " was erased on backend " + std::to_string(raw(b)));
}

void sim_world::check_view() {
  auto v = view_cell->load();
  if (v == checked_view)
    return;
  checked_view = v;
  std::set<tablet_id> ids;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint32_t> used; // By repair; balance has slots of its own.
  for (const auto* list : {&v->pending, &v->running})
    for (const auto& row : *list)
      if (!ids.insert(row.tablet).second)
        return fail("tablet " + std::to_string(raw(row.tablet)) + " is in the scheduler twice");
  for (const auto& row : v->running)
    if (row.target && row.purpose == order_purpose::repair) {
      ++used[{raw(row.source->backend), raw(row.source->path)}];
      ++used[{raw(row.target->backend), raw(row.target->path)}];
    }
  for (const auto& slot : v->slots)
    // More may run than there are slots for: orders that were in doubt and are adopted.
    if (slot.total - slot.available != std::min(slot.total, used[{raw(slot.backend), raw(slot.path)}]))
      return fail("slots of backend " + std::to_string(raw(slot.backend)) + " differ from what runs");
  const auto& c = v->counters;
  const auto ended = c.finished + c.cancelled + c.unexpected;
  if (c.scheduled_ok != ended + v->running_total || v->history.size() != std::min<std::size_t>(view_rows_max, ended))
    fail("a context did not end exactly once");
}

void sim_world::append(const edit_message& message) {
  log.push_back(message);
  const auto e = codec::decode(message.get());
  const log_index index{log.size()};
  recent.emplace_back(now(), shadow);
  while (recent.size() > 1 && recent.front().first < e.at) // Replaced before the edit was proposed.
    recent.pop_front();
  auto v = apply(shadow, e, index);
  for (const auto word : message.words())
    result.trace = (result.trace ^ *reinterpret_cast<const std::uint64_t*>(&word)) * 1'099'511'628'211ULL;
  trace(2, raw(index), static_cast<std::uint64_t>(v.why));
  say("entry ", raw(index), " kind ", e.body.index(), " ", name(v.why), detail(e.body));
  if (auto broken = broken_invariant(shadow); !broken.empty())
    fail(broken);
  if (v.ok())
    std::visit([&](const auto& body) { became_true(body); }, e.body);
  verdicts.push_back(std::move(v));
  ++result.edits;
}

std::string sim_world::detail(const edit_body& body) {
  std::ostringstream out;
  std::visit(overloaded{
               [&](const clone_ordered& o) {
                 out << " tablet " << raw(o.tablet) << ' ' << name(static_cast<tablet_health>(o.health)) << " from "
                     << raw(o.source.backend) << " to " << raw(o.target.backend) << " replica " << raw(o.replica) << " v" << o.version;
               },
               [&](const clone_ended& o) {
                 out << " tablet " << raw(o.tablet) << " order " << raw(o.order) << " reached " << o.reached << ' ' << o.failure;
               },
               [&](const replica_dropped& o) {
                 out << " tablet " << raw(o.tablet) << " replica " << raw(o.replica) << " reason " << static_cast<int>(o.reason);
               },
               [&](const replica_observed& o) {
                 out << " tablet " << raw(o.tablet) << " replica " << raw(o.replica) << " v" << o.version << (o.bad ? " bad" : "");
               },
               [&](const auto&) {},
             },
             body);
  return out.str();
}

void sim_world::became_true(const clone_ordered& e) {
  ++result.clones;
  const bool right = right_when_decided([&](const catalog& cat) { // A 5.
    const auto* t = cat.tablets.find(e.tablet);
    return raw(e.replica) != 0 || (t && t->replicas.size() <= cat.table_of(*t)->replication_num);
  });
  if (!right)
    fail("tablet " + std::to_string(raw(e.tablet)) + " has more than wanted + 1 replicas");
}

void sim_world::became_true(const replica_dropped& e) {
  if (e.reason == drop_reason::lost)
    return;
  ++result.drops;
  if (assess(shadow, *shadow.tablets.find(e.tablet)).sources == 0)
    fail("the last complete replica of tablet " + std::to_string(raw(e.tablet)) + " was dropped");
  const bool right = right_when_decided([&](const catalog& cat) { // A 3.
    const auto* t = cat.tablets.find(e.tablet);
    if (!t || !t->find(e.replica))
      return false;
    auto without = *t;
    without.replicas.erase(without.find(e.replica));
    const auto was = assess(cat, *t);
    return assess(cat, without).complete >= std::min(was.complete, was.wanted);
  });
  if (!right)
    fail("dropping replica " + std::to_string(raw(e.replica)) + " lowered the complete ones of tablet " + std::to_string(raw(e.tablet)));
}

void sim_world::became_true(const table_created&) {
  const auto& before = recent.back().second;
  shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
    if (!before.tablets.contains(id))
      for (const auto& r : t.replicas)
        disks.find(r.backend)->disk[id] = {r.id, r.path, 1U << 1U, false};
  });
}

void sim_world::became_true(const load_committed& e) {
  for (const auto& loaded : e.tablets) {
    const auto v = shadow.visible_version(*shadow.tablets.find(loaded.tablet));
    for (auto& [id, b] : disks.backends)
      if (const auto at = b.disk.find(loaded.tablet); at != b.disk.end())
        for (const auto prepared : loaded.prepared)
          if (at->second.id == prepared)
            at->second.holds |= 1ULL << v;
    if (disks.whole_copies(loaded.tablet, v) == 0)
      fail("a load was committed that no disk holds"); // The simulator's own mistake.
  }
}

} // namespace tabletd::test
