#pragma once
// Who asked whether this node still leads, to read: first until a majority says so, then until the catalog
// has got there.  Each is answered once.
#include "actors/journal/ports.h"

#include <caf/typed_response_promise.hpp>

#include <deque>

namespace tabletd {

using read_promise = caf::typed_response_promise<leading_confirmed>;

class read_queue {
public:
  /// What the core has to be told.
  [[nodiscard]] model::confirm_leader open(read_promise promise);
  void take(const model::confirmed_reads& confirmed);
  /// The catalog has folded everything up to `index`.
  void applied(std::uint64_t index);
  /// This node does not lead (any more).
  void end(std::uint64_t leader);

private:
  struct read {
    std::uint64_t number{};  ///< Its ticket; once confirmed, the index it waits for.
    read_promise promise;
  };
  std::uint64_t tickets_ = 0;
  std::deque<read> asked_, confirmed_;  ///< Ascending.
};

}  // namespace tabletd
