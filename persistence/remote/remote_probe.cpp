// See remote_probe.h.
#include "persistence/remote/remote_probe.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <span>

namespace tabletd {

namespace {

constexpr std::string_view advice = "use a store that has conditional writes (If-None-Match), or a shared directory";

put_source source_of(std::string_view text) { return put_source(std::as_bytes(std::span(text))); }

/// Nothing: refused, as it must be.
std::optional<std::string> second_put(remote_store& store, const std::string& key, const time_left_fn& time_left) {
  try {
    store.put_if_absent(key, source_of("second"), time_left);
    return "let a second object replace one that was to be created once";
  } catch (const remote_error& error) {
    if (error.fault() != remote_fault::exists_already)
      throw;
    return std::nullopt;
  }
}

std::optional<std::string> whats_wrong(remote_store& store, const std::string& key, const time_left_fn& time_left) {
  constexpr std::string_view first = "first";
  try {
    store.put_if_absent(key, source_of(first), time_left);
  } catch (const remote_error& error) {
    if (error.fault() != remote_fault::unusable)
      throw;
    return fmt::format("refuses conditional writes ({})", error.what());
  }
  if (auto wrong = second_put(store, key, time_left))
    return wrong;
  std::array<char, 2 * first.size()> found{};
  const auto size = store.get(key, 0, std::as_writable_bytes(std::span(found)), time_left);
  if (std::string_view(found.data(), size) != first)
    return "refused a second object and yet lost the first";
  return std::nullopt;
}

}  // namespace

probe_outcome probe_conditional_create(remote_store& store, std::uint64_t random, const time_left_fn& time_left) {
  const std::string key = "tabletd-probe/" + hex(random);
  const auto wrong = whats_wrong(store, key, time_left);
  store.remove(key, time_left);
  if (wrong)
    return {false, fmt::format("{} {}; {}", store.name(), *wrong, advice)};
  return {true, fmt::format("{} has conditional create", store.name())};
}

}  // namespace tabletd
