#pragma once
// Where printed text goes: a file descriptor with a buffer, or a string in tests.
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tabletd::ctl {

class text_sink {
public:
  virtual ~text_sink() = default;
  virtual void write(std::string_view text) = 0;
  /// Makes what was written visible now.
  virtual void flush() {}
};

/// The output could not be written; `reader_gone` is a closed pipe, which deserves no words.
class output_failure : public std::runtime_error {
public:
  output_failure(const std::string& sentence, bool reader_gone)
    : std::runtime_error(sentence),
      reader_gone_(reader_gone) {}
  [[nodiscard]] bool reader_gone() const { return reader_gone_; }

private:
  bool reader_gone_;
};

/// Collects up to 64 KiB before it writes.  Does not own the descriptor.
class file_sink final : public text_sink {
public:
  explicit file_sink(int fd) : fd_(fd) {}
  file_sink(const file_sink&) = delete;
  ~file_sink() override; ///< Writes what is left and swallows a failure; call flush() to see it.
  void write(std::string_view text) override;
  void flush() override;
  void redirect(int fd) {
    flush();
    fd_ = fd;
  }
  /// Asked before every write to the descriptor; may throw to stop a long listing.
  void before_write(std::function<void()> check) { check_ = std::move(check); }

private:
  void write_out();
  int fd_;
  std::string buffer_;
  std::function<void()> check_;
};

class string_sink final : public text_sink {
public:
  void write(std::string_view text) override { text_ += text; }
  [[nodiscard]] const std::string& text() const { return text_; }

private:
  std::string text_;
};

} // namespace tabletd::ctl
