#pragma once
// What backends are asked to warm outside of any slot: for jobs that follow events (spec/jobs.md A13), and for a backend
// that is new or has begun anew.  Pure, memory of one term of leadership.  Level-triggered: what is wanted is wanted until
// the backend has it, a new leader wants everything again, and to warm what is warm costs nothing.
#include "actors/model/catalog.h"
#include "actors/model/warmup_heat.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace tabletd::model {

struct push_options {
  std::size_t tablets_max = 64;        ///< In one push; a backend has one at a time.
  time_ms rest_after_failure{20'000};  ///< Of its backend.
  time_ms rest_after_silence{2'000};   ///< The same: most have no link yet, or none any more, and say so at once.
  std::uint32_t tries_max = 5;         ///< A tablet that fails so often is left until its objects change.
};

/// Goes out at once; its end comes as push_ended with the same number.
struct push_order {
  backend_id backend{};
  std::uint64_t number{};
  std::vector<tablet_id> tablets;
  friend bool operator==(const push_order&, const push_order&) = default;
};
struct push_ended {
  backend_id backend{};
  std::uint64_t number{};
  bool is_silent = false;  ///< Nobody knows what it has of them.
  std::uint64_t failed_tablets{};
  std::vector<tablet_id> named_tablets;  ///< The first of them.
};

class warmup_pusher {
public:
  explicit warmup_pusher(push_options options = {}) : options_(options) {}

  /// The catalog was `was` at the last look.  A job in it that follows events and is not followed yet wants all of its
  /// scope (if it follows queries: what is hot), later what was published since.
  void look(const catalog& was, const catalog& is, const heat_book& heat);
  /// These partitions are hot in that cluster and were not.
  void grew_hot(const catalog& cat, const std::string& cluster, const std::set<partition_id>& fresh);
  /// The backend is new, or has begun anew: it gets what is hot in its cluster and served by it, as much as its cache
  /// holds, the hottest last.
  void joined(const catalog& cat, const heat_book& heat, backend_id backend, std::uint64_t cache_bytes);

  /// Some job follows events.
  [[nodiscard]] bool is_following() const { return !followed_.empty(); }
  [[nodiscard]] std::vector<push_order> next(time_ms now);
  /// Tablets that are given up with it.
  std::vector<tablet_id> on(const push_ended& e, time_ms now);

private:
  /// `job` 0: because its backend joined.
  using want_key = std::pair<warmup_job_id, tablet_id>;
  struct want {
    want_key what;
    std::uint32_t tries = 0;
  };
  struct flight {
    std::uint64_t number{};
    std::vector<want> wants;
  };
  struct push_line {
    std::deque<want> waiting;
    std::set<want_key> known;  ///< Of `waiting`.
    std::optional<flight> out;
    time_ms rest_until{};
  };

  void add(push_line& to, want one);
  void add(backend_id backend, warmup_job_id job, tablet_id tablet);
  /// Takes what waits for the job out of all lines.
  std::set<tablet_id> withdraw(warmup_job_id job);
  void follow(const catalog& cat, const heat_book& heat, const warmup_job& job);
  void move_house(const catalog& cat, const heat_book& heat, const warmup_job& job, std::vector<backend_id> backends);
  void note_published(const catalog& was, const catalog& is, const heat_book& heat);

  push_options options_;
  std::map<warmup_job_id, std::vector<backend_id>> followed_;  ///< With the backends that serve its destination.
  std::map<backend_id, push_line> lines_;
  std::uint64_t numbers_ = 0;
};

}  // namespace tabletd::model
