#pragma once
// The repair room's mail (schemas/mail.capnp) <-> actors/model values.  Tasks and their ends
// are the agent's words: agent_codec.h.
#include "actors/model/agent_task.h"
#include "actors/model/checker.h"
#include "actors/model/edit_answer.h"
#include "actors/model/repair_scheduler.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"

namespace tabletd::codec {

[[nodiscard]] model::catalog_moved decode_moved(wire::CatalogAdvanced::Reader from);

/// The counters are those of `checks`.
[[nodiscard]] sealed<wire::SickTablets> seal_sick(const model::check_effects& found, const model::tablet_checks& checks);
[[nodiscard]] model::tablets_checked decode_sick(wire::SickTablets::Reader from);

[[nodiscard]] sealed<wire::CtxEnded> seal_ended(model::tablet_id tablet, const model::report_end& end);
[[nodiscard]] model::ctx_report decode_ended(wire::CtxEnded::Reader from);

[[nodiscard]] sealed<wire::TaskOrder> seal_order(model::backend_id backend, const model::agent_task& task);
[[nodiscard]] model::edit_answer decode_answer(wire::EditOutcome::Reader from);

} // namespace tabletd::codec
