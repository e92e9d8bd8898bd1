// See remote_resource.h.
#include "persistence/remote/remote_resource.h"

#include "persistence/remote/file_remote_store.h"
#include "persistence/remote/remote_probe.h"
#include "persistence/remote/s3_remote_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace tabletd {

namespace {

[[noreturn]] void refuse(std::string_view why, std::string_view next_step) {
  throw remote_error(remote_fault::unusable, "", fmt::format("cannot use the resource: {}; {}", why, next_step));
}

std::optional<std::string> look_up(remote_properties properties, std::string_view key) {
  const auto at = std::find_if(properties.begin(), properties.end(), [key](const auto& p) { return p.first == key; });
  return at == properties.end() ? std::nullopt : std::optional(at->second);
}

std::string needed(remote_properties properties, std::string_view key) {
  auto value = look_up(properties, key);
  if (!value || value->empty())
    refuse(fmt::format("its property {} is missing", key), "ALTER RESOURCE sets it");
  return *std::move(value);
}

std::unique_ptr<remote_store> open_s3(remote_properties properties) {
  s3_config config;
  config.endpoint = needed(properties, "endpoint");
  config.bucket = needed(properties, "bucket");
  config.prefix = needed(properties, "root_path");
  config.region = look_up(properties, "region").value_or(config.region);
  config.ca_file = look_up(properties, "ca_file").value_or("");
  credentials_fn credentials = [] { return credentials_of_environment(::getenv); };
  if (auto file = look_up(properties, "credentials_file"))
    credentials = [file = *std::move(file)] { return read_credentials(file); };
  return std::make_unique<s3_remote_store>(std::move(config), real_surroundings(std::move(credentials)));
}

/// Empty if it is ours, now or since long.
std::string claim(remote_store& store, std::string_view cluster, const time_left_fn& time_left) {
  try {
    store.put_if_absent(cluster_mark, put_source(std::as_bytes(std::span(cluster))), time_left);
    return {};
  } catch (const remote_error& error) {
    if (error.fault() != remote_fault::exists_already)
      throw;
  }
  std::string owner(256, '\0');
  owner.resize(store.get(cluster_mark, 0, std::as_writable_bytes(std::span(owner)), time_left));
  if (owner == cluster)
    return {};
  return fmt::format(
      "{} belongs to another cluster, says its object {}; use another place, or remove that object if nothing "
      "uses the place any more",
      store.name(), cluster_mark);
}

}  // namespace

std::unique_ptr<remote_store> open_remote_store(std::string_view type, remote_properties properties) {
  if (type == "file")
    return std::make_unique<file_remote_store>(needed(properties, "root"));
  if (type == "s3")
    return open_s3(properties);
  refuse(fmt::format("its type {} is none this version knows", type), "upgrade tabletd");
}

std::string fault_of_remote_store(std::string_view type, remote_properties properties, std::string_view cluster,
                                  std::uint64_t random, const time_left_fn& time_left) {
  try {
    const auto store = open_remote_store(type, properties);
    const auto found = probe_conditional_create(*store, random, time_left);
    return found.conditional_create ? claim(*store, cluster, time_left) : found.sentence;
  } catch (const remote_error& error) {
    return error.what();
  }
}

}  // namespace tabletd
