#pragma once
// Any Cap'n Proto value as JSON for programs: keys are the field names in the schema's order, of a union the
// member that is set, bytes as hex digits, integers beyond 2^53 as strings (docs/offline.md).
#include <capnp/dynamic.h>
#include <string>
#include <string_view>

namespace tabletd::ctl {

[[nodiscard]] std::string json_of(capnp::DynamicValue::Reader from);
/// In one line for people, as the capnp tool writes it.
[[nodiscard]] std::string words_of(capnp::DynamicValue::Reader from);

/// The member of a struct's union that is set, which the caller knows to be one of its schema.
struct union_member {
  std::string name;
  capnp::DynamicValue::Reader value;
};
/// No name: it is a member of a later version.
[[nodiscard]] union_member member_of(capnp::DynamicStruct::Reader from);

} // namespace tabletd::ctl
