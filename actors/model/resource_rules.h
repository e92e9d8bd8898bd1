#pragma once
// What the properties of a resource may be (spec/jobs.md B11).  Pure: whether the store is there and does what
// uploads need is asked elsewhere (persistence/remote/remote_probe.h).
#include "actors/model/edit.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tabletd::model {

[[nodiscard]] std::string_view name(resource_type type);  ///< "file", "s3"
[[nodiscard]] std::optional<resource_type> resource_type_of(std::string_view word);

/// Null: it is not given.
[[nodiscard]] const std::string* find_property(const resource_properties& among, std::string_view key);
/// Replaces or adds; an empty value takes it out.
void set_property(resource_properties& among, std::string_view key, std::string_view value);
/// "bucket" = "cold", "endpoint" = "https://..."
[[nodiscard]] std::string listed(const resource_properties& all);

/// A key that somebody means for a credential.  Those are in a file or in the environment of every node, never in
/// the edit log.
[[nodiscard]] bool looks_secret(std::string_view key);
/// Where credentials come from, for the one who wrote them elsewhere.
inline constexpr std::string_view where_credentials_are
    = "credentials are never part of a statement: put them into a file on every node that only tabletd may read, and "
      "name it in "
      "\"credentials_file\", or into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of tabletd's environment";

struct property_fault {
  std::string key;      ///< Which one.
  bool of_value{};      ///< Its value is wrong; else the key does not belong here, or is missing.
  std::string message;  ///< What is wrong.
  std::string hint;     ///< What it must be.
};
/// The first thing that makes these unfit for a resource of this type; nothing: they will do.
[[nodiscard]] std::optional<property_fault> fault_of(resource_type type, const resource_properties& properties);

/// Of a value alone, when the type is not known yet; every key belongs to one type.
[[nodiscard]] std::optional<property_fault> fault_of(std::string_view key, std::string_view value);

/// Both name the same objects, as far as properties say: the directory, or bucket and root path.  The address of an
/// S3 service may change under it.
[[nodiscard]] bool same_place(resource_type type, const resource_properties& a, const resource_properties& b);

}  // namespace tabletd::model
