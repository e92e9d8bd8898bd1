#pragma once
// Cuts a byte stream into rows, finds each row's key and collects rows into blocks per
// bucket.  The hash decides where a key lives for as long as the table exists, so it is
// fixed here: xxh3-64 of the key column's bytes, modulo the bucket count.
#include <kj/array.h>
#include <capnp/common.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

/// Whole rows of one bucket, ready to travel: word-aligned and zero-padded, so a message
/// can point at it instead of copying.
struct row_block {
  kj::Array<capnp::word> words;
  std::size_t bytes = 0;
  std::uint32_t rows = 0;
  std::uint64_t checksum = 0; ///< xxh3-64 of the bytes.
  [[nodiscard]] kj::ArrayPtr<const kj::byte> data() const { return words.asBytes().slice(0, bytes); }
};
using row_block_ptr = std::shared_ptr<row_block>;

/// A row longer than this is refused: a block must hold at least one row in memory.
inline constexpr std::size_t row_bytes_max = 1U << 20;

/// The key column (1-based) of a row; the whole row if it has fewer columns.
[[nodiscard]] std::string_view key_of(std::string_view row, std::uint32_t key_column, char separator);
[[nodiscard]] std::uint32_t bucket_of(std::string_view key, std::uint32_t buckets);

class row_splitter {
public:
  struct options {
    std::uint32_t buckets = 1;
    std::uint32_t key_column = 1;
    char separator = '\t';
    std::size_t memory_bytes = 32U << 20; ///< Budget for all open blocks together.
  };
  using emit_fn = std::function<void(std::uint32_t bucket, row_block_ptr block)>;
  row_splitter(options how, emit_fn emit);

  /// Takes the next bytes.  An error is one sentence naming the line; nothing after it counts.
  [[nodiscard]] std::optional<std::string> push(std::string_view bytes);
  /// The last row may lack its newline; it gets one.  Emits every open block.
  void finish();

  [[nodiscard]] std::uint64_t rows(std::uint32_t bucket) const { return open_[bucket].rows_total; }
  [[nodiscard]] std::uint64_t bytes(std::uint32_t bucket) const { return open_[bucket].bytes_total; }

private:
  struct bucket_state {
    row_block_ptr block;
    std::uint64_t rows_total = 0;
    std::uint64_t bytes_total = 0;
  };
  void take_row(std::string_view row);
  void emit(std::uint32_t bucket);

  options how_;
  emit_fn emit_;
  std::size_t block_bytes_;
  std::vector<bucket_state> open_;
  std::string partial_; ///< A row whose end has not arrived yet.
  std::uint64_t line_ = 0;
};

} // namespace tabletd
