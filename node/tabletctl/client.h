#pragma once
// A synchronous client of the public API (schemas/console.capnp): dials, logs in, runs one
// statement at a time, moves its file in or out, follows the leader, and asks again what may be
// asked again (repetition.h).
//
// One per thread: it owns the thread's KJ loop, which turns only inside these calls.
#include "node/tabletctl/address.h"
#include "node/tabletctl/error_text.h"
#include "node/tabletctl/progress.h"
#include "node/tabletctl/waiter.h"
#include "schemas/console.capnp.h"
#include <capnp/capability.h>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::ctl {

/// The longest statement a server takes (design/ecosystem.md 6, rule 7).
inline constexpr std::size_t statement_bytes_max = 1U << 20;

struct client_options {
  std::vector<address> addresses; ///< Tried in order; the last good one first.
  std::string database;
  std::optional<std::chrono::milliseconds> statement_limit; ///< Transfers included.
  std::chrono::milliseconds connect_limit = std::chrono::seconds(5);
};

/// What a statement came to.
struct answer {
  enum class kind { done, rows, error };
  kind what = kind::done;
  std::string statement; ///< Its kind by the server's name: "show_backends".
  double elapsed_s = 0;  ///< As the client saw it.
  std::vector<statement_error> warnings;
  statement_error error; ///< kind::error
  std::string message;   ///< kind::done
  std::uint64_t affected = 0;

  /// kind::rows; valid while this answer lives.
  [[nodiscard]] api::RowSet::Reader rows() const;
  [[nodiscard]] bool ok() const { return what != kind::error; }
  std::optional<capnp::Response<api::Execution::ResultResults>> response; ///< Owns the rows.
};

/// Rows by column name, for callers that read results instead of printing them.
class row_reader {
public:
  explicit row_reader(api::RowSet::Reader rows) : rows_(rows) {}
  [[nodiscard]] std::uint32_t size() const { return rows_.getRows().size(); }
  [[nodiscard]] bool has(std::string_view column) const { return find(column).has_value(); }
  /// Machine form; empty for null and for a column that does not exist.
  [[nodiscard]] std::string text(std::uint32_t row, std::string_view column) const;
  /// A number, or a text that holds one; nothing otherwise.
  [[nodiscard]] std::optional<std::int64_t> number(std::uint32_t row,
                                                   std::string_view column) const;

private:
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view column) const;
  api::RowSet::Reader rows_;
};

struct server_identity {
  std::string address; ///< The one that answered.
  std::string version;
  std::string cluster;
  std::string leader;
  std::uint64_t node = 0;
  std::string user;
  std::vector<std::string> group; ///< Consoles of all front ends; empty: it is the only one.
};

struct health_report {
  api::HealthState state = api::HealthState::UNKNOWN;
  std::vector<std::string> reasons;
  std::uint64_t tablets = 0, unhealthy = 0, unrecoverable = 0;
  std::uint32_t backends = 0, backends_alive = 0;
  std::string leader;
  std::uint64_t revision = 0;
};

struct candidate {
  std::string text, kind, help;
};
struct completion {
  std::vector<candidate> candidates;
  std::uint32_t replace_from = 0; ///< Byte offset where a candidate's text begins.
};

using transfer_fn = std::function<void(const transfer_state&)>;

class client {
public:
  explicit client(client_options options);
  ~client();
  client(const client&) = delete;

  /// Dials unless connected.  Throws client_failure(cannot_connect | login_refused | interrupted).
  const server_identity& connect();
  [[nodiscard]] bool connected();
  void hang_up();

  /// Runs one statement without its semicolon.  What the server, or a local file, objects to
  /// is in the answer; client_failure is thrown when there is none.  USE holds over reconnections.
  answer execute(std::string_view statement, const transfer_fn& on_transfer = {});
  /// Empty when not connected or when the server is slow: completion must not get in the way.
  completion complete(std::string_view text, std::uint32_t cursor);
  health_report health();
  /// False if Ctrl-C ended it.
  bool sleep(std::chrono::milliseconds span);

  void statement_limit(std::optional<std::chrono::milliseconds> limit);
  /// Hears, in one sentence each, of lost connections, of what is asked again, of a new leader.
  void on_notice(std::function<void(const std::string&)> notice);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace tabletd::ctl
