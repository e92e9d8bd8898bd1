// See identity_file.h.
#include "persistence/identity_file.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <xxhash.h>

namespace tabletd {

namespace {

constexpr std::uint64_t identity_bytes_max = 4096;
constexpr std::string_view first_line = "# tabletd identity 1: whose directory this is.  Do not edit.";
constexpr std::string_view check_name = "check";
constexpr std::string_view word = "abcdefghijklmnopqrstuvwxyz0123456789";

[[noreturn]] void damaged(const std::filesystem::path& file, const std::string& what) {
  throw storage_error(storage_fault::corrupt, file.string(),
                      fmt::format("{} is damaged: {}; restore it from a copy, or empty the "
                                  "directory and let its contents be repaired from their peers",
                                  file.string(), what));
}

std::string checksum_line(std::string_view above) {
  return fmt::format("{} = {:016x}\n", check_name, XXH3_64bits(above.data(), above.size()));
}

bool is_word(std::string_view text) { return !text.empty() && text.find_first_not_of(word) == std::string_view::npos; }

}  // namespace

std::optional<identity> read_identity(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored)))
    return std::nullopt;
  const auto bytes = read_file(file, identity_bytes_max);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto check_at = text.rfind(check_name);
  if (check_at == std::string_view::npos || text.substr(check_at) != checksum_line(text.substr(0, check_at)))
    damaged(file, "its checksum does not match");

  identity lines;
  auto rest = text.substr(0, check_at);
  for (int number = 1; !rest.empty(); ++number) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.starts_with('#'))
      continue;
    constexpr std::string_view between = " = ";
    const auto at = line.find(between);
    const auto name = line.substr(0, at);
    const auto value = at == std::string_view::npos ? "" : line.substr(at + between.size());
    if (!is_word(name) || !is_word(value) || !lines.emplace(name, value).second)
      damaged(file, fmt::format("line {} is not `name = value`", number));
  }
  return lines;
}

void write_identity_durably(const std::filesystem::path& file, const identity& lines) {
  auto text = fmt::format("{}\n", first_line);
  for (const auto& [name, value] : lines)
    text += fmt::format("{} = {}\n", name, value);
  text += checksum_line(text);
  write_file_durably(file, std::as_bytes(std::span(text)));
}

bool is_cluster_id(const std::string& cluster) {
  return cluster.size() == 32 && cluster.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool bind_identity(identity& lines, const std::string& cluster, const std::string& owner_name, std::uint64_t owner,
                   const std::filesystem::path& directory) {
  if (!is_cluster_id(cluster))
    throw storage_error(storage_fault::unusable, directory.string(),
                        fmt::format("cannot bind {} to cluster \"{}\": a cluster id has 32 hex "
                                    "digits",
                                    directory.string(), cluster));
  const auto number = std::to_string(owner);
  const auto bound = lines.find("cluster");
  if (bound == lines.end()) {
    lines["cluster"] = cluster;
    lines[owner_name] = number;
    return true;
  }
  if (bound->second != cluster || lines[owner_name] != number)
    throw storage_error(
        storage_fault::foreign, directory.string(),
        fmt::format("{} belongs to {} {} of cluster {}, not to {} {} of cluster {}; "
                    "give this node its own directory, or empty that one if nobody "
                    "needs it",
                    directory.string(), owner_name, lines[owner_name], bound->second, owner_name, number, cluster));
  return false;
}

}  // namespace tabletd
