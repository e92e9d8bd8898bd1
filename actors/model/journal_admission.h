#pragma once
// Who may still propose: a bound on the bytes of edits that the catalog has not answered
// for, so that a slow disk or a slow fold refuses writers instead of filling memory
// (design/journal.md 9.5, without its waiting room: refused writers try again).
#include <cstdint>

namespace tabletd::model {

struct admission_limits {
  std::uint64_t edit_bytes_max = 8U << 20;
  std::uint64_t pending_bytes_max = 64U << 20;
};

/// What an entry costs beside its payload: handle, promise, queue slot (journal.md 9.4).
inline constexpr std::uint64_t entry_overhead_bytes = 96;

enum class admission : std::uint8_t { admitted, overloaded, too_large };

class journal_admission {
public:
  explicit journal_admission(admission_limits limits) : limits_(limits) {}

  /// Charges an admitted edit until release().  Into an idle journal one edit always fits.
  [[nodiscard]] admission admit(std::uint64_t edit_bytes) {
    if (edit_bytes > limits_.edit_bytes_max)
      return admission::too_large;
    const auto charge = charge_of(edit_bytes);
    if (pending_bytes_ != 0 && pending_bytes_ + charge > limits_.pending_bytes_max)
      return admission::overloaded;
    pending_bytes_ += charge;
    return admission::admitted;
  }
  void release(std::uint64_t edit_bytes) { pending_bytes_ -= charge_of(edit_bytes); }

  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] const admission_limits& limits() const { return limits_; }

private:
  static std::uint64_t charge_of(std::uint64_t edit_bytes) { return edit_bytes + entry_overhead_bytes; }

  admission_limits limits_;
  std::uint64_t pending_bytes_ = 0;
};

}  // namespace tabletd::model
