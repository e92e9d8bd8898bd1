#include "actors/codec/console_codec.h"
#include "actors/codec/agent_cooldown_codec.h"
#include "actors/codec/backend_cooldown_codec.h"
#include <type_traits>

namespace tabletd::codec {

namespace {

using model::error_code;
using model::value_type;

// Both enums are lists of the same things in the same order: a cast maps them.
template <class Model, class Wire>
constexpr bool same_ordinal(Model a, Wire b) {
  return static_cast<unsigned>(a) == static_cast<unsigned>(b);
}
static_assert(same_ordinal(error_code::syntax, api::ErrorCode::SYNTAX));
static_assert(same_ordinal(error_code::invalid_argument, api::ErrorCode::INVALID_ARGUMENT));
static_assert(same_ordinal(error_code::not_leader, api::ErrorCode::NOT_LEADER));
static_assert(same_ordinal(error_code::permission_denied, api::ErrorCode::PERMISSION_DENIED));
static_assert(same_ordinal(error_code::data_loss, api::ErrorCode::DATA_LOSS));
static_assert(same_ordinal(value_type::boolean, api::ValueType::BOOL));
static_assert(same_ordinal(value_type::float64, api::ValueType::FLOAT64));
static_assert(same_ordinal(value_type::timestamp, api::ValueType::TIMESTAMP_MS));
static_assert(same_ordinal(model::journal_failure::overloaded, wire::EditOutcome::Failure::OVERLOADED));
static_assert(same_ordinal(model::journal_failure::leadership_lost, wire::EditOutcome::Failure::LEADERSHIP_LOST));

capnp::Text::Reader text(const std::string& from) { return {from.data(), from.size()}; }

std::string string_of(capnp::Text::Reader from) { return {from.cStr(), from.size()}; }

void encode(const model::cell& from, api::Value::Builder to) {
  std::visit(model::overloaded{
    [&](std::monostate) { to.setNull(); },
    [&](bool v) { to.setBool(v); },
    [&](std::int64_t v) { to.setInt64(v); },
    [&](std::uint64_t v) { to.setUint64(v); },
    [&](double v) { to.setFloat64(v); },
    [&](const std::string& v) { to.setText(text(v)); },
    [&](const model::timestamp& v) { to.setTimestampMs(v.at.count()); },
  }, from);
}

std::size_t words_of(const model::table_value& table) {
  std::size_t words = 64 + table.columns.size() * 8;
  for (const auto& row : table.rows) {
    words += 3 + row.size() * 3;
    for (const auto& cell : row)
      if (const auto* s = std::get_if<std::string>(&cell))
        words += s->size() / 8 + 1;
  }
  return words;
}

std::size_t words_of(const model::statement_result& result) {
  std::size_t words = 64 + result.warnings.size() * 64;
  if (const auto* table = std::get_if<model::table_value>(&result.body))
    words += words_of(*table);
  return words;
}

void encode(const model::planned_remote& from, wire::PlannedRemote::Builder to) {
  codec::encode(from.meta, to.initMeta()); // Those of this file hide it.
  to.setThrough(from.through);
  auto backends = to.initBackends(static_cast<unsigned>(from.backends.size()));
  for (unsigned i = 0; i < backends.size(); ++i)
    backends.set(i, model::raw(from.backends[i]));
}

void encode(const std::vector<model::planned_tablet>& from, capnp::List<wire::PlannedTablet>::Builder to) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setTablet(model::raw(from[i].tablet));
    to[i].setRows(from[i].rows);
    to[i].setBytes(from[i].bytes);
    to[i].setVersion(from[i].version);
    auto replicas = to[i].initReplicas(static_cast<unsigned>(from[i].replicas.size()));
    for (unsigned r = 0; r < replicas.size(); ++r) {
      replicas[r].setReplica(model::raw(from[i].replicas[r].replica));
      replicas[r].setBackend(model::raw(from[i].replicas[r].backend));
    }
    to[i].setPartition(model::raw(from[i].partition));
    if (from[i].remote)
      encode(*from[i].remote, to[i].initRemote());
  }
}

std::size_t words_of(const std::vector<model::planned_tablet>& tablets) {
  std::size_t words = 64;
  for (const auto& at : tablets)
    words += 10 + at.replicas.size() * 2 + (at.remote ? 20 + at.remote->backends.size() : 0);
  return words;
}

} // namespace

void encode(const model::statement_error& from, api::Error::Builder to) {
  to.setCode(static_cast<api::ErrorCode>(from.code));
  to.setMessage(text(from.message));
  to.setHint(text(from.hint));
  auto at = to.getPosition();
  at.setLine(from.at.line);
  at.setColumn(from.at.column);
  at.setOffset(from.at.offset);
  at.setLength(from.at.length);
  auto expected = to.initExpected(static_cast<unsigned>(from.expected.size()));
  for (unsigned i = 0; i < expected.size(); ++i)
    expected.set(i, text(from.expected[i]));
  to.setLeader(text(from.leader));
  to.setRetryAfterMs(from.retry_after_ms);
  to.setOutcomeUnknown(from.outcome_unknown);
}

void encode(const model::table_value& from, api::RowSet::Builder to) {
  auto columns = to.initColumns(static_cast<unsigned>(from.columns.size()));
  for (unsigned i = 0; i < columns.size(); ++i) {
    columns[i].setName(text(std::string{from.columns[i].name}));
    columns[i].setType(static_cast<api::ValueType>(from.columns[i].type));
    columns[i].setHint(text(std::string{from.columns[i].hint}));
  }
  auto rows = to.initRows(static_cast<unsigned>(from.rows.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    auto values = rows[i].initValues(static_cast<unsigned>(from.rows[i].size()));
    for (unsigned c = 0; c < values.size(); ++c)
      encode(from.rows[i][c], values[c]);
  }
}

void encode(const model::statement_result& from, api::Result::Builder to) {
  to.setStatement(text(std::string{from.statement}));
  to.setElapsedMs(from.elapsed_ms);
  auto warnings = to.initWarnings(static_cast<unsigned>(from.warnings.size()));
  for (unsigned i = 0; i < warnings.size(); ++i)
    encode(from.warnings[i], warnings[i]);
  std::visit(model::overloaded{
    [&](const model::statement_error& e) { encode(e, to.initError()); },
    [&](const model::statement_done& d) {
      auto done = to.initDone();
      done.setMessage(text(d.message));
      done.setAffected(d.affected);
    },
    [&](const model::table_value& t) { encode(t, to.initRows()); },
  }, from.body);
}

sealed<api::Result> seal_result(const model::statement_result& from) {
  return seal<api::Result>([&](auto to) { encode(from, to); }, words_of(from));
}

sealed<wire::StatementOutcome> seal_outcome(const model::statement_result& from) {
  return seal<wire::StatementOutcome>([&](auto to) { encode(from, to.initResult()); }, words_of(from));
}

sealed<wire::StatementOutcome> seal_outcome(const model::load_plan& from) {
  return seal<wire::StatementOutcome>([&](auto outcome) {
    auto to = outcome.initLoad();
    to.setTxn(model::raw(from.txn));
    to.setTable(model::raw(from.table));
    to.setPath(text(from.path));
    to.setKeyColumn(from.key_column);
    to.setSeparator(static_cast<std::uint8_t>(from.separator));
    to.setReplicationNum(from.replication_num);
    encode(from.tablets, to.initTablets(static_cast<unsigned>(from.tablets.size())));
  }, words_of(from.tablets));
}

sealed<wire::StatementOutcome> seal_outcome(const model::export_plan& from) {
  return seal<wire::StatementOutcome>([&](auto outcome) {
    auto to = outcome.initExportPlan();
    to.setPath(text(from.path));
    to.setRows(from.rows);
    to.setBytes(from.bytes);
    encode(from.tablets, to.initTablets(static_cast<unsigned>(from.tablets.size())));
    auto resources = to.initResources(static_cast<unsigned>(from.resources.size()));
    for (unsigned i = 0; i < resources.size(); ++i)
      fill_resource(resources[i], from.resources[i]);
    to.setNote(text(from.note));
  }, words_of(from.tablets) + from.resources.size() * 64);
}

model::rows_prepared decode(wire::LoadPrepared::Reader from) {
  model::rows_prepared out;
  for (const auto at : from.getTablets()) {
    auto& to = out.tablets.emplace_back(model::tablet_loaded{model::tablet_id{at.getTablet()}, at.getRows(), at.getBytes(), {}});
    for (const auto replica : at.getPrepared())
      to.prepared.push_back(model::replica_id{replica});
  }
  for (const auto failure : from.getFailures())
    out.failures.push_back({model::backend_id{failure.getBackend()}, string_of(failure.getMessage())});
  return out;
}

model::edit_answer decode(wire::EditOutcome::Reader from) {
  return {model::log_index{from.getIndex()}, static_cast<model::refusal>(from.getRefusal()), from.getId(),
          static_cast<model::journal_failure>(from.getFailure()), string_of(from.getMessage()), from.getRetryAfterMs()};
}

model::publish_answered decode(wire::PublishEnded::Reader from) {
  model::publish_answered out{model::backend_id{from.getBackend()}, {}, string_of(from.getError())};
  for (const auto failure : from.getFailed())
    out.failed.push_back({model::tablet_id{failure.getTablet()}, string_of(failure.getMessage())});
  return out;
}

} // namespace tabletd::codec
