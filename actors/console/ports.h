#pragma once
// The console's mail: one console_session actor per session, one load_job per LOAD.
#include "actors/membership/ports.h"
#include "schemas/console.capnp.h"

namespace tabletd {

using statement_text = sealed<wire::StatementText>;
using statement_outcome = sealed<wire::StatementOutcome>;
using load_prepared = sealed<wire::LoadPrepared>;
using api_result = sealed<api::Result>;

struct load_abandoned {
  std::uint64_t txn{};
};
template <class I>
typename I::result_type inspect(I& f, load_abandoned& x) {
  return f(caf::meta::type_name("load_abandoned"), x.txn);
}

/// statement_text: parse, check, execute; the outcome is a result or a plan that the KJ
/// room carries out with bulk data.  load_prepared / load_abandoned end a LoadPlan.
using console_session_actor = caf::typed_actor<caf::replies_to<statement_text>::with<statement_outcome>,
                                               caf::replies_to<load_prepared>::with<api_result>,
                                               caf::reacts_to<load_abandoned>>;

} // namespace tabletd
