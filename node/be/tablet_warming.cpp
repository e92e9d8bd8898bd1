#include "node/be/tablet_warming.h"

#include "actors/model/warmup_records.h"
#include "node/be/store_patience.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <numeric>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace tabletd {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// How often those who wait look whether it was stopped, or a store has rested.
constexpr milliseconds look_around{50};

std::vector<cold_rowset> objects_of(const cold_meta& from, const codec::warm_tablet& tablet) {
  std::vector<cold_rowset> all;
  for (const auto& rowset : from.meta.rowsets)
    if (rowset.blocks > 0)
      all.push_back({from.meta.resource, model::raw(tablet.tablet), rowset.object,
                     rowset_file_bytes(rowset.bytes, rowset.blocks), model::raw(tablet.partition)});
  return all;
}

remote_object name_of(const cold_rowset& rowset) {
  return object_of({nullptr, model::raw(rowset.resource), rowset.tablet, rowset.object, rowset.size_bytes});
}

/// Nothing is known of the object, only of its store.
bool may_pass(remote_fault fault) { return fault == remote_fault::network || fault == remote_fault::throttled; }

std::string colon(const std::string& why) { return why.empty() ? "" : ": " + why; }

struct failure {
  std::string why;
  std::optional<remote_fault> fault;  ///< Nothing: it is not the store's.
};

/// One call of warm_tablets.  Its threads take objects while there are any, else the next tablet's meta, so that the
/// metas which are looked at are few and the requests in flight many.
class warming {
public:
  warming(const cold_reader& cold, std::span<const codec::warm_tablet> tablets, const warming_options& options)
      : cold_(cold),
        tablets_(tablets),
        options_(options),
        brought_(tablets.size()),
        metas_(tablets.size()),
        failures_(tablets.size()) {
    std::iota(metas_.begin(), metas_.end(), std::size_t{0});
  }

  warmed run() {
    {
      std::vector<std::jthread> helpers;
      try {
        while (helpers.size() + 1 < options_.requests_max)
          helpers.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        // Fewer threads bring the same.
      }
      work();
    }
    if (cold_.cache())
      look_again();
    return outcome();
  }

private:
  struct wanted {
    std::size_t tablet{};
    cold_rowset rowset;
    std::uint64_t counted_bytes = 0;  ///< By calls that failed: they are here when it is tried again.
  };
  using held_lock = std::unique_lock<std::mutex>;

  void work() {
    for (held_lock lock(mutex_);;) {
      if (options_.is_stopped())
        is_over_ = true;
      if (is_over_)
        break;
      if (requests_ >= requests_max())
        changed_.wait_for(lock, look_around);
      else if (auto object = take(objects_, [this](const wanted& what) { return may_ask(what.rowset.resource); }))
        bring(lock, std::move(*object));
      else if (const auto tablet = take(metas_, [this](auto what) { return may_ask(tablets_[what].meta.resource); }))
        look(lock, *tablet);
      else if (busy_ > 0 || !objects_.empty() || !metas_.empty())
        changed_.wait_for(lock, look_around);
      else
        break;
    }
    changed_.notify_all();
  }

  /// The first that may be asked for; nothing: there is none, or their stores rest.
  template <class Thing, class MayAsk>
  static std::optional<Thing> take(std::deque<Thing>& from, const MayAsk& may_ask) {
    const auto at = std::find_if(from.begin(), from.end(), may_ask);
    if (at == from.end())
      return std::nullopt;
    std::optional<Thing> taken(std::move(*at));
    from.erase(at);
    return taken;
  }

  [[nodiscard]] std::uint32_t requests_max() const { return std::max(1U, options_.requests_max); }
  /// Of those that are in flight at the end, each may have more: a large object that is left alone is not brought block
  /// by block.  All together never more than the most there may be.
  [[nodiscard]] std::uint32_t requests_for_one() const {
    const auto others = objects_.size() + metas_.size() + busy_;
    const auto share = requests_max() / static_cast<std::uint32_t>(std::clamp<std::size_t>(others, 1, 1'000));
    return std::clamp(share, 1U, requests_max() - requests_);
  }

  void look(held_lock& lock, std::size_t tablet) {
    const auto& wanted_tablet = tablets_[tablet];
    const auto resource = wanted_tablet.meta.resource;
    if (fails_with_its_store(tablet, resource))
      return;
    if (!cold_.cache() && !model::is_recall(wanted_tablet.meta))
      return fail(tablet, "this backend has no file cache; set cache.capacity_bytes");
    const auto since_ms = waits_since(resource);
    ++busy_;
    ++requests_;
    lock.unlock();
    std::optional<cold_meta> found;
    failure how;
    try {
      found = cold_.meta(wanted_tablet.tablet, wanted_tablet.meta, time_left_since(since_ms));
    } catch (const remote_error& why) {
      how = {why.what(), why.fault()};
    } catch (const std::exception& why) {
      how = {why.what(), std::nullopt};
    }
    if (found && found->is_kept)
      count(tablet, found->object_bytes);
    lock.lock();
    --busy_;
    --requests_;
    if (found && found->is_fetched)
      patience_of(resource).heard(now_ms());
    if (found && !found->is_kept)
      fail(tablet, "the list of its remote rowsets could not be kept here" + colon(cold_.why_not_kept()));
    if (found)
      for (auto& rowset : objects_of(*found, wanted_tablet))
        objects_.push_back({tablet, std::move(rowset)});
    else if (is_worth_waiting(resource, how, since_ms))
      metas_.push_back(tablet);
    else
      fail(tablet, how.why);
    changed_.notify_all();
  }

  void bring(held_lock& lock, wanted what) {
    const auto resource = what.rowset.resource;
    if (fails_with_its_store(what.tablet, resource))
      return;
    std::atomic<std::int64_t> heard_ms(waits_since(resource));
    ++busy_;
    const auto requests = requests_for_one();
    requests_ += requests;
    lock.unlock();
    auto how = filled(what, requests, heard_ms);
    lock.lock();
    --busy_;
    requests_ -= requests;
    if (!how.why.empty()) {
      if (is_worth_waiting(resource, how, heard_ms))
        objects_.push_back(std::move(what));
      else
        fail(what.tablet, how.why);
    }
    changed_.notify_all();
  }

  /// Without the lock.  `heard_ms`: when a byte came last.
  failure filled(wanted& what, std::uint32_t requests, std::atomic<std::int64_t>& heard_ms) {
    const auto resource = what.rowset.resource;
    std::atomic<std::uint64_t> in_place{0};
    fill_options how;
    how.forced = options_.forced;
    how.requests_max = requests;
    how.rate = options_.rate;
    how.time_left = [this, &heard_ms] { return left_since(heard_ms); };
    how.heard = [this, resource] {
      const held_lock lock(mutex_);
      patience_of(resource).heard(now_ms());
    };
    how.progress = [this, &heard_ms, &in_place, &what](std::uint64_t bytes) {
      heard_ms = now_ms();
      const auto before = in_place.fetch_add(bytes);
      count(what.tablet, std::max(before + bytes, what.counted_bytes) - std::max(before, what.counted_bytes));
    };
    try {
      const auto result = cold_.cache()->fill(*cold_.store(resource), name_of(what.rowset), how);
      what.counted_bytes = std::max(what.counted_bytes, in_place.load());
      if (result.fault)
        return {result.why, result.fault};
      if (result.bytes_skipped > 0)
        return {fmt::format("no room in the file cache for {} of the {} bytes of {}", result.bytes_skipped,
                            what.rowset.size_bytes, name_of(what.rowset).key),
                std::nullopt};
      return {};
    } catch (const std::exception& why) {
      return {why.what(), std::nullopt};
    }
  }

  [[nodiscard]] static std::int64_t now_ms() {
    return std::chrono::duration_cast<milliseconds>(steady::now().time_since_epoch()).count();
  }
  [[nodiscard]] milliseconds left_since(std::int64_t heard_ms) const {
    return options_.is_stopped() ? milliseconds(0) : options_.patience - milliseconds(now_ms() - heard_ms);
  }
  [[nodiscard]] time_left_fn time_left_since(std::int64_t heard_ms) const {
    return [this, heard_ms] { return left_since(heard_ms); };
  }

  /// Not more of a tablet than the catalog has of it.
  void count(std::size_t tablet, std::uint64_t bytes) {
    const auto most = tablets_[tablet].meta.bytes;
    const auto before = brought_[tablet].fetch_add(bytes);
    const auto counts = std::min(before + bytes, most) - std::min(before, most);
    bytes_done_ += counts;
    if (options_.progress && counts > 0)
      options_.progress(counts);
  }

  /// What is said to be warm, and then logged, must be here, and be here after this process was killed: something may have
  /// left for what came later, or because its disk is needed.
  void look_again() {
    const auto unwritten = cold_.cache()->write_down();
    for (std::size_t i = 0; i < tablets_.size() && !is_over_; ++i) {
      is_over_ = options_.is_stopped();
      if (failures_[i].empty() && !is_over_)
        failures_[i] = lack_of(tablets_[i], unwritten);
    }
  }
  /// By the indexes alone.  Empty: all is here.
  [[nodiscard]] std::string lack_of(const codec::warm_tablet& tablet, const std::string& unwritten) const {
    try {
      const auto meta = cold_.cached_meta(tablet.tablet, tablet.meta);
      if (!meta)
        return "the list of its remote rowsets left the cache again, which has no room for the lists of all these tablets";
      for (const auto& rowset : objects_of(*meta, tablet)) {
        const auto object = name_of(rowset);
        if (cold_.cache()->bytes_present(object) < object.size_bytes)
          return fmt::format("a part of {} left the file cache while the rest came", object.key);
        if (!unwritten.empty() && cold_.cache()->bytes_written_down(object) < object.size_bytes)
          return unwritten;
      }
    } catch (const std::exception& why) {
      return why.what();
    }
    return {};
  }

  // -- with the lock held --
  store_patience& patience_of(model::resource_id resource) {
    return stores_.try_emplace(resource, options_.patience.count()).first->second;
  }
  /// What is wanted of a store that is away may be asked for too: it fails at once.
  [[nodiscard]] bool may_ask(model::resource_id resource) {
    const auto& store = patience_of(resource);
    return store.is_away(now_ms()) || !store.is_resting(now_ms());
  }
  /// A store that has been silent is waited for no longer because it is asked again.
  [[nodiscard]] std::int64_t waits_since(model::resource_id resource) {
    return patience_of(resource).silent_since_ms().value_or(now_ms());
  }
  /// Whether what a call could not get may come if it is asked for again.
  [[nodiscard]] bool is_worth_waiting(model::resource_id resource, failure& how, std::int64_t since_ms) {
    const bool is_silent = how.fault == remote_fault::stopped;
    if (options_.is_stopped() || !how.fault || (!is_silent && !may_pass(*how.fault)))
      return false;
    auto& store = patience_of(resource);
    if (is_silent && !store.why().empty())
      how.why = store.why();  // That the time was over says less than what was wrong before.
    store.failed(now_ms(), since_ms, how.why);
    return !is_silent && !store.is_away(now_ms());
  }
  bool fails_with_its_store(std::size_t tablet, model::resource_id resource) {
    const auto& store = patience_of(resource);
    if (!store.is_away(now_ms()))
      return false;
    fail(tablet, store.why());
    return true;
  }
  void fail(std::size_t tablet, const std::string& why) {
    if (failures_[tablet].empty())
      failures_[tablet] = why;
  }

  [[nodiscard]] warmed outcome() {
    if (is_over_) {
      for (const auto left : metas_)
        failures_[left] = "stopped";
      for (const auto& left : objects_)
        failures_[left.tablet] = "stopped";
    }
    warmed how;
    how.bytes_done = bytes_done_;
    for (std::size_t i = 0; i < tablets_.size(); ++i) {
      if (failures_[i].empty())
        continue;
      if (how.failed_tablets++ == 0)
        how.why = fmt::format("tablet {}: {}", model::raw(tablets_[i].tablet), failures_[i]);
      if (how.named_tablets.size() < model::failed_tablets_named_max)
        how.named_tablets.push_back(tablets_[i].tablet);
    }
    return how;
  }

  const cold_reader& cold_;
  const std::span<const codec::warm_tablet> tablets_;
  const warming_options& options_;
  std::atomic<std::uint64_t> bytes_done_{0};
  std::vector<std::atomic<std::uint64_t>> brought_;  ///< By tablet.
  std::mutex mutex_;  ///< Of all below.
  std::condition_variable changed_;
  std::size_t busy_ = 0;         ///< Metas and objects in hand.
  std::uint32_t requests_ = 0;   ///< In flight for them.
  bool is_over_ = false;
  std::deque<std::size_t> metas_;  ///< Tablets that are not looked at yet.
  std::deque<wanted> objects_;
  std::vector<std::string> failures_;  ///< By tablet; empty: all is well so far.
  std::map<model::resource_id, store_patience> stores_;
};

}  // namespace

warmed warm_tablets(const cold_reader& cold, std::span<const codec::warm_tablet> tablets,
                    const warming_options& options) {
  return warming(cold, tablets, options).run();
}

codec::cache_share verify_tablets(const cold_reader& cold, std::span<const codec::warm_tablet> tablets,
                                  const time_left_fn& time_left) {
  codec::cache_share share;
  for (const auto& tablet : tablets) {
    std::optional<cold_meta> meta;
    try {
      meta = cold.cached_meta(tablet.tablet, tablet.meta);
    } catch (const remote_error&) {
      // It is here and says nothing: worth as much as if it were not.
    }
    if (!meta || !cold.cache()) {
      share.missing_bytes += tablet.meta.bytes;
      continue;
    }
    share.sound_bytes += meta->object_bytes;
    for (const auto& rowset : objects_of(*meta, tablet)) {
      const auto verdict = cold.cache()->verify(name_of(rowset), time_left);
      share.sound_bytes += verdict.bytes_sound;
      share.damaged_bytes += verdict.bytes_damaged;
      share.missing_bytes += verdict.bytes_missing;
    }
  }
  return share;
}

}  // namespace tabletd
