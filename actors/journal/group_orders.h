#pragma once
// Changes of membership and hand-overs that were asked of the journal and are not answered yet: one
// of each at a time.  Each is answered once, by what the keeper's turns show.
#include "actors/journal/log_keeper.h"
#include "actors/journal/ports.h"

#include <caf/typed_response_promise.hpp>

#include <optional>
#include <string>

namespace tabletd {

using group_promise = caf::typed_response_promise<group_outcome>;

class group_orders {
public:
  /// False: it is answered already, because another one is open.  Else the keeper has to hear of it.
  [[nodiscard]] bool open(const change_members& wanted, group_promise promise);
  [[nodiscard]] bool open(const hand_over& wanted, group_promise promise);
  void take(const written& result);
  /// Nothing more will be heard of them, because of `why`.
  void end(const std::string& why);

private:
  void take(const order_verdict& verdict);
  void look_at_change(const written& result);
  void look_at_transfer(const written& result);

  struct order {
    group_promise promise;
    bool is_accepted = false;
    std::uint64_t index{};  ///< Of an accepted change.
  };
  std::optional<order> change_, transfer_;
};

}  // namespace tabletd
