// A walk over the parsed JSON beside the schema; see json_reader.h.
#include "node/tabletctl/json_reader.h"
#include "actors/model/nearest.h"
#include <capnp/compat/json.h>
#include <capnp/message.h>
#include <fmt/format.h>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

namespace tabletd::ctl {

namespace {

using json = capnp::JsonValue::Reader;

/// JSON numbers are doubles: beyond this they skip integers.
constexpr double exact_max = 9'007'199'254'740'992.0;

[[noreturn]] void fail(const std::string& field, std::string_view what) {
  throw json_failure(fmt::format("{}: {}", field.empty() ? "the document" : field, what));
}

std::string_view kind_of(json value) {
  switch (value.which()) {
    case capnp::JsonValue::NULL_: return "null";
    case capnp::JsonValue::BOOLEAN: return "a boolean";
    case capnp::JsonValue::NUMBER: return "a number";
    case capnp::JsonValue::STRING: return "a string";
    case capnp::JsonValue::ARRAY: return "a list";
    case capnp::JsonValue::OBJECT: return "an object";
    case capnp::JsonValue::CALL: break;
  }
  return "no JSON";
}

void expect(json value, capnp::JsonValue::Which wanted, std::string_view what, const std::string& field) {
  if (value.which() != wanted)
    fail(field, fmt::format("expected {}, found {}", what, kind_of(value)));
}

std::string instead_of(std::string_view word, const std::vector<std::string>& known) {
  const auto near = model::nearest(word, known);
  return near.empty() ? fmt::format("choose {}", fmt::join(known, ", ")) : fmt::format("did you mean {}?", near);
}

// -- numbers -----------------------------------------------------------------------------

std::uint64_t natural(json value, const std::string& field) {
  if (value.isString()) {
    const auto text = value.getString();
    std::uint64_t number = 0;
    const auto [stop, failed] = std::from_chars(text.begin(), text.end(), number);
    if (failed != std::errc{} || stop != text.end() || text.size() == 0)
      fail(field, fmt::format("'{}' is not a whole number", text.cStr()));
    return number;
  }
  expect(value, capnp::JsonValue::NUMBER, "a whole number", field);
  const double number = value.getNumber();
  if (number < 0 || number != std::floor(number))
    fail(field, fmt::format("{} is not a whole number from 0 on", number));
  if (number > exact_max)
    fail(field, "is beyond 2^53, which JSON does not carry exactly; write it as a string");
  return static_cast<std::uint64_t>(number);
}

std::uint64_t natural_to(json value, std::uint64_t most, const std::string& field) {
  const auto number = natural(value, field);
  if (number > most)
    fail(field, fmt::format("{} is more than {}", number, most));
  return number;
}

// -- values by type ----------------------------------------------------------------------

void read_struct(json value, capnp::DynamicStruct::Builder to, const std::string& field);
void read_list(json value, capnp::DynamicList::Builder to, const std::string& field);

capnp::DynamicEnum enumerant(json value, capnp::EnumSchema type, const std::string& field) {
  expect(value, capnp::JsonValue::STRING, "a string", field);
  const auto text = value.getString();
  std::vector<std::string> known;
  for (const auto one : type.getEnumerants()) {
    if (one.getProto().getName() == text)
      return one;
    known.emplace_back(one.getProto().getName().cStr());
  }
  fail(field, fmt::format("there is no '{}' here; {}", text.cStr(), instead_of({text.begin(), text.size()}, known)));
}

/// Everything but structs and lists, which are built in place.
capnp::DynamicValue::Reader scalar(json value, capnp::Type type, const std::string& field) {
  switch (type.which()) {
    case capnp::schema::Type::BOOL:
      expect(value, capnp::JsonValue::BOOLEAN, "true or false", field);
      return value.getBoolean();
    case capnp::schema::Type::UINT16: return natural_to(value, 0xffff, field);
    case capnp::schema::Type::UINT32: return natural_to(value, 0xffff'ffff, field);
    case capnp::schema::Type::UINT64: return natural(value, field);
    case capnp::schema::Type::FLOAT64:
      expect(value, capnp::JsonValue::NUMBER, "a number", field);
      return value.getNumber();
    case capnp::schema::Type::TEXT:
      expect(value, capnp::JsonValue::STRING, "a string", field);
      return value.getString();
    case capnp::schema::Type::ENUM: return enumerant(value, type.asEnum(), field);
    default: fail(field, "has a type that files cannot carry");
  }
}

void read_list(json value, capnp::DynamicList::Builder to, const std::string& field) {
  const auto type = to.getSchema().getElementType();
  unsigned at = 0;
  for (const auto element : value.getArray()) {
    const auto name = fmt::format("{}[{}]", field, at);
    if (type.isStruct())
      read_struct(element, to[at].as<capnp::DynamicStruct>(), name);
    else
      to.set(at, scalar(element, type, name));
    ++at;
  }
}

capnp::StructSchema::Field find_field(capnp::StructSchema schema, capnp::Text::Reader key, const std::string& field) {
  KJ_IF_MAYBE (found, schema.findFieldByName(key)) {
    return *found;
  }
  std::vector<std::string> known;
  for (const auto one : schema.getFields())
    known.emplace_back(one.getProto().getName().cStr());
  fail(field, fmt::format("there is no such field; {}", instead_of({key.begin(), key.size()}, known)));
}

void read_struct(json value, capnp::DynamicStruct::Builder to, const std::string& field) {
  expect(value, capnp::JsonValue::OBJECT, "an object", field);
  std::set<std::string> seen;
  for (const auto entry : value.getObject()) {
    const std::string key = entry.getName().cStr();
    const auto name = field.empty() ? key : field + '.' + key;
    const auto slot = find_field(to.getSchema(), entry.getName(), name);
    if (!seen.insert(key).second)
      fail(name, "is given twice");
    const auto type = slot.getType();
    if (type.isStruct()) {
      read_struct(entry.getValue(), to.init(slot).as<capnp::DynamicStruct>(), name);
    } else if (type.isList()) {
      expect(entry.getValue(), capnp::JsonValue::ARRAY, "a list", name);
      read_list(entry.getValue(), to.init(slot, entry.getValue().getArray().size()).as<capnp::DynamicList>(), name);
    } else {
      to.set(slot, scalar(entry.getValue(), type, name));
    }
  }
}

} // namespace

void read_json(std::string_view text, capnp::DynamicStruct::Builder to) {
  capnp::MallocMessageBuilder parsed;
  auto root = parsed.initRoot<capnp::JsonValue>();
  try {
    capnp::JsonCodec{}.decodeRaw({text.data(), text.size()}, root);
  } catch (const kj::Exception& why) {
    throw json_failure(fmt::format("it is not JSON: {}", why.getDescription().cStr()));
  }
  read_struct(root.asReader(), to, "");
}

} // namespace tabletd::ctl
