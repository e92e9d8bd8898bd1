#pragma once
// The console's model values <-> schemas/console.capnp and schemas/mail.capnp.  Total: every
// value has a message and every well-formed message a value.
#include "actors/model/edit_answer.h"
#include "actors/model/load_life.h"
#include "actors/model/statement_result.h"
#include "actors/model/transfer_plan.h"
#include "schemas/console.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"

namespace tabletd::codec {

void encode(const model::statement_error& from, api::Error::Builder to);
void encode(const model::table_value& from, api::RowSet::Builder to);
void encode(const model::statement_result& from, api::Result::Builder to);

[[nodiscard]] sealed<api::Result> seal_result(const model::statement_result& from);
[[nodiscard]] sealed<wire::StatementOutcome> seal_outcome(const model::statement_result& from);
[[nodiscard]] sealed<wire::StatementOutcome> seal_outcome(const model::load_plan& from);
[[nodiscard]] sealed<wire::StatementOutcome> seal_outcome(const model::export_plan& from);

[[nodiscard]] model::rows_prepared decode(wire::LoadPrepared::Reader from);
[[nodiscard]] model::edit_answer decode(wire::EditOutcome::Reader from);
[[nodiscard]] model::publish_answered decode(wire::PublishEnded::Reader from);

} // namespace tabletd::codec
