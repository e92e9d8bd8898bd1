// See rowset_file.h.  The bytes of head and footer are in rowset_footer.cpp.
#include "persistence/rowset_file.h"

#include "persistence/rowset_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <utility>

namespace tabletd {

namespace {

/// Dirty bytes after which writeback starts: large enough to stay sequential, small enough
/// that the last fsync finds little left.
constexpr std::uint64_t writeback_bytes = 4U << 20;
/// Footers of up to a hundred blocks, about a hundred megabytes of rows.
constexpr std::uint64_t tail_guess_bytes = 4096;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw storage_error(storage_fault::corrupt, file.string(),
                      fmt::format("refused a block for {}: {}; send it again", file.string(), why));
}

/// As std::count, in pieces a byte can count: that fits the vector unit (-O3 for this file),
/// where std::count was a quarter of a clone.
std::size_t lines_in(byte_span block) {
  std::size_t lines = 0;
  while (!block.empty()) {
    const auto piece = block.first(std::min<std::size_t>(block.size(), 255));
    std::uint8_t found = 0;
    for (const auto byte : piece)
      found = static_cast<std::uint8_t>(found + (byte == std::byte{'\n'}));
    lines += found;
    block = block.subspan(piece.size());
  }
  return lines;
}

void check_block(const std::filesystem::path& file, byte_span block, std::uint32_t rows, std::uint64_t checksum) {
  if (block.empty() || block.size() > block_bytes_max)
    refuse(file, fmt::format("it has {} bytes, not 1 to {}", block.size(), block_bytes_max));
  if (const auto is = checksum_of(block); is != checksum)
    refuse(file, fmt::format("its checksum is {:016x}, announced was {:016x}", is, checksum));
  if (block.back() != std::byte{'\n'})
    refuse(file, "its last row does not end with a newline");
  if (const auto lines = lines_in(block); lines != rows)
    refuse(file, fmt::format("it has {} rows, announced were {}", lines, rows));
}

}  // namespace

// -- writer -----------------------------------------------------------------------------

struct rowset_writer::state {
  enum class stage { appending, footed, finished, sealed, failed };

  std::filesystem::path final_path;
  std::filesystem::path written_path;
  std::shared_ptr<space_quota> quota;
  std::optional<rowset_footer> source;  ///< Of a copy: what the file must become.
  rowset_footer footer;
  open_file file;
  std::uint64_t end = 0;           ///< Where the next byte goes.
  std::uint64_t written_back = 0;  ///< Writeback was started up to here.
  std::uint64_t quota_bytes = 0;   ///< Taken from the quota for this file.
  stage at = stage::appending;
  std::string failure;

  ~state() {
    if (at == stage::appending || at == stage::footed || at == stage::finished)
      if (!source)
        remove();
  }
  void create(int extra_flags) { file = open_file(written_path, O_RDWR | O_CREAT | extra_flags); }
  void put(byte_span bytes) {
    if (quota) {
      quota->take(bytes.size(), written_path);
      quota_bytes += bytes.size();
    }
    file.write_at(end, bytes);
    end += bytes.size();
    if (end - written_back >= writeback_bytes)
      start_writeback();
  }
  void start_writeback() {
    file.start_writeback(written_back, end - written_back);
    written_back = end;
  }
  void remove() noexcept {
    if (discard_file(written_path) && quota)
      quota->give(std::exchange(quota_bytes, 0));
  }
  /// Runs one step; if it throws, the writer is done for.
  template <class Step>
  auto guarded(Step&& step) {
    if (at == stage::failed || at == stage::sealed)
      throw storage_error(storage_fault::unusable, written_path.string(),
                          fmt::format("the writer of {} {}; start the rowset anew", written_path.string(),
                                      at == stage::sealed ? "has sealed it" : "failed: " + failure));
    try {
      return step();
    } catch (const storage_error& e) {
      // What has arrived of a copy stays good if a block was damaged or a descriptor was missing;
      // that of a disk that failed is not to be believed, even if the page cache shows it.
      const bool disk_failed = e.fault() == storage_fault::io || e.fault() == storage_fault::disk_full;
      if (!source || disk_failed)
        remove();
      failure = e.what();
      at = stage::failed;
      throw;
    }
  }

  void append(byte_span block, std::uint32_t rows, std::uint64_t checksum);
  void keep_good_blocks();
  void write_footer();
  void finish();
};

void rowset_writer::state::append(byte_span block, std::uint32_t rows, std::uint64_t checksum) {
  if (at != stage::appending)
    throw storage_error(storage_fault::unusable, written_path.string(),
                        fmt::format("{} has its footer already; start the rowset anew", written_path.string()));
  check_block(written_path, block, rows, checksum);
  const block_entry entry{end, static_cast<std::uint32_t>(block.size()), rows, checksum};
  if (source) {
    const auto next = footer.blocks.size();
    if (next >= source->blocks.size() || source->blocks[next] != entry)
      refuse(written_path, fmt::format("it is not block {} of the source's footer", next));
  }
  put(block);
  footer.blocks.push_back(entry);
  footer.rows += rows;
  footer.bytes += block.size();
}

void rowset_writer::state::keep_good_blocks() {
  const auto size = file.size();
  if (quota)
    quota_bytes = size;  // Counted since the store opened, or since our predecessor wrote it.
  std::array<std::byte, format::head.size()> head{};
  if (size >= head.size())
    file.read_at(0, head);
  if (head == format::head) {
    end = head.size();
    std::vector<std::byte> block;
    for (const auto& entry : source->blocks) {
      if (entry.offset + entry.length > size)
        break;
      block.resize(entry.length);
      file.read_at(entry.offset, block);
      if (checksum_of(block) != entry.checksum)
        break;
      footer.blocks.push_back(entry);
      footer.rows += entry.rows;
      footer.bytes += entry.length;
      end += entry.length;
    }
  }
  if (size > end) {
    file.truncate(end);
    if (quota) {
      quota->give(size - end);
      quota_bytes = end;
    }
  }
  written_back = end;
  if (end == 0)
    put(format::head);
}

void rowset_writer::state::write_footer() {
  if (at != stage::appending)
    return;
  if (source && footer != *source)
    throw storage_error(storage_fault::corrupt, written_path.string(),
                        fmt::format("the copy {} has {} of the source's {} blocks; fetch the rest",
                                    written_path.string(), footer.blocks.size(), source->blocks.size()));
  put(footer.encode());
  start_writeback();
  at = stage::footed;
}

void rowset_writer::state::finish() {
  write_footer();
  if (at == stage::footed) {
    file.sync();
    at = stage::finished;
  }
}

rowset_writer::rowset_writer(std::unique_ptr<state> made) : state_(std::move(made)) {}

rowset_writer::rowset_writer(std::filesystem::path final_path, std::uint64_t tablet, std::shared_ptr<space_quota> quota)
    : state_(std::make_unique<state>()) {
  state_->written_path = temporary_name(final_path);
  state_->final_path = std::move(final_path);
  state_->footer.tablet = tablet;
  state_->quota = std::move(quota);
  state_->guarded([this] {
    state_->create(O_EXCL);
    state_->put(format::head);
  });
}

rowset_writer rowset_writer::resume(const std::filesystem::path& partial, rowset_footer source,
                                    std::shared_ptr<space_quota> quota) {
  auto made = std::make_unique<state>();
  made->written_path = made->final_path = partial;
  made->footer.tablet = source.tablet;
  made->source = std::move(source);
  made->quota = std::move(quota);
  made->guarded([&made] {
    made->create(0);
    made->keep_good_blocks();
  });
  return rowset_writer(std::move(made));
}

rowset_writer::rowset_writer(rowset_writer&&) noexcept = default;
rowset_writer& rowset_writer::operator=(rowset_writer&&) noexcept = default;
rowset_writer::~rowset_writer() = default;

void rowset_writer::append(byte_span block, std::uint32_t rows, std::uint64_t checksum) {
  state_->guarded([&] { state_->append(block, rows, checksum); });
}

void rowset_writer::copy_to(rowset_writer& other) {
  std::vector<std::byte> block;
  for (const auto& entry : state_->footer.blocks) {
    block.resize(entry.length);
    state_->guarded([&] { state_->file.read_at(entry.offset, block); });
    other.append(block, entry.rows, entry.checksum);
  }
}

std::uint64_t rowset_writer::tablet() const { return state_->footer.tablet; }
std::uint64_t rowset_writer::rows() const { return state_->footer.rows; }
std::uint64_t rowset_writer::bytes() const { return state_->footer.bytes; }
std::uint32_t rowset_writer::blocks() const { return static_cast<std::uint32_t>(state_->footer.blocks.size()); }
const std::filesystem::path& rowset_writer::final_path() const { return state_->final_path; }

void rowset_writer::write_footer() {
  state_->guarded([this] { state_->write_footer(); });
}

rowset_footer rowset_writer::finish() {
  state_->guarded([this] { state_->finish(); });
  return state_->footer;
}

void rowset_writer::seal() { seal_as(state_->final_path); }

void rowset_writer::seal_as(const std::filesystem::path& place) {
  state_->guarded([&] {
    state_->finish();
    rename_file(state_->written_path, place);
    state_->final_path = place;
    state_->at = state::stage::sealed;
    state_->file = open_file();  // Its descriptor is of no more use.
  });
}

// -- reader -----------------------------------------------------------------------------

namespace {

[[noreturn]] void damaged(const std::string& name, const std::string& what, std::string_view remedy) {
  throw storage_error(storage_fault::corrupt, name, fmt::format("{}: {}; {}", name, what, remedy));
}

class segment_file final : public segment_bytes {
public:
  explicit segment_file(const std::filesystem::path& path) : file_(open_sealed(path)), name_(path.string()) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t size() const override { return file_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override { file_.read_at(offset, into); }
  [[nodiscard]] std::string_view remedy() const override { return repair; }

private:
  static constexpr std::string_view repair = "another replica has to repair this one";

  static open_file open_sealed(const std::filesystem::path& path) {
    open_file file;
    switch (const int error = file.try_open(path, O_RDONLY)) {
      case 0:
        return file;
      case ENOENT:
      case ENOTDIR:
        damaged(path.string(), "is missing", repair);
      case ELOOP:
        damaged(path.string(), "is a symbolic link", repair);
      default:
        throw_errno(error, path, "open");
    }
  }

  open_file file_;
  std::string name_;
};

}  // namespace

std::shared_ptr<rowset_reader> rowset_reader::open(const std::filesystem::path& path) {
  auto file = std::make_unique<segment_file>(path);
  std::array<std::byte, format::head.size()> head{};
  if (const auto size = file->size(); size < head.size() + format::tail_bytes(0))
    damaged(file->name(), fmt::format("has {} bytes, less than an empty segment", size), file->remedy());
  file->read_at(0, head);
  if (head != format::head)
    damaged(file->name(), "does not begin as a segment file", file->remedy());
  return open(std::move(file));
}

std::shared_ptr<rowset_reader> rowset_reader::open(std::unique_ptr<segment_bytes> from) {
  const auto size = from->size();
  const auto whole = format::head.size() + format::tail_bytes(0);
  if (size < whole)
    damaged(from->name(), fmt::format("has {} bytes, less than an empty segment", size), from->remedy());
  // Most footers come with the trailer in one read, which of a remote one is a round trip.
  std::vector<std::byte> tail(std::min<std::uint64_t>(size - format::head.size(), tail_guess_bytes));
  from->read_at(size - tail.size(), tail);
  const auto tail_size
      = format::footer_length(std::span{tail}.last<format::trailer_bytes>()) + format::trailer_bytes;
  if (tail_size > size - format::head.size())
    damaged(from->name(), fmt::format("claims a footer of {} bytes, the file has {}", tail_size, size), from->remedy());
  if (tail_size > tail.size()) {
    tail.resize(tail_size);
    from->read_at(size - tail_size, tail);
  }
  std::shared_ptr<rowset_reader> made(new rowset_reader);
  made->footer_ = rowset_footer::decode(byte_span{tail}.last(tail_size), from->name());
  if (const auto wanted = format::head.size() + made->footer_.bytes + tail_size; wanted != size)
    damaged(from->name(), fmt::format("has {} bytes where its footer says {}", size, wanted), from->remedy());
  made->from_ = std::move(from);
  return made;
}

std::shared_ptr<rowset_reader> rowset_reader::empty(std::uint64_t tablet) {
  std::shared_ptr<rowset_reader> made(new rowset_reader);
  made->footer_.tablet = tablet;
  return made;
}

void rowset_reader::read(std::uint32_t index, std::span<std::byte> into) const {
  const auto& entry = footer_.blocks.at(index);
  if (into.size() != entry.length)
    throw std::logic_error(
        fmt::format("block {} of {} has {} bytes, not {}", index, from_->name(), entry.length, into.size()));
  from_->read_at(entry.offset, into);
  check(index, into);
}

void rowset_reader::read_run(std::uint32_t first, std::uint32_t end, std::vector<std::byte>& into) const {
  const auto& blocks = footer_.blocks;
  const auto start = blocks.at(first).offset;
  into.resize(blocks.at(end - 1).offset + blocks[end - 1].length - start);
  from_->read_at(start, into);
  for (auto index = first; index < end; ++index)
    check(index, std::span{into}.subspan(blocks[index].offset - start, blocks[index].length));
}

/// What is wrong is read once more if there is another place to read it from.
void rowset_reader::check(std::uint32_t index, std::span<std::byte> block) const {
  const auto& entry = footer_.blocks[index];
  auto is = checksum_of(block);
  if (is != entry.checksum && from_->distrust(entry.offset, entry.length)) {
    from_->read_at(entry.offset, block);
    is = checksum_of(block);
  }
  if (is != entry.checksum)
    damaged(from_->name(), fmt::format("block {} at offset {} has checksum {:016x}, its footer says {:016x}", index,
                                       entry.offset, is, entry.checksum),
            from_->remedy());
}

}  // namespace tabletd
