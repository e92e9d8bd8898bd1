#pragma once
// JSON into a Cap'n Proto struct, for files that people write: whatever does not fit the schema is
// refused by the name of its field, and a key that does not exist gets the nearest one that does.
#include <capnp/dynamic.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tabletd::ctl {

/// What is wrong, in a sentence that begins with the field: "backends[2].paths[0].medium: ...".
class json_failure : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Keys are the schema's field names, enumerants are strings, and a 64-bit number may be a string
/// of digits (JSON carries 2^53 exactly).  Absent keys keep the schema's defaults; null, an unknown
/// key and one given twice are errors.  Throws json_failure.
void read_json(std::string_view text, capnp::DynamicStruct::Builder to);

} // namespace tabletd::ctl
