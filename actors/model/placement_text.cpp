// Decisions in words, for SHOW and the log.
#include "actors/model/placement.h"
#include <array>
#include <charconv>
#include <cmath>

namespace tabletd::model {

namespace {

std::string percent(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

/// A sentence under way: every remedy gets one, so it is written into one piece of memory.
struct words {
  std::string line;
  words() { line.reserve(160); }
  words& operator<<(std::string_view word) {
    line += word;
    return *this;
  }
  words& operator<<(std::uint64_t number) {
    std::array<char, 20> digits;
    line.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
    return *this;
  }
  words& operator<<(const place& at) { return *this << "backend " << raw(at.backend) << " path " << raw(at.path); }
};

std::string_view text(drop_reason reason) {
  switch (reason) {
    case drop_reason::backend_dropped: return "its backend was dropped";
    case drop_reason::bad: return "it is damaged";
    case drop_reason::backend_unavailable: return "its backend is dead or leaving";
    case drop_reason::version_incomplete: return "it lacks versions";
    case drop_reason::same_host: return "another replica is on the same host";
    case drop_reason::highest_load: return "its backend is the most loaded";
    case drop_reason::lost: return "its backend does not have it";
    case drop_reason::table_dropped: return "its table was dropped";
    case drop_reason::wrong_cluster: return "its backend is not of the table's cluster";
    case drop_reason::moved: return "balance has put another one in its place";
    case drop_reason::not_in_group: return "its colocation group has this bucket elsewhere";
  }
  return "unknown";
}

} // namespace

std::string sentence(const path_verdict& verdict) {
  const bool source = verdict.role == path_role::source;
  switch (verdict.code) {
    case path_code::chosen: return source ? "copied from here" : "copied to here";
    case path_code::usable: return "would do as well, but another one is preferred";
    case path_code::backend_dead: return "is dead";
    case path_code::backend_decommissioned: return "is being decommissioned";
    case path_code::backend_unlinked: return "is not connected to the leader now";
    case path_code::backend_unreported: return "has not sent its first full report yet";
    case path_code::holds_replica: return "holds a replica of this tablet already";
    case path_code::same_host: return "is on the host of another replica";
    case path_code::other_cluster: return "is not of the cluster the table belongs to";
    case path_code::not_in_group: return "is not where the colocation group has this bucket";
    case path_code::replica_bad: return "its replica is damaged";
    case path_code::replica_cloning: return "its replica is still being copied";
    case path_code::replica_incomplete: return "its replica lacks versions";
    case path_code::path_unseen: return "has not said how full this path is";
    case path_code::path_offline: return "this path is offline";
    case path_code::too_full:
      return "this path would be " + percent(verdict.used_ratio) + " full with " + mebibytes(verdict.left_bytes)
             + " left";
    case path_code::no_slot: return "all slots of this path are in use";
  }
  return "unknown";
}

std::string_view sentence(blocker why) {
  switch (why) {
    case blocker::none: return "nothing is in the way";
    case blocker::tablet_unknown: return "the tablet is gone";
    case blocker::unhealthy: return "the tablet has to be repaired first";
    case blocker::order_open: return "an order of this tablet is still running; it is adopted";
    case blocker::unrecoverable:
      return "no live backend has a complete replica; bring a backend that has one back";
    case blocker::no_source:
      return "backends with a complete replica are not connected now; waiting until one is";
    case blocker::source_slot: return "all source paths are busy; waiting for a slot";
    case blocker::no_backend:
      return "every available backend holds a replica or shares a host with one; add a backend or bring one back";
    case blocker::no_path: return "no path has room for the replica; free space or add a disk";
    case blocker::target_unlinked: return "possible targets are not connected or have not reported yet";
    case blocker::target_slot: return "all fitting target paths are busy; waiting for a slot";
    case blocker::loads_open:
      return "loads that began before the newest copy was complete are under way; waiting for their end";
    case blocker::unconfirmed:
      return "the copies that would stay are not confirmed by a full report yet; waiting for it";
    case blocker::nothing_to_drop: return "every replica is needed";
  }
  return "unknown";
}

std::string sentence(const decision& d) {
  return std::visit(
    overloaded{
      [&](const leave_alone&) {
        return std::string{d.blocked == blocker::none ? "nothing to do" : sentence(d.blocked)};
      },
      [](const clone_move& m) {
        words say;
        if (m.source.backend == m.target.backend) {
          say << "move replica " << raw(m.replica) << " from " << m.source << " to path " << raw(m.target.path);
          return std::move(say.line);
        }
        if (raw(m.replica) == 0)
          say << "copy a new replica";
        else
          say << "fill replica " << raw(m.replica);
        say << " up to version " << m.version << " from " << m.source << " to " << m.target;
        return std::move(say.line);
      },
      [](const drop_move& m) {
        words say;
        say << "drop replica " << raw(m.replica) << " on " << m.at << ": " << text(m.reason);
        return std::move(say.line);
      },
    },
    d.move);
}

} // namespace tabletd::model
