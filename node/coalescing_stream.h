#pragma once
// A stream for RPC of many small messages: what is written in one turn of the event loop
// leaves in one system call, and reads are buffered.  capnp 0.9.2 makes three writes and six
// to eight reads per call; behind this stream a call costs a third of the CPU
// (design/actors.md 6).  Outside of TLS.  Ports that accept are wrapped (rpc_port); who dials
// uses the bare socket: a leader's blocks are large and by reference, a console waits for a person.
#include <kj/async-io.h>
#include <kj/vector.h>
#include <cstdint>
#include <deque>
#include <vector>

namespace tabletd {

/// Order is kept.  A small write is done when it is buffered; an error of the socket reaches
/// the next write, as with a kernel buffer.  What is still buffered when the stream is
/// destroyed is lost: flush() or shutdownWrite() first.  Loop thread only; like any KJ stream
/// it outlives the promises it gave.
class coalescing_stream final : public kj::AsyncIoStream {
public:
  struct limits {
    std::size_t read_bytes = 64U << 10;  ///< Of the read buffer; larger reads bypass it.
    std::size_t small_bytes = 16U << 10; ///< Larger writes are not copied.
    std::size_t held_bytes = 64U << 10;  ///< More unwritten than this, and writers wait.
  };
  explicit coalescing_stream(kj::Own<kj::AsyncIoStream> inner) : coalescing_stream(kj::mv(inner), limits{}) {}
  coalescing_stream(kj::Own<kj::AsyncIoStream> inner, limits how);

  kj::Promise<std::size_t> tryRead(void* to, std::size_t bytes_min, std::size_t bytes_max) override;

  kj::Promise<void> write(const void* from, std::size_t bytes) override;
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override;
  /// Resolves when everything written before has reached the socket; rejected if it could not.
  kj::Promise<void> flush();
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  /// After what was written before.
  void shutdownWrite() override;
  void abortRead() override { inner_->abortRead(); }

  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, kj::uint length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, kj::uint* length) override { inner_->getsockname(address, length); }
  void getpeername(struct sockaddr* address, kj::uint* length) override { inner_->getpeername(address, length); }

private:
  /// One system call to come: small writes collected, or one large write by reference.
  struct segment {
    enum class kind { small, large, shutdown };
    kind what = kind::small;
    std::uint64_t number = 0;
    kj::Vector<kj::byte> bytes;
    kj::Maybe<kj::Function<kj::Promise<void>()>> large;
    std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting;
  };
  segment& small_segment();
  segment& append(segment::kind what);
  kj::Promise<void> appended_small(std::size_t bytes);
  kj::Promise<void> write_large(kj::Function<kj::Promise<void>()> write);
  kj::Promise<void> written(segment& which);
  void start();
  kj::Promise<void> pump();
  kj::Promise<void> write_segment(segment& which);
  void cancel_large(std::uint64_t number);
  void fail(const kj::Exception& why);

  kj::Own<kj::AsyncIoStream> inner_;
  limits how_;
  kj::Array<kj::byte> read_;
  std::size_t read_at_ = 0;
  std::size_t read_end_ = 0;

  std::deque<segment> queue_; ///< The front one is being written while is_pumping_.
  std::size_t held_ = 0;      ///< Bytes of small segments in the queue.
  std::uint64_t segments_made_ = 0;
  bool is_pumping_ = false;
  bool is_start_due_ = false;
  kj::Maybe<kj::Exception> failure_;
  kj::Canceler large_in_flight_;
  kj::Promise<void> due_ = nullptr;
  kj::Promise<void> pump_ = nullptr;
};

} // namespace tabletd
