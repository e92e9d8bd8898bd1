#pragma once
// The leader's warm-up: what sessions ask of it, and its seam to the links to backends.
#include "actors/catalog/ports.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"

#include <caf/actor.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>

namespace tabletd {

using warmup_call = sealed<wire::WarmupCall>;
using warmup_answer = sealed<wire::WarmupAnswer>;
using warmup_plan_question = sealed<wire::WarmupPlanAsked>;
using warmup_plan_answer = sealed<wire::WarmupPlanned>;
using warmup_verify_question = sealed<wire::WarmupVerifyAsked>;
using warmup_verify_answer = sealed<wire::WarmupVerified>;

/// Where sessions ask.  A plan needs the backends' word on their caches, a verification that they read them again: both
/// are answered when all have answered or cannot.  A plan's answer never comes as an error; planning changes nothing.
using warmup_desk_actor
  = caf::typed_actor<caf::replies_to<warmup_plan_question>::with<warmup_plan_answer>,
                     caf::replies_to<warmup_verify_question>::with<warmup_verify_answer>>;

/// The links to backends, as warm-up needs them.  Implemented by the KJ room (node/fe/backend_links), by fakes in tests.
/// Any thread; returns at once.
class warmup_links {
public:
  virtual ~warmup_links() = default;
  /// Exactly one warmup_answer with this number goes to `caller`: what the backend says, or why nothing will come (not
  /// linked, the link broke, it refused).  The call goes out under the link's term.  A failed call does not end the link.
  virtual void call(model::backend_id backend, std::uint64_t number, warmup_call what, caf::actor caller) = 0;
};
using warmup_links_ptr = std::shared_ptr<warmup_links>;

}  // namespace tabletd
