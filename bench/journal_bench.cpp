// The journal against plain SQLite group commit: what do actors, consensus, checksums and
// the fold's answer cost on top of the same transactions on the same disk?
//
// Both sides are closed loops of n proposers with the same payload, opened by the same
// function.  The peer is a writer thread that commits the same batches (as many edits in each
// transaction as the journal put there in the round before), and a client thread that proposes
// again whatever was committed: the least that does the same job.  Rounds alternate, so that
// both see the same neighbours; one JSON line per case.
//
//   journal_bench [directory] [seconds per round] [rounds]
#include "actors/journal/journal.h"
#include "actors/journal/libraft_core.h"
#include "actors/scheduling.h"
#include "actors/urgent_exit.h"
#include "persistence/sqlite.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tabletd {
namespace {

using seconds = std::chrono::duration<double>;
constexpr std::size_t payload_bytes = 200;
constexpr auto warm_up = std::chrono::milliseconds(200);

edit_message payload() {
  const auto empty = seal<wire::Edit>([](auto edit) { edit.setDatabaseCreated(""); });
  const std::string name(payload_bytes - empty.words().asBytes().size() - 1, 'x');
  return seal<wire::Edit>([&](auto edit) { edit.setDatabaseCreated(name); });
}

/// Entries per second between the warm-up and the end of the round.
template <class Count>
double rate(Count&& count, seconds span) {
  std::this_thread::sleep_for(warm_up);
  const auto begun = std::chrono::steady_clock::now();
  const auto before = count();
  std::this_thread::sleep_for(span);
  const auto done = count() - before;
  return static_cast<double>(done) / seconds(std::chrono::steady_clock::now() - begun).count();
}

// -- ours --------------------------------------------------------------------------------

catalog_sink_actor::behavior_type trivial_sink(catalog_sink_actor::pointer, edit_outcome done) {
  return {[done](const committed_batch& batch) {
    return batch_outcomes{std::vector<edit_outcome>(batch.edits.size(), done)};
  }};
}

struct client_state {
  journal_actor journal;
  edit_message edit;
};

void propose(caf::stateful_actor<client_state>* self) {
  self->request(self->state.journal, caf::infinite, self->state.edit).then([self](const edit_outcome& outcome) {
    if (outcome.get().getFailure() == wire::EditOutcome::Failure::NONE)
      propose(self);
  });
}

/// One proposer: proposes again when it is answered, as the peer's clients do.
caf::behavior client(caf::stateful_actor<client_state>* self, journal_actor journal) {
  self->state = {std::move(journal), payload()};
  propose(self);
  return {[](int) {}};
}

/// Edits per transaction, in order.
using batch_sizes = std::vector<std::size_t>;

/// A log that remembers how it was written.
class recording_log final : public edit_log {
public:
  recording_log(std::shared_ptr<edit_log> log, batch_sizes& sizes) : log_(std::move(log)), sizes_(sizes) {}
  [[nodiscard]] hard_state load_hard_state() const override { return log_->load_hard_state(); }
  void save_hard_state(hard_state state) override { log_->save_hard_state(state); }
  void append(std::uint64_t first, std::span<const log_entry> entries) override {
    log_->append(first, entries);
    if (first > 1)  // Founding the group is no batch.
      sizes_.push_back(entries.size());
  }
  void replay(std::uint64_t from, const visit_fn& visit) const override { log_->replay(from, visit); }
  [[nodiscard]] std::vector<image_point> image_points() const override { return log_->image_points(); }
  void save_image_point(const image_point& point, std::uint64_t oldest_kept) override {
    log_->save_image_point(point, oldest_kept);
  }
  void restart(const image_point& point) override { log_->restart(point); }
  void truncate_prefix(std::uint64_t first_kept) override { log_->truncate_prefix(first_kept); }
  [[nodiscard]] std::uint64_t first_index() const override { return log_->first_index(); }
  [[nodiscard]] std::uint64_t last_index() const override { return log_->last_index(); }
  [[nodiscard]] const std::string& path() const override { return log_->path(); }
  [[nodiscard]] std::uint64_t file_bytes() const override { return log_->file_bytes(); }
  [[nodiscard]] std::uint64_t wal_bytes() const override { return log_->wal_bytes(); }

private:
  std::shared_ptr<edit_log> log_;
  batch_sizes& sizes_;
};

double run_journal(const std::filesystem::path& directory, int proposers, seconds span, batch_sizes& sizes) {
  std::filesystem::remove_all(directory);
  caf::actor_system_config config;
  set_scheduling(config);
  caf::actor_system sys{config};
  journal_parts parts;
  sizes.clear();
  parts.log = std::make_shared<recording_log>(open_sqlite_edit_log(directory, {}), sizes);
  parts.core = std::make_shared<libraft_core>(libraft_options{.self = 1});
  parts.founders = {{1, "fe1:9010"}};
  const auto stats = parts.stats;
  const auto journal = sys.spawn(tabletd::journal, open_journal(std::move(parts)));
  const auto sink = sys.spawn(trivial_sink, seal<wire::EditOutcome>([](auto) {}));
  caf::anon_send(journal, replay_from{1}, sink);
  std::vector<caf::actor> crowd;
  for (int i = 0; i < proposers; ++i)
    crowd.push_back(sys.spawn(client, journal_actor{journal}));
  const auto result = rate([&] { return stats->applied_index.load(); }, span);
  for (const auto& each : crowd)
    urgent_exit(each, caf::exit_reason::user_shutdown);
  urgent_exit(sink, caf::exit_reason::user_shutdown);
  urgent_exit(journal, caf::exit_reason::user_shutdown);
  return result;
}

// -- the peer ----------------------------------------------------------------------------

/// Numbers of clients, handed over in bulk.
class hand_over {
public:
  void put(std::span<const int> clients) {
    {
      const std::lock_guard guard{mutex_};
      waiting_.insert(waiting_.end(), clients.begin(), clients.end());
    }
    changed_.notify_one();
  }
  void close() {
    {
      const std::lock_guard guard{mutex_};
      closed_ = true;
    }
    changed_.notify_one();
  }
  /// Everything that is there; empty: closed.
  std::vector<int> take() {
    std::unique_lock guard{mutex_};
    changed_.wait(guard, [this] { return closed_ || !waiting_.empty(); });
    return closed_ ? std::vector<int>{} : std::exchange(waiting_, {});
  }
  /// Exactly so many, when they are there; empty: closed.
  std::vector<int> take(std::size_t count) {
    std::unique_lock guard{mutex_};
    changed_.wait(guard, [&] { return closed_ || waiting_.size() >= count; });
    if (closed_)
      return {};
    const auto last = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<int> taken(waiting_.begin(), last);
    waiting_.erase(waiting_.begin(), last);
    return taken;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> waiting_;
  bool closed_ = false;
};

double run_plain_sqlite(const std::filesystem::path& directory, int proposers, seconds span, const batch_sizes& sizes) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  auto db = sqlite::open_database(directory / "plain.db");
  db.execute("CREATE TABLE entry(idx INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT");
  sqlite::statement insert(db, "INSERT INTO entry VALUES(?1, ?2)");
  const std::string data(payload_bytes, 'x');
  std::atomic<std::uint64_t> committed{0};
  hand_over proposed, done;
  std::thread writer([&] {
    std::size_t next = 0;
    const auto take = [&] { return proposed.take(sizes[next++ % sizes.size()]); };
    for (auto batch = take(); !batch.empty(); batch = take()) {
      auto index = committed.load();
      sqlite::transaction change(db);
      for (std::size_t i = 0; i < batch.size(); ++i)
        insert.bind(1, ++index).bind(2, std::as_bytes(std::span(data))).run();
      change.commit();
      committed = index;
      done.put(batch);
    }
  });
  std::thread client([&] {
    for (auto batch = done.take(); !batch.empty(); batch = done.take())
      for (const int each : batch)  // Clients know nothing of one another, as in the journal's case.
        proposed.put({&each, 1});
  });
  std::vector<int> everybody(static_cast<std::size_t>(proposers));
  proposed.put(everybody);
  const auto result = rate([&] { return committed.load(); }, span);
  proposed.close();
  done.close();
  writer.join();
  client.join();
  return result;
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

void run_case(const std::filesystem::path& directory, int proposers, seconds span, int rounds) {
  std::vector<double> ours, peer;
  batch_sizes sizes;
  for (int round = 0; round < rounds; ++round) {
    const auto measure_ours = [&] { ours.push_back(run_journal(directory / "journal", proposers, span, sizes)); };
    if (round % 2 == 0)
      measure_ours();
    peer.push_back(run_plain_sqlite(directory / "plain", proposers, span, sizes));
    if (round % 2 != 0)
      measure_ours();
  }
  fmt::print(
      "{{\"bench\":\"journal\",\"case\":\"{} proposers, {} B\",\"ours\":{:.0f},\"peer\":{:.0f},"
      "\"peer_name\":\"plain SQLite, same batches\",\"unit\":\"edits/s\",\"ratio\":{:.3f}}}\n",
      proposers, payload_bytes, median(ours), median(peer), median(ours) / median(peer));
  std::fflush(stdout);
}

}  // namespace
}  // namespace tabletd

int main(int argc, char** argv) {
  using namespace tabletd;
  const std::filesystem::path directory = argc > 1 ? argv[1] : "journal_bench.tmp";
  const seconds span(argc > 2 ? std::stod(argv[2]) : 2.);
  const int rounds = argc > 3 ? std::stoi(argv[3]) : 5;
  for (const int proposers : {1, 16, 256})
    run_case(directory, proposers, span, rounds);
  std::filesystem::remove_all(directory);
}
