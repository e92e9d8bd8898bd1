// See remote_store.h.
#include "persistence/remote/remote_store.h"

#include "persistence/remote/remote_key.h"
#include "persistence/rowset_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace tabletd {

std::chrono::milliseconds unhurried() { return std::chrono::hours(24); }

put_source::put_source(const segment_bytes& segment) : segment_(&segment), size_bytes_(segment.size()) {}

void put_source::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  assert(offset <= size_bytes_ && into.size() <= size_bytes_ - offset);
  if (segment_)
    segment_->read_at(offset, into);
  else if (file_)
    file_->read_at(offset_ + offset, into);
  else
    std::ranges::copy(bytes_.subspan(offset, into.size()), into.begin());
}

void fail_remote(remote_fault fault, std::string_view store, std::string_view doing, std::string_view key,
                 std::string_view why, std::string_view next_step) {
  throw remote_error(fault, std::string(key),
                     fmt::format("cannot {} {} in {}: {}; {}", doing, key, store, why, next_step));
}

std::chrono::milliseconds require_time(const time_left_fn& time_left, std::string_view store, std::string_view doing,
                                       std::string_view key) {
  const auto left = time_left();
  if (left <= std::chrono::milliseconds::zero())
    fail_remote(remote_fault::stopped, store, doing, key, "the caller's time for it is over",
                "look at the store before doing it again: the change may have been made");
  return left;
}

void require_key(std::string_view key, std::string_view store, std::string_view doing) {
  if (const auto wrong = key_fault(key))
    fail_remote(remote_fault::unusable, store, doing, printable(key), *wrong, "use another key");
}

void require_listing(std::string_view prefix, std::size_t keys_max, std::string_view store) {
  if (const auto wrong = prefix_fault(prefix))
    fail_remote(remote_fault::unusable, store, "list", printable(prefix), *wrong, "use another prefix");
  if (keys_max == 0 || keys_max > remote_store::page_keys_max)
    fail_remote(remote_fault::unusable, store, "list", prefix, fmt::format("a page of {} keys was asked for", keys_max),
                fmt::format("ask for 1 to {}", remote_store::page_keys_max));
}

}  // namespace tabletd
