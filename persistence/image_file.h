#pragma once
// The container of a checkpoint image, format K1 (spec/jobs.md C9, K1): one file, no sibling, no
// byte without a checksum.  Knows sections, not what is in them.
//
//   magic 8 | header length u32 | header | crc32c u32
//   sections: id u32 | flags u32 | length u64 | payload | crc32c u32
//   footer: sections u32 | file length u64 | crc32c u32 | magic 8
//
// Numbers are little endian.  The header holds format u32, journal id u64, epoch u64, created i64 ms and
// sections u32; a longer header of a later version is read as far as it is known.  The checksum of the
// header covers everything before it; that of a section its id, flags and length too, so that no damage
// is looked for in the wrong place.  The footer's covers everything before it except those checksums: bytes
// followed by their own CRC leave the same remainder whatever they are, so with them it would be the same
// for any two images whose sections are as long (K1 says "all before"; this is why it cannot be).
//
// A section is whole in memory before its first byte is written, so its length and checksum need no
// second visit to the disk; what is larger than section_bytes_wanted is several sections of one id.
// Only the header is written twice, because the number of sections is known last.
#include "persistence/durable_file.h"
#include "persistence/storage_error.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace tabletd {

inline constexpr std::uint32_t image_format = 1;
/// Writers begin another section of the same id at this.
inline constexpr std::size_t section_bytes_wanted = 4U << 20;
/// One value that cannot be divided may take this much; more is damage.  What a reader has in memory.
inline constexpr std::size_t section_bytes_max = 64U << 20;
/// Bit 0 of a section's flags: who does not know it must not use the image.  The others are kept as they are.
inline constexpr std::uint32_t section_required = 1;

struct image_header {
  std::uint32_t format = image_format;
  std::uint64_t journal_id{};  ///< Log index of the last edit in it.
  std::uint64_t epoch{};       ///< Term of the leader that asked for it.
  std::int64_t created_ms{};   ///< Since the Unix epoch.
  std::uint32_t sections{};
  friend bool operator==(const image_header&, const image_header&) = default;
};

/// What two nodes compare.  `crc32c` is the footer's: that of the whole file would say nothing, for the
/// reason above.
struct image_summary {
  std::uint64_t journal_id{};
  std::uint64_t bytes{};
  std::uint32_t crc32c{};
  friend bool operator==(const image_summary&, const image_summary&) = default;
};

struct section_head {
  std::uint32_t id{};
  std::uint32_t flags{};
  std::uint64_t offset{};  ///< Of the head, from the beginning of the file.
  std::uint64_t bytes{};   ///< Of the payload.
  std::uint32_t crc32c{};
  [[nodiscard]] bool required() const { return (flags & section_required) != 0; }
};

/// Writes <final path>.part.  Dropping it before place() deletes that file.
class image_writer {
public:
  /// header.sections is ignored.  The directory exists; another writer of the same file is
  /// storage_error(unusable).
  image_writer(std::filesystem::path final_path, const image_header& header);
  image_writer(image_writer&&) noexcept;
  image_writer& operator=(image_writer&&) noexcept;
  ~image_writer();

  /// At most section_bytes_max.  After finish() never.
  void append(std::uint32_t id, std::uint32_t flags, std::span<const std::byte> payload);
  /// Footer, fsync, and everything read back and verified.  Again: the same answer.
  image_summary finish();
  /// Under its name, durably (after finish()): only now may anybody hear of it.
  void place();
  [[nodiscard]] std::uint64_t bytes() const { return end_; }

private:
  void write(std::span<const std::byte> bytes);
  void write_checked(std::span<const std::byte> bytes);
  std::filesystem::path final_path_;
  open_file file_;  ///< Closed: moved from or placed.
  image_header header_;
  std::uint64_t end_ = 0;
  std::uint64_t written_back_ = 0;
  std::uint64_t checked_bytes_ = 0;  ///< Behind the header, that the footer's checksum covers,
  std::uint32_t checked_crc_ = 0;    ///< and theirs.
  std::optional<image_summary> finished_;
};

/// Reads a file section by section, checking each and at the end the whole; throws storage_error
/// naming file, section and offset.  A format of the future is unusable, everything else corrupt.
class image_reader {
public:
  explicit image_reader(const std::filesystem::path& path);
  [[nodiscard]] const image_header& header() const { return header_; }
  /// As the footer claims until next() has returned false.
  [[nodiscard]] const image_summary& summary() const { return summary_; }
  /// The next section and its payload.  False: that was all, and all of it is sound.
  [[nodiscard]] bool next(section_head& head, std::vector<std::byte>& payload);

private:
  [[noreturn]] void damaged(const std::string& what) const;
  void read_checked(std::span<std::byte> into);
  [[nodiscard]] std::uint32_t read_crc();
  void read_header();
  void read_footer();
  void check_end();
  open_file file_;
  image_header header_;
  image_summary summary_;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::uint32_t sections_ = 0;  ///< Seen.
  std::uint32_t crc_ = 0;       ///< Of everything before at_ but checksums.
};

/// What a file says of itself, without its sections; throws as image_reader does.
[[nodiscard]] image_summary claimed_summary(const std::filesystem::path& path);
/// Reads the whole file.
image_summary verify_image(const std::filesystem::path& path);

}  // namespace tabletd
