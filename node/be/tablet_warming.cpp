#include "node/be/tablet_warming.h"

#include "actors/model/warmup_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace tabletd {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// After a store did not answer, what else is wanted of it fails at once for so long: thousands of tablets would each
/// wait for a store that is gone.
constexpr milliseconds store_rest{10'000};

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

bool says_store_is_away(remote_fault fault) {
  return fault == remote_fault::network || fault == remote_fault::throttled || fault == remote_fault::stopped;
}

/// One call of warm_tablets.  Its threads take objects while there are any, else the next tablet's meta, so that the
/// metas which are looked at are few and the requests in flight many.
class warming {
public:
  warming(const cold_reader& cold, std::span<const codec::warm_tablet> tablets, const warming_options& options)
      : cold_(cold), tablets_(tablets), options_(options), brought_(tablets.size()), failures_(tablets.size()) {}

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
    return outcome();
  }

private:
  struct wanted {
    std::size_t tablet{};
    cold_rowset rowset;
  };
  using held_lock = std::unique_lock<std::mutex>;

  void work() {
    for (held_lock lock(mutex_);;) {
      if (options_.is_stopped())
        is_over_ = true;
      if (is_over_)
        break;
      if (!objects_.empty()) {
        auto next = std::move(objects_.front());
        objects_.pop_front();
        bring(lock, next);
      } else if (looked_ < tablets_.size()) {
        look(lock, looked_++);
      } else if (busy_ > 0) {
        changed_.wait(lock);
      } else {
        break;
      }
    }
    changed_.notify_all();
  }

  /// Of those that are in flight at the end, each may have more: a large object that is left alone is not brought block
  /// by block.
  [[nodiscard]] std::uint32_t requests_for_one() const {
    const auto others = objects_.size() + (tablets_.size() - looked_) + busy_;
    return std::max(1U, options_.requests_max / static_cast<std::uint32_t>(std::clamp<std::size_t>(others, 1, 1'000)));
  }

  void look(held_lock& lock, std::size_t tablet) {
    const auto& wanted_tablet = tablets_[tablet];
    const auto resource = wanted_tablet.meta.resource;
    if (fails_with_its_store(tablet, resource))
      return;
    if (!cold_.cache() && !model::is_recall(wanted_tablet.meta))
      return fail(tablet, resource, "this backend has no file cache; set cache.capacity_bytes", false);
    ++busy_;
    lock.unlock();
    std::vector<cold_rowset> found;
    std::uint64_t bytes = 0;
    std::string failure;
    bool is_away = false;
    try {
      const auto meta = cold_.meta(wanted_tablet.tablet, wanted_tablet.meta, time_left_since(now_ms()));
      if (meta.is_kept)
        bytes = meta.object_bytes;
      else
        failure = "the list of its remote rowsets could not be kept here";
      found = objects_of(meta, wanted_tablet);
    } catch (const remote_error& why) {
      failure = why.what();
      is_away = says_store_is_away(why.fault());
    } catch (const std::exception& why) {
      failure = why.what();
    }
    if (bytes > 0)
      count(tablet, bytes);
    lock.lock();
    --busy_;
    if (!failure.empty())
      fail(tablet, resource, failure, is_away);
    for (auto& rowset : found)
      objects_.push_back({tablet, std::move(rowset)});
    changed_.notify_all();
  }

  void bring(held_lock& lock, const wanted& what) {
    const auto& rowset = what.rowset;
    if (fails_with_its_store(what.tablet, rowset.resource))
      return;
    ++busy_;
    const auto requests = requests_for_one();
    lock.unlock();
    std::string failure;
    bool is_away = false;
    try {
      const auto how = filled(what, requests);
      if (how.fault) {
        failure = how.why;
        is_away = says_store_is_away(*how.fault);
      } else if (how.bytes_skipped > 0) {
        failure = fmt::format("no room in the file cache for {} of the {} bytes of {}", how.bytes_skipped,
                              rowset.size_bytes, name_of(rowset).key);
      }
    } catch (const std::exception& why) {
      failure = why.what();
    }
    lock.lock();
    --busy_;
    if (!failure.empty())
      fail(what.tablet, rowset.resource, failure, is_away);
    changed_.notify_all();
  }

  fill_result filled(const wanted& what, std::uint32_t requests) {
    const auto store = cold_.store(what.rowset.resource);
    const auto heard = std::make_shared<std::atomic<std::int64_t>>(now_ms());
    fill_options how;
    how.forced = options_.forced;
    how.requests_max = requests;
    how.rate = options_.rate;
    how.time_left = [this, heard] { return left_since(heard->load()); };
    how.progress = [this, heard, tablet = what.tablet](std::uint64_t bytes) {
      heard->store(now_ms());
      count(tablet, bytes);
    };
    return cold_.cache()->fill(*store, name_of(what.rowset), how);
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

  // -- with the lock held --
  bool fails_with_its_store(std::size_t tablet, model::resource_id resource) {
    const auto away = away_.find(resource);
    if (away == away_.end() || steady::now() >= away->second.until)
      return false;
    if (failures_[tablet].empty())
      failures_[tablet] = away->second.why;
    return true;
  }
  void fail(std::size_t tablet, model::resource_id resource, const std::string& why, bool is_away) {
    if (failures_[tablet].empty())
      failures_[tablet] = why;
    if (is_away && !options_.is_stopped())
      away_[resource] = {steady::now() + store_rest, why};
  }

  [[nodiscard]] warmed outcome() {
    if (is_over_) {
      for (auto i = looked_; i < tablets_.size(); ++i)
        failures_[i] = "stopped";
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

  struct store_away {
    steady::time_point until;
    std::string why;
  };
  const cold_reader& cold_;
  const std::span<const codec::warm_tablet> tablets_;
  const warming_options& options_;
  std::atomic<std::uint64_t> bytes_done_{0};
  std::vector<std::atomic<std::uint64_t>> brought_;  ///< By tablet.
  std::mutex mutex_;  ///< Of all below.
  std::condition_variable changed_;
  std::size_t looked_ = 0;  ///< Tablets whose meta was taken in hand.
  std::size_t busy_ = 0;    ///< Metas and objects in hand.
  bool is_over_ = false;
  std::deque<wanted> objects_;
  std::vector<std::string> failures_;  ///< By tablet; empty: all is well so far.
  std::map<model::resource_id, store_away> away_;
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
