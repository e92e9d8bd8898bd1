// Buffered writes to a descriptor; see text_sink.h.
#include "node/tabletctl/text_sink.h"
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace tabletd::ctl {

namespace {

constexpr std::size_t buffer_bytes = 64U << 10;

} // namespace

file_sink::~file_sink() {
  try {
    write_out();
  } catch (const std::exception&) {
    // A destructor has nobody to tell.
  }
}

void file_sink::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() < buffer_bytes)
    return;
  if (check_)
    check_();
  write_out();
}

void file_sink::flush() { write_out(); }

void file_sink::write_out() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const auto n = ::write(fd_, left.data(), left.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      const int why = errno;
      buffer_.clear();
      throw output_failure(fmt::format("the output could not be written: {}", std::strerror(why)),
                           why == EPIPE);
    }
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

} // namespace tabletd::ctl
