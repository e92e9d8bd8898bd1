#include "node/tabletctl/dynamic_text.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <kj/string-tree.h>

namespace tabletd::ctl {

namespace {

constexpr std::uint64_t exact_max = 1ULL << 53; ///< JSON readers keep numbers as doubles.

std::string text_of(kj::StringPtr from) { return {from.begin(), from.size()}; }

std::string number(std::uint64_t n) { return n <= exact_max ? fmt::to_string(n) : fmt::format("\"{}\"", n); }
std::string number(std::int64_t n) {
  return n >= -static_cast<std::int64_t>(exact_max) && n <= static_cast<std::int64_t>(exact_max) ? fmt::to_string(n)
                                                                                                 : fmt::format("\"{}\"", n);
}

std::string json_of_struct(capnp::DynamicStruct::Reader from) {
  std::string json = "{";
  const auto add = [&](kj::StringPtr name, capnp::DynamicValue::Reader value) {
    json += fmt::format("{}\"{}\": {}", json.size() > 1 ? ", " : "", text_of(name), json_of(value));
  };
  for (auto field : from.getSchema().getNonUnionFields())
    add(field.getProto().getName(), from.get(field));
  KJ_IF_MAYBE(field, from.which()) {
    add(field->getProto().getName(), from.get(*field));
  }
  return json + "}";
}

std::string json_of_list(capnp::DynamicList::Reader from) {
  std::string json = "[";
  for (auto each : from)
    json += (json.size() > 1 ? ", " : "") + json_of(each);
  return json + "]";
}

} // namespace

std::string json_of(capnp::DynamicValue::Reader from) {
  switch (from.getType()) {
    case capnp::DynamicValue::BOOL: return from.as<bool>() ? "true" : "false";
    case capnp::DynamicValue::INT: return number(from.as<std::int64_t>());
    case capnp::DynamicValue::UINT: return number(from.as<std::uint64_t>());
    case capnp::DynamicValue::FLOAT: return fmt::to_string(from.as<double>());
    case capnp::DynamicValue::TEXT: return json_string(text_of(from.as<capnp::Text>()));
    case capnp::DynamicValue::DATA: {
      std::string digits;
      for (const auto byte : from.as<capnp::Data>())
        digits += fmt::format("{:02x}", byte);
      return '"' + digits + '"';
    }
    case capnp::DynamicValue::LIST: return json_of_list(from.as<capnp::DynamicList>());
    case capnp::DynamicValue::ENUM: {
      const auto value = from.as<capnp::DynamicEnum>();
      KJ_IF_MAYBE(known, value.getEnumerant()) {
        return '"' + text_of(known->getProto().getName()) + '"';
      }
      return fmt::to_string(value.getRaw());
    }
    case capnp::DynamicValue::STRUCT: return json_of_struct(from.as<capnp::DynamicStruct>());
    case capnp::DynamicValue::UNKNOWN:
    case capnp::DynamicValue::VOID:
    case capnp::DynamicValue::CAPABILITY:
    case capnp::DynamicValue::ANY_POINTER: break;
  }
  return "null";
}

std::string words_of(capnp::DynamicValue::Reader from) { return printable(text_of(kj::str(from))); }

union_member member_of(capnp::DynamicStruct::Reader from) {
  KJ_IF_MAYBE(field, from.which()) {
    return {text_of(field->getProto().getName()), from.get(*field)};
  }
  return {};
}

} // namespace tabletd::ctl
