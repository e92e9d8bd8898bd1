#pragma once
// Strong ids and time, the only words every room shares.
#include <chrono>
#include <cstdint>
#include <type_traits>

namespace tabletd::model {

enum class backend_id : std::uint64_t {};
enum class database_id : std::uint64_t {};
enum class table_id : std::uint64_t {};
enum class partition_id : std::uint64_t {};
enum class tablet_id : std::uint64_t {};
enum class replica_id : std::uint64_t {};
enum class path_hash : std::uint64_t {}; ///< 0: unknown.
enum class colocate_group_id : std::uint64_t {}; ///< 0: none.
enum class frontend_id : std::uint64_t {}; ///< As consensus numbers them (node_id).  0: none.
enum class txn_id : std::uint64_t {};    ///< Log index of the load_begun that opened it.
enum class log_index : std::uint64_t {}; ///< 1-based; 0: none.  An order's index is its fence.

using version = std::uint64_t; ///< 1: an empty partition (spec/replica.md 1.2).  0: none.
using term = std::uint64_t;
using time_ms = std::chrono::milliseconds; ///< Since the Unix epoch unless a name says otherwise.

template <class Id>
  requires std::is_enum_v<Id>
[[nodiscard]] constexpr std::uint64_t raw(Id id) {
  return static_cast<std::uint64_t>(id);
}

inline constexpr version version_initial = 1;

/// Visitor built from lambdas.
template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

} // namespace tabletd::model
