// See node_dir.h.
#include "persistence/node_dir.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <utility>

namespace tabletd {

namespace {

const char* name_of(node_role role) { return role == node_role::fe ? "fe" : "be"; }

}  // namespace

node_dir::node_dir(const std::filesystem::path& directory) : path_(std::filesystem::absolute(directory)) {
  make_directories_durably(path_);
  demand_private_directory(path_);
  lock_.emplace(path_);
  for (const auto& entry : list_directory(path_))
    if (const auto name = entry.filename().string();
        name.starts_with(identity_path().filename().string()) && is_temporary_name(name))
      discard_file(entry);
  sync_directory(path_);  // A label that an earlier process only renamed must not vanish again.
  identity_ = read_identity(identity_path()).value_or(identity{});
}

void node_dir::claim(node_role role) {
  const auto is = identity_.find("role");
  if (is == identity_.end()) {
    sync_own_name(path_);
    auto claimed = identity_;
    claimed["role"] = name_of(role);
    write_identity_durably(identity_path(), claimed);
    identity_ = std::move(claimed);
  } else if (is->second != name_of(role)) {
    throw storage_error(storage_fault::foreign, path_.string(),
                        fmt::format("{} is the directory of a node of role {}, this one is {}; give "
                                    "it another directory",
                                    path_.string(), is->second, name_of(role)));
  }
}

void node_dir::bind(const std::string& cluster, std::uint64_t node) {
  auto bound = identity_;
  if (!bind_identity(bound, cluster, "node", node, path_))
    return;
  write_identity_durably(identity_path(), bound);
  identity_ = std::move(bound);
}

std::optional<node_role> node_dir::role() const {
  const auto is = identity_.find("role");
  if (is == identity_.end())
    return std::nullopt;
  return is->second == "fe" ? node_role::fe : node_role::be;
}

std::optional<std::string> node_dir::cluster() const {
  const auto is = identity_.find("cluster");
  return is == identity_.end() ? std::nullopt : std::optional(is->second);
}

std::optional<std::uint64_t> node_dir::node() const {
  const auto is = identity_.find("node");
  return is == identity_.end() ? std::nullopt : std::optional<std::uint64_t>(std::stoull(is->second));
}

}  // namespace tabletd
