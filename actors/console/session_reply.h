#pragma once
// Who waits for a statement, and how it is answered: with its kind and the time it took.
#include "actors/codec/console_codec.h"
#include "actors/console/console_session.h"
#include "actors/model/statement.h"
#include <string_view>
#include <utility>

namespace tabletd {

using session_ptr = console_session_actor::stateful_pointer<console_session_state>;

/// Copies answer the same request: the first one wins.  The session keeps the promise, so that
/// it is kept even if the session ends first.
class session_reply {
public:
  session_reply(session_ptr self, std::string_view kind)
    : self_(self), kind_(kind), begun_(self->clock().now()), number_(++self->state.statements) {
    self_->state.waiting.emplace(number_, self_->make_response_promise<statement_outcome>());
  }

  void send(model::table_value table, std::vector<model::statement_error> warnings = {}) {
    answer({std::move(table)}, std::move(warnings));
  }
  void done(std::string message, std::uint64_t affected, std::vector<model::statement_error> warnings = {}) {
    answer({model::statement_done{std::move(message), affected}}, std::move(warnings));
  }
  void fail(model::statement_error error) { answer({std::move(error)}, {}); }
  /// What a job or a plan has answered, as it is.
  void pass(const statement_outcome& outcome) {
    if (auto waiting = self_->state.waiting.extract(number_); !waiting.empty())
      waiting.mapped().deliver(outcome);
  }

private:
  using body = decltype(model::statement_result::body);
  void answer(body what, std::vector<model::statement_error> warnings) {
    const std::chrono::duration<double, std::milli> took = self_->clock().now() - begun_;
    pass(codec::seal_outcome({kind_, took.count(), std::move(warnings), std::move(what)}));
  }

  session_ptr self_;
  std::string_view kind_;
  caf::actor_clock::time_point begun_;
  std::uint64_t number_;
};

/// Statements that change state; the rest of console_session.cpp only reads.
void run_write(session_ptr self, const model::statement& what, session_reply reply, const std::string& request_id);

} // namespace tabletd
