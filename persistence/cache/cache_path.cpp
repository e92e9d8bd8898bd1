// See cache_path.h.
#include "persistence/cache/cache_path.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace tabletd {

namespace {

std::filesystem::path made(std::filesystem::path directory) {
  make_directories_durably(directory);
  demand_private_directory(directory);
  return directory;
}

struct block_name {
  std::uint64_t object = 0;
  std::uint32_t number = 0;
  friend auto operator<=>(const block_name&, const block_name&) = default;
};

std::string text_of(const block_name& name) { return fmt::format("{}.{:x}", hex(name.object), name.number); }

std::optional<block_name> parsed(const std::string& text) {
  block_name name;
  const auto* end = text.data() + text.size();
  const auto object = std::from_chars(text.data(), end, name.object, 16);
  if (object.ec != std::errc{} || object.ptr == end || *object.ptr != '.')
    return std::nullopt;
  const auto number = std::from_chars(object.ptr + 1, end, name.number, 16);
  return number.ec == std::errc{} && text == text_of(name) ? std::optional(name) : std::nullopt;
}

block_name name_of(const stored_block& block) { return {block.object, block.is.number}; }

}  // namespace

disk_space space_of(const std::filesystem::path& directory, const space_quota* quota) {
  if (quota)
    return {quota->limit_bytes(), quota->limit_bytes() - std::min(quota->used_bytes(), quota->limit_bytes())};
  struct ::statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0)
    throw_errno(errno, directory, "measure the file system of");
  return {std::uint64_t{disk.f_blocks} * disk.f_frsize, std::uint64_t{disk.f_bavail} * disk.f_frsize};
}

struct cache_path::sweep_state {
  std::vector<stored_block> known;  ///< By name.
  std::vector<bool> found;
};

cache_path::cache_path(std::filesystem::path directory, std::uint32_t block_bytes, std::shared_ptr<space_quota> quota,
                       const std::string& sqlite_vfs)
    : directory_(made(std::move(directory))),
      lock_(directory_),
      quota_(std::move(quota)),
      index_(directory_ / "index.db", block_bytes, sqlite_vfs) {
  make_directory(directory_ / "blocks");
}

std::filesystem::path cache_path::file_of(std::uint64_t object, std::uint32_t number) const {
  return directory_ / "blocks" / fmt::format("{:02x}", object >> 56U) / text_of({object, number});
}

cache_path::contents cache_path::load(epoch_seconds now) {
  contents there;
  there.objects = index_.objects();
  index_batch lost;
  sweep_state state;
  for (const auto& block : index_.blocks())
    if (there.objects.contains(block.object))
      state.known.push_back(block);
    else
      lost.changes.push_back({block.object, block.is.number, std::nullopt});
  std::sort(state.known.begin(), state.known.end(),
            [](const auto& a, const auto& b) { return name_of(a) < name_of(b); });
  state.found.resize(state.known.size());
  for (const auto& folder : list_directory(directory_ / "blocks"))
    if (std::error_code ignored; std::filesystem::is_directory(folder, ignored))
      sweep_folder(folder, state);

  for (std::size_t i = 0; i < state.known.size(); ++i) {
    const auto& block = state.known[i];
    if (!state.found[i]) {
      lost.changes.push_back({block.object, block.is.number, std::nullopt});
    } else {
      there.blocks.push_back(block);
      if (quota_)
        quota_->adopt(block_file_bytes(block.is.bytes));
    }
  }
  if (!lost.changes.empty())
    index_.apply(lost);
  const auto order = [now](const known_block& block) {
    return block.warm_until > now ? std::pair(true, block.warm_until) : std::pair(false, block.read_at);
  };
  std::sort(there.blocks.begin(), there.blocks.end(),
            [&](const stored_block& a, const stored_block& b) { return order(a.is) < order(b.is); });
  return there;
}

void cache_path::sweep_folder(const std::filesystem::path& folder, sweep_state& state) const {
  for (const auto& file : list_directory(folder)) {
    const auto text = file.filename().string();
    const auto name = parsed(text);
    if (!name) {
      if (is_temporary_name(text))
        discard_file(file);
      continue;
    }
    const auto at = std::lower_bound(state.known.begin(), state.known.end(), *name,
                                     [](const auto& block, const auto& wanted) { return name_of(block) < wanted; });
    std::error_code failed;
    const bool agrees = at != state.known.end() && name_of(*at) == *name && file == file_of(name->object, name->number)
                        && std::filesystem::file_size(file, failed) == block_file_bytes(at->is.bytes) && !failed;
    if (agrees)
      state.found[static_cast<std::size_t>(at - state.known.begin())] = true;
    else
      discard_file(file);
  }
}

std::uint64_t cache_path::write(const remote_object& object, std::uint32_t number, std::span<const std::byte> bytes) {
  const auto file = file_of(object.id(), number);
  const auto takes = block_file_bytes(static_cast<std::uint32_t>(bytes.size()));
  if (quota_)
    quota_->take(takes, file);
  try {
    make_directory(file.parent_path());
    return write_block_file(file, bytes);
  } catch (...) {
    if (quota_)
      quota_->give(takes);
    throw;
  }
}

void cache_path::discard(std::uint64_t object, std::uint32_t number, std::uint32_t bytes) {
  discard_file(file_of(object, number));
  if (quota_)
    quota_->give(block_file_bytes(bytes));
}

}  // namespace tabletd
