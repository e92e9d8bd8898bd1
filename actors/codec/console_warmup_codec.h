#pragma once
// What a session asks of the leader's warm-up, and what it hears (schemas/mail.capnp, section warm-up).  A plan's answer
// is read by decode_planned() (backend_warmup_codec.h).
#include "actors/codec/backend_warmup_codec.h"

#include <string>
#include <variant>
#include <vector>

namespace tabletd::codec {

[[nodiscard]] sealed<wire::WarmupPlanAsked> seal_plan_question(const model::warmup_definition& what);
[[nodiscard]] sealed<wire::WarmupVerifyAsked> seal_verify_question(model::warmup_job_id job);

struct verified_lane {
  model::backend_id backend{};
  std::uint64_t tablets{};
  cache_share share;
  std::string silent;  ///< It did not answer, and why; else empty.
};
/// Text: why nothing can be verified.
[[nodiscard]] std::variant<std::vector<verified_lane>, std::string> decode_verified(wire::WarmupVerified::Reader from);

}  // namespace tabletd::codec
