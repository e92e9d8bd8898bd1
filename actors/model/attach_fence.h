#pragma once
// Who may give this backend orders.  One leader at a time: the newest attach of the
// highest term; an earlier one loses its voice the moment the later is accepted.  Pure.
#include "actors/model/edit.h"
#include "actors/model/ids.h"
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace tabletd::model {

/// Whose backend this is; decided by the first attach ever and kept on disk.
struct backend_binding {
  cluster_uuid cluster{};
  backend_id backend{};
  friend bool operator==(const backend_binding&, const backend_binding&) = default;
};

struct attach_hello {
  cluster_uuid cluster{};
  backend_id backend{};
  model::term term{};
  std::uint64_t leader{}; ///< fe node id, for the log line.
  friend bool operator==(const attach_hello&, const attach_hello&) = default;
};

struct attach_refused {
  std::string why;       ///< What is wrong and what to do.
  bool worth_a_log_line; ///< False: the same hello was refused just before.
  friend bool operator==(const attach_refused&, const attach_refused&) = default;
};
struct attach_accepted {
  std::uint64_t link;     ///< Names this attach in later calls.
  std::uint64_t replaces; ///< The link that just died; 0: there was none.
  bool bind;              ///< Make `binding` durable before answering.
  friend bool operator==(const attach_accepted&, const attach_accepted&) = default;
};
using attach_outcome = std::variant<attach_refused, attach_accepted>;

struct attach_fence {
  std::optional<backend_binding> binding{};
  model::term term{};    ///< The highest ever accepted here.
  std::uint64_t link{};  ///< The one that may speak; 0: none.
  std::uint64_t links_made{};
  std::optional<attach_hello> refused_last{};
};

[[nodiscard]] attach_outcome step(attach_fence& fence, const attach_hello& hello);
/// The binding could not be made durable: the attach that asked for it never happened.
void binding_failed(attach_fence& fence);
/// The connection of `link` is gone.
void link_ended(attach_fence& fence, std::uint64_t link);
/// Why a call on `link` with `term` must be refused, or nothing.
[[nodiscard]] std::optional<std::string> refuse_call(const attach_fence& fence, std::uint64_t link,
                                                     model::term of_call);

} // namespace tabletd::model
