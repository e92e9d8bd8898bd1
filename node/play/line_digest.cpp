// See line_digest.h.
#include "node/play/line_digest.h"
#include <fmt/format.h>
#include <openssl/evp.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace tabletd::play {

namespace {

class sha256 {
public:
  sha256() : context_(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free) {
    check(context_ && ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) == 1);
  }
  void add(std::string_view text) {
    check(::EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1);
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    check(::EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    std::string out;
    for (unsigned i = 0; i < size; ++i)
      out += fmt::format("{:02x}", digest.at(i));
    return out;
  }

private:
  static void check(bool worked) {
    if (!worked)
      throw std::runtime_error("OpenSSL cannot compute SHA-256");
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context_;
};

} // namespace

line_digest digest_of_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  lines.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  std::sort(lines.begin(), lines.end());
  sha256 hash;
  line_digest out;
  for (const auto line : lines) {
    hash.add(line);
    hash.add("\n");
    out.bytes += line.size() + 1;
  }
  out.lines = lines.size();
  out.sha256 = hash.hex();
  return out;
}

line_digest digest_of_file(const std::filesystem::path& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed)
    throw std::runtime_error(
      fmt::format("{} could not be read: {}", path.string(), failed.message()));
  if (size > digest_bytes_max)
    throw std::runtime_error(
      fmt::format("{} has {} MiB; the tour sorts in memory and takes files up to {} MiB",
                  path.string(), size >> 20U, digest_bytes_max >> 20U));
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad() || text.size() != size)
    throw std::runtime_error(
      fmt::format("{} could not be read: {}", path.string(), std::strerror(errno)));
  return digest_of_lines(text);
}

} // namespace tabletd::play
