// See image_store.h.
#include "persistence/image_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <fcntl.h>
#include <functional>
#include <string_view>
#include <utility>

namespace tabletd {

namespace {

constexpr std::string_view prefix = "image.";
constexpr std::string_view part_suffix = ".part";

/// Nothing: not the name of an image.
std::optional<std::uint64_t> id_of(std::string_view name) {
  if (!name.starts_with(prefix))
    return std::nullopt;
  name.remove_prefix(prefix.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.begin(), name.end(), id);
  return error == std::errc{} && end == name.end() && name == std::to_string(id) ? std::optional(id) : std::nullopt;
}

/// A disk that cannot be read, or a missing permission, says nothing of what is on it.
bool speaks_of_image(const storage_error& error) {
  return error.fault() == storage_fault::corrupt || error.fault() == storage_fault::unusable;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw storage_error(storage_fault::corrupt, file.string(),
                      fmt::format("what was received as {} is not what was announced: {}", file.string(), what));
}

}  // namespace

// -- receiving --------------------------------------------------------------------------

image_receiver::image_receiver(std::filesystem::path final_path, const image_summary& announced)
    : final_path_(std::move(final_path)), announced_(announced) {
  auto part = final_path_;
  part += part_suffix;
  file_ = open_file(std::move(part), O_RDWR | O_CREAT | O_EXCL);
}

image_receiver::image_receiver(image_receiver&&) noexcept = default;

image_receiver::~image_receiver() {
  if (file_.fd() >= 0)
    discard_file(file_.path());
}

void image_receiver::append(std::span<const std::byte> bytes) {
  assert(!finished_);
  if (bytes.size() > announced_.bytes - end_)
    refuse(final_path_, fmt::format("more than {} bytes", announced_.bytes));
  file_.write_at(end_, bytes);
  end_ += bytes.size();
}

void image_receiver::finish() {
  if (end_ != announced_.bytes)
    refuse(final_path_, fmt::format("{} bytes of {}", end_, announced_.bytes));
  file_.sync();
  const auto read = verify_image(file_.path());
  if (read.crc32c != announced_.crc32c)
    refuse(final_path_, fmt::format("its crc32c is {}, announced was {}", read.crc32c, announced_.crc32c));
  if (read.journal_id != announced_.journal_id)
    refuse(final_path_, fmt::format("it is image {}", read.journal_id));
  finished_ = true;
}

void image_receiver::place() {
  assert(finished_);
  rename_file(file_.path(), final_path_);
  file_ = open_file{};
  sync_directory(final_path_.parent_path());
}

// -- the store --------------------------------------------------------------------------

image_store::image_store(std::filesystem::path directory) : directory_(std::move(directory)) {
  make_directories_durably(directory_);
  for (const auto& file : list_directory(directory_)) {
    const auto name = file.filename().string();
    if ((name.starts_with(prefix) && name.ends_with(part_suffix)) || is_temporary_name(name))
      discard_file(file);
  }
}

std::filesystem::path image_store::path_of(std::uint64_t journal_id) const {
  return directory_ / fmt::format("{}{}", prefix, journal_id);
}

std::vector<std::uint64_t> image_store::ids() const {
  std::vector<std::uint64_t> found;
  for (const auto& file : list_directory(directory_))
    if (const auto id = id_of(file.filename().string()))
      found.push_back(*id);
  std::sort(found.begin(), found.end(), std::greater<>{});
  return found;
}

std::vector<image_summary> image_store::list() const {
  std::vector<image_summary> found;
  for (const auto id : ids()) {
    try {
      if (const auto claimed = claimed_summary(path_of(id)); claimed.journal_id == id)
        found.push_back(claimed);
    } catch (const storage_error& error) {
      if (!speaks_of_image(error))
        throw;
    }
  }
  return found;
}

image_store::examined image_store::examine(std::uint64_t journal_id) {
  const auto path = path_of(journal_id);
  examined found;
  try {
    found.summary = verify_image(path);
    if (found.summary.journal_id != journal_id)
      found.complaint = fmt::format("{} is image {} under another name", path.string(), found.summary.journal_id);
  } catch (const storage_error& error) {
    if (!speaks_of_image(error))
      throw;
    found.complaint = error.what();
  }
  if (!found.complaint.empty())
    damaged_.insert(journal_id);
  return found;
}

image_search image_store::newest_valid() {
  image_search found;
  for (const auto id : ids()) {
    auto one = examine(id);
    if (one.complaint.empty()) {
      found.newest = {one.summary, path_of(id)};
      break;
    }
    found.passed_over.push_back(std::move(one.complaint));
  }
  return found;
}

std::vector<image_summary> image_store::sound() {
  std::vector<image_summary> found;
  for (const auto id : ids())
    if (const auto one = examine(id); one.complaint.empty())
      found.push_back(one.summary);
  return found;
}

image_writer image_store::begin(const image_header& header) { return {path_of(header.journal_id), header}; }

image_receiver image_store::receive(const image_summary& announced) { return {path_of(announced.journal_id), announced}; }

image_summary image_store::keep(image_writer writer) {
  const auto summary = writer.finish();
  writer.place();
  damaged_.erase(summary.journal_id);
  forget_old();
  return summary;
}

image_summary image_store::keep(image_receiver receiver) {
  receiver.finish();
  receiver.place();
  damaged_.erase(receiver.announced().journal_id);
  forget_old();
  return receiver.announced();
}

void image_store::forget_old() {
  std::size_t sound = 0;
  for (const auto id : ids()) {
    const bool is_damaged = damaged_.contains(id);
    if (!is_damaged && ++sound <= images_kept)
      continue;
    // What cannot be removed now is removed the next time.
    if (discard_file(path_of(id)) && is_damaged)
      damaged_.erase(id);
  }
}

void image_store::forget_before(std::uint64_t journal_id) {
  for (const auto id : ids())
    if (id < journal_id && discard_file(path_of(id)))
      damaged_.erase(id);
}

}  // namespace tabletd
