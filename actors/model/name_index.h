#pragma once
// Finds objects by name in a catalog that is keyed by id.  A persistent map from the hash of
// (scope, name) to the few ids that share it; the caller compares the names themselves, so a
// collision costs a comparison and nothing else.
#include "actors/model/cow_map.h"
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tabletd::model {

class name_index {
public:
  void put(std::uint64_t scope, std::string_view name, std::uint64_t id) {
    const key at = hash(scope, name);
    if (auto* ids = ids_.edit(at))
      ids->push_back(id);
    else
      ids_.put(at, {id});
    ++size_;
  }

  void erase(std::uint64_t scope, std::string_view name, std::uint64_t id) {
    const key at = hash(scope, name);
    auto* ids = ids_.edit(at);
    if (!ids)
      return;
    size_ -= std::erase(*ids, id);
    if (ids->empty())
      ids_.erase(at);
  }

  /// Newest first; stops at the first id that `is_it(id)` accepts and returns it, else 0.
  template <class IsIt>
  [[nodiscard]] std::uint64_t find(std::uint64_t scope, std::string_view name, IsIt&& is_it) const {
    const auto* ids = ids_.find(hash(scope, name));
    if (!ids)
      return 0;
    const auto hit = std::find_if(ids->rbegin(), ids->rend(), is_it);
    return hit == ids->rend() ? 0 : *hit;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

private:
  enum class key : std::uint64_t {};

  /// FNV-1a over the scope's bytes and the name's, cut to 20 bits: a sparse 64-bit key would cost
  /// a path of thirteen nodes per name, and a slot that a dozen names share is still cheap.
  static key hash(std::uint64_t scope, std::string_view name) {
    std::uint64_t h = 14'695'981'039'346'656'037ULL;
    const auto mix = [&h](std::uint8_t byte) { h = (h ^ byte) * 1'099'511'628'211ULL; };
    for (int shift = 0; shift < 64; shift += 8)
      mix(static_cast<std::uint8_t>(scope >> shift));
    for (const char c : name)
      mix(static_cast<std::uint8_t>(c));
    return static_cast<key>((h ^ h >> 32) & 0xf'ffff);
  }

  cow_map<key, std::vector<std::uint64_t>> ids_;
  std::size_t size_ = 0;
};

} // namespace tabletd::model
