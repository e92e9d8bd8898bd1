#pragma once
// What the tests of remote stores share: bytes to put, the fault a call ended with, and the kinds of store the
// contract is run against.
#include "persistence/remote/remote_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tabletd::test {

inline put_source source_of(std::string_view text) {
  return put_source(std::as_bytes(std::span(text.data(), text.size())));
}

/// Bytes that repeat nowhere near a part's size, so that a part in the wrong place is seen.
inline std::string pattern(std::size_t bytes, std::uint32_t seed = 1) {
  std::string text(bytes, '\0');
  for (auto& letter : text) {
    seed = seed * 1664525U + 1013904223U;
    letter = static_cast<char>(seed >> 24U);
  }
  return text;
}

inline std::string read_range(remote_store& store, std::string_view key, std::uint64_t offset, std::size_t bytes) {
  std::string text(bytes, '\0');
  text.resize(store.get(key, offset, std::as_writable_bytes(std::span(text.data(), text.size())), unhurried));
  return text;
}

inline std::string read_all(remote_store& store, std::string_view key) {
  return read_range(store, key, 0, store.head(key, unhurried).size_bytes);
}

struct ending {
  std::optional<remote_fault> fault;  ///< Nothing: the call returned.
  std::string sentence;
};

inline ending ending_of(const std::function<void()>& call) {
  try {
    call();
    return {};
  } catch (const remote_error& error) {
    return {error.fault(), error.what()};
  }
}

inline std::optional<remote_fault> fault_of(const std::function<void()>& call) { return ending_of(call).fault; }

/// One kind of store for one test: everything in it is fresh.
class store_kind {
public:
  virtual ~store_kind() = default;
  /// Another client of the same store.
  virtual std::unique_ptr<remote_store> connect() = 0;
};

struct contract_case {
  std::string name;
  std::function<std::unique_ptr<store_kind>()> make;
  friend std::ostream& operator<<(std::ostream& out, const contract_case& shown) { return out << shown.name; }
};

}  // namespace tabletd::test
