#pragma once
// kj::Exception as one line a person can read, without source paths.
#include <kj/exception.h>
#include <string>

namespace tabletd {

[[nodiscard]] inline std::string text_of(const kj::Exception& why) {
  const std::string text = why.getDescription().cStr();
  return text.empty() ? "connection lost" : text;
}

} // namespace tabletd
