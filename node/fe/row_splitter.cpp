#include "node/fe/row_splitter.h"
#include <fmt/format.h>
#include <xxhash.h>
#include <algorithm>
#include <cstring>

namespace tabletd {

namespace {

constexpr std::size_t block_bytes_least = 4U << 10;
constexpr std::size_t block_bytes_most = 1U << 20; // design/actors.md 6: smaller chunks cost more CPU.

std::size_t words_for(std::size_t bytes) {
  return (bytes + sizeof(capnp::word) - 1) / sizeof(capnp::word);
}

} // namespace

std::string_view key_of(std::string_view row, std::uint32_t key_column, char separator) {
  std::size_t begin = 0;
  for (std::uint32_t column = 1; column < key_column; ++column) {
    const auto at = row.find(separator, begin);
    if (at == std::string_view::npos)
      return row;
    begin = at + 1;
  }
  return row.substr(begin, row.find(separator, begin) - begin);
}

std::uint32_t bucket_of(std::string_view key, std::uint32_t buckets) {
  return static_cast<std::uint32_t>(XXH3_64bits(key.data(), key.size()) % buckets);
}

row_splitter::row_splitter(options how, emit_fn emit)
  : how_(how),
    emit_(std::move(emit)),
    block_bytes_(std::clamp(how.memory_bytes / std::max(how.buckets, 1U), block_bytes_least,
                            block_bytes_most)),
    open_(how.buckets) {}

std::optional<std::string> row_splitter::push(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto* end = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t length = end ? static_cast<std::size_t>(end - bytes.data()) : bytes.size();
    if (partial_.size() + length > row_bytes_max)
      return fmt::format("line {} is longer than {} bytes; split it or load it as several rows",
                         line_ + 1, row_bytes_max);
    if (!end) {
      partial_.append(bytes);
      return std::nullopt;
    }
    if (partial_.empty()) {
      take_row(bytes.substr(0, length));
    } else {
      partial_.append(bytes.substr(0, length));
      take_row(partial_);
      partial_.clear();
    }
    bytes.remove_prefix(length + 1);
  }
  return std::nullopt;
}

void row_splitter::finish() {
  if (!partial_.empty()) {
    take_row(partial_);
    partial_.clear();
  }
  for (std::uint32_t bucket = 0; bucket < how_.buckets; ++bucket)
    emit(bucket);
}

void row_splitter::take_row(std::string_view row) {
  ++line_;
  const auto bucket = bucket_of(key_of(row, how_.key_column, how_.separator), how_.buckets);
  auto& state = open_[bucket];
  if (state.block && state.block->bytes + row.size() + 1 > state.block->words.asBytes().size())
    emit(bucket);
  if (!state.block) {
    state.block = std::make_shared<row_block>();
    state.block->words = kj::heapArray<capnp::word>(words_for(std::max(block_bytes_, row.size() + 1)));
  }
  auto* to = state.block->words.asBytes().begin() + state.block->bytes;
  std::memcpy(to, row.data(), row.size());
  to[row.size()] = '\n';
  state.block->bytes += row.size() + 1;
  ++state.block->rows;
  ++state.rows_total;
  state.bytes_total += row.size() + 1;
}

void row_splitter::emit(std::uint32_t bucket) {
  auto block = std::move(open_[bucket].block);
  if (!block)
    return;
  const auto used = words_for(block->bytes);
  auto bytes = block->words.asBytes();
  std::memset(bytes.begin() + block->bytes, 0, used * sizeof(capnp::word) - block->bytes);
  block->checksum = XXH3_64bits(bytes.begin(), block->bytes);
  emit_(bucket, std::move(block));
}

} // namespace tabletd
