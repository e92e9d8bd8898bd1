// See image_file.h.
#include "persistence/image_file.h"
#include "persistence/crc32c.h"
#include "persistence/little_endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <utility>

namespace tabletd {

namespace {

constexpr std::string_view magic = "tbdimage";
constexpr std::size_t magic_bytes = 8;
/// Of this version: format, journal id, epoch, created, sections.
constexpr std::size_t header_bytes_known = 4 + 8 + 8 + 8 + 4;
/// A longer one is damage, not a later version.
constexpr std::size_t header_bytes_max = 4'096;
constexpr std::size_t lead_bytes = magic_bytes + 4;  ///< Magic and header length.
constexpr std::size_t head_bytes = 4 + 4 + 8;        ///< Of a section.
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t footer_bytes = 4 + 8 + crc_bytes + magic_bytes;
constexpr std::size_t checked_footer_bytes = 4 + 8;  ///< What its checksum covers of it.
constexpr std::size_t file_bytes_min = lead_bytes + header_bytes_known + crc_bytes + footer_bytes;
/// So much is handed to the disk at a time while writing goes on, so that the fsync is short.
constexpr std::uint64_t writeback_bytes = 8U << 20;

static_assert(magic.size() == magic_bytes);

void put_magic(std::vector<std::byte>& to) {
  std::transform(magic.begin(), magic.end(), std::back_inserter(to), [](char c) { return static_cast<std::byte>(c); });
}

bool is_magic(std::span<const std::byte> bytes) {
  return std::equal(bytes.begin(), bytes.end(), magic.begin(), magic.end(),
                    [](std::byte byte, char c) { return byte == static_cast<std::byte>(c); });
}

/// The beginning of the file, without its checksum.
std::vector<std::byte> encode(const image_header& header) {
  std::vector<std::byte> bytes;
  put_magic(bytes);
  put(bytes, static_cast<std::uint32_t>(header_bytes_known));
  put(bytes, header.format);
  put(bytes, header.journal_id);
  put(bytes, header.epoch);
  put(bytes, static_cast<std::uint64_t>(header.created_ms));
  put(bytes, header.sections);
  return bytes;
}

std::vector<std::byte> encode_crc(std::uint32_t crc) {
  std::vector<std::byte> bytes;
  put(bytes, crc);
  return bytes;
}

std::filesystem::path part_of(const std::filesystem::path& file) {
  auto part = file;
  part += ".part";
  return part;
}

}  // namespace

// -- writing ----------------------------------------------------------------------------

image_writer::image_writer(std::filesystem::path final_path, const image_header& header)
    : final_path_(std::move(final_path)), header_(header) {
  header_.format = image_format;
  header_.sections = 0;
  // Another one of this process may be writing it; what an earlier process left was removed at its start.
  file_ = open_file(part_of(final_path_), O_RDWR | O_CREAT | O_EXCL);
  try {
    const auto lead = encode(header_);
    write(lead);
    write(encode_crc(crc32c(lead)));
  } catch (...) {
    discard_file(file_.path());
    throw;
  }
}

image_writer::image_writer(image_writer&&) noexcept = default;

image_writer& image_writer::operator=(image_writer&& other) noexcept {
  std::swap(final_path_, other.final_path_);
  std::swap(file_, other.file_);
  std::swap(header_, other.header_);
  std::swap(end_, other.end_);
  std::swap(written_back_, other.written_back_);
  std::swap(checked_bytes_, other.checked_bytes_);
  std::swap(checked_crc_, other.checked_crc_);
  std::swap(finished_, other.finished_);
  return *this;
}

image_writer::~image_writer() {
  if (file_.fd() >= 0)
    discard_file(file_.path());
}

void image_writer::write(std::span<const std::byte> bytes) {
  file_.write_at(end_, bytes);
  end_ += bytes.size();
  if (end_ - written_back_ < writeback_bytes)
    return;
  file_.start_writeback(written_back_, end_ - written_back_);
  written_back_ = end_;
}

void image_writer::write_checked(std::span<const std::byte> bytes) {
  write(bytes);
  checked_bytes_ += bytes.size();
  checked_crc_ = crc32c(bytes, checked_crc_);
}

void image_writer::append(std::uint32_t id, std::uint32_t flags, std::span<const std::byte> payload) {
  assert(!finished_ && payload.size() <= section_bytes_max);
  std::vector<std::byte> head;
  put(head, id);
  put(head, flags);
  put(head, static_cast<std::uint64_t>(payload.size()));
  write_checked(head);
  write_checked(payload);
  write(encode_crc(crc32c(payload, crc32c(head))));
  ++header_.sections;
}

image_summary image_writer::finish() {
  if (finished_)
    return *finished_;
  std::vector<std::byte> footer;
  put(footer, header_.sections);
  put(footer, end_ + footer_bytes);
  write_checked(footer);
  const auto lead = encode(header_);
  const auto lead_crc = crc32c(lead);
  const auto crc = crc32c_joined(lead_crc, checked_crc_, checked_bytes_);
  auto tail = encode_crc(crc);
  put_magic(tail);
  write(tail);
  file_.write_at(0, lead);
  file_.write_at(lead.size(), encode_crc(lead_crc));
  file_.sync();
  const image_summary made{header_.journal_id, end_, crc};
  if (const auto read = verify_image(file_.path()); read != made)
    throw storage_error(storage_fault::corrupt, file_.path().string(),
                        fmt::format("{} does not read back as it was written; look at the kernel log and the disk's health",
                                    file_.path().string()));
  finished_ = made;
  return made;
}

void image_writer::place() {
  assert(finished_);
  const auto part = file_.path();
  rename_file(part, final_path_);
  file_ = open_file{};
  sync_directory(final_path_.parent_path());
}

// -- reading ----------------------------------------------------------------------------

image_reader::image_reader(const std::filesystem::path& path) : file_(path, O_RDONLY), size_(file_.size()) {
  if (size_ < file_bytes_min)
    damaged(fmt::format("it has {} bytes, the shortest image has {}", size_, file_bytes_min));
  read_header();
  read_footer();
}

void image_reader::damaged(const std::string& what) const {
  throw storage_error(storage_fault::corrupt, file_.path().string(),
                      fmt::format("{} is damaged: {}; an older image or another front end's has to do",
                                  file_.path().string(), what));
}

void image_reader::read_checked(std::span<std::byte> into) {
  file_.read_at(at_, into);
  crc_ = crc32c(into, crc_);
  at_ += into.size();
}

std::uint32_t image_reader::read_crc() {
  std::array<std::byte, crc_bytes> bytes{};
  file_.read_at(at_, bytes);
  at_ += bytes.size();
  return cursor(bytes).u32();
}

void image_reader::read_header() {
  std::vector<std::byte> bytes(lead_bytes);
  read_checked(bytes);
  if (!is_magic(std::span{bytes}.first(magic_bytes)))
    damaged("it does not begin like an image");
  const auto length = cursor(std::span{bytes}.subspan(magic_bytes)).u32();
  if (length < header_bytes_known || length > header_bytes_max || lead_bytes + length + crc_bytes + footer_bytes > size_)
    damaged(fmt::format("its header is said to have {} bytes", length));
  bytes.resize(lead_bytes + length);
  read_checked(std::span{bytes}.subspan(lead_bytes));
  if (const auto is = crc_, says = read_crc(); says != is)
    damaged(fmt::format("the crc32c of its header is {}, it says {}", is, says));
  cursor in(std::span{bytes}.subspan(lead_bytes));
  header_.format = in.u32();
  if (header_.format != image_format)
    throw storage_error(storage_fault::unusable, file_.path().string(),
                        fmt::format("{} has image format {}, this tabletd reads {}; upgrade it", file_.path().string(),
                                    header_.format, image_format));
  header_.journal_id = in.u64();
  header_.epoch = in.u64();
  header_.created_ms = static_cast<std::int64_t>(in.u64());
  header_.sections = in.u32();
}

void image_reader::read_footer() {
  std::array<std::byte, footer_bytes> bytes{};
  file_.read_at(size_ - footer_bytes, bytes);
  if (!is_magic(std::span{bytes}.last(magic_bytes)))
    damaged("it does not end like an image; was it cut short?");
  cursor in(bytes);
  const auto sections = in.u32();
  const auto length = in.u64();
  if (length != size_)
    damaged(fmt::format("it has {} bytes, it says {}", size_, length));
  if (sections != header_.sections)
    damaged(fmt::format("its header says {} sections, its end {}", header_.sections, sections));
  summary_ = {header_.journal_id, size_, in.u32()};
}

bool image_reader::next(section_head& head, std::vector<std::byte>& payload) {
  const auto begin = at_;
  if (begin == size_ - footer_bytes) {
    check_end();
    return false;
  }
  const auto name = fmt::format("section {} at offset {}", sections_ + 1, begin);
  if (size_ - footer_bytes - begin < head_bytes + crc_bytes)
    damaged(fmt::format("{} has no room", name));
  std::array<std::byte, head_bytes> bytes{};
  read_checked(bytes);
  cursor in(bytes);
  head = {in.u32(), in.u32(), begin, in.u64(), 0};  // Braces evaluate left to right.
  if (head.bytes > section_bytes_max || head.bytes > size_ - footer_bytes - crc_bytes - at_)
    damaged(fmt::format("{}, of kind {}, is said to have {} bytes", name, head.id, head.bytes));
  payload.resize(head.bytes);
  read_checked(payload);
  head.crc32c = read_crc();
  if (const auto is = crc32c(payload, crc32c(bytes)); head.crc32c != is)
    damaged(fmt::format("the crc32c of {}, of kind {}, is {}, it says {}", name, head.id, is, head.crc32c));
  ++sections_;
  return true;
}

void image_reader::check_end() {
  if (sections_ != header_.sections)
    damaged(fmt::format("it has {} sections, it says {}", sections_, header_.sections));
  std::array<std::byte, checked_footer_bytes> last{};
  file_.read_at(at_, last);
  if (const auto is = crc32c(last, crc_); is != summary_.crc32c)
    damaged(fmt::format("its crc32c is {}, it says {}", is, summary_.crc32c));
}

image_summary claimed_summary(const std::filesystem::path& path) { return image_reader(path).summary(); }

image_summary verify_image(const std::filesystem::path& path) {
  image_reader reader(path);
  section_head head;
  std::vector<std::byte> payload;
  while (reader.next(head, payload)) {
  }
  return reader.summary();
}

}  // namespace tabletd
