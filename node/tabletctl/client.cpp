// Statements; see client.h.  Connections are in client_dial.cpp, the pumps in transfer.cpp.
#include "node/tabletctl/client_impl.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/splitter.h"
#include "node/tabletctl/transfer.h"
#include <fmt/format.h>
#include <sys/random.h>
#include <algorithm>
#include <array>
#include <utility>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;

constexpr int redirects_max = 5;
constexpr int losses_max = 5; // A statement that fells every front end it meets must not fell them all day.
constexpr auto completion_limit = 300ms; // Longer and Tab feels broken.
constexpr auto pause_max = std::chrono::milliseconds(500); // Between two attempts, whatever the server advises.
constexpr auto server_grace = 250ms; // Lets the server's own, better-worded timeout arrive first.

std::array<kj::byte, 16> random_id() {
  std::array<kj::byte, 16> id{};
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
    id.fill(0); // The server treats it as unnamed.
  return id;
}

/// As the server makes one of a request id (docs/console.md).
std::string label_of(const statement_nature& what, const std::array<kj::byte, 16>& id) {
  return what.label.empty() ? fmt::format("request-{:02x}", fmt::join(id, "")) : what.label;
}

/// The last word about a statement whose answer was lost; `start` says how.
std::string unknown_outcome(const statement_nature& what, const std::string& start,
                            const std::array<kj::byte, 16>& id) {
  if (what.is_load)
    return fmt::format("{}{}; whether it was loaded is not known: load again with LABEL '{}', a label that was "
                       "committed loads nothing twice",
                       start, what.why_not.empty() ? "" : ", and " + what.why_not, label_of(what, id));
  if (!what.why_not.empty())
    return fmt::format("{}, and {}: export again", start, what.why_not);
  if (what.again == repetition::harmless)
    return start;
  return fmt::format("{}; it may or may not have taken effect: look ({}) before you repeat it", start, what.look);
}

} // namespace

// -- statements --------------------------------------------------------------------------

answer client::impl::run(std::string_view text, const std::array<kj::byte, 16>& id,
                         const transfer_fn& on_transfer) {
  auto request = KJ_ASSERT_NONNULL(link->session).executeRequest();
  request.setText(kj::heapString(text.data(), text.size()));
  request.setRequestId(kj::arrayPtr(id.data(), id.size()));
  auto execution = request.send().getExecution(); // Dropping it gives the statement up.
  auto response = wait.wait(
    kj::Promise<capnp::Response<api::Execution::ResultResults>>(execution.resultRequest().send()));
  return take(text, kj::mv(response), on_transfer);
}

answer client::impl::take(std::string_view text,
                          capnp::Response<api::Execution::ResultResults> response,
                          const transfer_fn& on_transfer) {
  const auto result = response.getResult();
  answer out;
  if (result.isUpload() || result.isDownload()) {
    const std::string offered = result.isUpload() ? result.getUpload().getPath().cStr()
                                                  : result.getDownload().getPath().cStr();
    // A server must not choose which of our files it reads or replaces.
    if (path_in_statement(text) != offered)
      return local_error(
        api::ErrorCode::PERMISSION_DENIED,
        fmt::format("the server asked for the file '{}', which the statement does not name",
                    offered),
        "do not trust this server; no file was opened");
    out = result.isUpload() ? run_upload(wait, result.getUpload().getUpload(), offered, on_transfer)
                            : run_download(wait, result.getDownload(), offered, on_transfer);
  } else if (result.isError()) {
    out.what = answer::kind::error;
    out.error = read_error(result.getError());
  } else if (result.isDone()) {
    out.message = result.getDone().getMessage().cStr();
    out.affected = result.getDone().getAffected();
  } else if (result.isRows()) {
    out.what = answer::kind::rows;
  } else {
    return local_error(api::ErrorCode::UNSUPPORTED,
                       "the server answered with something this tabletctl does not know",
                       "use a tabletctl of the server's version");
  }
  out.statement = result.getStatement().cStr();
  for (const auto warning : result.getWarnings())
    out.warnings.push_back(read_error(warning));
  if (out.what == answer::kind::rows)
    out.response = kj::mv(response);
  return out;
}

/// Who went away: the one we talk to, or the leader behind it.
std::string client::impl::who_is_lost() {
  wait.settle();
  if (link->lost || server.leader.empty() || server.leader == link->address)
    return fmt::format("lost the connection to {}", link->address);
  return fmt::format("{} lost its leader {}", link->address, server.leader);
}

/// run() with every way a call can fail put into its place.
attempt client::impl::run_guarded(std::string_view text, const request_id& id, const transfer_fn& on_transfer) {
  try {
    attempt one{run(text, id, on_transfer), {}};
    wait.settle(); // What was dropped is told to the server now, not with the next statement.
    return one;
  } catch (const file_failure& why) {
    wait.settle();
    return {local_error(why.code(), why.what()), {}};
  } catch (const client_failure& why) {
    wait.settle();
    if (why.why() == trouble::interrupted)
      throw client_failure(trouble::interrupted, "interrupted; the statement was given up and may still take effect: "
                                                 "look (SHOW ...) before you repeat it");
    link.reset(); // Who did not answer in time is dialled anew.
    throw client_failure(
      trouble::timed_out,
      fmt::format(
        "the statement did not end within {}; it was given up and may still take effect: "
        "look (SHOW ...) before you repeat it",
        duration_text(std::chrono::duration<double>(*options.statement_limit).count())));
  } catch (const kj::Exception& why) {
    if (why.getType() == kj::Exception::Type::DISCONNECTED) {
      auto lost = who_is_lost();
      link.reset();
      return {{}, std::move(lost)};
    }
    const auto where = link->address;
    link.reset();
    return {local_error(api::ErrorCode::INTERNAL,
                        fmt::format("{} could not answer: {}", where, brief(why)),
                        "look into the front end's log"),
            {}};
  }
}

client::client(client_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
client::~client() = default;

const server_identity& client::connect() {
  if (!connected())
    impl_->dial_any({});
  return impl_->server;
}

bool client::connected() {
  if (!impl_->link)
    return false;
  impl_->wait.settle();
  if (impl_->link->lost)
    impl_->link.reset();
  return impl_->link != nullptr;
}

void client::hang_up() { impl_->link.reset(); }

/// One statement over every connection it needs.
class client::impl::perseverance {
public:
  perseverance(impl& on, std::string_view statement, const transfer_fn& on_transfer)
    : on_(on), statement_(statement), on_transfer_(on_transfer), what_(nature_of(statement)) {}

  answer run() {
    while (true) {
      limit();
      auto one = on_.run_guarded(statement_, id_, on_transfer_);
      const auto* error = one.out.ok() ? nullptr : &one.out.error;
      const auto next = after_attempt(what_, !one.lost.empty(), error, losses_ > 0);
      const auto lost = !one.lost.empty() ? one.lost + " while the statement ran" : error ? error->message : "";
      const bool broken = !one.lost.empty() || (error && error->outcome_unknown);
      if (next == next_step::give_up || (broken && losses_ == losses_max))
        give_up(lost);
      if (next == next_step::finished || !go_on(next, lost, error))
        return settled(std::move(one.out));
    }
  }

private:
  /// What is left of --timeout, for the next attempt.
  void limit() const {
    const auto& limit = on_.options.statement_limit;
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begun_);
    on_.wait.limit(limit ? std::optional{std::max(*limit - spent, 0ms) + server_grace} : std::nullopt);
  }

  [[noreturn]] void give_up(const std::string& lost) {
    on_.link.reset();
    throw client_failure(trouble::connection_lost, unknown_outcome(what_, lost, id_));
  }

  /// False: enough was tried, the last answer stands.
  bool go_on(next_step next, const std::string& lost, const statement_error* error) {
    switch (next) {
      case next_step::elsewhere: return follow(*error);
      case next_step::wait_here: return may_wait() && (pause(*error), true);
      case next_step::reconnect: break;
      default: return false;
    }
    const bool broken = !error || error->outcome_unknown;
    if (broken)
      note_loss(lost);
    else if (!may_wait())
      return false;
    on_.link.reset();
    if (!broken)
      pause(*error);
    reconnect(lost);
    return true;
  }

  void note_loss(const std::string& lost) {
    ++losses_;
    const auto& limit = on_.options.statement_limit;
    until_ = limit ? begun_ + *limit : steady::now() + on_.options.connect_limit;
    if (on_.notice)
      on_.notice(lost + (what_.again == repetition::by_label ? "; loading again under the same label"
                                                             : "; asking again"));
  }

  void reconnect(const std::string& lost) {
    try {
      on_.dial_any({}, until_);
    } catch (const client_failure& why) {
      if (why.why() != trouble::cannot_connect || what_.again != repetition::by_label)
        throw;
      throw client_failure(trouble::connection_lost, unknown_outcome(what_, lost, id_) + ".  " + why.what());
    }
  }

  bool follow(const statement_error& error) {
    const auto leader = parse_addresses(error.leader);
    if (hops_ == redirects_max || leader.addresses.empty())
      return false;
    if (hops_++ > 0)
      pause(error);
    on_.link.reset();
    on_.dial_any(leader.addresses.front().text());
    return true;
  }

  bool may_wait() {
    if (!until_) // Nothing was lost; the server itself asked for patience.
      until_ = steady::now() + on_.options.connect_limit;
    return steady::now() < *until_;
  }

  void pause(const statement_error& error) {
    const auto asked = std::chrono::milliseconds{error.retry_after_ms};
    if (!on_.wait.sleep(std::clamp(asked, std::chrono::milliseconds{no_leader_pause}, pause_max)))
      throw client_failure(trouble::interrupted, "interrupted");
  }

  answer settled(answer out) {
    // The session's actor may be gone with its leader: the next statement gets a new one.
    if (!out.ok() && (out.error.code == api::ErrorCode::INTERNAL || out.error.code == api::ErrorCode::UNAVAILABLE))
      on_.link.reset();
    if (out.ok() && what_.is_load && losses_ > 0 && out.affected == 0)
      out.message = "it was committed before the connection broke: " + out.message;
    if (out.ok() && !what_.use.empty())
      on_.options.database = what_.use;
    out.elapsed_s = std::chrono::duration<double>(steady::now() - begun_).count();
    return out;
  }

  impl& on_;
  std::string_view statement_;
  const transfer_fn& on_transfer_;
  statement_nature what_;
  request_id id_ = random_id(); ///< The same over all attempts: a load takes effect once.
  steady::time_point begun_ = steady::now();
  std::optional<steady::time_point> until_; ///< Of the present trouble.
  int hops_ = 0;
  int losses_ = 0;
};

answer client::execute(std::string_view statement, const transfer_fn& on_transfer) {
  if (statement.size() > statement_bytes_max)
    return local_error(api::ErrorCode::INVALID_ARGUMENT,
                       fmt::format("the statement has {} bytes; at most {} are allowed",
                                   statement.size(), statement_bytes_max),
                       "is a quote or a comment left open?");
  impl::perseverance tries{*impl_, statement, on_transfer};
  connect();
  return tries.run();
}

completion client::complete(std::string_view text, std::uint32_t cursor) {
  completion out;
  if (!connected())
    return out;
  try {
    auto request = KJ_ASSERT_NONNULL(impl_->link->session).completeRequest();
    request.setText(kj::heapString(text.data(), text.size()));
    request.setCursor(cursor);
    impl_->wait.limit(completion_limit);
    const auto response = impl_->wait.wait(
      kj::Promise<capnp::Response<api::Session::CompleteResults>>(request.send()));
    out.replace_from = std::min(response.getReplaceFrom(), cursor);
    for (const auto one : response.getCandidates())
      out.candidates.push_back({one.getText().cStr(), one.getKind().cStr(), one.getHelp().cStr()});
  } catch (const client_failure&) {
    // Slow or interrupted: no completion this time.
  } catch (const kj::Exception&) {
    impl_->link.reset();
  }
  return out;
}

health_report client::health() {
  const auto where = connect().address;
  impl_->wait.limit(impl_->options.connect_limit);
  try {
    auto call = KJ_ASSERT_NONNULL(impl_->link->viewer).healthRequest().send();
    const auto response
      = impl_->wait.wait(kj::Promise<capnp::Response<api::Viewer::HealthResults>>(kj::mv(call)));
    const auto from = response.getHealth();
    health_report out;
    out.state = from.getState();
    for (const auto reason : from.getReasons())
      out.reasons.emplace_back(reason.cStr());
    out.tablets = from.getTablets();
    out.unhealthy = from.getUnhealthy();
    out.unrecoverable = from.getUnrecoverable();
    out.backends = from.getBackends();
    out.backends_alive = from.getBackendsAlive();
    out.leader = from.getLeader().cStr();
    out.revision = from.getRevision();
    return out;
  } catch (const kj::Exception& why) {
    impl_->link.reset();
    throw client_failure(trouble::connection_lost,
                         fmt::format("{} did not tell its health: {}", where, brief(why)));
  }
}

bool client::sleep(std::chrono::milliseconds span) { return impl_->wait.sleep(span); }

void client::statement_limit(std::optional<std::chrono::milliseconds> limit) {
  if (limit != impl_->options.statement_limit)
    impl_->link.reset(); // The session was opened with the old one.
  impl_->options.statement_limit = limit;
}

void client::on_notice(std::function<void(const std::string&)> notice) { impl_->notice = std::move(notice); }

} // namespace tabletd::ctl
