#include "actors/model/load_life.h"
#include <algorithm>
#include <map>

namespace tabletd::model {

namespace {

std::string doing(const load_life& life) { return "loading " + life.request.table_name; }

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + ' ' + std::string{n == 1 ? one : many};
}

load_effects over(load_life& life, load_effects effects) {
  life.phase = load_phase::over;
  effects.emplace_back(load_over{});
  return effects;
}

// -- beginning -------------------------------------------------------------------------

/// A label that was used before is an answer, not an error, if that load was committed.
answer_statement label_in_use(const load_life& life, const edit_answer& answer, const catalog& cat) {
  const auto* earlier = cat.loads.find(txn_id{answer.id});
  const auto txn = "txn " + std::to_string(answer.id);
  if (answer.why == refusal::label_committed)
    return {statement_done{"label '" + life.request.label + "' is already loaded (" + txn
                             + (earlier ? ", version " + std::to_string(earlier->version) : "") + "): nothing to do",
                           0}};
  auto error = error_of(answer, doing(life), {});
  error.message += " (label '" + life.request.label + "', " + txn + ')';
  return {std::move(error)};
}

load_effects abort(load_life& life, statement_error told) {
  life.phase = load_phase::aborting;
  auto reason = told.message;
  life.rollback = std::move(told);
  return {propose_edit{load_aborted{life.txn, std::move(reason)}}};
}

load_effects begun(load_life& life, const edit_answer& answer, const catalog& cat, std::string_view leader) {
  if (answer.why == refusal::label_committed || answer.why == refusal::label_in_progress)
    return over(life, {label_in_use(life, answer, cat)});
  if (!answer.ok())
    return over(life, {answer_statement{error_of(answer, doing(life), leader)}});
  life.txn = txn_id{answer.id};
  if (life.given_up)
    return abort(life, {error_code::cancelled, "the client left before the load began", {}, {}, {}, {}, {}});
  const auto* into = cat.tables.find(life.request.table);
  const auto* part = into ? into->find(life.request.partition) : nullptr;
  if (!part)
    return abort(life, {error_code::not_found, doing(life) + " failed: the table or partition was dropped", {}, {}, {}, {}, {}});
  auto planned = plan_load(cat, *into, *part, life.request.path);
  if (auto* refused = std::get_if<statement_error>(&planned))
    return abort(life, std::move(*refused));
  auto& plan = std::get<load_plan>(planned);
  plan.txn = life.txn;
  std::set<backend_id> backends;
  for (const auto& at : plan.tablets)
    for (const auto& r : at.replicas)
      backends.insert(r.backend);
  life.backends.assign(backends.begin(), backends.end());
  life.phase = load_phase::loading;
  life.statement_waits = false;
  return {answer_plan{std::move(plan)}};
}

// -- loading ---------------------------------------------------------------------------

load_effects decide(load_life& life, const rows_prepared& rows, const catalog& cat) {
  life.client_waits = true;
  life.failures = rows.failures;
  auto decision = decide_load(cat, life.txn, rows.tablets, rows.failures);
  if (const auto* no = std::get_if<load_rollback>(&decision))
    return abort(life, {error_code::unavailable, doing(life) + " was rolled back: " + no->sentence,
                        "nothing of it was kept; load again, under the same label if it has one", {}, {}, {}, 1'000});
  auto& commit = std::get<load_commit>(decision);
  life.prepared = commit.edit.tablets;
  life.phase = load_phase::committing;
  return {propose_edit{std::move(commit.edit)}};
}

// -- aborting --------------------------------------------------------------------------

load_effects aborted(load_life& life, const catalog& cat) {
  load_effects effects;
  // Only what the log calls aborted may be forgotten: a load that was taken over may have been
  // committed by its first actor in the meantime, and the abort refused.
  if (const auto* record = cat.loads.find(life.txn); record && record->state == load_state::aborted)
    for (const auto backend : life.backends)
      effects.emplace_back(publish_load{backend, 0, false, {}});
  if (life.client_waits)
    effects.emplace_back(answer_load{life.rollback, {}});
  if (life.statement_waits)
    effects.emplace_back(answer_statement{life.rollback});
  return over(life, std::move(effects));
}

// -- publishing ------------------------------------------------------------------------

bool alive(const catalog& cat, backend_id id) {
  const auto* holder = cat.backends.find(id);
  return holder && holder->alive;
}

/// Who serves the load, and which live backends should but have not said so.
struct survey {
  std::vector<tablet_served> served;
  std::set<backend_id> wanting;
  std::map<backend_id, std::vector<tablet_id>> held; ///< Who has a replica of what, complete or not.
};

/// Asks the catalog anew each time: replicas come and go while a load is being published.
survey look_around(const load_life& life, const catalog& cat) {
  survey out;
  const auto& part = *cat.tables.find(life.request.table)->find(life.request.partition);
  out.served.reserve(part.buckets);
  for (std::uint32_t b = 0; b < part.buckets; ++b) {
    const auto& at = *cat.tablets.find(tablet_id{raw(part.first_tablet) + b});
    auto& row = out.served.emplace_back(tablet_served{at.id, {}});
    for (const auto& r : at.replicas) {
      out.held[r.backend].push_back(at.id);
      if (r.version < life.version && r.last_success < life.version)
        continue; // It missed the load: repair's business.
      if (life.serving.contains(r.backend) && !life.refused.contains({r.backend, at.id}))
        row.replicas.push_back(r.id);
      else if (alive(cat, r.backend))
        out.wanting.insert(r.backend);
    }
  }
  return out;
}

load_effects ask(load_life& life, const survey& seen) {
  load_effects effects;
  for (const auto backend : seen.wanting)
    if (life.asked.insert(backend).second) {
      const auto holds = seen.held.find(backend);
      effects.emplace_back(publish_load{backend, life.version, true,
                                        holds == seen.held.end() ? std::vector<tablet_id>{} : holds->second});
    }
  return effects;
}

/// True while this load is this actor's to finish: not dropped with its table, not another leader's.
bool ours(const load_life& life, const catalog& cat) {
  const auto* record = cat.loads.find(life.txn);
  const auto* into = record ? cat.tables.find(record->table) : nullptr;
  return into && into->find(record->partition) && record->state == load_state::committed && cat.term == life.term;
}

/// Replicas that were to take the rows and did not, by backend.
std::vector<statement_error> missed(const load_life& life, const catalog& cat) {
  struct gap {
    tablet_id first{};
    std::uint64_t tablets{};
  };
  std::map<backend_id, gap> gaps;
  for (const auto& at : life.prepared) {
    const auto* t = cat.tablets.find(at.tablet);
    if (!t)
      continue;
    for (const auto& r : t->replicas)
      if (r.state == replica_state::normal
          && std::find(at.prepared.begin(), at.prepared.end(), r.id) == at.prepared.end()) {
        auto& g = gaps[r.backend];
        g.first = g.tablets++ == 0 ? at.tablet : g.first;
      }
  }
  std::vector<statement_error> warnings;
  for (const auto& [backend, g] : gaps) {
    const auto known = std::find_if(life.failures.begin(), life.failures.end(),
                                    [id = backend](const backend_failure& f) { return f.backend == id; });
    const std::string why = known != life.failures.end() ? known->message
                            : alive(cat, backend)        ? "its replica is damaged or came later"
                                                         : "it is down";
    warnings.push_back({error_code::unavailable,
                        "backend " + described(cat, backend) + " missed "
                          + counted(g.tablets, "tablet", "tablets") + " (tablet " + std::to_string(raw(g.first))
                          + (g.tablets > 1 ? ", ..." : "") + "): " + why,
                        "repair copies the rows from the other replicas; see SHOW PROC '/statistic'",
                        {}, {}, {}, {}});
  }
  return warnings;
}

enum class reached : std::uint8_t { majority, not_yet, somebody_elses };

answer_load good_news(load_life& life, const catalog& cat, reached how) {
  life.client_waits = false;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  for (const auto& at : life.prepared) {
    rows += at.rows;
    bytes += at.bytes;
  }
  answer_load out{statement_done{"loaded " + counted(rows, "row", "rows") + " (" + counted(bytes, "byte", "bytes") + ") into "
                                   + life.request.table_name + " as version " + std::to_string(life.version) + ", label '"
                                   + life.request.label + '\'',
                                 rows},
                  missed(life, cat)};
  if (how == reached::not_yet)
    out.warnings.push_back({error_code::timeout,
                            "the load is committed, but not every tablet is served by a majority yet",
                            "see SHOW BACKENDS: backends that come back serve it", {}, {}, {}, {}});
  if (how == reached::somebody_elses)
    out.warnings.push_back({error_code::conflict,
                            "the load is committed, but its table was dropped or another front end took over since",
                            "see SHOW TABLES and SHOW FRONTENDS", {}, {}, {}, {}});
  return out;
}

load_effects start_publishing(load_life& life, const catalog& cat, time_ms now) {
  const auto* record = cat.loads.find(life.txn);
  life.phase = load_phase::publishing;
  life.version = record ? record->version : 0;
  life.term = cat.term;
  life.committed_at = now;
  if (!ours(life, cat))
    return over(life, life.client_waits ? load_effects{good_news(life, cat, reached::somebody_elses)} : load_effects{});
  // Whoever took part is told, also those that failed: they may hold rows that wait for a verdict.
  auto seen = look_around(life, cat);
  for (const auto backend : life.backends)
    if (alive(cat, backend))
      seen.wanting.insert(backend);
  auto effects = ask(life, seen);
  effects.emplace_back(arm_load_tick{publish_retry});
  return effects;
}

load_effects committed(load_life& life, const edit_answer& answer, const catalog& cat, time_ms now,
                       std::string_view leader) {
  if (answer.in_doubt()) {
    auto error = error_of(answer, doing(life), leader);
    error.hint = "load again with LABEL '" + life.request.label + "': a label that was committed loads nothing twice";
    return over(life, {answer_load{std::move(error), {}}});
  }
  if (!answer.ok())
    return abort(life, error_of(answer, doing(life), leader));
  return start_publishing(life, cat, now);
}

load_effects weigh(load_life& life, const catalog& cat, time_ms now, const survey& seen, load_effects effects) {
  const auto reach = publish_reached(cat, life.txn, seen.served);
  if (life.client_waits) {
    if (reach != publish_reach::too_few)
      effects.emplace_back(good_news(life, cat, reached::majority));
    else if (now - life.committed_at >= publish_patience)
      effects.emplace_back(good_news(life, cat, reached::not_yet));
  }
  if (reach == publish_reach::everywhere) {
    life.phase = load_phase::closing;
    effects.emplace_back(propose_edit{load_published{life.txn}});
  }
  return effects;
}

load_effects published(load_life& life, const publish_answered& answer, const catalog& cat, time_ms now) {
  life.asked.erase(answer.backend);
  if (!answer.error.empty())
    return {}; // The tick asks again.
  life.serving.insert(answer.backend);
  std::erase_if(life.refused, [&](const auto& entry) { return entry.first == answer.backend; });
  for (const auto& no : answer.failed)
    life.refused.emplace(answer.backend, no.tablet);
  return weigh(life, cat, now, look_around(life, cat), {});
}

load_effects publish_step(load_life& life, const load_event& event, const catalog& cat, time_ms now) {
  if (!ours(life, cat))
    return over(life, life.client_waits ? load_effects{good_news(life, cat, reached::somebody_elses)} : load_effects{});
  if (const auto* answer = std::get_if<publish_answered>(&event))
    return published(life, *answer, cat, now);
  if (!std::holds_alternative<load_tick>(event))
    return {};
  const auto seen = look_around(life, cat);
  auto effects = weigh(life, cat, now, seen, ask(life, seen));
  if (life.phase == load_phase::publishing)
    effects.emplace_back(arm_load_tick{publish_retry});
  return effects;
}

} // namespace

load_effects begin(load_life& life, const catalog& cat) {
  const auto* into = cat.tables.find(life.request.table);
  const auto* part = into ? into->find(life.request.partition) : nullptr;
  if (!part)
    return over(life, {answer_statement{statement_error{error_code::not_found,
                                                        doing(life) + " failed: there is no such table or partition",
                                                        {}, {}, {}, {}, {}}}});
  const auto planned = plan_load(cat, *into, *part, life.request.path);
  // A label that is already committed answers "nothing to do" even when nothing could be written now.
  const auto* earlier = cat.find_label(life.request.table, life.request.label);
  if (const auto* refused = std::get_if<statement_error>(&planned); refused && !earlier)
    return over(life, {answer_statement{*refused}});
  life.phase = load_phase::beginning;
  return {propose_edit{load_begun{life.request.table, life.request.label, life.request.partition}}};
}

load_effects resume(load_life& life, txn_id txn, const catalog& cat, time_ms now) {
  const auto* record = cat.loads.find(txn);
  const auto* into = record ? cat.tables.find(record->table) : nullptr;
  const auto* part = into ? into->find(record->partition) : nullptr;
  if (!part || (record->state != load_state::begun && record->state != load_state::committed))
    return over(life, {});
  life.txn = txn;
  life.request = {record->table, record->partition, into->name, {}, record->label};
  life.statement_waits = false;
  std::set<backend_id> backends;
  for_each_tablet(*part, [&](tablet_id id) {
    for (const auto& r : cat.tablets.find(id)->replicas)
      backends.insert(r.backend);
  });
  life.backends.assign(backends.begin(), backends.end());
  if (record->state == load_state::committed)
    return start_publishing(life, cat, now);
  life.given_up = true;
  return abort(life, {error_code::cancelled, "the load lost its front end", {}, {}, {}, {}, {}});
}

load_effects step(load_life& life, const load_event& event, const catalog& cat, time_ms now, std::string_view leader) {
  const auto* answer = std::get_if<edit_answer>(&event);
  const auto* gone = std::get_if<load_given_up>(&event);
  switch (life.phase) {
    case load_phase::unbegun: return gone ? over(life, {}) : load_effects{};
    case load_phase::beginning:
      life.given_up = life.given_up || gone != nullptr;
      return answer ? begun(life, *answer, cat, leader) : load_effects{};
    case load_phase::loading:
      if (const auto* rows = std::get_if<rows_prepared>(&event))
        return decide(life, *rows, cat);
      life.given_up = life.given_up || gone != nullptr;
      return gone ? abort(life, {error_code::cancelled, doing(life) + " was given up: " + gone->why, {}, {}, {}, {}, {}})
                  : load_effects{};
    case load_phase::committing: return answer ? committed(life, *answer, cat, now, leader) : load_effects{};
    case load_phase::aborting: return answer ? aborted(life, cat) : load_effects{};
    case load_phase::publishing: return publish_step(life, event, cat, now);
    case load_phase::closing: return answer ? over(life, {}) : load_effects{};
    case load_phase::over: return {};
  }
  return {};
}

} // namespace tabletd::model
