// See block_file.h.
#include "persistence/cache/block_file.h"

#include "persistence/durable_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <vector>
#include <xxhash.h>

namespace tabletd {

namespace {

using byte_view = std::span<const std::byte>;

std::uint64_t sum_of(byte_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint64_t root_of(const std::vector<std::uint64_t>& sums) { return sum_of(std::as_bytes(std::span(sums))); }

std::size_t sums_of(std::uint32_t bytes) { return (bytes + sum_span_bytes - 1) / sum_span_bytes; }

/// Reads and checks spans of one block.
class span_reader {
public:
  span_reader(const open_file& file, const block_to_read& block)
      : file_(file), block_(block), sums_(sums_of(block.bytes)) {
    file_.read_at(block.bytes, std::as_writable_bytes(std::span(sums_)));
  }
  [[nodiscard]] bool sums_are_right() const { return root_of(sums_) == block_.checksum; }

  /// Whole spans.
  [[nodiscard]] bool read(std::uint32_t offset, std::span<std::byte> into) const {
    file_.read_at(offset, into);
    for (std::size_t at = 0; at < into.size(); at += sum_span_bytes)
      if (sum_of(into.subspan(at, std::min<std::size_t>(sum_span_bytes, into.size() - at)))
          != sums_[(offset + at) / sum_span_bytes])
        return false;
    return true;
  }
  /// A piece of one span.
  [[nodiscard]] bool read_piece(std::uint32_t offset, std::span<std::byte> into) const {
    const auto begin = offset - offset % sum_span_bytes;
    std::vector<std::byte> whole(std::min(sum_span_bytes, block_.bytes - begin));
    if (!read(begin, whole))
      return false;
    std::memcpy(into.data(), whole.data() + (offset - begin), into.size());
    return true;
  }

private:
  const open_file& file_;
  const block_to_read& block_;
  std::vector<std::uint64_t> sums_;
};

bool read_checked(const open_file& file, const block_to_read& block, std::uint32_t offset, std::span<std::byte> into) {
  const span_reader reader(file, block);
  if (!reader.sums_are_right())
    return false;
  while (!into.empty()) {
    const auto in_span = offset % sum_span_bytes;
    const auto to_block_end = static_cast<std::size_t>(block.bytes - offset);
    auto whole = into.size() >= to_block_end ? to_block_end : into.size() - into.size() % sum_span_bytes;
    const bool is_piece = in_span != 0 || whole == 0;
    if (is_piece)
      whole = std::min<std::size_t>(into.size(), sum_span_bytes - in_span);
    const auto here = into.first(whole);
    if (!(is_piece ? reader.read_piece(offset, here) : reader.read(offset, here)))
      return false;
    into = into.subspan(whole);
    offset += static_cast<std::uint32_t>(whole);
  }
  return true;
}

}  // namespace

std::uint64_t write_block_file(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  std::vector<std::uint64_t> sums;
  for (std::size_t at = 0; at < bytes.size(); at += sum_span_bytes)
    sums.push_back(sum_of(bytes.subspan(at, std::min<std::size_t>(sum_span_bytes, bytes.size() - at))));
  const auto temporary = temporary_name(file);
  try {
    open_file written(temporary, O_WRONLY | O_CREAT | O_EXCL);
    written.write_at(0, bytes);
    written.write_at(bytes.size(), std::as_bytes(std::span(sums)));
    rename_file(temporary, file);
  } catch (...) {
    discard_file(temporary);
    throw;
  }
  return root_of(sums);
}

block_outcome read_block_file(const block_to_read& block, std::uint32_t offset, std::span<std::byte> into) noexcept {
  try {
    open_file file;
    switch (file.try_open(block.file, O_RDONLY)) {
      case 0:
        return read_checked(file, block, offset, into) ? block_outcome::served : block_outcome::damaged;
      case ENOENT:
        return block_outcome::missing;
      case EMFILE:
      case ENFILE:
      case EACCES:
      case EPERM:
        return block_outcome::refused;
      default:
        return block_outcome::unreadable;
    }
  } catch (const storage_error& why) {
    return why.fault() == storage_fault::corrupt ? block_outcome::damaged : block_outcome::unreadable;
  } catch (const std::bad_alloc&) {
    return block_outcome::refused;
  }
}

}  // namespace tabletd
