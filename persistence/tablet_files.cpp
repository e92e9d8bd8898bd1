// See tablet_files.h.
#include "persistence/tablet_files.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace tabletd {

namespace {

constexpr std::string_view segment_suffix = ".seg";
constexpr std::string_view partial_suffix = ".part";
constexpr std::string_view clone_prefix = "clone-";
constexpr std::size_t foreign_max = 100;

/// A number as we write it: decimal, no sign, no leading zero.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.starts_with('0'))
    return std::nullopt;
  return number;
}

std::optional<std::uint64_t> number_between(std::string_view prefix, std::string_view text, std::string_view suffix) {
  if (text.size() < prefix.size() + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix))
    return std::nullopt;
  text.remove_prefix(prefix.size());
  text.remove_suffix(suffix.size());
  return number_in(text);
}

enum class entry_kind { missing, regular, directory, other };
struct entry {
  entry_kind kind = entry_kind::missing;
  std::uint64_t bytes = 0;
};

/// Never follows a link: a link inside the path is not ours.
entry look_at(const std::filesystem::path& path) {
  struct ::stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return {};
  if (S_ISREG(found.st_mode))
    return {entry_kind::regular, static_cast<std::uint64_t>(found.st_size)};
  return {S_ISDIR(found.st_mode) ? entry_kind::directory : entry_kind::other, 0};
}

}  // namespace

struct tablet_files::sweep_state {
  const rowsets_by_id& known;
  path_findings& findings;
  std::unordered_set<std::uint64_t> whole;
  std::uint64_t bytes = 0;  ///< Of ours that stay.

  void leave(const std::filesystem::path& path) {
    if (findings.foreign.size() < foreign_max)
      findings.foreign.push_back(path);
  }
  void discard_garbage(const std::filesystem::path& path, std::uint64_t size) {
    if (!discard_file(path))
      return;
    ++findings.garbage_files;
    findings.garbage_bytes += size;
  }
};

tablet_files::tablet_files(std::filesystem::path root, std::shared_ptr<space_quota> quota)
    : root_(std::move(root)), quota_(std::move(quota)) {}

// -- names ------------------------------------------------------------------------------

std::filesystem::path tablet_files::shard_directory(std::uint64_t tablet) const {
  return root_ / "tablets" / fmt::format("{:02x}", tablet % 256);  // No directory grows too long.
}

std::filesystem::path tablet_files::tablet_directory(std::uint64_t tablet) const {
  return shard_directory(tablet) / std::to_string(tablet);
}

std::filesystem::path tablet_files::segment(std::uint64_t tablet, std::uint64_t id) const {
  return tablet_directory(tablet) / fmt::format("{}{}", id, segment_suffix);
}

std::optional<std::uint64_t> tablet_files::segment_id(std::uint64_t tablet, const std::filesystem::path& file) const {
  if (file.parent_path() != tablet_directory(tablet))
    return std::nullopt;
  return number_between("", file.filename().string(), segment_suffix);
}

std::filesystem::path tablet_files::clone(std::uint64_t fence) const {
  return root_ / "tmp" / fmt::format("{}{}", clone_prefix, fence);
}

std::filesystem::path tablet_files::partial(std::uint64_t fence, std::uint64_t rowset) const {
  return clone(fence) / fmt::format("{}{}", rowset, partial_suffix);
}

std::vector<std::uint64_t> tablet_files::clones() const {
  std::vector<std::uint64_t> fences;
  for (const auto& path : list_directory(root_ / "tmp"))
    if (const auto fence = number_between(clone_prefix, path.filename().string(), ""))
      fences.push_back(*fence);
  std::sort(fences.begin(), fences.end());
  return fences;
}

// -- directories ------------------------------------------------------------------------

void tablet_files::make_tablet_directory(std::uint64_t tablet) {
  make_directory(shard_directory(tablet));
  make_directory(tablet_directory(tablet));
}

void tablet_files::sync(const std::vector<std::uint64_t>& tablets) {
  std::set<std::filesystem::path> parents;
  for (const auto tablet : tablets) {
    sync_directory(tablet_directory(tablet));
    if (!durable_.contains(tablet))
      parents.insert({shard_directory(tablet), root_ / "tablets"});
  }
  for (const auto& parent : parents)
    sync_directory(parent);
  durable_.insert(tablets.begin(), tablets.end());
}

// -- discarding -------------------------------------------------------------------------

void tablet_files::discard(const rowset_meta& rowset) {
  if (rowset.blocks == 0 || rowset.is_remote())
    return;
  const auto path = segment(rowset.tablet, rowset.id);
  const auto found = quota_ ? look_at(path) : entry{};  // A damaged one may have another size.
  if (discard_file(path) && quota_)
    quota_->give(found.bytes);
}

void tablet_files::discard_tablet_directory(std::uint64_t tablet) {
  // Not empty: a load still writes there; its temporary file goes first, the rest is swept.
  if (files().rmdir(tablet_directory(tablet).c_str()) == 0)
    durable_.erase(tablet);
}

void tablet_files::discard_clone(std::uint64_t fence) {
  const auto directory = clone(fence);
  if (look_at(directory).kind != entry_kind::directory)
    return;
  for (const auto& path : list_directory(directory)) {
    const auto found = look_at(path);
    if (found.kind == entry_kind::regular && discard_file(path) && quota_)
      quota_->give(found.bytes);
  }
  files().rmdir(directory.c_str());
}

// -- the walk at open -------------------------------------------------------------------

std::vector<std::uint64_t> tablet_files::sweep(const rowsets_by_id& known, const tablet_index& index,
                                               path_findings& findings) {
  sweep_state state{.known = known, .findings = findings, .whole = {}, .bytes = 0};
  for (const auto& path : list_directory(root_))
    if (path.filename().string().starts_with(".tabletd-path") && is_temporary_name(path.filename().string()))
      state.discard_garbage(path, look_at(path).bytes);

  for (const auto& shard : list_directory(root_ / "tablets")) {
    if (look_at(shard).kind != entry_kind::directory) {
      state.leave(shard);
      continue;
    }
    for (const auto& path : list_directory(shard)) {
      const auto tablet = number_in(path.filename().string());
      if (!tablet || path != tablet_directory(*tablet) || look_at(path).kind != entry_kind::directory) {
        state.leave(path);
        continue;
      }
      sweep_tablet(state, path, *tablet);
      if (!index.find(*tablet))
        discard_tablet_directory(*tablet);
    }
  }
  sweep_tmp(state);
  if (quota_)
    quota_->adopt(state.bytes);

  std::vector<std::uint64_t> damaged;
  for (const auto& [id, rowset] : known)
    if (!state.whole.contains(id))
      damaged.push_back(id);
  return damaged;
}

void tablet_files::sweep_tablet(sweep_state& state, const std::filesystem::path& directory, std::uint64_t tablet) {
  for (const auto& path : list_directory(directory)) {
    const auto found = look_at(path);
    const auto name = path.filename().string();
    const auto id = number_between("", name, segment_suffix);
    const auto row = id ? state.known.find(*id) : state.known.end();
    if (found.kind != entry_kind::regular || (!id && !is_temporary_name(name))) {
      state.leave(path);
    } else if (row == state.known.end() || row->second.tablet != tablet) {
      state.discard_garbage(path, found.bytes);
    } else {
      state.bytes += found.bytes;
      if (found.bytes == file_bytes_of(row->second))
        state.whole.insert(*id);
    }
  }
}

void tablet_files::sweep_tmp(sweep_state& state) {
  for (const auto& path : list_directory(root_ / "tmp")) {
    if (look_at(path).kind != entry_kind::directory || !number_between(clone_prefix, path.filename().string(), "")) {
      state.leave(path);
      continue;
    }
    for (const auto& file : list_directory(path))
      if (number_between("", file.filename().string(), partial_suffix))
        state.bytes += look_at(file).bytes;
      else
        state.leave(file);
  }
}

bool tablet_files::any_segment() const {
  for (const auto& shard : list_directory(root_ / "tablets"))
    if (look_at(shard).kind == entry_kind::directory)
      for (const auto& tablet : list_directory(shard))
        if (look_at(tablet).kind == entry_kind::directory)
          for (const auto& path : list_directory(tablet))
            if (number_between("", path.filename().string(), segment_suffix))
              return true;
  return false;
}

}  // namespace tabletd
