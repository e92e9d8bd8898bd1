#pragma once
// A directory for tests that make thousands of files: on a busy disk their fsyncs would cost
// minutes, and what a disk may lose is modelled in fault_files.h anyway.
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace tabletd::test {

/// In memory where the system has such a place.
class memory_directory {
public:
  memory_directory() {
    std::error_code ignored;
    const bool has_memory = std::filesystem::is_directory("/dev/shm", ignored);
    const auto where = has_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string pattern = (where / "tabletd-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error("cannot make a directory like " + pattern);
    path_ = std::filesystem::canonical(pattern);
  }
  memory_directory(const memory_directory&) = delete;
  memory_directory& operator=(const memory_directory&) = delete;
  ~memory_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

}  // namespace tabletd::test
