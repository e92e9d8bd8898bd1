#pragma once
// A statement that was refused before anybody looked at it: it certainly did not take effect,
// so a client may ask again, whatever it was.
#include "schemas/console.capnp.h"
#include <string>

namespace tabletd {

/// An election among healthy front ends is over by then.
inline constexpr std::uint32_t election_ms = 1'000;

class not_begun final : public api::Execution::Server {
public:
  explicit not_begun(std::string why) : why_(std::move(why)) {}
  static void report(const std::string& why, api::Result::Builder result) {
    auto error = result.initError();
    error.setCode(api::ErrorCode::NOT_LEADER);
    error.setMessage(why.c_str());
    error.setHint("open a new session and ask again: it was not carried out");
    error.setRetryAfterMs(election_ms);
  }
  kj::Promise<void> result(ResultContext context) override {
    report(why_, context.getResults().initResult());
    return kj::READY_NOW;
  }
  kj::Promise<void> cancel(CancelContext) override { return kj::READY_NOW; }

private:
  std::string why_;
};

} // namespace tabletd
