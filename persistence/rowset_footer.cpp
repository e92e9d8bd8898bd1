// The footer of a segment file as bytes: explicit little endian, versioned, checksummed.
#include "persistence/little_endian.h"
#include "persistence/rowset_format.h"

#include <fmt/format.h>

#include <cassert>
#include <xxhash.h>

namespace tabletd {

namespace {

constexpr std::uint32_t footer_version = 1;

[[noreturn]] void damaged(const std::string& where, const std::string& what) {
  throw storage_error(storage_fault::corrupt, where,
                      fmt::format("the footer of {} is damaged: {}; another replica has to repair "
                                  "this one",
                                  where, what));
}

/// What the checksum cannot promise: that whoever wrote the footer could count.
void check_sums(const rowset_footer& footer, const std::string& where) {
  std::uint64_t end = format::head.size();
  std::uint64_t rows = 0;
  for (const auto& block : footer.blocks) {
    if (block.offset != end || block.length == 0 || block.length > block_bytes_max || block.rows == 0
        || block.rows > block.length)
      damaged(where, fmt::format("block at offset {} of {} bytes and {} rows where {} was due", block.offset,
                                 block.length, block.rows, end));
    end += block.length;
    rows += block.rows;
  }
  if (rows != footer.rows || end - format::head.size() != footer.bytes)
    damaged(where, fmt::format("its blocks hold {} rows and {} bytes, it says {} and {}", rows,
                               end - format::head.size(), footer.rows, footer.bytes));
}

}  // namespace

std::uint64_t checksum_of(byte_span bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::uint64_t format::footer_length(byte_span trailer) { return cursor(trailer).u32(); }

std::uint64_t rowset_file_bytes(std::uint64_t bytes, std::uint32_t blocks) {
  return blocks == 0 ? 0 : format::head.size() + bytes + format::tail_bytes(blocks);
}

std::vector<std::byte> rowset_footer::encode() const {
  std::vector<std::byte> tail;
  tail.reserve(format::tail_bytes(blocks.size()));
  put(tail, footer_version);
  put(tail, static_cast<std::uint32_t>(blocks.size()));
  put(tail, tablet);
  put(tail, rows);
  put(tail, bytes);
  for (const auto& block : blocks) {
    put(tail, block.offset);
    put(tail, block.length);
    put(tail, block.rows);
    put(tail, block.checksum);
  }
  put(tail, static_cast<std::uint32_t>(tail.size()));
  put(tail, checksum_of(tail));
  tail.insert(tail.end(), format::end_mark.begin(), format::end_mark.end());
  return tail;
}

rowset_footer rowset_footer::decode(byte_span tail, const std::string& where) {
  if (tail.size() < format::tail_bytes(0))
    damaged(where, fmt::format("it has {} bytes, the shortest has {}", tail.size(), format::tail_bytes(0)));
  const auto trailer = tail.last(format::trailer_bytes);
  const auto checked = tail.first(tail.size() - format::trailer_bytes + 4);
  if (!std::ranges::equal(trailer.last(format::end_mark.size()), format::end_mark))
    damaged(where, "it has no end mark");
  if (format::footer_length(trailer) + format::trailer_bytes != tail.size())
    damaged(where, fmt::format("its length says {}", format::footer_length(trailer)));
  cursor after_length(trailer.subspan(4));
  if (const auto is = checksum_of(checked), says = after_length.u64(); is != says)
    damaged(where, fmt::format("its checksum is {:016x}, it says {:016x}", is, says));

  cursor in(tail);
  if (const auto version = in.u32(); version != footer_version)
    throw storage_error(
        storage_fault::unusable, where,
        fmt::format("{} has footer version {}, this tabletd reads {}; upgrade it", where, version, footer_version));
  rowset_footer footer;
  const auto count = in.u32();
  if (format::tail_bytes(count) != tail.size())
    damaged(where, fmt::format("{} blocks do not fit its length", count));
  footer.tablet = in.u64();
  footer.rows = in.u64();
  footer.bytes = in.u64();
  footer.blocks.resize(count);
  for (auto& block : footer.blocks)
    block = {in.u64(), in.u32(), in.u32(), in.u64()};  // Braces evaluate left to right.
  check_sums(footer, where);
  return footer;
}

}  // namespace tabletd
