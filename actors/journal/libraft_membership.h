#pragma once
// Memberships in libraft's encoding, and which of them may follow which.
#include "actors/model/consensus_core.h"

namespace tabletd {

/// Throws std::invalid_argument if an id is 0 or an id or address occurs twice.
[[nodiscard]] std::string encode_membership(const std::vector<model::member>& members);

/// Nothing: these bytes are no membership.  Unlike the library's, it does not read past their end.
[[nodiscard]] std::optional<std::vector<model::member>> decode_membership(std::string_view bytes);

[[nodiscard]] bool is_voter(const std::vector<model::member>& members, model::node_id id);
[[nodiscard]] bool is_sole_voter(const std::vector<model::member>& members, model::node_id id);

struct single_change {
  std::vector<model::member> members;  ///< In the present order: the library matches by position.
  model::node_id promoted{};           ///< 0: nobody.
  model::node_id deposed{};            ///< A voter that will be none; 0: nobody.
  model::consensus_refusal why = model::consensus_refusal::none;
};
/// Whether `wanted` is one step away from `present` (dissertation 4.1).
[[nodiscard]] single_change plan_change(const std::vector<model::member>& present,
                                        const std::vector<model::member>& wanted);

}  // namespace tabletd
