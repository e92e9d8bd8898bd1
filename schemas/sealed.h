#pragma once
// sealed<S>: an immutable Cap'n Proto message that actors pass by pointer.
//
// One heap block [refs:u32][words:u32][root pointer | body], the body in Cap'n Proto's
// unchecked form: it is only ever built here or deep-copied out of a validating reader,
// so reading needs no arena, no bounds checks and no shared counters, from any thread.
#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize.h>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace tabletd {

namespace detail {

/// Reference count and words in one allocation.
class sealed_block {
public:
  static sealed_block* make(std::size_t words) {
    void* memory = std::calloc(1, sizeof(sealed_block) + words * sizeof(capnp::word));
    if (!memory)
      throw std::bad_alloc{};
    return new (memory) sealed_block(static_cast<std::uint32_t>(words));
  }
  capnp::word* words() { return reinterpret_cast<capnp::word*>(this + 1); }
  std::uint32_t size() const { return size_; }
  void shrink(std::size_t words) { size_ = static_cast<std::uint32_t>(words); }
  void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void deref() {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      std::free(this);
  }

private:
  explicit sealed_block(std::uint32_t words) : size_(words) {}
  std::atomic<std::uint32_t> refs_{1};
  std::uint32_t size_;
};
static_assert(sizeof(sealed_block) == 8, "the body must stay 8-byte aligned");

/// A builder whose first segment is the block itself: no copy if the message fits.
class sealed_builder final : public capnp::MessageBuilder {
public:
  explicit sealed_builder(std::size_t hint) : first_(sealed_block::make(hint)) {}
  sealed_builder(const sealed_builder&) = delete;
  ~sealed_builder() noexcept(false) override {
    for (auto* segment : more_)
      std::free(segment);
    if (first_)
      first_->deref();
  }
  kj::ArrayPtr<capnp::word> allocateSegment(capnp::uint least) override {
    if (!std::exchange(used_, true) && least <= first_->size())
      return {first_->words(), first_->size()};
    const std::size_t size = std::max<std::size_t>(least, next_);
    next_ = size * 2;
    auto* segment = static_cast<capnp::word*>(std::calloc(size, sizeof(capnp::word)));
    if (!segment)
      throw std::bad_alloc{};
    more_.push_back(segment);
    return {segment, size};
  }
  bool fits() const { return more_.empty(); }
  sealed_block* take(std::size_t words) {
    first_->shrink(words);
    return std::exchange(first_, nullptr);
  }

private:
  sealed_block* first_;
  bool used_ = false;
  std::size_t next_ = 256;
  std::vector<capnp::word*> more_;
};

} // namespace detail

template <class S>
class sealed {
public:
  using reader = typename S::Reader;

  sealed() = default; ///< Reads as an all-default struct.
  sealed(const sealed& other) : block_(other.block_) {
    if (block_)
      block_->ref();
  }
  sealed(sealed&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  sealed& operator=(sealed other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~sealed() {
    if (block_)
      block_->deref();
  }

  /// The typed view; valid while this handle (or a copy of it) lives.
  [[nodiscard]] reader get() const {
    return block_ ? capnp::readMessageUnchecked<S>(block_->words()) : reader{};
  }
  /// Calls `read` with the root, for code that must not keep the reader.
  template <class F>
  decltype(auto) read(F&& read) const {
    return std::forward<F>(read)(get());
  }
  [[nodiscard]] explicit operator bool() const { return block_ != nullptr; }
  /// The flat words: what a log stores and parse() takes back.
  [[nodiscard]] kj::ArrayPtr<const capnp::word> words() const {
    return block_ ? kj::ArrayPtr<const capnp::word>{block_->words(), block_->size()} : nullptr;
  }

  /// Deep copy of any reader; throws kj::Exception if its bytes are malformed.
  static sealed copy(reader from) {
    const auto words = from.totalSize().wordCount + 1; // Walks, and so validates, the tree.
    auto* block = detail::sealed_block::make(words);
    sealed made{block};
    capnp::copyToUnchecked(from, kj::arrayPtr(block->words(), words));
    return made;
  }
  /// From flat words that a peer or a disk gave us: validates, then copies.
  static sealed parse(kj::ArrayPtr<const capnp::word> flat, std::uint64_t limit_words = 8U << 20) {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = limit_words;
    kj::ArrayPtr<const capnp::word> segments[1] = {flat};
    capnp::SegmentArrayMessageReader message{kj::arrayPtr(segments, 1), options};
    return copy(message.getRoot<S>());
  }
  /// Builds in place; `fill` gets the root builder.  No copy if `hint_words` suffice.
  template <class Fill>
  static sealed build(Fill&& fill, std::size_t hint_words) {
    detail::sealed_builder builder{hint_words};
    auto root = builder.initRoot<S>();
    fill(root);
    if (!builder.fits())
      return copy(root.asReader());
    return sealed{builder.take(builder.getSegmentsForOutput()[0].size())};
  }

private:
  explicit sealed(detail::sealed_block* adopted) : block_(adopted) {}
  detail::sealed_block* block_ = nullptr;
};

/// seal<wire::Task>([&](auto task) { task.setFence(7); })
template <class S, class Fill>
[[nodiscard]] sealed<S> seal(Fill&& fill, std::size_t hint_words = 64) {
  return sealed<S>::build(std::forward<Fill>(fill), hint_words);
}

template <class S>
std::string to_string(const sealed<S>& message) {
  return std::string{capnp::Schema::from<S>().getShortDisplayName().cStr()} + "["
         + std::to_string(message.words().size()) + "w]";
}

} // namespace tabletd

// Mail stays inside the process (Cap'n Proto RPC goes between nodes), so CAF needs no
// serialization of it.  A forward declaration keeps CAF out of this room.
namespace caf {
template <class T>
struct allowed_unsafe_message_type;
template <class S>
struct allowed_unsafe_message_type<tabletd::sealed<S>> {
  static constexpr bool value = true;
};
} // namespace caf
