#pragma once
// How many copies may touch one disk at a time.  A running clone holds one slot on its
// source path and one on its target path; the scheduler's running contexts own the slots,
// so the ledger can always be derived from them again (spec/replica.md 4.6, C4).
#include "actors/model/edit.h"
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tabletd::model {

/// Orders places; an ordered map keeps every walk deterministic.
struct place_less {
  bool operator()(const place& a, const place& b) const {
    return a.backend != b.backend ? a.backend < b.backend : a.path < b.path;
  }
};

/// For lookups only: nothing may depend on the order of a walk.
struct place_hash {
  std::size_t operator()(const place& at) const noexcept {
    return static_cast<std::size_t>(raw(at.path) ^ raw(at.backend) * 0x9E37'79B9'7F4A'7C15ULL);
  }
};

/// What one running clone occupies.
struct slot_claim {
  place source;
  place target;
  std::uint64_t bytes{}; ///< On their way to the target: the path fit rule counts them.
  friend bool operator==(const slot_claim&, const slot_claim&) = default;
};

/// A path with a number of slots of its own.
struct slot_total {
  place at;
  std::uint32_t total{}; ///< At least 1.
  friend bool operator==(const slot_total&, const slot_total&) = default;
};

/// A claim that was granted.  Whoever owns it gives it back exactly once; letting it go out
/// of scope instead is the slot leak that stopped the originals, so it asserts.
class [[nodiscard]] slot_token {
public:
  slot_token(slot_token&& other) noexcept;
  slot_token& operator=(slot_token&& other) noexcept;
  slot_token(const slot_token&) = delete;
  slot_token& operator=(const slot_token&) = delete;
  ~slot_token();
  [[nodiscard]] const slot_claim& claim() const { return *claim_; }

private:
  friend class slot_ledger;
  explicit slot_token(const slot_claim& claim) : claim_(claim) {}
  std::optional<slot_claim> claim_; ///< Empty: moved from or given back.
};

class slot_ledger {
public:
  /// Seed: schedule_slot_num_per_path = 2.
  explicit slot_ledger(std::uint32_t per_path = 2) : per_path_(per_path) {}

  /// Of a path that has no number of its own.
  [[nodiscard]] std::uint32_t total() const { return per_path_; }
  [[nodiscard]] std::uint32_t total(const place& at) const;
  [[nodiscard]] std::uint32_t used(const place& at) const;
  [[nodiscard]] std::uint32_t available(const place& at) const;
  [[nodiscard]] std::uint64_t incoming_bytes(const place& at) const;
  /// False if as many paths of the backend are full as it has: no use to look at each.  A path that
  /// has left the backend counts while a copy holds it, so a free one may be missed until it ends.
  [[nodiscard]] bool any_available(backend_id backend, std::size_t paths) const;

  /// Of every path without a number of its own.  Copies that run keep what they hold, also beyond a
  /// lower total.
  void set_total(std::uint32_t per_path);
  /// Of one path; nothing: again that of all others.
  void set_own_total(const place& at, std::optional<std::uint32_t> total);

  /// Both slots or nothing.
  [[nodiscard]] std::optional<slot_token> take(const slot_claim& claim);
  /// For an order that runs already: granted even beyond the total (the number of slots
  /// may have been lowered since), because the disks are busy with it either way.
  [[nodiscard]] slot_token adopt(const slot_claim& claim);
  void give_back(slot_token token);

  /// What the ledger must equal: one slot per claim and end.
  [[nodiscard]] static slot_ledger derived(std::uint32_t per_path, std::span<const slot_claim> running,
                                           std::span<const slot_total> own = {});
  friend bool operator==(const slot_ledger&, const slot_ledger&) = default;

private:
  struct usage {
    path_hash path{};
    std::uint32_t slots{};
    std::uint32_t own_total{}; ///< 0: per_path_.
    std::uint64_t incoming_bytes{};
    friend bool operator==(const usage&, const usage&) = default;
  };
  struct backend_usage {
    std::vector<usage> paths;  ///< Those in use or with a total of their own: few, ascending.
    std::size_t full = 0;      ///< Of them, without a free slot.
    friend bool operator==(const backend_usage&, const backend_usage&) = default;
  };
  [[nodiscard]] const usage* find(const place& at) const;
  [[nodiscard]] std::uint32_t total_of(const usage& u) const { return u.own_total > 0 ? u.own_total : per_path_; }
  [[nodiscard]] bool is_full(const usage& u) const { return u.slots > 0 && u.slots >= total_of(u); }
  using backends = std::unordered_map<backend_id, backend_usage>;
  static usage& entry(backend_usage& of, path_hash path);
  /// Removes the path if it is neither in use nor has a total of its own.
  void tidy(backends::iterator of, path_hash path);
  void use(const place& at, std::uint64_t incoming_bytes);
  void add(const slot_claim& claim);
  void remove_one(const place& at, std::uint64_t incoming_bytes);

  std::uint32_t per_path_;
  backends used_; ///< Only backends with such paths.
};

} // namespace tabletd::model
