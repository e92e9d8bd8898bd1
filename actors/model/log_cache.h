#pragma once
// Which entries of the log are in memory, and which of those may leave it.  Entries that wait for
// apply need not be there: they are durable, and the applier reads them again.  That breaks the
// circle in which a slow state machine makes its own log grow (design/journal.md 6, 9.4, 9.7).
#include "actors/model/memory_governor.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace tabletd::model {

/// Entries first to last, both included.
struct entry_range {
  std::uint64_t first{};
  std::uint64_t last{};
  friend bool operator==(const entry_range&, const entry_range&) = default;
};

struct cache_limits {
  /// What the applier takes next stays in memory: so many entries, of so many bytes, or one (9.2).
  std::uint64_t prefetch_entries = 256;
  std::uint64_t prefetch_bytes = 1U << 20;
  /// A snapshot is due after so much log (9.4, 9.7).
  std::uint64_t snapshot_bytes = 64U << 20;
  std::uint64_t snapshot_entries = 100'000;
  /// So many entries before a snapshot stay in the log, so that a follower a little behind it needs none.
  std::uint64_t trailing_entries = 2'048;
  /// A live voter that is behind keeps at most so much log from being trimmed (9.7).
  std::uint64_t retain_bytes = 256U << 20;
  /// False only in tests of what happens then.
  bool cleans = true;
};

/// So many at once: deleting them rides along with a group commit and must not make it long (9.3).
inline constexpr std::uint64_t trim_rows_max = 2'000;

/// What the cleaner found due besides what it did.
struct cleaning {
  std::uint64_t evicted_bytes = 0;
  std::uint64_t trim_upto = 0;  ///< Delete log rows up to here, then call trimmed().  0: none.
  bool snapshot = false;        ///< Take one of what is applied; said until snapshot_taken().
};

/// The facts, without payloads.  Indexes in a call are those of the log; entries of one that holds
/// nothing yet begin at 1.  Durable, committed and applied only grow, except that a truncation
/// takes durable back.  An entry costs 24 bytes here even when its payload is gone; the governor does
/// not count those: snapshots bound them (100,000 entries, 2.4 MB).
class log_facts {
public:
  log_facts(memory_governor& governor, const cache_limits& limits);
  virtual ~log_facts() = default;
  log_facts(const log_facts&) = delete;
  log_facts& operator=(const log_facts&) = delete;

  /// first_index() is one more than last_index() when nothing is retained.
  [[nodiscard]] std::uint64_t first_index() const { return first_; }
  [[nodiscard]] std::uint64_t last_index() const { return first_ + facts_.size() - 1; }
  [[nodiscard]] std::uint64_t durable() const { return durable_; }
  [[nodiscard]] std::uint64_t committed() const { return committed_; }
  [[nodiscard]] std::uint64_t applied() const { return applied_; }
  [[nodiscard]] std::uint64_t snapshot() const { return snapshot_; }
  /// Up to here no payload of an applied entry is in memory, except for what is being sent.
  [[nodiscard]] std::uint64_t cleaned() const { return cleaned_; }

  [[nodiscard]] bool retained(std::uint64_t index) const { return index >= first_ && index <= last_index(); }
  /// Precondition of both: retained.
  [[nodiscard]] std::uint64_t size_bytes(std::uint64_t index) const;
  [[nodiscard]] bool in_memory(std::uint64_t index) const;
  /// What is unapplied and not in memory, as charges: it still counts for L_max.
  [[nodiscard]] std::uint64_t backlog_bytes() const { return backlog_bytes_; }
  /// C and backlog: what recovery would have to apply.
  [[nodiscard]] std::uint64_t unapplied_bytes() const;

  // -- what happened -----------------------------------------------------------------------
  void durable_upto(std::uint64_t index);
  /// Moves charges from uncommitted to unapplied.
  void committed_upto(std::uint64_t index);
  /// Precondition: committed, and in memory.
  void applied_upto(std::uint64_t index);
  /// A new leader's log differs from here on.  Precondition: not committed, and not pinned: who
  /// stops leading forgets its windows first.
  void truncate_from(std::uint64_t index);
  void snapshot_taken(std::uint64_t index);
  /// The rows are gone.
  void trimmed(std::uint64_t upto);
  /// A snapshot up to `index`, from elsewhere or at start, replaces the whole log.  Precondition: nothing is pinned.
  void installed(std::uint64_t index);

  // -- sending from the cache ---------------------------------------------------------------
  /// Those payloads are being sent as they are.  Precondition: in memory.  Balanced by unpin().
  void pin(entry_range range);
  void unpin(entry_range range);

  // -- making room --------------------------------------------------------------------------
  /// Under pressure, in this order: applied payloads, the oldest first; payloads waiting for apply
  /// beyond the prefetch window.  Durable ones only.  Returns what became free; less than `bytes`:
  /// next are the windows of followers outside the quorum, and then whoever asked is refused.
  std::uint64_t relieve(std::uint64_t bytes);
  /// Only the second of these.
  std::uint64_t shed_unapplied(std::uint64_t bytes);
  /// On a follower, when even that was not enough: uncommitted payloads, durable ones.  A leader keeps
  /// them: they are what it sends.
  std::uint64_t shed_uncommitted(std::uint64_t bytes);
  /// After every applied batch and now and then: keeps cached and unapplied within their limits,
  /// under pressure caches nothing, and says what else is due.  `match_min`: of live voters, which a
  /// follower hears from its leader: who trims more cannot help a follower when he leads.
  [[nodiscard]] cleaning clean(std::uint64_t match_min);

  /// What the applier must read from the log again before it goes on: the first gap in its prefetch window.
  [[nodiscard]] std::optional<entry_range> missing_for_apply() const;

protected:
  /// Precondition: the charge is in `uncommitted` already.
  void note_append(std::uint64_t entry_bytes, std::uint64_t charge_bytes);
  void note_durable(std::uint64_t entry_bytes);
  /// False: there is no room now.
  [[nodiscard]] bool note_load(std::uint64_t index);
  /// The payload goes.
  virtual void forget(std::uint64_t /*index*/) {}
  virtual void forget_front() {}
  virtual void forget_back() {}

private:
  struct fact {
    std::uint64_t end_bytes{};     ///< Payload bytes of the log up to and including this entry.
    std::uint32_t charge_bytes{};  ///< Until applied; then size + entry_cost_bytes.
    std::uint32_t size_bytes{};
    std::uint16_t pins{};
    bool resident{};
    bool leaving{};  ///< Evicted while pinned: `sending` until the last sender is done.
  };
  static_assert(sizeof(fact) == 24);

  [[nodiscard]] fact& at(std::uint64_t index) { return facts_[index - first_]; }
  [[nodiscard]] const fact& at(std::uint64_t index) const { return facts_[index - first_]; }
  [[nodiscard]] static std::uint64_t cached_charge(const fact& of) { return of.size_bytes + entry_cost_bytes; }
  [[nodiscard]] std::uint64_t prefetch_end() const;
  std::uint64_t evict_cached(std::uint64_t bytes);
  std::uint64_t shed(std::uint64_t bytes, std::uint64_t upto);
  void drop(std::uint64_t index, memory_category from, std::uint64_t charge_bytes);
  [[nodiscard]] std::uint64_t trim_due(std::uint64_t match_min) const;

  memory_governor& governor_;
  cache_limits limits_;
  std::deque<fact> facts_;
  std::uint64_t first_ = 1;
  std::uint64_t durable_ = 0, committed_ = 0, applied_ = 0, snapshot_ = 0;
  std::uint64_t snapshot_end_bytes_ = 0;  ///< Payload bytes of the log up to the snapshot.
  std::uint64_t trimmed_end_bytes_ = 0;   ///< And up to first_ - 1.
  std::uint64_t applied_end_bytes_ = 0;
  std::uint64_t cleaned_ = 0;  ///< Eviction of applied payloads goes on after this ...
  std::uint64_t shed_ = 0;     ///< ... and of others after this: each is passed once.
  std::uint64_t backlog_bytes_ = 0;
};

/// With the payloads: cheap handles, such as a reference-counted message; a default one is empty.
template <class Payload>
class log_cache : public log_facts {
public:
  using log_facts::log_facts;

  /// Appends entry last_index() + 1.  Precondition: `charge_bytes` is in `uncommitted` already; the
  /// door or the gate put it there.
  void append(Payload payload, std::uint64_t entry_bytes, std::uint64_t charge_bytes) {
    note_append(entry_bytes, charge_bytes);
    payloads_.push_back(std::move(payload));
  }
  /// At start: entry last_index() + 1 is on the disk, and not in memory.
  void append_durable(std::uint64_t entry_bytes) {
    note_durable(entry_bytes);
    payloads_.emplace_back();
  }
  /// Read again for the applier.  False: there is no room now.
  [[nodiscard]] bool load(std::uint64_t index, Payload payload) {
    if (!note_load(index))
      return false;
    payloads_[index - first_index()] = std::move(payload);
    return true;
  }
  /// Null if it is not in memory.
  [[nodiscard]] const Payload* find(std::uint64_t index) const {
    return retained(index) && in_memory(index) ? &payloads_[index - first_index()] : nullptr;
  }

private:
  void forget(std::uint64_t index) override { payloads_[index - first_index()] = Payload{}; }
  void forget_front() override { payloads_.pop_front(); }
  void forget_back() override { payloads_.pop_back(); }

  std::deque<Payload> payloads_;
};

}  // namespace tabletd::model
